/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparisons and what depends on them. */
#include "tcg/x86_64/compiler.h"
#include "tcg/x86_64/operand.h"

static const uint8_t conds[] = {
    [IR_EQ] = CC_E, [IR_NE] = CC_NE, [IR_LT] = CC_L, [IR_GE] = CC_GE, [IR_LTU] = CC_B, [IR_GEU] = CC_AE};
/* The same with the operands exchanged. */
static const uint8_t swapped[] = {
    [IR_EQ] = CC_E, [IR_NE] = CC_NE, [IR_LT] = CC_G, [IR_GE] = CC_LE, [IR_LTU] = CC_A, [IR_GEU] = CC_BE};

X86Cond cond_emit_compare(Compiler *c, IrCond cond, IrVar a, IrVar b, int64_t imm) {
    Emit *e = &c->hot;
    bool constant = b == IR_IMM || b == IR_ZERO;
    if (b == IR_ZERO) {
        imm = 0;
    }
    if (a == IR_ZERO && !constant) {
        emit_alu_imm(e, W, ALU_CMP, ra_read_rm(c, b), 0);
        return swapped[cond];
    }
    if (constant && fits_i32(imm)) {
        emit_alu_imm(e, W, ALU_CMP, operand_rm(c, a), (int32_t)imm);
        return conds[cond];
    }
    if (constant) {
        HostReg r = ra_scratch(c);
        emit_imm(e, r, (uint64_t)imm);
        emit_rm(e, O_CMP_MR | W, r, operand_rm(c, a));
        return conds[cond];
    }
    Rm ra = ra_read_rm(c, a);
    Rm rb = ra_read_rm(c, b);
    if (ra.reg >= 0) {
        emit_cmp(e, W, ra.reg, rb);
    } else {
        emit_rm(e, O_CMP_MR | W, rb.reg >= 0 ? (HostReg)rb.reg : ra_read(c, b), ra);
    }
    return conds[cond];
}

void op_setc(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    Emit *e = &c->hot;
    if (ra_is_pinned(op->dst) && op->dst != op->a && op->dst != op->b) {
        HostReg d = (HostReg)c->reg[op->dst];
        emit_imm(e, d, 0);
        emit_setcc(e, cond_emit_compare(c, op->aux, op->a, op->b, op->imm), d);
        return;
    }
    X86Cond cc = cond_emit_compare(c, op->aux, op->a, op->b, op->imm);
    HostReg d = ra_dst(c);
    emit_setcc(e, cc, d);
    emit_rr(e, O_MOVZX8, d, d);
    ra_finish(c, d);
}

/* d = 0, but `v` where cc holds; changes no flags. */
static void select_or_zero(Compiler *c, X86Cond cc, HostReg d, Rm v) {
    Emit *e = &c->hot;
    if (rm_is(v, d)) {
        HostReg zero = ra_scratch(c);
        emit_imm_flags(e, zero, 0);
        emit_cmov(e, cc ^ 1, d, rm_reg(zero));
    } else {
        emit_imm_flags(e, d, 0);
        emit_cmov(e, cc, d, v);
    }
}

void op_sel(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    Emit *e = &c->hot;
    Rm b = {0}, other = {0};
    if (op->b != IR_ZERO) {
        b = ra_read_rm(c, op->b);
    }
    if (op->c != IR_ZERO) {
        other = ra_read_rm(c, op->c);
    }
    X86Cond cc = cond_emit_compare(c, op->aux, op->a, IR_ZERO, 0);
    HostReg d = ra_dst(c); /* no flags change from here on */
    if (op->b == IR_ZERO && op->c == IR_ZERO) {
        emit_imm(e, d, 0);
    } else if (op->c == IR_ZERO) {
        select_or_zero(c, cc, d, b);
    } else if (op->b == IR_ZERO) {
        select_or_zero(c, cc ^ 1, d, other);
    } else if (rm_is(b, d)) {
        emit_cmov(e, cc ^ 1, d, other);
    } else {
        operand_load(e, W, d, other);
        emit_cmov(e, cc, d, b);
    }
    ra_finish(c, d);
}

/* arg: the condition of a compared with b under which b is the result. */
void op_minmax(Compiler *c, unsigned arg) {
    Emit *e = &c->hot;
    HostReg a = ra_read(c, c->op->a);
    Rm b = operand_rm(c, c->op->b);
    emit_cmp(e, W, a, b);
    HostReg d = ra_dst(c);
    if (rm_is(b, d)) {
        emit_cmov(e, arg ^ 1, d, rm_reg(a));
    } else {
        emit_mov(e, d, a);
        emit_cmov(e, arg, d, b);
    }
    ra_finish(c, d);
}
