/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/callstack_private.h"

#include <string.h>

#define FRAMES_MAX 65536u /* of a fiber; the oldest half is given up beyond */

/* -- functions ------------------------------------------------------------------------------------------- */
static guint func_hash(gconstpointer v) {
    const Func *f = v;
    uint64_t h = (f->addr >> 1) * 0x9e3779b97f4a7c15u + f->satp;
    return (guint)(h >> 32 ^ h);
}

static gboolean func_equal(gconstpointer a, gconstpointer b) {
    const Func *p = a, *q = b;
    return p->addr == q->addr && p->satp == q->satp && p->program == q->program;
}

Func *stacks_function(CallStacks *c, Gva addr, uint64_t satp, int64_t program) {
    Func key = {.addr = addr, .satp = satp, .program = program};
    Func *f = g_hash_table_lookup(c->funcs, &key);
    if (!f) {
        key.number = g_hash_table_size(c->funcs);
        key.first = machine_pos(c->machine);
        f = g_memdup2(&key, sizeof key);
        g_hash_table_add(c->funcs, f);
    }
    return f;
}

static void fiber_free(void *p) {
    Fiber *f = p;
    g_free(f->frames);
    g_free(f);
}

static void thread_free(void *p) {
    Thread *t = p;
    g_ptr_array_free(t->fibers, TRUE);
    g_free(t);
}

static Fiber *fiber_new(Thread *t) {
    Fiber *f = g_new0(Fiber, 1);
    g_ptr_array_add(t->fibers, f);
    t->current = f;
    return f;
}

CallStacks *call_stacks_new(Machine *m, const Functions *functions, Tasks *tasks, const Programs *programs) {
    CallStacks *c = g_new0(CallStacks, 1);
    c->machine = m;
    c->functions = functions;
    c->tasks = tasks;
    c->programs = programs;
    c->funcs = g_hash_table_new_full(func_hash, func_equal, g_free, NULL);
    c->threads = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, thread_free);
    c->watchers = g_array_new(FALSE, FALSE, sizeof(Watcher));
    c->least = UINT64_MAX;
    c->in_line = scoreboard_alloc(m, PROBE_STACK_SIZE, &c->place);
    for (uint32_t i = 0; i < m->n_harts; i++)
        c->places[i] =
            c->in_line ? (ProbeStack *)(void *)scoreboard_at(m, i, c->place) : g_new0(ProbeStack, 1);
    return c;
}

void call_stacks_free(CallStacks *c) {
    if (!c)
        return;
    if (c->subscribed)
        hooks_unsubscribe(c->machine->hooks, c);
    g_hash_table_unref(c->threads);
    g_hash_table_unref(c->funcs);
    g_array_free(c->watchers, TRUE);
    for (uint32_t i = 0; !c->in_line && i < c->machine->n_harts; i++)
        g_free(c->places[i]);
    g_free(c);
}

void call_stacks_each(const CallStacks *c, void (*fn)(void *opaque, const Func *f), void *opaque) {
    GHashTableIter it;
    gpointer f;
    g_hash_table_iter_init(&it, c->funcs);
    while (g_hash_table_iter_next(&it, &f, NULL))
        fn(opaque, f);
}

/* -- frames ---------------------------------------------------------------------------------------------- */
static CallFrame *top_of(Fiber *f) {
    return &f->frames[f->n - 1];
}

static bool is_base(const CallFrame *x) {
    return x->kind >= CALL_ROOT;
}

/* The part that runs: what a handler calls meanwhile has another number. */
static uint64_t part_of(const Fiber *f) {
    return f->frames[f->base].id;
}

/* Is the function active already in the part that runs? Cheap where it was looked up here last. */
static bool is_active(const Fiber *f, Func *func) {
    if (func->part == part_of(f))
        return func->outermost < &f->frames[f->n] && func->outermost->func == func;
    for (guint i = f->base; i < f->n; i++)
        if (f->frames[i].func == func) {
            func->part = part_of(f);
            func->outermost = &f->frames[i];
            return true;
        }
    return false;
}

/* Frames have moved. */
static void forget_outermost(CallStacks *c) {
    GHashTableIter it;
    gpointer func;
    g_hash_table_iter_init(&it, c->funcs);
    while (g_hash_table_iter_next(&it, &func, NULL))
        ((Func *)func)->part = 0;
}

/* A base knows its own. */
static uint32_t depth_of(const Fiber *f, guint i) {
    guint base = f->base;
    while (base > i)
        base = f->frames[base].base;
    return f->frames[base].depth + (i - base);
}

/* The top frame ended when the clock was `now`; end->frame is filled in. */
static void pop(CallStacks *c, Fiber *f, uint64_t now, CallEnd *end) {
    CallFrame *x = top_of(f);
    uint64_t insns = now - x->start;
    x->func->self += insns - x->inner;
    if (x->outer)
        x->func->total += insns;
    if (!is_base(x) && f->n > 1) {
        x[-1].inner += insns;
        if (x[-1].sp - x->min_sp < PROBE_STACK_MAX) /* else it is another stack */
            x[-1].min_sp = MIN(x[-1].min_sp, x->min_sp);
    }
    end->frame = x;
    end->insns = insns;
    if (insns >= c->least) {
        end->parent = is_base(x) ? x->parent : x[-1].id;
        end->depth = depth_of(f, f->n - 1);
    }
    for (guint i = 0; insns >= c->least && i < c->watchers->len; i++) {
        const Watcher *w = &g_array_index(c->watchers, Watcher, i);
        if (insns >= w->insns)
            w->fn(w->opaque, end);
    }
    f->n--;
}

/* Frames below `gone` count and are told as what never returned; what they called goes on. */
static void end_oldest(CallStacks *c, Fiber *f, guint gone, uint64_t now) {
    CallEnd end = {.return_pos = POS_NONE};
    guint n = f->n, base = f->base;
    for (; f->base >= gone; f->base = f->frames[f->base].base)
        now = f->frames[f->base].saved_clock;
    if (!is_base(&f->frames[gone]))
        f->frames[gone - 1].inner += now - f->frames[gone].start;
    for (f->n = gone; f->n;) {
        const CallFrame *x = top_of(f);
        pop(c, f, now, &end);
        if (is_base(x)) {
            now = x->saved_clock;
            f->base = x->base;
        }
    }
    f->n = n;
    f->base = base;
}

/* The oldest frames are forgotten: something calls without ever returning. now: the clock's. */
static void make_room(CallStacks *c, Fiber *f, uint64_t now) {
    if (f->n < f->size)
        return;
    forget_outermost(c);
    if (f->n < FRAMES_MAX) {
        f->size = MAX(64, 2 * f->size);
        f->frames = g_renew(CallFrame, f->frames, f->size);
        return;
    }
    guint gone = FRAMES_MAX / 2;
    CallFrame *first = &f->frames[gone];
    if (!is_base(first)) {
        first->depth = depth_of(f, gone);
        first->parent = first[-1].id;
        first->saved_clock = 0;
    }
    end_oldest(c, f, gone, now);
    first->kind = is_base(first) ? first->kind : CALL_ROOT;
    memmove(f->frames, f->frames + gone, (f->n - gone) * sizeof *f->frames);
    f->n -= gone;
    f->base = f->base > gone ? f->base - gone : 0;
    for (guint i = 0; i < f->n; i++)
        f->frames[i].base = i && f->frames[i].base > gone ? f->frames[i].base - gone : 0;
}

static CallFrame *push(CallStacks *c, Fiber *f, Func *func, CallKind kind, uint64_t now) {
    make_room(c, f, now);
    CallFrame *x = &f->frames[f->n];
    x->func = func;
    x->id = ++c->n_calls;
    x->kind = kind;
    x->inner = 0;
    x->outer = kind >= CALL_ROOT || !is_active(f, func);
    if (x->outer) {
        func->part = kind >= CALL_ROOT ? x->id : part_of(f);
        func->outermost = x;
    }
    func->calls += kind != CALL_ROOT;
    f->n++;
    return x;
}

/* In callbacks of the hart whose turn it is. */
static inline uint64_t insns_of(const CallStacks *c, const Hart *hart) {
    return hart->steps + hart_pos(hart) - hart->traps - c->origin[hart->id];
}

/* A base: the clock begins anew with the instruction at `first`. */
static CallFrame *push_base(CallStacks *c, Fiber *f, const Hart *hart, Gva pc, CallKind kind, uint64_t clock,
                            uint64_t first) {
    Gva begin = functions_begin_of(c->functions, pc);
    CallFrame *x =
        push(c, f, stacks_function(c, begin, space_of(hart), program_of(c, hart, begin)), kind, clock);
    x->func->calls += kind == CALL_ROOT && pc == begin;
    x->saved_clock = clock;
    x->parent = 0;
    x->depth = 0;
    x->base = f->base;
    x->start = 0;
    x->ret = 0;
    x->sp = x->min_sp = hart->x[SP];
    x->hart = hart->id;
    x->task = tasks_current_id(c->tasks, hart);
    x->call_pos = c->machine->running ? hart_pos(hart) : machine_pos(c->machine);
    x->call_pc = 0;
    memset(x->args, 0, sizeof x->args);
    f->base = f->n - 1;
    c->origin[hart->id] = first;
    return x;
}

/* Everything down to, not including, frame `n` is left without a result. */
static void leave_to(CallStacks *c, Fiber *f, guint n, uint64_t now, Pos pos) {
    CallEnd end = {.return_pos = pos};
    while (f->n > n && !is_base(top_of(f)))
        pop(c, f, now, &end);
}

/* The base and all above it; the clock is again what it was below. Returns that. Tail calls end together with it. */
static uint64_t leave_base(CallStacks *c, Fiber *f, uint64_t now, Pos pos) {
    CallEnd end = {.return_pos = pos};
    guint n = f->base + 1;
    while (n < f->n && f->frames[n].kind == CALL_TAIL)
        n++;
    leave_to(c, f, n, now, POS_NONE);
    leave_to(c, f, f->base, now, pos);
    CallFrame base = *top_of(f);
    pop(c, f, now, &end);
    f->base = base.base;
    return base.saved_clock;
}

/* What runs without having been called: the function at pc, from the next instruction on. */
static CallFrame *begin_root(CallStacks *c, Fiber *f, const Hart *hart, Gva pc, uint64_t clock, bool after) {
    return push_base(c, f, hart, pc, CALL_ROOT, clock, hart_instret(hart) + after);
}

/* -- what generated code does ---------------------------------------------------------------------------- */
/* Where nothing is done in line the place has but what was lowered since. */
static void merge_min_sp(CallStacks *c, uint32_t hart) {
    ProbeStack *p = c->places[hart];
    CallFrame *x = top_of(c->running[hart]->current);
    x->min_sp = p->top ? p->min_sp : MIN(x->min_sp, p->min_sp);
    p->min_sp = UINT64_MAX;
}

void stacks_take_over(CallStacks *c, const Hart *hart) {
    ProbeStack *p = c->places[hart->id];
    Thread *t = c->running[hart->id];
    if (!t)
        return;
    if (p->top)
        t->current->n = (guint)(p->top - t->current->frames) + 1;
    merge_min_sp(c, hart->id);
    p->top = p->last = NULL;
    for (uint32_t i = 0; t->shared && i < c->machine->n_harts; i++)
        if (c->running[i] == t)
            merge_min_sp(c, i);
}

void stacks_hand_back(CallStacks *c, const Hart *hart) {
    const Thread *t = c->running[hart->id];
    if (!t || t->shared || !c->in_line)
        return;
    Fiber *f = t->current;
    *c->places[hart->id] = (ProbeStack){.top = top_of(f),
                                        .last = &f->frames[f->size - 1],
                                        .part = part_of(f),
                                        .origin = c->origin[hart->id] - 1,
                                        .min_sp = top_of(f)->min_sp,
                                        .id = &c->n_calls,
                                        .least = c->least,
                                        .hart = hart->id,
                                        .task = tasks_current_id(c->tasks, hart)};
}

void call_stacks_open(CallStacks *c, const Hart *hart, void (*fn)(void *opaque, const CallFrame *frame),
                      void *opaque) {
    stacks_take_over(c, hart);
    const Fiber *f = c->running[hart->id]->current;
    for (guint i = f->n; i-- > 0;)
        fn(opaque, &f->frames[i]);
    stacks_hand_back(c, hart);
}

/* -- returns --------------------------------------------------------------------------------------------- */
/* The latest call of the part that runs which returns to `target`, with that stack pointer; 0: none. */
static guint find_call(const Fiber *f, Gva target, uint64_t sp) {
    for (guint i = f->n; i-- > f->base;) {
        const CallFrame *x = &f->frames[i];
        if (x->ret == target && x->sp == sp)
            return i + 1;
        if (is_base(x))
            break;
    }
    return f->n && f->n - 1 > f->base && f->frames[f->n - 1].ret == target ? f->n : 0;
}

/* Frame `n` - 1 returns: those above it without a result, and tail calls together with their callers. */
static void return_from(CallStacks *c, Fiber *f, guint n, const Hart *hart, uint64_t now) {
    Pos pos = hart_pos(hart);
    CallEnd end = {.return_pos = pos, .has_result = true, .result = hart->x[A0], .result1 = hart->x[A0 + 1]};
    leave_to(c, f, n, now, pos);
    Gva ret = top_of(f)->ret;
    uint64_t sp = top_of(f)->sp;
    for (;;) {
        const CallFrame *x = top_of(f);
        bool is_tail = x->kind == CALL_TAIL, is_root = is_base(x);
        guint base = x->base;
        uint64_t clock = x->saved_clock;
        pop(c, f, now, &end);
        if (is_root) {
            f->base = base;
            c->origin[hart->id] = hart_instret(hart) + 1 - clock;
        }
        if (!f->n) { /* the last one that was not forgotten */
            begin_root(c, f, hart, ret, 0, true);
            return;
        }
        if (!is_tail || top_of(f)->kind == CALL_TRAP || top_of(f)->ret != ret || top_of(f)->sp != sp)
            return;
    }
}

/* Another stack of the thread where this returns to. */
static Fiber *find_fiber(const Thread *t, Gva target, uint64_t sp, guint *n) {
    for (guint i = 0; i < t->fibers->len; i++) {
        Fiber *f = t->fibers->pdata[i];
        if (f != t->current && f->n && (*n = find_call(f, target, sp)))
            return f;
    }
    return NULL;
}

/* A call that was interrupted: a handler that ends by going back there, not by a return from the trap. */
static guint find_below(const Fiber *f, Gva target, uint64_t sp) {
    for (guint i = f->base; i-- > 0;)
        if (f->frames[i].ret == target && f->frames[i].sp == sp)
            return i + 1;
    return 0;
}

static void change_fiber(CallStacks *c, Thread *t, Fiber *to, const Hart *hart, uint64_t now) {
    t->current->clock = now;
    t->current = to;
    c->origin[hart->id] = hart_instret(hart) + 1 - to->clock;
}

/* It returns behind no call that is known. */
static void return_elsewhere(CallStacks *c, Thread *t, const Hart *hart, Gva target, uint64_t now) {
    Fiber *f = t->current;
    uint64_t sp = hart->x[SP];
    guint n;
    Fiber *other = find_fiber(t, target, sp, &n);
    if (other) {
        change_fiber(c, t, other, hart, now);
        return_from(c, other, n, hart, other->clock);
        return;
    }
    if ((n = find_below(f, target, sp))) {
        while (f->base > n - 1)
            now = leave_base(c, f, now, hart_pos(hart));
        c->origin[hart->id] = hart_instret(hart) + 1 - now;
        return_from(c, f, n, hart, now);
        return;
    }
    if (f->n - 1 > f->base && (sp < top_of(f)->sp || sp > f->frames[f->base + 1].sp)) {
        /* on no stack that is known */
        f->clock = now;
        begin_root(c, fiber_new(t), hart, target, 0, true);
        return;
    }
    while (f->n - 1 > f->base && top_of(f)->sp <= sp)
        leave_to(c, f, f->n - 1, now, hart_pos(hart));
    if (f->n - 1 > f->base || top_of(f)->kind != CALL_ROOT)
        return;
    uint64_t clock = leave_base(c, f, now, hart_pos(hart));
    begin_root(c, f, hart, target, clock, true);
}

/* -- calls ----------------------------------------------------------------------------------------------- */
void stacks_begin_call(CallStacks *c, const Hart *hart, Func *func, CallKind kind, Gva pc, Gva ret,
                       bool args) {
    uint64_t now = insns_of(c, hart) + 1;
    CallFrame *x = push(c, c->running[hart->id]->current, func, kind, now);
    x->ret = ret;
    x->sp = x->min_sp = hart->x[SP];
    x->call_pos = hart_pos(hart);
    x->call_pc = pc;
    x->start = now;
    x->hart = hart->id;
    x->task = tasks_current_id(c->tasks, hart);
    if (args)
        memcpy(x->args, &hart->x[A0], sizeof x->args);
}

void stacks_end_call(CallStacks *c, const Hart *hart, Gva target, bool plain) {
    Thread *t = c->running[hart->id];
    Fiber *f = t->current;
    uint64_t now = insns_of(c, hart) + 1;
    const CallFrame *top = top_of(f);
    if (G_LIKELY(top->ret == target && top->sp == hart->x[SP] && top->kind == CALL_CALL && plain)) {
        CallEnd end = {NULL, hart_pos(hart), true, hart->x[A0], hart->x[A0 + 1], 0, 0, 0};
        pop(c, f, now, &end);
        return;
    }
    guint n = find_call(f, target, hart->x[SP]);
    if (G_LIKELY(n))
        return_from(c, f, n, hart, now);
    else
        return_elsewhere(c, t, hart, target, now);
}

bool stacks_is_loop(CallStacks *c, const Hart *hart, const Func *func) {
    Fiber *f = c->running[hart->id]->current;
    for (guint i = f->n; i-- > f->base;) {
        if (f->frames[i].func == func) {
            leave_to(c, f, i + 1, insns_of(c, hart) + 1, hart_pos(hart));
            return true;
        }
        if (f->frames[i].kind != CALL_TAIL)
            break;
    }
    return false;
}

static void on_translate(void *opaque, ProbeBlock *b) {
    stacks_attach(opaque, b);
}

/* -- traps ----------------------------------------------------------------------------------------------- */
static void on_trap(void *opaque, const TrapEvent *ev) {
    CallStacks *c = opaque;
    const Hart *hart = ev->hart;
    stacks_take_over(c, hart);
    Fiber *f = c->running[hart->id]->current;
    CallFrame *x = push_base(c, f, hart, hart->pc, CALL_TRAP, insns_of(c, hart), hart_instret(hart));
    x->call_pos = ev->pos;
    x->call_pc = ev->epc;
    x->epc = ev->epc;
    x->satp = hart->satp;
    x->from_priv = ev->from_priv;
    x->to_priv = ev->to_priv;
    stacks_hand_back(c, hart);
}

/* The latest trap into the privilege that is left. */
static guint find_trap(const Fiber *f, uint8_t from_priv, const Hart *hart) {
    for (guint i = f->n; i-- > 0;) {
        const CallFrame *x = &f->frames[i];
        if (x->kind == CALL_TRAP && x->to_priv == from_priv)
            return x->from_priv == hart->priv ? i + 1 : 0;
    }
    return 0;
}

/* Where a trap's handler goes on with something else: a signal handler, a new program, a former context. */
static void go_elsewhere(CallStacks *c, Fiber *f, const Hart *hart, const CallFrame *trap) {
    uint64_t sp = hart->x[SP], now = trap->saved_clock;
    Pos pos = hart_pos(hart);
    if (trap->satp == hart->satp && sp < trap->sp) {
        CallFrame *x = begin_root(c, f, hart, hart->pc, now, true);
        x->ret = hart->x[RA];
        return;
    }
    while (f->n && (trap->satp != hart->satp || top_of(f)->sp < sp)) {
        if (is_base(top_of(f)) && (f->base == 0 || top_of(f)->kind == CALL_TRAP))
            break;
        if (is_base(top_of(f)))
            now = leave_base(c, f, now, pos);
        else
            leave_to(c, f, f->n - 1, now, pos);
    }
    if (f->n && (f->n - 1 != f->base || top_of(f)->kind == CALL_TRAP)) {
        c->origin[hart->id] = hart_instret(hart) + 1 - now;
        return;
    }
    if (f->n)
        now = leave_base(c, f, now, pos);
    begin_root(c, f, hart, hart->pc, now, true);
}

/* Of guests other than Linux: a handler that goes on with another stack switches threads. */
static void go_to_thread(CallStacks *c, Thread *t, const Hart *hart, const CallFrame *trap) {
    Fiber *f = t->current;
    Gva pc = hart->pc;
    uint64_t sp = hart->x[SP], now = trap->saved_clock;
    guint n = find_call(f, pc, sp);
    if (n)
        return_from(c, f, n, hart, now);
    if (n || sp == trap->sp)
        return;
    f->resume_pc = trap->epc;
    f->resume_sp = trap->sp;
    for (guint i = 0; i < t->fibers->len; i++) {
        Fiber *other = t->fibers->pdata[i];
        if (other != f && other->resume_pc && other->resume_sp == sp && pc - other->resume_pc <= 4) {
            other->resume_pc = 0;
            change_fiber(c, t, other, hart, now);
            return;
        }
    }
    f->clock = now;
    begin_root(c, fiber_new(t), hart, pc, 0, true);
}

static void return_from_trap(CallStacks *c, Pos pos, const Hart *hart, uint8_t from_priv) {
    Fiber *f = c->running[hart->id]->current;
    uint64_t now = insns_of(c, hart) + 1;
    guint n = find_trap(f, from_priv, hart);
    if (!n) { /* the first return of a new task, or of the firmware to the kernel */
        if (top_of(f)->kind != CALL_ROOT || f->n - 1 > f->base || now > 1)
            begin_root(c, f, hart, hart->pc, now, true);
        return;
    }
    CallFrame trap = f->frames[n - 1];
    while (f->base > n - 1)
        now = leave_base(c, f, now, pos);
    uint64_t clock = leave_base(c, f, now, pos), skipped = hart->pc - trap.epc;
    if (!f->n) { /* what was interrupted is forgotten */
        begin_root(c, f, hart, hart->pc, 0, true);
        return;
    }
    c->origin[hart->id] = hart_instret(hart) + 1 - clock;
    if (trap.satp == hart->satp && trap.sp == hart->x[SP] && (skipped == 0 || skipped == 2 || skipped == 4))
        return;
    if (tasks_is_linux(c->tasks))
        go_elsewhere(c, f, hart, &trap);
    else
        go_to_thread(c, c->running[hart->id], hart, &trap);
}

static void on_trap_return(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv) {
    stacks_take_over(opaque, hart);
    return_from_trap(opaque, pos, hart, from_priv);
    stacks_hand_back(opaque, hart);
}

/* -- threads --------------------------------------------------------------------------------------------- */
/* after: from the next instruction on. */
static void run_thread(CallStacks *c, const Hart *hart, gconstpointer key, bool after) {
    Thread *t = g_hash_table_lookup(c->threads, key);
    Thread *before = c->running[hart->id];
    if (before)
        before->current->clock = hart_instret(hart) + after - c->origin[hart->id];
    if (!t) {
        t = g_new0(Thread, 1);
        t->fibers = g_ptr_array_new_with_free_func(fiber_free);
        g_hash_table_insert(c->threads, (gpointer)key, t);
        begin_root(c, fiber_new(t), hart, hart->pc, 0, false);
    }
    for (uint32_t i = 0; i < c->machine->n_harts; i++)
        if (c->running[i] == t && i != hart->id) {
            stacks_take_over(c, c->machine->harts[i]);
            t->shared = true;
        }
    c->running[hart->id] = t;
    c->origin[hart->id] = hart_instret(hart) + after - t->current->clock;
}

static void on_switched(void *opaque, const Hart *hart, const Task *former, const Task *task, Pos pos) {
    CallStacks *c = opaque;
    stacks_take_over(c, hart);
    if (c->subscribed && tasks_is_linux(c->tasks) && !c->machine->reset_requested)
        run_thread(c, hart, task, pos > hart_pos(hart));
    stacks_hand_back(c, hart);
}

static void end_fiber(CallStacks *c, Fiber *f) {
    uint64_t now = f->clock;
    while (f->n)
        now = leave_base(c, f, now, POS_NONE);
}

static void end_thread(CallStacks *c, Thread *t) {
    for (guint i = 0; i < t->fibers->len; i++)
        end_fiber(c, t->fibers->pdata[i]);
}

/* Nobody asks for its stacks again: of a guest that forks for days they would be gigabytes. */
static void on_gone(void *opaque, const Task *task) {
    CallStacks *c = opaque;
    Thread *t = g_hash_table_lookup(c->threads, task);
    if (!t || !c->subscribed)
        return;
    end_thread(c, t);
    g_hash_table_remove(c->threads, task);
}

static void end_threads(CallStacks *c) {
    Machine *m = c->machine;
    for (uint32_t i = 0; i < m->n_harts; i++)
        stacks_take_over(c, m->harts[i]);
    for (uint32_t i = 0; i < m->n_harts; i++)
        c->running[i]->current->clock = hart_instret(m->harts[i]) - c->origin[i];
    GHashTableIter it;
    Thread *t;
    g_hash_table_iter_init(&it, c->threads);
    while (g_hash_table_iter_next(&it, NULL, (gpointer *)&t))
        end_thread(c, t);
    g_hash_table_remove_all(c->threads);
    memset(c->running, 0, sizeof c->running);
    forget_outermost(c);
}

static void begin_threads(CallStacks *c) {
    Machine *m = c->machine;
    bool by_task = tasks_is_linux(c->tasks);
    for (uint32_t i = 0; i < m->n_harts; i++) {
        const Hart *hart = m->harts[i];
        run_thread(c, hart, by_task ? (gconstpointer)tasks_current(c->tasks, hart) : hart, false);
        stacks_hand_back(c, hart);
    }
}

/* Afterwards the harts have retired nothing. */
static void on_reset(void *opaque, Pos pos) {
    CallStacks *c = opaque;
    end_threads(c);
    begin_threads(c);
    for (uint32_t i = 0; i < c->machine->n_harts; i++) {
        Fiber *f = c->running[i]->current;
        Gva begin = functions_begin_of(c->functions, c->machine->reset_vector);
        stacks_take_over(c, c->machine->harts[i]);
        top_of(f)->func = stacks_function(c, begin, 0, 0);
        c->origin[i] = 0;
        stacks_hand_back(c, c->machine->harts[i]);
    }
}

static const HookOps hook_ops = {
    .translate = on_translate, .trap = on_trap, .trap_return = on_trap_return, .reset = on_reset};
static const TaskOps task_ops = {.switched = on_switched, .gone = on_gone};

void call_stacks_begin(CallStacks *c) {
    Machine *m = c->machine;
    begin_threads(c);
    tasks_watch(c->tasks, &task_ops, c);
    hooks_subscribe(m->hooks, &hook_ops, c);
    c->subscribed = true;
}

/* Until now nobody kept it. */
static void reset_min_sp(CallStacks *c) {
    GHashTableIter it;
    Thread *t;
    g_hash_table_iter_init(&it, c->threads);
    while (g_hash_table_iter_next(&it, NULL, (gpointer *)&t))
        for (guint i = 0; i < t->fibers->len; i++) {
            Fiber *f = t->fibers->pdata[i];
            for (guint k = 0; k < f->n; k++)
                f->frames[k].min_sp = f->frames[k].sp;
        }
}

void call_stacks_watch(CallStacks *c, uint64_t insns, CallFn *fn, void *opaque) {
    Machine *m = c->machine;
    Watcher w = {insns, fn, opaque};
    g_array_append_val(c->watchers, w);
    c->least = MIN(c->least, insns);
    if (!c->subscribed)
        return;
    for (uint32_t i = 0; i < m->n_harts; i++)
        stacks_take_over(c, m->harts[i]);
    if (c->watchers->len == 1)
        reset_min_sp(c);
    for (uint32_t i = 0; i < m->n_harts; i++) /* translated code is to know */
        stacks_hand_back(c, m->harts[i]);
    hooks_retranslate(m->hooks);
}

void call_stacks_end(CallStacks *c) {
    if (!c->subscribed)
        return;
    hooks_unsubscribe(c->machine->hooks, c);
    c->subscribed = false;
    end_threads(c);
}
