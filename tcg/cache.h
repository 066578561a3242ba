/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The book-keeping of translated blocks: the table they are found in, the list of each page's blocks, and who is
 * linked to whom. Removed blocks stay in memory until cache_reset(), because one may still be running.
 */
#ifndef TCG_CACHE_H
#define TCG_CACHE_H

#include "tcg/arena.h"
#include "tcg/backend.h"

typedef struct BlockCache {
    Machine *machine;
    Arena arena;
    Block **table;      /* ordinary blocks, by hash */
    Block **singles;    /* blocks of one instruction for the interpreter */
    Block **page_head;  /* per host page */
    uint64_t *lines;    /* per host page, bit per 64 bytes: code was made from some of them since PAGE_CODE */
    GArray *code_pages; /* of uint32_t: pages that got PAGE_CODE since the last reset, with repetitions */
} BlockCache;

void cache_init(BlockCache *c, Machine *m);
void cache_done(BlockCache *c);
Block *cache_find(const BlockCache *c, Gva pc, uint32_t page_id, uint32_t flags, bool single);
/* A cleared block, to be filled in and then inserted (or left to the next reset). */
Block *cache_alloc(BlockCache *c);
/* Time to reset: the removed blocks take too much memory. */
bool cache_is_full(const BlockCache *c);
/* Enter a compiled block: valid, findable, and its pages watched. */
void cache_insert(BlockCache *c, Block *b);
/* See EngineOps.has_code. */
bool cache_has_code(const BlockCache *c, uint32_t page, uint32_t offset, uint32_t size);
/* Make b unfindable and unreachable: no lookup, jump cache or linked exit leads to it. */
void cache_remove(BlockCache *c, Block *b, Backend *backend);
/* Remove the blocks that overlap [offset, offset + size) of the page; stop watching it when it has none left. */
void cache_invalidate(BlockCache *c, uint32_t page, uint32_t offset, uint32_t size, Backend *backend);
/* Let from's exit `slot` lead to `to`, instead of where it leads now. Both valid. */
void cache_link(Block *from, unsigned slot, Block *to, Backend *backend);
/* Everything is gone; the backends must be flushed as well. */
void cache_reset(BlockCache *c);

static inline bool block_crosses_page(const Block *b) {
    return (b->offset + b->bytes) > (int)PAGE_SIZE;
}

#endif
