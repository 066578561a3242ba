/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state hash. RAM's part is the sum (mod 2^64) of one hash per page, seeded by the page's number, so that
 * only pages written since the last time are read again. A page of zeros counts 0 whether or not it was ever
 * written: the guest cannot tell, and memory that nobody touched stays untouched.
 */
#include <string.h>
#include <xxhash.h>

#include "core/machine.h"
#include "core/mmu.h"

static bool page_is_zero(const uint8_t *page) {
    return !page[0] && !memcmp(page, page + 1, PAGE_SIZE - 1);
}

/* 0 means zeros (snapshot.c relies on it), so a page whose hash happens to be 0 counts 1. */
static uint64_t page_hash(const uint8_t *page, uint32_t index) {
    if (page_is_zero(page))
        return 0;
    uint64_t hash = XXH3_64bits_withSeed(page, PAGE_SIZE, index + 1u);
    return hash ? hash : 1;
}

static bool rehash_page(Machine *m, uint32_t p) {
    if (!(m->page_flags[p] & PAGE_DIRTY))
        return false;
    uint64_t hash = page_hash(machine_page_host(m, p), p);
    m->ram_hash += hash - m->page_hash[p];
    m->page_hash[p] = hash;
    m->page_flags[p] = (uint8_t)((m->page_flags[p] & ~PAGE_DIRTY) | PAGE_CHANGED);
    return true;
}

void machine_hash_pages(Machine *m) {
    const uint64_t dirty_mask = PAGE_DIRTY * 0x0101010101010101u;
    bool any = false;
    for (uint32_t p = 0; p < m->n_pages;) {
        uint64_t flags = dirty_mask;
        uint32_t n = MIN(8u, m->n_pages - p);
        memcpy(&flags, m->page_flags + p, n);
        if (flags & dirty_mask)
            for (uint32_t i = 0; i < n; i++)
                any |= rehash_page(m, p + i);
        p += n;
    }
    if (any)
        mmu_drop_write_tags(m);
}

uint64_t machine_state_hash(Machine *m) {
    machine_hash_pages(m);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    state_write_uint(bytes, m->ram_hash, 8);
    for (guint i = 0; i < m->sections->len; i++) {
        guint at = bytes->len;
        state_write_uint(bytes, 0, 4);
        state_section_digest(&g_array_index(m->sections, StateSection, i), bytes);
        /* Each section's length goes in, so that bytes cannot move from one to the next unnoticed. */
        for (unsigned k = 0; k < 4; k++)
            bytes->data[at + k] = (uint8_t)((bytes->len - at - 4) >> (8 * k));
    }
    return XXH3_64bits(bytes->data, bytes->len);
}
