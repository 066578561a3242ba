/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast and how small chunks are, on the trace of a real recording: keeps every n-th stretch of its raw
 * trace in memory, then encodes and decodes it, on one thread and without a database.
 *
 *     bench_trace REC [MiB of trace to keep (1000)] [keep one stretch of n (1)] [rounds (3)]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "analyses/recorders/code_table.h"
#include "analyses/store/chunk.h"
#include "analyses/store/index.h"
#include "core/machine.h"
#include "replay/replay.h"
#include "tcg/tcg.h"

#define STRETCH 12u

typedef struct Keep {
    GPtrArray *buffers;
    GArray *sizes;
    uint64_t *spare;
    size_t bytes, limit;
    unsigned every, count;
} Keep;

static uint64_t *new_buffer(void) {
    return g_malloc((TRACE_BUFFER_WORDS + TRACE_RESERVE) * sizeof(uint64_t));
}

static void on_trace(void *opaque, const uint64_t *words, size_t n, uint64_t **next) {
    Keep *k = opaque;
    bool keep = n && k->bytes < k->limit && k->count++ / STRETCH % k->every == 0;
    *next = keep || !words ? new_buffer() : (uint64_t *)words;
    if (!keep)
        return;
    g_ptr_array_add(k->buffers, (gpointer)words);
    g_array_append_val(k->sizes, n);
    k->bytes += n * 8;
}

static Engine *make_engine(Machine *m, void *opaque) {
    TcgOptions options = {0};
    return tcg_engine_new(m, &options);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const CodeBlock *find_code(void *opaque, uint32_t index) {
    return code_table_find(opaque, index);
}
static const CodeBlock *find_code_by_id(void *opaque, uint32_t id, GError **error) {
    return code_table_find(opaque, id);
}

typedef struct Totals {
    uint64_t rows, bytes, touched, pages, sizes[CHUNK_STREAMS], stored[CHUNK_STREAMS];
    double encode, touch, decode;
} Totals;

static void add_sizes(Totals *t, const Bytes *blob) {
    for (unsigned i = 0; i < CHUNK_STREAMS; i++) {
        uint32_t pair[2];
        memcpy(pair, blob->data + 32 + 8 * i, 8);
        t->sizes[i] += pair[0];
        t->stored[i] += pair[1];
    }
}

static void one_round(const Keep *k, ChunkEncoder *e, ChunkDecoder *d, Totals *t) {
    ChunkRows rows = {0};
    Bytes touched = {0};
    *t = (Totals){0};
    for (guint i = 0; i < k->buffers->len; i += STRETCH) {
        ChunkResult r;
        double start = now();
        guint end = MIN(i + STRETCH, k->buffers->len);
        chunk_encoder_begin(e, (TRACE_BUFFER_WORDS + TRACE_RESERVE) * STRETCH);
        for (guint j = i; j < end; j++)
            g_assert(chunk_encoder_add(e, k->buffers->pdata[j], g_array_index(k->sizes, size_t, j), NULL));
        chunk_encoder_end(e, &r);
        t->encode += now() - start;
        start = now();
        index_write_touched(r.pages, r.n_pages, &touched);
        t->touch += now() - start;
        start = now();
        g_assert(chunk_decode(d, r.blob.data, bytes_size(&r.blob), &rows, NULL));
        t->decode += now() - start;
        t->rows += r.rows;
        t->bytes += bytes_size(&r.blob);
        t->touched += bytes_size(&touched);
        t->pages += r.n_pages;
        add_sizes(t, &r.blob);
    }
    bytes_done(&touched);
    chunk_rows_done(&rows);
}

int main(int argc, char **argv) {
    static const char *const names[CHUNK_STREAMS] = {"CODE",     "NEXT_GAP", "NEXT", "EVENT",     "ADDR_GAP",
                                                     "ADDR_CTL", "ADDR",     "PAGE", "VALUE_GAP", "VALUE_CTL",
                                                     "VALUE",    "SC",       "RAW"};
    HookOps hooks = {.trace = on_trace};
    ReplayOptions options = {.new_engine = make_engine};
    GError *error = NULL;
    Rec *rec;
    Replay *replay;
    Keep k = {.limit = (size_t)1000 << 20, .every = 1};
    if (argc < 2 || !rec_open(argv[1], &rec, &error) || !replay_new(rec, &options, &replay, &error)) {
        fprintf(stderr, "%s\n", error ? error->message : "usage: bench_trace REC [MiB] [n] [rounds]");
        return 1;
    }
    k.limit = argc > 2 ? (size_t)atoi(argv[2]) << 20 : k.limit;
    k.every = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
    k.buffers = g_ptr_array_new();
    k.sizes = g_array_new(FALSE, FALSE, sizeof(size_t));
    Machine *m = replay_machine(replay);
    hooks_subscribe(m->hooks, &hooks, &k);
    hooks_set_trace_wants(m->hooks, TRACE_WANT_MEM);
    double start = now();
    if (!replay_run_to(replay, POS_NONE, &error))
        fprintf(stderr, "%s\n", error->message);
    printf("guest with tracing: %.2f s, kept %u buffers\n", now() - start, k.buffers->len);

    ChunkRam ram[8];
    for (uint32_t i = 0; i < m->n_blocks; i++)
        ram[i] = (ChunkRam){(uintptr_t)m->blocks[i].host, m->blocks[i].size, m->blocks[i].base};
    CodeTable *code = code_table_new(m->hooks);
    ChunkSource source = {ram, m->n_blocks, find_code, code};
    ChunkEncoder *e = chunk_encoder_new(&source);
    ChunkDecoder *d = chunk_decoder_new(find_code_by_id, code);
    for (int round = argc > 4 ? atoi(argv[4]) : 3; round > 0; round--) {
        Totals t;
        one_round(&k, e, d, &t);
        double rows = (double)t.rows;
        printf("%.1f M rows: encode %.1f M/s, touched %.1f M/s, decode %.1f M/s; %.3f + %.3f bytes a row, "
               "%.0f pages a chunk\n",
               rows / 1e6, rows / t.encode / 1e6, rows / t.touch / 1e6, rows / t.decode / 1e6,
               (double)t.bytes / rows, (double)t.touched / rows,
               (double)t.pages / (k.buffers->len / (double)STRETCH));
        for (unsigned i = 0; i < CHUNK_STREAMS && round == 1; i++)
            printf("  %-10s %8.4f bytes a row, %8.4f stored\n", names[i], (double)t.sizes[i] / rows,
                   (double)t.stored[i] / rows);
    }
    return 0;
}
