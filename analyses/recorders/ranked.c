/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/recorders/ranked.h"

#include <string.h>

#define DIGIT_BITS 11u
#define DIGIT_VALUES (1u << DIGIT_BITS)
#define DIGITS ((64 + DIGIT_BITS - 1) / DIGIT_BITS)

typedef int Compare(const void *a, const void *b);

static unsigned digit_of(uint64_t key, unsigned digit) {
    return key >> digit * DIGIT_BITS & (DIGIT_VALUES - 1);
}

/* By one digit, what has the same value as it was. `before`: how many have each value; becomes where they go. */
static void distribute(const Ranked *from, Ranked *to, size_t n, unsigned digit, size_t *before) {
    size_t at = 0;
    for (unsigned v = 0; v < DIGIT_VALUES; v++) {
        size_t many = before[v];
        before[v] = at;
        at += many;
    }
    for (size_t i = 0; i < n; i++)
        to[before[digit_of(from[i].key, digit)]++] = from[i];
}

static gint compare_items(gconstpointer a, gconstpointer b, gpointer compare) {
    return (*(Compare **)compare)(((const Ranked *)a)->item, ((const Ranked *)b)->item);
}

static void sort_ties(Ranked *items, size_t n, Compare *compare) {
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && items[end].key == items[i].key; end++)
            ;
        if (end - i > 1)
            g_qsort_with_data(items + i, (gint)(end - i), sizeof *items, compare_items, &compare);
    }
}

void ranked_sort(Ranked *items, size_t n, Compare *compare) {
    g_autofree size_t *counts = g_new0(size_t, DIGITS * DIGIT_VALUES);
    g_autofree Ranked *other = g_new(Ranked, n);
    Ranked *from = items, *to = other;
    for (size_t i = 0; i < n; i++)
        for (unsigned d = 0; d < DIGITS; d++)
            counts[d * DIGIT_VALUES + digit_of(items[i].key, d)]++;
    for (unsigned d = 0; d < DIGITS && n; d++) {
        if (counts[d * DIGIT_VALUES + digit_of(items[0].key, d)] == n)
            continue; /* it is the same in all */
        distribute(from, to, n, d, counts + d * DIGIT_VALUES);
        Ranked *done = to;
        to = from;
        from = done;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
    if (compare)
        sort_ties(items, n, compare);
}
