/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addition, subtraction, multiplication and the fused multiply-add. */
#include "core/fp_internal.h"

static bool any_snan(FpNum a, FpNum b) {
    return a.kind == FPK_SNAN || b.kind == FPK_SNAN;
}
static bool any_nan(FpNum a, FpNum b) {
    return fp_num_is_nan(a) || fp_num_is_nan(b);
}

static uint64_t nan_result(const FpDesc *d, bool invalid, uint8_t *flags) {
    return invalid ? fp_invalid(d, flags) : fp_nan(d);
}

/* A sum of which at least one term is not finite and non-zero. */
static G_GNUC_NO_INLINE uint64_t add_special(const FpDesc *d, FpNum a, FpNum b, FpRound rm, uint8_t *flags) {
    if (any_nan(a, b))
        return nan_result(d, any_snan(a, b), flags);
    if (a.kind == FPK_INF)
        return b.kind == FPK_INF && a.sign != b.sign ? fp_invalid(d, flags) : fp_inf(d, a.sign);
    if (b.kind == FPK_INF)
        return fp_inf(d, b.sign);
    if (a.kind == FPK_FINITE)
        return fp_pack(d, a.sign, a.exp, a.sig, rm, flags);
    if (b.kind == FPK_FINITE)
        return fp_pack(d, b.sign, b.exp, b.sig, rm, flags);
    return fp_zero(d, a.sign == b.sign ? a.sign : fp_zero_sum_sign(rm));
}

FP_INLINE bool magnitude_less(FpNum a, FpNum b) {
    return a.exp != b.exp ? a.exp < b.exp : a.sig < b.sig;
}

FP_INLINE uint64_t add(const FpDesc *d, uint64_t abits, uint64_t bbits, FpRound rm, uint8_t *flags) {
    FpNum a = fp_unpack(d, abits), b = fp_unpack(d, bbits);
    uint64_t sum;

    if (G_UNLIKELY(a.kind != FPK_FINITE || b.kind != FPK_FINITE))
        return add_special(d, a, b, rm, flags);
    if (magnitude_less(a, b)) {
        FpNum t = a;
        a = b;
        b = t;
    }
    b.sig = fp_shift_right_jam(b.sig, (unsigned)(a.exp - b.exp));
    if (a.sign == b.sign) {
        sum = a.sig + b.sig;
        if (sum >> 63) {
            sum = sum >> 1 | (sum & 1);
            a.exp++;
        }
        return fp_pack(d, a.sign, a.exp, sum, rm, flags);
    }
    sum = a.sig - b.sig;
    if (sum == 0)
        return fp_zero(d, fp_zero_sum_sign(rm));
    return fp_normalize_pack(d, a.sign, a.exp, sum, rm, flags);
}

uint64_t fp_add(FpFormat f, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags) {
    return FP_SPECIALIZE(f, add, a, b, rm, flags);
}

uint64_t fp_sub(FpFormat f, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags) {
    return fp_add(f, a, b ^ fp_descs[f].sign, rm, flags);
}

/* A product of which at least one factor is not finite and non-zero. */
static G_GNUC_NO_INLINE uint64_t mul_special(const FpDesc *d, FpNum a, FpNum b, uint8_t *flags) {
    bool sign = a.sign != b.sign;

    if (any_nan(a, b))
        return nan_result(d, any_snan(a, b), flags);
    if (a.kind == FPK_INF || b.kind == FPK_INF)
        return a.kind == FPK_ZERO || b.kind == FPK_ZERO ? fp_invalid(d, flags) : fp_inf(d, sign);
    return fp_zero(d, sign);
}

/* The exact product of two finite numbers: top bit 126, value = *sig * 2^(result - 126). */
FP_INLINE int multiply(FpNum a, FpNum b, FpWide *sig) {
    FpWide p = (FpWide)a.sig * b.sig; /* 2^124 <= p < 2^126 */
    bool carry = (p >> 125) != 0;

    *sig = p << (carry ? 1 : 2);
    return a.exp + b.exp + carry;
}

FP_INLINE uint64_t narrow(FpWide v) {
    return (uint64_t)(v >> 64) | ((uint64_t)v != 0);
}

FP_INLINE uint64_t mul(const FpDesc *d, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags) {
    FpNum na = fp_unpack(d, a), nb = fp_unpack(d, b);
    FpWide sig;
    int exp;

    if (G_UNLIKELY(na.kind != FPK_FINITE || nb.kind != FPK_FINITE))
        return mul_special(d, na, nb, flags);
    exp = multiply(na, nb, &sig);
    return fp_pack(d, na.sign != nb.sign, exp, narrow(sig), rm, flags);
}

uint64_t fp_mul(FpFormat f, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags) {
    return FP_SPECIALIZE(f, mul, a, b, rm, flags);
}

static FpWide shift_right_jam_wide(FpWide v, unsigned n) {
    if (n >= 128)
        return v != 0;
    return v >> n | ((v & (((FpWide)1 << n) - 1)) != 0);
}

/* v != 0 */
static int count_leading_zeros_wide(FpWide v) {
    uint64_t high = (uint64_t)(v >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v);
}

/* psig * 2^(pexp - 126), an exact product of sign psign, plus the finite c: add() in 128 bits. */
FP_INLINE uint64_t add_to_product(const FpDesc *d, bool psign, int pexp, FpWide psig, FpNum c, FpRound rm,
                                  uint8_t *flags) {
    FpWide csig = (FpWide)c.sig << 64, sum;
    bool sign = psign;
    int exp = MAX(pexp, c.exp), shift;

    psig = shift_right_jam_wide(psig, (unsigned)(exp - pexp));
    csig = shift_right_jam_wide(csig, (unsigned)(exp - c.exp));
    if (psign == c.sign) {
        sum = psig + csig;
    } else if (psig >= csig) {
        sum = psig - csig;
    } else {
        sum = csig - psig;
        sign = c.sign;
    }
    if (sum == 0)
        return fp_zero(d, fp_zero_sum_sign(rm));
    shift = count_leading_zeros_wide(sum) - 1;
    if (shift < 0)
        return fp_pack(d, sign, exp + 1, narrow(sum >> 1 | (sum & 1)), rm, flags);
    return fp_pack(d, sign, exp - shift, narrow(sum << shift), rm, flags);
}

/* At least one of the three is not finite and non-zero. */
static G_GNUC_NO_INLINE uint64_t fma_special(const FpDesc *d, FpNum a, FpNum b, FpNum c, FpRound rm,
                                             uint8_t *flags) {
    FpNum product = {.sign = a.sign != b.sign, .kind = FPK_ZERO};
    bool inf = a.kind == FPK_INF || b.kind == FPK_INF;

    if (inf && (a.kind == FPK_ZERO || b.kind == FPK_ZERO))
        return fp_invalid(d, flags);
    if (any_nan(a, b) || fp_num_is_nan(c))
        return nan_result(d, any_snan(a, b) || c.kind == FPK_SNAN, flags);
    if (inf)
        product.kind = FPK_INF;
    else if (a.kind == FPK_FINITE && b.kind == FPK_FINITE) {
        FpWide sig;
        int exp = multiply(a, b, &sig);
        if (c.kind == FPK_ZERO)
            return fp_pack(d, product.sign, exp, narrow(sig), rm, flags);
        return fp_inf(d, c.sign);
    }
    return add_special(d, product, c, rm, flags);
}

FP_INLINE uint64_t multiply_add(const FpDesc *d, uint64_t a, uint64_t b, uint64_t c, FpRound rm,
                                uint8_t *flags) {
    FpNum na = fp_unpack(d, a), nb = fp_unpack(d, b), nc = fp_unpack(d, c);
    FpWide sig;
    int exp;

    if (G_UNLIKELY(na.kind != FPK_FINITE || nb.kind != FPK_FINITE || nc.kind != FPK_FINITE))
        return fma_special(d, na, nb, nc, rm, flags);
    exp = multiply(na, nb, &sig);
    return add_to_product(d, na.sign != nb.sign, exp, sig, nc, rm, flags);
}

uint64_t fp_fma(FpFormat f, uint64_t a, uint64_t b, uint64_t c, FpRound rm, uint8_t *flags) {
    return FP_SPECIALIZE(f, multiply_add, a, b, c, rm, flags);
}
