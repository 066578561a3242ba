/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core/fp through the helpers of translated code: edge cases worked out by hand from IEEE 754 and the
 * unprivileged spec, operation by operation, then identities between operations that hold for every operand.
 * tests/fp compares with an outside judge.
 */
#include <inttypes.h>

#include <glib.h>
#include "tcg/ir/helpers.h"
#include "tcg/riscv/fpcall.h"

enum { NX = FP_NX, UF = FP_UF, OF = FP_OF, DZ = FP_DZ, NV = FP_NV };

typedef struct Row {
    FpcOp op;
    FpFormat f;
    FpRound rm;
    uint64_t a, b, c, result; /* without boxes where f is H or S: see register_of() */
    uint8_t flags;
} Row;

static bool is_fma(FpcOp op) {
    return op >= FPC_N_OPS;
}

static const char *op_name(FpcOp op) {
    static const char *const names[] = {
#define X(name, ...) #name,
        FPC_OPS(X) FPC_FMA_OPS(X)
#undef X
    };
    return names[op];
}

static bool result_is_float(FpcOp op) {
    static const char kinds[] = {
#define X(name, result, ...) #result[0],
        FPC_OPS(X)
#undef X
    };
    return is_fma(op) || kinds[op] == 'f';
}

static bool source_is_int(FpcOp op) {
    return op >= FPC_CVT_F_W && op <= FPC_CVT_F_LU;
}

static uint64_t box(FpFormat f, uint64_t v) {
    static const uint64_t boxes[] = {[FP_H] = ~UINT64_C(0xffff), [FP_S] = ~UINT64_C(0xffffffff), [FP_D] = 0};
    return v | boxes[f];
}

/* Whole registers in, whole register out. */
static uint64_t call(uint32_t code, uint64_t a, uint64_t b, uint64_t c, uint8_t *flags) {
    g_autofree Hart *h = g_new0(Hart, 1);
    uint64_t result;

    h->fp_call = code;
    result = is_fma(FPCALL_OP(code)) ? helper_fp_fma(h, a, b, c) : helper_fp_op(h, a, b, code);
    *flags = h->fflags;
    return result;
}

static void check_rows(const Row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const Row *r = &rows[i];
        uint64_t a = source_is_int(r->op) ? r->a : box(r->f, r->a), result;
        uint64_t expected = result_is_float(r->op) ? box(r->f, r->result) : r->result;
        uint8_t flags;

        result = call(FPCALL(r->op, r->f, r->rm), a, box(r->f, r->b), box(r->f, r->c), &flags);
        if (result != expected || flags != r->flags)
            g_error("row %zu, %s format %d rm %d: 0x%" PRIx64 " flags %d, expected 0x%" PRIx64 " flags %d", i,
                    op_name(r->op), r->f, r->rm, result, flags, expected, r->flags);
    }
}
#define CHECK(rows) check_rows(rows, G_N_ELEMENTS(rows))

/* Short names for the tables. Digits in the names of numbers are the numbers; U is a unit in the last place.
 */
#define NEG UINT64_C(0x8000000000000000)
#define ONE UINT64_C(0x3ff0000000000000)
#define TWO UINT64_C(0x4000000000000000)
#define HALF UINT64_C(0x3fe0000000000000)
#define INF UINT64_C(0x7ff0000000000000)
#define MAXD UINT64_C(0x7fefffffffffffff)
#define MIN_NORMAL UINT64_C(0x0010000000000000)
#define MAX_SUB UINT64_C(0x000fffffffffffff)
#define MIN_SUB UINT64_C(1)
#define QNAN UINT64_C(0x7ff8000000000000)
#define PAYLOAD UINT64_C(0xfff800000000beef)
#define SNAN UINT64_C(0x7ff0000000000001)
#define P2(n) ((uint64_t)(1023 + (n)) << 52) /* 2^n */
/* The same operation in the five modes, RNE RTZ RDN RUP RMM. */
#define FIVE(op, f, a, b, c, rne, rtz, rdn, rup, rmm, fl)                                                    \
    {op, f, RM_RNE, a, b, c, rne, fl}, {op, f, RM_RTZ, a, b, c, rtz, fl}, {op, f, RM_RDN, a, b, c, rdn, fl}, \
        {op, f, RM_RUP, a, b, c, rup, fl}, {                                                                 \
        op, f, RM_RMM, a, b, c, rmm, fl                                                                      \
    }

static void test_add(void) {
    static const Row rows[] = {
        /* 1 + half a unit: a tie, even is below; 1U + half a unit: even is above */
        FIVE(FPC_ADD, FP_D, ONE, P2(-53), 0, ONE, ONE, ONE, ONE + 1, ONE + 1, NX),
        FIVE(FPC_ADD, FP_D, ONE + 1, P2(-53), 0, ONE + 2, ONE + 1, ONE + 1, ONE + 2, ONE + 2, NX),
        FIVE(FPC_ADD, FP_D, NEG | ONE, NEG | P2(-53), 0, NEG | ONE, NEG | ONE, (NEG | ONE) + 1, NEG | ONE,
             (NEG | ONE) + 1, NX),
        /* just below and just above the tie */
        FIVE(FPC_ADD, FP_D, ONE, P2(-53) - 1, 0, ONE, ONE, ONE, ONE + 1, ONE, NX),
        FIVE(FPC_ADD, FP_D, ONE, P2(-53) + 1, 0, ONE + 1, ONE, ONE, ONE + 1, ONE + 1, NX),
        /* far away: only a trace is left of the smaller one */
        FIVE(FPC_ADD, FP_D, ONE, MIN_SUB, 0, ONE, ONE, ONE, ONE + 1, ONE, NX),
        FIVE(FPC_SUB, FP_D, ONE, MIN_SUB, 0, ONE, ONE - 1, ONE - 1, ONE, ONE, NX),
        /* a quarter of the lower binade's unit below one */
        FIVE(FPC_SUB, FP_D, ONE, P2(-55), 0, ONE, ONE - 1, ONE - 1, ONE, ONE, NX),
        /* exact zero: its sign follows the mode */
        FIVE(FPC_SUB, FP_D, ONE, ONE, 0, 0, 0, NEG, 0, 0, 0),
        FIVE(FPC_ADD, FP_D, 0, NEG, 0, 0, 0, NEG, 0, 0, 0),
        FIVE(FPC_ADD, FP_D, NEG, NEG, 0, NEG, NEG, NEG, NEG, NEG, 0),
        FIVE(FPC_SUB, FP_D, NEG, 0, 0, NEG, NEG, NEG, NEG, NEG, 0),
        /* overflow */
        FIVE(FPC_ADD, FP_D, MAXD, MAXD, 0, INF, MAXD, MAXD, INF, INF, OF | NX),
        FIVE(FPC_ADD, FP_D, NEG | MAXD, NEG | MAXD, 0, NEG | INF, NEG | MAXD, NEG | INF, NEG | MAXD,
             NEG | INF, OF | NX),
        {FPC_ADD, FP_D, RM_RNE, MAXD, P2(970), 0, INF, OF | NX}, /* a tie, even is 2^1024 */
        {FPC_ADD, FP_D, RM_RTZ, MAXD, P2(970), 0, MAXD, NX},
        {FPC_ADD, FP_D, RM_RNE, MAXD, P2(970) - 1, 0, MAXD, NX},
        /* exact: cancellation, subnormals, the step between them and normal numbers */
        {FPC_SUB, FP_D, RM_RNE, ONE + 1, ONE, 0, P2(-52), 0},
        {FPC_ADD, FP_D, RM_RNE, MIN_SUB, MIN_SUB, 0, 2, 0},
        {FPC_SUB, FP_D, RM_RNE, MIN_NORMAL, MIN_SUB, 0, MAX_SUB, 0},
        {FPC_ADD, FP_D, RM_RNE, MAX_SUB, MIN_SUB, 0, MIN_NORMAL, 0},
        /* infinities and NaNs */
        {FPC_SUB, FP_D, RM_RNE, INF, INF, 0, QNAN, NV},
        {FPC_ADD, FP_D, RM_RNE, INF, INF, 0, INF, 0},
        {FPC_SUB, FP_D, RM_RNE, ONE, INF, 0, NEG | INF, 0},
        {FPC_ADD, FP_D, RM_RNE, PAYLOAD, ONE, 0, QNAN, 0},
        {FPC_ADD, FP_D, RM_RNE, ONE, SNAN, 0, QNAN, NV},
        /* the other formats: ties, overflow */
        FIVE(FPC_ADD, FP_S, 0x3f800000, 0x33800000, 0, 0x3f800000, 0x3f800000, 0x3f800000, 0x3f800001,
             0x3f800001, NX),
        FIVE(FPC_ADD, FP_H, 0x3c00, 0x1000, 0, 0x3c00, 0x3c00, 0x3c00, 0x3c01, 0x3c01, NX),
        {FPC_ADD, FP_H, RM_RNE, 0x7bff, 0x4c00, 0, 0x7c00, OF | NX}, /* 65504 + 16 ties with 65536 */
        {FPC_ADD, FP_H, RM_RUP, 0x7bff, 0x4c00, 0, 0x7c00, OF | NX},
        {FPC_ADD, FP_H, RM_RMM, 0x7bff, 0x4c00, 0, 0x7c00, OF | NX},
        {FPC_ADD, FP_H, RM_RTZ, 0x7bff, 0x4c00, 0, 0x7bff, NX},
        {FPC_ADD, FP_H, RM_RDN, 0x7bff, 0x4c00, 0, 0x7bff, NX},
    };
    CHECK(rows);
}

static void test_mul(void) {
    static const Row rows[] = {
        {FPC_MUL, FP_D, RM_RNE, MIN_NORMAL, HALF, 0, UINT64_C(1) << 51, 0}, /* subnormal but exact */
        FIVE(FPC_MUL, FP_D, MIN_SUB, HALF, 0, 0, 0, 0, MIN_SUB, MIN_SUB, UF | NX),
        FIVE(FPC_MUL, FP_D, NEG | MIN_SUB, HALF, 0, NEG, NEG, NEG | MIN_SUB, NEG, NEG | MIN_SUB, UF | NX),
        FIVE(FPC_MUL, FP_D, MIN_SUB, MIN_SUB, 0, 0, 0, 0, MIN_SUB, 0, UF | NX),
        /* 2^-1022 (1 - 2^-53): 53 bits, so tiny; a tie on the subnormals' grid, even is 2^-1022 */
        FIVE(FPC_MUL, FP_D, MIN_NORMAL, ONE - 1, 0, MIN_NORMAL, MAX_SUB, MAX_SUB, MIN_NORMAL, MIN_NORMAL,
             UF | NX),
        /* 2^-1022 (1 - 2^-104): rounds to 2^-1022 without a lower end of exponents, so not tiny; or is, if
           truncated */
        {FPC_MUL, FP_D, RM_RNE, P2(-511) + 1, P2(-511) - 2, 0, MIN_NORMAL, NX},
        {FPC_MUL, FP_D, RM_RTZ, P2(-511) + 1, P2(-511) - 2, 0, MAX_SUB, UF | NX},
        {FPC_MUL, FP_D, RM_RDN, P2(-511) + 1, P2(-511) - 2, 0, MAX_SUB, UF | NX},
        {FPC_MUL, FP_D, RM_RUP, P2(-511) + 1, P2(-511) - 2, 0, MIN_NORMAL, NX},
        {FPC_MUL, FP_D, RM_RMM, P2(-511) + 1, P2(-511) - 2, 0, MIN_NORMAL, NX},
        /* (1 + U)^2 = 1 + 2U + U^2 */
        FIVE(FPC_MUL, FP_D, ONE + 1, ONE + 1, 0, ONE + 2, ONE + 2, ONE + 2, ONE + 3, ONE + 2, NX),
        /* 1.5 (1 + U) = 1.5 + 1.5 U, a tie */
        FIVE(FPC_MUL, FP_D, ONE + 1, 0x3ff8000000000000, 0, 0x3ff8000000000002, 0x3ff8000000000001,
             0x3ff8000000000001, 0x3ff8000000000002, 0x3ff8000000000002, NX),
        FIVE(FPC_MUL, FP_D, MAXD, TWO, 0, INF, MAXD, MAXD, INF, INF, OF | NX),
        FIVE(FPC_MUL, FP_D, NEG | MAXD, TWO, 0, NEG | INF, NEG | MAXD, NEG | INF, NEG | MAXD, NEG | INF,
             OF | NX),
        {FPC_MUL, FP_D, RM_RNE, 0, INF, 0, QNAN, NV},
        {FPC_MUL, FP_D, RM_RNE, NEG | INF, NEG | MIN_SUB, 0, INF, 0},
        {FPC_MUL, FP_D, RM_RDN, NEG, ONE, 0, NEG, 0},
        {FPC_MUL, FP_D, RM_RNE, PAYLOAD, 0, 0, QNAN, 0},
        {FPC_MUL, FP_D, RM_RNE, SNAN, PAYLOAD, 0, QNAN, NV},
        /* 1.5 * 2^-149, 1.5 * 2^-24: ties on the subnormals' grid */
        FIVE(FPC_MUL, FP_S, 1, 0x3fc00000, 0, 2, 1, 1, 2, 2, UF | NX),
        FIVE(FPC_MUL, FP_H, 1, 0x3e00, 0, 2, 1, 1, 2, 2, UF | NX),
        {FPC_MUL, FP_H, RM_RNE, 0x5c00, 0x5c00, 0, 0x7c00, OF | NX}, /* 256 * 256 */
    };
    CHECK(rows);
}

static void test_div(void) {
    static const Row rows[] = {
        FIVE(FPC_DIV, FP_D, ONE, 0x4008000000000000, 0, 0x3fd5555555555555, 0x3fd5555555555555,
             0x3fd5555555555555, 0x3fd5555555555556, 0x3fd5555555555555, NX), /* 1/3 */
        FIVE(FPC_DIV, FP_D, NEG | TWO, 0x4008000000000000, 0, 0xbfe5555555555555, 0xbfe5555555555555,
             0xbfe5555555555556, 0xbfe5555555555555, 0xbfe5555555555555, NX), /* -2/3 */
        FIVE(FPC_DIV, FP_D, MIN_SUB, TWO, 0, 0, 0, 0, MIN_SUB, MIN_SUB, UF | NX),
        FIVE(FPC_DIV, FP_D, MAXD, MIN_SUB, 0, INF, MAXD, MAXD, INF, INF, OF | NX),
        {FPC_DIV, FP_D, RM_RNE, 0x4018000000000000, TWO, 0, 0x4008000000000000, 0}, /* 6/2 */
        {FPC_DIV, FP_D, RM_RNE, MIN_SUB, MIN_SUB, 0, ONE, 0},
        {FPC_DIV, FP_D, RM_RNE, ONE, 0, 0, INF, DZ},
        {FPC_DIV, FP_D, RM_RNE, NEG | MIN_SUB, 0, 0, NEG | INF, DZ},
        {FPC_DIV, FP_D, RM_RNE, 0, NEG, 0, QNAN, NV},
        {FPC_DIV, FP_D, RM_RNE, INF, INF, 0, QNAN, NV},
        {FPC_DIV, FP_D, RM_RNE, INF, 0, 0, INF, 0},
        {FPC_DIV, FP_D, RM_RNE, ONE, NEG | INF, 0, NEG, 0},
        {FPC_DIV, FP_D, RM_RNE, 0, ONE, 0, 0, 0},
        {FPC_DIV, FP_D, RM_RNE, PAYLOAD, 0, 0, QNAN, 0},
        {FPC_DIV, FP_D, RM_RNE, SNAN, 0, 0, QNAN, NV},
        FIVE(FPC_DIV, FP_S, 0x3f800000, 0x40400000, 0, 0x3eaaaaab, 0x3eaaaaaa, 0x3eaaaaaa, 0x3eaaaaab,
             0x3eaaaaab, NX),
        FIVE(FPC_DIV, FP_H, 0x3c00, 0x4200, 0, 0x3555, 0x3555, 0x3555, 0x3556, 0x3555, NX),
    };
    CHECK(rows);
}

static void test_sqrt(void) {
    static const Row rows[] = {
        /* sqrt(2) = 1.6a09e667f3bcc908b... */
        FIVE(FPC_SQRT, FP_D, TWO, 0, 0, 0x3ff6a09e667f3bcd, 0x3ff6a09e667f3bcc, 0x3ff6a09e667f3bcc,
             0x3ff6a09e667f3bcd, 0x3ff6a09e667f3bcd, NX),
        /* sqrt(1 - U/2) = 1 - U/4 - ...; one below 1 is 1 - U/2: nearer to it than to 1, by a trace */
        FIVE(FPC_SQRT, FP_D, ONE - 1, 0, 0, ONE - 1, ONE - 1, ONE - 1, ONE, ONE - 1, NX),
        FIVE(FPC_SQRT, FP_D, ONE + 1, 0, 0, ONE, ONE, ONE, ONE + 1, ONE, NX),
        {FPC_SQRT, FP_D, RM_RUP, 0x4010000000000000, 0, 0, TWO, 0},
        {FPC_SQRT, FP_D, RM_RUP, MIN_SUB, 0, 0, P2(-537), 0},
        {FPC_SQRT, FP_D, RM_RDN, NEG, 0, 0, NEG, 0},
        {FPC_SQRT, FP_D, RM_RNE, INF, 0, 0, INF, 0},
        {FPC_SQRT, FP_D, RM_RNE, NEG | INF, 0, 0, QNAN, NV},
        {FPC_SQRT, FP_D, RM_RNE, NEG | MIN_SUB, 0, 0, QNAN, NV},
        {FPC_SQRT, FP_D, RM_RNE, PAYLOAD, 0, 0, QNAN, 0}, /* a negative NaN is still a NaN */
        {FPC_SQRT, FP_D, RM_RNE, SNAN, 0, 0, QNAN, NV},
        /* 0.41421 * 2^23 = 3474675.3; 0.41421 * 2^10 = 424.15 */
        FIVE(FPC_SQRT, FP_S, 0x40000000, 0, 0, 0x3fb504f3, 0x3fb504f3, 0x3fb504f3, 0x3fb504f4, 0x3fb504f3,
             NX),
        FIVE(FPC_SQRT, FP_H, 0x4000, 0, 0, 0x3da8, 0x3da8, 0x3da8, 0x3da9, 0x3da8, NX),
    };
    CHECK(rows);
}

static void test_fma(void) {
    static const Row rows[] = {
        /* (1 + U)^2 - (1 + 2U) = U^2: lost if rounded twice */
        {FPC_MADD, FP_D, RM_RNE, ONE + 1, ONE + 1, NEG | (ONE + 2), P2(-104), 0},
        {FPC_MSUB, FP_D, RM_RNE, ONE + 1, ONE + 1, ONE + 2, P2(-104), 0},
        {FPC_NMSUB, FP_D, RM_RNE, ONE + 1, ONE + 1, ONE + 2, NEG | P2(-104), 0},
        {FPC_NMADD, FP_D, RM_RNE, ONE + 1, ONE + 1, NEG | (ONE + 2), NEG | P2(-104), 0},
        /* exact zeros */
        FIVE(FPC_MADD, FP_D, ONE, ONE, NEG | ONE, 0, 0, NEG, 0, 0, 0),
        FIVE(FPC_NMADD, FP_D, ONE, ONE, NEG | ONE, 0, 0, NEG, 0, 0, 0),
        {FPC_NMADD, FP_D, RM_RNE, 0, ONE, 0, NEG, 0},
        {FPC_MADD, FP_D, RM_RNE, 0, ONE, NEG, 0, 0},
        {FPC_MADD, FP_D, RM_RNE, 0, ONE, MIN_SUB, MIN_SUB, 0},
        {FPC_MADD, FP_D, RM_RNE, ONE, MIN_SUB, NEG, MIN_SUB, 0},
        /* a tie that a trace of the product, or of the addend, breaks */
        FIVE(FPC_MADD, FP_D, P2(-600), P2(-600), ONE + 1, ONE + 1, ONE + 1, ONE + 1, ONE + 2, ONE + 1, NX),
        FIVE(FPC_MADD, FP_D, ONE + 1, 0x3ff8000000000000, MIN_SUB, 0x3ff8000000000002, 0x3ff8000000000001,
             0x3ff8000000000001, 0x3ff8000000000002, 0x3ff8000000000002, NX),
        FIVE(FPC_MSUB, FP_D, ONE + 1, 0x3ff8000000000000, MIN_SUB, 0x3ff8000000000001, 0x3ff8000000000001,
             0x3ff8000000000001, 0x3ff8000000000002, 0x3ff8000000000001, NX),
        /* the product is above the range, the result is not; and overflow */
        {FPC_MADD, FP_D, RM_RNE, MAXD, TWO, NEG | MAXD, MAXD, 0},
        FIVE(FPC_MADD, FP_D, MAXD, TWO, ONE, INF, MAXD, MAXD, INF, INF, OF | NX),
        /* subnormal results */
        FIVE(FPC_MADD, FP_D, MIN_SUB, HALF, 0, 0, 0, 0, MIN_SUB, MIN_SUB, UF | NX),
        FIVE(FPC_MADD, FP_D, MIN_SUB, HALF, MIN_SUB, 2, 1, 1, 2, 2, UF | NX),
        /* infinities and NaNs; inf * 0 is invalid whatever c is */
        {FPC_MADD, FP_D, RM_RNE, INF, 0, PAYLOAD, QNAN, NV},
        {FPC_MADD, FP_D, RM_RNE, 0, INF, ONE, QNAN, NV},
        {FPC_MADD, FP_D, RM_RNE, INF, ONE, NEG | INF, QNAN, NV},
        {FPC_MSUB, FP_D, RM_RNE, INF, ONE, NEG | INF, INF, 0},
        {FPC_MADD, FP_D, RM_RNE, MAXD, MAXD, NEG | INF, NEG | INF, 0},
        {FPC_NMADD, FP_D, RM_RNE, PAYLOAD, ONE, ONE, QNAN, 0},
        {FPC_MADD, FP_D, RM_RNE, ONE, ONE, SNAN, QNAN, NV},
        {FPC_MADD, FP_D, RM_RNE, SNAN, ONE, ONE, QNAN, NV},
        /* the other formats: (1 + U)^2 - (1 + 2U) again */
        {FPC_MADD, FP_S, RM_RNE, 0x3f800001, 0x3f800001, 0xbf800002, 0x28800000, 0},
        {FPC_MADD, FP_H, RM_RNE, 0x3c01, 0x3c01, 0xbc02, 0x0010, 0}, /* 2^-20, subnormal */
    };
    CHECK(rows);
}

static void test_sign_injection(void) {
    static const Row rows[] = {
        {FPC_SGNJ, FP_D, RM_RNE, PAYLOAD, ONE, 0, PAYLOAD & ~NEG, 0},
        {FPC_SGNJN, FP_D, RM_RNE, ONE, ONE, 0, NEG | ONE, 0},
        {FPC_SGNJX, FP_D, RM_RNE, NEG | ONE, NEG, 0, ONE, 0},
        {FPC_SGNJX, FP_D, RM_RNE, SNAN, NEG, 0, NEG | SNAN, 0},
        {FPC_SGNJN, FP_S, RM_RNE, 0x3f800000, 0, 0, 0xbf800000, 0},
        {FPC_SGNJ, FP_H, RM_RNE, 0x3c00, 0x8000, 0, 0xbc00, 0},
    };
    CHECK(rows);
}

static void test_min_max(void) {
    static const Row rows[] = {
        {FPC_MIN, FP_D, RM_RNE, 0, NEG, 0, NEG, 0},
        {FPC_MIN, FP_D, RM_RNE, NEG, 0, 0, NEG, 0},
        {FPC_MAX, FP_D, RM_RNE, 0, NEG, 0, 0, 0},
        {FPC_MAX, FP_D, RM_RNE, NEG, 0, 0, 0, 0},
        {FPC_MIN, FP_D, RM_RNE, NEG | TWO, ONE, 0, NEG | TWO, 0},
        {FPC_MAX, FP_D, RM_RNE, NEG | TWO, NEG | ONE, 0, NEG | ONE, 0},
        {FPC_MIN, FP_D, RM_RNE, PAYLOAD, ONE, 0, ONE, 0},
        {FPC_MAX, FP_D, RM_RNE, ONE, PAYLOAD, 0, ONE, 0},
        {FPC_MIN, FP_D, RM_RNE, SNAN, ONE, 0, ONE, NV},
        {FPC_MAX, FP_D, RM_RNE, ONE, SNAN, 0, ONE, NV},
        {FPC_MIN, FP_D, RM_RNE, PAYLOAD, PAYLOAD, 0, QNAN, 0},
        {FPC_MAX, FP_D, RM_RNE, PAYLOAD, SNAN, 0, QNAN, NV},
        {FPC_MINM, FP_D, RM_RNE, PAYLOAD, ONE, 0, QNAN, 0},
        {FPC_MAXM, FP_D, RM_RNE, ONE, PAYLOAD, 0, QNAN, 0},
        {FPC_MINM, FP_D, RM_RNE, SNAN, ONE, 0, QNAN, NV},
        {FPC_MAXM, FP_D, RM_RNE, INF, SNAN, 0, QNAN, NV},
        {FPC_MINM, FP_D, RM_RNE, 0, NEG, 0, NEG, 0},
        {FPC_MAXM, FP_D, RM_RNE, 0, NEG, 0, 0, 0},
        {FPC_MAXM, FP_D, RM_RNE, INF, MAXD, 0, INF, 0},
        {FPC_MINM, FP_D, RM_RNE, NEG | INF, ONE, 0, NEG | INF, 0},
        {FPC_MIN, FP_S, RM_RNE, 0x80000000, 0x80000001, 0, 0x80000001, 0},
        {FPC_MAX, FP_H, RM_RNE, 0x8001, 0x0001, 0, 0x0001, 0},
    };
    CHECK(rows);
}

static void test_compare(void) {
    static const struct {
        uint64_t a, b;
        uint8_t eq, lt, le;        /* results */
        uint8_t quiet, signalling; /* flags */
    } rows[] = {
        {ONE, ONE, 1, 0, 1, 0, 0},
        {ONE, ONE + 1, 0, 1, 1, 0, 0},
        {NEG | ONE, NEG | (ONE + 1), 0, 0, 0, 0, 0},
        {NEG | TWO, ONE, 0, 1, 1, 0, 0},
        {0, NEG, 1, 0, 1, 0, 0},
        {NEG, 0, 1, 0, 1, 0, 0},
        {NEG | MIN_SUB, MIN_SUB, 0, 1, 1, 0, 0},
        {NEG | INF, INF, 0, 1, 1, 0, 0},
        {INF, INF, 1, 0, 1, 0, 0},
        {PAYLOAD, ONE, 0, 0, 0, 0, NV},
        {ONE, PAYLOAD, 0, 0, 0, 0, NV},
        {PAYLOAD, PAYLOAD, 0, 0, 0, 0, NV},
        {SNAN, ONE, 0, 0, 0, NV, NV},
        {PAYLOAD, SNAN, 0, 0, 0, NV, NV},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Row five[] = {
            {FPC_EQ, FP_D, RM_RNE, rows[i].a, rows[i].b, 0, rows[i].eq, rows[i].quiet},
            {FPC_LT, FP_D, RM_RNE, rows[i].a, rows[i].b, 0, rows[i].lt, rows[i].signalling},
            {FPC_LE, FP_D, RM_RNE, rows[i].a, rows[i].b, 0, rows[i].le, rows[i].signalling},
            {FPC_LTQ, FP_D, RM_RNE, rows[i].a, rows[i].b, 0, rows[i].lt, rows[i].quiet},
            {FPC_LEQ, FP_D, RM_RNE, rows[i].a, rows[i].b, 0, rows[i].le, rows[i].quiet},
        };
        CHECK(five);
    }
}

static void test_class(void) {
    /* Largest magnitude of -inf, -normal, -subnormal, -0, then +0 upwards, signalling and quiet NaN. */
    static const uint64_t values[3][10] = {
        [FP_H] = {0xfc00, 0xfbff, 0x83ff, 0x8000, 0, 0x0001, 0x0400, 0x7c00, 0x7dff, 0xfe00},
        [FP_S] = {0xff800000, 0x80800000, 0x807fffff, 0x80000000, 0, 1, 0x7f7fffff, 0x7f800000, 0xffbfffff,
                  0x7fc00000},
        [FP_D] = {NEG | INF, NEG | MIN_NORMAL, NEG | MAX_SUB, NEG, 0, MIN_SUB, MAXD, INF, SNAN, QNAN},
    };

    for (int f = FP_H; f <= FP_D; f++)
        for (int i = 0; i < 10; i++) {
            const Row row[] = {{FPC_CLASS, (FpFormat)f, RM_RNE, values[f][i], 0, 0, UINT64_C(1) << i, 0}};
            CHECK(row);
        }
}

static void test_float_to_float(void) {
    static const struct {
        FpFormat to, from;
        FpRound rm;
        uint64_t a, result;
        uint8_t flags;
    } rows[] = {
        {FP_S, FP_D, RM_RNE, ONE + (1u << 28), 0x3f800000, NX}, /* 1 + half a unit */
        {FP_S, FP_D, RM_RMM, ONE + (1u << 28), 0x3f800001, NX},
        {FP_S, FP_D, RM_RUP, ONE + (1u << 28), 0x3f800001, NX},
        {FP_S, FP_D, RM_RNE, ONE + (3u << 28), 0x3f800002, NX},
        {FP_S, FP_D, RM_RNE, P2(128), 0x7f800000, OF | NX},
        {FP_S, FP_D, RM_RTZ, P2(128), 0x7f7fffff, OF | NX},
        {FP_S, FP_D, RM_RNE, P2(128) - 1, 0x7f800000, OF | NX},
        {FP_S, FP_D, RM_RDN, P2(128) - 1, 0x7f7fffff, NX},
        {FP_S, FP_D, RM_RNE, P2(-149), 1, 0},
        {FP_S, FP_D, RM_RNE, P2(-150), 0, UF | NX},
        {FP_S, FP_D, RM_RMM, P2(-150), 1, UF | NX},
        {FP_S, FP_D, RM_RNE, P2(-126) - 1, 0x00800000, NX}, /* 24 bits round it to 2^-126: not tiny */
        {FP_S, FP_D, RM_RTZ, P2(-126) - 1, 0x007fffff, UF | NX},
        {FP_S, FP_D, RM_RDN, NEG | MIN_SUB, 0x80000001, UF | NX},
        {FP_S, FP_D, RM_RNE, NEG, 0x80000000, 0},
        {FP_S, FP_D, RM_RNE, NEG | INF, 0xff800000, 0},
        {FP_S, FP_D, RM_RNE, PAYLOAD, 0x7fc00000, 0},
        {FP_S, FP_D, RM_RNE, SNAN, 0x7fc00000, NV},
        {FP_D, FP_S, RM_RNE, 1, P2(-149), 0},
        {FP_D, FP_S, RM_RNE, 0xff800000, NEG | INF, 0},
        {FP_D, FP_S, RM_RNE, 0xffc12345, QNAN, 0},
        {FP_D, FP_S, RM_RNE, 0x7f800001, QNAN, NV},
        {FP_H, FP_D, RM_RNE, 0x40effe0000000000, 0x7c00, OF | NX}, /* 65520 ties with 65536 */
        {FP_H, FP_D, RM_RNE, 0x40effdffffffffff, 0x7bff, NX},
        {FP_H, FP_S, RM_RNE, 0x33800000, 0x0001, 0}, /* 2^-24 */
        {FP_H, FP_S, RM_RUP, 0x33800001, 0x0002, UF | NX},
        {FP_S, FP_H, RM_RNE, 0x0001, 0x33800000, 0},
        {FP_S, FP_H, RM_RNE, 0x7c01, 0x7fc00000, NV},
        {FP_D, FP_H, RM_RNE, 0xfbff, 0xc0effc0000000000, 0}, /* -65504 */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint8_t flags;
        uint64_t r = call(FPCALL_CVT(rows[i].to, rows[i].from, rows[i].rm), box(rows[i].from, rows[i].a), 0,
                          0, &flags);
        g_assert_cmphex(r, ==, box(rows[i].to, rows[i].result));
        g_assert_cmphex(flags, ==, rows[i].flags);
    }
}

#define W_MAX UINT64_C(0x7fffffff)
#define W_MIN UINT64_C(0xffffffff80000000)
#define L_MAX UINT64_C(0x7fffffffffffffff)
#define ONES UINT64_MAX
#define D2_5 UINT64_C(0x4004000000000000)
#define D3_5 UINT64_C(0x400c000000000000)

static void test_to_int(void) {
    static const Row rows[] = {
        FIVE(FPC_CVT_W_F, FP_D, D2_5, 0, 0, 2, 2, 2, 3, 3, NX),
        FIVE(FPC_CVT_W_F, FP_D, D3_5, 0, 0, 4, 3, 3, 4, 4, NX),
        FIVE(FPC_CVT_L_F, FP_D, NEG | D2_5, 0, 0, -2, -2, -3, -2, -3, NX),
        FIVE(FPC_CVT_L_F, FP_D, HALF, 0, 0, 0, 0, 0, 1, 1, NX),
        FIVE(FPC_CVT_L_F, FP_D, HALF - 1, 0, 0, 0, 0, 0, 1, 0, NX),
        FIVE(FPC_CVT_L_F, FP_D, HALF + 1, 0, 0, 1, 0, 0, 1, 1, NX),
        FIVE(FPC_CVT_LU_F, FP_D, MIN_SUB, 0, 0, 0, 0, 0, 1, 0, NX),
        {FPC_CVT_W_F, FP_D, RM_RNE, NEG, 0, 0, 0, 0},
        /* 2147483647.5 and -2147483648.5 */
        {FPC_CVT_W_F, FP_D, RM_RTZ, 0x41dfffffffe00000, 0, 0, W_MAX, NX},
        {FPC_CVT_W_F, FP_D, RM_RNE, 0x41dfffffffe00000, 0, 0, W_MAX, NV},
        {FPC_CVT_W_F, FP_D, RM_RNE, 0xc1e0000000100000, 0, 0, W_MIN, NX},
        {FPC_CVT_W_F, FP_D, RM_RDN, 0xc1e0000000100000, 0, 0, W_MIN, NV},
        {FPC_CVT_W_F, FP_D, RM_RMM, 0xc1e0000000100000, 0, 0, W_MIN, NV},
        /* unsigned: what rounds to zero is inexact, what rounds to -1 invalid */
        {FPC_CVT_WU_F, FP_D, RM_RNE, NEG | HALF, 0, 0, 0, NX},
        {FPC_CVT_WU_F, FP_D, RM_RMM, NEG | HALF, 0, 0, 0, NV},
        {FPC_CVT_LU_F, FP_D, RM_RDN, NEG | MIN_SUB, 0, 0, 0, NV},
        {FPC_CVT_LU_F, FP_D, RM_RUP, NEG | (ONE - 1), 0, 0, 0, NX},
        {FPC_CVT_LU_F, FP_D, RM_RTZ, NEG | ONE, 0, 0, 0, NV},
        /* 4294967295, sign-extended; 4294967295.5 */
        {FPC_CVT_WU_F, FP_D, RM_RNE, 0x41efffffffe00000, 0, 0, ONES, 0},
        {FPC_CVT_WU_F, FP_D, RM_RTZ, 0x41effffffff00000, 0, 0, ONES, NX},
        {FPC_CVT_WU_F, FP_D, RM_RNE, 0x41effffffff00000, 0, 0, ONES, NV},
        {FPC_CVT_WU_F, FP_D, RM_RNE, P2(31), 0, 0, W_MIN, 0},
        {FPC_CVT_W_F, FP_D, RM_RNE, P2(31), 0, 0, W_MAX, NV},
        {FPC_CVT_W_F, FP_D, RM_RNE, NEG | P2(31), 0, 0, W_MIN, 0},
        {FPC_CVT_L_F, FP_D, RM_RNE, P2(63), 0, 0, L_MAX, NV},
        {FPC_CVT_L_F, FP_D, RM_RNE, P2(63) - 1, 0, 0, 0x7ffffffffffffc00, 0},
        {FPC_CVT_L_F, FP_D, RM_RNE, NEG | P2(63), 0, 0, NEG, 0},
        {FPC_CVT_L_F, FP_D, RM_RNE, (NEG | P2(63)) + 1, 0, 0, NEG, NV},
        {FPC_CVT_LU_F, FP_D, RM_RNE, P2(64) - 1, 0, 0, 0xfffffffffffff800, 0},
        {FPC_CVT_LU_F, FP_D, RM_RNE, P2(64), 0, 0, ONES, NV},
        /* the table of the spec for infinities and NaNs */
        {FPC_CVT_W_F, FP_D, RM_RNE, INF, 0, 0, W_MAX, NV},
        {FPC_CVT_W_F, FP_D, RM_RNE, NEG | INF, 0, 0, W_MIN, NV},
        {FPC_CVT_W_F, FP_D, RM_RNE, PAYLOAD, 0, 0, W_MAX, NV},
        {FPC_CVT_WU_F, FP_D, RM_RNE, SNAN, 0, 0, ONES, NV},
        {FPC_CVT_WU_F, FP_D, RM_RNE, NEG | INF, 0, 0, 0, NV},
        {FPC_CVT_L_F, FP_D, RM_RNE, PAYLOAD, 0, 0, L_MAX, NV},
        {FPC_CVT_L_F, FP_D, RM_RNE, NEG | INF, 0, 0, NEG, NV},
        {FPC_CVT_LU_F, FP_D, RM_RNE, PAYLOAD, 0, 0, ONES, NV},
        {FPC_CVT_LU_F, FP_D, RM_RNE, NEG | INF, 0, 0, 0, NV},
        FIVE(FPC_CVT_W_F, FP_S, 0x40200000, 0, 0, 2, 2, 2, 3, 3, NX),
        {FPC_CVT_W_F, FP_S, RM_RNE, 0x4f000000, 0, 0, W_MAX, NV},
        FIVE(FPC_CVT_L_F, FP_H, 0xc100, 0, 0, -2, -2, -3, -2, -3, NX),
        {FPC_CVT_WU_F, FP_H, RM_RNE, 0x7bff, 0, 0, 65504, 0},
    };
    CHECK(rows);
}

static void test_from_int(void) {
    static const Row rows[] = {
        /* 2^53 + 1 and 2^53 + 3 are ties */
        FIVE(FPC_CVT_F_L, FP_D, 0x20000000000001, 0, 0, P2(53), P2(53), P2(53), P2(53) + 1, P2(53) + 1, NX),
        FIVE(FPC_CVT_F_L, FP_D, 0x20000000000003, 0, 0, P2(53) + 2, P2(53) + 1, P2(53) + 1, P2(53) + 2,
             P2(53) + 2, NX),
        FIVE(FPC_CVT_F_LU, FP_D, ONES, 0, 0, P2(64), P2(64) - 1, P2(64) - 1, P2(64), P2(64), NX),
        {FPC_CVT_F_L, FP_D, RM_RNE, ONES, 0, 0, NEG | ONE, 0},
        {FPC_CVT_F_L, FP_D, RM_RNE, NEG, 0, 0, NEG | P2(63), 0},
        {FPC_CVT_F_LU, FP_D, RM_RNE, NEG, 0, 0, P2(63), 0},
        {FPC_CVT_F_L, FP_D, RM_RDN, 0, 0, 0, 0, 0},
        /* words: the register's upper half does not matter */
        {FPC_CVT_F_W, FP_D, RM_RNE, 0xdeadbeef00000001, 0, 0, ONE, 0},
        {FPC_CVT_F_W, FP_D, RM_RNE, 0x80000000, 0, 0, NEG | P2(31), 0},
        {FPC_CVT_F_WU, FP_D, RM_RNE, 0xdeadbeef80000000, 0, 0, P2(31), 0},
        {FPC_CVT_F_WU, FP_D, RM_RNE, 0xdeadbeef00000000, 0, 0, 0, 0},
        {FPC_CVT_F_W, FP_S, RM_RNE, ONES, 0, 0, 0xbf800000, 0},
        FIVE(FPC_CVT_F_W, FP_S, 0x1000001, 0, 0, 0x4b800000, 0x4b800000, 0x4b800000, 0x4b800001, 0x4b800001,
             NX),
        FIVE(FPC_CVT_F_LU, FP_S, ONES, 0, 0, 0x5f800000, 0x5f7fffff, 0x5f7fffff, 0x5f800000, 0x5f800000, NX),
        /* half: 65519 fits, 65520 ties with 65536 */
        {FPC_CVT_F_W, FP_H, RM_RNE, 65519, 0, 0, 0x7bff, NX},
        {FPC_CVT_F_W, FP_H, RM_RNE, 65520, 0, 0, 0x7c00, OF | NX},
        {FPC_CVT_F_W, FP_H, RM_RTZ, 65520, 0, 0, 0x7bff, NX},
        FIVE(FPC_CVT_F_L, FP_H, NEG, 0, 0, 0xfc00, 0xfbff, 0xfc00, 0xfbff, 0xfc00, OF | NX),
    };
    CHECK(rows);
}

static void test_round(void) {
    static const Row rows[] = {
        FIVE(FPC_ROUND, FP_D, D2_5, 0, 0, TWO, TWO, TWO, 0x4008000000000000, 0x4008000000000000, 0),
        FIVE(FPC_ROUNDNX, FP_D, D2_5, 0, 0, TWO, TWO, TWO, 0x4008000000000000, 0x4008000000000000, NX),
        FIVE(FPC_ROUNDNX, FP_D, NEG | HALF, 0, 0, NEG, NEG, NEG | ONE, NEG, NEG | ONE, NX),
        FIVE(FPC_ROUNDNX, FP_D, MIN_SUB, 0, 0, 0, 0, 0, ONE, 0, NX),
        FIVE(FPC_ROUNDNX, FP_D, ONE - 1, 0, 0, ONE, 0, 0, ONE, ONE, NX),
        /* the last number with a fraction: 2^52 - 0.5 */
        FIVE(FPC_ROUNDNX, FP_D, P2(52) - 1, 0, 0, P2(52), P2(52) - 2, P2(52) - 2, P2(52), P2(52), NX),
        {FPC_ROUNDNX, FP_D, RM_RUP, P2(52) + 1, 0, 0, P2(52) + 1, 0},
        {FPC_ROUNDNX, FP_D, RM_RUP, MAXD, 0, 0, MAXD, 0},
        {FPC_ROUNDNX, FP_D, RM_RNE, NEG, 0, 0, NEG, 0},
        {FPC_ROUND, FP_D, RM_RNE, NEG | INF, 0, 0, NEG | INF, 0},
        {FPC_ROUND, FP_D, RM_RNE, PAYLOAD, 0, 0, QNAN, 0},
        {FPC_ROUND, FP_D, RM_RNE, SNAN, 0, 0, QNAN, NV},
        FIVE(FPC_ROUNDNX, FP_S, 0xc0200000, 0, 0, 0xc0000000, 0xc0000000, 0xc0400000, 0xc0000000, 0xc0400000,
             NX),
        FIVE(FPC_ROUNDNX, FP_H, 0x63ff, 0, 0, 0x6400, 0x63fe, 0x63fe, 0x6400, 0x6400, NX), /* 1023.5 */
    };
    CHECK(rows);
}

static void test_cvtmod(void) {
    static const Row rows[] = {
        {FPC_CVTMOD, FP_D, RM_RTZ, 0x41f0000000500000, 0, 0, 5, NV},  /* 2^32 + 5 */
        {FPC_CVTMOD, FP_D, RM_RTZ, 0xc1f0000000580000, 0, 0, -5, NV}, /* -(2^32 + 5.5) */
        {FPC_CVTMOD, FP_D, RM_RTZ, NEG | 0x3ff8000000000000, 0, 0, -1, NX},
        {FPC_CVTMOD, FP_D, RM_RTZ, 0x41dfffffffe00000, 0, 0, W_MAX, NX}, /* 2147483647.5 */
        {FPC_CVTMOD, FP_D, RM_RTZ, P2(31), 0, 0, W_MIN, NV},
        {FPC_CVTMOD, FP_D, RM_RTZ, NEG | P2(31), 0, 0, W_MIN, 0},
        {FPC_CVTMOD, FP_D, RM_RTZ, P2(52) + 0x80000001, 0, 0, 0xffffffff80000001, NV},
        {FPC_CVTMOD, FP_D, RM_RTZ, P2(83) + 1, 0, 0, W_MIN, NV}, /* the last bit has weight 2^31 */
        {FPC_CVTMOD, FP_D, RM_RTZ, P2(84) + 1, 0, 0, 0, NV},
        {FPC_CVTMOD, FP_D, RM_RTZ, P2(94), 0, 0, 0, NV},
        {FPC_CVTMOD, FP_D, RM_RTZ, MAXD, 0, 0, 0, NV},
        {FPC_CVTMOD, FP_D, RM_RTZ, MIN_SUB, 0, 0, 0, NX},
        {FPC_CVTMOD, FP_D, RM_RTZ, NEG, 0, 0, 0, 0},
        {FPC_CVTMOD, FP_D, RM_RTZ, INF, 0, 0, 0, NV},
        {FPC_CVTMOD, FP_D, RM_RTZ, PAYLOAD, 0, 0, 0, NV},
    };
    CHECK(rows);
}

/* Unprivileged spec §21.2: an operand without its box is the canonical NaN, a quiet one. */
static void test_boxes(void) {
    static const struct {
        uint32_t code;
        uint64_t a, b, result;
        uint8_t flags;
    } rows[] = {
        {FPCALL(FPC_ADD, FP_S, RM_RNE), 0x3f800000, 0xffffffff3f800000, 0xffffffff7fc00000, 0},
        {FPCALL(FPC_ADD, FP_S, RM_RNE), 0xffffffff3f800000, 0xfffffffe3f800000, 0xffffffff7fc00000, 0},
        {FPCALL(FPC_ADD, FP_H, RM_RNE), 0xffffffff00003c00, 0xffffffffffff3c00, 0xffffffffffff7e00, 0},
        {FPCALL(FPC_ADD, FP_S, RM_RNE), 0x7f800001, 0xffffffff3f800000, 0xffffffff7fc00000,
         0}, /* no longer signalling */
        {FPCALL(FPC_MIN, FP_S, RM_RNE), 0x7f800001, 0xffffffff3f800000, 0xffffffff3f800000, 0},
        {FPCALL(FPC_SGNJ, FP_S, RM_RNE), 0x3f800000, 0xffffffffbf800000, 0xffffffffffc00000, 0},
        {FPCALL(FPC_SGNJ, FP_H, RM_RNE), 0xffffffffffff3c00, 0x8000, 0xffffffffffff3c00, 0},
        {FPCALL(FPC_LT, FP_S, RM_RNE), 0, 0xffffffff3f800000, 0, NV},
        {FPCALL(FPC_EQ, FP_S, RM_RNE), 0, 0, 0, 0},
        {FPCALL(FPC_CLASS, FP_S, RM_RNE), 0, 0, 1u << 9, 0},
        {FPCALL(FPC_CLASS, FP_H, RM_RNE), 0xffffffff3f800000, 0, 1u << 9, 0},
        {FPCALL(FPC_CVT_W_F, FP_S, RM_RNE), 0x3f800000, 0, W_MAX, NV},
        {FPCALL_CVT(FP_D, FP_S, RM_RNE), 0x3f800000, 0, QNAN, 0},
        {FPCALL_CVT(FP_H, FP_D, RM_RNE), ONE, 0, 0xffffffffffff3c00, 0},
        {FPCALL(FPC_MADD, FP_S, RM_RNE), 0xffffffff3f800000, 0x3f800000, 0xffffffff7fc00000, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint8_t flags;
        g_assert_cmphex(call(rows[i].code, rows[i].a, rows[i].b, 0xffffffff00000000, &flags), ==,
                        rows[i].result);
        g_assert_cmphex(flags, ==, rows[i].flags);
    }
}

static void test_flags_accrue(void) {
    g_autofree Hart *h = g_new0(Hart, 1);

    h->fflags = NX;
    helper_fp_op(h, ONE, 0, FPCALL(FPC_DIV, FP_D, RM_RNE));
    g_assert_cmphex(h->fflags, ==, NX | DZ);
    helper_fp_op(h, ONE, ONE, FPCALL(FPC_ADD, FP_D, RM_RNE));
    g_assert_cmphex(h->fflags, ==, NX | DZ);
}

/* ---- identities, over all halves or random operands
 * ---------------------------------------------------------- */

static uint64_t random64(GRand *r) {
    return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
}

/* Sums and products of halves, and products of singles, are exact doubles: rounding those must give the same.
 */
static void test_against_double(void) {
    g_autoptr(GRand) r = g_rand_new_with_seed(1);

    for (int i = 0; i < 300000; i++) {
        FpFormat f = i & 1 ? FP_S : FP_H;
        FpRound rm = (FpRound)(i % 5);
        uint64_t a = random64(r) & ~box(f, 0), b = random64(r) & ~box(f, 0), da, db, wide;
        uint8_t direct = 0, widened = 0;

        da = fp_convert(FP_D, f, a, rm, &widened);
        db = fp_convert(FP_D, f, b, rm, &widened);
        wide = fp_mul(FP_D, da, db, rm, &widened);
        g_assert_cmphex(fp_mul(f, a, b, rm, &direct), ==, fp_convert(f, FP_D, wide, rm, &widened));
        if (f == FP_H) {
            wide = fp_add(FP_D, da, db, rm, &widened);
            g_assert_cmphex(fp_add(f, a, b, rm, &direct), ==, fp_convert(f, FP_D, wide, rm, &widened));
        }
        g_assert_cmphex(direct, ==, widened);
    }
}

/* a*1 + b = a + b, a*b + 0 = a*b where that is not zero. */
static void test_fma_identities(void) {
    static const uint64_t ones[] = {[FP_H] = 0x3c00, [FP_S] = 0x3f800000, [FP_D] = ONE};
    g_autoptr(GRand) r = g_rand_new_with_seed(2);

    for (int i = 0; i < 300000; i++) {
        FpFormat f = (FpFormat)(i % 3);
        FpRound rm = (FpRound)(i % 5);
        uint64_t a = random64(r) & ~box(f, 0), b = random64(r) & ~box(f, 0), product;
        uint8_t fused = 0, plain = 0;

        g_assert_cmphex(fp_fma(f, a, ones[f], b, rm, &fused), ==, fp_add(f, a, b, rm, &plain));
        product = fp_mul(f, a, b, rm, &plain);
        if (product << (f == FP_D ? 1 : f == FP_S ? 33 : 49))
            g_assert_cmphex(fp_fma(f, a, b, 0, rm, &fused), ==, product);
        else
            fused |= plain;
        g_assert_cmphex(fused, ==, plain);
    }
}

/* Every half r: sqrt(r) rounded down and up enclose the root, and are equal if exact. */
static void test_all_half_roots(void) {
    for (uint64_t a = 0; a < 0x7c00; a++) {
        uint8_t flags = 0, ignored = 0, inexact = 0;
        uint64_t low = fp_sqrt(FP_H, a, RM_RDN, &flags), high = fp_sqrt(FP_H, a, RM_RUP, &flags);
        uint64_t wide = fp_convert(FP_D, FP_H, a, RM_RNE, &ignored);
        uint64_t wlow = fp_convert(FP_D, FP_H, low, RM_RNE, &ignored);
        uint64_t whigh = fp_convert(FP_D, FP_H, high, RM_RNE, &ignored);

        g_assert_cmphex(high - low, ==, flags ? 1 : 0);
        g_assert_true(fp_le(FP_D, fp_mul(FP_D, wlow, wlow, RM_RNE, &inexact), wide, &ignored));
        g_assert_true(fp_le(FP_D, wide, fp_mul(FP_D, whigh, whigh, RM_RNE, &inexact), &ignored));
        g_assert_cmphex(inexact, ==, 0);
    }
}

/* Where a 64-bit integer can hold it, fround is there and back; fcvtmod is the low word of fcvt.l. */
static void test_zfa_identities(void) {
    g_autoptr(GRand) r = g_rand_new_with_seed(3);

    for (int i = 0; i < 300000; i++) {
        FpRound rm = (FpRound)(i % 5);
        uint64_t sign = random64(r) & NEG, a, integer, there, rounded;
        uint8_t flags = 0, exact = 0, ignored = 0, mod = 0, word = 0;

        a = sign | (uint64_t)g_rand_int_range(r, 1023 - 3, 1023 + 63) << 52 | random64(r) >> 12;
        integer = fp_to_int(FP_D, a, 64, true, rm, &flags);
        there = fp_from_int(FP_D, integer, 64, true, rm, &flags);
        rounded = fp_round(FP_D, a, rm, true, &exact);
        g_assert_cmphex(rounded, ==, integer ? there : sign);
        g_assert_cmphex(exact, ==, flags);
        integer = fp_to_int(FP_D, a, 64, true, RM_RTZ, &ignored);
        g_assert_cmphex(fp_fcvtmod(a, &mod), ==, (uint64_t)(int32_t)integer);
        fp_to_int(FP_D, a, 32, true, RM_RTZ, &word);
        g_assert_cmphex(mod, ==, word);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fp/add", test_add);
    g_test_add_func("/fp/mul", test_mul);
    g_test_add_func("/fp/div", test_div);
    g_test_add_func("/fp/sqrt", test_sqrt);
    g_test_add_func("/fp/fma", test_fma);
    g_test_add_func("/fp/sign-injection", test_sign_injection);
    g_test_add_func("/fp/min-max", test_min_max);
    g_test_add_func("/fp/compare", test_compare);
    g_test_add_func("/fp/class", test_class);
    g_test_add_func("/fp/float-to-float", test_float_to_float);
    g_test_add_func("/fp/to-int", test_to_int);
    g_test_add_func("/fp/from-int", test_from_int);
    g_test_add_func("/fp/round", test_round);
    g_test_add_func("/fp/cvtmod", test_cvtmod);
    g_test_add_func("/fp/boxes", test_boxes);
    g_test_add_func("/fp/flags-accrue", test_flags_accrue);
    g_test_add_func("/fp/against-double", test_against_double);
    g_test_add_func("/fp/fma-identities", test_fma_identities);
    g_test_add_func("/fp/all-half-roots", test_all_half_roots);
    g_test_add_func("/fp/zfa-identities", test_zfa_identities);
    return g_test_run();
}
