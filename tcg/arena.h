/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is only ever given back all at once: blocks and what belongs to them live until the next flush. */
#ifndef TCG_ARENA_H
#define TCG_ARENA_H

#include <glib.h>

typedef struct Arena {
    GPtrArray *chunks; /* of ARENA_CHUNK bytes each */
    size_t current;    /* chunk in use */
    size_t used;       /* bytes of it */
} Arena;

#define ARENA_CHUNK ((size_t)1 << 20)

void arena_init(Arena *a);
void arena_done(Arena *a);
/* `size` <= ARENA_CHUNK bytes, 16-byte aligned, not cleared. */
void *arena_alloc(Arena *a, size_t size);
/* Everything handed out is gone; the chunks are kept for the next round. */
void arena_reset(Arena *a);
/* Bytes handed out since the last reset, rounded up to whole chunks but the last. */
size_t arena_used(const Arena *a);

#endif
