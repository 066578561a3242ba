/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating-point instructions with operands that are likely to be hard, in an order that depends on the seed
 * only: every operation, format and rounding mode, with specials, subnormals, NaN payloads, improper NaN
 * boxes, fractions that end halfway, sums that cancel, products near the ends of the range, conversions near
 * saturation.
 */
#ifndef TESTS_FP_CASES_H
#define TESTS_FP_CASES_H

#include <stdbool.h>
#include "tests/fp/record.h"

typedef struct FpCases {
    uint64_t random;
    bool zfa; /* Zfa's operations too */
} FpCases;

FpRecord fp_cases_next(FpCases *g);
const char *fp_cases_op_name(uint32_t code);

#endif
