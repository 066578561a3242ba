/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/syscall_track.h"

#include <string.h>

#include "analyses/trackers/peek.h"

#define REG_A0 10u
#define REG_A7 17u
#define REG_SP 2u
#define ECALL_SIZE 4u
/*
 * struct rt_sigframe: siginfo (128 bytes), then ucontext: flags, link (8 each), stack (24), signal mask (128), and at the
 * next multiple of 16 the registers: pc, x1 to x31.
 */
#define FRAME_PC (128u + 176u)
#define FRAME_A0 (FRAME_PC + 8u * REG_A0)

enum { NR_RT_SIGRETURN = 139, NR_EXECVE = 221, NR_EXECVEAT = 281 };

typedef struct Pending {
    bool active;
    Syscall call;
} Pending;

typedef struct Watcher {
    const SyscallOps *ops;
    void *opaque;
} Watcher;

struct SyscallTrack {
    Machine *machine;
    Tasks *tasks;
    GPtrArray *pending; /* of Pending or NULL, by the task's id */
    GArray *watchers;
    int64_t n;
    bool subscribed;
};

SyscallTrack *syscall_track_new(Machine *m, Tasks *tasks) {
    SyscallTrack *t = g_new0(SyscallTrack, 1);
    t->machine = m;
    t->tasks = tasks;
    t->pending = g_ptr_array_new_with_free_func(g_free);
    t->watchers = g_array_new(FALSE, FALSE, sizeof(Watcher));
    return t;
}

void syscall_track_free(SyscallTrack *t) {
    if (!t)
        return;
    if (t->subscribed)
        hooks_unsubscribe(t->machine->hooks, t);
    g_ptr_array_free(t->pending, TRUE);
    g_array_free(t->watchers, TRUE);
    g_free(t);
}

void syscall_track_watch(SyscallTrack *t, const SyscallOps *ops, void *opaque) {
    Watcher w = {ops, opaque};
    g_array_append_val(t->watchers, w);
}

void syscall_track_unwatch(SyscallTrack *t, void *opaque) {
    for (guint i = t->watchers->len; i-- > 0;)
        if (g_array_index(t->watchers, Watcher, i).opaque == opaque)
            g_array_remove_index(t->watchers, i);
}

static void finish(SyscallTrack *t, Pending *p, const Hart *hart) {
    if (!p->active)
        return;
    p->active = false;
    for (guint i = 0; i < t->watchers->len; i++) {
        const Watcher *w = &g_array_index(t->watchers, Watcher, i);
        w->ops->left(w->opaque, &p->call, hart);
    }
}

static Pending *pending_of(SyscallTrack *t, uint32_t task) {
    if (task >= t->pending->len)
        g_ptr_array_set_size(t->pending, (gint)task + 64);
    Pending **p = (Pending **)&t->pending->pdata[task];
    if (!*p)
        *p = g_new0(Pending, 1);
    return *p;
}

static void on_trap(void *opaque, const TrapEvent *ev) {
    SyscallTrack *t = opaque;
    if (ev->is_interrupt || ev->cause != EXC_ECALL_U || ev->to_priv != PRIV_S)
        return;
    const Hart *hart = ev->hart;
    uint32_t task = tasks_current_id(t->tasks, hart);
    Pending *p = pending_of(t, task);
    finish(t, p, NULL);
    *p = (Pending){.active = true};
    p->call = (Syscall){.id = ++t->n,
                        .hart = hart->id,
                        .task = task,
                        .enter = ev->pos,
                        .exit = POS_NONE,
                        .nr = hart->x[REG_A7],
                        .epc = ev->epc,
                        .sp = hart->x[REG_SP]};
    memcpy(p->call.args, &hart->x[REG_A0], sizeof p->call.args);
    for (guint i = 0; i < t->watchers->len; i++) {
        const Watcher *w = &g_array_index(t->watchers, Watcher, i);
        w->ops->entered(w->opaque, &p->call, hart);
    }
}

static void take_result(Syscall *s, uint64_t result) {
    s->has_result = true;
    s->result = (int64_t)result;
    s->error = syscall_error(s->result);
}

/* The program goes on somewhere else. */
static void take_signal(Syscall *s, const Hart *hart) {
    Gva frame = hart->x[REG_SP];
    uint64_t pc, a0;
    if (!peek_u64(hart, frame + FRAME_PC, &pc) || !peek_u64(hart, frame + FRAME_A0, &a0))
        return;
    if (pc == s->epc + ECALL_SIZE)
        take_result(s, a0);
    else if (pc == s->epc)
        s->error = "ERESTARTSYS";
}

static void on_trap_return(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv) {
    SyscallTrack *t = opaque;
    if (hart->priv != PRIV_U || from_priv != PRIV_S)
        return;
    uint32_t task = tasks_current_id(t->tasks, hart);
    Pending *p = task < t->pending->len ? t->pending->pdata[task] : NULL;
    if (!p || !p->active)
        return;
    Syscall *s = &p->call;
    s->exit = pos;
    if (s->nr == NR_RT_SIGRETURN)
        s->error = NULL;
    else if (hart->pc == s->epc + ECALL_SIZE && hart->x[REG_SP] == s->sp)
        take_result(s, hart->x[REG_A0]);
    else if (hart->pc == s->epc && hart->x[REG_SP] == s->sp)
        s->error = "ERESTARTSYS";
    else if (s->nr == NR_EXECVE || s->nr == NR_EXECVEAT) {
        take_result(s, 0);
        s->new_program = true;
    } else
        take_signal(s, hart);
    finish(t, p, hart);
}

static const HookOps hook_ops = {.trap = on_trap, .trap_return = on_trap_return};

void syscall_track_begin(SyscallTrack *t) {
    hooks_subscribe(t->machine->hooks, &hook_ops, t);
    t->subscribed = true;
}

void syscall_track_end(SyscallTrack *t) {
    if (!t->subscribed)
        return;
    hooks_unsubscribe(t->machine->hooks, t);
    t->subscribed = false;
    for (guint i = 0; i < t->pending->len; i++)
        if (t->pending->pdata[i])
            finish(t, t->pending->pdata[i], NULL);
}
