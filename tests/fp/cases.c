/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/fp/cases.h"

#include <glib.h>
#include "tcg/riscv/fpcall.h"

static const struct {
    unsigned width, frac;
} formats[] = {[FP_H] = {16, 10}, [FP_S] = {32, 23}, [FP_D] = {64, 52}};

static const char *const op_names[] = {
#define X(name, ...) #name,
    FPC_OPS(X) FPC_FMA_OPS(X)
#undef X
};

const char *fp_cases_op_name(uint32_t code) {
    return op_names[FPCALL_OP(code)];
}

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t next64(FpCases *g) {
    uint64_t z = g->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned below(FpCases *g, unsigned n) {
    return (unsigned)((next64(g) >> 32) * n >> 32);
}
static int around(FpCases *g, int n) {
    return (int)below(g, 2 * (unsigned)n + 1) - n;
}

static uint64_t mask(unsigned bits) {
    return bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
}

/* `bits` bits that tend to have long runs, single ones, or to be a step away from them. */
static uint64_t pattern(FpCases *g, unsigned bits) {
    unsigned k = below(g, MIN(bits + 1, 64));
    uint64_t v;

    switch (below(g, 8)) {
    case 0: v = 0; break;
    case 1: v = mask(k); break;
    case 2: v = mask(bits) ^ mask(k); break;
    case 3: v = UINT64_C(1) << (k ? k - 1 : 0); break;
    case 4: v = next64(g) << k | UINT64_C(1) << (k ? k - 1 : 0); break;
    case 5: v = next64(g) & next64(g) & next64(g); break;
    default: v = next64(g); break;
    }
    if (below(g, 4) == 0)
        v += (uint64_t)around(g, 2);
    return v & mask(bits);
}

static unsigned exp_max(FpFormat f) {
    return (1u << (formats[f].width - 1 - formats[f].frac)) - 1;
}

static uint64_t assemble(FpCases *g, FpFormat f, int exponent, uint64_t frac) {
    uint64_t e = (uint64_t)CLAMP(exponent, 0, (int)exp_max(f));
    return (next64(g) & 1) << (formats[f].width - 1) | e << formats[f].frac | frac;
}

static int exponent_of(FpFormat f, uint64_t v) {
    return (int)(v >> formats[f].frac & exp_max(f));
}

static uint64_t random_float(FpCases *g, FpFormat f) {
    static const int edges[] = {-1, 0,  1,  7,  8,  15, 16, 22, 23, 24, 30,
                                31, 32, 51, 52, 53, 62, 63, 64, 83, 84, 85};
    int top = (int)exp_max(f), bias = top / 2;
    uint64_t frac = pattern(g, formats[f].frac);

    switch (below(g, 14)) {
    case 0:
        return assemble(g, f, below(g, 2) ? 0 : top, below(g, 2) ? 0 : UINT64_C(1) << (formats[f].frac - 1));
    case 1: return next64(g) & mask(formats[f].width);
    case 2: return assemble(g, f, 0, frac);
    case 3: return assemble(g, f, top - 1 - (int)below(g, 3), frac);
    case 4: return assemble(g, f, (int)below(g, 4), frac);
    case 5: return assemble(g, f, top, frac);
    case 6:
    case 7: return assemble(g, f, bias + around(g, 4), frac);
    case 8:
    case 9: return assemble(g, f, bias + edges[below(g, G_N_ELEMENTS(edges))], frac);
    default: return assemble(g, f, (int)below(g, (unsigned)top), frac);
    }
}

/* A few units in the last place away, perhaps of the other sign. */
static uint64_t neighbour(FpCases *g, FpFormat f, uint64_t v) {
    v += (uint64_t)around(g, 2);
    return (v ^ (next64(g) & 1) << (formats[f].width - 1)) & mask(formats[f].width);
}

/* A partner for a sum with v: overlapping in some bits, or just not. */
static uint64_t addend(FpCases *g, FpFormat f, uint64_t v) {
    if (below(g, 3) == 0)
        return neighbour(g, f, v);
    return assemble(g, f, exponent_of(f, v) + around(g, (int)formats[f].frac + 3),
                    pattern(g, formats[f].frac));
}

/* An exponent field near one end of the range, or a little beyond it. */
static int end_of_range(FpCases *g, FpFormat f) {
    if (below(g, 3) == 0)
        return (int)exp_max(f) - 1 + around(g, 3);
    return below(g, 2) ? around(g, 3) : -(int)below(g, formats[f].frac + 4);
}

/* The second operand, given the first, so that the exponents' sum (or difference) is at an end of the range.
 */
static uint64_t scaled(FpCases *g, FpFormat f, uint64_t v, bool divide) {
    int bias = (int)exp_max(f) / 2, target = end_of_range(g, f), e = exponent_of(f, v);
    return assemble(g, f, divide ? e + bias - target : target + bias - e, pattern(g, formats[f].frac));
}

static uint64_t random_int(FpCases *g) {
    uint64_t v = pattern(g, 64) >> below(g, 64);

    if (below(g, 3) == 0)
        v = (UINT64_C(1) << below(g, 64)) + (UINT64_C(1) << below(g, 64)) + (uint64_t)around(g, 1);
    if (below(g, 3) == 0)
        v = (uint64_t)(int32_t)v;
    return below(g, 2) ? v : -v;
}

static uint64_t random_box(FpCases *g, FpFormat f, uint64_t v) {
    if (formats[f].width == 64)
        return v;
    switch (below(g, 48)) {
    case 0: return v;
    case 1: return v | next64(g) << formats[f].width;
    case 2:
        return v | (mask(64) << formats[f].width ^
                    UINT64_C(1) << (formats[f].width + below(g, 64 - formats[f].width)));
    case 3: return random_float(g, FP_D);
    default: return v | mask(64) << formats[f].width;
    }
}

/* Operands that suit the operation; without boxes. */
static void choose_operands(FpCases *g, FpcOp op, FpFormat f, uint64_t v[3]) {
    uint8_t flags = 0;
    bool special = below(g, 2);

    for (int i = 0; i < 3; i++)
        v[i] = random_float(g, f);
    if (!special)
        return;
    switch (op) {
    case FPC_ADD:
    case FPC_SUB: v[1] = addend(g, f, v[0]); break;
    case FPC_MUL: v[1] = scaled(g, f, v[0], false); break;
    case FPC_DIV:
        if (below(g, 2))
            v[0] = neighbour(g, f, fp_mul(f, v[0], v[1], RM_RNE, &flags));
        else
            v[1] = scaled(g, f, v[0], true);
        break;
    case FPC_SQRT: v[0] = neighbour(g, f, fp_mul(f, v[0], v[0], RM_RNE, &flags)); break;
    case FPC_MADD:
    case FPC_MSUB:
    case FPC_NMSUB:
    case FPC_NMADD:
        if (below(g, 2))
            v[1] = scaled(g, f, v[0], false);
        if (below(g, 4))
            v[2] = addend(g, f, fp_mul(f, v[0], v[1], RM_RTZ, &flags));
        break;
    default: v[1] = neighbour(g, f, v[0]); break;
    }
}

static bool is_zfa(FpcOp op) {
    return op == FPC_MINM || op == FPC_MAXM || op == FPC_LTQ || op == FPC_LEQ || op == FPC_ROUND ||
           op == FPC_ROUNDNX || op == FPC_CVTMOD;
}

FpRecord fp_cases_next(FpCases *g) {
    FpRecord r = {0};
    FpcOp op;
    FpFormat f = (FpFormat)below(g, 3), source = f;
    FpRound rm = (FpRound)below(g, 5);
    uint64_t v[3];

    do
        op = (FpcOp)below(g, FPC_N_ALL);
    while (is_zfa(op) && !g->zfa);
    if (op == FPC_CVTMOD)
        source = f = FP_D;
    if (op == FPC_CVT_F_F)
        source = (FpFormat)((f + 1 + below(g, 2)) % 3);
    r.code = op == FPC_CVT_F_F ? FPCALL_CVT(f, source, rm) : FPCALL(op, f, rm);
    choose_operands(g, op, source, v);
    r.a = op >= FPC_CVT_F_W && op <= FPC_CVT_F_LU ? random_int(g) : random_box(g, source, v[0]);
    r.b = random_box(g, source, v[1]);
    r.c = random_box(g, source, v[2]);
    return r;
}
