/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls, from the ecall of a program to the return to it, by task. What the return means shows where it
 * goes: behind the ecall, with the result in a0; to the ecall again, which then is another call; into a signal
 * handler, whose frame on the stack has both; into a new program. The numbers' meaning is Linux's.
 */
#ifndef ANALYSES_SYSCALL_TRACK_H
#define ANALYSES_SYSCALL_TRACK_H

#include "analyses/builtin/syscall_names.h"
#include "analyses/trackers/tasks.h"

typedef struct Syscall {
    int64_t id; /* 1, 2, …, in the order in which they were entered */
    uint32_t hart, task;
    Pos enter, exit; /* exit POS_NONE: it did not return (yet) */
    uint64_t nr, args[SYSCALL_ARGS];
    bool has_result, new_program; /* it went on in another program: memory is that one's */
    int64_t result;
    const char *error; /* static: "ENOENT"; "ERESTARTSYS": it will be made once more */
    Gva epc;
    uint64_t sp;
} Syscall;

typedef struct SyscallOps {
    void (*entered)(void *opaque, const Syscall *s, const Hart *hart);
    /* It returned to the program, just now; or it never will (hart NULL). */
    void (*left)(void *opaque, const Syscall *s, const Hart *hart);
} SyscallOps;

typedef struct SyscallTrack SyscallTrack;

SyscallTrack *syscall_track_new(Machine *m, Tasks *tasks);
void syscall_track_free(SyscallTrack *t); /* NULL is allowed */
/* Any time. `ops` are told from then on. */
void syscall_track_watch(SyscallTrack *t, const SyscallOps *ops, void *opaque);
void syscall_track_unwatch(SyscallTrack *t, void *opaque);
/* Subscribe. */
void syscall_track_begin(SyscallTrack *t);
/* Unsubscribe; what has not returned is told as such. */
void syscall_track_end(SyscallTrack *t);

#endif
