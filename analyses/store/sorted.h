/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows in order of where they begin: an address or a position, which is their first member, a uint64_t. */
#ifndef ANALYSES_STORE_SORTED_H
#define ANALYSES_STORE_SORTED_H

#include <glib.h>
#include <stdint.h>

/* How many begin at or before `key`: the last of them is the one that holds it, if any does. */
static inline guint sorted_upto(const GArray *rows, uint64_t key) {
    size_t size = g_array_get_element_size((GArray *)rows);
    guint low = 0, high = rows->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (*(const uint64_t *)(const void *)(rows->data + middle * size) <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#endif
