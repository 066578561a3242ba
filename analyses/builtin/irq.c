/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * irq: what becomes of an interrupt. A device's line into the PLIC: raise, claim, complete, lower, with the PLIC's source
 * number. A hart's own lines (software, timer, external): raise and lower as its mip shows them, and take, with the
 * interrupt's number.
 */
#include <glib.h>

#include "analyses/builtin/builtin.h"

#define LINES_MAX 64u /* of a hart: bits of mip */

static const RrColumn columns[] = {{"time_ns", RR_INTEGER}, {"hart", RR_INTEGER}, {"device", RR_TEXT},
                                   {"source", RR_INTEGER},  {"event", RR_TEXT},   {NULL}};

static const char *const stage_names[] = {
    [RR_IRQ_RAISE] = "raise",       [RR_IRQ_TAKE] = "take",   [RR_IRQ_CLAIM] = "claim",
    [RR_IRQ_COMPLETE] = "complete", [RR_IRQ_LOWER] = "lower",
};

/* By number: 1 and 3, 5 and 7, 9 and 11 (privileged spec, table "mcause values"). */
static const char *line_name(uint64_t number) {
    static const char *const names[] = {"software", "timer", "external", "overflow"};
    return number / 4 < G_N_ELEMENTS(names) ? names[number / 4] : "local";
}

static void on_irq(RrSelf *self, const RrIrq *e) {
    if (e->stage == RR_IRQ_TAKE && e->source >= LINES_MAX)
        return;
    const RrValue values[] = {{{(int64_t)rr_time_at(self, e->pos)}},
                              {{e->hart ? rr_hart_index(e->hart) : 0}, e->hart ? 0 : RR_NULL},
                              {.bytes = e->device ? e->device : line_name(e->source)},
                              {{e->source}},
                              {.bytes = stage_names[e->stage]}};
    rr_row(rr_data(self), values);
}

static bool install(RrSelf *self) {
    rr_set_data(self, rr_table(self, NULL, columns));
    return true;
}

const RrPlugin irq_plugin = {.version = RR_PLUGIN_VERSION,
                             .name = "irq",
                             .help = "interrupts: raised, taken, claimed, completed, lowered",
                             .install = install,
                             .irq = on_irq,
                             .merge = builtin_merge_nothing};
