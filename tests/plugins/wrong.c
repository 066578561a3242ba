/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the interface does not allow, or is easily got wrong: one thing for each value of the option `do`. */
#include <rr-plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct State {
    RrTable *table, *other;
    RrCounter counter;
    const char *what;
    unsigned first, second, reached;
    bool done;
} State;

static State *state_of(const RrSelf *self) {
    return rr_data(self);
}

static bool does(const RrSelf *self, const char *what) {
    return !strcmp(state_of(self)->what, what);
}

static void add(RrSelf *self, const char *text) {
    rr_row(state_of(self)->table, (RrValue[]){{.bytes = text}});
}

static void at(RrSelf *self, uint64_t pos) {
    State *s = state_of(self);
    s->reached++;
    if (pos < 20000)
        rr_at_position(self, pos + 7, at);
}

static void first(RrSelf *self, const RrHart *hart, void *data) {
    state_of(self)->first++;
}

static void second(RrSelf *self, const RrHart *hart, void *data) {
    state_of(self)->second++;
}

static void on_insn(RrSelf *self, const RrHart *hart, void *data) {
    State *s = state_of(self);
    static const RrColumn columns[] = {{"x", RR_INTEGER}, {NULL}};
    if (s->done || rr_pos(self) < 100)
        return;
    s->done = true;
    if (does(self, "late-position"))
        rr_at_position(self, rr_pos(self) + 100, at);
    if (does(self, "late-table"))
        rr_table(self, "late", columns);
    if (does(self, "late-put"))
        rr_segment_put(self, "x", 1);
    if (does(self, "late-refuse"))
        rr_refuse(self, "no");
    if (does(self, "late-stacks"))
        rr_follow_stacks(self);
    if (does(self, "tasks"))
        rr_task(self, hart);
    if (does(self, "bad-counter"))
        rr_counter_set(self, 8 << 20, 0, 1);
    if (does(self, "own-place"))
        rr_row_at(s->table, &(RrPlace){rr_pos(self), UINT64_C(1) << 40, 0}, (RrValue[]){{.bytes = "own"}});
}

static void on_any(RrSelf *self, const RrHart *hart, void *data) {
    add(self, "instruction");
}

static void translate(RrSelf *self, RrBlock *block) {
    State *s = state_of(self);
    rr_on_insn(block, 0, on_insn, NULL);
    if (does(self, "twice")) {
        rr_on_basic_block(block, first, NULL);
        rr_on_basic_block(block, second, NULL);
    }
    for (size_t i = 0; does(self, "turns") && i < rr_block_insns(block); i++)
        rr_on_insn(block, i, on_any, NULL);
    for (int i = 0; does(self, "many") && i < 5000; i++)
        rr_on_insn(block, 0, first, NULL);
    if (does(self, "inline-counter"))
        rr_add_on_insn(block, 0, 0x70000000, 1);
    if (does(self, "inline-access"))
        rr_store_on_access(block, 0, RR_ACCESSES, 0x70000004, 1);
    if (does(self, "if-counter"))
        rr_on_insn_if(block, 0, 0x70000000, RR_EQ, 1, first, NULL);
    if (does(self, "if-cond"))
        rr_on_insn_if(block, 0, s->counter, (RrCond)77, 1, first, NULL);
    if (does(self, "no-insn"))
        rr_on_insn(block, rr_block_insns(block), first, NULL);
    if (does(self, "alloc"))
        rr_block_alloc(block, 1 << 20);
}

static void on_irq(RrSelf *self, const RrIrq *e) {
    if (e->stage == RR_IRQ_TAKE && does(self, "same-step"))
        add(self, "take");
}

static void on_privilege(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from, unsigned to) {
    if (does(self, "same-step"))
        add(self, "privilege");
}

#ifdef TURNS
/* Told in the step before the one that it ends at. */
static void on_turn(RrSelf *self, const RrTaskTurn *e) {
    if (does(self, "turns"))
        add(self, "turn");
}

static void on_switch(RrSelf *self, const RrTaskSwitch *e) {
    if (does(self, "turns"))
        add(self, "switch");
}
#endif

static void on_trap(RrSelf *self, const RrTrap *e) {
    State *s = state_of(self);
    static uint8_t much[1 << 16];
    if (!does(self, "after-error"))
        return;
    RrPlace place = rr_place(self);
    for (int i = 0; i < 400; i++) /* the second one cannot be written */
        rr_row_at(s->other, &place, (RrValue[]){{.bytes = much, .size = sizeof much}});
}

static bool install(RrSelf *self) {
    static const RrColumn columns[] = {{"text", RR_TEXT}, {NULL}}, blob[] = {{"bytes", RR_BLOB}, {NULL}};
    State *s = calloc(1, sizeof *s);
    rr_set_data(self, s);
    s->what = rr_option_text(self, "do");
    s->counter = rr_counter_new(self);
    if (does(self, "segment-put"))
        rr_segment_put(self, "x", 1);
    if (does(self, "view"))
        rr_table(self, "v", columns);
    s->table = rr_table(self, NULL, columns);
    s->other = rr_table(self, "other", blob);
    if (does(self, "view-after"))
        rr_table(self, "v", columns);
    if (does(self, "symbol"))
        rr_table(self, "symbol", columns);
    if (does(self, "no-option"))
        rr_option_int(self, "nothing");
    if (does(self, "positions"))
        rr_at_position(self, 10, at);
    return true;
}

/* Memory near the ends of the address space, registers that there are not. */
static unsigned ask(RrSelf *self) {
    static uint8_t bytes[64];
    uint64_t value = 0, paddr = 0;
    const RrHart *hart = rr_hart(self, 0);
    unsigned bad = rr_hart(self, 77) != NULL;
    char text[4] = "xxx";
    bad += rr_read_physical(self, UINT64_MAX - 3, bytes, 16) ||
           rr_read_physical(self, 0x80000000, bytes, SIZE_MAX);
    bad += rr_read_virtual(hart, UINT64_MAX - 3, bytes, sizeof bytes);
    rr_translate(hart, UINT64_MAX, &paddr);
    for (const char *const *name =
             (const char *const[]){"", "x", "x32", "f99", "x-1", "x1 ", "mstatus ", NULL};
         *name; name++)
        bad += rr_register(hart, *name, &value) || rr_find_register(self, *name);
    bad += rr_line(self, UINT64_MAX, text, sizeof text) != 0 || *text;
    bad += rr_symbol(self, UINT64_MAX, text, 0) || *text;
    rr_time_at(self, UINT64_MAX);
    return bad;
}

static void end(RrSelf *self, bool complete) {
    State *s = state_of(self);
    char line[128];
    snprintf(line, sizeof line, "first %u second %u reached %u bad %u\n", s->first, s->second, s->reached,
             ask(self));
    rr_print(self, line);
    rr_stop_observing(self);
    rr_reset(self);
}

static void uninstall(RrSelf *self) {
    free(rr_data(self));
}

static void merge(RrSelf *self, const void *bytes, size_t size) {}

static const RrOption options[] = {{"do", RR_OPTION_TEXT, "", NULL, "what is wrong"}, {NULL}};

RR_EXPORT const RrPlugin rr_plugin = {.version = RR_PLUGIN_VERSION,
                                      .name = "wrong",
                                      .help = "what the interface does not allow",
                                      .options = options,
                                      .basic_blocks = true,
                                      .install = install,
                                      .end = end,
                                      .uninstall = uninstall,
                                      .translate = translate,
                                      .trap = on_trap,
                                      .irq = on_irq,
                                      .privilege = on_privilege,
#ifdef TURNS
                                      .task_turn = on_turn,
                                      .task_switch = on_switch,
#endif
                                      .merge = merge};
