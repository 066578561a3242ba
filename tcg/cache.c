/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/cache.h"

#include <string.h>

#define TABLE_SIZE (1u << 18)
#define SINGLES_SIZE (1u << 10)
#define ARENA_LIMIT ((size_t)64 << 20)
#define CODE_PAGES_LIMIT (1u << 20)
#define LINE_SIZE ((uint32_t)PAGE_SIZE / 64)

static uint32_t block_hash(Gva pc, uint32_t page_id, uint32_t flags) {
    uint64_t h = (pc >> 1) ^ ((uint64_t)page_id << 20) ^ ((uint64_t)flags << 48);
    return (uint32_t)((h * 0x9e3779b97f4a7c15u) >> 32);
}

static Block **bucket(const BlockCache *c, Gva pc, uint32_t page_id, uint32_t flags, bool single) {
    uint32_t h = block_hash(pc, page_id, flags);
    return single ? &c->singles[h & (SINGLES_SIZE - 1)] : &c->table[h & (TABLE_SIZE - 1)];
}

void cache_init(BlockCache *c, Machine *m) {
    c->machine = m;
    arena_init(&c->arena);
    c->table = g_new0(Block *, TABLE_SIZE);
    c->singles = g_new0(Block *, SINGLES_SIZE);
    c->page_head = g_new0(Block *, m->n_pages);
    c->lines = g_new0(uint64_t, m->n_pages);
    c->code_pages = g_array_new(FALSE, FALSE, sizeof(uint32_t));
}

void cache_done(BlockCache *c) {
    arena_done(&c->arena);
    g_free(c->table);
    g_free(c->singles);
    g_free(c->page_head);
    g_free(c->lines);
    g_array_unref(c->code_pages);
}

Block *cache_find(const BlockCache *c, Gva pc, uint32_t page_id, uint32_t flags, bool single) {
    Block *b = *bucket(c, pc, page_id, flags, single);
    while (b && !(b->pc == pc && b->page_id == page_id && b->flags == flags)) {
        b = b->hash_next;
    }
    return b;
}

Block *cache_alloc(BlockCache *c) {
    Block *b = arena_alloc(&c->arena, sizeof *b);
    memset(b, 0, sizeof *b);
    return b;
}

bool cache_is_full(const BlockCache *c) {
    return arena_used(&c->arena) > ARENA_LIMIT || c->code_pages->len > CODE_PAGES_LIMIT;
}

/* -- pages -------------------------------------------------------------------------------------------------- */

/* A block is in the list of `page` through page_next[0], in that of page2, if another, through page_next[1]. */
static Block **next_in_page(Block *b, uint32_t page) {
    return &b->page_next[b->page != page];
}

static void page_add(BlockCache *c, Block *b, uint32_t page) {
    *next_in_page(b, page) = c->page_head[page];
    c->page_head[page] = b;
}

static void page_remove(BlockCache *c, Block *b, uint32_t page) {
    Block **at = &c->page_head[page];
    while (*at != b) {
        at = next_in_page(*at, page);
    }
    *at = *next_in_page(b, page);
}

/* The bits of the lines that [offset, offset + size) of a page touches; size > 0. */
static uint64_t line_mask(uint32_t offset, uint32_t size) {
    uint32_t first = offset / LINE_SIZE, last = (offset + size - 1) / LINE_SIZE;
    return UINT64_MAX >> (63 - (last - first)) << first;
}

static void watch_bytes(BlockCache *c, uint32_t page, uint32_t offset, uint32_t size) {
    uint8_t *flags = &c->machine->page_flags[page];
    if (!(*flags & PAGE_CODE)) {
        *flags |= PAGE_CODE;
        g_array_append_val(c->code_pages, page);
        mmu_drop_page_tags(c->machine, page);
    }
    c->lines[page] |= line_mask(offset, size);
}

/* How many of b's bytes lie in its first page. */
static uint32_t bytes_in_first(const Block *b) {
    return MIN((uint32_t)b->bytes, (uint32_t)PAGE_SIZE - b->offset);
}

static void watch_block(BlockCache *c, const Block *b) {
    uint32_t first = bytes_in_first(b);
    watch_bytes(c, b->page, b->offset, first);
    if (first < b->bytes) {
        watch_bytes(c, b->page2, 0, b->bytes - first);
    }
}

bool cache_has_code(const BlockCache *c, uint32_t page, uint32_t offset, uint32_t size) {
    return c->lines[page] & line_mask(offset, size);
}

void cache_insert(BlockCache *c, Block *b) {
    Block **head = bucket(c, b->pc, b->page_id, b->flags, b->single);
    b->hash_next = *head;
    *head = b;
    watch_block(c, b);
    page_add(c, b, b->page);
    if (b->page2 != b->page) {
        page_add(c, b, b->page2);
    }
    b->valid = true;
}

/* Does the part of b that lies in `page` overlap the bytes? */
static bool block_overlaps(const Block *b, uint32_t page, uint32_t offset, uint32_t size) {
    uint32_t in_first = bytes_in_first(b);
    bool first = b->page == page && offset < b->offset + in_first && b->offset < offset + size;
    bool second = b->page2 == page && block_crosses_page(b) && offset < b->bytes - in_first;
    return first || second;
}

void cache_invalidate(BlockCache *c, uint32_t page, uint32_t offset, uint32_t size, Backend *backend) {
    Block *next;
    for (Block *b = c->page_head[page]; b; b = next) {
        next = *next_in_page(b, page);
        if (block_overlaps(b, page, offset, size)) {
            cache_remove(c, b, backend);
        }
    }
    if (!c->page_head[page]) {
        c->machine->page_flags[page] &= (uint8_t)~PAGE_CODE;
        c->lines[page] = 0;
    }
}

/* -- links -------------------------------------------------------------------------------------------------- */

/* The chain of exits that lead to a block: each element is a block with the exit's slot in bit 0 of the pointer. */
static Block *exit_ref(Block *b, unsigned slot) {
    return (Block *)((uintptr_t)b | slot);
}
static Block *exit_block(Block *ref) {
    return (Block *)((uintptr_t)ref & ~(uintptr_t)1);
}
static unsigned exit_slot(Block *ref) {
    return (uintptr_t)ref & 1;
}

static void unlink_exit(Block *from, unsigned slot, Backend *backend) {
    Block **at = &from->to[slot]->from_head;
    while (*at != exit_ref(from, slot)) {
        at = &exit_block(*at)->from_next[exit_slot(*at)];
    }
    *at = from->from_next[slot];
    from->from_next[slot] = NULL;
    from->to[slot] = NULL;
    backend->ops->unlink(backend, from, slot);
}

void cache_link(Block *from, unsigned slot, Block *to, Backend *backend) {
    if (from->to[slot]) {
        unlink_exit(from, slot, backend);
    }
    from->to[slot] = to;
    from->from_next[slot] = to->from_head;
    to->from_head = exit_ref(from, slot);
    backend->ops->link(backend, from, slot, to);
}

static void forget_jumps_to(BlockCache *c, const Block *b) {
    for (uint32_t i = 0; i < c->machine->n_harts; i++) {
        JumpEntry *cache = c->machine->harts[i]->jump_cache;
        if (cache && cache[JUMP_CACHE_INDEX(b->pc, b->flags)].block == b) {
            cache[JUMP_CACHE_INDEX(b->pc, b->flags)] = (JumpEntry){0};
        }
    }
}

void cache_remove(BlockCache *c, Block *b, Backend *backend) {
    while (b->from_head) {
        unlink_exit(exit_block(b->from_head), exit_slot(b->from_head), backend);
    }
    for (unsigned slot = 0; slot < 2; slot++) {
        if (b->to[slot]) {
            unlink_exit(b, slot, backend);
        }
    }
    Block **at = bucket(c, b->pc, b->page_id, b->flags, b->single);
    while (*at != b) {
        at = &(*at)->hash_next;
    }
    *at = b->hash_next;
    page_remove(c, b, b->page);
    if (b->page2 != b->page) {
        page_remove(c, b, b->page2);
    }
    forget_jumps_to(c, b);
    b->valid = false;
}

void cache_reset(BlockCache *c) {
    memset(c->table, 0, TABLE_SIZE * sizeof *c->table);
    memset(c->singles, 0, SINGLES_SIZE * sizeof *c->singles);
    for (guint i = 0; i < c->code_pages->len; i++) {
        uint32_t page = g_array_index(c->code_pages, uint32_t, i);
        c->page_head[page] = NULL;
        c->lines[page] = 0;
        c->machine->page_flags[page] &= (uint8_t)~PAGE_CODE;
    }
    g_array_set_size(c->code_pages, 0);
    for (uint32_t i = 0; i < c->machine->n_harts; i++) {
        if (c->machine->harts[i]->jump_cache) {
            memset(c->machine->harts[i]->jump_cache, 0, JUMP_CACHE_ENTRIES * sizeof(JumpEntry));
        }
    }
    arena_reset(&c->arena);
}
