/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/arena.h"

void arena_init(Arena *a) {
    a->chunks = g_ptr_array_new_with_free_func(g_free);
    a->current = 0;
    a->used = 0;
}

void arena_done(Arena *a) {
    g_clear_pointer(&a->chunks, g_ptr_array_unref);
}

void *arena_alloc(Arena *a, size_t size) {
    size = (size + 15) & ~(size_t)15;
    g_assert(size <= ARENA_CHUNK);
    if (a->current < a->chunks->len && a->used + size > ARENA_CHUNK) {
        a->current++;
        a->used = 0;
    }
    if (a->current == a->chunks->len) {
        g_ptr_array_add(a->chunks, g_malloc(ARENA_CHUNK));
    }
    void *p = (char *)g_ptr_array_index(a->chunks, a->current) + a->used;
    a->used += size;
    return p;
}

void arena_reset(Arena *a) {
    a->current = 0;
    a->used = 0;
}

size_t arena_used(const Arena *a) {
    return a->current * ARENA_CHUNK + a->used;
}
