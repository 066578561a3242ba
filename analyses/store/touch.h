/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a chunk's accesses touch, while it is encoded: a byte a line and a byte a granule, because bytes are
 * faster to set than bits. They become PageTouches at the end.
 */
#ifndef ANALYSES_STORE_TOUCH_H
#define ANALYSES_STORE_TOUCH_H

#include "analyses/store/chunk.h"

#define TOUCH_WRITTEN 64u /* marks: 64 lines touched, then 512 granules written */
#define TOUCH_MARKS (64u + 512u)

typedef struct Touch {
    uint64_t vpage, ppage;
    uint8_t mark[TOUCH_MARKS];
} Touch;

typedef struct Touches {
    GPtrArray *all; /* of Touch; those from n on are for reuse */
    size_t n;
    uint32_t *hash; /* number in `all` + 1, 0 for none */
    size_t mask;
    PageTouch *packed;
} Touches;

void touches_init(Touches *t);
void touches_done(Touches *t);
void touches_reset(Touches *t);
/* Valid until the reset. */
Touch *touches_get(Touches *t, uint64_t vpage, uint64_t ppage);
/* All of them as bits; valid until the next pack. */
PageTouch *touches_pack(Touches *t, size_t *n);

static inline void mark_line(uint8_t *mark, uint64_t address) {
    mark[(address & (PAGE_SIZE - 1)) >> 6] = 1;
}
static inline void mark_written(uint8_t *mark, uint64_t address) {
    mark[TOUCH_WRITTEN + ((address & (PAGE_SIZE - 1)) >> 3)] = 1;
}
static inline void mark_any(uint8_t *mark, uint64_t address, bool is_store) {
    if (is_store)
        mark_written(mark, address);
    else
        mark_line(mark, address);
}

#endif
