/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * F, D and Zfh: unprivileged spec chapters 20, 21 and 24. Arithmetic is a helper's, named by an FpCall;
 * moving and sign-changing is IR. Narrow values are kept NaN-boxed: all bits above them are ones.
 */
#include "tcg/riscv/trans_fp.h"

bool fp_usable(const Trans *t) {
    return ((t->in->flags >> FLAG_FS_SHIFT) & 3) != 0;
}

bool fp_begin(Trans *t, unsigned *rm) {
    if (!fp_usable(t)) {
        return false;
    }
    if (*rm == RM_DYN) {
        *rm = (t->in->flags >> FLAG_FRM_SHIFT) & 7;
    }
    return *rm <= RM_RMM;
}

void fp_done(Trans *t, bool changes_state) {
    t->ir->fp_insns++;
    if (changes_state && !t->fs_dirty) {
        trans_call(t, HELPER_fs_dirty, IR_ZERO, IR_ZERO, IR_ZERO);
        t->fs_dirty = true;
    }
}

bool fp_call(Trans *t, uint32_t code, IrVar dst, IrVar a, IrVar b) {
    trans_call_to(t, HELPER_fp_op, dst, a, b, trans_const(t, code));
    fp_done(t, true);
    return true;
}

/* ---- loads, stores, moves ------------------------------------------------------------------------ */

static const unsigned format_log2[] = {[FP_H] = 1, [FP_S] = 2, [FP_D] = 3};

static uint64_t sign_bit(FpFormat f) {
    return UINT64_C(1) << ((8u << format_log2[f]) - 1);
}
static int64_t boxing(FpFormat f) {
    return f == FP_D ? 0 : (int64_t)(UINT64_MAX << (8u << format_log2[f]));
}

/* dst = the value in the low bits of v, boxed. */
static void box(Trans *t, FpFormat f, IrVar dst, IrVar v) {
    if (f == FP_D) {
        emit(t, IR_MOV, dst, v, IR_ZERO, 0);
    } else {
        emit(t, IR_OR, dst, v, IR_IMM, boxing(f));
    }
}

/* The register as operand: what is not boxed counts as the canonical NaN (§21.2). */
static IrVar unbox(Trans *t, FpFormat f, unsigned reg) {
    static const int64_t canonical_nan[] = {
        [FP_H] = (int64_t)0xffffffffffff7e00, [FP_S] = (int64_t)0xffffffff7fc00000};
    if (f == FP_D) {
        return IR_F(reg);
    }
    IrVar boxed = ir_temp(t->ir), v = ir_temp(t->ir);
    emit(t, IR_SETC, boxed, IR_F(reg), IR_IMM, boxing(f))->aux = IR_GEU;
    IrVar nan = trans_const(t, canonical_nan[f]);
    IrOp *op = emit(t, IR_SEL, v, boxed, IR_F(reg), 0);
    op->c = nan;
    op->aux = IR_NE;
    return v;
}

static bool fp_load(Trans *t, const InsnArgs *a, FpFormat f) {
    if (!fp_usable(t)) {
        return false;
    }
    IrVar dst = f == FP_D ? IR_F(a->rd) : ir_temp(t->ir);
    MemOp mem = trans_mem_op(t, MEM_LOAD, format_log2[f], 0);
    emit(t, IR_LD, dst, trans_addr(a), IR_ZERO, a->imm)->mem = mem;
    if (f != FP_D) {
        box(t, f, IR_F(a->rd), dst);
    }
    fp_done(t, true);
    return true;
}

static bool fp_store(Trans *t, const InsnArgs *a, FpFormat f) {
    if (!fp_usable(t)) {
        return false;
    }
    MemOp mem = trans_mem_op(t, MEM_STORE, format_log2[f], 0);
    emit(t, IR_ST, IR_ZERO, trans_addr(a), IR_F(a->rs2), a->imm)->mem = mem;
    fp_done(t, false);
    return true;
}

static bool move_from_x(Trans *t, const InsnArgs *a, FpFormat f) {
    if (!fp_usable(t)) {
        return false;
    }
    box(t, f, IR_F(a->rd), IR_X(a->rs1));
    fp_done(t, true);
    return true;
}

static bool move_to_x(Trans *t, const InsnArgs *a, FpFormat f) {
    static const IrOpcode extend[] = {[FP_H] = IR_SEXT16, [FP_S] = IR_SEXT32, [FP_D] = IR_MOV};
    if (!fp_usable(t)) {
        return false;
    }
    if (a->rd) {
        emit(t, extend[f], IR_X(a->rd), IR_F(a->rs1), IR_ZERO, 0);
    }
    fp_done(t, false);
    return true;
}

/* dst = x with its sign bit replaced by s, replaced by the complement of s, or turned over where s is set. */
static void inject(Trans *t, FpcOp op, IrVar dst, IrVar x, IrVar s, int64_t sign) {
    if (op == FPC_SGNJX) {
        emit(t, IR_XOR, dst, x, s, 0);
        return;
    }
    if (op == FPC_SGNJN) {
        s = trans_temp_imm(t, IR_XOR, s, sign);
    }
    emit(t, IR_OR, dst, trans_temp_imm(t, IR_AND, x, ~sign), s, 0);
}

/* fsgnj, fsgnjn, fsgnjx; with equal sources they are fmv, fneg, fabs. */
static bool sign_inject(Trans *t, const InsnArgs *a, FpFormat f, FpcOp op) {
    if (!fp_usable(t)) {
        return false;
    }
    int64_t sign = (int64_t)sign_bit(f);
    IrVar x = unbox(t, f, a->rs1), dst = IR_F(a->rd);
    if (a->rs1 != a->rs2) {
        inject(t, op, dst, x, trans_temp_imm(t, IR_AND, unbox(t, f, a->rs2), sign), sign);
    } else if (op == FPC_SGNJ) {
        emit(t, IR_MOV, dst, x, IR_ZERO, 0);
    } else if (op == FPC_SGNJN) {
        emit(t, IR_XOR, dst, x, IR_IMM, sign);
    } else {
        emit(t, IR_AND, dst, x, IR_IMM, ~sign);
    }
    fp_done(t, true);
    return true;
}

/* ---- arithmetic ---------------------------------------------------------------------------------- */

static bool rounded(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f) {
    unsigned rm = a->rm;
    return fp_begin(t, &rm) && fp_call(t, FPCALL(op, f, rm), IR_F(a->rd), IR_F(a->rs1), IR_F(a->rs2));
}

static bool rounded_unary(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f) {
    unsigned rm = a->rm;
    return fp_begin(t, &rm) && fp_call(t, FPCALL(op, f, rm), IR_F(a->rd), IR_F(a->rs1), IR_ZERO);
}

static bool to_int(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f) {
    unsigned rm = a->rm;
    return fp_begin(t, &rm) && fp_call(t, FPCALL(op, f, rm), trans_rd(t, a), IR_F(a->rs1), IR_ZERO);
}

static bool from_int(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f) {
    unsigned rm = a->rm;
    return fp_begin(t, &rm) && fp_call(t, FPCALL(op, f, rm), IR_F(a->rd), IR_X(a->rs1), IR_ZERO);
}

static bool convert(Trans *t, const InsnArgs *a, FpFormat to, FpFormat from) {
    unsigned rm = a->rm;
    return fp_begin(t, &rm) && fp_call(t, FPCALL_CVT(to, from, rm), IR_F(a->rd), IR_F(a->rs1), IR_ZERO);
}

static bool fused(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f) {
    unsigned rm = a->rm;
    if (!fp_begin(t, &rm)) {
        return false;
    }
    emit(t, IR_STH, IR_ZERO, trans_const(t, FPCALL(op, f, rm)), IR_ZERO, offsetof(Hart, fp_call))->aux = 2;
    trans_call_to(t, HELPER_fp_fma, IR_F(a->rd), IR_F(a->rs1), IR_F(a->rs2), IR_F(a->rs3));
    fp_done(t, true);
    return true;
}

/* fclass changes neither registers nor flags of the FP state. */
static bool classify(Trans *t, const InsnArgs *a, FpFormat f) {
    if (!fp_usable(t)) {
        return false;
    }
    if (a->rd) {
        trans_call_to(t, HELPER_fp_op, IR_X(a->rd), IR_F(a->rs1), IR_ZERO,
                      trans_const(t, FPCALL(FPC_CLASS, f, 0)));
    }
    fp_done(t, false);
    return true;
}

/* ---- the instructions ---------------------------------------------------------------------------- */

#define FORMAT(s, F)                                                                                         \
    TRANS(fadd_##s, rounded, FPC_ADD, F)                                                                     \
    TRANS(fsub_##s, rounded, FPC_SUB, F)                                                                     \
    TRANS(fmul_##s, rounded, FPC_MUL, F)                                                                     \
    TRANS(fdiv_##s, rounded, FPC_DIV, F)                                                                     \
    TRANS(fsqrt_##s, rounded_unary, FPC_SQRT, F)                                                             \
    TRANS(fmadd_##s, fused, FPC_MADD, F)                                                                     \
    TRANS(fmsub_##s, fused, FPC_MSUB, F)                                                                     \
    TRANS(fnmsub_##s, fused, FPC_NMSUB, F)                                                                   \
    TRANS(fnmadd_##s, fused, FPC_NMADD, F)                                                                   \
    TRANS(fsgnj_##s, sign_inject, F, FPC_SGNJ)                                                               \
    TRANS(fsgnjn_##s, sign_inject, F, FPC_SGNJN)                                                             \
    TRANS(fsgnjx_##s, sign_inject, F, FPC_SGNJX)                                                             \
    TRANS(fmin_##s, fp_binary, FPC_MIN, F)                                                                   \
    TRANS(fmax_##s, fp_binary, FPC_MAX, F)                                                                   \
    TRANS(feq_##s, fp_compare, FPC_EQ, F)                                                                    \
    TRANS(flt_##s, fp_compare, FPC_LT, F)                                                                    \
    TRANS(fle_##s, fp_compare, FPC_LE, F)                                                                    \
    TRANS(fclass_##s, classify, F)                                                                           \
    TRANS(fcvt_w_##s, to_int, FPC_CVT_W_F, F)                                                                \
    TRANS(fcvt_wu_##s, to_int, FPC_CVT_WU_F, F)                                                              \
    TRANS(fcvt_l_##s, to_int, FPC_CVT_L_F, F)                                                                \
    TRANS(fcvt_lu_##s, to_int, FPC_CVT_LU_F, F)                                                              \
    TRANS(fcvt_##s##_w, from_int, FPC_CVT_F_W, F)                                                            \
    TRANS(fcvt_##s##_wu, from_int, FPC_CVT_F_WU, F)                                                          \
    TRANS(fcvt_##s##_l, from_int, FPC_CVT_F_L, F)                                                            \
    TRANS(fcvt_##s##_lu, from_int, FPC_CVT_F_LU, F)

bool fp_binary(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f) {
    return fp_usable(t) && fp_call(t, FPCALL(op, f, 0), IR_F(a->rd), IR_F(a->rs1), IR_F(a->rs2));
}

bool fp_compare(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f) {
    return fp_usable(t) && fp_call(t, FPCALL(op, f, 0), trans_rd(t, a), IR_F(a->rs1), IR_F(a->rs2));
}

FORMAT(s, FP_S)
FORMAT(d, FP_D)
FORMAT(h, FP_H)
TRANS(flw, fp_load, FP_S)
TRANS(fld, fp_load, FP_D)
TRANS(flh, fp_load, FP_H)
TRANS(fsw, fp_store, FP_S)
TRANS(fsd, fp_store, FP_D)
TRANS(fsh, fp_store, FP_H)
TRANS(fmv_w_x, move_from_x, FP_S)
TRANS(fmv_d_x, move_from_x, FP_D)
TRANS(fmv_h_x, move_from_x, FP_H)
TRANS(fmv_x_w, move_to_x, FP_S)
TRANS(fmv_x_d, move_to_x, FP_D)
TRANS(fmv_x_h, move_to_x, FP_H)
TRANS(fcvt_s_d, convert, FP_S, FP_D)
TRANS(fcvt_d_s, convert, FP_D, FP_S)
TRANS(fcvt_s_h, convert, FP_S, FP_H)
TRANS(fcvt_h_s, convert, FP_H, FP_S)
TRANS(fcvt_d_h, convert, FP_D, FP_H)
TRANS(fcvt_h_d, convert, FP_H, FP_D)
