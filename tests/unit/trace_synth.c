/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace_synth.h"

#include "schema/seq.h"

#define FIRST_VPAGE 0x10u

static uint32_t pick(Synth *s, uint32_t n) {
    return (uint32_t)g_rand_int_range(s->rand, 0, (int32_t)n);
}
static bool chance(Synth *s, double p) {
    return g_rand_double(s->rand) < p;
}

static uint32_t i_type(uint32_t op, uint32_t f3, uint32_t rd, uint32_t rs1, int32_t imm) {
    return op | rd << 7 | f3 << 12 | rs1 << 15 | (uint32_t)imm << 20;
}
static uint32_t s_type(uint32_t f3, uint32_t rs1, uint32_t rs2, int32_t imm) {
    return 0x23 | ((uint32_t)imm & 31) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | ((uint32_t)imm >> 5) << 25;
}

static void add_mem(TraceBlock *b, uint32_t insn, TraceMemKind kind, unsigned size) {
    b->mem[b->n_mem++] = (TraceMem){(uint16_t)insn, b->words, (uint8_t)kind, (uint8_t)size};
    b->words += kind == TRACE_MEM_AMO || kind == TRACE_MEM_SC ? 4 : 3;
}

static void make_insn(Synth *s, TraceBlock *b, uint32_t i) {
    uint32_t rd = 1 + pick(s, 31), rs1 = 5 + pick(s, 20), rs2 = pick(s, 32), size = pick(s, 4);
    uint32_t kind = pick(s, s->regular ? 8 : 11);
    int32_t imm = (int32_t)pick(s, 256) * (1 << size);
    b->insn_len[i] = 4;
    if (kind < 2) {
        b->insn_raw[i] = i_type(0x03, size, rd, rs1, imm);
        add_mem(b, i, TRACE_MEM_LOAD, size);
    } else if (kind < 4) {
        b->insn_raw[i] = s_type(size, rs1, rs2, imm);
        add_mem(b, i, TRACE_MEM_STORE, size);
    } else if (kind < 5) {
        b->insn_raw[i] = i_type(0x13, 0, rs1, rs1, 8);
    } else if (kind < 6) {
        b->insn_len[i] = 2;
        b->insn_raw[i] = 0x8002 | rd << 7 | (1 + pick(s, 31)) << 2; /* c.mv */
    } else if (kind < 8) {
        b->insn_raw[i] = 0x33 | rd << 7 | rs1 << 15 | rs2 << 20; /* add */
    } else if (kind < 9) {
        b->insn_raw[i] = 0x2f | rd << 7 | 3u << 12 | rs1 << 15 | rs2 << 20;
        add_mem(b, i, TRACE_MEM_AMO, 2 + pick(s, 2));
    } else if (kind < 10) {
        bool lr = chance(s, 0.5);
        b->insn_raw[i] = 0x2f | rd << 7 | 3u << 12 | rs1 << 15 | (lr ? 2u : 3u) << 27;
        add_mem(b, i, lr ? TRACE_MEM_LR : TRACE_MEM_SC, 3);
    } else {
        b->insn_raw[i] = 0x0f | 2u << 12 | rs1 << 15 | 4u << 20; /* cbo.zero */
        add_mem(b, i, TRACE_MEM_CBO, 0);
    }
}

static TraceBlock *make_block(Synth *s, Gva pc) {
    TraceBlock *b = g_new0(TraceBlock, 1);
    b->pc = pc;
    b->flags = (uint32_t[]){PRIV_U, PRIV_S, PRIV_M}[pick(s, 3)];
    b->n_insns = (uint16_t)(1 + pick(s, 12));
    b->words = 1;
    b->insn_len = g_new0(uint8_t, b->n_insns);
    b->insn_raw = g_new0(uint32_t, b->n_insns);
    b->mem = g_new0(TraceMem, b->n_insns);
    for (uint32_t i = 0; i < b->n_insns; i++)
        make_insn(s, b, i);
    return b;
}

static const CodeBlock *synth_code(void *opaque, uint32_t index) {
    return g_ptr_array_index(((Synth *)opaque)->code_blocks, index);
}

Synth *synth_new(uint32_t seed, unsigned n_blocks, bool regular) {
    Synth *s = g_new0(Synth, 1);
    s->rand = g_rand_new_with_seed(seed);
    s->regular = regular;
    s->ram = g_aligned_alloc0(1, SYNTH_RAM_SIZE, PAGE_SIZE);
    s->words = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    s->rows = g_array_new(FALSE, FALSE, sizeof(SynthRow));
    s->code = g_ptr_array_new();
    s->code_blocks = g_ptr_array_new_with_free_func((GDestroyNotify)code_block_free);
    for (unsigned i = 0; i < G_N_ELEMENTS(s->pages); i++)
        s->pages[i] = SYNTH_RAM_BASE + (uint64_t)pick(s, SYNTH_RAM_SIZE / PAGE_SIZE) * PAGE_SIZE;
    s->pages[63] = 0x10000000; /* a device */
    for (unsigned i = 0; i < n_blocks; i++) {
        g_ptr_array_add(s->code, make_block(s, 0xffffffff80000000u + i * 64));
        CodeBlock *c = code_block_new(g_ptr_array_index(s->code, i));
        c->id = i;
        g_ptr_array_add(s->code_blocks, c);
    }
    s->map = (ChunkRam){(uintptr_t)s->ram, SYNTH_RAM_SIZE, SYNTH_RAM_BASE};
    s->source = (ChunkSource){&s->map, 1, synth_code, s};
    return s;
}

void synth_free(Synth *s) {
    for (guint i = 0; i < s->code->len; i++) {
        TraceBlock *b = g_ptr_array_index(s->code, i);
        g_free(b->insn_len);
        g_free(b->insn_raw);
        g_free(b->mem);
        g_free(b);
    }
    g_ptr_array_free(s->code, TRUE);
    g_ptr_array_free(s->code_blocks, TRUE);
    g_array_free(s->words, TRUE);
    g_array_free(s->rows, TRUE);
    g_aligned_free(s->ram);
    g_rand_free(s->rand);
    g_free(s);
}

static void put(Synth *s, uint64_t word) {
    g_array_append_val(s->words, word);
}

static Gpa translate(Synth *s, Gva va) {
    return s->pages[(va >> PAGE_BITS) - FIRST_VPAGE] | (va & (PAGE_SIZE - 1));
}

static uint64_t loc_of(Synth *s, Gpa pa) {
    return pa < SYNTH_RAM_BASE ? TRACE_PHYS | pa : (uint64_t)(uintptr_t)s->ram + pa - SYNTH_RAM_BASE;
}

/* Bring any register value into the mapped range. */
static Gva address(Synth *s, uint64_t base, int64_t imm, unsigned size) {
    Gva va = (base + (uint64_t)imm) % (62 * PAGE_SIZE) + FIRST_VPAGE * PAGE_SIZE;
    if (s->regular || !chance(s, 0.02))
        va &= ~(uint64_t)((1u << size) - 1);
    return chance(s, 0.01) && size == 2 ? (FIRST_VPAGE + 63) * PAGE_SIZE + pick(s, 8) * 4 : va;
}

static uint64_t peek(Synth *s, Gpa pa, unsigned size) {
    uint64_t v = 0;
    if (pa >= SYNTH_RAM_BASE)
        memcpy(&v, s->ram + (pa - SYNTH_RAM_BASE), size);
    else
        v = g_rand_int(s->rand) & (~0ull >> (64 - 8 * size));
    return v;
}

static void poke(Synth *s, Gpa pa, uint64_t v, unsigned size) {
    if (pa >= SYNTH_RAM_BASE)
        memcpy(s->ram + (pa - SYNTH_RAM_BASE), &v, size);
}

static SynthRow *add_row(Synth *s, const TraceBlock *b, Pos pos, Gva pc, uint32_t index, MemOpName op) {
    SynthRow row = {.pos = (int64_t)pos,
                    .seq = SEQ_MEM + index,
                    .hart = s->hart,
                    .satp = (int64_t)s->satp,
                    .pc = (int64_t)pc,
                    .op = op,
                    .priv = b->flags & 3};
    g_array_append_val(s->rows, row);
    return &g_array_index(s->rows, SynthRow, s->rows->len - 1);
}

static void fill_row(SynthRow *row, Gva va, Gpa pa, unsigned size, uint64_t value) {
    row->vaddr = (int64_t)va;
    row->paddr = (int64_t)pa;
    row->size = size;
    row->value = (int64_t)value;
}

typedef struct Step {
    const TraceBlock *b;
    const TraceMem *m;
    Pos pos;
    Gva pc;
    size_t at; /* of the slot in words */
} Step;

static uint64_t *slot(Synth *s, const Step *t) {
    return &g_array_index(s->words, uint64_t, t->at);
}

/* A load or store over one page or two; returns its second page's loc, 0 if it does not cross. */
static uint64_t do_plain(Synth *s, const Step *t, Gva va, bool is_store, uint64_t store, MemOpName op) {
    unsigned size = 1u << t->m->size, first = (unsigned)MIN(PAGE_SIZE - (va & (PAGE_SIZE - 1)), size);
    Gpa pa = translate(s, va), pb = translate(s, va + first);
    uint64_t mask = ~0ull >> (64 - 8 * size), low = ~0ull >> (64 - 8 * first);
    uint64_t v = store & mask;
    if (is_store) {
        poke(s, pa, v, first);
        if (first < size)
            poke(s, pb, v >> 8 * first, size - first);
    } else {
        v = peek(s, pa, first);
        if (first < size)
            v |= peek(s, pb, size - first) << 8 * first;
    }
    memcpy(slot(s, t), (uint64_t[]){va, loc_of(s, pa), v}, 24);
    fill_row(add_row(s, t->b, t->pos, t->pc, 0, op), va, pa, first, v & low);
    if (first == size)
        return 0;
    fill_row(add_row(s, t->b, t->pos, t->pc, 1, op), va + first, pb, size - first, v >> 8 * first);
    return loc_of(s, pb);
}

static void do_amo(Synth *s, const Step *t, Gva va) {
    unsigned size = 1u << t->m->size;
    Gpa pa = translate(s, va);
    uint64_t mask = ~0ull >> (64 - 8 * size), old = peek(s, pa, size);
    uint64_t new = (chance(s, 0.7) ? old + 1 : s->x[pick(s, 32)]) & mask;
    poke(s, pa, new, size);
    memcpy(slot(s, t), (uint64_t[]){va, loc_of(s, pa), old, new}, 32);
    fill_row(add_row(s, t->b, t->pos, t->pc, 0, MEM_OP_AMO_LOAD), va, pa, size, old);
    fill_row(add_row(s, t->b, t->pos, t->pc, 1, MEM_OP_AMO_STORE), va, pa, size, new);
}

static void do_cbo(Synth *s, const Step *t, Gva va) {
    Gpa pa = translate(s, va) & ~63ull;
    memcpy(slot(s, t), (uint64_t[]){va, loc_of(s, pa | (va & 63)), 0}, 24);
    for (unsigned i = 0; i < 8; i++) {
        poke(s, pa + 8 * i, 0, 8);
        fill_row(add_row(s, t->b, t->pos, t->pc, i, MEM_OP_STORE), (va & ~63ull) + 8 * i, pa + 8 * i, 8, 0);
    }
}

static uint64_t do_mem(Synth *s, const Step *t) {
    uint32_t raw = t->b->insn_raw[t->m->insn], rs1 = raw >> 15 & 31, rs2 = raw >> 20 & 31, rd = raw >> 7 & 31;
    int64_t imm = (int32_t)raw >> 20;
    if (t->m->kind == TRACE_MEM_STORE)
        imm = (imm & ~31ll) | rd;
    else if (t->m->kind != TRACE_MEM_LOAD)
        imm = 0;
    Gva va = address(s, s->x[rs1], imm, t->m->kind == TRACE_MEM_CBO ? 6 : t->m->size);
    uint64_t split = 0;
    if (t->m->kind > TRACE_MEM_STORE)
        va = (va % (62 * PAGE_SIZE) & ~7ull) + FIRST_VPAGE * PAGE_SIZE;
    switch (t->m->kind) {
    case TRACE_MEM_LOAD: split = do_plain(s, t, va, false, 0, MEM_OP_LOAD); break;
    case TRACE_MEM_LR: do_plain(s, t, va, false, 0, MEM_OP_LR); break;
    case TRACE_MEM_STORE: split = do_plain(s, t, va, true, s->x[rs2], MEM_OP_STORE); break;
    case TRACE_MEM_SC:
        slot(s, t)[3] = chance(s, 0.7);
        if (slot(s, t)[3])
            do_plain(s, t, va, true, s->x[rs2], MEM_OP_SC);
        return 0;
    case TRACE_MEM_AMO: do_amo(s, t, va); break;
    default: do_cbo(s, t, va); return 0;
    }
    if (rd && t->m->kind != TRACE_MEM_STORE)
        s->x[rd] = slot(s, t)[2];
    return split;
}

static void do_alu(Synth *s, uint32_t raw, unsigned len) {
    uint32_t rd = raw >> 7 & 31;
    if (len == 2)
        s->x[rd] = s->x[raw >> 2 & 31];
    else if ((raw & 0x7f) == 0x13)
        s->x[rd] = s->x[raw >> 15 & 31] + (uint64_t)((int32_t)raw >> 20);
    else
        s->x[rd] = s->x[raw >> 15 & 31] + s->x[raw >> 20 & 31];
    s->x[0] = 0;
}

static void put_sync(Synth *s) {
    put(s, TRACE_SYNC | s->hart);
    put(s, s->pos);
    put(s, s->satp);
    put(s, PRIV_S);
}

static void run_block(Synth *s, uint32_t index) {
    const TraceBlock *b = g_ptr_array_index(s->code, index);
    size_t start = s->words->len;
    uint32_t retired = !s->regular && chance(s, 0.03) ? pick(s, b->n_insns) : b->n_insns, k = 0;
    Gva pc = b->pc;
    GArray *splits = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    g_array_set_size(s->words, (guint)start + b->words);
    for (uint32_t i = 1; i < b->words; i++)
        g_array_index(s->words, uint64_t, start + i) = 0xdeadbeef00000000ull + i;
    g_array_index(s->words, uint64_t, start) = TRACE_BLOCK | index;
    for (uint32_t i = 0; i < retired; i++) {
        if (k < b->n_mem && b->mem[k].insn == i) {
            Step t = {b, &b->mem[k], s->pos + i, pc, start + b->mem[k].slot};
            uint64_t split[2] = {TRACE_SPLIT | (b->n_insns - i), do_mem(s, &t)};
            if (split[1])
                g_array_append_vals(splits, split, 2);
            k++;
        } else {
            do_alu(s, b->insn_raw[i], b->insn_len[i]);
        }
        pc += b->insn_len[i];
    }
    g_array_append_vals(s->words, splits->data, splits->len);
    g_array_free(splits, TRUE);
    s->pos += retired;
    if (retired < b->n_insns) {
        put(s, TRACE_CUT | (b->n_insns - retired));
        s->pos++; /* the trap */
        put_sync(s);
    }
}

static void dma(Synth *s) {
    bool write = chance(s, 0.5);
    uint64_t size = 1 + pick(s, 300), paddr = SYNTH_RAM_BASE + pick(s, SYNTH_RAM_SIZE - 512);
    uint32_t seq = SEQ_DMA + pick(s, 5);
    uint8_t *bytes = s->ram + (paddr - SYNTH_RAM_BASE);
    for (uint64_t i = 0; write && i < size; i++)
        bytes[i] = (uint8_t)g_rand_int(s->rand);
    put(s, TRACE_DMA | (uint64_t)write << 16);
    put(s, s->pos);
    put(s, seq);
    put(s, paddr);
    put(s, size);
    size_t at = s->words->len;
    g_array_set_size(s->words, (guint)(at + (size + 7) / 8));
    memset(&g_array_index(s->words, uint64_t, at), 0, (size + 7) / 8 * 8);
    memcpy(&g_array_index(s->words, uint64_t, at), bytes, size);
    for (uint64_t i = 0; i < size;) {
        SynthRow row = {.pos = (int64_t)s->pos,
                        .seq = seq,
                        .hart = -1,
                        .paddr = (int64_t)(paddr + i),
                        .op = write ? MEM_OP_DMA_WRITE : MEM_OP_DMA_READ};
        row.size = (int64_t)MIN(8 - ((paddr + i) & 7), size - i);
        memcpy(&row.value, bytes + i, (size_t)row.size);
        g_array_append_val(s->rows, row);
        i += (uint64_t)row.size;
    }
}

void synth_run(Synth *s, unsigned n) {
    uint32_t at = pick(s, s->code->len);
    put_sync(s);
    for (unsigned i = 0; i < n; i++) {
        run_block(s, at);
        at = chance(s, 0.85) ? (at * 7 + 3) % s->code->len : pick(s, s->code->len);
        if (s->regular)
            continue;
        if (chance(s, 0.01))
            dma(s);
        if (chance(s, 0.01)) { /* a remap, a switch of address space or hart, an idle hart's turn */
            s->pages[pick(s, 62)] =
                SYNTH_RAM_BASE + (uint64_t)pick(s, SYNTH_RAM_SIZE / PAGE_SIZE) * PAGE_SIZE;
            s->hart = pick(s, 4);
            s->satp = 0x8000000000000000ull | pick(s, 3);
            s->pos += pick(s, 1000);
            put_sync(s);
        }
    }
}
