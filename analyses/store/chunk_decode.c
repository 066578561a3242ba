/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/chunk.h"

#include "analyses/analysis.h"
#include "analyses/store/predict.h"
#include "analyses/store/streams.h"
#include "schema/seq.h"

#define TLB_SLOTS 256u

const char *const mem_op_names[MEM_OP_COUNT] = {
#define X(name, text) text,
    MEM_OPS(X)
#undef X
};

typedef struct TlbSlot {
    uint64_t vpage, ppage;
} TlbSlot;

typedef struct Split {
    uint32_t access;
    uint64_t page;
} Split;

typedef struct Row {
    Pos pos;
    uint32_t seq;
    uint8_t op, size;
    uint64_t pc, vaddr, paddr, value;
} Row;

struct ChunkDecoder {
    ChunkCodeFn *code;
    void *opaque;
    Predict predict;
    TlbSlot tlb[TLB_SLOTS];
    Reader in[CHUNK_STREAMS];
    Bytes raw[CHUNK_STREAMS]; /* the decompressed streams */
    ZSTD_DCtx *zstd;
    GArray *splits;    /* of the present block */
    GArray *walks;     /* its walker's Rows */
    uint64_t *scratch; /* the present block's words, as in the trace */

    ChunkRows *rows;
    uint64_t blocks, n_blocks, accesses;
    uint64_t next_at, event_at, addr_at, page_at,
        value_at; /* count at which the next entry applies; UINT64_MAX: none */
    uint64_t before, last_page;
    uint32_t last_code, hart;
    uint64_t satp;
    Pos pos, first_pos;
    bool bad;
    GError *error; /* from the code function */
};

ChunkDecoder *chunk_decoder_new(ChunkCodeFn *code, void *opaque) {
    ChunkDecoder *d = g_new0(ChunkDecoder, 1);
    d->code = code;
    d->opaque = opaque;
    d->zstd = ZSTD_createDCtx();
    d->splits = g_array_new(FALSE, FALSE, sizeof(Split));
    d->walks = g_array_new(FALSE, FALSE, sizeof(Row));
    d->scratch = g_new0(uint64_t, CODE_MAX_WORDS + 1);
    predict_init(&d->predict);
    return d;
}

void chunk_decoder_free(ChunkDecoder *d) {
    if (!d)
        return;
    for (unsigned i = 0; i < CHUNK_STREAMS; i++)
        bytes_done(&d->raw[i]);
    predict_done(&d->predict);
    ZSTD_freeDCtx(d->zstd);
    g_array_free(d->splits, TRUE);
    g_array_free(d->walks, TRUE);
    g_free(d->scratch);
    g_free(d);
}

void chunk_rows_done(ChunkRows *rows) {
    g_free(rows->memory);
    *rows = (ChunkRows){0};
}

/* One allocation, the widest columns first. */
static void rows_begin(ChunkRows *rows, size_t n) {
    if (n > rows->capacity || !rows->memory) {
        g_free(rows->memory);
        rows->capacity = MAX(n, 65536);
        rows->memory = g_malloc(rows->capacity * (6 * 8 + 4 + 4));
        uint64_t *at = rows->memory;
        uint64_t **wide[] = {&rows->pos, &rows->pc, &rows->vaddr, &rows->paddr, &rows->value, &rows->satp};
        for (size_t i = 0; i < G_N_ELEMENTS(wide); i++, at += rows->capacity)
            *wide[i] = at;
        rows->seq = (uint32_t *)at;
        uint8_t *bytes = (uint8_t *)(rows->seq + rows->capacity);
        uint8_t **narrow[] = {&rows->op, &rows->size, &rows->hart, &rows->priv};
        for (size_t i = 0; i < G_N_ELEMENTS(narrow); i++, bytes += rows->capacity)
            *narrow[i] = bytes;
    }
    rows->n = 0;
}

/* -- the streams --------------------------------------------------------------------------------------- */
static bool read_header(ChunkDecoder *d, const uint8_t *blob, size_t size, ChunkRows *rows) {
    Reader r;
    if (!streams_open(blob, size, CHUNK_HEADER, CHUNK_MAGIC, &r))
        return false;
    uint64_t n_rows = reader_low(&r, 4);
    if (n_rows > CHUNK_MAX_ROWS)
        return false;
    d->n_blocks = reader_low(&r, 4);
    d->hart = (uint32_t)reader_low(&r, 4);
    d->pos = d->first_pos = reader_low(&r, 8);
    d->satp = reader_low(&r, 8);
    if (!streams_read(&r, d->zstd, d->raw, d->in, CHUNK_STREAMS))
        return false;
    rows_begin(rows, n_rows);
    d->rows = rows;
    return true;
}

/* Count at which the next entry of a gap stream applies, `from` being one past the last. */
static uint64_t next_entry(ChunkDecoder *d, ChunkStream stream, uint64_t from) {
    Reader *r = &d->in[stream];
    if (r->at == r->end)
        return UINT64_MAX;
    return from + reader_gap(r);
}

static uint64_t next_event(ChunkDecoder *d, uint64_t from) {
    Reader *r = &d->in[CHUNK_EVENT];
    if (r->at == r->end)
        return UINT64_MAX;
    return from + reader_varint(r);
}

static void decoder_begin(ChunkDecoder *d) {
    predict_reset(&d->predict);
    for (unsigned i = 0; i < TLB_SLOTS; i++)
        d->tlb[i].vpage = UINT64_MAX;
    d->blocks = d->accesses = d->before = d->last_page = 0;
    d->last_code = 0;
    d->bad = false;
    d->next_at = next_entry(d, CHUNK_NEXT_GAP, 0);
    d->addr_at = next_entry(d, CHUNK_ADDR_GAP, 0);
    d->page_at = next_entry(d, CHUNK_PAGE, 0);
    d->value_at = next_entry(d, CHUNK_VALUE_GAP, 0);
    d->event_at = next_event(d, 0);
}

static bool decoder_bad(const ChunkDecoder *d) {
    bool bad = d->bad;
    for (unsigned i = 0; i < CHUNK_STREAMS; i++)
        bad |= d->in[i].bad;
    return bad;
}

/* -- rows ---------------------------------------------------------------------------------------------- */
static inline void put_row(ChunkDecoder *d, const Row *row, uint32_t hart, unsigned priv) {
    ChunkRows *to = d->rows;
    uint32_t n = to->n;
    if (G_UNLIKELY(n >= to->capacity)) {
        d->bad = true;
        return;
    }
    to->pos[n] = row->pos;
    to->pc[n] = row->pc;
    to->vaddr[n] = row->vaddr;
    to->paddr[n] = row->paddr;
    to->value[n] = row->value;
    to->satp[n] = d->satp;
    to->seq[n] = row->seq;
    to->op[n] = row->op;
    to->size[n] = row->size;
    to->hart[n] = (uint8_t)hart;
    to->priv[n] = (uint8_t)priv;
    to->n = n + 1;
}

#define SWAP(column, i)                                                                                      \
    do {                                                                                                     \
        typeof(*(column)) swapped = (column)[i];                                                             \
        (column)[i] = (column)[(i)-1];                                                                       \
        (column)[(i)-1] = swapped;                                                                           \
    } while (0)

/* A row that was found after others which it comes before: the walker's, which are rare. */
static void put_walk(ChunkDecoder *d, const Row *row) {
    ChunkRows *r = d->rows;
    put_row(d, row, d->hart, ROW_NO_VADDR);
    if (d->bad)
        return;
    for (uint32_t i = r->n - 1;
         i && (r->pos[i - 1] > row->pos || (r->pos[i - 1] == row->pos && r->seq[i - 1] > row->seq)); i--) {
        SWAP(r->pos, i);
        SWAP(r->pc, i);
        SWAP(r->vaddr, i);
        SWAP(r->paddr, i);
        SWAP(r->value, i);
        SWAP(r->satp, i);
        SWAP(r->seq, i);
        SWAP(r->op, i);
        SWAP(r->size, i);
        SWAP(r->hart, i);
        SWAP(r->priv, i);
    }
}

static Row read_walk(ChunkDecoder *d, Reader *r) {
    Row row = {.op = MEM_OP_PTW, .size = 8};
    row.pos = d->first_pos + unzigzag(reader_varint(r));
    row.seq = (uint32_t)reader_varint(r);
    row.pc = reader_varint(r);
    row.paddr = reader_varint(r);
    row.value = reader_varint(r);
    return row;
}

static uint64_t read_page(ChunkDecoder *d, Reader *r) {
    d->last_page = d->last_page + 1 + unzigzag(reader_varint(r));
    return d->last_page;
}

/* Address and translation of the next access. */
static inline Gpa decode_address(ChunkDecoder *d, PredictMem *m) {
    uint64_t *w = d->scratch;
    uint64_t va = predict_address(m, w);
    if (G_UNLIKELY(d->accesses == d->addr_at)) {
        uint8_t control = reader_u8(&d->in[CHUNK_ADDR_CTL]);
        uint64_t delta = unzigzag(reader_low(&d->in[CHUNK_ADDR], control & ADDR_BYTES));
        va = (control & ADDR_FROM_BEFORE ? d->before : va) + delta;
        d->addr_at = next_entry(d, CHUNK_ADDR_GAP, d->accesses + 1);
    }
    if (!m->addr_known)
        predict_train_address(m, va);
    d->before = w[m->slot] = va;
    uint64_t vpage = va >> PAGE_BITS;
    TlbSlot *slot = &d->tlb[(vpage ^ vpage >> 8) % TLB_SLOTS];
    if (G_UNLIKELY(d->accesses == d->page_at)) {
        *slot = (TlbSlot){vpage, read_page(d, &d->in[CHUNK_PAGE])};
        d->page_at = next_entry(d, CHUNK_PAGE, d->accesses + 1);
    } else if (G_UNLIKELY(slot->vpage != vpage)) {
        d->bad = true;
    }
    return slot->ppage << PAGE_BITS | (va & (PAGE_SIZE - 1));
}

static uint64_t read_value(ChunkDecoder *d, uint64_t at, PredictMem *m, uint64_t memory) {
    uint8_t control = reader_u8(&d->in[CHUNK_VALUE_CTL]);
    uint64_t rest = reader_low(&d->in[CHUNK_VALUE], control & VALUE_BYTES);
    d->value_at = next_entry(d, CHUNK_VALUE_GAP, at + 1);
    switch (control & VALUE_KIND) {
    case VALUE_MEMORY: m->value_from = FROM_MEMORY; return memory;
    case VALUE_LAST: m->value_from = FROM_LAST; return m->last_value;
    case VALUE_DELTA: return m->last_value + unzigzag(rest);
    default: return rest;
    }
}

static inline uint64_t decode_value(ChunkDecoder *d, PredictMem *m, uint64_t va) {
    uint64_t mask = predict_mask(m->size);
    uint64_t *g = predict_granule(&d->predict, va), memory = granule_get(g, va, mask);
    uint64_t v = predict_value(m, d->scratch, memory, mask);
    if (G_UNLIKELY(d->accesses == d->value_at))
        v = read_value(d, d->accesses, m, memory);
    v &= mask;
    m->last_value = d->scratch[m->slot + 2] = v;
    granule_set(g, va, mask, v);
    return v;
}

static const uint8_t row_op[] = {
    [TRACE_MEM_LOAD] = MEM_OP_LOAD, [TRACE_MEM_STORE] = MEM_OP_STORE,  [TRACE_MEM_LR] = MEM_OP_LR,
    [TRACE_MEM_SC] = MEM_OP_SC,     [TRACE_MEM_AMO] = MEM_OP_AMO_LOAD, [TRACE_MEM_CBO] = MEM_OP_STORE};

static void decode_amo(ChunkDecoder *d, PredictMem *m, Row *row, unsigned priv) {
    uint64_t mask = predict_mask(m->size), *w = d->scratch;
    row->paddr = decode_address(d, m);
    row->vaddr = w[m->slot];
    uint64_t *g = predict_granule(&d->predict, row->vaddr), memory = granule_get(g, row->vaddr, mask);
    m->value_from = FROM_MEMORY;
    uint64_t old = d->accesses == d->value_at ? read_value(d, d->accesses, m, memory) & mask : memory;
    PredictMem second = {.value_from = FROM_LAST, .last_value = (old + m->last_value) & mask};
    uint64_t new = second.last_value;
    if (d->accesses + 1 == d->value_at)
        new = read_value(d, d->accesses + 1, &second, old) & mask;
    m->value_from = FROM_MEMORY;
    m->last_value = new - old;
    w[m->slot + 2] = old;
    w[m->slot + 3] = new;
    granule_set(g, row->vaddr, mask, new);
    d->accesses += 2;
    row->value = old;
    put_row(d, row, d->hart, priv);
    row->op = MEM_OP_AMO_STORE;
    row->seq++;
    row->value = new;
    put_row(d, row, d->hart, priv);
}

static void decode_cbo_zero(ChunkDecoder *d, PredictMem *m, Row *row, unsigned priv) {
    Gpa line = decode_address(d, m) & ~63ull;
    Gva vline = d->scratch[m->slot] & ~63ull;
    d->accesses++;
    row->size = 8;
    row->value = 0;
    for (unsigned i = 0; i < 8; i++, row->seq++) {
        row->vaddr = vline + 8 * i;
        row->paddr = line + 8 * i;
        *predict_granule(&d->predict, row->vaddr) = 0;
        put_row(d, row, d->hart, priv);
    }
}

/* A page-crossing access is two rows. */
static void put_split(ChunkDecoder *d, Row *row, uint64_t page, unsigned priv) {
    unsigned size = row->size, first = (unsigned)(PAGE_SIZE - (row->vaddr & (PAGE_SIZE - 1)));
    uint64_t value = row->value;
    if (first >= size) {
        d->bad = true;
        return;
    }
    row->size = (uint8_t)first;
    row->value = value & (~0ull >> (64 - 8 * first));
    put_row(d, row, d->hart, priv);
    row->size = (uint8_t)(size - first);
    row->value = value >> 8 * first;
    row->vaddr += first;
    row->paddr = page << PAGE_BITS;
    row->seq++;
    put_row(d, row, d->hart, priv);
}

static bool find_split(const ChunkDecoder *d, uint32_t access, uint64_t *page) {
    for (uint32_t i = 0; i < d->splits->len; i++) {
        const Split *s = &g_array_index(d->splits, Split, i);
        *page = s->page;
        if (s->access == access)
            return true;
    }
    return false;
}

static inline void decode_access(ChunkDecoder *d, PredictMem *m, Row *row, uint32_t k, unsigned priv) {
    uint64_t page;
    row->op = row_op[m->kind];
    row->size = (uint8_t)(1u << m->size);
    if (m->kind == TRACE_MEM_AMO) {
        decode_amo(d, m, row, priv);
        return;
    }
    if (m->kind == TRACE_MEM_CBO) {
        decode_cbo_zero(d, m, row, priv);
        return;
    }
    if (m->kind == TRACE_MEM_SC && !reader_u8(&d->in[CHUNK_SC]))
        return;
    row->paddr = decode_address(d, m);
    row->vaddr = d->scratch[m->slot];
    row->value = decode_value(d, m, row->vaddr);
    d->accesses++;
    if (G_UNLIKELY(d->splits->len) && find_split(d, k, &page))
        put_split(d, row, page, priv);
    else
        put_row(d, row, d->hart, priv);
}

/* -- blocks and events --------------------------------------------------------------------------------- */
static PredictBlock *decode_next(ChunkDecoder *d) {
    PredictBlock *b = predict_next(&d->predict);
    if (d->blocks == d->next_at) {
        uint64_t local = reader_varint(&d->in[CHUNK_NEXT]);
        if (local == d->predict.blocks->len) {
            uint64_t id = d->last_code + unzigzag(reader_varint(&d->in[CHUNK_CODE]));
            const CodeBlock *code = id <= UINT32_MAX ? d->code(d->opaque, (uint32_t)id, &d->error) : NULL;
            if (!code)
                return NULL;
            d->last_code = (uint32_t)id;
            predict_add_block(&d->predict, code);
        }
        if (local >= d->predict.blocks->len)
            return NULL;
        b = g_ptr_array_index(d->predict.blocks, local);
        predict_learn(&d->predict, b);
        d->next_at = next_entry(d, CHUNK_NEXT_GAP, d->blocks + 1);
    }
    predict_follow(&d->predict, b->id);
    d->blocks++;
    return b->code ? b : NULL;
}

/* The CUT, SPLIT and WALK events of the block just begun; returns the instructions that retired. */
static uint32_t decode_cuts(ChunkDecoder *d, const PredictBlock *b) {
    Reader *r = &d->in[CHUNK_EVENT];
    uint32_t retired = b->n_insns;
    while (d->event_at == d->blocks && r->at < r->end &&
           (*r->at == EVENT_CUT || *r->at == EVENT_SPLIT || *r->at == EVENT_WALK)) {
        uint8_t kind = reader_u8(r);
        if (kind == EVENT_CUT) {
            uint64_t n = reader_varint(r);
            retired = (uint32_t)MIN(n, b->n_insns);
        } else if (kind == EVENT_WALK) {
            Row walk = read_walk(d, r);
            g_array_append_val(d->walks, walk);
        } else {
            Split s = {(uint32_t)reader_varint(r), reader_varint(r)};
            g_array_append_val(d->splits, s);
        }
        d->event_at = next_event(d, d->event_at);
    }
    return retired;
}

static void decode_dma(ChunkDecoder *d, Reader *r) {
    bool is_write = reader_varint(r) != 0;
    Row row = {.op = is_write ? MEM_OP_DMA_WRITE : MEM_OP_DMA_READ};
    row.pos = d->pos + unzigzag(reader_varint(r));
    row.seq = (uint32_t)reader_varint(r);
    Gpa at = reader_varint(r);
    uint64_t size = reader_varint(r);
    Reader bytes = {reader_take(&d->in[CHUNK_RAW], size), NULL, false};
    if (!bytes.at)
        return;
    bytes.end = bytes.at + size;
    for (uint64_t left = size; left && !d->bad; left -= row.size, at += row.size) {
        row.size = (uint8_t)MIN(8 - (at & 7), left);
        row.paddr = at;
        row.value = reader_low(&bytes, row.size);
        put_row(d, &row, ROW_NO_CPU, 0);
    }
}

static void decode_events(ChunkDecoder *d) {
    Reader *r = &d->in[CHUNK_EVENT];
    while (d->event_at == d->blocks && !r->bad) {
        switch (reader_u8(r)) {
        case EVENT_SYNC:
            d->hart = (uint32_t)reader_varint(r);
            d->pos += unzigzag(reader_varint(r));
            d->satp = reader_varint(r);
            break;
        case EVENT_DMA: decode_dma(d, r); break;
        case EVENT_WALK: {
            Row walk = read_walk(d, r);
            put_walk(d, &walk);
            break;
        }
        default: r->bad = true; return;
        }
        d->event_at = next_event(d, d->event_at);
    }
}

static bool decode_block(ChunkDecoder *d) {
    PredictBlock *b = decode_next(d);
    if (!b)
        return false;
    uint32_t retired = b->n_insns;
    if (G_UNLIKELY(d->splits->len))
        g_array_set_size(d->splits, 0);
    if (G_UNLIKELY(d->walks->len))
        g_array_set_size(d->walks, 0);
    if (G_UNLIKELY(d->event_at == d->blocks))
        retired = decode_cuts(d, b);
    const CodeBlock *code = b->code;
    unsigned priv = code_block_priv(code);
    Row row = {.seq = SEQ_MEM};
    uint32_t last = UINT32_MAX;
    for (uint32_t k = 0; k < b->n_mem && code->mem[k].insn < retired; k++) {
        const CodeMem *c = &code->mem[k];
        row.seq = c->insn == last ? row.seq + 1 : SEQ_MEM;
        last = c->insn;
        row.pos = d->pos + c->insn;
        row.pc = code->pc + c->pc_offset;
        decode_access(d, &b->mem[k], &row, k, priv);
    }
    d->pos += retired;
    for (guint i = 0; G_UNLIKELY(i < d->walks->len); i++)
        put_walk(d, &g_array_index(d->walks, Row, i));
    if (G_UNLIKELY(d->event_at == d->blocks))
        decode_events(d);
    return true;
}

bool chunk_decode(ChunkDecoder *d, const uint8_t *blob, size_t size, ChunkRows *rows, GError **error) {
    bool ok = read_header(d, blob, size, rows);
    if (ok) {
        uint64_t expected = 0;
        memcpy(&expected, blob + 4, 4);
        expected = GUINT32_FROM_LE((uint32_t)expected);
        decoder_begin(d);
        decode_events(d);
        while (d->blocks < d->n_blocks && ok)
            ok = decode_block(d) && !decoder_bad(d);
        ok = ok && rows->n == expected;
    }
    if (ok)
        return true;
    rows->n = 0;
    if (d->error)
        g_propagate_error(error, g_steal_pointer(&d->error));
    else
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "the chunk is damaged (%zu bytes)", size);
    return false;
}
