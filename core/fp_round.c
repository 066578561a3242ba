/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rounding to an integer that stays a float (fround and froundnx; unprivileged spec, chapter Zfa). */
#include "core/fp_internal.h"

uint64_t fp_round(FpFormat f, uint64_t a, FpRound rm, bool exact, uint8_t *flags) {
    const FpDesc *d = &fp_descs[f];
    FpNum n = fp_unpack(d, a);
    uint64_t v;
    bool inexact;

    if (n.kind == FPK_SNAN)
        return fp_invalid(d, flags);
    if (n.kind == FPK_NAN)
        return fp_nan(d);
    if (n.kind != FPK_FINITE || n.exp >= (int)d->frac_bits)
        return a & (d->sign | (d->sign - 1)); /* an integer already */
    v = fp_round_to_integer(n, rm, &inexact);
    if (inexact && exact)
        *flags |= FP_NX;
    if (v == 0)
        return fp_zero(d, n.sign);
    return fp_normalize_pack(d, n.sign, 62, v, rm, flags); /* exact: no more bits than the operand had */
}
