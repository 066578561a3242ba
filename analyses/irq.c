/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * irq: what becomes of an interrupt. A device's line into the PLIC: raise, claim, complete, lower, with the PLIC's source
 * number. A hart's own lines (software, timer, external): raise and lower as its mip shows them, and take, with the
 * interrupt's number.
 */
#include "analyses/run.h"

#include "core/device.h"
#include "schema/seq.h"

#define LINES_MAX 64u /* of a hart: bits of mip */

typedef struct IrqRow {
    Pos pos;
    Nsec time;
    const char *device; /* of static or the device's lifetime */
    int64_t seq, hart;  /* hart -1: none */
    uint32_t source;
    IrqStage stage;
} IrqRow;

typedef struct Irqs {
    AnalysisRun *run;
    StoreStmt *insert;
    RowQueue *queue;
    RowSeq seq;
    int64_t rows;
} Irqs;

static const char *const stage_names[] = {
    [IRQ_RAISE] = "raise",       [IRQ_TAKE] = "take",   [IRQ_CLAIM] = "claim",
    [IRQ_COMPLETE] = "complete", [IRQ_LOWER] = "lower",
};

/* By number: 1 and 3, 5 and 7, 9 and 11 (privileged spec, table "mcause values"). */
static const char *line_name(uint64_t number) {
    static const char *const names[] = {"software", "timer", "external", "overflow"};
    return number / 4 < G_N_ELEMENTS(names) ? names[number / 4] : "local";
}

static bool insert_row(void *opaque, const void *item, GError **error) {
    Irqs *x = opaque;
    const IrqRow *r = item;
    x->rows++;
    if (r->hart < 0)
        return store_run(x->insert, error, "uiunsis", r->pos, r->seq, r->time, r->device, (int64_t)r->source,
                         stage_names[r->stage]);
    return store_run(x->insert, error, "uiuisis", r->pos, r->seq, r->time, r->hart, r->device,
                     (int64_t)r->source, stage_names[r->stage]);
}

static void on_irq(void *opaque, Pos pos, const Hart *hart, const Device *device, uint32_t source,
                   IrqStage stage) {
    Irqs *x = ((AnalysisRun *)opaque)->state;
    Machine *m = x->run->machine;
    int64_t seq = row_seq_next(&x->seq, pos, m->running ? SEQ_IRQ_STEP : SEQ_IRQ, 1);
    IrqRow r = {pos,  machine_time_at(m, pos),       device ? device->name : line_name(source),
                seq,  hart ? (int64_t)hart->id : -1, source,
                stage};
    row_queue_push(x->queue, &r);
}

static void on_trap(void *opaque, const TrapEvent *ev) {
    Irqs *x = ((AnalysisRun *)opaque)->state;
    if (!ev->is_interrupt || ev->cause >= LINES_MAX)
        return;
    IrqRow r = {ev->pos,
                machine_time_at(x->run->machine, ev->pos),
                line_name(ev->cause),
                SEQ_TRAP + 1,
                ev->hart->id,
                (uint32_t)ev->cause,
                IRQ_TAKE};
    row_queue_push(x->queue, &r);
}

static const HookOps irq_hooks = {.irq = on_irq, .trap = on_trap};

static bool irq_begin(AnalysisRun *run, GError **error) {
    Irqs *x = run->state;
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s\" VALUES (?, ?, ?, ?, ?, ?, ?)", run->name);
    x->run = run;
    if (!store_exec_section(run->store, "irq", run->name, error) ||
        !store_prepare(run->store, sql, &x->insert, error))
        return false;
    x->queue = row_queue_new(sizeof(IrqRow), insert_row, x);
    analysis_run_subscribe(run, &irq_hooks);
    return true;
}

static bool irq_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Irqs *x = run->state;
    bool ok = row_queue_finish(x->queue, error);
    x->queue = NULL;
    *rows = x->rows;
    return ok;
}

static void irq_free(AnalysisRun *run) {
    Irqs *x = run->state;
    row_queue_finish(x->queue, NULL);
    store_stmt_free(x->insert);
}

const AnalysisClass irq_class = {
    .info = {"irq", "interrupts: raised, taken, claimed, completed, lowered", "irq"},
    .state_size = sizeof(Irqs),
    .begin = irq_begin,
    .end = irq_end,
    .free = irq_free,
};
