/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux system calls in words: names, errors, arguments with what they point to. */
#ifndef ANALYSES_SYSCALL_TEXT_H
#define ANALYSES_SYSCALL_TEXT_H

#include <glib.h>
#include "core/hart.h"

#define SYSCALL_ARGS 6u

/* NULL: there is no such number. */
const char *syscall_name(uint64_t nr);
/* Of a result: -2 is "ENOENT"; NULL: it is not an error. */
const char *syscall_error(int64_t result);

/* One call. What it reads is looked up when it is entered, what it writes when it has returned. */
typedef struct SyscallText {
    const char *name, *types;
    uint64_t args[SYSCALL_ARGS];
    char *parts[SYSCALL_ARGS]; /* "": not known yet */
    bool complete[SYSCALL_ARGS];
} SyscallText;

/* On entry: the hart's present address space is the caller's. */
void syscall_text_begin(SyscallText *t, uint64_t nr, const uint64_t *args, const Hart *hart);
/* `hart` NULL: memory is not to be looked at. A new string: "close(3) = 0"; error: NULL or its name. Frees the rest. */
char *syscall_text_end(SyscallText *t, const Hart *hart, bool has_result, int64_t result, const char *error);

#endif
