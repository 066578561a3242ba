/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floating point: arithmetic with flags and rounding modes, NaN boxing, comparison, conversion, FS tracking.
 */
#include "rt/rt.h"

enum { NX = 1, UF = 2, OF = 4, DZ = 8, NV = 16 };
enum { RNE, RTZ, RDN, RUP, RMM };
#define D_ONE 0x3ff0000000000000ul
#define D_TWO 0x4000000000000000ul
#define D_THREE 0x4008000000000000ul
#define D_INF 0x7ff0000000000000ul
#define D_MAX 0x7feffffffffffffful
#define D_MIN 0x0010000000000000ul
#define D_NAN 0x7ff8000000000000ul
#define D_SNAN 0x7ff0000000000001ul
#define D_ZERO 0x0000000000000000ul
#define D_NEG 0x8000000000000000ul
#define BOX 0xffffffff00000000ul
#define S_ONE 0x3f800000ul
#define S_THREE 0x40400000ul
#define S_NAN 0x7fc00000ul

typedef enum {
    F_ADD,
    F_SUB,
    F_MUL,
    F_DIV,
    F_SQRT,
    F_MIN,
    F_MAX,
    F_LT,
    F_EQ,
    F_TO_W,
    F_TO_LU,
    F_TO_S,
    F_CLASS
} Op;

typedef struct Case {
    Op op;
    unsigned rm;
    uint64_t a, b, result;
    unsigned flags;
} Case;

static const Case cases[] = {
    {F_ADD, RNE, D_ONE, D_TWO, D_THREE, 0},
    {F_ADD, RNE, D_ONE, 0x3ca0000000000000, D_ONE, NX}, /* 1 + 2^-53: a tie */
    {F_ADD, RUP, D_ONE, 0x3ca0000000000000, D_ONE + 1, NX},
    {F_ADD, RMM, D_ONE, 0x3ca0000000000000, D_ONE + 1, NX},
    {F_ADD, RDN, D_ONE, D_NEG | D_ONE, D_NEG, 0},
    {F_ADD, RNE, D_INF, D_NEG | D_INF, D_NAN, NV},
    {F_ADD, RNE, D_SNAN, D_ONE, D_NAN, NV},
    {F_SUB, RNE, D_THREE, D_ONE, D_TWO, 0},
    {F_SUB, RTZ, D_MIN, 1, D_MIN - 1, 0},
    {F_MUL, RNE, D_MAX, D_TWO, D_INF, OF | NX},
    {F_MUL, RTZ, D_MAX, D_TWO, D_MAX, OF | NX},
    {F_MUL, RNE, D_MIN, D_MIN, D_ZERO, UF | NX},
    {F_MUL, RUP, D_MIN, D_MIN, 1, UF | NX},
    {F_MUL, RNE, D_ZERO, D_INF, D_NAN, NV},
    {F_DIV, RNE, D_ONE, D_THREE, 0x3fd5555555555555, NX},
    {F_DIV, RUP, D_ONE, D_THREE, 0x3fd5555555555556, NX},
    {F_DIV, RNE, D_ONE, D_NEG, D_NEG | D_INF, DZ},
    {F_DIV, RNE, D_ZERO, D_ZERO, D_NAN, NV},
    {F_SQRT, RNE, D_TWO, 0, 0x3ff6a09e667f3bcd, NX},
    {F_SQRT, RDN, D_TWO, 0, 0x3ff6a09e667f3bcc, NX},
    {F_SQRT, RNE, D_NEG | D_ONE, 0, D_NAN, NV},
    {F_MIN, RNE, D_ZERO, D_NEG, D_NEG, 0},
    {F_MAX, RNE, D_NAN, D_ONE, D_ONE, 0},
    {F_MIN, RNE, D_SNAN, D_ONE, D_ONE, NV},
    {F_LT, RNE, D_ONE, D_TWO, 1, 0},
    {F_LT, RNE, D_ONE, D_NAN, 0, NV},
    {F_EQ, RNE, D_ONE, D_NAN, 0, 0},
    {F_EQ, RNE, D_ZERO, D_NEG, 1, 0},
    {F_TO_W, RNE, 0x4004000000000000, 0, 2, NX}, /* 2.5 */
    {F_TO_W, RUP, 0x4004000000000000, 0, 3, NX},
    {F_TO_W, RTZ, D_NAN, 0, 0x7fffffff, NV},
    {F_TO_W, RTZ, 0xc1f0000000000000, 0, 0xffffffff80000000, NV},
    {F_TO_LU, RTZ, D_NEG | D_ONE, 0, 0, NV},
    {F_TO_LU, RTZ, 0x43efffffffffffff, 0, 0xfffffffffffff800, 0},
    {F_TO_S, RNE, 0x3fd5555555555555, 0, BOX | 0x3eaaaaab, NX},
    {F_TO_S, RNE, D_MAX, 0, BOX | 0x7f800000, OF | NX},
    {F_CLASS, RNE, D_SNAN, 0, 1 << 8, 0},
    {F_CLASS, RNE, 1, 0, 1 << 5, 0},
};

#define BINARY(name)                                                                                         \
    __asm__ volatile("fmv.d.x ft0, %1\n fmv.d.x ft1, %2\n " name " ft0, ft0, ft1\n fmv.x.d %0, ft0"          \
                     : "=r"(r)                                                                               \
                     : "r"(a), "r"(b))
#define COMPARE(name)                                                                                        \
    __asm__ volatile("fmv.d.x ft0, %1\n fmv.d.x ft1, %2\n " name " %0, ft0, ft1" : "=r"(r) : "r"(a), "r"(b))
#define TO_INT(name) __asm__ volatile("fmv.d.x ft0, %1\n " name " %0, ft0" : "=r"(r) : "r"(a))

static uint64_t run(Op op, uint64_t a, uint64_t b) {
    uint64_t r = 0;

    switch (op) {
    case F_ADD: BINARY("fadd.d"); break;
    case F_SUB: BINARY("fsub.d"); break;
    case F_MUL: BINARY("fmul.d"); break;
    case F_DIV: BINARY("fdiv.d"); break;
    case F_MIN: BINARY("fmin.d"); break;
    case F_MAX: BINARY("fmax.d"); break;
    case F_SQRT:
        __asm__ volatile("fmv.d.x ft0, %1\n fsqrt.d ft0, ft0\n fmv.x.d %0, ft0" : "=r"(r) : "r"(a));
        break;
    case F_LT: COMPARE("flt.d"); break;
    case F_EQ: COMPARE("feq.d"); break;
    case F_TO_W: TO_INT("fcvt.w.d"); break;
    case F_TO_LU: TO_INT("fcvt.lu.d"); break;
    case F_CLASS: TO_INT("fclass.d"); break;
    case F_TO_S:
        __asm__ volatile("fmv.d.x ft0, %1\n fcvt.s.d ft0, ft0\n fmv.x.d %0, ft0" : "=r"(r) : "r"(a));
        break;
    }
    return r;
}

static void test_cases(void) {
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const Case *c = &cases[i];
        csr_write(fcsr, c->rm << 5);
        uint64_t result = run(c->op, c->a, c->b), flags = csr_read(fflags);
        if (result != c->result || flags != c->flags)
            print("case %u: result 0x%lx flags 0x%lx\n", i, result, flags);
        check_equal(result, c->result);
        check_equal(flags, c->flags);
    }
    csr_write(fcsr, 0);
}

/* §21.2: a single that is not boxed in ones is a NaN. */
static void test_boxing(void) {
    uint64_t r;

    __asm__ volatile("fmv.d.x ft0, %1\n fmv.d.x ft1, %2\n fadd.s ft0, ft0, ft1\n fmv.x.d %0, ft0"
                     : "=r"(r)
                     : "r"(BOX | S_ONE), "r"(BOX | 0x40000000));
    check_equal(r, BOX | S_THREE);
    __asm__ volatile("fmv.d.x ft0, %1\n fmv.d.x ft1, %2\n fadd.s ft0, ft0, ft1\n fmv.x.d %0, ft0"
                     : "=r"(r)
                     : "r"(S_ONE), "r"(BOX | S_ONE));
    check_equal(r, BOX | S_NAN);
    __asm__ volatile("fmv.w.x ft0, %1\n fmv.x.d %0, ft0" : "=r"(r) : "r"(S_ONE));
    check_equal(r, BOX | S_ONE);
}

static void test_fused(void) {
    double a = 1.0 + 0x1p-27, r;

    /* a*a - 1 - 2^-26 is 2^-54 with one rounding, 0 with two */
    __asm__ volatile("fmadd.d %0, %1, %1, %2" : "=f"(r) : "f"(a), "f"(-1.0 - 0x1p-26));
    check(r == 0x1p-54);
    __asm__ volatile("fnmsub.d %0, %1, %1, %2" : "=f"(r) : "f"(2.0), "f"(3.0));
    check(r == -1.0);
}

/* mstatus.FS: off traps, a write makes it dirty, SD sums up. */
static void test_status(void) {
    csr_clear(mstatus, 3ul << 13);
    check_equal(csr_read(mstatus) >> 63, 0);
    csr_set(mstatus, 1ul << 13);
    __asm__ volatile("fmv.d.x ft0, zero");
    check_equal(csr_read(mstatus) >> 13 & 3, 3);
    check_equal(csr_read(mstatus) >> 63, 1);
    csr_write(frm, 5); /* a reserved rounding mode: illegal when used */
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("fadd.d ft0, ft0, ft0"));
    csr_write(frm, 0);
}

int main(void) {
    test_cases();
    test_boxing();
    test_fused();
    test_status();
    return 0;
}
