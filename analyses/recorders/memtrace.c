/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memtrace: every access of the guest to memory. Workers encode the trace's jobs (tracer.h) to chunks,
 * independently of each other, and store them; or only which pages were accessed is kept (memtrace_index.h).
 */
#include <string.h>

#include "analyses/recorders/filter.h"
#include "analyses/recorders/memtrace_index.h"
#include "core/trace.h"

#define WINDOW_MAX 100000000u /* steps: the rows of a window have numbers of 32 bits (trace_walk.c) */
#define WORKERS_MAX 8u

typedef struct Memtrace {
    Recorder *run;
    bool as_rows;
    bool as_index;
    MemIndex *pages; /* storage=index, which has no workers */
    uint64_t window; /* likewise, its steps */
    ChunkRam ram[8];
    ChunkSource source;
    CodeTable *code;

    GMutex lock;
    GCond changed;
    GQueue jobs; /* of TraceJob, waiting */
    bool finishing;
    GThread *workers[WORKERS_MAX];
    unsigned n_workers;

    GMutex store_lock; /* for what follows */
    StoreStmt *insert;
    IndexBuilder *index;
    int64_t rows;
    GError *error; /* the first; nothing is stored after it */
} Memtrace;

static void on_job(void *opaque, TraceJob *job) {
    Memtrace *m = opaque;
    g_mutex_lock(&m->lock);
    g_queue_push_tail(&m->jobs, job);
    g_cond_broadcast(&m->changed);
    g_mutex_unlock(&m->lock);
}

/* -- the workers ----------------------------------------------------------------------------------------- */
static const CodeBlock *find_code(void *opaque, uint32_t id) {
    return code_table_find(opaque, id);
}

static const CodeBlock *find_code_by_id(void *opaque, uint32_t id, GError **error) {
    return code_table_find(((Memtrace *)opaque)->code, id);
}

static const char *priv_name(unsigned priv) {
    return priv == PRIV_U ? "U" : priv == PRIV_S ? "S" : "M";
}

static bool store_row(Memtrace *m, const ChunkRows *r, uint32_t i, GError **error) {
    return store_run(m->insert, error, "uiiuusuuiusu", r->pos[i], (int64_t)r->seq[i], (int64_t)r->hart[i],
                     r->satp[i], r->pc[i], mem_op_names[r->op[i]], r->vaddr[i], r->paddr[i],
                     (int64_t)r->size[i], r->value[i], priv_name(r->priv[i]), r->pc[i]);
}

static bool store_dma_row(Memtrace *m, const ChunkRows *r, uint32_t i, GError **error) {
    return store_run(m->insert, error, "uinnnsnuiunn", r->pos[i], (int64_t)r->seq[i], mem_op_names[r->op[i]],
                     r->paddr[i], (int64_t)r->size[i], r->value[i]);
}

static bool store_walk_row(Memtrace *m, const ChunkRows *r, uint32_t i, GError **error) {
    return store_run(m->insert, error, "uiiuusnuiunu", r->pos[i], (int64_t)r->seq[i], (int64_t)r->hart[i],
                     r->satp[i], r->pc[i], mem_op_names[r->op[i]], r->paddr[i], (int64_t)r->size[i],
                     r->value[i], r->pc[i]);
}

static bool store_rows(Memtrace *m, const ChunkResult *result, ChunkDecoder *decoder, ChunkRows *rows,
                       GError **error) {
    if (!chunk_decode(decoder, result->blob.data, bytes_size(&result->blob), rows, error))
        return false;
    for (uint32_t i = 0; i < rows->n; i++)
        if (!(rows->hart[i] == ROW_NO_CPU     ? store_dma_row
              : rows->priv[i] == ROW_NO_VADDR ? store_walk_row
                                              : store_row)(m, rows, i, error))
            return false;
    return true;
}

static bool store_chunk(Memtrace *m, const TraceJob *job, const ChunkResult *r, const Bytes *touched,
                        GError **error) {
    return trace_store_chunk(m->insert, job->id, r, touched, error) &&
           index_builder_add(m->index, job->id, r->pages, r->n_pages, error);
}

typedef struct Worker {
    ChunkEncoder *encoder;
    ChunkDecoder *decoder; /* storage=rows */
    ChunkRows rows;
    Bytes touched;
} Worker;

static void work(Memtrace *m, Worker *w, const TraceJob *job) {
    ChunkResult result;
    GError *error = NULL;
    bool ok = true;
    chunk_encoder_begin(w->encoder, job->words);
    for (size_t i = 0; i < job->n && ok; i++)
        ok = chunk_encoder_add(w->encoder, job->pieces[i].words, job->pieces[i].n, &error);
    if (ok) {
        chunk_encoder_end(w->encoder, &result);
        if (!m->as_rows)
            index_write_touched(result.pages, result.n_pages, &w->touched);
    }
    g_mutex_lock(&m->store_lock);
    if (ok && !m->error) {
        ok = m->as_rows ? store_rows(m, &result, w->decoder, &w->rows, &error)
                        : store_chunk(m, job, &result, &w->touched, &error);
        m->rows += ok ? result.rows : 0;
    }
    if (error && !m->error)
        m->error = g_steal_pointer(&error);
    g_clear_error(&error);
    g_mutex_unlock(&m->store_lock);
}

static gpointer worker_thread(gpointer data) {
    Memtrace *m = data;
    Worker w = {.encoder = chunk_encoder_new(&m->source)};
    if (m->as_rows)
        w.decoder = chunk_decoder_new(find_code_by_id, m);
    g_mutex_lock(&m->lock);
    for (;;) {
        TraceJob *job = g_queue_pop_head(&m->jobs);
        if (job) {
            g_mutex_unlock(&m->lock);
            work(m, &w, job);
            trace_job_unref(job);
            g_mutex_lock(&m->lock);
        } else if (m->finishing) {
            break;
        } else {
            g_cond_wait(&m->changed, &m->lock);
        }
    }
    g_mutex_unlock(&m->lock);
    chunk_encoder_free(w.encoder);
    chunk_decoder_free(w.decoder);
    chunk_rows_done(&w.rows);
    bytes_done(&w.touched);
    return NULL;
}

/* One is enough; more are faster. */
static bool start_workers(Memtrace *m, GError **error) {
    unsigned wanted = m->as_rows ? 1 : CLAMP(g_get_num_processors(), 1, WORKERS_MAX);
    for (; m->n_workers < wanted; m->n_workers++) {
        GThread *thread = g_thread_try_new("memtrace", worker_thread, m, m->n_workers ? NULL : error);
        if (!thread)
            break;
        m->workers[m->n_workers] = thread;
    }
    if (!m->n_workers)
        g_prefix_error(error, "%s: ", m->run->name);
    return m->n_workers > 0;
}

static void stop_workers(Memtrace *m) {
    g_mutex_lock(&m->lock);
    m->finishing = true;
    g_cond_broadcast(&m->changed);
    g_mutex_unlock(&m->lock);
    for (unsigned i = 0; i < m->n_workers; i++)
        g_thread_join(m->workers[i]);
    m->n_workers = 0;
}

/* -- tables ---------------------------------------------------------------------------------------------- */
static bool make_tables(Memtrace *m, GError **error) {
    Recorder *run = m->run;
    g_autofree char *view = g_strdup_printf("%s_write", run->name);
    g_autofree char *sql =
        g_strdup_printf("INSERT INTO \"%s\" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, sym(?))", run->name);
    if (!store_drop(run->store, view, error) ||
        (run->is_default && !store_drop(run->store, "write", error)) ||
        !trace_store_make(run, &m->insert, error))
        return false;
    if (!m->as_rows)
        return true;
    g_clear_pointer(&m->insert, store_stmt_free);
    return store_exec_section(run->store, "trace drop", run->name, error) &&
           store_exec_section(run->store, "memtrace rows", run->name, error) &&
           store_prepare(run->store, sql, &m->insert, error);
}

/* Views, and the tables' index where they have one. */
static bool finish_tables(Memtrace *m, GError **error) {
    Recorder *run = m->run;
    bool ok = true;
    if (m->as_rows)
        ok = store_exec_section(run->store, "memtrace rows finish", run->name, error) &&
             (!run->is_default ||
              store_exec(run->store, "CREATE VIEW \"write\" AS SELECT * FROM memtrace_write", error));
    else if (!run->is_default)
        ok = store_exec_section(run->store, "memtrace instance", run->name, error);
    return ok && store_exec_section(run->store, "memtrace view", run->name, error);
}

/* -- the analysis ---------------------------------------------------------------------------------------- */
static void memtrace_init(Memtrace *m, Recorder *run) {
    Machine *machine = run->machine;
    m->run = run;
    m->as_rows = !strcmp(recorder_setting(run, "storage"), "rows");
    m->as_index = !strcmp(recorder_setting(run, "storage"), "index");
    g_assert(machine->n_blocks <= G_N_ELEMENTS(m->ram));
    for (uint32_t i = 0; i < machine->n_blocks; i++)
        m->ram[i] =
            (ChunkRam){(uintptr_t)machine->blocks[i].host, machine->blocks[i].size, machine->blocks[i].base};
    m->code = code_table_new(machine->hooks);
    bool walks = !strcmp(recorder_setting(run, "ptw"), "yes");
    m->source = (ChunkSource){m->ram, machine->n_blocks, find_code, m->code, walks};
    g_mutex_init(&m->lock);
    g_mutex_init(&m->store_lock);
    g_cond_init(&m->changed);
    m->index = index_builder_new(trace_store_node, run);
}

static void on_touch(void *opaque, Gva va, Gpa pa, TouchKind kind) {
    const Memtrace *m = ((Recorder *)opaque)->state;
    mem_index_touch(m->pages, va, pa, kind);
}

static void on_dma(void *opaque, Pos pos, const Device *device, bool is_write, Gpa pa, const uint8_t *data,
                   uint64_t size) {
    const Memtrace *m = ((Recorder *)opaque)->state;
    mem_index_dma(m->pages, pa, size, is_write);
}

static const HookOps index_hooks = {.touch = on_touch, .dma = on_dma};

static bool memtrace_begin(Recorder *run, GError **error) {
    Memtrace *m = run->state;
    memtrace_init(m, run);
    if (!filter_number(run, "window", 1, WINDOW_MAX, &m->window, error) || !make_tables(m, error))
        return false;
    if (m->as_index) {
        m->pages = mem_index_new(run->machine, m->window, m->insert, m->index, m->source.walks);
        recorder_subscribe(run, &index_hooks);
        return true;
    }
    if (!start_workers(m, error))
        return false;
    recorder_trace(run, TRACE_WANT_MEM | (m->source.walks ? TRACE_WANT_WALK : 0), m->n_workers + 1, on_job,
                   m);
    return true;
}

static Pos memtrace_next_position(const Recorder *run, Pos at) {
    const Memtrace *m = run->state;
    return m->pages && mem_index_next(m->pages) >= at ? mem_index_next(m->pages) : POS_NONE;
}

static void memtrace_reached(Recorder *run, Pos pos) {
    const Memtrace *m = run->state;
    mem_index_close(m->pages);
}

static bool memtrace_end(Recorder *run, int64_t *rows, GError **error) {
    Memtrace *m = run->state;
    if (m->as_index) {
        *rows = ROWS_UNKNOWN;
        return mem_index_end(m->pages, error) && finish_tables(m, error);
    }
    stop_workers(m);
    if (m->error) {
        g_propagate_error(error, g_steal_pointer(&m->error));
        return false;
    }
    *rows = m->rows;
    return (m->as_rows || (index_builder_end(m->index, error) && trace_store_code(run, m->code, error))) &&
           finish_tables(m, error);
}

static void memtrace_free(Recorder *run) {
    Memtrace *m = run->state;
    if (!m->code)
        return;
    stop_workers(m);
    mem_index_free(m->pages);
    store_stmt_free(m->insert);
    index_builder_free(m->index);
    code_table_free(m->code);
    g_clear_error(&m->error);
    g_mutex_clear(&m->lock);
    g_mutex_clear(&m->store_lock);
    g_cond_clear(&m->changed);
}

static const RecorderSetting settings[] = {
    {"ptw", "no|yes", "no"}, {"storage", "chunks|rows|index", "chunks"}, {"window", "STEPS", "16M"}, {NULL}};
static const char *const tables[] = {"$", "$_v", "$_write", "$_chunk", "$_code", "$_index", "$_loader", NULL};

const RecorderClass accesses_recorder = {
    .settings = settings,
    .tables = tables,
    .state_size = sizeof(Memtrace),
    .begin = memtrace_begin,
    .end = memtrace_end,
    .free = memtrace_free,
    .next_position = memtrace_next_position,
    .reached = memtrace_reached,
};
