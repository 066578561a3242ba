/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rare ends of unpacking and packing: zeros, subnormals, infinities, NaNs, underflow, overflow. */
#include "core/fp_internal.h"

FpNum fp_unpack_special(const FpDesc *d, uint64_t a) {
    uint64_t frac = a & d->frac_mask;
    FpNum n = {.sign = (a & d->sign) != 0};

    if ((a & d->inf) == d->inf) {
        n.kind = frac == 0 ? FPK_INF : frac & d->quiet ? FPK_NAN : FPK_SNAN;
    } else if (frac == 0) {
        n.kind = FPK_ZERO;
    } else {
        int shift = __builtin_clzll(frac) - 1;
        n.sig = frac << shift;
        n.exp = d->emin + (int)d->drop - shift;
        n.kind = FPK_FINITE;
    }
    return n;
}

/*
 * Tininess is judged after rounding (unprivileged spec §20.2): a number is tiny unless, rounded to the full
 * precision as if exponents had no lower end, it would reach 2^emin.
 */
uint64_t fp_pack_tiny(const FpDesc *d, bool sign, int exp, uint64_t sig, FpRound rm, uint8_t *flags) {
    bool tiny = exp < d->emin - 1 || (sig + fp_round_addend(sig, d->drop, sign, rm)) >> 63 == 0;

    sig = fp_shift_right_jam(sig, (unsigned)(d->emin - exp));
    if (sig & ((UINT64_C(1) << d->drop) - 1)) {
        *flags |= tiny ? FP_NX | FP_UF : FP_NX;
        sig += fp_round_addend(sig, d->drop, sign, rm);
    }
    return sig >> d->drop | fp_sign_bit(d, sign); /* a carry makes it the smallest normal number */
}

uint64_t fp_pack_overflow(const FpDesc *d, bool sign, FpRound rm, uint8_t *flags) {
    bool to_inf = rm == RM_RNE || rm == RM_RMM || rm == (sign ? RM_RDN : RM_RUP);

    *flags |= FP_OF | FP_NX;
    return (to_inf ? d->inf : d->inf - 1) | fp_sign_bit(d, sign);
}
