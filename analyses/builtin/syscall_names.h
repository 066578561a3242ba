/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux system calls and errors by name. */
#ifndef ANALYSES_BUILTIN_SYSCALL_NAMES_H
#define ANALYSES_BUILTIN_SYSCALL_NAMES_H

#include <stdint.h>

#define SYSCALL_ARGS 6u

/* NULL: there is no such number. */
const char *syscall_name(uint64_t nr);
/* Its arguments, a letter each (syscall_table.h); NULL: likewise. */
const char *syscall_types(uint64_t nr);
/* Of a result: -2 is "ENOENT"; NULL: it is not an error. */
const char *syscall_error(int64_t result);

#endif
