/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/chunk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include "analyses/analysis.h"
#include "analyses/store/predict.h"
#include "schema/seq.h"

#define TLB_SLOTS 256u
#define ZSTD_LEVEL 1
#define WALK_WORDS 3

/* The last translation seen for a virtual page: `addend` turns a virtual address into the trace's loc. */
typedef struct TlbSlot {
    uint64_t vpage, addend;
    PageTouch *touch;
} TlbSlot;

struct ChunkEncoder {
    const ChunkSource *source;
    uint64_t accesses; /* counted as the gaps do */
    uint64_t addr_at, value_at, page_at, next_at, event_at; /* count at the last entry, + 1 */
    uint64_t before;   /* address of the access before */
    Bytes streams[CHUNK_STREAMS];
    TlbSlot tlb[TLB_SLOTS];
    Predict predict;

    uint64_t blocks; /* begun */
    uint64_t last_page;
    uint32_t last_code, hart, first_hart;
    uint64_t satp, first_satp, rows;
    Pos pos, first_pos, last_pos;
    bool begun;

    PredictBlock **by_index; /* of this chunk, by trace index */
    uint32_t n_index;
    PageTouch *touches;
    size_t n_touches, touches_size;
    uint32_t *touch_hash; /* number in touches + 1, 0 for none */
    size_t touch_mask;
    ZSTD_CCtx *zstd;
    Bytes blob;
};

ChunkEncoder *chunk_encoder_new(const ChunkSource *source) {
    ChunkEncoder *e = g_new0(ChunkEncoder, 1);
    e->source = source;
    e->zstd = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    predict_init(&e->predict);
    e->touch_mask = 8191;
    e->touch_hash = g_new0(uint32_t, e->touch_mask + 1);
    e->touches_size = 4096;
    e->touches = g_new(PageTouch, e->touches_size);
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
    g_free(e->by_index);
    g_free(e->touches);
    g_free(e->touch_hash);
    g_free(e);
}

static void tlb_clear(ChunkEncoder *e) {
    for (unsigned i = 0; i < TLB_SLOTS; i++)
        e->tlb[i] = (TlbSlot){.vpage = UINT64_MAX};
}

void chunk_encoder_begin(ChunkEncoder *e, size_t words) {
    for (uint32_t i = 0; i < e->predict.blocks->len; i++)
        e->by_index[((PredictBlock *)g_ptr_array_index(e->predict.blocks, i))->index] = NULL;
    predict_reset(&e->predict);
    /* Ten bytes a word is more than any record makes; memory that is not touched costs nothing. */
    for (unsigned i = 0; i < CHUNK_STREAMS; i++) {
        bytes_clear(&e->streams[i]);
        bytes_reserve(&e->streams[i], words * 10 + 65536);
    }
    memset(e->touch_hash, 0, (e->touch_mask + 1) * sizeof e->touch_hash[0]);
    e->n_touches = 0;
    tlb_clear(e);
    e->accesses = e->addr_at = e->value_at = e->page_at = e->next_at = e->event_at = 0;
    e->before = e->blocks = e->last_page = e->rows = 0;
    e->last_code = 0;
    e->begun = false;
}

/* -- pages -------------------------------------------------------------------------------------------------- */
static size_t touch_slot(const ChunkEncoder *e, uint64_t vpage, uint64_t ppage) {
    return ((vpage * 0x9e3779b97f4a7c15ull ^ ppage * 0xc2b2ae3d27d4eb4full) >> 32) & e->touch_mask;
}

/* Twice the room; addresses of touches change, so the TLB forgets its pointers (and says the pages again). */
static void touches_grow(ChunkEncoder *e) {
    e->touches_size *= 2;
    e->touches = g_renew(PageTouch, e->touches, e->touches_size);
    g_free(e->touch_hash);
    e->touch_mask = e->touch_mask * 2 + 1;
    e->touch_hash = g_new0(uint32_t, e->touch_mask + 1);
    for (size_t i = 0; i < e->n_touches; i++) {
        size_t at = touch_slot(e, e->touches[i].vpage, e->touches[i].ppage);
        while (e->touch_hash[at])
            at = (at + 1) & e->touch_mask;
        e->touch_hash[at] = (uint32_t)i + 1;
    }
    for (unsigned i = 0; i < TLB_SLOTS; i++)
        e->tlb[i].vpage = UINT64_MAX;
}

static PageTouch *touch_get(ChunkEncoder *e, uint64_t vpage, uint64_t ppage) {
    if (e->n_touches == e->touches_size)
        touches_grow(e);
    size_t at = touch_slot(e, vpage, ppage);
    for (; e->touch_hash[at]; at = (at + 1) & e->touch_mask) {
        PageTouch *t = &e->touches[e->touch_hash[at] - 1];
        if (t->vpage == vpage && t->ppage == ppage)
            return t;
    }
    PageTouch *t = &e->touches[e->n_touches++];
    *t = (PageTouch){.vpage = vpage, .ppage = ppage};
    e->touch_hash[at] = (uint32_t)e->n_touches;
    return t;
}

static inline void touch_mark(PageTouch *t, uint64_t address, uint64_t is_store) {
    uint64_t in_page = address & (PAGE_SIZE - 1);
    t->lines |= 1ull << (in_page >> 6);
    t->written[in_page >> 9] |= is_store << (in_page >> 3 & 63);
}

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

static G_GNUC_NO_INLINE void page_miss(ChunkEncoder *e, TlbSlot *slot, uint64_t va, uint64_t loc) {
    Gpa pa = loc_to_paddr(e, loc);
    Bytes *out = &e->streams[CHUNK_PAGE];
    g_assert(((pa ^ va) & (PAGE_SIZE - 1)) == 0);
    bytes_put_gap(out, e->accesses - e->page_at);
    e->page_at = e->accesses + 1;
    put_page(e, out, pa >> PAGE_BITS);
    PageTouch *touch = touch_get(e, va >> PAGE_BITS, pa >> PAGE_BITS);
    *slot = (TlbSlot){va >> PAGE_BITS, loc - va, touch};
}

/* -- addresses and values ----------------------------------------------------------------------------------- */
static G_GNUC_NO_INLINE void addr_miss(ChunkEncoder *e, uint64_t expected, uint64_t va) {
    uint64_t delta = zigzag(va - expected), delta_before = zigzag(va - e->before);
    uint8_t control = 0;
    if (delta_before < delta) {
        delta = delta_before;
        control = ADDR_FROM_BEFORE;
    }
    unsigned n = bytes_needed(delta);
    bytes_put_gap(&e->streams[CHUNK_ADDR_GAP], e->accesses - e->addr_at);
    e->addr_at = e->accesses + 1;
    bytes_put_u8(&e->streams[CHUNK_ADDR_CTL], (uint8_t)(control | n));
    bytes_put_low(&e->streams[CHUNK_ADDR], delta, n);
}

static G_GNUC_NO_INLINE void value_miss(ChunkEncoder *e, uint64_t at, PredictMem *m, uint64_t memory, uint64_t v) {
    uint64_t delta = zigzag(v - m->last_value), rest = 0;
    unsigned kind, n = 0;
    if (m->value_from != FROM_MEMORY && memory == v) {
        kind = VALUE_MEMORY;
        m->value_from = FROM_MEMORY;
    } else if (m->value_from != FROM_LAST && m->last_value == v) {
        kind = VALUE_LAST;
        m->value_from = FROM_LAST;
    } else {
        kind = delta < v && m->size > 1 ? VALUE_DELTA : VALUE_RAW;
        rest = kind == VALUE_DELTA ? delta : v;
        n = bytes_needed(rest);
    }
    bytes_put_gap(&e->streams[CHUNK_VALUE_GAP], at - e->value_at);
    e->value_at = at + 1;
    bytes_put_u8(&e->streams[CHUNK_VALUE_CTL], (uint8_t)(kind | n));
    bytes_put_low(&e->streams[CHUNK_VALUE], rest, n);
}

static inline TlbSlot *encode_address(ChunkEncoder *e, PredictMem *m, const uint64_t *w) {
    uint64_t va = w[m->slot], loc = w[m->slot + 1];
    uint64_t expected = predict_address(m, w);
    if (G_UNLIKELY(expected != va))
        addr_miss(e, expected, va);
    if (!m->addr_known)
        predict_train_address(m, va);
    e->before = va;
    uint64_t vpage = va >> PAGE_BITS;
    TlbSlot *slot = &e->tlb[(vpage ^ vpage >> 8) % TLB_SLOTS];
    if (G_UNLIKELY(slot->vpage != vpage || slot->addend != loc - va))
        page_miss(e, slot, va, loc);
    return slot;
}

static inline void encode_access(ChunkEncoder *e, PredictMem *m, const uint64_t *w) {
    TlbSlot *slot = encode_address(e, m, w);
    uint64_t va = w[m->slot], v = w[m->slot + 2], mask = predict_mask(m->size);
    touch_mark(slot->touch, va, m->is_store);
    uint64_t *g = predict_granule(&e->predict, va);
    uint64_t memory = granule_get(g, va, mask);
    if (G_UNLIKELY(predict_value(m, w, memory, mask) != v))
        value_miss(e, e->accesses, m, memory, v);
    m->last_value = v;
    granule_set(g, va, mask, v);
    if (G_UNLIKELY((va & 7) + (1u << m->size) > 8 && (va & (PAGE_SIZE - 1)) + (1u << m->size) <= PAGE_SIZE))
        touch_mark(slot->touch, va + 7, m->is_store);
    e->accesses++;
}

/* AMO: the old value as a load, the new one by its difference to the old one. */
static void encode_amo(ChunkEncoder *e, PredictMem *m, const uint64_t *w) {
    TlbSlot *slot = encode_address(e, m, w);
    uint64_t va = w[m->slot], old = w[m->slot + 2], new = w[m->slot + 3], mask = predict_mask(m->size);
    uint64_t *g = predict_granule(&e->predict, va), memory = granule_get(g, va, mask);
    touch_mark(slot->touch, va, 1);
    m->value_from = FROM_MEMORY;
    if (memory != old)
        value_miss(e, e->accesses, m, memory, old);
    PredictMem second = {.value_from = FROM_LAST, .size = m->size, .last_value = (old + m->last_value) & mask};
    if (second.last_value != new)
        value_miss(e, e->accesses + 1, &second, old, new);
    m->value_from = FROM_MEMORY;
    m->last_value = new - old;
    granule_set(g, va, mask, new);
    e->accesses += 2;
}

static void encode_cbo_zero(ChunkEncoder *e, PredictMem *m, const uint64_t *w) {
    TlbSlot *slot = encode_address(e, m, w);
    uint64_t line = w[m->slot] & ~63ull;
    for (unsigned i = 0; i < 8; i++) {
        touch_mark(slot->touch, line + 8 * i, 1);
        *predict_granule(&e->predict, line + 8 * i) = 0;
    }
    e->accesses++;
}

/* One access of a block that is not simple; returns the rows it makes. */
static unsigned encode_any(ChunkEncoder *e, PredictMem *m, const uint64_t *w) {
    switch (m->kind) {
    case TRACE_MEM_SC:
        bytes_put_u8(&e->streams[CHUNK_SC], w[m->slot + 3] != 0);
        if (w[m->slot + 3] == 0)
            return 0;
        encode_access(e, m, w);
        return 1;
    case TRACE_MEM_AMO: encode_amo(e, m, w); return 2;
    case TRACE_MEM_CBO: encode_cbo_zero(e, m, w); return 8;
    default: encode_access(e, m, w); return 1;
    }
}

/* -- blocks and events -------------------------------------------------------------------------------------- */
static PredictBlock *block_find(ChunkEncoder *e, uint32_t index) {
    if (index >= e->n_index) {
        uint32_t n = MAX(index + 1, MAX(e->n_index * 2, 4096));
        e->by_index = g_renew(PredictBlock *, e->by_index, n);
        memset(e->by_index + e->n_index, 0, (n - e->n_index) * sizeof e->by_index[0]);
        e->n_index = n;
    }
    if (!e->by_index[index]) {
        const CodeBlock *code = e->source->code(e->source->opaque, index);
        e->by_index[index] = predict_add_block(&e->predict, code, index);
        bytes_put_varint(&e->streams[CHUNK_CODE], zigzag((uint64_t)code->id - e->last_code));
        e->last_code = code->id;
    }
    return e->by_index[index];
}

static G_GNUC_NO_INLINE PredictBlock *next_miss(ChunkEncoder *e, uint32_t index) {
    PredictBlock *b = block_find(e, index);
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
        touch_mark(touch_get(e, PAGE_NO_VADDR, at >> PAGE_BITS), at, is_write);
    e->last_pos = MAX(e->last_pos, pos);
}

/* The second half of a page-crossing access of the block just run. */
static bool encode_split(ChunkEncoder *e, const PredictBlock *b, const uint64_t *block, uint32_t insn, uint64_t loc) {
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
    touch_mark(touch_get(e, second >> PAGE_BITS, pa >> PAGE_BITS), second, b->mem[k].is_store);
    e->rows++;
    return true;
}

/* The instruction of which `left` are left, itself included. */
static uint32_t insn_from_left(const PredictBlock *b, uint32_t left) { return b->n_insns - MIN(left, b->n_insns); }

/* What follows a block's slots and belongs to it: the instructions that retired. */
static uint32_t block_retired(const PredictBlock *b, const uint64_t *after, const uint64_t *end) {
    for (; after < end; after += TRACE_TAG(*after) == TRACE_SPLIT ? 2 : WALK_WORDS) {
        if (TRACE_TAG(*after) == TRACE_CUT)
            return insn_from_left(b, (uint32_t)*after);
        if (TRACE_TAG(*after) != TRACE_SPLIT && TRACE_TAG(*after) != TRACE_WALK)
            break;
    }
    return b->n_insns;
}

static G_GNUC_NO_INLINE void encode_irregular(ChunkEncoder *e, PredictBlock *b, const uint64_t *w, const uint64_t *end) {
    uint32_t retired = block_retired(b, w + b->words, end);
    for (uint32_t k = 0; k < b->n_mem && b->code->mem[k].insn < retired; k++)
        e->rows += encode_any(e, &b->mem[k], w);
    e->pos += retired;
}

static bool words_left(const uint64_t *w, const uint64_t *end, uint64_t n) { return (uint64_t)(end - w) >= n; }

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
    case TRACE_WALK: return words_left(w, end, WALK_WORDS) ? WALK_WORDS : 0;
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
        b = predict_next(&e->predict);
        if (G_UNLIKELY(b->index != (uint32_t)*w))
            b = next_miss(e, (uint32_t)*w);
        predict_follow(&e->predict, b);
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
        for (uint32_t k = 0; k < b->n_mem; k++)
            encode_access(e, &b->mem[k], block);
        e->rows += b->n_mem;
        e->pos += b->n_insns;
    }
    e->last_pos = MAX(e->last_pos, e->pos - (e->pos > e->first_pos));
    if (!used && n)
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "the trace is malformed at word %zu of %zu, pos %"
                    G_GUINT64_FORMAT, (size_t)(w - words), n, e->pos);
    return used || !n;
}

/* -- the blob ----------------------------------------------------------------------------------------------- */
static void put_u32(Bytes *b, uint32_t v) { bytes_put_low(b, v, 4); }
static void put_u64(Bytes *b, uint64_t v) { bytes_put_low(b, v, 8); }

static uint32_t put_stream(ChunkEncoder *e, const Bytes *stream) {
    size_t size = bytes_size(stream), bound = ZSTD_compressBound(size);
    if (!size)
        return 0;
    bytes_reserve(&e->blob, bound);
    size_t stored = ZSTD_compress2(e->zstd, e->blob.at, bound, stream->data, size);
    g_assert(!ZSTD_isError(stored));
    e->blob.at += stored;
    return (uint32_t)stored;
}

void chunk_encoder_end(ChunkEncoder *e, ChunkResult *ret) {
    bytes_clear(&e->blob);
    bytes_reserve(&e->blob, 65536);
    put_u32(&e->blob, CHUNK_MAGIC);
    put_u32(&e->blob, (uint32_t)e->rows);
    put_u32(&e->blob, (uint32_t)e->blocks);
    put_u32(&e->blob, e->first_hart);
    put_u64(&e->blob, e->first_pos);
    put_u64(&e->blob, e->first_satp);
    e->blob.at += 8 * CHUNK_STREAMS;
    for (unsigned i = 0; i < CHUNK_STREAMS; i++) {
        Bytes sizes = {.at = NULL};
        uint32_t stored = put_stream(e, &e->streams[i]);
        sizes.at = e->blob.data + 32 + 8 * i;
        put_u64(&sizes, bytes_size(&e->streams[i]) | (uint64_t)stored << 32);
    }
    bytes_reserve(&e->blob, 8);
    put_u64(&e->blob, XXH3_64bits(e->blob.data, bytes_size(&e->blob)));
    *ret = (ChunkResult){e->blob, e->first_pos, e->last_pos, (uint32_t)e->rows, e->touches, e->n_touches};
}
