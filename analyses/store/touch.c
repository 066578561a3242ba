/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/touch.h"

#define HASH_SIZE 8192u /* at first */

void touches_init(Touches *t) {
    t->all = g_ptr_array_new_with_free_func(g_free);
    t->mask = HASH_SIZE - 1;
    t->hash = g_new0(uint32_t, t->mask + 1);
}

void touches_done(Touches *t) {
    g_ptr_array_free(t->all, TRUE);
    g_free(t->hash);
    g_free(t->packed);
}

void touches_reset(Touches *t) {
    memset(t->hash, 0, (t->mask + 1) * sizeof t->hash[0]);
    t->n = 0;
}

static size_t hash_slot(const Touches *t, uint64_t vpage, uint64_t ppage) {
    return ((vpage * 0x9e3779b97f4a7c15ull ^ ppage * 0xc2b2ae3d27d4eb4full) >> 32) & t->mask;
}

static Touch *touch_at(const Touches *t, size_t i) {
    return g_ptr_array_index(t->all, i);
}

static void hash_grow(Touches *t) {
    g_free(t->hash);
    t->mask = t->mask * 2 + 1;
    t->hash = g_new0(uint32_t, t->mask + 1);
    for (size_t i = 0; i < t->n; i++) {
        size_t at = hash_slot(t, touch_at(t, i)->vpage, touch_at(t, i)->ppage);
        while (t->hash[at])
            at = (at + 1) & t->mask;
        t->hash[at] = (uint32_t)i + 1;
    }
}

Touch *touches_get(Touches *t, uint64_t vpage, uint64_t ppage) {
    if (t->n > t->mask / 2)
        hash_grow(t);
    size_t at = hash_slot(t, vpage, ppage);
    for (; t->hash[at]; at = (at + 1) & t->mask) {
        Touch *found = touch_at(t, t->hash[at] - 1);
        if (found->vpage == vpage && found->ppage == ppage)
            return found;
    }
    if (t->n == t->all->len)
        g_ptr_array_add(t->all, g_new(Touch, 1));
    Touch *new = touch_at(t, t->n++);
    *new = (Touch){.vpage = vpage, .ppage = ppage};
    t->hash[at] = (uint32_t)t->n;
    return new;
}

/* Eight bytes of 0 or 1 to eight bits. */
static uint64_t pack_bits(const uint8_t *bytes) {
    uint64_t x;
    memcpy(&x, bytes, 8);
    return GUINT64_FROM_LE(x) * 0x0102040810204080u >> 56;
}

/* A line was touched also where something in it was written. */
static PageTouch touch_pack(const Touch *t) {
    PageTouch page = {.vpage = t->vpage, .ppage = t->ppage};
    for (unsigned i = 0; i < 64; i++) {
        uint64_t written = pack_bits(t->mark + TOUCH_WRITTEN + 8 * (size_t)i);
        page.written[i / 8] |= written << (i % 8 * 8);
        page.lines |= (uint64_t)(written || t->mark[i]) << i;
    }
    return page;
}

PageTouch *touches_pack(Touches *t, size_t *n) {
    t->packed = g_renew(PageTouch, t->packed, t->n + 1);
    for (size_t i = 0; i < t->n; i++)
        t->packed[i] = touch_pack(touch_at(t, i));
    *n = t->n;
    return t->packed;
}
