/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/runs.h"

#include "analyses/analysis.h"
#include "analyses/store/streams.h"

struct RunDecoder {
    ChunkCodeFn *code;
    void *opaque;
    RunPredict predict;
    GArray *ids; /* by local number */
    Bytes raw[RUN_STREAMS];
    Reader in[RUN_STREAMS];
    ZSTD_DCtx *zstd;

    RunFilter filter;
    Runs *runs;
    uint64_t n_rows, rows, n_blocks, blocks;
    uint64_t gap_at, event_at; /* count at which the next entry applies; UINT64_MAX: none */
    uint64_t hart, last_code;
    Pos pos;
    GError *error; /* from the code function */
};

RunDecoder *run_decoder_new(ChunkCodeFn *code, void *opaque) {
    RunDecoder *d = g_new0(RunDecoder, 1);
    d->code = code;
    d->opaque = opaque;
    d->ids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    d->zstd = ZSTD_createDCtx();
    return d;
}

void run_decoder_free(RunDecoder *d) {
    if (!d)
        return;
    for (unsigned i = 0; i < RUN_STREAMS; i++)
        bytes_done(&d->raw[i]);
    g_array_free(d->ids, TRUE);
    ZSTD_freeDCtx(d->zstd);
    g_free(d);
}

void runs_done(Runs *r) {
    g_free(r->run);
    g_free(r->blocks);
    g_free(r->raw);
    g_free(r->offset);
    *r = (Runs){0};
}

/* -- the streams --------------------------------------------------------------------------------------- */
static bool read_header(RunDecoder *d, const uint8_t *blob, size_t size) {
    Reader r;
    if (!streams_open(blob, size, RUNS_HEADER, RUNS_MAGIC, &r))
        return false;
    d->n_rows = reader_low(&r, 4);
    d->n_blocks = reader_low(&r, 4);
    d->hart = reader_low(&r, 4);
    d->pos = reader_low(&r, 8);
    d->filter.first = reader_low(&r, 8);
    d->filter.last = reader_low(&r, 8);
    d->filter.low = reader_low(&r, 8);
    d->filter.high = reader_low(&r, 8);
    return d->n_blocks <= RUNS_MAX && d->hart <= UINT8_MAX &&
           streams_read(&r, d->zstd, d->raw, d->in, RUN_STREAMS);
}

static uint64_t next_gap(RunDecoder *d, uint64_t from) {
    Reader *r = &d->in[RUN_GAP];
    return r->at == r->end ? UINT64_MAX : from + reader_gap(r);
}

static uint64_t next_event(RunDecoder *d, uint64_t from) {
    Reader *r = &d->in[RUN_EVENT];
    return r->at == r->end ? UINT64_MAX : from + reader_varint(r);
}

static bool decoder_bad(const RunDecoder *d) {
    bool bad = d->error != NULL;
    for (unsigned i = 0; i < RUN_STREAMS; i++)
        bad |= d->in[i].bad;
    return bad;
}

static void decoder_begin(RunDecoder *d, Runs *runs) {
    memset(&d->predict, 0, sizeof d->predict);
    g_array_set_size(d->ids, 0);
    d->runs = runs;
    d->blocks = d->rows = d->last_code = 0;
    d->gap_at = next_gap(d, 0);
    d->event_at = next_event(d, 0);
    runs->n = runs->n_blocks = runs->n_insns = 0;
    if (d->n_blocks > runs->run_room) {
        runs->run_room = d->n_blocks;
        runs->run = g_renew(Run, runs->run, runs->run_room);
    }
}

/* -- blocks -------------------------------------------------------------------------------------------- */
/* Copies, so that the rows outlive whatever the code function keeps. */
static void keep_block(Runs *r, const CodeBlock *b) {
    if (r->n_blocks == r->block_room) {
        r->block_room = MAX(2 * r->block_room, 1024);
        r->blocks = g_renew(RunBlock, r->blocks, r->block_room);
    }
    if (r->n_insns + b->n_insns > r->insn_room) {
        r->insn_room = MAX(2 * r->insn_room, (size_t)r->n_insns + b->n_insns + 16384);
        r->raw = g_renew(uint32_t, r->raw, r->insn_room);
        r->offset = g_renew(uint32_t, r->offset, r->insn_room);
    }
    r->blocks[r->n_blocks++] = (RunBlock){b->pc, r->n_insns, b->n_insns, (uint8_t)code_block_priv(b)};
    for (uint32_t i = 0, offset = 0; i < b->n_insns; offset += code_insn_size(b->raw[i++])) {
        r->raw[r->n_insns] = b->raw[i];
        r->offset[r->n_insns++] = offset;
    }
}

static bool new_block(RunDecoder *d) {
    uint64_t id = d->last_code + unzigzag(reader_varint(&d->in[RUN_CODE]));
    const CodeBlock *code = id < UINT32_MAX ? d->code(d->opaque, (uint32_t)id, &d->error) : NULL;
    if (!code)
        return false;
    uint32_t as_stored = (uint32_t)id;
    d->last_code = id;
    g_array_append_val(d->ids, as_stored);
    keep_block(d->runs, code);
    return true;
}

/* The local number of the next block. */
static bool next_block(RunDecoder *d, uint32_t *ret) {
    uint32_t *slot = &d->predict.next[d->predict.history];
    if (d->blocks == d->gap_at) {
        uint64_t local = reader_varint(&d->in[RUN_NEXT]);
        if (local > d->ids->len || (local == d->ids->len && !new_block(d)))
            return false;
        *slot = (uint32_t)local + 1;
        d->gap_at = next_gap(d, d->blocks + 1);
    }
    if (*slot == 0)
        return false;
    *ret = *slot - 1;
    run_predict_follow(&d->predict, g_array_index(d->ids, uint32_t, *ret));
    d->blocks++;
    return true;
}

/* Adds what the filter keeps of the first `retired` instructions. */
static inline void put_run(RunDecoder *d, uint32_t local, uint32_t retired) {
    const RunBlock *b = &d->runs->blocks[local];
    const uint32_t *offset = &d->runs->offset[b->at];
    const RunFilter *f = &d->filter;
    uint32_t first = 0, end = retired;
    Pos pos = d->pos;
    d->pos += retired;
    while (first < end && (pos + first < f->first || b->pc + offset[first] < f->low))
        first++;
    while (end > first && (pos + end - 1 > f->last || b->pc + offset[end - 1] > f->high))
        end--;
    if (first == end)
        return;
    d->rows += end - first;
    d->runs->run[d->runs->n++] =
        (Run){pos + first, local, (uint16_t)first, (uint16_t)(end - first), (uint8_t)d->hart};
}

static bool decode_syncs(RunDecoder *d) {
    Reader *r = &d->in[RUN_EVENT];
    while (d->event_at == d->blocks && !r->bad) {
        if (reader_u8(r) != RUN_EVENT_SYNC)
            return false;
        d->hart = reader_varint(r);
        d->pos += unzigzag(reader_varint(r));
        if (d->hart > UINT8_MAX)
            return false;
        d->event_at = next_event(d, d->event_at);
    }
    return true;
}

/* The CUT of the block just begun, which comes before any other event. */
static uint32_t decode_cut(RunDecoder *d, uint32_t n_insns) {
    Reader *r = &d->in[RUN_EVENT];
    if (d->event_at != d->blocks || r->at == r->end || *r->at != RUN_EVENT_CUT)
        return n_insns;
    reader_u8(r);
    uint64_t retired = reader_varint(r);
    d->event_at = next_event(d, d->event_at);
    return (uint32_t)MIN(retired, n_insns);
}

static bool decode_blocks(RunDecoder *d) {
    while (d->blocks < d->n_blocks) {
        uint32_t local;
        if (G_UNLIKELY(d->event_at == d->blocks) && !decode_syncs(d))
            return false;
        if (!next_block(d, &local))
            return false;
        uint32_t n = d->runs->blocks[local].n_insns;
        put_run(d, local, G_UNLIKELY(d->event_at == d->blocks) ? decode_cut(d, n) : n);
    }
    return d->rows == d->n_rows && !decoder_bad(d);
}

bool run_decode(RunDecoder *d, const uint8_t *blob, size_t size, Runs *runs, GError **error) {
    runs->n = 0;
    g_clear_error(&d->error);
    if (read_header(d, blob, size)) {
        decoder_begin(d, runs);
        if (decode_blocks(d))
            return true;
    }
    runs->n = 0;
    if (d->error)
        g_propagate_error(error, g_steal_pointer(&d->error));
    else
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                    "a chunk of the instruction trace is damaged");
    return false;
}
