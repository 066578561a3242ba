/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparisons, minimum and maximum, classification: all on the bit patterns as they are. */
#include "core/fp_internal.h"

static bool any_nan(const FpDesc *d, uint64_t a, uint64_t b) {
    return fp_is_nan(d, a) || fp_is_nan(d, b);
}
static bool any_snan(const FpDesc *d, uint64_t a, uint64_t b) {
    return fp_is_snan(d, a) || fp_is_snan(d, b);
}

/* A number that is ordered as the floats are, except that -0 < +0. Not for NaNs. */
static inline int64_t order_key(const FpDesc *d, uint64_t a) {
    int64_t magnitude = (int64_t)(a & (d->sign - 1));
    return a & d->sign ? ~magnitude : magnitude;
}

static inline bool both_zero(const FpDesc *d, uint64_t a, uint64_t b) {
    return ((a | b) & (d->sign - 1)) == 0;
}

bool fp_eq(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags) {
    const FpDesc *d = &fp_descs[f];

    if (G_UNLIKELY(any_nan(d, a, b))) {
        *flags |= any_snan(d, a, b) ? FP_NV : 0;
        return false;
    }
    return order_key(d, a) == order_key(d, b) || both_zero(d, a, b);
}

/* a < b, or a <= b; `quiet`: only signalling NaNs are invalid, else any NaN. */
static inline bool compare(FpFormat f, uint64_t a, uint64_t b, bool or_equal, bool quiet, uint8_t *flags) {
    const FpDesc *d = &fp_descs[f];

    if (G_UNLIKELY(any_nan(d, a, b))) {
        *flags |= !quiet || any_snan(d, a, b) ? FP_NV : 0;
        return false;
    }
    if (both_zero(d, a, b))
        return or_equal;
    return or_equal ? order_key(d, a) <= order_key(d, b) : order_key(d, a) < order_key(d, b);
}

bool fp_lt(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags) {
    return compare(f, a, b, false, false, flags);
}
bool fp_le(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags) {
    return compare(f, a, b, true, false, flags);
}
bool fp_ltq(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags) {
    return compare(f, a, b, false, true, flags);
}
bool fp_leq(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags) {
    return compare(f, a, b, true, true, flags);
}

/* The smaller or larger one; a NaN gives way to a number (unprivileged spec §20.6), or prevails (Zfa). */
static inline uint64_t pick(FpFormat f, uint64_t a, uint64_t b, bool larger, bool nan_prevails,
                            uint8_t *flags) {
    const FpDesc *d = &fp_descs[f];

    if (G_UNLIKELY(any_nan(d, a, b))) {
        *flags |= any_snan(d, a, b) ? FP_NV : 0;
        if (nan_prevails || (fp_is_nan(d, a) && fp_is_nan(d, b)))
            return fp_nan(d);
        return fp_is_nan(d, a) ? b : a;
    }
    return (order_key(d, a) < order_key(d, b)) != larger ? a : b;
}

uint64_t fp_min(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags) {
    return pick(f, a, b, false, false, flags);
}
uint64_t fp_max(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags) {
    return pick(f, a, b, true, false, flags);
}
uint64_t fp_minm(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags) {
    return pick(f, a, b, false, true, flags);
}
uint64_t fp_maxm(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags) {
    return pick(f, a, b, true, true, flags);
}

/* Unprivileged spec §20.9, the table of fclass: bits 0..3 -inf to -0, mirrored in 4..7, then the NaNs. */
uint64_t fp_class(FpFormat f, uint64_t a) {
    const FpDesc *d = &fp_descs[f];
    uint64_t magnitude = a & (d->sign - 1);
    unsigned positive; /* 4 zero, 5 subnormal, 6 normal, 7 infinite */

    if (magnitude > d->inf)
        return a & d->quiet ? 1u << 9 : 1u << 8;
    positive = magnitude == d->inf ? 7 : magnitude > d->frac_mask ? 6 : magnitude != 0 ? 5 : 4;
    return 1u << (a & d->sign ? 7 - positive : positive);
}
