/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A generator of numbers for tests: splitmix64. The same seed gives the same test, on any host. */
#ifndef TESTS_RANDOM_RANDOM_H
#define TESTS_RANDOM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Random {
    uint64_t state;
} Random;

static inline uint64_t random_next(Random *r) {
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
/* 0 … n - 1 */
static inline uint64_t random_below(Random *r, uint64_t n) {
    return random_next(r) % n;
}
static inline bool random_one_in(Random *r, unsigned n) {
    return random_below(r, n) == 0;
}

#endif
