/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host test and the judge say to each other: the host writes FpRecords to the judge's standard input
 * in chunks of FP_CHUNK (the last may be shorter), the judge answers each whole chunk with as many FpAnswers.
 * Both are little-endian.
 */
#ifndef TESTS_FP_RECORD_H
#define TESTS_FP_RECORD_H

#include <stdint.h>

enum { FP_CHUNK = 8192 };

typedef struct FpRecord {
    uint64_t a, b, c; /* whole registers */
    uint32_t code;    /* FpCall */
    uint32_t zero;
} FpRecord;

typedef struct FpAnswer {
    uint64_t result; /* whole register */
    uint64_t flags;
} FpAnswer;

#endif
