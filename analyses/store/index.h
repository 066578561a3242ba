/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which chunk touched an address: a tree over the chunks. A chunk's `touched` blob lists its page
 * translations with the 64-byte lines touched and the 8-byte granules written. A node of level 1 sums up 64
 * chunks, one of level 2 64 nodes of level 1, each page once for its physical and once for its virtual
 * number, with a bit per child.
 *
 * Blobs are zstd frames. `touched`: varint count, then entries sorted by (ppage, vpage): varints zigzag(ppage
 * difference), zigzag(vpage difference), then words. A node: for physical, then for virtual pages: varint
 * count, then entries in signed order of the page: varint zigzag(difference), words `any` and `wrote` (a bit
 * per child), then words. "Words": lines and the eight of `written` as one u8 (or u16 varint) mask of the
 * nine that are not zero, then those, 8 bytes each.
 */
#ifndef ANALYSES_STORE_INDEX_H
#define ANALYSES_STORE_INDEX_H

#include "analyses/store/chunk.h"

#define INDEX_FANOUT 64u
#define INDEX_LEVELS 2u

typedef enum { INDEX_PHYSICAL, INDEX_VIRTUAL, INDEX_KINDS } IndexKind;

/* -- building: from the chunks, in any order ------------------------------------------------------------- */
typedef struct IndexBuilder IndexBuilder;
/* A finished node: to be stored. */
typedef bool IndexStoreFn(void *opaque, unsigned level, uint64_t group, const Bytes *blob, GError **error);
IndexBuilder *index_builder_new(IndexStoreFn *store, void *opaque);
void index_builder_free(IndexBuilder *b);
bool index_builder_add(IndexBuilder *b, uint64_t chunk, const PageTouch *pages, size_t n, GError **error);
/* All chunks were added: store the nodes that are not full. */
bool index_builder_end(IndexBuilder *b, GError **error);

/* A chunk's own list. `pages` is sorted in place. */
void index_write_touched(PageTouch *pages, size_t n, Bytes *out);

/* -- asking -------------------------------------------------------------------------------------------- */
/* Bytes [from, to] (signed order), touched in any way or written. */
typedef struct IndexQuery {
    IndexKind kind;
    int64_t from, to;
    bool written;
} IndexQuery;

typedef struct IndexNode IndexNode;
/* NULL if malformed. */
IndexNode *index_node_read(const uint8_t *blob, size_t size);
void index_node_free(IndexNode *node);
/* A bit per child that may have it. */
uint64_t index_node_ask(const IndexNode *node, const IndexQuery *q);
/* Of a `touched` blob. Malformed ones say yes: the chunk itself will complain. */
bool index_touched_ask(const uint8_t *blob, size_t size, const IndexQuery *q);

/* Every entry of a `touched` blob: `lines` a bit per 64 bytes touched, `granules` how many 8 bytes were written. */
typedef void IndexTouchFn(void *opaque, uint64_t ppage, bool dma, uint64_t lines, unsigned granules);
/* False if malformed. */
bool index_touched_each(const uint8_t *blob, size_t size, IndexTouchFn *fn, void *opaque);

#endif
