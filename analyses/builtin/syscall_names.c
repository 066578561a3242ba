/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/builtin/syscall_names.h"

#include <glib.h>

#include "analyses/builtin/syscall_table.h"

#define ERRORS 4096

static const struct {
    const char *name, *types;
} syscalls[] = {
#define X(nr, name, types) [nr] = {#name, types},
    SYSCALLS(X)
#undef X
};

static const char *const errors[] = {
#define X(number, name) [number] = #name,
    ERRNOS(X)
#undef X
};

const char *syscall_name(uint64_t nr) {
    return nr < G_N_ELEMENTS(syscalls) ? syscalls[nr].name : NULL;
}

const char *syscall_types(uint64_t nr) {
    return nr < G_N_ELEMENTS(syscalls) ? syscalls[nr].types : NULL;
}

const char *syscall_error(int64_t result) {
    if (result >= 0 || result <= -ERRORS)
        return NULL;
    const char *name = -result < (int64_t)G_N_ELEMENTS(errors) ? errors[-result] : NULL;
    return name ? name : "unknown error";
}
