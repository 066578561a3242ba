/* SPDX-License-Identifier: GPL-2.0-or-later */
/* input: what came from outside. */
#include "analyses/builtin/builtin.h"

static const RrColumn columns[] = {{"time_ns", RR_INTEGER}, {"kind", RR_TEXT},    {"source", RR_INTEGER},
                                   {"size", RR_INTEGER},    {"payload", RR_BLOB}, {NULL}};

static void on_input(RrSelf *self, const RrBytes *e) {
    const RrValue values[] = {{{(int64_t)e->time_ns}},
                              {.bytes = e->kind},
                              {{e->source}},
                              {{(int64_t)e->size}},
                              {.bytes = e->data ? (const void *)e->data : "", .size = e->size}};
    rr_row(rr_data(self), values);
}

static bool install(RrSelf *self) {
    rr_set_data(self, rr_table(self, NULL, columns));
    return true;
}

const RrPlugin input_plugin = {.version = RR_PLUGIN_VERSION,
                               .name = "input",
                               .help = "what came from outside: console bytes, entropy, clock, disk blocks",
                               .install = install,
                               .input = on_input,
                               .merge = builtin_merge_nothing};
