/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conversions between the formats, and between floats and integers. */
#include "core/fp_internal.h"

uint64_t fp_convert(FpFormat to, FpFormat from, uint64_t a, FpRound rm, uint8_t *flags) {
    const FpDesc *d = &fp_descs[to];
    FpNum n = fp_unpack(&fp_descs[from], a);

    switch (n.kind) {
    case FPK_FINITE: return fp_pack(d, n.sign, n.exp, n.sig, rm, flags);
    case FPK_ZERO: return fp_zero(d, n.sign);
    case FPK_INF: return fp_inf(d, n.sign);
    case FPK_NAN: return fp_nan(d);
    default: return fp_invalid(d, flags);
    }
}

static uint64_t sign_extend(uint64_t v, unsigned bits) {
    return (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
}

/* Unprivileged spec §20.7, the table of ranges and of results for invalid input: NaN counts as +infinity. */
static uint64_t saturate(bool negative, unsigned bits, bool is_signed, uint8_t *flags) {
    uint64_t all = UINT64_MAX >> (64 - bits);

    *flags |= FP_NV;
    if (is_signed)
        return negative ? sign_extend(all ^ all >> 1, bits) : all >> 1;
    return negative ? 0 : UINT64_MAX;
}

uint64_t fp_to_int(FpFormat f, uint64_t a, unsigned bits, bool is_signed, FpRound rm, uint8_t *flags) {
    FpNum n = fp_unpack(&fp_descs[f], a);
    uint64_t v, limit; /* magnitudes */
    bool inexact = false;

    if (G_UNLIKELY(n.kind != FPK_FINITE))
        return n.kind == FPK_ZERO ? 0 : saturate(n.sign && n.kind == FPK_INF, bits, is_signed, flags);
    if (n.exp > 63)
        return saturate(n.sign, bits, is_signed, flags);
    v = n.exp == 63 ? n.sig << 1 : fp_round_to_integer(n, rm, &inexact);
    if (is_signed)
        limit = (UINT64_C(1) << (bits - 1)) - !n.sign;
    else
        limit = n.sign ? 0 : UINT64_MAX >> (64 - bits);
    if (v > limit)
        return saturate(n.sign, bits, is_signed, flags);
    *flags |= inexact ? FP_NX : 0;
    return sign_extend(n.sign ? -v : v, bits);
}

uint64_t fp_from_int(FpFormat f, uint64_t a, unsigned bits, bool is_signed, FpRound rm, uint8_t *flags) {
    const FpDesc *d = &fp_descs[f];
    bool sign = is_signed && a >> (bits - 1) & 1;
    uint64_t v = (sign ? -a : a) & UINT64_MAX >> (64 - bits);

    if (v == 0)
        return fp_zero(d, false);
    if (v >> 63)
        return fp_pack(d, sign, 63, v >> 1 | (v & 1), rm, flags);
    return fp_normalize_pack(d, sign, 62, v, rm, flags);
}

/*
 * fcvtmod.w.d (unprivileged spec, chapter Zfa): the integer part modulo 2^32, sign-extended; 0 for infinities
 * and NaNs; flags as fcvt.w.d would raise them.
 */
uint64_t fp_fcvtmod(uint64_t a, uint8_t *flags) {
    FpNum n = fp_unpack(&fp_descs[FP_D], a);
    uint64_t v;
    bool inexact;

    fp_to_int(FP_D, a, 32, true, RM_RTZ, flags);
    if (n.kind != FPK_FINITE || n.exp >= 62 + 32)
        return 0;
    v = n.exp > 62 ? n.sig << (n.exp - 62) : fp_round_to_integer(n, RM_RTZ, &inexact);
    return sign_extend(n.sign ? -v : v, 32);
}
