/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/chunk.h"

#include "analyses/analysis.h"
#include "analyses/store/predict.h"
#include "analyses/store/streams.h"
#include "analyses/store/touch.h"
#include "schema/seq.h"

#define TLB_SLOTS 256u
#define ZSTD_LEVEL 1
#define ZSTD_LEVEL_VALUE (-1) /* what no predictor foretold is hardly compressible */

/* The last translation seen for a virtual page: `addend` turns a virtual address into the trace's loc. */
typedef struct TlbSlot {
    uint64_t vpage, addend;
    uint8_t *mark; /* of the Touch */
    uint64_t unused;
} TlbSlot;

struct ChunkEncoder {
    const ChunkSource *source;
    uint64_t accesses;                                      /* counted as the gaps do */
    uint64_t addr_at, value_at, page_at, next_at, event_at; /* count at the last entry, + 1 */
    uint64_t before;                                        /* address of the access before */
    Bytes streams[CHUNK_STREAMS];
    TlbSlot tlb[TLB_SLOTS];
    Predict predict;

    uint64_t blocks; /* begun */
    uint64_t last_page;
    uint32_t last_code, hart, first_hart;
    uint64_t satp, first_satp, rows;
    Pos walk_pos; /* of the last WALK */
    uint32_t walk_seq;
    Pos pos, first_pos, last_pos;
    bool begun;

    PredictBlock **by_id; /* of this chunk */
    uint32_t n_ids;
    Touches touches;
    ZSTD_CCtx *zstd;
    Bytes blob;
};

ChunkEncoder *chunk_encoder_new(const ChunkSource *source) {
    ChunkEncoder *e = g_new0(ChunkEncoder, 1);
    e->source = source;
    e->zstd = ZSTD_createCCtx();
    predict_init(&e->predict);
    touches_init(&e->touches);
    return e;
}

void chunk_encoder_free(ChunkEncoder *e) {
    if (!e)
        return;
    for (unsigned i = 0; i < CHUNK_STREAMS; i++)
        bytes_done(&e->streams[i]);
    bytes_done(&e->blob);
    predict_done(&e->predict);
    ZSTD_freeCCtx(e->zstd);
    g_free(e->by_id);
    touches_done(&e->touches);
    g_free(e);
}

static void tlb_clear(ChunkEncoder *e) {
    for (unsigned i = 0; i < TLB_SLOTS; i++)
        e->tlb[i] = (TlbSlot){.vpage = UINT64_MAX};
}

void chunk_encoder_begin(ChunkEncoder *e, size_t words) {
    for (uint32_t i = 0; i < e->predict.blocks->len; i++)
        e->by_id[((PredictBlock *)g_ptr_array_index(e->predict.blocks, i))->id] = NULL;
    predict_reset(&e->predict);
    /* Ten bytes a word is more than any record makes; memory that is not touched costs nothing. */
    for (unsigned i = 0; i < CHUNK_STREAMS; i++) {
        bytes_clear(&e->streams[i]);
        bytes_reserve(&e->streams[i], words * 10 + 65536);
    }
    touches_reset(&e->touches);
    tlb_clear(e);
    e->accesses = e->addr_at = e->value_at = e->page_at = e->next_at = e->event_at = 0;
    e->before = e->blocks = e->last_page = e->rows = 0;
    e->last_code = 0;
    e->walk_pos = POS_NONE;
    e->begun = false;
}

/* -- pages --------------------------------------------------------------------------------------------- */
static Gpa loc_to_paddr(const ChunkEncoder *e, uint64_t loc) {
    if (loc & TRACE_PHYS)
        return loc & ~TRACE_PHYS;
    for (size_t i = 0; i < e->source->n_ram; i++)
        if (loc - e->source->ram[i].host < e->source->ram[i].size)
            return loc - e->source->ram[i].host + e->source->ram[i].base;
    g_assert_not_reached(); /* the engine handed out an address that is not guest memory */
}

static void put_page(ChunkEncoder *e, Bytes *out, uint64_t page) {
    bytes_put_varint(out, zigzag(page - (e->last_page + 1)));
    e->last_page = page;
}

static G_GNUC_NO_INLINE void page_miss(ChunkEncoder *e, uint64_t at, TlbSlot *slot, uint64_t va,
                                       uint64_t loc) {
    Gpa pa = loc_to_paddr(e, loc);
    Bytes *out = &e->streams[CHUNK_PAGE];
    g_assert(((pa ^ va) & (PAGE_SIZE - 1)) == 0);
    bytes_put_gap(out, at - e->page_at);
    e->page_at = at + 1;
    put_page(e, out, pa >> PAGE_BITS);
    Touch *touch = touches_get(&e->touches, va >> PAGE_BITS, pa >> PAGE_BITS);
    *slot = (TlbSlot){.vpage = va >> PAGE_BITS, .addend = loc - va, .mark = touch->mark};
}

/* -- addresses and values ------------------------------------------------------------------------------ */
static G_GNUC_NO_INLINE void addr_miss(ChunkEncoder *e, uint64_t at, uint64_t before, uint64_t expected,
                                       uint64_t va) {
    uint64_t delta = zigzag(va - expected), delta_before = zigzag(va - before);
    uint8_t control = 0;
    if (bytes_needed(delta_before) < bytes_needed(delta)) {
        delta = delta_before;
        control = ADDR_FROM_BEFORE;
    }
    unsigned n = bytes_needed(delta);
    bytes_put_gap(&e->streams[CHUNK_ADDR_GAP], at - e->addr_at);
    e->addr_at = at + 1;
    bytes_put_u8(&e->streams[CHUNK_ADDR_CTL], (uint8_t)(control | n));
    bytes_put_low(&e->streams[CHUNK_ADDR], delta, n);
}

static G_GNUC_NO_INLINE void value_miss(ChunkEncoder *e, uint64_t at, PredictMem *m, uint64_t memory,
                                        uint64_t v) {
    uint64_t delta = zigzag(v - m->last_value), rest = 0;
    unsigned kind, n = 0;
    if (m->value_from != FROM_MEMORY && memory == v) {
        kind = VALUE_MEMORY;
        m->value_from = FROM_MEMORY;
    } else if (m->value_from != FROM_LAST && m->last_value == v) {
        kind = VALUE_LAST;
        m->value_from = FROM_LAST;
    } else {
        /* No shorter, no delta: equal values are for zstd to find. */
        kind = bytes_needed(delta) < bytes_needed(v) && m->size > 1 ? VALUE_DELTA : VALUE_RAW;
        rest = kind == VALUE_DELTA ? delta : v;
        n = bytes_needed(rest);
    }
    bytes_put_gap(&e->streams[CHUNK_VALUE_GAP], at - e->value_at);
    e->value_at = at + 1;
    bytes_put_u8(&e->streams[CHUNK_VALUE_CTL], (uint8_t)(kind | n));
    bytes_put_low(&e->streams[CHUNK_VALUE], rest, n);
}

/* Access number `at`, the one before it having address `before`. */
static inline TlbSlot *encode_address(ChunkEncoder *e, PredictMem *m, const uint64_t *w, uint64_t at,
                                      uint64_t before) {
    uint64_t va = w[m->slot], loc = w[m->slot + 1];
    uint64_t expected = predict_address(m, w);
    if (G_UNLIKELY(expected != va))
        addr_miss(e, at, before, expected, va);
    if (!m->addr_known)
        predict_train_address(m, va);
    uint64_t vpage = va >> PAGE_BITS;
    TlbSlot *slot = &e->tlb[(vpage ^ vpage >> 8) % TLB_SLOTS];
    if (G_UNLIKELY(slot->vpage != vpage || slot->addend != loc - va))
        page_miss(e, at, slot, va, loc);
    return slot;
}

static inline void encode_access(ChunkEncoder *e, PredictMem *m, const uint64_t *w, uint64_t at,
                                 uint64_t before) {
    TlbSlot *slot = encode_address(e, m, w, at, before);
    uint64_t va = w[m->slot], v = w[m->slot + 2], mask = predict_mask(m->size),
             in_page = va & (PAGE_SIZE - 1);
    slot->mark[m->mark_base + (in_page >> m->mark_shift)] = 1;
    uint64_t *g = predict_granule(&e->predict, va);
    uint64_t memory = granule_get(g, va, mask);
    if (G_UNLIKELY(predict_value(m, w, memory, mask) != v))
        value_miss(e, at, m, memory, v);
    m->last_value = v;
    granule_set(g, va, mask, v);
    /* Not aligned: the granule after, unless that is another page's. */
    if (G_UNLIKELY((va & 7) + (1u << m->size) > 8 && in_page + (1u << m->size) <= PAGE_SIZE))
        mark_any(slot->mark, va + 7, m->is_store);
}

/* AMO: the old value as a load, the new one by its difference to the old one. */
static void encode_amo(ChunkEncoder *e, PredictMem *m, const uint64_t *w) {
    TlbSlot *slot = encode_address(e, m, w, e->accesses, e->before);
    uint64_t va = w[m->slot], old = w[m->slot + 2], new = w[m->slot + 3], mask = predict_mask(m->size);
    uint64_t *g = predict_granule(&e->predict, va), memory = granule_get(g, va, mask);
    mark_written(slot->mark, va);
    m->value_from = FROM_MEMORY;
    if (memory != old)
        value_miss(e, e->accesses, m, memory, old);
    PredictMem second = {
        .value_from = FROM_LAST, .size = m->size, .last_value = (old + m->last_value) & mask};
    if (second.last_value != new)
        value_miss(e, e->accesses + 1, &second, old, new);
    m->value_from = FROM_MEMORY;
    m->last_value = new - old;
    granule_set(g, va, mask, new);
    e->accesses += 2;
}

static void encode_cbo_zero(ChunkEncoder *e, PredictMem *m, const uint64_t *w) {
    TlbSlot *slot = encode_address(e, m, w, e->accesses, e->before);
    uint64_t line = w[m->slot] & ~63ull;
    for (unsigned i = 0; i < 8; i++) {
        mark_written(slot->mark, line + 8 * i);
        *predict_granule(&e->predict, line + 8 * i) = 0;
    }
    e->accesses++;
}

/* One access of a block that is not simple; returns the rows it makes. */
static unsigned encode_any(ChunkEncoder *e, PredictMem *m, const uint64_t *w) {
    unsigned rows = 1;
    switch (m->kind) {
    case TRACE_MEM_SC:
        bytes_put_u8(&e->streams[CHUNK_SC], w[m->slot + 3] != 0);
        if (w[m->slot + 3] == 0)
            return 0;
        encode_access(e, m, w, e->accesses++, e->before);
        break;
    case TRACE_MEM_AMO:
        encode_amo(e, m, w);
        rows = 2;
        break;
    case TRACE_MEM_CBO:
        encode_cbo_zero(e, m, w);
        rows = 8;
        break;
    default: encode_access(e, m, w, e->accesses++, e->before);
    }
    e->before = w[m->slot];
    return rows;
}

/* All accesses of a simple block that ran to its end. */
static inline void encode_simple(ChunkEncoder *e, PredictBlock *b, const uint64_t *w) {
    uint64_t at = e->accesses, before = e->before;
    for (PredictMem *m = b->mem, *end = m + b->n_mem; m < end; m++) {
        encode_access(e, m, w, at++, before);
        before = w[m->slot];
    }
    e->accesses = at;
    e->before = before;
    e->rows += b->n_mem;
    e->pos += b->n_insns;
}

/* -- blocks and events --------------------------------------------------------------------------------- */
static PredictBlock *block_find(ChunkEncoder *e, uint32_t id) {
    if (id >= e->n_ids) {
        uint32_t n = MAX(id + 1, MAX(e->n_ids * 2, 4096));
        e->by_id = g_renew(PredictBlock *, e->by_id, n);
        memset(e->by_id + e->n_ids, 0, (n - e->n_ids) * sizeof(PredictBlock *));
        e->n_ids = n;
    }
    if (!e->by_id[id]) {
        e->by_id[id] = predict_add_block(&e->predict, e->source->code(e->source->opaque, id));
        bytes_put_varint(&e->streams[CHUNK_CODE], zigzag((uint64_t)id - e->last_code));
        e->last_code = id;
    }
    return e->by_id[id];
}

static G_GNUC_NO_INLINE PredictBlock *next_miss(ChunkEncoder *e, uint32_t id) {
    PredictBlock *b = block_find(e, id);
    bytes_put_gap(&e->streams[CHUNK_NEXT_GAP], e->blocks - e->next_at);
    e->next_at = e->blocks + 1;
    bytes_put_varint(&e->streams[CHUNK_NEXT], b->local);
    predict_learn(&e->predict, b);
    return b;
}

static Bytes *event_begin(ChunkEncoder *e, ChunkEvent kind) {
    Bytes *out = &e->streams[CHUNK_EVENT];
    bytes_put_varint(out, e->blocks - e->event_at);
    bytes_put_u8(out, kind);
    e->event_at = e->blocks;
    return out;
}

static void encode_sync(ChunkEncoder *e, uint32_t hart, Pos pos, uint64_t satp) {
    if (!e->begun) {
        e->begun = true;
        e->first_hart = hart;
        e->first_satp = satp;
        e->first_pos = e->last_pos = pos;
    } else if (hart != e->hart || pos != e->pos || satp != e->satp) {
        Bytes *out = event_begin(e, EVENT_SYNC);
        bytes_put_varint(out, hart);
        bytes_put_varint(out, zigzag(pos - e->pos));
        bytes_put_varint(out, satp);
    }
    e->hart = hart;
    e->pos = pos;
    e->satp = satp;
}

static void encode_dma(ChunkEncoder *e, const uint64_t *w) {
    bool is_write = w[0] >> 16 & 1;
    uint64_t pos = w[1], seq = w[2], paddr = w[3], size = w[4];
    Bytes *out = event_begin(e, EVENT_DMA);
    bytes_put_varint(out, is_write);
    bytes_put_varint(out, zigzag(pos - e->pos));
    bytes_put_varint(out, seq);
    bytes_put_varint(out, paddr);
    bytes_put_varint(out, size);
    bytes_append(&e->streams[CHUNK_RAW], w + 5, size);
    for (Gpa at = paddr & ~7ull; at < paddr + size; at += 8, e->rows++)
        mark_any(touches_get(&e->touches, PAGE_NO_VADDR, at >> PAGE_BITS)->mark, at, is_write);
    e->last_pos = MAX(e->last_pos, pos);
}

/* The second half of a page-crossing access of the block just run. */
static bool encode_split(ChunkEncoder *e, const PredictBlock *b, const uint64_t *block, uint32_t insn,
                         uint64_t loc) {
    uint32_t k = 0;
    while (k < b->n_mem && b->code->mem[k].insn != insn)
        k++;
    if (k == b->n_mem)
        return false;
    Gpa pa = loc_to_paddr(e, loc);
    Gva second = (block[b->mem[k].slot] | (PAGE_SIZE - 1)) + 1;
    Bytes *out = event_begin(e, EVENT_SPLIT);
    bytes_put_varint(out, k);
    bytes_put_varint(out, pa >> PAGE_BITS);
    mark_any(touches_get(&e->touches, second >> PAGE_BITS, pa >> PAGE_BITS)->mark, second,
             b->mem[k].is_store);
    e->rows++;
    return true;
}

/* The instruction of which `left` are left, itself included. */
static uint32_t insn_from_left(const PredictBlock *b, uint32_t left) {
    return b->n_insns - MIN(left, b->n_insns);
}

/* The walker changed a page-table entry, on behalf of an instruction of the block or to fetch the next one. */
static void encode_walk(ChunkEncoder *e, const PredictBlock *b, const uint64_t *w) {
    uint32_t left = (uint32_t)*w, insn = b && left ? insn_from_left(b, left) : 0;
    uint64_t pos = w[1], paddr = w[2], pc = left && b ? b->code->pc : w[4];
    for (uint32_t i = 0; i < insn; i++)
        pc += code_insn_size(b->code->raw[i]);
    e->walk_seq = pos == e->walk_pos ? e->walk_seq + 1 : SEQ_WALK;
    e->walk_pos = pos;
    Bytes *out = event_begin(e, EVENT_WALK);
    bytes_put_varint(out, zigzag(pos - e->first_pos));
    bytes_put_varint(out, e->walk_seq);
    bytes_put_varint(out, pc);
    bytes_put_varint(out, paddr);
    bytes_put_varint(out, w[3]);
    mark_written(touches_get(&e->touches, PAGE_NO_VADDR, paddr >> PAGE_BITS)->mark, paddr);
    e->rows++;
    e->last_pos = MAX(e->last_pos, pos);
}

/* What follows a block's slots and belongs to it: the instructions that retired. */
static uint32_t block_retired(const PredictBlock *b, const uint64_t *after, const uint64_t *end) {
    for (; after < end; after += TRACE_TAG(*after) == TRACE_SPLIT ? 2 : TRACE_WALK_WORDS) {
        if (TRACE_TAG(*after) == TRACE_CUT)
            return insn_from_left(b, (uint32_t)*after);
        if (TRACE_TAG(*after) != TRACE_SPLIT && TRACE_TAG(*after) != TRACE_WALK)
            break;
    }
    return b->n_insns;
}

static G_GNUC_NO_INLINE void encode_irregular(ChunkEncoder *e, PredictBlock *b, const uint64_t *w,
                                              const uint64_t *end) {
    uint32_t retired = block_retired(b, w + b->words, end);
    for (uint32_t k = 0; k < b->n_mem && b->code->mem[k].insn < retired; k++)
        e->rows += encode_any(e, &b->mem[k], w);
    e->pos += retired;
}

static bool words_left(const uint64_t *w, const uint64_t *end, uint64_t n) {
    return (uint64_t)(end - w) >= n;
}

/* Words of the record at w that is not a block, 0 if it is malformed. */
static size_t encode_record(ChunkEncoder *e, const PredictBlock *b, const uint64_t *block, const uint64_t *w,
                            const uint64_t *end) {
    switch (TRACE_TAG(*w)) {
    case TRACE_CUT:
        if (!b)
            return 0;
        bytes_put_varint(event_begin(e, EVENT_CUT), insn_from_left(b, (uint32_t)*w));
        return 1;
    case TRACE_SPLIT:
        if (!b || !words_left(w, end, 2) || !encode_split(e, b, block, insn_from_left(b, (uint32_t)*w), w[1]))
            return 0;
        return 2;
    case TRACE_SYNC:
        if (!words_left(w, end, 4))
            return 0;
        encode_sync(e, *w & 0xff, w[1], w[2]);
        return 4;
    case TRACE_DMA:
        if (!words_left(w, end, 5) || !words_left(w, end, 5 + w[4] / 8 + (w[4] % 8 != 0)))
            return 0;
        encode_dma(e, w);
        return 5 + w[4] / 8 + (w[4] % 8 != 0);
    case TRACE_WALK:
        if (!words_left(w, end, TRACE_WALK_WORDS))
            return 0;
        if (e->source->walks)
            encode_walk(e, b, w);
        return TRACE_WALK_WORDS;
    default: return 0;
    }
}

static inline bool may_be_cut(uint64_t word) {
    return TRACE_TAG(word) == TRACE_CUT || TRACE_TAG(word) == TRACE_SPLIT || TRACE_TAG(word) == TRACE_WALK;
}

bool chunk_encoder_add(ChunkEncoder *e, const uint64_t *words, size_t n, GError **error) {
    const uint64_t *w = words, *end = words + n, *block = NULL;
    PredictBlock *b = NULL;
    size_t used = n && TRACE_TAG(*w) == TRACE_SYNC;
    while (w < end && used) {
        if (G_UNLIKELY(TRACE_TAG(*w) != TRACE_BLOCK)) {
            used = encode_record(e, b, block, w, end);
            if (TRACE_TAG(*w) == TRACE_SYNC || TRACE_TAG(*w) == TRACE_DMA)
                b = NULL; /* CUT and SPLIT stand next to their block */
            w += used;
            continue;
        }
        uint32_t id = (uint32_t)*w;
        b = predict_next(&e->predict);
        if (G_UNLIKELY(b->id != id))
            b = next_miss(e, id);
        predict_follow(&e->predict, id);
        e->blocks++;
        used = words_left(w, end, b->words) ? b->words : 0;
        if (!used)
            break;
        block = w;
        w += used;
        if (G_UNLIKELY(!b->simple || (w < end && may_be_cut(*w)))) {
            encode_irregular(e, b, block, end);
            continue;
        }
        encode_simple(e, b, block);
    }
    e->last_pos = MAX(e->last_pos, e->pos - (e->pos > e->first_pos));
    if (!used && n)
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                    "the trace is malformed at word %zu of %zu, pos %" G_GUINT64_FORMAT, (size_t)(w - words),
                    n, e->pos);
    return used || !n;
}

/* -- the blob ------------------------------------------------------------------------------------------ */
void chunk_encoder_end(ChunkEncoder *e, ChunkResult *ret) {
    Bytes *b = &e->blob;
    bytes_clear(b);
    bytes_reserve(b, CHUNK_HEADER + 8);
    bytes_put_low(b, CHUNK_MAGIC, 4);
    bytes_put_low(b, e->rows, 4);
    bytes_put_low(b, e->blocks, 4);
    bytes_put_low(b, e->first_hart, 4);
    bytes_put_low(b, e->first_pos, 8);
    bytes_put_low(b, e->first_satp, 8);
    size_t sizes = bytes_size(b);
    b->at += 8 * CHUNK_STREAMS;
    for (unsigned i = 0; i < CHUNK_STREAMS; i++)
        streams_put(b, sizes + 8 * (size_t)i, e->zstd, i == CHUNK_VALUE ? ZSTD_LEVEL_VALUE : ZSTD_LEVEL,
                    &e->streams[i]);
    streams_seal(b);
    size_t n_pages;
    PageTouch *pages = touches_pack(&e->touches, &n_pages);
    *ret = (ChunkResult){e->blob, e->first_pos, e->last_pos, (uint32_t)e->rows, pages, n_pages};
}
