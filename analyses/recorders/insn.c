/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * insn: every instruction that retired, kept as the runs of blocks that make them up (store/runs.h), which a
 * thread encodes job by job.
 */
#include <string.h>

#include "analyses/recorders/filter.h"
#include "analyses/store/runs.h"
#include "analyses/recorders/trace_store.h"

#define PIECES 4u

typedef struct Insn {
    Recorder *run;
    bool as_rows;
    CodeTable *code;
    RunEncoder *encoder;
    RunDecoder *decoder; /* storage=rows */
    Runs runs;
    Bytes touched;
    GThread *thread;
    GAsyncQueue *jobs; /* of TraceJob, and `jobs` itself as the last */
    StoreStmt *insert;
    IndexBuilder *index;
    uint64_t chunks;
    int64_t rows;
    GError *error; /* the first; nothing is stored after it */
} Insn;

static const CodeBlock *find_code(void *opaque, uint32_t id) {
    return code_table_find(opaque, id);
}

static const CodeBlock *find_code_by_id(void *opaque, uint32_t id, GError **error) {
    return code_table_find(opaque, id);
}

static void on_job(void *opaque, TraceJob *job) {
    g_async_queue_push(((Insn *)opaque)->jobs, job);
}

/* -- the thread ---------------------------------------------------------------------------------------- */
static bool store_run_rows(Insn *x, const Run *run, GError **error) {
    const RunBlock *b = &x->runs.blocks[run->block];
    static const char *const privs[] = {"U", "S", "", "M"};
    for (uint32_t i = 0; i < run->n; i++) {
        uint32_t at = b->at + run->first + i;
        uint64_t pc = b->pc + x->runs.offset[at], raw = x->runs.raw[at];
        if (!store_run(x->insert, error, "uiuuuusu", run->pos + i, (int64_t)run->hart, pc, raw, pc, raw,
                       privs[b->priv & 3], pc))
            return false;
    }
    return true;
}

static bool store_rows(Insn *x, const ChunkResult *r, GError **error) {
    if (!run_decode(x->decoder, r->blob.data, bytes_size(&r->blob), &x->runs, error))
        return false;
    for (uint32_t i = 0; i < x->runs.n; i++)
        if (!store_run_rows(x, &x->runs.run[i], error))
            return false;
    return true;
}

static bool store_result(Insn *x, const ChunkResult *r, GError **error) {
    x->rows += r->rows;
    if (r->rows == 0)
        return true;
    if (x->as_rows)
        return store_rows(x, r, error);
    index_write_touched(r->pages, r->n_pages, &x->touched);
    uint64_t id = x->chunks++;
    return trace_store_chunk(x->insert, id, r, &x->touched, error) &&
           index_builder_add(x->index, id, r->pages, r->n_pages, error);
}

/* A window of a few pieces, so that reading one row does not take long. */
static bool encode(Insn *x, const TracePiece *pieces, size_t n) {
    ChunkResult result;
    size_t words = 0;
    for (size_t i = 0; i < n; i++)
        words += pieces[i].n;
    run_encoder_begin(x->encoder, words);
    for (size_t i = 0; i < n; i++)
        if (!run_encoder_add(x->encoder, pieces[i].words, pieces[i].n, &x->error))
            return false;
    run_encoder_end(x->encoder, &result);
    return store_result(x, &result, &x->error);
}

static gpointer follow(gpointer data) {
    Insn *x = data;
    for (gpointer p; (p = g_async_queue_pop(x->jobs)) != x->jobs;) {
        TraceJob *job = p;
        for (size_t i = 0; i < job->n && !x->error; i += PIECES)
            encode(x, &job->pieces[i], MIN(PIECES, job->n - i));
        trace_job_unref(job);
    }
    return NULL;
}

static void stop(Insn *x) {
    if (!x->thread)
        return;
    g_async_queue_push(x->jobs, x->jobs);
    g_thread_join(x->thread);
    x->thread = NULL;
}

/* -- the analysis -------------------------------------------------------------------------------------- */
static bool make_tables(Insn *x, GError **error) {
    Recorder *run = x->run;
    g_autofree char *sql =
        g_strdup_printf("INSERT INTO \"%s\" VALUES (?, ?, ?, ?, disas(?, ?), ?, sym(?))", run->name);
    if (!trace_store_make(run, &x->insert, error))
        return false;
    if (!x->as_rows)
        return true;
    g_clear_pointer(&x->insert, store_stmt_free);
    return store_exec_section(run->store, "trace drop", run->name, error) &&
           store_exec_section(run->store, "insn rows", run->name, error) &&
           store_prepare(run->store, sql, &x->insert, error);
}

static bool insn_begin(Recorder *run, GError **error) {
    Insn *x = run->state;
    RunFilter filter = RUN_FILTER_ALL;
    x->run = run;
    x->as_rows = !strcmp(recorder_setting(run, "storage"), "rows");
    if (!filter_positions(run, &filter.first, &filter.last, error) ||
        !filter_addresses(run, false, &filter.low, &filter.high, error))
        return false;
    x->code = code_table_new(run->machine->hooks);
    x->encoder = run_encoder_new(find_code, x->code, &filter);
    x->decoder = run_decoder_new(find_code_by_id, x->code);
    x->index = index_builder_new(trace_store_node, run);
    x->jobs = g_async_queue_new();
    if (!make_tables(x, error))
        return false;
    x->thread = g_thread_try_new("insn", follow, x, error);
    if (!x->thread) {
        g_prefix_error(error, "%s: ", run->name);
        return false;
    }
    recorder_trace(run, TRACE_WANT_INSN, 2, on_job, x);
    return true;
}

static bool insn_end(Recorder *run, int64_t *rows, GError **error) {
    Insn *x = run->state;
    stop(x);
    if (x->error) {
        g_propagate_error(error, g_steal_pointer(&x->error));
        return false;
    }
    *rows = x->rows;
    if (!x->as_rows &&
        (!index_builder_end(x->index, error) || !trace_store_code(run, x->code, error) ||
         (!run->is_default && !store_exec_section(run->store, "insn instance", run->name, error))))
        return false;
    return store_exec_section(run->store, "insn view", run->name, error);
}

static void insn_free(Recorder *run) {
    Insn *x = run->state;
    if (!x->code)
        return;
    stop(x);
    store_stmt_free(x->insert);
    index_builder_free(x->index);
    run_encoder_free(x->encoder);
    run_decoder_free(x->decoder);
    runs_done(&x->runs);
    bytes_done(&x->touched);
    g_async_queue_unref(x->jobs);
    code_table_free(x->code);
    g_clear_error(&x->error);
}

static const RecorderSetting settings[] = {{"storage", "chunks|rows", "chunks"}, FILTER_SETTINGS, {NULL}};
static const char *const tables[] = {"$", "$_v", "$_chunk", "$_code", "$_index", NULL};

const RecorderClass instructions_recorder = {
    .settings = settings,
    .tables = tables,
    .state_size = sizeof(Insn),
    .begin = insn_begin,
    .end = insn_end,
    .free = insn_free,
};
