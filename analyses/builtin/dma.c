/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dma: what devices read and wrote in guest memory. */
#include <glib.h>
#include <string.h>

#include "analyses/builtin/builtin.h"

typedef struct Dma {
    RrTable *table;
    bool keep_data;
} Dma;

static const RrColumn columns[] = {
    {"submit_pos", RR_INTEGER}, {"device", RR_TEXT}, {"op", RR_TEXT}, {"paddr", RR_ADDRESS, true},
    {"size", RR_INTEGER},       {"data", RR_BLOB},   {NULL}};

static void on_dma(RrSelf *self, const RrDma *e) {
    const Dma *x = rr_data(self);
    const RrValue values[] = {{{(int64_t)e->submit_pos}, e->submit_pos == RR_NO_POS ? RR_NULL : 0},
                              {.bytes = e->device},
                              {.bytes = e->is_write ? "store" : "load"},
                              {{(int64_t)e->paddr}},
                              {{(int64_t)e->size}},
                              {.bytes = x->keep_data ? e->data : NULL, .size = e->size}};
    if (e->size)
        rr_row(x->table, values);
}

static bool install(RrSelf *self) {
    Dma *x = g_new0(Dma, 1);
    rr_set_data(self, x);
    x->table = rr_table(self, NULL, columns);
    x->keep_data = !strcmp(rr_option_text(self, "data"), "keep");
    return true;
}

static void uninstall(RrSelf *self) {
    g_free(rr_data(self));
}

static const RrOption options[] = {
    {"data", RR_OPTION_CHOICE, "keep", "keep|drop", "whether the bytes are kept"}, {NULL}};

const RrPlugin dma_plugin = {.version = RR_PLUGIN_VERSION,
                             .name = "dma",
                             .help = "what devices read and wrote in guest memory",
                             .options = options,
                             .install = install,
                             .uninstall = uninstall,
                             .dma = on_dma,
                             .merge = builtin_merge_nothing};
