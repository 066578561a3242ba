/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs on which hart: Linux tasks where the kernel's symbols are known, else address spaces (values of
 * satp). One tracker serves all analyses of a replay, so that they agree on the tasks' ids, which count in
 * the order in which tasks were first seen.
 *
 * A Linux hart changes its task where __switch_to writes tp. What a task is called is read from its
 * task_struct, whose layout comes from the kernel's BTF; without it a task has no pid, tid and name.
 */
#ifndef ANALYSES_TASKS_H
#define ANALYSES_TASKS_H

#include "analyses/store/store.h"
#include "core/machine.h"

#define TASK_NAME_SIZE 16u /* TASK_COMM_LEN, with the 0 */

typedef struct Task {
    uint32_t id; /* 1, 2, … */
    Gva address; /* of its task_struct; 0: not known (yet), or not Linux */
    bool has_ids, has_stack, has_satp;
    bool is_firmware; /* what runs before Linux does */
    int32_t pid, tid; /* Linux: the process (tgid) and the thread */
    int32_t parent;   /* the process that made it, when it was first seen; 0: not known */
    char name[TASK_NAME_SIZE];
    uint64_t satp; /* the last one it had; kernel threads have none */
    Pos first_pos, last_pos;
    Gva stack_base; /* the kernel's stack for it */
    uint64_t stack_size, min_sp;
} Task;

/* From `from_pos` to before `to_pos`; reported when the hart goes over to another task, and at the end. */
typedef struct TaskTurn {
    uint32_t hart;
    Task *task;
    Pos from_pos, to_pos;
    Nsec from, to, idle;
    uint64_t insns;
} TaskTurn;

typedef struct TaskOps {
    void (*turn)(void *opaque, const TaskTurn *turn);
    /* The hart is the task's from pos on; before, it was the former one's (NULL: nobody's). */
    void (*switched)(void *opaque, const Hart *hart, const Task *former, const Task *task, Pos pos);
    /* Its task_struct has become another task's: it will have no hart again. */
    void (*gone)(void *opaque, const Task *task);
} TaskOps;

typedef struct Tasks Tasks;

/* `store` for the kernel's symbols. */
Tasks *tasks_new(Machine *m, Store *store);
void tasks_free(Tasks *t);
/* Any time; `turn` before tasks_begin() only. */
void tasks_watch(Tasks *t, const TaskOps *ops, void *opaque);
void tasks_unwatch(Tasks *t, void *opaque);
/* Follow the kernel stack's lowest pointer too. */
void tasks_watch_stacks(Tasks *t);
/* Subscribe; the machine stands at the first position. Whoever watches by then is told who has the harts. */
void tasks_begin(Tasks *t);
/* Unsubscribe; the last turns are reported. Tasks live on. */
void tasks_end(Tasks *t, Pos to_pos);

bool tasks_is_linux(const Tasks *t);
/* Whose turn it is on the hart; NULL: of a machine without harts (a test's). Its id, or 0. */
Task *tasks_current(const Tasks *t, const Hart *hart);
uint32_t tasks_current_id(const Tasks *t, const Hart *hart);
guint tasks_count(const Tasks *t);
const Task *tasks_get(const Tasks *t, guint i); /* i-th, id i + 1 */

#endif
