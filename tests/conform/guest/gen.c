/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gen.h"

#include "insns.h"

#define N_TABLE (sizeof insn_table / sizeof insn_table[0])
#define LOOP_REG 27
enum { OP_AUIPC = 0x17, OP_ADDI = 0x13, OP_BNE = 0x1063, OP_ECALL = 0x73, OP_FENCE_I = 0x100f };

const InsnEntry *gen_entries[512];
unsigned gen_n_entries;

/* Round a page boundary, in the middle of a page, and at the end of what PMP allows. */
const struct GenWindow gen_windows[GEN_WINDOWS] = {
    {DATA_BASE + 0x1000 - 128, 256},
    {DATA_BASE + 0x2800 - 128, 256},
    {DATA_BASE + DATA_SIZE - 64, 64},
};

typedef struct Fixup {
    const InsnEntry *entry;
    uint32_t word;
    uint16_t at, unit; /* at: the instruction, or for INSN_JALR the auipc before it */
} Fixup;

static struct {
    Program *p;
    Fixup fixups[GEN_UNITS];
    unsigned n_fixups;
    struct {
        unsigned first, last; /* units: the one that sets the counter, the branch back */
    } loops[GEN_UNITS / 4];
    unsigned n_loops;
    unsigned loop_end; /* the unit at which the open loop ends; 0: none is open */
    unsigned priv;
    unsigned reservation; /* size: whether an SC may succeed after an LR of the other one is left open by §14.2 */
} gen;

void gen_init(void) {
    uint64_t have = params.extensions;

    _Static_assert(N_TABLE <= sizeof gen_entries / sizeof gen_entries[0], "room for the table");
    gen_n_entries = 0;
    for (unsigned i = 0; i < N_TABLE; i++) {
        const InsnEntry *e = &insn_table[i];
        bool usable = true;
        for (unsigned k = 0; k < 3; k++)
            usable &= !e->needs[k] || (e->needs[k] & have);
        if (usable)
            gen_entries[gen_n_entries++] = e;
    }
}

uint64_t gen_address(unsigned access) {
    const struct GenWindow *w = &gen_windows[one_in(8) ? 2 : below(2)];
    uint64_t at = w->base + below((unsigned)w->size);

    return access && !one_in(4) ? at & ~(uint64_t)(access - 1) : at;
}

/* ---- words ---- */

static void emit16(uint16_t half) {
    gen.p->code[gen.p->size / 2] = half;
    gen.p->size += 2;
}

static void emit32(uint32_t word) {
    emit16((uint16_t)word);
    emit16((uint16_t)(word >> 16));
}

static void emit_insn(const InsnEntry *e, uint32_t word) {
    if (e->length == 2)
        emit16((uint16_t)word);
    else
        emit32(word);
}

static void put32(unsigned at, uint32_t word) {
    gen.p->code[at / 2] = (uint16_t)word;
    gen.p->code[at / 2 + 1] = (uint16_t)(word >> 16);
}

static int64_t get_imm(const InsnEntry *e, uint32_t word) {
    uint64_t value = 0;
    unsigned top = 0;

    for (unsigned i = 0; i < e->n_segments; i++) {
        value |= (uint64_t)(word >> e->imm[i].at & ((1u << e->imm[i].width) - 1)) << e->imm[i].low;
        if (e->imm[i].low + e->imm[i].width > top)
            top = e->imm[i].low + e->imm[i].width;
    }
    if (e->imm_signed && top && value >> (top - 1) & 1)
        value |= ~0ul << top;
    return (int64_t)value;
}

static uint32_t set_imm(const InsnEntry *e, uint32_t word, int64_t value) {
    for (unsigned i = 0; i < e->n_segments; i++) {
        uint32_t field = (1u << e->imm[i].width) - 1;
        word &= ~(field << e->imm[i].at);
        word |= ((uint32_t)((uint64_t)value >> e->imm[i].low) & field) << e->imm[i].at;
    }
    return word;
}

static unsigned get_base(const InsnEntry *e, uint32_t word) {
    unsigned field = word >> e->base.at & ((1u << e->base.width) - 1);

    return e->base.width == 0 ? e->base.fixed : e->base.width == 3 ? field + 8 : field;
}

static uint32_t set_base(const InsnEntry *e, uint32_t word, unsigned reg) {
    if (e->base.width != 5)
        return word;
    return (word & ~(31u << e->base.at)) | reg << e->base.at;
}

static unsigned word_rd(uint32_t word) { return word >> 7 & 31; }

/* The table's instruction with random fields; inside a loop it leaves the counter alone. */
static uint32_t random_word(const InsnEntry *e) {
    for (;;) {
        uint32_t word = ((uint32_t)random64() & ~e->mask) | e->match;
        bool other = false;
        for (unsigned i = 0; i < 2; i++)
            other |= e->avoid[i].mask && (word & e->avoid[i].mask) == e->avoid[i].value;
        if (e->length == 2)
            word &= 0xffff;
        if (!other && !(gen.loop_end && word_rd(word) == LOOP_REG))
            return word;
    }
}

/* ---- units ---- */

static void put_address(unsigned at, unsigned reg, uint64_t address) {
    int64_t delta = (int64_t)(address - (CODE_BASE + at));
    uint32_t high = (uint32_t)((delta + 0x800) >> 12), low = (uint32_t)delta & 0xfff;

    put32(at, OP_AUIPC | reg << 7 | high << 12);
    put32(at + 4, OP_ADDI | reg << 7 | reg << 15 | low << 20);
}

static void emit_address(unsigned reg, uint64_t address) {
    unsigned at = gen.p->size;

    gen.p->size += 8;
    put_address(at, reg, address);
}

/* The word with a base register that may be pointed somewhere; that register. */
static uint32_t with_base(const InsnEntry *e, uint32_t word, unsigned *reg) {
    *reg = get_base(e, word);
    if (*reg == 0 || (gen.loop_end && *reg == LOOP_REG)) {
        *reg = 1 + below(LOOP_REG - 1);
        word = set_base(e, word, *reg);
    }
    return word;
}

static void unit_memory(const InsnEntry *e) {
    unsigned reg;
    uint32_t word = with_base(e, random_word(e), &reg);

    if (reg && !one_in(16))
        emit_address(reg, gen_address(e->access) - (uint64_t)get_imm(e, word));
    emit_insn(e, word);
}

static const InsnEntry *find_lr(unsigned access) {
    for (unsigned i = 0; i < gen_n_entries; i++)
        if (gen_entries[i]->kind == INSN_LR && gen_entries[i]->access == access)
            return gen_entries[i];
    return NULL;
}

static const InsnEntry *random_entry(void) { return gen_entries[below(gen_n_entries)]; }

/* Mostly after a load-reserved of the same place, with something harmless between them. */
static void unit_sc(const InsnEntry *e) {
    unsigned reg;
    uint32_t word = with_base(e, random_word(e), &reg), lr_word;
    const InsnEntry *lr = find_lr(e->access), *between = random_entry();

    emit_address(reg, gen_address(e->access));
    if (lr && !one_in(4)) {
        do
            lr_word = set_base(lr, random_word(lr), reg);
        while (word_rd(lr_word) == reg);
        emit32(lr_word);
        if (between->kind == INSN_PLAIN && between->length == 4) {
            uint32_t other = random_word(between);
            if (word_rd(other) != reg)
                emit32(other);
        }
    }
    emit_insn(e, word);
}

static void add_fixup(const InsnEntry *e, uint32_t word) {
    gen.fixups[gen.n_fixups++] = (Fixup){e, word, (uint16_t)gen.p->size, (uint16_t)gen.p->n_units};
}

static void unit_branch(const InsnEntry *e) {
    uint32_t word = random_word(e);

    add_fixup(e, word);
    emit_insn(e, word);
}

static void unit_jalr(const InsnEntry *e) {
    unsigned reg;
    uint32_t word = with_base(e, random_word(e), &reg);

    add_fixup(e, word);
    gen.p->size += 8;
    emit_insn(e, word);
}

/* fflags, frm and fcsr; in U mode also any other number, none of which it may touch. */
static void unit_csr(const InsnEntry *e) {
    uint32_t word = random_word(e);
    uint32_t number = gen.priv == PRIV_U && one_in(4) ? word >> 20 : 1 + below(3);

    emit32((word & 0xfffff) | number << 20);
}

static bool unit_emit(const InsnEntry *e) {
    if ((e->kind == INSN_LR || e->kind == INSN_SC) && e->access != gen.reservation)
        return false;
    switch ((InsnKind)e->kind) {
    case INSN_PLAIN:
    case INSN_ECALL:
        emit_insn(e, random_word(e));
        if (e->fenced)
            emit32(OP_FENCE_I);
        break;
    case INSN_MEMORY:
    case INSN_LR: unit_memory(e); break;
    case INSN_SC: unit_sc(e); break;
    case INSN_BRANCH: unit_branch(e); break;
    case INSN_JALR: unit_jalr(e); break;
    case INSN_CSR: unit_csr(e); break;
    case INSN_SYSTEM:
        if (gen.priv != PRIV_U)
            return false;
        emit_insn(e, random_word(e));
        break;
    }
    return true;
}

/* ---- programs ---- */

static void loop_open(void) {
    unsigned rounds = 2 + below(3), n = gen.p->n_units;

    gen.loops[gen.n_loops].first = n;
    gen.loop_end = n + 3 + below(6);
    emit32(OP_ADDI | LOOP_REG << 7 | rounds << 20);
}

static void loop_close(void) {
    Program *p = gen.p;
    unsigned back = gen.loops[gen.n_loops].first + 1;
    static const InsnEntry branch = {.n_segments = 4, .imm = {{31, 1, 12}, {25, 6, 5}, {8, 4, 1}, {7, 1, 11}}};

    gen.loops[gen.n_loops++].last = p->n_units;
    gen.loop_end = 0;
    emit32(OP_ADDI | LOOP_REG << 7 | LOOP_REG << 15 | 0xfffu << 20);
    emit32(set_imm(&branch, OP_BNE | LOOP_REG << 15, (int64_t)p->unit_at[back] - (int64_t)p->size));
}

/* A unit further on; not the inside of a loop from outside, where the counter would be anything. */
static unsigned forward_target(unsigned unit) {
    unsigned target = unit + 1 + below(6);

    if (target > gen.p->n_units)
        target = gen.p->n_units;
    for (unsigned i = 0; i < gen.n_loops; i++)
        if (unit < gen.loops[i].first && target > gen.loops[i].first && target <= gen.loops[i].last)
            target = gen.loops[i].first;
    return target;
}

static void resolve(const Fixup *f) {
    Program *p = gen.p;
    uint64_t target = p->unit_at[forward_target(f->unit)];

    if (f->entry->kind == INSN_JALR) {
        int64_t imm = get_imm(f->entry, f->word);
        unsigned odd = f->entry->length == 4 ? below(2) : 0;
        put_address(f->at, get_base(f->entry, f->word), CODE_BASE + target + odd - (uint64_t)imm);
        return;
    }
    uint32_t word = set_imm(f->entry, f->word, (int64_t)target - f->at);
    p->code[f->at / 2] = (uint16_t)word;
    if (f->entry->length == 4)
        p->code[f->at / 2 + 1] = (uint16_t)(word >> 16);
}

void gen_program(Program *p, unsigned priv, uint64_t limit) {
    unsigned units = 16 + below(GEN_UNITS - 15);

    p->size = p->n_units = 0;
    gen.p = p;
    gen.n_fixups = gen.n_loops = gen.loop_end = 0;
    gen.priv = priv;
    gen.reservation = one_in(2) ? 4 : 8;
    while (p->n_units < units || gen.loop_end) {
        p->unit_at[p->n_units] = (uint16_t)p->size;
        if (gen.loop_end && p->n_units >= gen.loop_end)
            loop_close();
        else if (!gen.loop_end && p->n_units + 10 < units && one_in(24))
            loop_open();
        else if (!unit_emit(random_entry()))
            continue;
        p->n_units++;
    }
    p->unit_at[p->n_units] = (uint16_t)p->size;
    for (unsigned i = 0; i < gen.n_fixups; i++)
        resolve(&gen.fixups[i]);
    p->end = limit && limit < p->n_units ? p->unit_at[limit] : p->size;
    while (p->size < p->end + 8)
        emit32(OP_ECALL);
    for (unsigned at = p->end; at + 4 <= p->size; at += 4)
        put32(at, OP_ECALL);
}
