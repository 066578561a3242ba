/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A benchmark of memory that lies far apart: sums of three arrays that are a power of two apart, and a walk in no order. */
#include "rt/rt.h"

enum { WORDS = 1 << 20, PASSES = 40, STEPS = 8000000 };

static uint64_t array[4][WORDS];

static uint64_t sums(void) {
    for (unsigned pass = 0; pass < PASSES; pass++)
        for (unsigned i = 0; i < WORDS; i++)
            array[2][i] = array[0][i] + 3 * array[1][i] + pass;
    return array[2][WORDS - 1];
}

static uint64_t walk(void) {
    uint64_t at = 1;
    for (unsigned i = 0; i < STEPS; i++) {
        at = at * 6364136223846793005u + 1442695040888963407u;
        array[at >> 62][(at >> 32) % WORDS] ^= at;
    }
    return array[0][5] ^ array[3][7];
}

int main(void) {
    for (unsigned i = 0; i < WORDS; i++)
        array[0][i] = array[1][WORDS - 1 - i] = i;
    print("%lx %lx\n", sums(), walk());
    rt_pass();
}
