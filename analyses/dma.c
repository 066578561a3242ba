/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dma: what devices read and wrote in guest memory. */
#include "analyses/run.h"
#include "analyses/submissions.h"

#include "schema/seq.h"

#define PIECE 4096u /* memtrace numbers a longer transfer by such pieces (core/hooks_trace.c) */

typedef struct Dma {
    AnalysisRun *run;
    StoreStmt *insert;
    RowSeq seq;
    Submissions *submissions;
    bool keep_data;
    int64_t rows;
    GError *error;
} Dma;

static void on_mmio(void *opaque, Pos pos, const Hart *hart, const Device *device, Gpa offset, bool is_write,
                    unsigned size, uint64_t value) {
    Dma *x = ((AnalysisRun *)opaque)->state;
    if (is_write)
        submissions_note(x->submissions, device, pos);
}

static void on_dma(void *opaque, Pos pos, const Device *device, bool is_write, Gpa pa, const uint8_t *data,
                   uint64_t size) {
    Dma *x = ((AnalysisRun *)opaque)->state;
    const char *op = is_write ? "store" : "load";
    Pos submitted = submissions_find(x->submissions, device, pos);
    int64_t seq = row_seq_next(&x->seq, pos, x->run->machine->running ? SEQ_DMA_STEP : SEQ_DMA,
                               (uint32_t)((size + PIECE - 1) / PIECE));
    if (x->error || !size)
        return;
    char types[] = "uiussuib";
    types[2] = submitted == POS_NONE ? 'n' : 'u';
    types[7] = x->keep_data ? 'b' : 'n';
    x->rows++;
    if (submitted == POS_NONE)
        store_run(x->insert, &x->error, types, pos, seq, device->name, op, pa, (int64_t)size, data,
                  (size_t)size);
    else
        store_run(x->insert, &x->error, types, pos, seq, submitted, device->name, op, pa, (int64_t)size, data,
                  (size_t)size);
}

static const HookOps dma_hooks = {.mmio = on_mmio, .dma = on_dma};

static bool dma_begin(AnalysisRun *run, GError **error) {
    Dma *x = run->state;
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s\" VALUES (?, ?, ?, ?, ?, ?, ?, ?)", run->name);
    x->run = run;
    x->keep_data = !g_strcmp0(analysis_run_option(run, "data"), "keep");
    x->submissions = submissions_new();
    if (!store_exec_section(run->store, "dma", run->name, error) ||
        !store_prepare(run->store, sql, &x->insert, error))
        return false;
    analysis_run_subscribe(run, &dma_hooks);
    return true;
}

static bool dma_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Dma *x = run->state;
    bool ok = !x->error;
    *rows = x->rows;
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&x->error));
    return ok;
}

static void dma_free(AnalysisRun *run) {
    Dma *x = run->state;
    store_stmt_free(x->insert);
    submissions_free(x->submissions);
    g_clear_error(&x->error);
}

static const RrOption dma_options[] = {
    {"data", RR_OPTION_CHOICE, "keep", "keep|drop", "whether the bytes are kept"},
    {NULL},
};

const AnalysisClass dma_class = {
    .info = {"dma", "what devices read and wrote in guest memory", "dma dma_v", dma_options},
    .state_size = sizeof(Dma),
    .begin = dma_begin,
    .end = dma_end,
    .free = dma_free,
};
