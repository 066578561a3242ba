/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/runs.h"

#include "analyses/analysis.h"
#include "analyses/store/streams.h"
#include "analyses/store/touch.h"

#define ZSTD_LEVEL 1
#define NO_BLOCK UINT32_MAX

/* What is known of a static block, by id. */
typedef struct Known {
    uint32_t local; /* number in this window + 1; 0: not yet */
    uint16_t words, n_insns;
    uint16_t first, end; /* the instructions that the filter lets through */
} Known;

struct RunEncoder {
    const CodeBlock *(*code)(void *opaque, uint32_t id);
    void *opaque;
    RunFilter filter;
    bool filtered;
    RunPredict predict;
    Known *known;
    uint32_t n_known;
    GArray *used; /* ids, by local number */

    Bytes streams[RUN_STREAMS], blob;
    uint64_t blocks, gap_at, event_at;
    uint32_t last_code, hart, first_hart;
    Pos pos, first_pos, last_pos;
    Pos expected; /* pos after what was encoded last */
    uint64_t rows;
    bool synced; /* hart and pos are those that the decoder will have */
    bool begun;
    Touches touches;
    ZSTD_CCtx *zstd;
};

RunEncoder *run_encoder_new(const CodeBlock *(*code)(void *opaque, uint32_t id), void *opaque,
                            const RunFilter *filter) {
    RunEncoder *e = g_new0(RunEncoder, 1);
    e->code = code;
    e->opaque = opaque;
    e->filter = *filter;
    e->filtered =
        filter->first != 0 || filter->last != UINT64_MAX || filter->low != 0 || filter->high != UINT64_MAX;
    e->used = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    e->zstd = ZSTD_createCCtx();
    touches_init(&e->touches);
    return e;
}

void run_encoder_free(RunEncoder *e) {
    if (!e)
        return;
    for (unsigned i = 0; i < RUN_STREAMS; i++)
        bytes_done(&e->streams[i]);
    bytes_done(&e->blob);
    g_array_free(e->used, TRUE);
    g_free(e->known);
    touches_done(&e->touches);
    ZSTD_freeCCtx(e->zstd);
    g_free(e);
}

void run_encoder_begin(RunEncoder *e, size_t words) {
    for (guint i = 0; i < e->used->len; i++)
        e->known[g_array_index(e->used, uint32_t, i)].local = 0;
    g_array_set_size(e->used, 0);
    memset(&e->predict, 0, sizeof e->predict);
    /* Of a block: its id and its number, or an event. Memory that is not touched costs nothing. */
    for (unsigned i = 0; i < RUN_STREAMS; i++) {
        bytes_clear(&e->streams[i]);
        bytes_reserve(&e->streams[i], words * 24 + 65536);
    }
    touches_reset(&e->touches);
    e->blocks = e->gap_at = e->event_at = e->rows = 0;
    e->last_code = 0;
    e->synced = e->begun = false;
}

/* -- blocks -------------------------------------------------------------------------------------------- */
/* The instructions whose pc the filter lets through lie next to each other. */
static void filter_block(const RunEncoder *e, const CodeBlock *b, Known *k) {
    Gva pc = b->pc;
    k->first = k->end = 0;
    for (uint16_t i = 0; i < b->n_insns; pc += code_insn_size(b->raw[i++]))
        if (pc >= e->filter.low && pc <= e->filter.high) {
            k->first = k->end > k->first ? k->first : i;
            k->end = i + 1;
        }
}

static G_GNUC_NO_INLINE Known *learn_block(RunEncoder *e, uint32_t id) {
    if (id >= e->n_known) {
        uint32_t n = MAX(id + 1, MAX(e->n_known * 2, 4096));
        e->known = g_renew(Known, e->known, n);
        memset(e->known + e->n_known, 0, (n - e->n_known) * sizeof(Known));
        e->n_known = n;
    }
    Known *k = &e->known[id];
    const CodeBlock *b = e->code(e->opaque, id);
    k->words = b->words;
    k->n_insns = b->n_insns;
    filter_block(e, b, k);
    return k;
}

static inline Known *find_block(RunEncoder *e, uint32_t id) {
    return G_LIKELY(id < e->n_known && e->known[id].words) ? &e->known[id] : learn_block(e, id);
}

/* The first time in this window. */
static void use_block(RunEncoder *e, uint32_t id, Known *k) {
    const CodeBlock *b = e->code(e->opaque, id);
    Gva pc = b->pc;
    g_array_append_val(e->used, id);
    k->local = e->used->len;
    bytes_put_varint(&e->streams[RUN_CODE], zigzag((uint64_t)id - e->last_code));
    e->last_code = id;
    for (uint16_t i = 0; i < k->end; pc += code_insn_size(b->raw[i++]))
        if (i >= k->first)
            mark_written(touches_get(&e->touches, pc >> PAGE_BITS, 0)->mark, pc);
}

static Bytes *event_begin(RunEncoder *e, RunEvent kind) {
    Bytes *out = &e->streams[RUN_EVENT];
    bytes_put_varint(out, e->blocks - e->event_at);
    bytes_put_u8(out, kind);
    e->event_at = e->blocks;
    return out;
}

/* The decoder's pos and hart are not ours: after traps, switches and what the filter left out. */
static G_GNUC_NO_INLINE void synchronise(RunEncoder *e) {
    if (!e->begun) {
        e->begun = true;
        e->first_hart = e->hart;
        e->first_pos = e->pos;
    } else {
        Bytes *out = event_begin(e, RUN_EVENT_SYNC);
        bytes_put_varint(out, e->hart);
        bytes_put_varint(out, zigzag(e->pos - e->expected));
    }
    e->expected = e->pos;
    e->synced = true;
}

static G_GNUC_NO_INLINE void next_miss(RunEncoder *e, uint32_t id, Known *k) {
    if (!k->local)
        use_block(e, id, k);
    bytes_put_gap(&e->streams[RUN_GAP], e->blocks - e->gap_at);
    e->gap_at = e->blocks + 1;
    bytes_put_varint(&e->streams[RUN_NEXT], k->local - 1);
    e->predict.next[e->predict.history] = id + 1;
}

static inline void put_block(RunEncoder *e, uint32_t id, Known *k) {
    if (G_UNLIKELY(!e->synced))
        synchronise(e);
    if (G_UNLIKELY(e->predict.next[e->predict.history] != id + 1))
        next_miss(e, id, k);
    run_predict_follow(&e->predict, id);
    e->blocks++;
}

/* How many of the instructions [first, end) of a block that begins at e->pos the filter keeps. */
static uint32_t kept(const RunEncoder *e, uint32_t first, uint32_t end) {
    if (e->filter.last < e->pos)
        return 0;
    uint64_t from = e->filter.first > e->pos ? e->filter.first - e->pos : 0, last = e->filter.last - e->pos;
    from = MAX(from, first);
    uint64_t to = last < end ? last + 1 : end;
    return to > from ? (uint32_t)(to - from) : 0;
}

/* A block of which the first `retired` instructions ran. */
static G_GNUC_NO_INLINE void put_partly(RunEncoder *e, uint32_t id, Known *k, uint32_t retired) {
    uint32_t n = kept(e, k->first, MIN(k->end, retired));
    if (n) {
        put_block(e, id, k);
        if (retired < k->n_insns)
            bytes_put_varint(event_begin(e, RUN_EVENT_CUT), retired);
        e->rows += n;
        e->pos += retired;
        e->expected = e->pos;
        e->last_pos = e->pos - 1;
        return;
    }
    e->pos += retired;
    e->synced = e->synced && retired == 0;
}

/* -- the trace ----------------------------------------------------------------------------------------- */
/* Words of a record that is not a block, 0 if it is malformed. */
static size_t record_words(const uint64_t *w, const uint64_t *end) {
    size_t left = (size_t)(end - w), n = 0;
    switch (TRACE_TAG(*w)) {
    case TRACE_CUT: n = 1; break;
    case TRACE_SPLIT: n = 2; break;
    case TRACE_WALK: n = TRACE_WALK_WORDS; break;
    case TRACE_SYNC: n = 4; break;
    case TRACE_DMA: n = left >= 5 && w[4] <= left * 8 ? 5 + (w[4] + 7) / 8 : 0; break;
    default: break;
    }
    return n <= left ? n : 0;
}

static void add_sync(RunEncoder *e, const uint64_t *w) {
    uint32_t hart = *w & 0xff;
    if (hart != e->hart || w[1] != e->pos)
        e->synced = false;
    e->hart = hart;
    e->pos = w[1];
}

/* What stands next to a block and belongs to it: the instructions that retired. */
static uint32_t block_retired(const Known *k, const uint64_t *after, const uint64_t *end) {
    while (after < end && TRACE_TAG(*after) != TRACE_BLOCK) {
        if (TRACE_TAG(*after) == TRACE_CUT)
            return k->n_insns - MIN((uint32_t)*after, k->n_insns);
        if (TRACE_TAG(*after) != TRACE_SPLIT && TRACE_TAG(*after) != TRACE_WALK)
            break;
        after += TRACE_TAG(*after) == TRACE_SPLIT ? 2 : TRACE_WALK_WORDS;
    }
    return k->n_insns;
}

bool run_encoder_add(RunEncoder *e, const uint64_t *words, size_t n, GError **error) {
    const uint64_t *w = words, *end = words + n;
    size_t used = n && TRACE_TAG(*w) == TRACE_SYNC;
    while (w < end && used) {
        if (G_UNLIKELY(TRACE_TAG(*w) != TRACE_BLOCK)) {
            used = record_words(w, end);
            if (used && TRACE_TAG(*w) == TRACE_SYNC)
                add_sync(e, w);
            w += used;
            continue;
        }
        uint32_t id = (uint32_t)*w;
        Known *k = find_block(e, id);
        used = k->words <= end - w ? k->words : 0;
        w += used;
        if (G_UNLIKELY(e->filtered || w >= end || TRACE_TAG(*w) != TRACE_BLOCK)) {
            put_partly(e, id, k, block_retired(k, w, end));
            continue;
        }
        put_block(e, id, k);
        e->rows += k->n_insns;
        e->pos += k->n_insns;
        e->expected = e->pos;
        e->last_pos = e->pos - 1;
    }
    if (!used && n)
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                    "the trace is malformed at word %zu of %zu, pos %" G_GUINT64_FORMAT, (size_t)(w - words),
                    n, e->pos);
    return used || !n;
}

/* -- the blob ------------------------------------------------------------------------------------------ */
void run_encoder_end(RunEncoder *e, ChunkResult *ret) {
    Bytes *b = &e->blob;
    bytes_clear(b);
    bytes_reserve(b, RUNS_HEADER + 8);
    bytes_put_low(b, RUNS_MAGIC, 4);
    bytes_put_low(b, e->rows, 4);
    bytes_put_low(b, e->blocks, 4);
    bytes_put_low(b, e->first_hart, 4);
    bytes_put_low(b, e->first_pos, 8);
    bytes_put_low(b, e->filter.first, 8);
    bytes_put_low(b, e->filter.last, 8);
    bytes_put_low(b, e->filter.low, 8);
    bytes_put_low(b, e->filter.high, 8);
    size_t sizes = bytes_size(b);
    b->at += 8 * RUN_STREAMS;
    for (unsigned i = 0; i < RUN_STREAMS; i++)
        streams_put(b, sizes + 8 * (size_t)i, e->zstd, ZSTD_LEVEL, &e->streams[i]);
    streams_seal(b);
    *ret = (ChunkResult){
        .blob = e->blob, .first_pos = e->first_pos, .last_pos = e->last_pos, .rows = (uint32_t)e->rows};
    ret->pages = touches_pack(&e->touches, &ret->n_pages);
}
