/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Atomics (unprivileged spec §14). Harts take turns on one host thread, so plain loads and stores are atomic.
 * An AMO or SC finds its host address through the write tag or, on the cold path, by mmu_rmw, and goes on
 * from there.
 */
#include "tcg/x86_64/compiler.h"

static unsigned width(const IrOp *op) {
    return (op->mem & MEM_SIZE_MASK) == 3 ? W : 0;
}

/* Trace words 0 and 1; p->s1 goes from addend to host address. Uses s2, s3. */
static void host_address(Compiler *c, const Probe *p) {
    Emit *e = &c->hot;
    if (!c->op->slot) {
        emit_rm(e, O_LEA | W, p->s1, rm_sib(p->s1, p->base, 0, p->disp));
        return;
    }
    emit_rm(e, O_LEA | W, p->s3, rm_mem(p->base, p->disp));
    emit_load(e, p->s2, rm_mem(RSP, FRAME_TRACE));
    emit_store(e, trace_word(c, p->s2, 0), p->s3);
    emit_rr(e, O_ADD | W, p->s1, p->s3);
    emit_store(e, trace_word(c, p->s2, 1), p->s1);
}

/* s1 = host address by mmu_rmw, then back to the hot path. */
static void rmw_cold(Compiler *c, const Probe *p) {
    Emit *e = &c->cold;
    uint32_t live = ra_live(c, true);
    emit_label(p->miss, e->p);
    ra_cold_save(c, e, live);
    mem_cold_address(c, p);
    if (c->op->slot) {
        emit_load(e, RCX, rm_mem(RSP, FRAME_TRACE));
        emit_store(e, trace_word(c, RCX, 0), RAX);
    }
    mem_cold_call(c, p, c->b->thunks.rmw);
    if (c->op->slot) {
        emit_load(e, RCX, rm_mem(RSP, FRAME_TRACE));
        emit_store(e, trace_word(c, RCX, 1), RAX);
    }
    emit_mov(e, p->s1, RAX);
    ra_cold_restore(c, e, live);
    emit_jmp_to(e, c->hot.p);
}

static void load_operand_b(Compiler *c, HostReg to) {
    if (c->op->b == IR_ZERO) {
        emit_imm(&c->hot, to, 0);
    } else {
        emit_load(&c->hot, to, ra_peek_rm(c, c->op->b));
    }
}

/* Raw value of the access size, zero-extended, into a trace word. */
static void trace_value(Compiler *c, HostReg record, unsigned word, HostReg value) {
    Emit *e = &c->hot;
    if (width(c->op)) {
        emit_store(e, trace_word(c, record, word), value);
    } else {
        Rm low = trace_word(c, record, word);
        emit_rm(e, O_STORE, value, low);
        emit_store_imm(e, 2, rm_mem(record, low.disp + 4), 0);
    }
}

/* new = old <aux> new. */
static void combine(Compiler *c, HostReg new, HostReg old) {
    Emit *e = &c->hot;
    unsigned w = width(c->op);
    switch ((IrAmo)c->op->aux) {
    case IR_AMO_SWAP: return;
    case IR_AMO_ADD: emit_rr(e, O_ADD | W, new, old); return;
    case IR_AMO_XOR: emit_rr(e, O_XOR | W, new, old); return;
    case IR_AMO_AND: emit_rr(e, O_AND | W, new, old); return;
    case IR_AMO_OR: emit_rr(e, O_OR | W, new, old); return;
    default: break;
    }
    static const uint8_t keep_old[] = {
        [IR_AMO_MIN] = CC_L, [IR_AMO_MAX] = CC_G, [IR_AMO_MINU] = CC_B, [IR_AMO_MAXU] = CC_A};
    emit_cmp(e, w, old, rm_reg(new));
    emit_cmov(e, keep_old[c->op->aux], new, rm_reg(old));
}

void op_amo(Compiler *c, unsigned arg) {
    Emit *e = &c->hot;
    const IrOp *op = c->op;
    unsigned size = op->mem & MEM_SIZE_MASK;
    Probe p;
    mem_probe(c, &p, true);
    host_address(c, &p);
    rmw_cold(c, &p);
    HostReg old = p.s2, new = p.s3;
    load_operand_b(c, new);
    emit_load_size(e, size, true, old, rm_mem(p.s1, 0));
    combine(c, new, old);
    emit_store_size(e, size, rm_mem(p.s1, 0), new);
    if (op->slot) {
        emit_load(e, p.s1, rm_mem(RSP, FRAME_TRACE));
        trace_value(c, p.s1, 2, old);
        trace_value(c, p.s1, 3, new);
    }
    ra_finish(c, old);
}

/* -- LR and SC: the reservation is three fields of the hart -------------------------------------------------
 */

static void reserve(Compiler *c, Emit *e, HostReg address, HostReg value) {
    emit_store(e, HART_RM(res_addr), address);
    emit_store(e, HART_RM(res_value), value);
    emit_store_imm(e, 0, HART_RM(res_size), MEM_SIZE(c->op->mem));
}

static void lr_cold(Compiler *c, const Probe *p) {
    Emit *e = &c->cold;
    uint32_t live = ra_live(c, false);
    emit_label(p->miss, e->p);
    ra_cold_save(c, e, live);
    mem_cold_address(c, p);
    emit_store(e, rm_mem(RSP, FRAME_VADDR), RAX);
    mem_cold_call(c, p, c->b->thunks.lr);
    emit_load(e, RDX, rm_mem(RSP, FRAME_VADDR));
    if (c->op->slot) {
        emit_load(e, RCX, rm_mem(RSP, FRAME_TRACE));
        emit_store(e, trace_word(c, RCX, 0), RDX);
        emit_load(e, RSI, HART_RM(mem_loc));
        emit_store(e, trace_word(c, RCX, 1), RSI);
    }
    emit_load_size(e, c->op->mem & MEM_SIZE_MASK, true, RAX, rm_reg(RAX));
    reserve(c, e, RDX, RAX);
    emit_mov(e, p->s2, RAX);
    ra_cold_restore(c, e, live);
    emit_jmp_to(e, c->hot.p);
}

void op_lr(Compiler *c, unsigned arg) {
    Emit *e = &c->hot;
    const IrOp *op = c->op;
    Probe p;
    mem_probe(c, &p, false);
    host_address(c, &p);
    emit_load_size(e, op->mem & MEM_SIZE_MASK, true, p.s2, rm_mem(p.s1, 0));
    emit_rm(e, O_LEA | W, p.s3, rm_mem(p.base, p.disp));
    reserve(c, e, p.s3, p.s2);
    lr_cold(c, &p);
    if (op->slot) {
        emit_load(e, p.s1, rm_mem(RSP, FRAME_TRACE));
        trace_value(c, p.s1, 2, p.s2);
    }
    ra_finish(c, p.s2);
}

/*
 * Succeeds if the reservation is for this address and size and memory still holds what LR read; only then, or
 * to find that out, is memory accessed. A misaligned address is an exception in any case (§14.2). The
 * reservation goes whether it succeeds or fails, but not when the access faults.
 */
void op_sc(Compiler *c, unsigned arg) {
    Emit *e = &c->hot, *cold = &c->cold;
    const IrOp *op = c->op;
    unsigned size = op->mem & MEM_SIZE_MASK;
    Probe p;
    mem_probe_alloc(c, &p);
    emit_alu8_imm(e, ALU_CMP, HART_RM(res_size), MEM_SIZE(op->mem));
    uint8_t *none = emit_jcc(e, CC_NE);
    emit_rm(e, O_LEA | W, p.s1, rm_mem(p.base, p.disp));
    emit_cmp(e, W, p.s1, HART_RM(res_addr));
    uint8_t *elsewhere = emit_jcc(e, CC_NE);
    mem_probe_emit(c, &p, true);
    host_address(c, &p);
    const uint8_t *slow = cold->p;
    rmw_cold(c, &p);
    emit_load(e, p.s2, HART_RM(res_value));
    emit_rm(e, O_CMP_MR | width(op), p.s2, rm_mem(p.s1, 0));
    uint8_t *changed = emit_jcc(e, CC_NE);
    load_operand_b(c, p.s2);
    emit_store_size(e, size, rm_mem(p.s1, 0), p.s2);
    emit_imm(e, p.s3, 0);

    emit_label(none, cold->p);
    emit_label(elsewhere, cold->p);
    emit_rm(cold, O_LEA | W, p.s1, rm_mem(p.base, p.disp));
    emit_alu_imm(cold, W, ALU_AND, rm_reg(p.s1), MEM_SIZE(op->mem) - 1);
    emit_jcc_to(cold, CC_NE, slow); /* which raises the exception */
    emit_label(changed, cold->p);
    emit_imm(cold, p.s3, 1);
    emit_jmp_to(cold, e->p);

    emit_store_imm(e, 0, HART_RM(res_size), 0);
    if (op->slot) {
        emit_load(e, p.s1, rm_mem(RSP, FRAME_TRACE));
        load_operand_b(c, p.s2);
        trace_value(c, p.s1, 2, p.s2);
        emit_rm(e, O_LEA | W, p.s2, rm_mem(p.s3, -1)); /* 0 or -1: failed or done */
        emit_unary(e, W, UN_NEG, rm_reg(p.s2));
        emit_store(e, trace_word(c, p.s1, 3), p.s2);
    }
    ra_finish(c, p.s3);
}
