/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/tasks.h"

#include <string.h>

#include "analyses/trackers/linux.h"
#include "analyses/trackers/transfer.h"

#define SP 2u
#define TP 4u

typedef struct Holder {
    Task *task;
    TaskTurn turn;
    uint64_t insns; /* of the hart at turn.from_pos */
    Nsec asleep;    /* since then; NSEC_NEVER: awake */
} Holder;

typedef struct Watcher {
    const TaskOps *ops;
    void *opaque;
} Watcher;

struct Tasks {
    Machine *machine;
    Linux *kernel; /* NULL: another guest */
    GPtrArray *tasks;
    GHashTable *by_address; /* Linux: of task_struct → the task that has it now; else satp → task */
    Holder holders[MACHINE_MAX_HARTS];
    GArray *watchers;
    bool subscribed, stacks;
};

Tasks *tasks_new(Machine *m, Store *store) {
    Tasks *t = g_new0(Tasks, 1);
    t->machine = m;
    t->kernel = linux_new(store);
    t->tasks = g_ptr_array_new_with_free_func(g_free);
    t->by_address = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    t->watchers = g_array_new(FALSE, FALSE, sizeof(Watcher));
    return t;
}

void tasks_free(Tasks *t) {
    if (!t)
        return;
    if (t->subscribed)
        hooks_unsubscribe(t->machine->hooks, t);
    linux_free(t->kernel);
    g_ptr_array_free(t->tasks, TRUE);
    g_hash_table_unref(t->by_address);
    g_array_free(t->watchers, TRUE);
    g_free(t);
}

void tasks_watch(Tasks *t, const TaskOps *ops, void *opaque) {
    Watcher w = {ops, opaque};
    g_array_append_val(t->watchers, w);
}

void tasks_unwatch(Tasks *t, void *opaque) {
    for (guint i = t->watchers->len; i-- > 0;)
        if (g_array_index(t->watchers, Watcher, i).opaque == opaque)
            g_array_remove_index(t->watchers, i);
}

void tasks_watch_stacks(Tasks *t) {
    t->stacks = true;
}

bool tasks_is_linux(const Tasks *t) {
    return t->kernel != NULL;
}

Task *tasks_current(const Tasks *t, const Hart *hart) {
    return t->holders[hart->id].task;
}

uint32_t tasks_current_id(const Tasks *t, const Hart *hart) {
    const Task *task = tasks_current(t, hart);
    return task ? task->id : 0;
}

guint tasks_count(const Tasks *t) {
    return t->tasks->len;
}

const Task *tasks_get(const Tasks *t, guint i) {
    return t->tasks->pdata[i];
}

/* -- tasks --------------------------------------------------------------------------------------------- */
static Task *task_new(Tasks *t, Pos pos) {
    Task *task = g_new0(Task, 1);
    g_ptr_array_add(t->tasks, task);
    task->id = t->tasks->len;
    task->first_pos = task->last_pos = pos;
    task->min_sp = UINT64_MAX;
    return task;
}

static void task_bind(Tasks *t, Task *task, uint64_t key) {
    task->address = t->kernel ? key : 0;
    g_hash_table_insert(t->by_address, g_memdup2(&key, sizeof key), task);
}

/* What the kernel says about it now: a new program has a new name. */
static void task_refresh(Tasks *t, Task *task, const Hart *hart) {
    LinuxTask now;
    if (!t->kernel || !task->address || !linux_read_task(t->kernel, hart, task->address, &now))
        return;
    task->has_ids = now.has_ids;
    task->pid = now.pid;
    task->tid = now.tid;
    if (!task->parent)
        task->parent = now.parent;
    memcpy(task->name, now.name, sizeof task->name);
    if (now.stack_size && !task->has_stack) {
        task->has_stack = true;
        task->stack_base = now.stack_base;
        task->stack_size = now.stack_size;
        if (task->min_sp - now.stack_base >= now.stack_size) /* it was not this stack's */
            task->min_sp = UINT64_MAX;
    }
}

static bool has_a_hart(const Tasks *t, const Task *task) {
    for (uint32_t i = 0; i < t->machine->n_harts; i++)
        if (t->holders[i].task == task)
            return true;
    return false;
}

static void task_gone(const Tasks *t, const Task *task) {
    for (guint i = 0; i < t->watchers->len && !has_a_hart(t, task); i++) {
        const Watcher *w = &g_array_index(t->watchers, Watcher, i);
        if (w->ops->gone)
            w->ops->gone(w->opaque, task);
    }
}

/* A task_struct that was freed may have become another task's. */
static bool is_another(const Tasks *t, const Hart *hart, const Task *task) {
    LinuxTask now;
    return task->has_ids && linux_read_task(t->kernel, hart, task->address, &now) && now.has_ids &&
           (now.tid != task->tid || now.pid != task->pid);
}

static Task *task_at(Tasks *t, const Hart *hart, Gva address, Pos pos) {
    Task *task = g_hash_table_lookup(t->by_address, &address);
    if (task && !is_another(t, hart, task))
        return task;
    if (task)
        task_gone(t, task);
    task = task_new(t, pos);
    task_bind(t, task, address);
    task_refresh(t, task, hart);
    return task;
}

/* -- turns --------------------------------------------------------------------------------------------- */
/* Retired before pos, which is the hart's step or, since it was not a trap, the next one. */
static uint64_t insns_before(const Tasks *t, const Hart *hart, Pos pos) {
    return hart_instret(hart) + (t->machine->running && pos > hart_pos(hart));
}

static void turn_begin(Tasks *t, const Hart *hart, Task *task, Pos pos) {
    Holder *h = &t->holders[hart->id];
    const Task *former = h->task;
    Nsec now = machine_time_at(t->machine, pos);
    h->task = task;
    h->turn = (TaskTurn){.hart = hart->id, .task = task, .from_pos = pos, .from = now};
    h->insns = insns_before(t, hart, pos);
    h->asleep = NSEC_NEVER;
    for (guint i = 0; i < t->watchers->len; i++) {
        const Watcher *w = &g_array_index(t->watchers, Watcher, i);
        if (w->ops->switched)
            w->ops->switched(w->opaque, hart, former, task, pos);
    }
}

static void turn_end(Tasks *t, const Hart *hart, Pos pos) {
    Holder *h = &t->holders[hart->id];
    h->turn.to_pos = pos;
    h->turn.to = machine_time_at(t->machine, pos);
    h->turn.insns = insns_before(t, hart, pos) - h->insns;
    if (h->asleep != NSEC_NEVER)
        h->turn.idle += h->turn.to - h->asleep;
    h->task->last_pos = MAX(h->task->first_pos, pos - (pos > 0));
    for (guint i = 0; i < t->watchers->len && pos > h->turn.from_pos; i++) {
        const Watcher *w = &g_array_index(t->watchers, Watcher, i);
        if (w->ops->turn)
            w->ops->turn(w->opaque, &h->turn);
    }
}

static void hand_over(Tasks *t, const Hart *hart, Task *next, Pos pos) {
    if (t->holders[hart->id].task == next)
        return;
    turn_end(t, hart, pos);
    turn_begin(t, hart, next, pos);
}

/* -- Linux: where __switch_to writes tp ------------------------------------------------------------------ */
typedef struct SwitchSite {
    Tasks *tasks;
    uint8_t next; /* the register that holds the next task */
} SwitchSite;

/* Before the instruction: tp is the former task. */
static void on_switch(void *data, const Hart *hart) {
    const SwitchSite *site = data;
    Tasks *t = site->tasks;
    Holder *h = &t->holders[hart->id];
    Pos pos = hart_pos(hart);
    linux_learn(t->kernel, hart);
    if (!h->task->address)
        task_bind(t, h->task, hart->x[TP]);
    task_refresh(t, h->task, hart);
    hand_over(t, hart, task_at(t, hart, hart->x[site->next], pos), pos);
}

/* mv tp, REG: addi tp, REG, 0 or c.mv (unprivileged spec, "Integer Register-Immediate Instructions", "C"). */
static bool writes_tp(const ProbeInsn *insn, uint8_t *from) {
    if (insn->len == 4 && (insn->raw & 0xfff07fff) == (TP << 7 | 0x13)) {
        *from = insn->raw >> 15 & 31;
        return true;
    }
    *from = insn->raw >> 2 & 31;
    return insn->len == 2 && (insn->raw & 0xff83) == (0x8002 | TP << 7) && *from;
}

static void attach_switch(Tasks *t, ProbeBlock *b) {
    Gva low, high;
    linux_switch_range(t->kernel, &low, &high);
    if (probe_block_pc(b) >= high || probe_block_is_again(b))
        return;
    for (unsigned i = 0; i < probe_block_n_insns(b); i++) {
        const ProbeInsn *insn = probe_block_insn(b, i);
        uint8_t from;
        if (insn->pc < low || insn->pc >= high || !writes_tp(insn, &from))
            continue;
        SwitchSite *site = probe_block_alloc(b, sizeof *site);
        *site = (SwitchSite){t, from};
        probe_add_call(b, i, on_switch, site, true);
    }
}

/* -- stacks ---------------------------------------------------------------------------------------------- */
typedef struct StackSite {
    Tasks *tasks;
    int64_t add;
} StackSite;

static void on_stack(void *data, const Hart *hart) {
    const StackSite *site = data;
    Task *task = site->tasks->holders[hart->id].task;
    uint64_t sp = hart->x[SP] + (uint64_t)site->add;
    if (sp < task->min_sp && (!task->has_stack || sp - task->stack_base < task->stack_size))
        task->min_sp = sp;
}

/* The kernel's functions; of other guests, all. */
static void attach_stacks(Tasks *t, ProbeBlock *b) {
    bool is_kernel = (probe_block_flags(b) >> FLAG_PRIV_SHIFT & 3) == PRIV_S && probe_block_pc(b) >> 63;
    if (probe_block_is_again(b) || (t->kernel && !is_kernel))
        return;
    for (unsigned i = 0; i < probe_block_n_insns(b); i++) {
        const ProbeInsn *insn = probe_block_insn(b, i);
        int64_t add = transfer_stack_add(insn->raw, insn->len);
        if (add >= 0)
            continue;
        StackSite *site = probe_block_alloc(b, sizeof *site);
        *site = (StackSite){t, add};
        probe_add_call(b, i, on_stack, site, true);
    }
}

static void on_translate(void *opaque, ProbeBlock *b) {
    Tasks *t = opaque;
    if (t->kernel)
        attach_switch(t, b);
    if (t->stacks)
        attach_stacks(t, b);
}

/* -- other events ---------------------------------------------------------------------------------------- */
static Task *task_of_satp(Tasks *t, uint64_t satp, Pos pos) {
    Task *task = g_hash_table_lookup(t->by_address, &satp);
    if (task)
        return task;
    task = task_new(t, pos);
    task->has_satp = true;
    task->satp = satp;
    task_bind(t, task, satp);
    return task;
}

/* What runs first in M mode. */
static Task *task_at_reset(Tasks *t, Pos pos) {
    if (!t->kernel)
        return task_of_satp(t, 0, pos);
    Task *task = task_new(t, pos);
    g_strlcpy(task->name, "firmware", sizeof task->name);
    task->is_firmware = true;
    return task;
}

/* Who runs there was not switched to: tp tells, as soon as the kernel's memory is mapped. */
static void bind_first(Tasks *t, const Hart *hart) {
    Task *task = t->holders[hart->id].task;
    LinuxTask now;
    linux_learn(t->kernel, hart);
    if (task->is_firmware || !linux_read_task(t->kernel, hart, hart->x[TP], &now) || !now.stack_size)
        return;
    task_bind(t, task, hart->x[TP]);
    task_refresh(t, task, hart);
}

/* The step at pos writes it. */
static void on_satp(void *opaque, Pos pos, const Hart *hart) {
    Tasks *t = opaque;
    if (!t->kernel)
        hand_over(t, hart, task_of_satp(t, hart->satp, pos + 1), pos + 1);
    else if (!t->holders[hart->id].task->address)
        bind_first(t, hart);
}

/* The firmware hands over to the kernel: whoever it is there will be known when it is switched from. */
static void on_trap_return(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv) {
    Tasks *t = opaque;
    Holder *h = &t->holders[hart->id];
    if (!t->kernel || hart->priv == PRIV_M)
        return;
    if (h->task->is_firmware)
        hand_over(t, hart, task_new(t, pos + 1), pos + 1);
    if (hart->priv == PRIV_U && from_priv == PRIV_S) {
        h->task->has_satp = true;
        h->task->satp = hart->satp;
    }
}

static void on_idle(void *opaque, Pos pos, const Hart *hart, bool waits) {
    Tasks *t = opaque;
    Holder *h = &t->holders[hart->id];
    if (waits) {
        h->asleep = machine_time_at(t->machine, pos + 1);
        return;
    }
    if (h->asleep != NSEC_NEVER)
        h->turn.idle += machine_time_at(t->machine, pos) - h->asleep;
    h->asleep = NSEC_NEVER;
}

/* -- begin and end --------------------------------------------------------------------------------------- */
/* sscratch holds the task while its program runs, tp while the kernel does. */
static Task *first_task(Tasks *t, const Hart *hart, Pos pos) {
    if (!t->kernel)
        return task_of_satp(t, hart->satp, pos);
    if (hart->priv == PRIV_M && !hart->satp)
        return task_at_reset(t, pos);
    const Gva candidates[] = {hart->sscratch, hart->x[TP]};
    LinuxTask now;
    linux_learn(t->kernel, hart);
    for (unsigned i = 0; i < G_N_ELEMENTS(candidates); i++)
        if (linux_read_task(t->kernel, hart, candidates[i], &now) && now.has_ids && now.stack_size)
            return task_at(t, hart, candidates[i], pos);
    return task_new(t, pos);
}

/* Afterwards the harts have retired nothing, and tasks are others, even at the same addresses. */
static void on_reset(void *opaque, Pos pos) {
    Tasks *t = opaque;
    g_hash_table_remove_all(t->by_address);
    for (uint32_t i = 0; i < t->machine->n_harts; i++) {
        const Hart *hart = t->machine->harts[i];
        turn_end(t, hart, pos);
        turn_begin(t, hart, task_at_reset(t, pos), pos);
        t->holders[i].insns = 0;
    }
}

static const HookOps hook_ops = {.translate = on_translate,
                                 .satp = on_satp,
                                 .trap_return = on_trap_return,
                                 .idle = on_idle,
                                 .reset = on_reset};

void tasks_begin(Tasks *t) {
    Pos pos = machine_pos(t->machine);
    for (uint32_t i = 0; i < t->machine->n_harts; i++)
        turn_begin(t, t->machine->harts[i], first_task(t, t->machine->harts[i], pos), pos);
    hooks_subscribe(t->machine->hooks, &hook_ops, t);
    t->subscribed = true;
}

void tasks_end(Tasks *t, Pos to_pos) {
    if (!t->subscribed)
        return;
    hooks_unsubscribe(t->machine->hooks, t);
    t->subscribed = false;
    for (uint32_t i = 0; i < t->machine->n_harts; i++) {
        const Hart *hart = t->machine->harts[i];
        Task *task = t->holders[i].task;
        task_refresh(t, task, hart);
        turn_end(t, hart, to_pos);
    }
}
