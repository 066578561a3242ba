/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Linux system calls in words: arguments with what they point to. */
#ifndef ANALYSES_BUILTIN_SYSCALL_TEXT_H
#define ANALYSES_BUILTIN_SYSCALL_TEXT_H

#include "analyses/builtin/syscall_names.h"
#include "analyses/rr-plugin.h"

/* One call. What it reads is looked up when it is entered, what it writes when it has returned. */
typedef struct SyscallText {
    const char *name, *types;
    uint64_t args[SYSCALL_ARGS];
    char *parts[SYSCALL_ARGS]; /* "": not known yet */
    bool complete[SYSCALL_ARGS];
    unsigned strings; /* in the array that it passes, if it does */
} SyscallText;

/* On entry: the hart's present address space is the caller's. */
void syscall_text_begin(SyscallText *t, uint64_t nr, const uint64_t *args, const RrHart *hart);
/*
 * Of an execve that has worked: what was not in memory when it was entered, as the new program finds it on its stack. Its words
 * only if there are as many: a script's are other ones.
 */
void syscall_text_executed(SyscallText *t, const RrHart *hart);
/* `hart` NULL: memory is not to be looked at. A new string: "close(3) = 0"; error: NULL or its name. Frees the rest. */
char *syscall_text_end(SyscallText *t, const RrHart *hart, bool has_result, int64_t result,
                       const char *error);
/* Instead of the end. */
void syscall_text_clear(SyscallText *t);

#endif
