/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmio: every access of a hart to a device's registers, with the register's name. */
#include "analyses/run.h"

#include "core/device.h"
#include "schema/seq.h"

typedef struct MmioRow {
    Pos pos;
    Gva pc;
    Gpa offset;
    uint64_t value;
    const char *device, *reg; /* of static or the device's lifetime */
    int64_t seq;
    uint32_t hart, size;
    bool is_write;
} MmioRow;

typedef struct Mmio {
    StoreStmt *insert;
    RowQueue *queue;
    RowSeq seq;
    int64_t rows;
} Mmio;

static bool insert_row(void *opaque, const void *item, GError **error) {
    Mmio *x = opaque;
    const MmioRow *r = item;
    g_autofree char *offset = r->reg ? NULL : g_strdup_printf("0x%" G_GINT64_MODIFIER "x", r->offset);
    x->rows++;
    return store_run(x->insert, error, "uiiusssiu", r->pos, r->seq, (int64_t)r->hart, r->pc, r->device,
                     r->reg ? r->reg : offset, r->is_write ? "store" : "load", (int64_t)r->size, r->value);
}

static void on_mmio(void *opaque, Pos pos, const Hart *hart, const Device *device, Gpa offset, bool is_write,
                    unsigned size, uint64_t value) {
    Mmio *x = ((AnalysisRun *)opaque)->state;
    const DeviceOps *ops = device->ops;
    MmioRow r = {.pos = pos,
                 .pc = hart->pc,
                 .offset = offset,
                 .value = value,
                 .device = device->name,
                 .reg = ops->register_name ? ops->register_name(device, offset) : NULL,
                 .seq = row_seq_next(&x->seq, pos, SEQ_MMIO, 1),
                 .hart = hart->id,
                 .size = size,
                 .is_write = is_write};
    row_queue_push(x->queue, &r);
}

static const HookOps mmio_hooks = {.mmio = on_mmio};

static bool mmio_begin(AnalysisRun *run, GError **error) {
    Mmio *x = run->state;
    g_autofree char *sql =
        g_strdup_printf("INSERT INTO \"%s\" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", run->name);
    if (!store_exec_section(run->store, "mmio", run->name, error) ||
        !store_prepare(run->store, sql, &x->insert, error))
        return false;
    x->queue = row_queue_new(sizeof(MmioRow), insert_row, x);
    analysis_run_subscribe(run, &mmio_hooks);
    return true;
}

static bool mmio_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Mmio *x = run->state;
    bool ok = row_queue_finish(x->queue, error);
    x->queue = NULL;
    *rows = x->rows;
    return ok;
}

static void mmio_free(AnalysisRun *run) {
    Mmio *x = run->state;
    row_queue_finish(x->queue, NULL);
    store_stmt_free(x->insert);
}

const AnalysisClass mmio_class = {
    .info = {"mmio", "accesses of device registers, by name", "mmio mmio_v"},
    .state_size = sizeof(Mmio),
    .begin = mmio_begin,
    .end = mmio_end,
    .free = mmio_free,
};
