/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/device_sites.h"

#include <string.h>

#define OFTEN 2000u /* steps between accesses */
#define ENOUGH 16u
#define PAGE_WORDS (PAGE_SIZE / 2 / 64)

void device_sites_init(DeviceSites *s) {
    memset(s->seen, 0, sizeof s->seen);
    s->pages = g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

void device_sites_done(DeviceSites *s) {
    g_hash_table_unref(s->pages);
}

void device_sites_clear(DeviceSites *s) {
    memset(s->seen, 0, sizeof s->seen);
    g_hash_table_remove_all(s->pages);
}

bool device_sites_is_hot(DeviceSites *s, Gva pc, Pos pos) {
    unsigned i = (unsigned)(pc >> 1 ^ pc >> 9) % DEVICE_SITES;
    bool again = s->seen[i].pc == pc && pos - s->seen[i].pos < OFTEN;
    s->seen[i].score = again ? s->seen[i].score + 1 : 1;
    s->seen[i].pc = pc;
    s->seen[i].pos = pos;
    return s->seen[i].score >= ENOUGH;
}

void device_sites_add(DeviceSites *s, uint32_t page, uint32_t offset) {
    uint64_t *bits = g_hash_table_lookup(s->pages, GUINT_TO_POINTER(page));
    if (!bits) {
        bits = g_new0(uint64_t, PAGE_WORDS);
        g_hash_table_insert(s->pages, GUINT_TO_POINTER(page), bits);
    }
    bits[offset / 2 / 64] |= UINT64_C(1) << offset / 2 % 64;
}

const uint64_t *device_sites_of(const DeviceSites *s, uint32_t page) {
    return g_hash_table_size(s->pages) ? g_hash_table_lookup(s->pages, GUINT_TO_POINTER(page)) : NULL;
}
