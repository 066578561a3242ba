/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/code.h"

#include "analyses/store/flow.h"

/*
 * Symbolic execution of one block: each register is a symbol plus an offset; a symbol's value is known from
 * the first access that shows it (its witness): as an address, a stored value or a loaded one.
 */
typedef struct Witness {
    uint32_t source; /* CODE_NONE: none yet */
    uint8_t size;    /* log2 of the bytes that are known */
    int64_t adjust;  /* symbol = word + adjust */
} Witness;

typedef struct Symbols {
    uint32_t reg[32];
    int64_t offset[32];
    GArray *witness; /* of Witness, by symbol */
} Symbols;

static uint32_t symbols_add(Symbols *s, Witness w) {
    g_array_append_val(s->witness, w);
    return s->witness->len - 1;
}

static Witness *symbols_witness(Symbols *s, unsigned reg) {
    return &g_array_index(s->witness, Witness, s->reg[reg]);
}

static void symbols_set(Symbols *s, unsigned reg, uint32_t symbol, int64_t offset) {
    if (reg == 0)
        return;
    s->reg[reg] = symbol;
    s->offset[reg] = offset;
}

static void symbols_init(Symbols *s) {
    s->witness = g_array_new(FALSE, FALSE, sizeof(Witness));
    for (uint32_t i = 0; i < 32; i++) {
        s->reg[i] = symbols_add(s, (Witness){i ? CODE_NONE : CODE_ZERO, 3, 0});
        s->offset[i] = 0;
    }
}

static void foretell_address(Symbols *s, CodeMem *m, uint32_t k, const Flow *f) {
    Witness *w = symbols_witness(s, f->rs1);
    int64_t offset = s->offset[f->rs1] + f->imm;
    if (w->source != CODE_NONE && w->size == 3) {
        m->addr_source = w->source;
        m->addr_offset = w->adjust + offset;
    } else if (m->kind != TRACE_MEM_SC) { /* a failed SC leaves nothing behind */
        *w = (Witness){CODE_FIRST + 2 * k, 3, -offset};
    }
}

static void foretell_store(Symbols *s, CodeMem *m, uint32_t k, const Flow *f) {
    Witness *w = symbols_witness(s, f->rs2);
    if (w->source != CODE_NONE && w->size >= m->size) {
        m->value_source = w->source;
        m->value_offset = w->adjust + s->offset[f->rs2];
    } else if (m->size == 3) {
        *w = (Witness){CODE_FIRST + 2 * k + 1, 3, -s->offset[f->rs2]};
    }
}

static void flow_mem(Symbols *s, CodeMem *m, uint32_t k, const Flow *f) {
    foretell_address(s, m, k, f);
    if (m->kind == TRACE_MEM_STORE && f->kind == FLOW_STORE && !f->fp)
        foretell_store(s, m, k, f);
    if (f->kind != FLOW_LOAD || f->fp)
        return;
    Witness w = {CODE_NONE, 0, 0};
    if (m->kind != TRACE_MEM_SC)
        w = (Witness){CODE_FIRST + 2 * k + 1, m->size, 0};
    symbols_set(s, f->rd, symbols_add(s, w), 0);
}

static void code_block_foretell(CodeBlock *b) {
    Symbols s;
    uint32_t k = 0;
    symbols_init(&s);
    for (uint32_t i = 0; i < b->n_insns; i++) {
        Flow f = flow_decode(b->raw[i], code_insn_size(b->raw[i]));
        bool is_mem = k < b->n_mem && b->mem[k].insn == i;
        for (; k < b->n_mem && b->mem[k].insn == i; k++)
            flow_mem(&s, &b->mem[k], k, &f);
        if (is_mem)
            continue;
        if (f.kind == FLOW_ADDI)
            symbols_set(&s, f.rd, s.reg[f.rs1], s.offset[f.rs1] + f.imm);
        else if (f.kind != FLOW_STORE)
            symbols_set(&s, f.rd, symbols_add(&s, (Witness){CODE_NONE, 0, 0}), 0);
    }
    g_array_free(s.witness, TRUE);
}

static unsigned mem_words(uint8_t kind) {
    return kind == TRACE_MEM_SC || kind == TRACE_MEM_AMO ? 4 : 3;
}

static CodeBlock *code_block_alloc(uint32_t n_insns, uint32_t n_mem) {
    CodeBlock *b = g_new0(CodeBlock, 1);
    b->n_insns = (uint16_t)n_insns;
    b->n_mem = (uint16_t)n_mem;
    b->raw = g_new0(uint32_t, n_insns);
    b->mem = g_new0(CodeMem, n_mem);
    return b;
}

/* Whatever follows from the entry's other fields. */
static void code_block_finish(CodeBlock *b) {
    uint32_t k = 0, offset = 0;
    b->simple = true;
    for (uint32_t i = 0; i < b->n_insns; i++) {
        for (; k < b->n_mem && b->mem[k].insn == i; k++)
            b->mem[k].pc_offset = offset;
        offset += code_insn_size(b->raw[i]);
    }
    for (k = 0; k < b->n_mem; k++)
        if (b->mem[k].kind > TRACE_MEM_LR)
            b->simple = false;
}

CodeBlock *code_block_new(const TraceBlock *t) {
    CodeBlock *b = code_block_alloc(t->n_insns, t->n_mem);
    b->pc = t->pc;
    b->flags = t->flags;
    b->words = t->words;
    for (uint32_t i = 0; i < t->n_insns; i++)
        b->raw[i] = t->insn_len[i] == 2 ? t->insn_raw[i] & 0xffff : t->insn_raw[i];
    for (uint32_t k = 0; k < t->n_mem; k++) {
        b->mem[k].insn = t->mem[k].insn;
        b->mem[k].slot = t->mem[k].slot;
        b->mem[k].kind = t->mem[k].kind;
        b->mem[k].size = t->mem[k].size;
    }
    code_block_foretell(b);
    code_block_finish(b);
    return b;
}

void code_block_free(CodeBlock *b) {
    if (!b)
        return;
    g_free(b->raw);
    g_free(b->mem);
    g_free(b);
}

static void write_source(Bytes *out, uint32_t source, int64_t offset) {
    bytes_put_varint(out, source);
    if (source != CODE_NONE)
        bytes_put_varint(out, zigzag((uint64_t)offset));
}

void code_block_write(const CodeBlock *b, Bytes *out) {
    bytes_reserve(out, 64 + 4u * b->n_insns + 64u * b->n_mem);
    bytes_put_varint(out, b->pc);
    bytes_put_varint(out, b->flags);
    bytes_put_varint(out, b->n_insns);
    bytes_put_varint(out, b->n_mem);
    bytes_put_varint(out, b->words);
    for (uint32_t i = 0; i < b->n_insns; i++)
        bytes_put_low(out, b->raw[i], code_insn_size(b->raw[i]));
    for (uint32_t k = 0, slot = 0; k < b->n_mem; slot = b->mem[k++].slot) {
        const CodeMem *m = &b->mem[k];
        bytes_put_varint(out, m->insn);
        bytes_put_varint(out, m->slot - slot);
        bytes_put_varint(out, (uint32_t)m->kind << 2 | m->size);
        write_source(out, m->addr_source, m->addr_offset);
        write_source(out, m->value_source, m->value_offset);
    }
}

static bool read_source(Reader *r, uint32_t limit, uint32_t *source, int64_t *offset) {
    uint64_t s = reader_varint(r);
    if (s >= limit)
        return false;
    *source = (uint32_t)s;
    *offset = s == CODE_NONE ? 0 : (int64_t)unzigzag(reader_varint(r));
    return true;
}

static bool read_mem(Reader *r, CodeBlock *b, uint32_t k) {
    CodeMem *m = &b->mem[k];
    uint64_t insn = reader_varint(r), step = reader_varint(r), kind = reader_varint(r);
    uint64_t slot = step + (k ? b->mem[k - 1].slot : 0);
    if (insn >= b->n_insns || (k && insn < b->mem[k - 1].insn) || kind > (TRACE_MEM_CBO << 2 | 3))
        return false;
    if (slot == 0 || slot > b->words || slot + mem_words(kind >> 2) > b->words)
        return false;
    m->insn = (uint16_t)insn;
    m->slot = (uint16_t)slot;
    m->kind = (uint8_t)(kind >> 2);
    m->size = kind & 3;
    uint32_t limit = CODE_FIRST + 2 * k; /* a value may be foretold from its own address */
    return read_source(r, limit, &m->addr_source, &m->addr_offset) &&
           read_source(r, limit + 1, &m->value_source, &m->value_offset);
}

CodeBlock *code_block_read(Reader *r) {
    uint64_t pc = reader_varint(r), flags = reader_varint(r), n_insns = reader_varint(r);
    uint64_t n_mem = reader_varint(r), words = reader_varint(r);
    if (r->bad || n_insns > CODE_MAX_WORDS || n_mem > CODE_MAX_WORDS || words > CODE_MAX_WORDS ||
        flags > UINT32_MAX)
        return NULL;
    CodeBlock *b = code_block_alloc((uint32_t)n_insns, (uint32_t)n_mem);
    b->pc = pc;
    b->flags = (uint32_t)flags;
    b->words = (uint16_t)words;
    for (uint32_t i = 0; i < n_insns && !r->bad; i++) {
        b->raw[i] = (uint32_t)reader_low(r, 2);
        if (code_insn_size(b->raw[i]) == 4)
            b->raw[i] |= (uint32_t)reader_low(r, 2) << 16;
    }
    for (uint32_t k = 0; k < n_mem && !r->bad; k++)
        if (!read_mem(r, b, k))
            r->bad = true;
    if (r->bad) {
        code_block_free(b);
        return NULL;
    }
    code_block_finish(b);
    return b;
}
