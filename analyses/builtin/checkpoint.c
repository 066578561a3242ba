/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checkpoint: the state hashes that were compared. */
#include <glib.h>

#include "analyses/builtin/builtin.h"

typedef struct Checkpoints {
    RrTable *table;
    RrValue row[3];
    bool waits; /* the row: of several at one pos the last one counts */
} Checkpoints;

static const RrColumn columns[] = {
    {"pos", RR_INTEGER}, {"time_ns", RR_INTEGER}, {"hash", RR_ADDRESS}, {NULL}};

static bool install(RrSelf *self) {
    Checkpoints *c = g_new0(Checkpoints, 1);
    c->table = rr_plain_table(self, NULL, columns);
    rr_set_data(self, c);
    return true;
}

static void write_row(Checkpoints *c) {
    if (c->waits)
        rr_row(c->table, c->row);
    c->waits = false;
}

static void on_checkpoint(RrSelf *self, uint64_t pos, uint64_t time_ns, uint64_t hash) {
    Checkpoints *c = rr_data(self);
    if (c->row[0].integer != (int64_t)pos)
        write_row(c);
    c->row[0].integer = (int64_t)pos;
    c->row[1].integer = (int64_t)time_ns;
    c->row[2].integer = (int64_t)hash;
    c->waits = true;
}

static void end(RrSelf *self, bool complete) {
    write_row(rr_data(self));
}

static void uninstall(RrSelf *self) {
    g_free(rr_data(self));
}

const RrPlugin checkpoint_plugin = {.version = RR_PLUGIN_VERSION,
                                    .name = "checkpoint",
                                    .help = "the state hashes that the replay compared",
                                    .install = install,
                                    .end = end,
                                    .uninstall = uninstall,
                                    .checkpoint = on_checkpoint};
