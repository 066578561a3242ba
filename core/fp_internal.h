/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fp_*.c files share: the formats as numbers, a float taken apart, and putting one together with
 * rounding.
 *
 * Every operation has the same shape: unpack, compute on integers what fits no format in particular, pack.
 * Only unpacking and packing know formats. A finite non-zero number is
 *
 *     (-1)^sign * sig * 2^(exp - 62)      2^62 <= sig < 2^63
 *
 * so bit 62 is the leading one, bit 63 is room for a carry, and even FP_D has ten bits below its last place:
 * one to round by and nine more, of which bit 0 doubles as "something was lost below" (it is OR-ed, never
 * cleared, when bits are shifted out). That is enough for every operation to be rounded once and correctly;
 * fma alone adds in 128 bits before it comes down to this form.
 */
#ifndef CORE_FP_INTERNAL_H
#define CORE_FP_INTERNAL_H

#include <glib.h>
#include "core/fp.h"

typedef unsigned __int128 FpWide;

/* Bit patterns and ranges of one format; derived from the width of its two fields only. */
typedef struct FpDesc {
    uint64_t sign;      /* the sign bit; also 2^(width - 1) */
    uint64_t inf;       /* +infinity: the exponent field's bits */
    uint64_t quiet;     /* the top fraction bit: set in quiet NaNs */
    uint64_t frac_mask; /* the fraction field's bits */
    unsigned frac_bits;
    unsigned exp_field; /* largest value of the exponent field */
    unsigned drop;      /* bits of FpNum.sig below the last place */
    int bias;
    int emin, emax; /* exponents of normal numbers */
} FpDesc;

#define FP_DESC(exp_bits, frac)                                                                              \
    {                                                                                                        \
        .sign = UINT64_C(1) << ((exp_bits) + (frac)), .inf = ((UINT64_C(1) << (exp_bits)) - 1) << (frac),    \
        .quiet = UINT64_C(1) << ((frac)-1), .frac_mask = (UINT64_C(1) << (frac)) - 1, .frac_bits = (frac),   \
        .exp_field = (1u << (exp_bits)) - 1, .drop = 62 - (frac), .bias = (1 << ((exp_bits)-1)) - 1,         \
        .emin = 2 - (1 << ((exp_bits)-1)), .emax = (1 << ((exp_bits)-1)) - 1                                 \
    }

static const FpDesc fp_descs[] = {
    [FP_H] = FP_DESC(5, 10),
    [FP_S] = FP_DESC(8, 23),
    [FP_D] = FP_DESC(11, 52),
};

/*
 * body(descriptor, ...) compiled once for each format, with the descriptor's members as constants: a fifth
 * faster than looking them up. `body` must be FP_INLINE.
 */
#define FP_INLINE static inline __attribute__((always_inline))
#define FP_SPECIALIZE(f, body, ...)                                                                          \
    ((f) == FP_D   ? body(&fp_descs[FP_D], __VA_ARGS__)                                                      \
     : (f) == FP_S ? body(&fp_descs[FP_S], __VA_ARGS__)                                                      \
                   : body(&fp_descs[FP_H], __VA_ARGS__))

typedef enum { FPK_FINITE, FPK_ZERO, FPK_INF, FPK_NAN, FPK_SNAN } FpKind; /* FINITE: and not zero */

typedef struct FpNum {
    uint64_t sig; /* finite only */
    int exp;      /* finite only */
    bool sign;
    FpKind kind;
} FpNum;

/* Zeros, subnormals, infinities and NaNs. */
FpNum fp_unpack_special(const FpDesc *d, uint64_t a);
/* Exponent below emin, and rounding that ended above emax. */
uint64_t fp_pack_tiny(const FpDesc *d, bool sign, int exp, uint64_t sig, FpRound rm, uint8_t *flags);
uint64_t fp_pack_overflow(const FpDesc *d, bool sign, FpRound rm, uint8_t *flags);

FP_INLINE FpNum fp_unpack(const FpDesc *d, uint64_t a) {
    unsigned field = (unsigned)(a >> d->frac_bits) & d->exp_field;

    if (G_UNLIKELY(field == 0 || field == d->exp_field))
        return fp_unpack_special(d, a);
    return (FpNum){.sig = ((a & d->frac_mask) | (d->frac_mask + 1)) << d->drop,
                   .exp = (int)field - d->bias,
                   .sign = (a & d->sign) != 0,
                   .kind = FPK_FINITE};
}

FP_INLINE bool fp_num_is_nan(FpNum n) {
    return n.kind >= FPK_NAN;
}
FP_INLINE bool fp_is_nan(const FpDesc *d, uint64_t a) {
    return (a & (d->sign - 1)) > d->inf;
}
FP_INLINE bool fp_is_snan(const FpDesc *d, uint64_t a) {
    return fp_is_nan(d, a) && !(a & d->quiet);
}
FP_INLINE uint64_t fp_sign_bit(const FpDesc *d, bool sign) {
    return sign ? d->sign : 0;
}
FP_INLINE uint64_t fp_zero(const FpDesc *d, bool sign) {
    return fp_sign_bit(d, sign);
}
FP_INLINE uint64_t fp_inf(const FpDesc *d, bool sign) {
    return fp_sign_bit(d, sign) | d->inf;
}
FP_INLINE uint64_t fp_nan(const FpDesc *d) {
    return d->inf | d->quiet;
}

FP_INLINE uint64_t fp_invalid(const FpDesc *d, uint8_t *flags) {
    *flags |= FP_NV;
    return fp_nan(d);
}

/* The sign of a sum that is exactly zero, of terms of different sign (IEEE 754 §6.3). */
FP_INLINE bool fp_zero_sum_sign(FpRound rm) {
    return rm == RM_RDN;
}

/* Right shift that keeps "something was lost" in bit 0; any count. */
FP_INLINE uint64_t fp_shift_right_jam(uint64_t v, unsigned n) {
    if (n >= 64)
        return v != 0;
    return v >> n | ((v & ((UINT64_C(1) << n) - 1)) != 0);
}

/*
 * What to add to `v` so that dropping its low `drop` bits (1..63) rounds it. `v` must have room for the
 * carry.
 */
FP_INLINE uint64_t fp_round_addend(uint64_t v, unsigned drop, bool sign, FpRound rm) {
    uint64_t mask = (UINT64_C(1) << drop) - 1;

    if (G_LIKELY(rm == RM_RNE))
        return (mask >> 1) + (v >> drop & 1);
    switch (rm) {
    case RM_RMM: return (mask >> 1) + 1;
    case RM_RDN: return sign ? mask : 0;
    case RM_RUP: return sign ? 0 : mask;
    default: return 0;
    }
}

/*
 * Round a finite non-zero number to the format. The exponent field is added, so that a significand that
 * rounds up to the next power of two carries into it.
 */
FP_INLINE uint64_t fp_pack(const FpDesc *d, bool sign, int exp, uint64_t sig, FpRound rm, uint8_t *flags) {
    uint64_t bits;

    if (G_UNLIKELY(exp < d->emin))
        return fp_pack_tiny(d, sign, exp, sig, rm, flags);
    if (G_UNLIKELY(exp > d->emax))
        return fp_pack_overflow(d, sign, rm, flags);
    bits = sig & ((UINT64_C(1) << d->drop) - 1);
    if (bits) {
        *flags |= FP_NX;
        sig += fp_round_addend(sig, d->drop, sign, rm);
    }
    bits = ((uint64_t)(exp - d->emin) << d->frac_bits) + (sig >> d->drop);
    if (G_UNLIKELY(bits >= d->inf))
        return fp_pack_overflow(d, sign, rm, flags);
    return bits | fp_sign_bit(d, sign);
}

/* The same for any non-zero sig below 2^63: normalises first. value = sig * 2^(exp - 62) */
FP_INLINE uint64_t fp_normalize_pack(const FpDesc *d, bool sign, int exp, uint64_t sig, FpRound rm,
                                     uint8_t *flags) {
    int shift = __builtin_clzll(sig) - 1;
    return fp_pack(d, sign, exp - shift, sig << shift, rm, flags);
}

/*
 * The number's magnitude rounded to an integer, as sig and exp say it; exp <= 62, so it always fits. *inexact
 * says whether that changed it.
 */
FP_INLINE uint64_t fp_round_to_integer(FpNum n, FpRound rm, bool *inexact) {
    uint64_t v;

    if (n.exp == 62) {
        *inexact = false;
        return n.sig;
    }
    if (n.exp < 0) {
        n.sig = fp_shift_right_jam(n.sig, (unsigned)-n.exp);
        n.exp = 0;
    }
    v = n.sig;
    *inexact = (v & ((UINT64_C(1) << (62 - n.exp)) - 1)) != 0;
    return (v + fp_round_addend(v, (unsigned)(62 - n.exp), n.sign, rm)) >> (62 - n.exp);
}

#endif
