/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What version 2 of the interface added: the events go to tables, which tests/cli/plugin-events.sh compares with what the
 * guest says; what the architecture says must be so is checked here, and counted where it is not.
 */
#include <rr-plugin.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { U = 0, S = 1, M = 3, HARTS = 8 };

typedef struct Events {
    RrTable *switches, *calls, *requests, *dmas, *irqs;
    RrCounter last;
    unsigned priv[HARTS];
    bool known[HARTS];
    uint64_t privileges, resets, insns, accesses, returns, bad;
} Events;

static void on_insn(RrSelf *self, const RrHart *hart, void *data) {
    Events *e = rr_data(self);
    unsigned i = rr_hart_index(hart);
    e->insns++;
    if (!e->known[i])
        e->priv[i] = rr_priv(hart);
    e->known[i] = true;
    e->bad += e->priv[i] != rr_priv(hart);
}

/* The counter was stored to just before. */
static void on_access(RrSelf *self, const RrHart *hart, const RrAccess *a, void *data) {
    Events *e = rr_data(self);
    unsigned i = rr_hart_index(hart);
    e->accesses++;
    e->bad += rr_counter(self, e->last, i) != (a->is_write ? 2 : 1);
    rr_counter_set(self, e->last, i, 0);
}

static void translate(RrSelf *self, RrBlock *block) {
    Events *e = rr_data(self);
    char file[256], name[64], line[400];
    bool lines = rr_option_bool(self, "lines");
    for (size_t i = 0; i < rr_block_insns(block) && rr_option_bool(self, "code"); i++) {
        rr_on_insn(block, i, on_insn, NULL);
        rr_store_on_access(block, i, RR_LOADS, e->last, 1);
        rr_store_on_access(block, i, RR_STORES, e->last, 2);
        rr_on_access(block, i, RR_ACCESSES, on_access, NULL);
    }
    for (size_t i = 0; i < rr_block_insns(block) && lines; i++) {
        uint64_t pc = rr_block_insn(block, i).pc;
        unsigned number = rr_line(self, pc, file, sizeof file);
        rr_symbol(self, pc, name, sizeof name);
        snprintf(line, sizeof line, "line 0x%016" PRIx64 " %s:%u %s\n", pc, number ? file : "?", number,
                 name);
        rr_print(self, line);
    }
}

static void on_privilege(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from, unsigned to) {
    Events *e = rr_data(self);
    unsigned i = rr_hart_index(hart);
    e->privileges++;
    e->bad += from == to || to != rr_priv(hart) || (e->known[i] && e->priv[i] != from);
    e->priv[i] = to;
    e->known[i] = true;
}

static void on_reset(RrSelf *self, uint64_t pos) {
    Events *e = rr_data(self);
    e->resets++;
    memset(e->known, 0, sizeof e->known);
}

/* While a program runs, sscratch holds its task (Linux, arch/riscv: "csrw CSR_SCRATCH, tp"). */
static void on_return(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from) {
    Events *e = rr_data(self);
    uint64_t scratch = 0;
    if (from != S || rr_priv(hart) != U)
        return;
    e->returns++;
    const RrTask *task = rr_task(self, hart);
    e->bad += !rr_register(hart, "sscratch", &scratch) || (task->address && task->address != scratch);
}

static void on_switch(RrSelf *self, const RrTaskSwitch *s) {
    Events *e = rr_data(self);
    e->bad += s->task == s->former || s->task != rr_task(self, s->hart) || s->pos != rr_pos(self) ||
              s->from_pos - s->pos > 1;
    rr_row(e->switches, (RrValue[]){{{(int64_t)s->from_pos}},
                                    {{rr_hart_index(s->hart)}},
                                    {{s->former->id}},
                                    {{s->task->id}},
                                    {{s->task->has_ids ? s->task->pid : -1}},
                                    {{s->task->has_ids ? s->task->tid : -1}},
                                    {.bytes = s->task->name}});
}

static void on_call(RrSelf *self, const RrSyscall *s, bool exits) {
    Events *e = rr_data(self);
    e->bad += s->task != rr_task(self, s->hart) || rr_priv(s->hart) != (exits ? U : S);
    rr_row(e->calls, (RrValue[]){{{(int64_t)s->id}},
                                 {{exits}},
                                 {{(int64_t)s->enter_pos}},
                                 {{s->task->tid}},
                                 {{(int64_t)s->nr}},
                                 {.bytes = s->name},
                                 {{(int64_t)s->args[0]}},
                                 {{s->has_result}},
                                 {{s->result}},
                                 {.bytes = s->error}});
}
static void on_enter(RrSelf *self, const RrSyscall *s) {
    on_call(self, s, false);
}
static void on_leave(RrSelf *self, const RrSyscall *s) {
    on_call(self, s, true);
}

static void on_request(RrSelf *self, const RrRequest *r) {
    Events *e = rr_data(self);
    rr_row(e->requests, (RrValue[]){{.bytes = r->device}, {{r->is_done}}, {{(int64_t)r->submit_pos}}});
}

static void on_dma(RrSelf *self, const RrDma *d) {
    Events *e = rr_data(self);
    rr_row(e->dmas, (RrValue[]){{{(int64_t)d->paddr}}, {{(int64_t)d->size}}, {{(int64_t)d->submit_pos}}});
}

static void on_irq(RrSelf *self, const RrIrq *i) {
    Events *e = rr_data(self);
    rr_row(e->irqs, (RrValue[]){{{i->hart ? (int64_t)rr_hart_index(i->hart) : -1}},
                                {.bytes = i->device},
                                {{i->source}},
                                {{i->stage}}});
}

static bool install(RrSelf *self) {
    static const RrColumn switches[] = {
        {"from_pos", RR_INTEGER}, {"hart", RR_INTEGER}, {"former", RR_INTEGER}, {"task", RR_INTEGER},
        {"pid", RR_INTEGER},      {"tid", RR_INTEGER},  {"name", RR_TEXT},      {NULL}};
    static const RrColumn calls[] = {{"id", RR_INTEGER},
                                     {"exits", RR_INTEGER},
                                     {"enter_pos", RR_INTEGER},
                                     {"tid", RR_INTEGER},
                                     {"nr", RR_INTEGER},
                                     {"name", RR_TEXT},
                                     {"a0", RR_INTEGER},
                                     {"has_result", RR_INTEGER},
                                     {"result", RR_INTEGER},
                                     {"error", RR_TEXT},
                                     {NULL}};
    static const RrColumn requests[] = {
        {"device", RR_TEXT}, {"is_done", RR_INTEGER}, {"submit_pos", RR_INTEGER}, {NULL}};
    static const RrColumn dmas[] = {
        {"paddr", RR_ADDRESS}, {"size", RR_INTEGER}, {"submit_pos", RR_INTEGER}, {NULL}};
    static const RrColumn irqs[] = {
        {"hart", RR_INTEGER}, {"device", RR_TEXT}, {"source", RR_INTEGER}, {"stage", RR_INTEGER}, {NULL}};
    Events *e = calloc(1, sizeof *e);
    rr_set_data(self, e);
    e->last = rr_counter_new(self);
    e->switches = rr_table(self, "switch", switches);
    e->calls = rr_table(self, "syscall", calls);
    e->requests = rr_table(self, "request", requests);
    e->dmas = rr_table(self, "dma", dmas);
    e->irqs = rr_table(self, "irq", irqs);
#if VERSION > 1
    for (unsigned i = 0; i < rr_harts(self); i++)
        e->bad += !rr_task(self, rr_hart(self, i));
#endif
    return true;
}

static void end(RrSelf *self, bool complete) {
    const Events *e = rr_data(self);
    char line[200];
    snprintf(line, sizeof line,
             "privileges %" PRIu64 " resets %" PRIu64 " insns %" PRIu64 " accesses %" PRIu64
             " returns %" PRIu64 " bad %" PRIu64 "\n",
             e->privileges, e->resets, e->insns, e->accesses, e->returns, e->bad);
    rr_print(self, line);
}

static void uninstall(RrSelf *self) {
    free(rr_data(self));
}

static const RrOption options[] = {{"code", RR_OPTION_BOOL, "off", NULL, "call at each instruction"},
                                   {"lines", RR_OPTION_BOOL, "off", NULL, "tell the source line of each"},
                                   {NULL}};

RR_EXPORT const RrPlugin rr_plugin = {
    .version = VERSION,
    .name = "events",
    .help = "the events of version 2",
    .options = options,
    .install = install,
    .end = end,
    .uninstall = uninstall,
    .translate = translate,
#if VERSION > 1
    .trap_return = on_return,
#endif
    .irq = on_irq,
    .dma = on_dma,
    .tasks = true,
    .privilege = on_privilege,
    .task_switch = on_switch,
    .syscall_enter = on_enter,
    .syscall_exit = on_leave,
    .request = on_request,
    .guest_reset = on_reset,
};
