/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known about the guest's Linux kernel: where its functions are, from its symbols, and the layout of
 * its structures, from the type information (BTF) in its memory. Without that, only what can be found by
 * looking at its first task.
 */
#ifndef ANALYSES_LINUX_H
#define ANALYSES_LINUX_H

#include "analyses/store/store.h"
#include "core/hart.h"

#define LINUX_COMM 16u

typedef struct LinuxTask {
    bool has_ids;
    int32_t pid, tid; /* tgid and pid of task_struct */
    int32_t parent;   /* tgid of the one that made it; 0: not known */
    char name[LINUX_COMM];
    Gva stack_base;
    uint64_t stack_size; /* 0: not known */
} LinuxTask;

typedef struct Linux Linux;

/* NULL: these are not the symbols of a Linux kernel. */
Linux *linux_new(Store *store);
void linux_free(Linux *l); /* NULL is allowed */
/* The code of __switch_to: [low, high). */
void linux_switch_range(const Linux *l, Gva *low, Gva *high);
/* Find the layout, once the kernel's memory is mapped; afterwards this does nothing. */
void linux_learn(Linux *l, const Hart *hart);
/* False: there is no task_struct at the address, or its layout is not known. */
bool linux_read_task(const Linux *l, const Hart *hart, Gva address, LinuxTask *to);

#endif
