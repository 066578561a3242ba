/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bit manipulation (Zba, Zbb, Zbc, Zbs, Zbkb, Zbkx; unprivileged spec chapters 28 and 32) and Zicond (chapter 12). */
#include "tcg/riscv/cryptocall.h"
#include "tcg/riscv/trans.h"

/* ---- Zba -------------------------------------------------------------------------------------------------- */

static bool shadd(Trans *t, const InsnArgs *a, IrOpcode op, unsigned shift) {
    if (a->rd) {
        emit(t, op, IR_X(a->rd), IR_X(a->rs1), IR_X(a->rs2), 0)->aux = shift;
    }
    return true;
}

bool trans_sh1add(Trans *t, const InsnArgs *a) { return shadd(t, a, IR_SHADD, 1); }
bool trans_sh2add(Trans *t, const InsnArgs *a) { return shadd(t, a, IR_SHADD, 2); }
bool trans_sh3add(Trans *t, const InsnArgs *a) { return shadd(t, a, IR_SHADD, 3); }
bool trans_sh1add_uw(Trans *t, const InsnArgs *a) { return shadd(t, a, IR_SHADDUW, 1); }
bool trans_sh2add_uw(Trans *t, const InsnArgs *a) { return shadd(t, a, IR_SHADDUW, 2); }
bool trans_sh3add_uw(Trans *t, const InsnArgs *a) { return shadd(t, a, IR_SHADDUW, 3); }

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

/* ---- Zbb -------------------------------------------------------------------------------------------------- */

bool trans_andn(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_ANDN); }
bool trans_orn(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_ORN); }
bool trans_xnor(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_XNOR); }
bool trans_rol(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_ROL); }
bool trans_ror(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_ROR); }
bool trans_rolw(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_ROLW); }
bool trans_rorw(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_RORW); }
bool trans_rori(Trans *t, const InsnArgs *a) { return trans_op_imm(t, a, IR_ROR); }
bool trans_roriw(Trans *t, const InsnArgs *a) { return trans_op_imm(t, a, IR_RORW); }
bool trans_rev8(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_BSWAP); }
bool trans_clz(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_CLZ); }
bool trans_ctz(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_CTZ); }
bool trans_cpop(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_CPOP); }
bool trans_clzw(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_CLZW); }
bool trans_ctzw(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_CTZW); }
bool trans_cpopw(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_CPOPW); }
bool trans_sext_b(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_SEXT8); }
bool trans_sext_h(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_SEXT16); }
bool trans_zext_h(Trans *t, const InsnArgs *a) { return trans_op_unary(t, a, IR_ZEXT16); }
bool trans_min(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_MINS); }
bool trans_minu(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_MINU); }
bool trans_max(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_MAXS); }
bool trans_maxu(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_MAXU); }

/*
 * A byte's top bit, then the byte. Adding 0x7f to the low seven bits carries into the top one unless they are zero,
 * and never further; with m the top bits of the bytes that are not zero, m - (m >> 7) is 0x7f in each.
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

/* ---- Zbs -------------------------------------------------------------------------------------------------- */

/* 1 << rs2: IR shift counts are taken modulo 64, as these instructions take theirs. */
static IrVar bit(Trans *t, const InsnArgs *a) { return trans_temp(t, IR_SHL, trans_const(t, 1), IR_X(a->rs2)); }

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

bool trans_bclr(Trans *t, const InsnArgs *a) { return with_bit(t, a, IR_ANDN); }
bool trans_binv(Trans *t, const InsnArgs *a) { return with_bit(t, a, IR_XOR); }
bool trans_bset(Trans *t, const InsnArgs *a) { return with_bit(t, a, IR_OR); }
bool trans_bclri(Trans *t, const InsnArgs *a) { return with_constant(t, a, IR_AND, ~(UINT64_C(1) << a->imm)); }
bool trans_binvi(Trans *t, const InsnArgs *a) { return with_constant(t, a, IR_XOR, UINT64_C(1) << a->imm); }
bool trans_bseti(Trans *t, const InsnArgs *a) { return with_constant(t, a, IR_OR, UINT64_C(1) << a->imm); }

bool trans_bext(Trans *t, const InsnArgs *a) {
    return !a->rd || extract_bit(t, a, trans_temp(t, IR_SHR, IR_X(a->rs1), IR_X(a->rs2)));
}

bool trans_bexti(Trans *t, const InsnArgs *a) {
    return !a->rd || extract_bit(t, a, trans_temp_imm(t, IR_SHR, IR_X(a->rs1), a->imm));
}

/* ---- Zbc, Zbkb, Zbkx -------------------------------------------------------------------------------------- */

static bool pure_call(Trans *t, const InsnArgs *a, IrHelper helper, IrVar c) {
    if (a->rd) {
        trans_call_to(t, helper, IR_X(a->rd), IR_X(a->rs1), IR_X(a->rs2), c);
    }
    return true;
}

bool trans_clmul(Trans *t, const InsnArgs *a) { return pure_call(t, a, HELPER_clmul, IR_ZERO); }
bool trans_clmulh(Trans *t, const InsnArgs *a) { return pure_call(t, a, HELPER_clmulh, IR_ZERO); }
bool trans_clmulr(Trans *t, const InsnArgs *a) { return pure_call(t, a, HELPER_clmulr, IR_ZERO); }
bool trans_brev8(Trans *t, const InsnArgs *a) { return pure_call(t, a, HELPER_crypto, trans_const(t, CRYPTO_BREV8)); }
bool trans_xperm4(Trans *t, const InsnArgs *a) { return pure_call(t, a, HELPER_crypto, trans_const(t, CRYPTO_XPERM4)); }
bool trans_xperm8(Trans *t, const InsnArgs *a) { return pure_call(t, a, HELPER_crypto, trans_const(t, CRYPTO_XPERM8)); }

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

/* ---- Zicond ----------------------------------------------------------------------------------------------- */

static bool czero(Trans *t, const InsnArgs *a, IrCond zero_if) {
    if (a->rd) {
        IrOp *op = emit(t, IR_SEL, IR_X(a->rd), IR_X(a->rs2), IR_ZERO, 0);
        op->c = IR_X(a->rs1);
        op->aux = zero_if;
    }
    return true;
}

bool trans_czero_eqz(Trans *t, const InsnArgs *a) { return czero(t, a, IR_EQ); }
bool trans_czero_nez(Trans *t, const InsnArgs *a) { return czero(t, a, IR_NE); }
