/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native plugin interface: what happens in the machine, tasks and system calls. */
#include <string.h>

#include "analyses/plugin/native.h"
#include "analyses/run.h"
#include "core/device.h"

#define DMA_PIECE 4096u /* memtrace numbers a longer transfer by such pieces (core/hooks_trace.c) */

static bool in_step(const RrSelf *self) {
    return self->plugin->host->machine->running;
}

static void tell_privilege(RrSelf *self, Pos pos, const Hart *hart, uint8_t from, uint8_t to) {
    if (from != to)
        NATIVE_CALL(self, privilege, pos, hart, SEQ_TRAP, pos, native_view(hart), from, to);
}

/* Behind the trap's own row, whoever has that. */
static void tell_taken(RrSelf *self, const TrapEvent *ev) {
    RrIrq taken = {ev->pos, native_view(ev->hart), NULL, (uint32_t)ev->cause, RR_IRQ_TAKE};
    self->seq_class = SEQ_TRAP;
    native_rows_skip(self, ev->pos, 1);
    NATIVE_CALL(self, irq, ev->pos, ev->hart, SEQ_TRAP, &taken);
}

static void on_trap(void *opaque, const TrapEvent *ev) {
    RrSelf *self = opaque;
    RrTrap event = {ev->pos,  native_view(ev->hart), ev->is_interrupt, ev->cause, ev->epc,
                    ev->tval, ev->from_priv,         ev->to_priv};
    native_flow_break(self, ev->hart->id);
    NATIVE_CALL(self, trap, ev->pos, ev->hart, SEQ_TRAP, &event);
    if (ev->is_interrupt && self->class->version >= 2)
        tell_taken(self, ev);
    tell_privilege(self, ev->pos, ev->hart, ev->from_priv, ev->to_priv);
}

static void on_trap_return(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv) {
    RrSelf *self = opaque;
    NATIVE_CALL(self, trap_return, pos, hart, SEQ_TRAP, pos, native_view(hart), from_priv);
    tell_privilege(self, pos, hart, from_priv, hart->priv);
}

static void on_irq(void *opaque, Pos pos, const Hart *hart, const Device *device, uint32_t source,
                   IrqStage stage) {
    RrSelf *self = opaque;
    RrIrq event = {pos, native_view(hart), device ? device->name : NULL, source, (RrIrqStage)stage};
    NATIVE_CALL(self, irq, pos, hart, in_step(self) ? SEQ_IRQ_STEP : SEQ_IRQ, &event);
}

static void on_mmio(void *opaque, Pos pos, const Hart *hart, const Device *device, Gpa offset, bool is_write,
                    unsigned size, uint64_t value) {
    RrSelf *self = opaque;
    const DeviceOps *ops = device->ops;
    RrMmio event = {pos, native_view(hart), device->name, offset, value, size, is_write, NULL};
    if (self->submissions && is_write)
        submissions_note(self->submissions, device, pos);
    if (self->class->mmio && ops->register_name)
        event.reg = ops->register_name(device, offset);
    NATIVE_CALL(self, mmio, pos, hart, SEQ_MMIO, &event);
}

static void on_dma(void *opaque, Pos pos, const Device *device, bool is_write, Gpa pa, const uint8_t *data,
                   uint64_t size) {
    RrSelf *self = opaque;
    RrDma event = {
        pos, device->name, pa, size, data, is_write, submissions_find(self->submissions, device, pos)};
    self->seq_class = in_step(self) ? SEQ_DMA_STEP : SEQ_DMA;
    uint32_t rows = native_rows_at(self, pos);
    NATIVE_CALL(self, dma, pos, NULL, self->seq_class, &event);
    native_rows_skip(self, pos, rows + (uint32_t)((size + DMA_PIECE - 1) / DMA_PIECE));
}

static void on_request(void *opaque, Pos pos, const Device *device, bool is_done) {
    RrSelf *self = opaque;
    Pos submitted = submissions_find(self->submissions, device, pos);
    RrRequest event = {pos, device->name, is_done, submitted};
    NATIVE_CALL(self, request, pos, NULL, in_step(self) ? SEQ_DMA_STEP : SEQ_DMA, &event);
}

static void on_console(void *opaque, Pos pos, uint32_t port, bool to_guest, const uint8_t *data,
                       uint32_t size) {
    RrSelf *self = opaque;
    RrBytes event = {pos, machine_time(self->plugin->host->machine), port, "console", to_guest, data, size};
    NATIVE_CALL(self, console, pos, NULL, to_guest ? SEQ_INPUT : SEQ_MMIO, &event);
}

static void on_input(void *opaque, const NdEvent *ev) {
    RrSelf *self = opaque;
    RrBytes event = {ev->pos, ev->time, ev->source, nd_kind_name(ev->kind), true, ev->payload, ev->size};
    NATIVE_CALL(self, input, ev->pos, NULL, SEQ_INPUT, &event);
}

static void on_checkpoint(void *opaque, Pos pos, Nsec now, uint64_t hash) {
    RrSelf *self = opaque;
    NATIVE_CALL(self, checkpoint, pos, NULL, SEQ_INPUT, pos, now, hash);
}

static void on_satp(void *opaque, Pos pos, const Hart *hart) {
    RrSelf *self = opaque;
    NATIVE_CALL(self, satp, pos, hart, SEQ_TRAP, pos, native_view(hart));
}

static void on_idle(void *opaque, Pos pos, const Hart *hart, bool waits) {
    RrSelf *self = opaque;
    NATIVE_CALL(self, idle, pos, hart, waits ? SEQ_TRAP : SEQ_INPUT, pos, native_view(hart), waits);
}

/* The harts go on elsewhere. */
static void follow_reset(void *opaque, Pos pos) {
    const RrSelf *self = opaque;
    for (uint32_t i = 0; i < self->plugin->host->machine->n_harts; i++)
        native_flow_break(self, i);
}

static void on_reset(void *opaque, Pos pos) {
    RrSelf *self = opaque;
    follow_reset(self, pos);
    NATIVE_CALL(self, guest_reset, pos, NULL, SEQ_STATE, pos);
}

/* -- tasks and system calls ------------------------------------------------------------------------------ */

static const RrTask *task_view(RrSelf *self, const Task *t) {
    if (!t)
        return NULL;
    if (t->id >= self->tasks_told->len)
        g_ptr_array_set_size(self->tasks_told, (gint)t->id + 64);
    RrTask **told = (RrTask **)&self->tasks_told->pdata[t->id];
    if (!*told)
        *told = g_new0(RrTask, 1);
    **told = (RrTask){.id = t->id,
                      .has_ids = t->has_ids,
                      .has_satp = t->has_satp,
                      .pid = t->pid,
                      .tid = t->tid,
                      .name = t->name,
                      .satp = t->satp,
                      .address = t->address,
                      .is_linux = tasks_is_linux(self->tasks),
                      .first_pos = t->first_pos,
                      .last_pos = t->last_pos,
                      .stack_base = t->stack_base,
                      .stack_size = t->has_stack ? t->stack_size : 0,
                      .min_sp = t->min_sp};
    return *told;
}

static Tasks *tasks_of(const RrSelf *self, const char *call) {
    if (!self->tasks)
        native_misuse(self, "%s() without RrPlugin.tasks", call);
    return self->tasks;
}

const RrTask *rr_task(const RrSelf *self, const RrHart *hart) {
    return task_view((RrSelf *)self, tasks_current(tasks_of(self, "rr_task"), (const Hart *)hart));
}

uint32_t rr_tasks(const RrSelf *self) {
    return tasks_count(tasks_of(self, "rr_tasks"));
}

const RrTask *rr_task_by_id(const RrSelf *self, uint32_t id) {
    const Tasks *tasks = tasks_of(self, "rr_task_by_id");
    return id && id <= tasks_count(tasks) ? task_view((RrSelf *)self, tasks_get(tasks, id - 1)) : NULL;
}

void rr_follow_stacks(RrSelf *self) {
    if (!self->installing)
        native_misuse(self, "rr_follow_stacks() outside install");
    tasks_watch_stacks(tasks_of(self, "rr_follow_stacks"));
}

static void on_switched(void *opaque, const Hart *hart, const Task *former, const Task *task, Pos from) {
    RrSelf *self = opaque;
    Pos pos =
        in_step(self) ? hart_pos(hart) : from; /* between turns only the last one's hart knows where it is */
    RrTaskSwitch event = {pos, from, native_view(hart), task_view(self, former), task_view(self, task)};
    NATIVE_CALL(self, task_switch, pos, hart, in_step(self) ? SEQ_TRAP : SEQ_STATE, &event);
}

static void on_turn(void *opaque, const TaskTurn *turn) {
    RrSelf *self = opaque;
    const Hart *hart = self->plugin->host->machine->harts[turn->hart];
    RrTaskTurn event = {.hart = native_view(hart),
                        .task = task_view(self, turn->task),
                        .from_pos = turn->from_pos,
                        .to_pos = turn->to_pos,
                        .from_ns = turn->from,
                        .to_ns = turn->to,
                        .insns = turn->insns,
                        .idle_ns = turn->idle};
    NATIVE_CALL(self, task_turn, turn->to_pos, hart, SEQ_STATE, &event);
}

static RrSyscall syscall_view(RrSelf *self, const Syscall *s, Pos pos, const Hart *hart) {
    RrSyscall to = {.pos = pos,
                    .enter_pos = s->enter,
                    .hart = native_view(hart),
                    .task = task_view(self, tasks_get(self->tasks, s->task - 1)),
                    .id = (uint64_t)s->id,
                    .nr = s->nr,
                    .name = tasks_is_linux(self->tasks) ? syscall_name(s->nr) : NULL,
                    .has_result = s->has_result,
                    .result = s->result,
                    .error = s->error,
                    .new_program = s->new_program};
    G_STATIC_ASSERT(sizeof to.args == sizeof s->args);
    memcpy(to.args, s->args, sizeof to.args);
    return to;
}

static void on_entered(void *opaque, const Syscall *s, const Hart *hart) {
    RrSelf *self = opaque;
    RrSyscall event = syscall_view(self, s, s->enter, hart);
    NATIVE_CALL(self, syscall_enter, s->enter, hart, SEQ_TRAP, &event);
}

static void on_left(void *opaque, const Syscall *s, const Hart *hart) {
    RrSelf *self = opaque;
    if (!hart)
        return;
    RrSyscall event = syscall_view(self, s, s->exit, hart);
    NATIVE_CALL(self, syscall_exit, s->exit, hart, SEQ_TRAP, &event);
}

static const TaskOps task_ops = {.switched = on_switched, .turn = on_turn};
static const SyscallOps syscall_ops = {on_entered, on_left};

/* Whoever leads has them followed for its workers. */
static bool find_trackers(RrSelf *self, GError **error) {
    const RrPlugin *c = self->class;
    bool syscalls = c->syscall_enter || c->syscall_exit;
    AnalysisSet *set;
    if (!c->tasks && !c->task_switch && !c->task_turn && !syscalls)
        return true;
    if (!(set = plugin_host_set(self->plugin->host, error)))
        return false;
    self->tasks = analysis_set_tasks(set);
    if (syscalls)
        self->syscalls = analysis_set_syscalls(set);
    return true;
}

/* Before the plugin's own subscription, so that what it is told of a step agrees with who is said to run. */
void native_events_watch(RrSelf *self) {
    if (self->tasks)
        tasks_watch(self->tasks, &task_ops, self);
    if (self->syscalls)
        syscall_track_watch(self->syscalls, &syscall_ops, self);
}

/* -- subscribing ----------------------------------------------------------------------------------------- */

/* What is not subscribed costs nothing. */
static HookOps wanted_hooks(const RrPlugin *c) {
    bool takes = c->irq && c->version >= 2;
    return (HookOps){.translate = c->translate ? native_on_translate : NULL,
                     .trap = c->trap || c->privilege || takes || c->basic_blocks ? on_trap : NULL,
                     .trap_return = c->trap_return || c->privilege ? on_trap_return : NULL,
                     .irq = c->irq ? on_irq : NULL,
                     .mmio = c->mmio || c->dma || c->request ? on_mmio : NULL,
                     .dma = c->dma ? on_dma : NULL,
                     .request = c->request ? on_request : NULL,
                     .console = c->console ? on_console : NULL,
                     .input = c->input ? on_input : NULL,
                     .checkpoint = c->checkpoint ? on_checkpoint : NULL,
                     .satp = c->satp ? on_satp : NULL,
                     .idle = c->idle ? on_idle : NULL,
                     .reset = c->guest_reset || c->basic_blocks ? on_reset : NULL};
}

bool native_events_prepare(RrSelf *self, GError **error) {
    self->tasks_told = g_ptr_array_new_with_free_func(g_free);
    if (self->class->dma || self->class->request)
        self->submissions = submissions_new();
    return find_trackers(self, error);
}

static void subscribe(RrSelf *self, HookOps hooks) {
    static const HookOps none;
    self->hooks = hooks;
    self->subscribed = memcmp(&self->hooks, &none, sizeof none) != 0;
    if (self->subscribed)
        hooks_subscribe(self->plugin->host->machine->hooks, &self->hooks, self);
}

void native_events_begin(RrSelf *self) {
    subscribe(self, wanted_hooks(self->class));
}

static void follow_trap(void *opaque, const TrapEvent *ev) {
    native_flow_break(opaque, ev->hart->id);
}

static void follow_mmio(void *opaque, Pos pos, const Hart *hart, const Device *device, Gpa offset,
                        bool is_write, unsigned size, uint64_t value) {
    if (is_write)
        submissions_note(((RrSelf *)opaque)->submissions, device, pos);
}

void native_events_follow(RrSelf *self) {
    bool blocks = self->class->basic_blocks;
    subscribe(self, (HookOps){.translate = blocks ? native_follow_blocks : NULL,
                              .trap = blocks ? follow_trap : NULL,
                              .mmio = self->submissions ? follow_mmio : NULL,
                              .reset = blocks ? follow_reset : NULL});
}

void native_events_stop(RrSelf *self) {
    if (self->subscribed)
        hooks_unsubscribe(self->plugin->host->machine->hooks, self);
    self->subscribed = false;
}

void native_events_end(RrSelf *self) {
    native_events_stop(self);
    if (self->tasks)
        tasks_unwatch(self->tasks, self);
    if (self->syscalls)
        syscall_track_unwatch(self->syscalls, self);
}

void native_events_free(RrSelf *self) {
    native_events_stop(self);
    g_clear_pointer(&self->submissions, submissions_free);
    g_clear_pointer(&self->tasks_told, g_ptr_array_unref);
}
