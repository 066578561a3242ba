/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/x86_64/compiler.h"

#include <cpuid.h>

/* Does the operating system keep what VEX-encoded instructions change? */
static bool saves_avx(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

void x86_features_detect(X86Features *f) {
    unsigned a, b, c, d;
    *f = (X86Features){0};
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        f->popcnt = c & bit_POPCNT;
        f->fma = (c & bit_FMA) && (c & bit_OSXSAVE) && saves_avx();
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        f->bmi1 = b & bit_BMI;
        f->bmi2 = b & bit_BMI2;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        f->lzcnt = c & bit_LZCNT;
    }
}
