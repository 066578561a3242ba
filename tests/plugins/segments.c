/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a replay by several workers must say like one by a single process: counts for each function, callbacks, where basic
 * blocks begin, rows of everything that happens, positions and text. -DTASKS: tasks and system calls too. -DALONE: it has no
 * merge function.
 */
#include <rr-plugin.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS 65536u

typedef struct Function {
    char name[64];
    uint64_t insns;
} Function;

/* What is merged: sums all. */
typedef struct Sums {
    uint64_t insns, loads, stores, blocks, digest, events;
} Sums;

typedef struct Seen {
    RrCounter inlined, stored;
    Sums sums;
    Function functions[FUNCTIONS];
    bool in_segment;
    uint64_t merged, segments;
    RrTable *happened, *notes;
} Seen;

static Seen *seen(const RrSelf *self) {
    return rr_data(self);
}

static uint64_t mix(uint64_t a, uint64_t b) {
    return (a ^ b * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
}

static Function *function(Seen *s, const char *name) {
    uint64_t h = 0;
    for (const char *p = name; *p; p++)
        h = mix(h, (uint8_t)*p);
    for (Function *f = &s->functions[h % FUNCTIONS];;
         f = f + 1 == &s->functions[FUNCTIONS] ? s->functions : f + 1)
        if (!*f->name)
            return strncpy(f->name, name, sizeof f->name - 1), f;
        else if (!strcmp(f->name, name))
            return f;
}

static void happened(RrSelf *self, const char *what, uint64_t value) {
    Seen *s = seen(self);
    s->sums.events++;
    rr_row(s->happened, (RrValue[]){{.bytes = what}, {{(int64_t)value}}});
}

/* -- code ------------------------------------------------------------------------------------------------ */

static void on_insn(RrSelf *self, const RrHart *hart, void *data) {
    Seen *s = seen(self);
    s->sums.insns++;
    ((Function *)data)->insns++;
    if (rr_pos(self) == (uint64_t)rr_option_int(self, "crash"))
        *(volatile int *)0 = 1;
    if (rr_pos(self) == (uint64_t)rr_option_int(self, "exit"))
        exit(3);
    if (rr_pos(self) == (uint64_t)rr_option_int(self, "stop"))
        rr_stop_observing(self);
    while (rr_pos(self) == (uint64_t)rr_option_int(self, "hang"))
        ;
}

static void on_access(RrSelf *self, const RrHart *hart, const RrAccess *a, void *data) {
    *(a->is_write ? &seen(self)->sums.stores : &seen(self)->sums.loads) += 1;
    seen(self)->sums.digest += mix(mix(a->vaddr, a->paddr), a->value);
}

static void on_block(RrSelf *self, const RrHart *hart, void *data) {
    Seen *s = seen(self);
    s->sums.blocks++;
    s->sums.digest += mix(mix(rr_pc(hart), rr_pos(self)), rr_hart_index(hart));
}

static void translate(RrSelf *self, RrBlock *block) {
    Seen *s = seen(self);
    char name[64];
    rr_on_basic_block(block, on_block, NULL);
    for (size_t i = 0; i < rr_block_insns(block); i++) {
        RrInsn insn = rr_block_insn(block, i);
        rr_add_on_insn(block, i, s->inlined, 1);
        if (!rr_option_bool(self, "calls"))
            continue;
        rr_symbol(self, insn.pc, name, sizeof name);
        rr_on_insn(block, i, on_insn, function(s, *name ? name : "?"));
        rr_on_access(block, i, RR_ACCESSES, on_access, NULL);
    }
}

/* -- events ---------------------------------------------------------------------------------------------- */

static void on_trap(RrSelf *self, const RrTrap *e) {
    happened(self, "trap", e->cause);
    if (e->is_interrupt)
        rr_row(seen(self)->notes, (RrValue[]){{.bytes = &e->epc, .size = e->cause % 9}});
}
static void on_irq(RrSelf *self, const RrIrq *e) {
    happened(self, e->device ? e->device : "irq", e->stage);
}
static void on_idle(RrSelf *self, uint64_t pos, const RrHart *hart, bool waits) {
    happened(self, waits ? "sleeps" : "wakes", rr_hart_index(hart));
}
static void on_mmio(RrSelf *self, const RrMmio *e) {
    happened(self, e->device, e->value);
}
static void on_dma(RrSelf *self, const RrDma *e) {
    happened(self, "dma", e->submit_pos);
}
static void on_request(RrSelf *self, const RrRequest *e) {
    happened(self, "request", e->submit_pos);
}
static void on_input(RrSelf *self, const RrBytes *e) {
    happened(self, e->kind, e->size);
}
static void on_checkpoint(RrSelf *self, uint64_t pos, uint64_t ns, uint64_t hash) {
    happened(self, "checkpoint", hash);
}
#ifdef TASKS
static void on_switch(RrSelf *self, const RrTaskSwitch *e) {
    happened(self, "switch", e->task->id);
}
static void on_enter(RrSelf *self, const RrSyscall *e) {
    happened(self, "enter", e->id << 16 | e->nr << 8 | e->task->id);
}
static void on_exit_call(RrSelf *self, const RrSyscall *e) {
    happened(self, "exit", e->id << 16 | (e->result & 0xff) << 8 | e->task->id);
}
#endif

static void at(RrSelf *self, uint64_t pos) {
    char line[64];
    happened(self, "position", pos);
    snprintf(line, sizeof line, "at %" PRIu64 ": %" PRIu64 "\n", pos, rr_pos(self));
    rr_print(self, line);
}

/* -- life ------------------------------------------------------------------------------------------------ */

static bool install(RrSelf *self) {
    static const RrColumn columns[] = {{"what", RR_TEXT, true}, {"value", RR_INTEGER, false}, {NULL}};
    static const RrColumn notes[] = {{"bytes", RR_BLOB, false}, {NULL}};
    Seen *s = calloc(1, sizeof *s);
    rr_set_data(self, s);
    s->inlined = rr_counter_new(self);
    s->happened = rr_table(self, NULL, columns);
    s->notes = rr_table(self, "notes", notes);
    rr_counter_set(self, s->inlined, 0, 1000000); /* every segment begins with it */
    s->sums.loads = 5;
    for (uint64_t pos = 0; pos < 5000000000; pos = pos * 3 + 1000)
        rr_at_position(self, pos, at);
    return true;
}

#ifndef ALONE
static void segment_begin(RrSelf *self, uint64_t from) {
    Seen *s = seen(self);
    s->in_segment = true;
    if (rr_pos(self) != from || rr_counter_sum(self, s->inlined) != 1000000 || s->sums.loads != 5)
        rr_print(self, "a segment does not begin as install ended\n");
}

static void segment_end(RrSelf *self, uint64_t to) {
    Seen *s = seen(self);
    s->sums.loads -= 5;
    uint64_t counted = rr_counter_sum(self, s->inlined) - 1000000;
    rr_segment_put(self, &counted, sizeof counted);
    rr_segment_put(self, &s->sums, sizeof s->sums);
    for (unsigned i = 0; i < FUNCTIONS; i++)
        if (*s->functions[i].name)
            rr_segment_put(self, &s->functions[i], sizeof s->functions[i]);
}

static void merge(RrSelf *self, const void *bytes, size_t size) {
    Seen *s = seen(self);
    const Sums *more = bytes;
    uint64_t counted;
    s->merged++;
    if (size == sizeof counted) {
        memcpy(&counted, bytes, size);
        rr_counter_set(self, s->inlined, 0, rr_counter(self, s->inlined, 0) + counted);
        s->segments++;
    } else if (size == sizeof *more) {
        for (size_t i = 0; i < sizeof *more / 8; i++)
            ((uint64_t *)&s->sums)[i] += ((const uint64_t *)bytes)[i];
    } else {
        const Function *f = bytes;
        function(s, f->name)->insns += f->insns;
    }
}
#endif

static int by_name(const void *a, const void *b) {
    return strcmp(((const Function *)a)->name, ((const Function *)b)->name);
}

static void end(RrSelf *self, bool complete) {
    Seen *s = seen(self);
    char line[400];
    if (rr_option_int(self, "stop") >= 0) /* code goes on counting until it is shown again */
        rr_counter_set(self, s->inlined, 0, 0);
    if (rr_option_bool(self, "segments")) {
        snprintf(line, sizeof line, "segments %" PRIu64 "\n", s->segments);
        rr_print(self, line);
    }
    snprintf(line, sizeof line,
             "end %" PRIu64 " %s inlined %" PRIu64 " insns %" PRIu64 " loads %" PRIu64 " stores %" PRIu64
             " blocks %" PRIu64 " digest %016" PRIx64 " events %" PRIu64 "\n",
             rr_pos(self), complete ? "complete" : "incomplete", rr_counter_sum(self, s->inlined),
             s->sums.insns, s->sums.loads, s->sums.stores, s->sums.blocks, s->sums.digest, s->sums.events);
    rr_print(self, line);
    qsort(s->functions, FUNCTIONS, sizeof s->functions[0], by_name);
    for (unsigned i = 0; i < FUNCTIONS; i++)
        if (s->functions[i].insns)
            rr_row(s->happened,
                   (RrValue[]){{.bytes = s->functions[i].name}, {{(int64_t)s->functions[i].insns}}});
}

static void uninstall(RrSelf *self) {
    free(rr_data(self));
}

static const RrOption options[] = {{"calls", RR_OPTION_BOOL, "off", NULL, "callbacks too"},
                                   {"segments", RR_OPTION_BOOL, "off", NULL, "say how many there were"},
                                   {"crash", RR_OPTION_INT, "-1", NULL, "at this position"},
                                   {"exit", RR_OPTION_INT, "-1", NULL, "at this position"},
                                   {"stop", RR_OPTION_INT, "-1", NULL, "observing at this position"},
                                   {"hang", RR_OPTION_INT, "-1", NULL, "at this position"},
                                   {NULL, 0, NULL, NULL, NULL}};

RR_EXPORT const RrPlugin rr_plugin = {.version = RR_PLUGIN_VERSION,
                                      .name = "seen",
                                      .help = "what several workers see",
                                      .options = options,
                                      .basic_blocks = true,
                                      .install = install,
                                      .end = end,
                                      .uninstall = uninstall,
                                      .translate = translate,
                                      .trap = on_trap,
                                      .irq = on_irq,
                                      .idle = on_idle,
                                      .mmio = on_mmio,
                                      .dma = on_dma,
                                      .input = on_input,
                                      .checkpoint = on_checkpoint,
                                      .request = on_request,
#ifdef TASKS
                                      .tasks = true,
                                      .task_switch = on_switch,
                                      .syscall_enter = on_enter,
                                      .syscall_exit = on_exit_call,
#endif
#ifndef ALONE
                                      .segment_begin = segment_begin,
                                      .segment_end = segment_end,
                                      .merge = merge
#endif
};
