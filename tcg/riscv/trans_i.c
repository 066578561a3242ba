/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RV64I: unprivileged spec chapters 2 and 4. */
#include "tcg/riscv/trans.h"

/* ---- upper immediates and arithmetic with an immediate ------------------------------------------- */

static bool movi(Trans *t, const InsnArgs *a, int64_t value) {
    if (a->rd) {
        emit(t, IR_MOVI, IR_X(a->rd), IR_ZERO, IR_ZERO, value);
    }
    return true;
}

static bool mov(Trans *t, const InsnArgs *a, unsigned rs) {
    if (rs == 0) {
        return movi(t, a, 0);
    }
    if (a->rd && a->rd != rs) {
        emit(t, IR_MOV, IR_X(a->rd), IR_X(rs), IR_ZERO, 0);
    }
    return true;
}

static bool set_if(Trans *t, const InsnArgs *a, IrCond cond, IrVar x, IrVar y, int64_t imm) {
    if (a->rd) {
        emit(t, IR_SETC, IR_X(a->rd), x, y, imm)->aux = cond;
    }
    return true;
}

TRANS(lui, movi, a->imm)
TRANS(auipc, movi, (int64_t)(t->pc + (uint64_t)a->imm))

bool trans_addi(Trans *t, const InsnArgs *a) {
    if (a->rs1 == 0) {
        return movi(t, a, a->imm);
    }
    return a->imm ? trans_op_imm(t, a, IR_ADD) : mov(t, a, a->rs1);
}

bool trans_addiw(Trans *t, const InsnArgs *a) {
    if (a->rs1 == 0) {
        return movi(t, a, a->imm);
    }
    return a->imm ? trans_op_imm(t, a, IR_ADDW) : trans_op_unary(t, a, IR_SEXT32);
}

TRANS(slti, set_if, IR_LT, IR_X(a->rs1), IR_IMM, a->imm)

bool trans_sltiu(Trans *t, const InsnArgs *a) {
    if (a->imm == 1) { /* seqz */
        return set_if(t, a, IR_EQ, IR_X(a->rs1), IR_ZERO, 0);
    }
    return set_if(t, a, IR_LTU, IR_X(a->rs1), IR_IMM, a->imm);
}

TRANS(xori, trans_op_imm, IR_XOR)
TRANS(ori, trans_op_imm, IR_OR)

bool trans_andi(Trans *t, const InsnArgs *a) {
    return a->imm == 0xff ? trans_op_unary(t, a, IR_ZEXT8) : trans_op_imm(t, a, IR_AND);
}

TRANS(slli, trans_op_imm, IR_SHL)
TRANS(srli, trans_op_imm, IR_SHR)
TRANS(srai, trans_op_imm, IR_SAR)
TRANS(slliw, trans_op_imm, IR_SHLW)
TRANS(srliw, trans_op_imm, IR_SHRW)
TRANS(sraiw, trans_op_imm, IR_SARW)

/* ---- register with register ---------------------------------------------------------------------- */

bool trans_add(Trans *t, const InsnArgs *a) {
    if (a->rs1 == 0 || a->rs2 == 0) {
        return mov(t, a, a->rs1 | a->rs2);
    }
    return trans_op_reg(t, a, IR_ADD);
}

TRANS(sub, trans_op_reg, IR_SUB)
TRANS(sll, trans_op_reg, IR_SHL)
TRANS(srl, trans_op_reg, IR_SHR)
TRANS(sra, trans_op_reg, IR_SAR)
TRANS(slt, set_if, IR_LT, IR_X(a->rs1), IR_X(a->rs2), 0)

bool trans_sltu(Trans *t, const InsnArgs *a) {
    if (a->rs1 == 0) { /* snez */
        return set_if(t, a, IR_NE, IR_X(a->rs2), IR_ZERO, 0);
    }
    return set_if(t, a, IR_LTU, IR_X(a->rs1), IR_X(a->rs2), 0);
}

TRANS(xor, trans_op_reg, IR_XOR)
TRANS(or, trans_op_reg, IR_OR)
TRANS(and, trans_op_reg, IR_AND)
TRANS(addw, trans_op_reg, IR_ADDW)
TRANS(subw, trans_op_reg, IR_SUBW)
TRANS(sllw, trans_op_reg, IR_SHLW)
TRANS(srlw, trans_op_reg, IR_SHRW)
TRANS(sraw, trans_op_reg, IR_SARW)

/* ---- loads and stores ---------------------------------------------------------------------------- */

static bool load(Trans *t, const InsnArgs *a, unsigned log2, unsigned sign) {
    MemOp mem = trans_mem_op(t, MEM_LOAD, log2, sign);
    emit(t, IR_LD, trans_rd(t, a), trans_addr(a), IR_ZERO, a->imm)->mem = mem;
    return true;
}

static bool store(Trans *t, const InsnArgs *a, unsigned log2) {
    MemOp mem = trans_mem_op(t, MEM_STORE, log2, 0);
    emit(t, IR_ST, IR_ZERO, trans_addr(a), IR_X(a->rs2), a->imm)->mem = mem;
    return true;
}

TRANS(lb, load, 0, MEM_SIGN)
TRANS(lh, load, 1, MEM_SIGN)
TRANS(lw, load, 2, MEM_SIGN)
TRANS(ld, load, 3, 0)
TRANS(lbu, load, 0, 0)
TRANS(lhu, load, 1, 0)
TRANS(lwu, load, 2, 0)
TRANS(sb, store, 0)
TRANS(sh, store, 1)
TRANS(sw, store, 2)
TRANS(sd, store, 3)

/* ---- jumps and branches -------------------------------------------------------------------------- */

static bool is_link(unsigned reg) {
    return reg == 1 || reg == 5;
}

/* Without C, a target that is not a multiple of 4 raises at the jump itself (§2.5). Bit 0 cannot be set. */
static bool may_misalign(const Trans *t) {
    return !t->in->isa->c;
}

bool trans_jal(Trans *t, const InsnArgs *a) {
    Gva target = t->pc + (uint64_t)a->imm;
    if (may_misalign(t) && (target & 2)) {
        IrVar taken = trans_const(t, 1);
        trans_call(t, HELPER_misaligned_jump, trans_const(t, (int64_t)target), taken, IR_ZERO);
    }
    movi(t, a, (int64_t)t->next_pc);
    trans_end_to(t, target, 0, is_link(a->rd) ? IR_JUMP_CALL : IR_JUMP_PLAIN);
    return true;
}

/* §2.5.1, the table of return-address stack hints. */
static IrJump jalr_hint(unsigned rd, unsigned rs1) {
    if (!is_link(rd)) {
        return is_link(rs1) ? IR_JUMP_RET : IR_JUMP_PLAIN;
    }
    return is_link(rs1) && rs1 != rd ? IR_JUMP_RET_CALL : IR_JUMP_CALL;
}

bool trans_jalr(Trans *t, const InsnArgs *a) {
    IrVar sum = a->imm ? trans_temp_imm(t, IR_ADD, IR_X(a->rs1), a->imm) : IR_X(a->rs1);
    IrVar target = trans_temp_imm(t, IR_AND, sum, ~(int64_t)1);
    if (may_misalign(t)) {
        trans_call(t, HELPER_misaligned_jump, target, trans_const(t, 1), IR_ZERO);
    }
    movi(t, a, (int64_t)t->next_pc);
    trans_end_jump(t, target, jalr_hint(a->rd, a->rs1));
    return true;
}

static bool branch(Trans *t, const InsnArgs *a, IrCond cond) {
    Gva target = t->pc + (uint64_t)a->imm;
    if (may_misalign(t) && (target & 2)) {
        IrVar taken = ir_temp(t->ir);
        emit(t, IR_SETC, taken, IR_X(a->rs1), IR_X(a->rs2), 0)->aux = cond;
        trans_call(t, HELPER_misaligned_jump, trans_const(t, (int64_t)target), taken, IR_ZERO);
    } else {
        IrOp *op = emit(t, IR_EXIT_IF, IR_ZERO, IR_X(a->rs1), IR_X(a->rs2), (int64_t)target);
        op->aux = cond;
        op->c = 0;
    }
    trans_end_to(t, t->next_pc, 1, IR_JUMP_PLAIN);
    return true;
}

TRANS(beq, branch, IR_EQ)
TRANS(bne, branch, IR_NE)
TRANS(blt, branch, IR_LT)
TRANS(bge, branch, IR_GE)
TRANS(bltu, branch, IR_LTU)
TRANS(bgeu, branch, IR_GEU)

/* ---- ordering: harts take turns, and code pages are watched, so nothing is out of order ---------- */

TRANS(fence, trans_nothing)
TRANS(fence_i, trans_nothing)
