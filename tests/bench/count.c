/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts instructions (one counter), and with blocks=true how often each stretch of code was entered (one each). */
#include <rr-plugin.h>

#include <inttypes.h>
#include <stdio.h>

static const RrOption options[] = {
    {"blocks", RR_OPTION_BOOL, "false", NULL, "count blocks, not instructions"}, {NULL}};

/* Counters of the same address are the same one: what is translated again goes on counting. */
enum { SLOTS = 1 << 14 };
static RrCounter insns, entered[SLOTS];

static void translate(RrSelf *self, RrBlock *block) {
    if (rr_option_bool(self, "blocks")) {
        rr_add_on_insn(block, 0, entered[rr_block_paddr(block) / 2 % SLOTS], 1);
        return;
    }
    for (size_t i = 0; i < rr_block_insns(block); i++)
        rr_add_on_insn(block, i, insns, 1);
}

static bool install(RrSelf *self) {
    insns = rr_counter_new(self);
    for (unsigned i = 0; i < SLOTS; i++)
        entered[i] = rr_counter_new(self);
    return true;
}

static void end(RrSelf *self, bool complete) {
    uint64_t sum = rr_counter_sum(self, insns);
    for (unsigned i = 0; i < SLOTS; i++)
        sum += rr_counter_sum(self, entered[i]);
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 " counted\n", sum);
    rr_print(self, text);
}

RR_EXPORT const RrPlugin rr_plugin = {.version = RR_PLUGIN_VERSION,
                                      .name = "count",
                                      .help = "how much ran",
                                      .options = options,
                                      .install = install,
                                      .end = end,
                                      .translate = translate};
