/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sorting many things by a number: a digit of eleven bits at a time, the lowest first, without looking at the things
 * (Knuth, TAOCP 5.2.5, "distribution counting").
 */
#ifndef ANALYSES_RANKED_H
#define ANALYSES_RANKED_H

#include <glib.h>
#include <stdint.h>

typedef struct Ranked {
    uint64_t key;
    void *item;
} Ranked;

/* The key that orders as SQL does, which has no unsigned numbers. */
static inline uint64_t ranked_key(uint64_t number) {
    return number ^ (uint64_t)1 << 63;
}

/* Ascending; items with the same key as `compare` orders them (NULL: as they were). */
void ranked_sort(Ranked *items, size_t n, int (*compare)(const void *a, const void *b));

#endif
