/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Division and square root. */
#include "core/fp_internal.h"

static G_GNUC_NO_INLINE uint64_t div_special(const FpDesc *d, FpNum a, FpNum b, uint8_t *flags) {
    bool sign = a.sign != b.sign;

    if (fp_num_is_nan(a) || fp_num_is_nan(b))
        return a.kind == FPK_SNAN || b.kind == FPK_SNAN ? fp_invalid(d, flags) : fp_nan(d);
    if (a.kind == b.kind) /* inf/inf, 0/0 */
        return fp_invalid(d, flags);
    if (a.kind == FPK_INF)
        return fp_inf(d, sign);
    if (b.kind == FPK_ZERO) {
        *flags |= FP_DZ;
        return fp_inf(d, sign);
    }
    return fp_zero(d, sign);
}

FP_INLINE uint64_t divide(const FpDesc *d, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags) {
    FpNum na = fp_unpack(d, a), nb = fp_unpack(d, b);
    FpWide dividend;
    uint64_t quotient;
    bool less;

    if (G_UNLIKELY(na.kind != FPK_FINITE || nb.kind != FPK_FINITE))
        return div_special(d, na, nb, flags);
    less = na.sig < nb.sig;
    dividend = (FpWide)na.sig << (less ? 63 : 62);
    quotient = (uint64_t)(dividend / nb.sig); /* 2^62 <= quotient < 2^63 */
    quotient |= (FpWide)quotient * nb.sig != dividend;
    return fp_pack(d, na.sign != nb.sign, na.exp - nb.exp - less, quotient, rm, flags);
}

uint64_t fp_div(FpFormat f, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags) {
    return FP_SPECIALIZE(f, divide, a, b, rm, flags);
}

/* Square root of i * 256 + 255, rounded down, for i = 64 .. 255: at most one too large for any n with n / 256
 * = i. */
static const uint8_t root_table[192] = {
    128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 143, 144, 145, 146,
    147, 148, 149, 150, 150, 151, 152, 153, 154, 155, 155, 156, 157, 158, 159, 159, 160, 161, 162, 163,
    163, 164, 165, 166, 167, 167, 168, 169, 170, 170, 171, 172, 173, 173, 174, 175, 175, 176, 177, 178,
    178, 179, 180, 181, 181, 182, 183, 183, 184, 185, 185, 186, 187, 187, 188, 189, 189, 190, 191, 191,
    192, 193, 193, 194, 195, 195, 196, 197, 197, 198, 199, 199, 200, 201, 201, 202, 203, 203, 204, 204,
    205, 206, 206, 207, 207, 208, 209, 209, 210, 211, 211, 212, 212, 213, 214, 214, 215, 215, 216, 217,
    217, 218, 218, 219, 219, 220, 221, 221, 222, 222, 223, 223, 224, 225, 225, 226, 226, 227, 227, 228,
    229, 229, 230, 230, 231, 231, 232, 232, 233, 234, 234, 235, 235, 236, 236, 237, 237, 238, 238, 239,
    239, 240, 241, 241, 242, 242, 243, 243, 244, 244, 245, 245, 246, 246, 247, 247, 248, 248, 249, 249,
    250, 250, 251, 251, 252, 252, 253, 253, 254, 254, 255, 255,
};

/*
 * Integer square roots by halves: with base B = 2^(bits/4) and n = (high * B + mid) * B + low, let s, r be
 * root and remainder of `high` and divide r * B + mid by 2s: the quotient is the root's low half or one above
 * it. All need n to have one of its top two bits set; r <= 2s.
 */
static uint32_t root_16(uint32_t n, uint32_t *rem) {
    uint32_t s = root_table[(n >> 8) - 64];

    if (s * s > n)
        s--;
    *rem = n - s * s;
    return s;
}

static uint32_t root_32(uint32_t n, uint32_t *rem) {
    uint32_t r, s = root_16(n >> 16, &r), t = r << 8 | (n >> 8 & 0xff), q = t / (2 * s), u = t % (2 * s);
    int64_t left = ((int64_t)u << 8 | (n & 0xff)) - (int64_t)q * q;

    s = (s << 8) + q;
    if (left < 0) {
        left += 2 * (int64_t)s - 1;
        s--;
    }
    *rem = (uint32_t)left;
    return s;
}

static uint64_t root_64(uint64_t n, uint64_t *rem) {
    uint32_t r, high = root_32((uint32_t)(n >> 32), &r);
    uint64_t s = high, t = (uint64_t)r << 16 | (n >> 16 & 0xffff), q = t / (2 * s), u = t % (2 * s);
    int64_t left = (int64_t)(u << 16 | (n & 0xffff)) - (int64_t)(q * q);

    s = (s << 16) + q;
    if (left < 0) {
        left += 2 * (int64_t)s - 1;
        s--;
    }
    *rem = (uint64_t)left;
    return s;
}

/* The root of high * 2^64, 64 bits of it; *exact if nothing is left. */
static uint64_t root_128(uint64_t high, bool *exact) {
    uint64_t r, s = root_64(high, &r);
    uint64_t t = r << 31, q = t / s, u = t % s; /* halves: r has up to 33 bits */
    __int128 left = ((__int128)u << 33) - (__int128)((FpWide)q * q);

    s = (s << 32) + q;
    if (left < 0) {
        left += 2 * (__int128)s - 1;
        s--;
    }
    *exact = left == 0;
    return s;
}

FP_INLINE uint64_t square_root(const FpDesc *d, uint64_t a, FpRound rm, uint8_t *flags) {
    FpNum n = fp_unpack(d, a);
    uint64_t root;
    bool exact;

    if (G_UNLIKELY(n.kind == FPK_NAN))
        return fp_nan(d);
    if (G_UNLIKELY(n.kind == FPK_ZERO))
        return fp_zero(d, n.sign);
    if (G_UNLIKELY(n.sign || n.kind == FPK_SNAN))
        return fp_invalid(d, flags);
    if (G_UNLIKELY(n.kind == FPK_INF))
        return fp_inf(d, false);
    root = root_128(n.sig << (n.exp & 1), &exact); /* 64 bits, the lowest below sig's */
    root = root >> 1 | (root & 1) | !exact;
    return fp_pack(d, false, n.exp >> 1, root, rm, flags);
}

uint64_t fp_sqrt(FpFormat f, uint64_t a, FpRound rm, uint8_t *flags) {
    return FP_SPECIALIZE(f, square_root, a, rm, flags);
}
