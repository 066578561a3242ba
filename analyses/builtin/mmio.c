/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmio: every access of a hart to a device's registers, with the register's name. */
#include <glib.h>

#include "analyses/builtin/builtin.h"

static const RrColumn columns[] = {
    {"hart", RR_INTEGER}, {"pc", RR_ADDRESS},   {"device", RR_TEXT},   {"reg", RR_TEXT},
    {"op", RR_TEXT},      {"size", RR_INTEGER}, {"value", RR_ADDRESS}, {NULL}};

static void on_mmio(RrSelf *self, const RrMmio *e) {
    char offset[24];
    if (!e->reg)
        g_snprintf(offset, sizeof offset, "0x%" G_GINT64_MODIFIER "x", e->offset);
    const RrValue values[] = {{{rr_hart_index(e->hart)}},
                              {{(int64_t)rr_pc(e->hart)}},
                              {.bytes = e->device},
                              {.bytes = e->reg ? e->reg : offset},
                              {.bytes = e->is_write ? "store" : "load"},
                              {{e->size}},
                              {{(int64_t)e->value}}};
    rr_row(rr_data(self), values);
}

static bool install(RrSelf *self) {
    rr_set_data(self, rr_table(self, NULL, columns));
    return true;
}

const RrPlugin mmio_plugin = {.version = RR_PLUGIN_VERSION,
                              .name = "mmio",
                              .help = "accesses of device registers, by name",
                              .install = install,
                              .mmio = on_mmio,
                              .merge = builtin_merge_nothing};
