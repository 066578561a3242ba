/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FpCall: which floating-point operation a call of helper_fp_op or helper_fp_fma performs, in one number that
 * the translator builds and the helper takes apart.
 *
 *     bits 0..7    FpcOp
 *     bits 8..9    FpFormat of the instruction (its .h .s .d): of the operands, and of the result if that is
 * a float bits 12..14  rounding mode 0..4. Always static: the translator resolves DYN from the block's flags
 * and raises illegal-instruction for reserved modes. 0 where the operation does not round. bits 16..17
 * FPC_CVT_F_F only: FpFormat of the source (bits 8..9 are then the destination's)
 *
 * Operands are whole 64-bit registers. A column `f` below is an f register: an H or S value that is not
 * properly NaN-boxed counts as the canonical NaN (unprivileged spec §21.2). A column `x` is an x register:
 * CVT_F_W and CVT_F_WU look at its low 32 bits only. A column `n` is ignored (pass 0). Results: `f` is
 * NaN-boxed to 64 bits and goes to an f register as it is; `x` goes to an x register as it is (32-bit results
 * sign-extended, also of the unsigned conversions; EQ LT LE LTQ LEQ give 0 or 1). Exception flags are OR-ed
 * into hart->fflags. mstatus.FS is not touched: that is the translator's.
 */
#ifndef TCG_RISCV_FPCALL_H
#define TCG_RISCV_FPCALL_H

#include "core/fp.h"

/* X(name, result, first operand, second operand) for helper_fp_op */
#define FPC_OPS(X)                                                                                           \
    X(ADD, f, f, f)                                                                                          \
    X(SUB, f, f, f)                                                                                          \
    X(MUL, f, f, f)                                                                                          \
    X(DIV, f, f, f)                                                                                          \
    X(SQRT, f, f, n)                                                                                         \
    X(SGNJ, f, f, f)                                                                                         \
    X(SGNJN, f, f, f)                                                                                        \
    X(SGNJX, f, f, f)                                                                                        \
    X(MIN, f, f, f)                                                                                          \
    X(MAX, f, f, f)                                                                                          \
    X(MINM, f, f, f)                                                                                         \
    X(MAXM, f, f, f)                                                                                         \
    X(EQ, x, f, f)                                                                                           \
    X(LT, x, f, f)                                                                                           \
    X(LE, x, f, f)                                                                                           \
    X(LTQ, x, f, f)                                                                                          \
    X(LEQ, x, f, f)                                                                                          \
    X(CLASS, x, f, n)                                                                                        \
    X(CVT_F_F, f, f, n) /* fcvt.s.d and its like: use FPCALL_CVT */                                          \
    X(CVT_W_F, x, f, n) /* fcvt.w.s …: float to integer */                                                 \
    X(CVT_WU_F, x, f, n)                                                                                     \
    X(CVT_L_F, x, f, n)                                                                                      \
    X(CVT_LU_F, x, f, n)                                                                                     \
    X(CVT_F_W, f, x, n) /* fcvt.s.w …: integer to float */                                                 \
    X(CVT_F_WU, f, x, n)                                                                                     \
    X(CVT_F_L, f, x, n)                                                                                      \
    X(CVT_F_LU, f, x, n)                                                                                     \
    X(ROUND, f, f, n)   /* fround */                                                                         \
    X(ROUNDNX, f, f, n) /* froundnx */                                                                       \
    X(CVTMOD, x, f, n)  /* fcvtmod.w.d: format FP_D, rm RTZ */

/* X(name, sign of the product, sign of the addend) for helper_fp_fma: rs1, rs2, rs3 in this order, all `f`,
 * code in hart->fp_call, result `f`. Unprivileged spec §20.6: NMSUB is -(a*b) + c, NMADD is -(a*b) - c. */
#define FPC_FMA_OPS(X)                                                                                       \
    X(MADD, 0, 0)                                                                                            \
    X(MSUB, 0, 1)                                                                                            \
    X(NMSUB, 1, 0)                                                                                           \
    X(NMADD, 1, 1)

typedef enum {
#define X(name, ...) FPC_##name,
    FPC_OPS(X) FPC_FMA_OPS(X)
#undef X
        FPC_N_ALL,
    FPC_N_OPS = FPC_MADD, /* those of helper_fp_op */
} FpcOp;

#define FPCALL(op, format, rm) ((uint32_t)(op) | (uint32_t)(format) << 8 | (uint32_t)(rm) << 12)
#define FPCALL_CVT(to, from, rm) (FPCALL(FPC_CVT_F_F, to, rm) | (uint32_t)(from) << 16)

#define FPCALL_OP(code) ((FpcOp)((code)&0xff))
#define FPCALL_FORMAT(code) ((FpFormat)((code) >> 8 & 3))
#define FPCALL_RM(code) ((FpRound)((code) >> 12 & 7))
#define FPCALL_SOURCE(code) ((FpFormat)((code) >> 16 & 3))

#endif
