/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scalar cryptography (Zknd, Zkne, Zknh): unprivileged spec chapter 32. */
#include "tcg/riscv/cryptocall.h"
#include "tcg/riscv/trans.h"

/* ---- AES ----------------------------------------------------------------------------------------- */

static bool aes(Trans *t, const InsnArgs *a, CryptoCall code, IrVar b) {
    if (a->rd) {
        trans_call_to(t, HELPER_crypto, IR_X(a->rd), IR_X(a->rs1), b, trans_const(t, code));
    }
    return true;
}

TRANS(aes64es, aes, CRYPTO_AES64ES, IR_X(a->rs2))
TRANS(aes64esm, aes, CRYPTO_AES64ESM, IR_X(a->rs2))
TRANS(aes64ds, aes, CRYPTO_AES64DS, IR_X(a->rs2))
TRANS(aes64dsm, aes, CRYPTO_AES64DSM, IR_X(a->rs2))
TRANS(aes64im, aes, CRYPTO_AES64IM, IR_ZERO)
TRANS(aes64ks1i, aes, CRYPTO_AES64KS1I, trans_const(t, a->rnum))

/* Two words of the key schedule: w0 = high(rs1) ^ low(rs2), w1 = w0 ^ high(rs2). */
bool trans_aes64ks2(Trans *t, const InsnArgs *a) {
    if (a->rd) {
        IrVar w0 = trans_temp(t, IR_XOR, trans_temp_imm(t, IR_SHR, IR_X(a->rs1), 32), IR_X(a->rs2));
        IrVar w1 = trans_temp(t, IR_XOR, w0, trans_temp_imm(t, IR_SHR, IR_X(a->rs2), 32));
        IrVar high = trans_temp_imm(t, IR_SHL, w1, 32);
        emit(t, IR_OR, IR_X(a->rd), high, trans_temp(t, IR_ZEXT32, w0, IR_ZERO), 0);
    }
    return true;
}

/* ---- SHA-2: each function is the sum of three rotations or shifts -------------------------------- */

static bool sha(Trans *t, const InsnArgs *a, IrOpcode rotate, unsigned n1, unsigned n2, IrOpcode third,
                unsigned n3) {
    if (a->rd) {
        IrVar x = trans_temp_imm(t, rotate, IR_X(a->rs1), n1);
        IrVar y = trans_temp_imm(t, rotate, IR_X(a->rs1), n2);
        IrVar z = trans_temp_imm(t, third, IR_X(a->rs1), n3);
        emit(t, IR_XOR, IR_X(a->rd), trans_temp(t, IR_XOR, x, y), z, 0);
    }
    return true;
}

TRANS(sha256sum0, sha, IR_RORW, 2, 13, IR_RORW, 22)
TRANS(sha256sum1, sha, IR_RORW, 6, 11, IR_RORW, 25)
TRANS(sha256sig0, sha, IR_RORW, 7, 18, IR_SHRW, 3)
TRANS(sha256sig1, sha, IR_RORW, 17, 19, IR_SHRW, 10)
TRANS(sha512sum0, sha, IR_ROR, 28, 34, IR_ROR, 39)
TRANS(sha512sum1, sha, IR_ROR, 14, 18, IR_ROR, 41)
TRANS(sha512sig0, sha, IR_ROR, 1, 8, IR_SHR, 7)
TRANS(sha512sig1, sha, IR_ROR, 19, 61, IR_SHR, 6)
