/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checkpoint: the state hashes that were compared. */
#include <glib.h>

#include "analyses/builtin/builtin.h"

typedef struct Checkpoints {
    RrTable *table;
    RrValue row[3];
    bool waits; /* the row: of several at one pos the last one counts, which may be another segment's */
    bool is_worker;
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

static void add(Checkpoints *c, const uint64_t *values) {
    if (c->row[0].integer != (int64_t)values[0])
        write_row(c);
    for (int i = 0; i < 3; i++)
        c->row[i].integer = (int64_t)values[i];
    c->waits = true;
}

static void on_checkpoint(RrSelf *self, uint64_t pos, uint64_t time_ns, uint64_t hash) {
    Checkpoints *c = rr_data(self);
    const uint64_t values[] = {pos, time_ns, hash};
    if (c->is_worker)
        rr_segment_put(self, values, sizeof values);
    else
        add(c, values);
}

static void segment_begin(RrSelf *self, uint64_t from_pos) {
    ((Checkpoints *)rr_data(self))->is_worker = true;
}

static void merge(RrSelf *self, const void *bytes, size_t size) {
    add(rr_data(self), bytes);
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
                                    .checkpoint = on_checkpoint,
                                    .segment_begin = segment_begin,
                                    .merge = merge};
