/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What helper_crypto computes from a (rs1) and b (rs2, or the round number): unprivileged spec chapter 32. */
#ifndef TCG_RISCV_CRYPTOCALL_H
#define TCG_RISCV_CRYPTOCALL_H

typedef enum {
    CRYPTO_AES64ES,
    CRYPTO_AES64ESM,
    CRYPTO_AES64DS,
    CRYPTO_AES64DSM,
    CRYPTO_AES64IM,   /* b unused */
    CRYPTO_AES64KS1I, /* b: round number 0..10 */
    CRYPTO_BREV8,     /* b unused */
    CRYPTO_XPERM4,
    CRYPTO_XPERM8,
} CryptoCall;

#endif
