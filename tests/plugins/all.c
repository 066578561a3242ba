/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Observes whatever can be observed, counts it in two ways where there are two, and prints the counts. */
#include <rr-plugin.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct All {
    RrCounter insns, loads, stores;
    uint64_t called_insns, called_loads, called_stores, blocks, block_digest;
    uint64_t traps, returns, irqs, satps, idles, mmios, dmas, consoles, inputs, checkpoints, positions, bad;
    RrTable *traps_table, *notes;
} All;

static void mix(uint64_t *digest, uint64_t value) {
    *digest = (*digest ^ value) * 0x9e3779b97f4a7c15u + (*digest >> 29);
}

static void on_insn(RrSelf *self, const RrHart *hart, void *data) {
    All *all = rr_data(self);
    uint64_t pc = 0;
    all->called_insns++;
    if (!rr_register(hart, "pc", &pc) || pc != rr_pc(hart) ||
        rr_counter_sum(self, all->insns) != all->called_insns)
        all->bad++;
    if (rr_option_bool(self, "crash") && all->called_insns == 1000)
        *(volatile int *)0 = 1;
}

static void on_access(RrSelf *self, const RrHart *hart, const RrAccess *a, void *data) {
    All *all = rr_data(self);
    uint8_t now[8];
    *(a->is_write ? &all->called_stores : &all->called_loads) += 1;
    if (a->is_write && !a->device && a->size <= 8) { /* it is in memory now */
        uint64_t paddr = 0;
        if (!rr_read_physical(self, a->paddr, now, a->size > 4096 - a->paddr % 4096 ? 1 : a->size) ||
            now[0] != (uint8_t)a->value || !rr_translate(hart, a->vaddr, &paddr) || paddr != a->paddr)
            all->bad++;
    }
}

static void on_block(RrSelf *self, const RrHart *hart, void *data) {
    All *all = rr_data(self);
    all->blocks++;
    mix(&all->block_digest, rr_pc(hart));
    mix(&all->block_digest, rr_pos(self));
}

static void translate(RrSelf *self, RrBlock *block) {
    All *all = rr_data(self);
    char text[64];
    rr_on_basic_block(block, on_block, NULL);
    for (size_t i = 0; i < rr_block_insns(block); i++) {
        RrInsn insn = rr_block_insn(block, i);
        if (!rr_block_disassemble(block, i, text, sizeof text) || (insn.size != 2 && insn.size != 4))
            all->bad++;
        rr_add_on_insn(block, i, all->insns, 1);
        rr_add_on_access(block, i, RR_LOADS, all->loads, 1);
        rr_add_on_access(block, i, RR_STORES, all->stores, 1);
        if (rr_option_bool(self, "calls")) {
            rr_on_insn(block, i, on_insn, NULL);
            rr_on_access(block, i, RR_ACCESSES, on_access, NULL);
        }
    }
}

static void on_trap(RrSelf *self, const RrTrap *e) {
    All *all = rr_data(self);
    all->traps++;
    rr_row(all->traps_table, (RrValue[]){{{e->is_interrupt}}, {{(int64_t)e->cause}}, {{(int64_t)e->epc}}});
}
static void on_return(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from) {
    ((All *)rr_data(self))->returns++;
}
static void on_irq(RrSelf *self, const RrIrq *e) {
    ((All *)rr_data(self))->irqs++;
}
static void on_satp(RrSelf *self, uint64_t pos, const RrHart *hart) {
    ((All *)rr_data(self))->satps++;
}
static void on_idle(RrSelf *self, uint64_t pos, const RrHart *hart, bool waits) {
    ((All *)rr_data(self))->idles++;
}
static void on_mmio(RrSelf *self, const RrMmio *e) {
    ((All *)rr_data(self))->mmios++;
}
static void on_dma(RrSelf *self, const RrDma *e) {
    ((All *)rr_data(self))->dmas++;
}
static void on_console(RrSelf *self, const RrBytes *e) {
    All *all = rr_data(self);
    all->consoles += e->size;
    rr_row(all->notes,
           (RrValue[]){{.bytes = e->to_guest ? "in" : "out"}, {.bytes = e->data, .size = e->size}});
}
static void on_input(RrSelf *self, const RrBytes *e) {
    ((All *)rr_data(self))->inputs++;
}
static void on_checkpoint(RrSelf *self, uint64_t pos, uint64_t ns, uint64_t hash) {
    ((All *)rr_data(self))->checkpoints++;
}

static void at(RrSelf *self, uint64_t pos) {
    All *all = rr_data(self);
    all->positions++;
    if (rr_pos(self) != pos)
        all->bad++;
    if (pos == 1000)
        rr_at_position(self, 2500, at);
}

static bool install(RrSelf *self) {
    static const RrColumn traps[] = {
        {"is_interrupt", RR_INTEGER, false}, {"cause", RR_INTEGER, true}, {"epc", RR_ADDRESS, true}, {NULL}};
    static const RrColumn notes[] = {{"direction", RR_TEXT, false}, {"bytes", RR_BLOB, false}, {NULL}};
    All *all = calloc(1, sizeof *all);
    rr_set_data(self, all);
    all->insns = rr_counter_new(self);
    all->loads = rr_counter_new(self);
    all->stores = rr_counter_new(self);
    all->traps_table = rr_table(self, NULL, traps);
    all->notes = rr_table(self, "notes", notes);
    rr_at_position(self, 1000, at);
    if (strcmp(rr_option_text(self, "mood"), "bad") != 0)
        return true;
    free(all);
    return false;
}

static void end(RrSelf *self, bool complete) {
    const All *all = rr_data(self);
    char line[600];
    snprintf(line, sizeof line,
             "insns %" PRIu64 " loads %" PRIu64 " stores %" PRIu64 " calls %" PRIu64 " %" PRIu64 " %" PRIu64
             " blocks %" PRIu64 " %016" PRIx64 " traps %" PRIu64 " returns %" PRIu64 " irqs %" PRIu64
             " satps %" PRIu64 " idles %" PRIu64 " mmios %" PRIu64 " dmas %" PRIu64 " console %" PRIu64
             " inputs %" PRIu64 " positions %" PRIu64 " bad %" PRIu64 "\n",
             rr_counter_sum(self, all->insns), rr_counter_sum(self, all->loads),
             rr_counter_sum(self, all->stores), all->called_insns, all->called_loads, all->called_stores,
             all->blocks, all->block_digest, all->traps, all->returns, all->irqs, all->satps, all->idles,
             all->mmios, all->dmas, all->consoles, all->inputs, all->positions, all->bad);
    rr_print(self, line);
}

static void uninstall(RrSelf *self) {
    free(rr_data(self));
}

static const RrOption options[] = {{"calls", RR_OPTION_BOOL, "on", NULL, "call back too"},
                                   {"crash", RR_OPTION_BOOL, "off", NULL, "at the thousandth instruction"},
                                   {"mood", RR_OPTION_CHOICE, "good", "good|bad", "bad: refuse to start"},
                                   {NULL}};

#ifndef VERSION
#define VERSION RR_PLUGIN_VERSION
#endif
RR_EXPORT const RrPlugin rr_plugin = {
    .version = VERSION,
    .name = "all",
    .help = "counts everything",
    .options = options,
    .basic_blocks = true,
    .install = install,
    .end = end,
    .uninstall = uninstall,
    .translate = translate,
    .trap = on_trap,
    .trap_return = on_return,
    .irq = on_irq,
    .satp = on_satp,
    .idle = on_idle,
    .mmio = on_mmio,
    .dma = on_dma,
    .console = on_console,
    .input = on_input,
    .checkpoint = on_checkpoint,
};
