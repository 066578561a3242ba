/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zfa: unprivileged spec chapter 25. */
#include "tcg/riscv/trans_fp.h"

/*
 * fli's constants 2..29: (1 + quarters / 4) * 2^exponent. The others: -1.0, the smallest normal number,
 * infinity, NaN (§25.1).
 */
static const struct {
    int8_t exponent;
    uint8_t quarters;
} fli_values[32] = {
    [2] = {-16, 0}, [3] = {-15, 0}, [4] = {-8, 0},  [5] = {-7, 0},  [6] = {-4, 0},  [7] = {-3, 0},
    [8] = {-2, 0},  [9] = {-2, 1},  [10] = {-2, 2}, [11] = {-2, 3}, [12] = {-1, 0}, [13] = {-1, 1},
    [14] = {-1, 2}, [15] = {-1, 3}, [16] = {0, 0},  [17] = {0, 1},  [18] = {0, 2},  [19] = {0, 3},
    [20] = {1, 0},  [21] = {1, 1},  [22] = {1, 2},  [23] = {2, 0},  [24] = {3, 0},  [25] = {4, 0},
    [26] = {7, 0},  [27] = {8, 0},  [28] = {15, 0}, [29] = {16, 0},
};

static const struct {
    unsigned fraction_bits;
    int bias;
    uint64_t box;
} formats[] = {
    [FP_H] = {10, 15, UINT64_MAX << 16},
    [FP_S] = {23, 127, UINT64_MAX << 32},
    [FP_D] = {52, 1023, 0},
};

static uint64_t fli_bits(FpFormat f, unsigned i) {
    unsigned fraction = formats[f].fraction_bits;
    int bias = formats[f].bias;
    uint64_t infinity = (uint64_t)(2 * bias + 1) << fraction;
    int exponent = fli_values[i].exponent + bias;

    switch (i) {
    case 0: return (uint64_t)bias << fraction | (infinity + (UINT64_C(1) << fraction));
    case 1: return UINT64_C(1) << fraction;
    case 30: return infinity;
    case 31: return infinity | UINT64_C(1) << (fraction - 1);
    default: break;
    }
    if (exponent > 2 * bias) {
        return infinity; /* 2^16 in half precision */
    }
    if (exponent < 1) {
        return UINT64_C(1) << ((int)fraction - 1 + exponent); /* 2^-16 and 2^-15 there: subnormal */
    }
    return (uint64_t)exponent << fraction | (uint64_t)fli_values[i].quarters << (fraction - 2);
}

static bool load_constant(Trans *t, const InsnArgs *a, FpFormat f) {
    if (!fp_usable(t)) {
        return false;
    }
    uint64_t value = fli_bits(f, a->rs1) | formats[f].box;
    emit(t, IR_MOVI, IR_F(a->rd), IR_ZERO, IR_ZERO, (int64_t)value);
    fp_done(t, true);
    return true;
}

static bool round_to_int(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f) {
    unsigned rm = a->rm;
    return fp_begin(t, &rm) && fp_call(t, FPCALL(op, f, rm), IR_F(a->rd), IR_F(a->rs1), IR_ZERO);
}

#define FORMAT(s, F)                                                                                         \
    TRANS(fli_##s, load_constant, F)                                                                         \
    TRANS(fminm_##s, fp_binary, FPC_MINM, F)                                                                 \
    TRANS(fmaxm_##s, fp_binary, FPC_MAXM, F)                                                                 \
    TRANS(fround_##s, round_to_int, FPC_ROUND, F)                                                            \
    TRANS(froundnx_##s, round_to_int, FPC_ROUNDNX, F)                                                        \
    TRANS(fleq_##s, fp_compare, FPC_LEQ, F)                                                                  \
    TRANS(fltq_##s, fp_compare, FPC_LTQ, F)

FORMAT(s, FP_S)
FORMAT(d, FP_D)
FORMAT(h, FP_H)

bool trans_fcvtmod_w_d(Trans *t, const InsnArgs *a) {
    return fp_usable(t) &&
           fp_call(t, FPCALL(FPC_CVTMOD, FP_D, RM_RTZ), trans_rd(t, a), IR_F(a->rs1), IR_ZERO);
}
