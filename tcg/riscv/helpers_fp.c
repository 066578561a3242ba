/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floating-point instructions of translated code: NaN boxing and dispatch; the arithmetic is core/fp. */
#include "tcg/ir/helpers.h"

#include "tcg/riscv/fpcall.h"

typedef struct BoxFormat {
    uint64_t box; /* the bits above the value, all ones in a proper box */
    uint64_t sign;
    uint64_t nan; /* canonical */
} BoxFormat;

static const BoxFormat box_formats[] = {
    [FP_H] = {~UINT64_C(0xffff), UINT64_C(1) << 15, 0x7e00},
    [FP_S] = {~UINT64_C(0xffffffff), UINT64_C(1) << 31, 0x7fc00000},
    [FP_D] = {0, UINT64_C(1) << 63, UINT64_C(0x7ff8) << 48},
};

/* Unprivileged spec §21.2. */
static inline uint64_t unbox(FpFormat f, uint64_t v) {
    const BoxFormat *b = &box_formats[f];
    return (v & b->box) == b->box ? v & ~b->box : b->nan;
}

static inline uint64_t box(FpFormat f, uint64_t v) {
    return v | box_formats[f].box;
}

/* The magnitude of a with the sign bit of s. */
static inline uint64_t with_sign(FpFormat f, uint64_t a, uint64_t s) {
    uint64_t sign = box_formats[f].sign;
    return (a & ~sign) | (s & sign);
}

/* Operations with an integer operand: nothing to unbox. */
static uint64_t from_int(FpcOp op, FpFormat f, FpRound rm, uint64_t a, uint8_t *fl) {
    unsigned bits = op == FPC_CVT_F_W || op == FPC_CVT_F_WU ? 32 : 64;
    return box(f, fp_from_int(f, a, bits, op == FPC_CVT_F_W || op == FPC_CVT_F_L, rm, fl));
}

/* The flat list; a and b are unboxed but not used by every operation. */
static inline uint64_t dispatch(FpcOp op, FpFormat f, FpRound rm, uint64_t a, uint64_t b, uint8_t *fl) {
    switch (op) {
    case FPC_ADD: return box(f, fp_add(f, a, b, rm, fl));
    case FPC_SUB: return box(f, fp_sub(f, a, b, rm, fl));
    case FPC_MUL: return box(f, fp_mul(f, a, b, rm, fl));
    case FPC_DIV: return box(f, fp_div(f, a, b, rm, fl));
    case FPC_SQRT: return box(f, fp_sqrt(f, a, rm, fl));
    case FPC_SGNJ: return box(f, with_sign(f, a, b));
    case FPC_SGNJN: return box(f, with_sign(f, a, ~b));
    case FPC_SGNJX: return box(f, with_sign(f, a, a ^ b));
    case FPC_MIN: return box(f, fp_min(f, a, b, fl));
    case FPC_MAX: return box(f, fp_max(f, a, b, fl));
    case FPC_MINM: return box(f, fp_minm(f, a, b, fl));
    case FPC_MAXM: return box(f, fp_maxm(f, a, b, fl));
    case FPC_EQ: return fp_eq(f, a, b, fl);
    case FPC_LT: return fp_lt(f, a, b, fl);
    case FPC_LE: return fp_le(f, a, b, fl);
    case FPC_LTQ: return fp_ltq(f, a, b, fl);
    case FPC_LEQ: return fp_leq(f, a, b, fl);
    case FPC_CLASS: return fp_class(f, a);
    case FPC_CVT_W_F: return fp_to_int(f, a, 32, true, rm, fl);
    case FPC_CVT_WU_F: return fp_to_int(f, a, 32, false, rm, fl);
    case FPC_CVT_L_F: return fp_to_int(f, a, 64, true, rm, fl);
    case FPC_CVT_LU_F: return fp_to_int(f, a, 64, false, rm, fl);
    case FPC_ROUND: return box(f, fp_round(f, a, rm, false, fl));
    case FPC_ROUNDNX: return box(f, fp_round(f, a, rm, true, fl));
    case FPC_CVTMOD: return fp_fcvtmod(a, fl);
    default: g_assert_not_reached();
    }
}

uint64_t helper_fp_op(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    FpcOp op = FPCALL_OP(c);
    FpFormat f = FPCALL_FORMAT(c), source = FPCALL_SOURCE(c);
    FpRound rm = FPCALL_RM(c);
    uint8_t fl = 0;
    uint64_t result;

    g_assert(f <= FP_D && source <= FP_D);
    if (op == FPC_CVT_F_F)
        result = box(f, fp_convert(f, source, unbox(source, a), rm, &fl));
    else if (op >= FPC_CVT_F_W && op <= FPC_CVT_F_LU)
        result = from_int(op, f, rm, a, &fl);
    else
        result = dispatch(op, f, rm, unbox(f, a), unbox(f, b), &fl);
    h->fflags |= fl;
    return result;
}

uint64_t helper_fp_fma(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    static const struct {
        bool product, addend;
    } negate[] = {
#define X(name, p, s) {p, s},
        FPC_FMA_OPS(X)
#undef X
    };
    uint32_t code = h->fp_call;
    FpcOp op = FPCALL_OP(code);
    FpFormat f = FPCALL_FORMAT(code);
    uint8_t fl = 0;
    uint64_t sign, result;

    g_assert(op >= FPC_MADD && op < FPC_N_ALL && f <= FP_D);
    sign = box_formats[f].sign;
    a = unbox(f, a) ^ (negate[op - FPC_MADD].product ? sign : 0);
    c = unbox(f, c) ^ (negate[op - FPC_MADD].addend ? sign : 0);
    result = box(f, fp_fma(f, a, unbox(f, b), c, FPCALL_RM(code), &fl));
    h->fflags |= fl;
    return result;
}
