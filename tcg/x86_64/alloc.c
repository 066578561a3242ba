/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which variable is in which host register: see compiler.h. */
#include "tcg/x86_64/compiler.h"

#include <string.h>

enum { READS_A = 1, READS_B = 2, READS_C = 4, WRITES_DST = 8 };

static const uint8_t op_flags[IR_N_OPS] = {
#define OP(name, text, operands, flags) [IR_##name] = flags,
    IR_OPS(OP)
#undef OP
};

/* Helper calls may throw their result away. */
static inline bool op_writes(const Compiler *c, const IrOp *op) {
    return (c->b->reads[op->op] & WRITES_DST) && !(op->op == IR_CALL && op->aux);
}

static inline bool is_local(HostReg r) {
    return r >= 0 && (REGS_LOCAL >> r & 1);
}

bool ra_is_pinned(IrVar v) {
#define X(guest, host) | 1u << (guest)
    return v < 32 && ((0u X86_PINNED(X)) >> v & 1);
#undef X
}

/* Backwards over the block: who reads each value next, and which register writes nobody can see in memory. */
static void scan_uses(Compiler *c) {
    const IrBlock *ir = c->ir;
    uint64_t overwritten = 0; /* guest registers that are written again before anybody may look */
    memset(c->next, 0xff, ir->n_vars * sizeof c->next[0]);
    for (int i = (int)ir->n_ops - 1; i >= 0; i--) {
        const IrOp *op = &ir->ops[i];
        OpUse *u = &c->uses[i];
        unsigned reads = c->b->reads[op->op];
        if (op_writes(c, op)) {
            u->dst = c->next[op->dst];
            c->next[op->dst] = USE_NONE;
            u->store = op->dst < IR_TEMP && !(overwritten >> op->dst & 1);
            if (op->dst < IR_TEMP)
                overwritten |= 1ull << op->dst;
        }
        if (op_flags[op->op] & (IROP_MEM | IROP_CALL | IROP_EXIT | IROP_END | IROP_LOOK))
            overwritten = 0;
        if (reads & READS_A)
            u->a = c->next[op->a];
        if (reads & READS_B)
            u->b = op->b == IR_IMM ? USE_NONE : c->next[op->b];
        if (reads & READS_C)
            u->c = c->next[op->c];
        if (reads & READS_A)
            c->next[op->a] = (uint16_t)i;
        if ((reads & READS_B) && op->b != IR_IMM)
            c->next[op->b] = (uint16_t)i;
        if (reads & READS_C)
            c->next[op->c] = (uint16_t)i;
    }
}

void ra_begin(Compiler *c) {
    memset(c->reg, REG_NONE, c->ir->n_vars * sizeof c->reg[0]);
    memset(c->spill, 0, c->ir->n_vars * sizeof c->spill[0]);
    memset(c->constant, 0, c->ir->n_vars * sizeof c->constant[0]);
    c->fp_code = -1;
    c->n_spills = 0;
    ra_page_drop(c);
    for (unsigned i = 0; i < HOST_REGS; i++)
        c->local[i] = (Local){IR_NONE, false};
#define X(guest, host) c->reg[guest] = host;
    X86_PINNED(X)
#undef X
    scan_uses(c);
}

void ra_op_begin(Compiler *c) {
    c->locked = 0;
}

static void unbind(Compiler *c, HostReg r) {
    if (c->local[r].var != IR_NONE)
        c->reg[c->local[r].var] = REG_NONE;
    c->local[r] = (Local){IR_NONE, false};
}

static void bind(Compiler *c, HostReg r, IrVar v, bool dirty) {
    g_assert(c->local[r].var == IR_NONE || c->local[r].var == v);
    c->local[r] = (Local){v, dirty};
    c->reg[v] = (int8_t)r;
}

/* The op's own operand `v` is read next at `next`. */
static void retire(Compiler *c, IrVar v, uint16_t next) {
    if (v == IR_ZERO || v == IR_IMM)
        return;
    c->next[v] = next;
    if (next == USE_NONE && is_local(c->reg[v]))
        unbind(c, c->reg[v]);
}

void ra_op_end(Compiler *c) {
    unsigned reads = c->b->reads[c->op->op];
    bool writes = op_writes(c, c->op);
    const IrOp *op = c->op;
    if ((reads & READS_A) && !(writes && op->a == op->dst))
        retire(c, op->a, c->use->a);
    if ((reads & READS_B) && !(writes && op->b == op->dst))
        retire(c, op->b, c->use->b);
    if ((reads & READS_C) && !(writes && op->c == op->dst))
        retire(c, op->c, c->use->c);
    if (writes)
        retire(c, op->dst, c->use->dst);
}

static Rm spill_slot(Compiler *c, IrVar v) {
    if (c->spill[v] == 0) {
        c->spill[v] = (uint16_t)++c->n_spills;
    }
    return rm_mem(RSP, FRAME_SPILL + 8 * (c->spill[v] - 1));
}

Rm ra_home(Compiler *c, IrVar v) {
    if (v < 32) {
        return rm_mem(REG_HART, HART_OFFSET(x) + 8 * v);
    }
    if (v < IR_TEMP) {
        return rm_mem(REG_HART, HART_OFFSET(f) + 8 * (v - 32));
    }
    Rm slot = spill_slot(c, v);
    if (c->constant[v]) {
        Rm high = slot;
        high.disp += 4;
        emit_store_imm(&c->hot, 2, slot, (int32_t)c->value[v]);
        emit_store_imm(&c->hot, 2, high, (int32_t)(c->value[v] >> 32));
    }
    return slot;
}

void ra_load_home(Compiler *c, Emit *e, HostReg r, IrVar v) {
    if (c->constant[v]) {
        emit_imm_flags(e, r, (uint64_t)c->value[v]);
    } else {
        emit_load(e, r, ra_home(c, v));
    }
}

bool ra_constant(const Compiler *c, IrVar v, int64_t *value) {
    *value = c->value[v];
    return c->constant[v];
}

static void evict(Compiler *c, HostReg r) {
    if (c->local[r].dirty)
        emit_store(&c->hot, ra_home(c, c->local[r].var), r);
    unbind(c, r);
}

static HostReg find_free(const Compiler *c) {
    for (HostReg r = 0; r < HOST_REGS; r++)
        if ((REGS_LOCAL & ~(c->locked | c->held)) >> r & 1 && c->local[r].var == IR_NONE)
            return r;
    return REG_NONE;
}

/* A free local register, made so if need be: the one whose variable is read last. */
static HostReg alloc_local(Compiler *c) {
    HostReg best = find_free(c);
    if (best == REG_NONE && (c->held & ~c->locked) == c->held) {
        ra_page_drop(c);
        best = find_free(c);
    }
    if (best == REG_NONE) {
        for (HostReg r = 0; r < HOST_REGS; r++)
            if ((REGS_LOCAL & ~(c->locked | c->held)) >> r & 1 &&
                (best == REG_NONE || c->next[c->local[r].var] > c->next[c->local[best].var]))
                best = r;
        g_assert(best != REG_NONE);
        evict(c, best);
    }
    c->locked |= 1u << best;
    return best;
}

void ra_take(Compiler *c, HostReg r) {
    g_assert(is_local(r) && !(c->locked >> r & 1));
    c->locked |= 1u << r;
    if (c->held >> r & 1) {
        ra_page_drop(c);
    }
    IrVar v = c->local[r].var;
    if (v == IR_NONE)
        return;
    HostReg to = find_free(c);
    if (to == REG_NONE) {
        evict(c, r);
        return;
    }
    bool dirty = c->local[r].dirty;
    emit_mov(&c->hot, to, r);
    unbind(c, r);
    bind(c, to, v, dirty);
}

HostReg ra_scratch(Compiler *c) {
    return alloc_local(c);
}

HostReg ra_read(Compiler *c, IrVar v) {
    HostReg r;
    if (v == IR_ZERO) {
        r = alloc_local(c);
        emit_imm(&c->hot, r, 0);
        return r;
    }
    r = (HostReg)c->reg[v];
    if (r == REG_NONE) {
        r = alloc_local(c);
        ra_load_home(c, &c->hot, r, v);
        bind(c, r, v, false);
    }
    c->locked |= 1u << r;
    return r;
}

/* When v, an operand of this op, is read after it. */
static uint16_t next_after(const Compiler *c, IrVar v) {
    unsigned reads = c->b->reads[c->op->op];
    if ((reads & READS_A) && c->op->a == v)
        return c->use->a;
    if ((reads & READS_B) && c->op->b == v)
        return c->use->b;
    if ((reads & READS_C) && c->op->c == v)
        return c->use->c;
    return c->next[v];
}

Rm ra_read_rm(Compiler *c, IrVar v) {
    g_assert(v != IR_ZERO);
    if (c->reg[v] != REG_NONE || c->constant[v] || (next_after(c, v) != USE_NONE && find_free(c) != REG_NONE))
        return rm_reg(ra_read(c, v));
    return ra_home(c, v);
}

Rm ra_peek_rm(Compiler *c, IrVar v) {
    g_assert(v != IR_ZERO);
    return c->reg[v] != REG_NONE ? rm_reg(c->reg[v]) : ra_home(c, v);
}

/* A local register that holds a source nobody reads again. */
static HostReg take_over_source(Compiler *c) {
    for (HostReg r = 0; r < HOST_REGS; r++) {
        IrVar v = c->local[r].var;
        if ((REGS_LOCAL & c->locked) >> r & 1 && v != IR_NONE && next_after(c, v) == USE_NONE) {
            unbind(c, r);
            return r;
        }
    }
    return REG_NONE;
}

HostReg ra_dst(Compiler *c) {
    HostReg r = (HostReg)c->reg[c->op->dst];
    if (r == REG_NONE)
        r = take_over_source(c);
    if (r == REG_NONE)
        r = alloc_local(c);
    c->locked |= 1u << r;
    return r;
}

HostReg ra_dst_apart(Compiler *c) {
    HostReg r = (HostReg)c->reg[c->op->dst];
    if (r == REG_NONE || (c->locked >> r & 1))
        return alloc_local(c);
    c->locked |= 1u << r;
    return r;
}

void ra_finish(Compiler *c, HostReg r) {
    IrVar v = c->op->dst;
    c->constant[v] = false;
    if (ra_is_pinned(v)) {
        emit_mov(&c->hot, c->reg[v], r);
        return;
    }
    if (c->reg[v] != REG_NONE && c->reg[v] != r)
        unbind(c, c->reg[v]);
    bool store = v < IR_TEMP && c->use->store;
    if (store)
        emit_store(&c->hot, ra_home(c, v), r);
    if (c->use->dst != USE_NONE)
        bind(c, r, v, !store);
}

void ra_finish_stored(Compiler *c) {
    IrVar v = c->op->dst;
    c->constant[v] = false;
    if (is_local(c->reg[v]))
        unbind(c, c->reg[v]);
}

void ra_finish_constant(Compiler *c, int64_t value) {
    ra_finish_stored(c);
    c->constant[c->op->dst] = true;
    c->value[c->op->dst] = value;
}

uint32_t ra_live(const Compiler *c, bool sources) {
    uint32_t live = 0;
    unsigned reads = c->b->reads[c->op->op];
    const IrOp *op = c->op;
    for (HostReg r = 0; r < HOST_REGS; r++) {
        IrVar v = c->local[r].var;
        if (!(REGS_LOCAL >> r & 1) || v == IR_NONE)
            continue;
        bool source = ((reads & READS_A) && op->a == v) || ((reads & READS_B) && op->b == v) ||
                      ((reads & READS_C) && op->c == v);
        bool after = next_after(c, v) != USE_NONE && !(op_writes(c, op) && op->dst == v);
        if (after || (source && sources))
            live |= 1u << r;
    }
    return live;
}

void ra_cold_save(Compiler *c, Emit *e, uint32_t regs) {
    for (HostReg r = 0; r < HOST_REGS; r++)
        if ((regs >> r & 1) && c->local[r].dirty)
            emit_store(e, ra_home(c, c->local[r].var), r);
}

void ra_cold_restore(Compiler *c, Emit *e, uint32_t regs) {
    if (c->held) { /* nothing compares equal with it */
        emit_imm(e, c->page.tag, TLB_NEVER);
    }
    for (HostReg r = 0; r < HOST_REGS; r++)
        if (regs >> r & 1)
            ra_load_home(c, e, r, c->local[r].var);
}

void ra_page_drop(Compiler *c) {
    c->held = 0;
    c->page.base = IR_NONE;
}

void ra_page_hold(Compiler *c, const Page *page) {
    c->page = *page;
    c->held = 1u << page->tag | 1u << page->addend;
}

void ra_flush(Compiler *c) {
    ra_page_drop(c);
    for (HostReg r = 0; r < HOST_REGS; r++)
        if ((REGS_LOCAL >> r & 1) && c->local[r].var != IR_NONE)
            evict(c, r);
}
