/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What version 3 of the interface added: rows whose place is taken before they are known, NULL, symbols, registers by
 * handle, tables without places, tasks' turns. tests/cli/plugin-rows.sh compares them with the built-in analyses' tables.
 */
#include <rr-plugin.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TRAPS 64u /* whose return is waited for */

typedef struct Trap {
    RrPlace place;
    int64_t cause, epc, time;
    unsigned from, to, task;
    uint64_t satp, sp;
} Trap;

typedef struct Later {
    RrTable *traps, *turns, *tasks, *mmios, *dmas, *values;
    const RrRegister *satp, *sp, *x2;
    Trap waiting[TRAPS];
    unsigned n, bad;
} Later;

static void write_trap(const Later *l, const Trap *t, int64_t return_pos) {
    rr_row_at(l->traps, &t->place,
              (RrValue[]){{{t->time}},
                          {{t->cause}},
                          {{t->epc}, 0},
                          {{return_pos}, return_pos < 0 ? RR_NULL : 0},
                          {{t->task}},
                          {{t->epc}, t->from ? RR_SYSTEM : 0}});
}

static void on_trap(RrSelf *self, const RrTrap *e) {
    Later *l = rr_data(self);
    uint64_t satp = 0;
    if (l->n == TRAPS) {
        for (unsigned i = 0; i < TRAPS; i++)
            write_trap(l, &l->waiting[i], -1);
        l->n = 0;
    }
    Trap *t = &l->waiting[l->n++];
    *t = (Trap){.place = rr_place(self),
                .cause = (int64_t)e->cause,
                .epc = (int64_t)e->epc,
                .time = (int64_t)rr_time_at(self, e->pos),
                .from = e->from_priv,
                .to = e->to_priv,
                .task = rr_task(self, e->hart)->id,
                .satp = rr_get_register(e->hart, l->satp),
                .sp = rr_get_register(e->hart, l->sp)};
    l->bad += t->place.pos != e->pos || t->place.satp != t->satp || !rr_register(e->hart, "satp", &satp) ||
              satp != t->satp || rr_get_register(e->hart, l->x2) != t->sp;
}

/* The last trap from there is enough for guests whose traps do not wait for each other. */
static void on_return(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from) {
    Later *l = rr_data(self);
    for (unsigned i = l->n; i-- > 0;) {
        const Trap *t = &l->waiting[i];
        uint64_t skipped = rr_pc(hart) - (uint64_t)t->epc;
        if (t->to != from || t->sp != rr_get_register(hart, l->sp) ||
            t->satp != rr_get_register(hart, l->satp) || (skipped != 0 && skipped != 2 && skipped != 4))
            continue;
        write_trap(l, t, (int64_t)pos + 1);
        l->waiting[i] = l->waiting[--l->n];
        return;
    }
}

static void on_turn(RrSelf *self, const RrTaskTurn *t) {
    const Later *l = rr_data(self);
    rr_row(l->turns, (RrValue[]){{{rr_hart_index(t->hart)}},
                                 {{t->task->id}},
                                 {{(int64_t)t->from_pos}},
                                 {{(int64_t)t->to_pos}},
                                 {{(int64_t)t->from_ns}},
                                 {{(int64_t)t->to_ns}},
                                 {{(int64_t)t->insns}},
                                 {{(int64_t)t->idle_ns}}});
}

static void on_mmio(RrSelf *self, const RrMmio *e) {
    const Later *l = rr_data(self);
    rr_row(l->mmios, (RrValue[]){{{(int64_t)rr_pc(e->hart)}}, {.bytes = e->device}, {.bytes = e->reg}});
}

static void on_dma(RrSelf *self, const RrDma *e) {
    const Later *l = rr_data(self);
    if (e->size)
        rr_row(l->dmas, (RrValue[]){{{(int64_t)e->paddr}}, {.bytes = e->data, .size = e->size}});
}

static bool install(RrSelf *self) {
    static const RrColumn traps[] = {{"time_ns", RR_INTEGER},
                                     {"cause", RR_INTEGER},
                                     {"epc", RR_ADDRESS},
                                     {"return_pos", RR_INTEGER},
                                     {"task_id", RR_INTEGER},
                                     {"symbol", RR_SYMBOL, true},
                                     {NULL}};
    static const RrColumn turns[] = {
        {"hart", RR_INTEGER},   {"task_id", RR_INTEGER}, {"from_pos", RR_INTEGER, true},
        {"to_pos", RR_INTEGER}, {"from_ns", RR_INTEGER}, {"to_ns", RR_INTEGER},
        {"insns", RR_INTEGER},  {"idle_ns", RR_INTEGER}, {NULL}};
    static const RrColumn tasks[] = {{"id", RR_INTEGER},         {"pid", RR_INTEGER},
                                     {"name", RR_TEXT},          {"satp", RR_ADDRESS},
                                     {"first_pos", RR_INTEGER},  {"last_pos", RR_INTEGER},
                                     {"stack_base", RR_ADDRESS}, {"stack_size", RR_INTEGER},
                                     {"min_sp", RR_ADDRESS},     {NULL}};
    static const RrColumn mmios[] = {{"pc", RR_ADDRESS}, {"device", RR_TEXT}, {"reg", RR_TEXT}, {NULL}};
    static const RrColumn dmas[] = {{"paddr", RR_ADDRESS}, {"data", RR_BLOB}, {NULL}};
    static const RrColumn values[] = {{"i", RR_INTEGER}, {"a", RR_ADDRESS}, {"t", RR_TEXT},
                                      {"b", RR_BLOB},    {"s", RR_SYMBOL},  {NULL}};
    if (rr_option_bool(self, "refuse")) {
        rr_refuse(self, "there are %u harts,\nwhich is %s", rr_harts(self), "not right");
        return false;
    }
    Later *l = calloc(1, sizeof *l);
    rr_set_data(self, l);
    l->traps = rr_table(self, "trap", traps);
    l->turns = rr_plain_table(self, "cpu", turns);
    l->tasks = rr_plain_table(self, "task", tasks);
    l->mmios = rr_table(self, "mmio", mmios);
    l->dmas = rr_table(self, "dma", dmas);
    l->values = rr_plain_table(self, "value", values);
    l->satp = rr_find_register(self, "satp");
    l->sp = rr_find_register(self, "sp");
    l->x2 = rr_find_register(self, "x2");
    l->bad +=
        !l->satp || !l->sp || !l->x2 || rr_find_register(self, "x32") || rr_find_register(self, "nothing");
    rr_follow_stacks(self);
    return true;
}

static void write_task(const Later *l, const RrTask *t) {
    rr_row(l->tasks, (RrValue[]){{{t->id}},
                                 {{t->pid}, t->has_ids ? 0 : RR_NULL},
                                 {.bytes = *t->name ? t->name : NULL},
                                 {{(int64_t)t->satp}, t->has_satp ? 0 : RR_NULL},
                                 {{(int64_t)t->first_pos}},
                                 {{(int64_t)t->last_pos}},
                                 {{(int64_t)t->stack_base}, t->stack_size ? 0 : RR_NULL},
                                 {{(int64_t)t->stack_size}, t->stack_size ? 0 : RR_NULL},
                                 {{(int64_t)t->min_sp}, t->min_sp != UINT64_MAX ? 0 : RR_NULL}});
}

static void end(RrSelf *self, bool complete) {
    Later *l = rr_data(self);
    char line[64];
    for (unsigned i = 0; i < l->n; i++)
        write_trap(l, &l->waiting[i], -1);
    for (uint32_t id = 1; id <= rr_tasks(self); id++)
        write_task(l, rr_task_by_id(self, id));
    l->bad += rr_task_by_id(self, 0) || rr_task_by_id(self, rr_tasks(self) + 1);
    rr_row(l->values,
           (RrValue[]){
               {{1}}, {{2}}, {.bytes = ""}, {.bytes = "", .size = 0}, {{(int64_t)rr_pc(rr_hart(self, 0))}}});
    rr_row(
        l->values,
        (RrValue[]){
            {{1}, RR_NULL}, {{2}, RR_NULL}, {{0}, RR_NULL}, {.bytes = "x", .size = RR_NULL}, {{2}, RR_NULL}});
    snprintf(line, sizeof line, "bad %u\n", l->bad);
    rr_print(self, line);
}

static void uninstall(RrSelf *self) {
    free(rr_data(self));
}

static const RrOption options[] = {{"refuse", RR_OPTION_BOOL, "off", NULL, "say so"}, {NULL}};

RR_EXPORT const RrPlugin rr_plugin = {
    .version = RR_PLUGIN_VERSION,
    .name = "later",
    .help = "the rows of version 3",
    .options = options,
    .tasks = true,
    .install = install,
    .end = end,
    .uninstall = uninstall,
    .trap = on_trap,
    .trap_return = on_return,
    .mmio = on_mmio,
    .dma = on_dma,
    .task_turn = on_turn,
};
