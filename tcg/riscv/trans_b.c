/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bit manipulation (Zba, Zbb, Zbc, Zbs, Zbkb, Zbkx; unprivileged spec chapters 28 and 32) and Zicond (chapter
 * 12). */
#include "tcg/riscv/cryptocall.h"
#include "tcg/riscv/trans.h"

/* ---- Zba ----------------------------------------------------------------------------------------- */

static bool shadd(Trans *t, const InsnArgs *a, IrOpcode op, unsigned shift) {
    if (a->rd) {
        emit(t, op, IR_X(a->rd), IR_X(a->rs1), IR_X(a->rs2), 0)->aux = shift;
    }
    return true;
}

TRANS(sh1add, shadd, IR_SHADD, 1)
TRANS(sh2add, shadd, IR_SHADD, 2)
TRANS(sh3add, shadd, IR_SHADD, 3)
TRANS(sh1add_uw, shadd, IR_SHADDUW, 1)
TRANS(sh2add_uw, shadd, IR_SHADDUW, 2)
TRANS(sh3add_uw, shadd, IR_SHADDUW, 3)

bool trans_add_uw(Trans *t, const InsnArgs *a) {
    return a->rs2 ? shadd(t, a, IR_SHADDUW, 0) : trans_op_unary(t, a, IR_ZEXT32); /* zext.w */
}

bool trans_slli_uw(Trans *t, const InsnArgs *a) {
    if (a->rd) {
        IrVar low = trans_temp(t, IR_ZEXT32, IR_X(a->rs1), IR_ZERO);
        emit(t, IR_SHL, IR_X(a->rd), low, IR_IMM, a->imm);
    }
    return true;
}

/* ---- Zbb ----------------------------------------------------------------------------------------- */

TRANS(andn, trans_op_reg, IR_ANDN)
TRANS(orn, trans_op_reg, IR_ORN)
TRANS(xnor, trans_op_reg, IR_XNOR)
TRANS(rol, trans_op_reg, IR_ROL)
TRANS(ror, trans_op_reg, IR_ROR)
TRANS(rolw, trans_op_reg, IR_ROLW)
TRANS(rorw, trans_op_reg, IR_RORW)
TRANS(rori, trans_op_imm, IR_ROR)
TRANS(roriw, trans_op_imm, IR_RORW)
TRANS(rev8, trans_op_unary, IR_BSWAP)
TRANS(clz, trans_op_unary, IR_CLZ)
TRANS(ctz, trans_op_unary, IR_CTZ)
TRANS(cpop, trans_op_unary, IR_CPOP)
TRANS(clzw, trans_op_unary, IR_CLZW)
TRANS(ctzw, trans_op_unary, IR_CTZW)
TRANS(cpopw, trans_op_unary, IR_CPOPW)
TRANS(sext_b, trans_op_unary, IR_SEXT8)
TRANS(sext_h, trans_op_unary, IR_SEXT16)
TRANS(zext_h, trans_op_unary, IR_ZEXT16)
TRANS(min, trans_op_reg, IR_MINS)
TRANS(minu, trans_op_reg, IR_MINU)
TRANS(max, trans_op_reg, IR_MAXS)
TRANS(maxu, trans_op_reg, IR_MAXU)

/*
 * A byte's top bit, then the byte. Adding 0x7f to the low seven bits carries into the top one unless they are
 * zero, and never further; with m the top bits of the bytes that are not zero, m - (m >> 7) is 0x7f in each.
 */
bool trans_orc_b(Trans *t, const InsnArgs *a) {
    const int64_t low7 = 0x7f7f7f7f7f7f7f7f;
    if (a->rd) {
        IrVar carry = trans_temp_imm(t, IR_ADD, trans_temp_imm(t, IR_AND, IR_X(a->rs1), low7), low7);
        IrVar any = trans_temp(t, IR_OR, carry, IR_X(a->rs1));
        IrVar top = trans_temp_imm(t, IR_AND, any, ~low7);
        IrVar rest = trans_temp(t, IR_SUB, top, trans_temp_imm(t, IR_SHR, top, 7));
        emit(t, IR_OR, IR_X(a->rd), top, rest, 0);
    }
    return true;
}

/* ---- Zbs ----------------------------------------------------------------------------------------- */

/* 1 << rs2: IR shift counts are taken modulo 64, as these instructions take theirs. */
static IrVar bit(Trans *t, const InsnArgs *a) {
    return trans_temp(t, IR_SHL, trans_const(t, 1), IR_X(a->rs2));
}

static bool with_bit(Trans *t, const InsnArgs *a, IrOpcode op) {
    if (a->rd) {
        IrVar mask = bit(t, a);
        emit(t, op, IR_X(a->rd), IR_X(a->rs1), mask, 0);
    }
    return true;
}

static bool with_constant(Trans *t, const InsnArgs *a, IrOpcode op, uint64_t value) {
    if (a->rd) {
        emit(t, op, IR_X(a->rd), IR_X(a->rs1), IR_IMM, (int64_t)value);
    }
    return true;
}

static bool extract_bit(Trans *t, const InsnArgs *a, IrVar shifted) {
    emit(t, IR_AND, IR_X(a->rd), shifted, IR_IMM, 1);
    return true;
}

TRANS(bclr, with_bit, IR_ANDN)
TRANS(binv, with_bit, IR_XOR)
TRANS(bset, with_bit, IR_OR)
TRANS(bclri, with_constant, IR_AND, ~(UINT64_C(1) << a->imm))
TRANS(binvi, with_constant, IR_XOR, UINT64_C(1) << a->imm)
TRANS(bseti, with_constant, IR_OR, UINT64_C(1) << a->imm)

bool trans_bext(Trans *t, const InsnArgs *a) {
    return !a->rd || extract_bit(t, a, trans_temp(t, IR_SHR, IR_X(a->rs1), IR_X(a->rs2)));
}

bool trans_bexti(Trans *t, const InsnArgs *a) {
    return !a->rd || extract_bit(t, a, trans_temp_imm(t, IR_SHR, IR_X(a->rs1), a->imm));
}

/* ---- Zbc, Zbkb, Zbkx ----------------------------------------------------------------------------- */

static bool pure_call(Trans *t, const InsnArgs *a, IrHelper helper, IrVar c) {
    if (a->rd) {
        trans_call_to(t, helper, IR_X(a->rd), IR_X(a->rs1), IR_X(a->rs2), c);
    }
    return true;
}

TRANS(clmul, pure_call, HELPER_clmul, IR_ZERO)
TRANS(clmulh, pure_call, HELPER_clmulh, IR_ZERO)
TRANS(clmulr, pure_call, HELPER_clmulr, IR_ZERO)
TRANS(brev8, pure_call, HELPER_crypto, trans_const(t, CRYPTO_BREV8))
TRANS(xperm4, pure_call, HELPER_crypto, trans_const(t, CRYPTO_XPERM4))
TRANS(xperm8, pure_call, HELPER_crypto, trans_const(t, CRYPTO_XPERM8))

bool trans_pack(Trans *t, const InsnArgs *a) {
    if (a->rd) {
        IrVar high = trans_temp_imm(t, IR_SHL, IR_X(a->rs2), 32);
        emit(t, IR_OR, IR_X(a->rd), high, trans_temp(t, IR_ZEXT32, IR_X(a->rs1), IR_ZERO), 0);
    }
    return true;
}

bool trans_packh(Trans *t, const InsnArgs *a) {
    if (a->rd) {
        IrVar high = trans_temp_imm(t, IR_SHL, trans_temp(t, IR_ZEXT8, IR_X(a->rs2), IR_ZERO), 8);
        emit(t, IR_OR, IR_X(a->rd), high, trans_temp(t, IR_ZEXT8, IR_X(a->rs1), IR_ZERO), 0);
    }
    return true;
}

bool trans_packw(Trans *t, const InsnArgs *a) {
    if (a->rd) {
        IrVar high = trans_temp_imm(t, IR_SHLW, IR_X(a->rs2), 16);
        emit(t, IR_OR, IR_X(a->rd), high, trans_temp(t, IR_ZEXT16, IR_X(a->rs1), IR_ZERO), 0);
    }
    return true;
}

/* ---- Zicond -------------------------------------------------------------------------------------- */

static bool czero(Trans *t, const InsnArgs *a, IrCond zero_if) {
    if (a->rd) {
        IrOp *op = emit(t, IR_SEL, IR_X(a->rd), IR_X(a->rs2), IR_ZERO, 0);
        op->c = IR_X(a->rs1);
        op->aux = zero_if;
    }
    return true;
}

TRANS(czero_eqz, czero, IR_EQ)
TRANS(czero_nez, czero, IR_NE)
