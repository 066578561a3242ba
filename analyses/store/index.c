/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/index.h"

#include <stdlib.h>
#include <zstd.h>

#define INDEX_ZSTD_LEVEL 1
#define INDEX_MAX ((size_t)64 << 20) /* bytes of one node, decompressed */

/* One page of a node. */
typedef struct IndexEntry {
    int64_t page; /* signed: in the order of signed addresses */
    uint64_t any, wrote;
    uint64_t lines, written[8];
} IndexEntry;

struct IndexNode {
    IndexEntry *entries[INDEX_KINDS];
    size_t n[INDEX_KINDS];
};

/* The page number whose signed order is that of its addresses. */
static int64_t signed_page(uint64_t page) {
    return (int64_t)(page << PAGE_BITS) >> PAGE_BITS;
}

/* -- blobs --------------------------------------------------------------------------------------------- */
static void put_words(Bytes *out, uint64_t lines, const uint64_t *written) {
    uint64_t mask = lines != 0;
    for (unsigned i = 0; i < 8; i++)
        mask |= (uint64_t)(written[i] != 0) << (i + 1);
    bytes_put_varint(out, mask);
    if (lines)
        bytes_put_low(out, lines, 8);
    for (unsigned i = 0; i < 8; i++)
        if (written[i])
            bytes_put_low(out, written[i], 8);
}

static void read_words(Reader *r, uint64_t *lines, uint64_t *written) {
    uint64_t mask = reader_varint(r);
    *lines = mask & 1 ? reader_low(r, 8) : 0;
    for (unsigned i = 0; i < 8; i++)
        written[i] = mask >> (i + 1) & 1 ? reader_low(r, 8) : 0;
}

static void compress(const Bytes *raw, Bytes *out) {
    size_t bound = ZSTD_compressBound(bytes_size(raw));
    bytes_clear(out);
    bytes_reserve(out, bound);
    size_t n = ZSTD_compress(out->at, bound, raw->data, bytes_size(raw), INDEX_ZSTD_LEVEL);
    g_assert(!ZSTD_isError(n));
    out->at += n;
}

/* NULL if it is not what we wrote. */
static uint8_t *decompress(const uint8_t *blob, size_t size, Reader *r) {
    unsigned long long raw = ZSTD_getFrameContentSize(blob, size);
    if (raw > INDEX_MAX) /* also the two error values */
        return NULL;
    uint8_t *data = g_malloc(raw + 1);
    if (ZSTD_decompress(data, raw, blob, size) != raw) {
        g_free(data);
        return NULL;
    }
    *r = (Reader){data, data + raw, false};
    return data;
}

static int compare_touch(const void *pa, const void *pb) {
    const PageTouch *a = pa, *b = pb;
    if (a->ppage != b->ppage)
        return a->ppage < b->ppage ? -1 : 1;
    return a->vpage == b->vpage ? 0 : a->vpage < b->vpage ? -1 : 1;
}

void index_write_touched(PageTouch *pages, size_t n, Bytes *out) {
    Bytes raw = {0};
    uint64_t ppage = 0, vpage = 0;
    qsort(pages, n, sizeof *pages, compare_touch);
    bytes_reserve(&raw, 16 + n * 96);
    bytes_put_varint(&raw, n);
    for (size_t i = 0; i < n; i++) {
        bytes_put_varint(&raw, zigzag(pages[i].ppage - ppage));
        bytes_put_varint(&raw, zigzag(pages[i].vpage - vpage));
        put_words(&raw, pages[i].lines, pages[i].written);
        ppage = pages[i].ppage;
        vpage = pages[i].vpage;
    }
    compress(&raw, out);
    bytes_done(&raw);
}

static int compare_entry(const void *a, const void *b) {
    int64_t x = ((const IndexEntry *)a)->page, y = ((const IndexEntry *)b)->page;
    return x < y ? -1 : x > y;
}

static void put_entries(Bytes *raw, const IndexEntry *e, size_t n) {
    uint64_t page = 0;
    bytes_reserve(raw, 16 + n * 112);
    bytes_put_varint(raw, n);
    for (size_t i = 0; i < n; i++) {
        bytes_put_varint(raw, zigzag((uint64_t)e[i].page - page));
        page = (uint64_t)e[i].page;
        bytes_put_low(raw, e[i].any, 8);
        bytes_put_low(raw, e[i].wrote, 8);
        put_words(raw, e[i].lines, e[i].written);
    }
}

static bool read_entries(Reader *r, IndexEntry **ret, size_t *n_ret) {
    uint64_t n = reader_varint(r), page = 0;
    if (r->bad || n > (uint64_t)(r->end - r->at))
        return false;
    IndexEntry *e = g_new(IndexEntry, n + 1);
    for (uint64_t i = 0; i < n; i++) {
        page += unzigzag(reader_varint(r));
        e[i].page = (int64_t)page;
        e[i].any = reader_low(r, 8);
        e[i].wrote = reader_low(r, 8);
        read_words(r, &e[i].lines, e[i].written);
    }
    *ret = e;
    *n_ret = n;
    return !r->bad;
}

IndexNode *index_node_read(const uint8_t *blob, size_t size) {
    Reader r;
    g_autofree uint8_t *data = decompress(blob, size, &r);
    if (!data)
        return NULL;
    IndexNode *node = g_new0(IndexNode, 1);
    for (unsigned k = 0; k < INDEX_KINDS; k++)
        if (!read_entries(&r, &node->entries[k], &node->n[k])) {
            index_node_free(node);
            return NULL;
        }
    return node;
}

void index_node_free(IndexNode *node) {
    if (!node)
        return;
    for (unsigned k = 0; k < INDEX_KINDS; k++)
        g_free(node->entries[k]);
    g_free(node);
}

/* -- asking -------------------------------------------------------------------------------------------- */
/* Bits first..last of a page's 64 lines. */
static uint64_t bit_range(unsigned first, unsigned last) {
    return ~0ull >> (63 - (last - first)) << first;
}

static bool words_ask(const IndexQuery *q, int64_t page, uint64_t lines, const uint64_t *written) {
    int64_t base = (int64_t)((uint64_t)page << PAGE_BITS), top = base + (int64_t)PAGE_SIZE - 1;
    if (q->from > top || q->to < base)
        return false;
    unsigned from = q->from > base ? (unsigned)(q->from - base) : 0;
    unsigned to = q->to < top ? (unsigned)(q->to - base) : (unsigned)PAGE_SIZE - 1;
    if (!q->written)
        return (lines & bit_range(from >> 6, to >> 6)) != 0;
    for (unsigned w = from >> 9; w <= to >> 9; w++) {
        unsigned first = w == from >> 9 ? from >> 3 & 63 : 0, last = w == to >> 9 ? to >> 3 & 63 : 63;
        if (written[w] & bit_range(first, last))
            return true;
    }
    return false;
}

uint64_t index_node_ask(const IndexNode *node, const IndexQuery *q) {
    const IndexEntry *e = node->entries[q->kind];
    size_t low = 0, high = node->n[q->kind];
    int64_t first = q->from >> PAGE_BITS, last = q->to >> PAGE_BITS;
    uint64_t bits = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (e[middle].page < first)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < node->n[q->kind] && e[low].page <= last && ~bits; low++)
        if (words_ask(q, e[low].page, e[low].lines, e[low].written))
            bits |= q->written ? e[low].wrote : e[low].any;
    return bits;
}

bool index_touched_ask(const uint8_t *blob, size_t size, const IndexQuery *q) {
    Reader r;
    g_autofree uint8_t *data = decompress(blob, size, &r);
    if (!data)
        return true;
    uint64_t n = reader_varint(&r), ppage = 0, vpage = 0;
    for (; n && !r.bad; n--) {
        uint64_t lines, written[8];
        ppage += unzigzag(reader_varint(&r));
        vpage += unzigzag(reader_varint(&r));
        read_words(&r, &lines, written);
        if (q->kind == INDEX_VIRTUAL && vpage == PAGE_NO_VADDR)
            continue;
        if (words_ask(q, signed_page(q->kind == INDEX_PHYSICAL ? ppage : vpage), lines, written))
            return true;
    }
    return r.bad;
}

bool index_touched_each(const uint8_t *blob, size_t size, IndexTouchFn *fn, void *opaque) {
    Reader r;
    g_autofree uint8_t *data = decompress(blob, size, &r);
    if (!data)
        return false;
    uint64_t n = reader_varint(&r), ppage = 0, vpage = 0;
    for (; n && !r.bad; n--) {
        uint64_t lines, written[8];
        unsigned granules = 0;
        ppage += unzigzag(reader_varint(&r));
        vpage += unzigzag(reader_varint(&r));
        read_words(&r, &lines, written);
        for (unsigned i = 0; i < 8; i++)
            granules += (unsigned)__builtin_popcountll(written[i]);
        fn(opaque, ppage, vpage == PAGE_NO_VADDR, lines, granules);
    }
    return !r.bad;
}

/* -- building ------------------------------------------------------------------------------------------ */
typedef struct OpenNode {
    uint64_t group;
    unsigned children;              /* added so far */
    GHashTable *pages[INDEX_KINDS]; /* &entry->page -> IndexEntry */
} OpenNode;

struct IndexBuilder {
    IndexStoreFn *store;
    void *opaque;
    GHashTable *open[INDEX_LEVELS]; /* &group -> OpenNode */
};

static void open_node_free(void *p) {
    OpenNode *node = p;
    for (unsigned k = 0; k < INDEX_KINDS; k++)
        g_hash_table_unref(node->pages[k]);
    g_free(node);
}

IndexBuilder *index_builder_new(IndexStoreFn *store, void *opaque) {
    IndexBuilder *b = g_new0(IndexBuilder, 1);
    b->store = store;
    b->opaque = opaque;
    for (unsigned i = 0; i < INDEX_LEVELS; i++)
        b->open[i] = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, open_node_free);
    return b;
}

void index_builder_free(IndexBuilder *b) {
    if (!b)
        return;
    for (unsigned i = 0; i < INDEX_LEVELS; i++)
        g_hash_table_unref(b->open[i]);
    g_free(b);
}

static OpenNode *open_node(IndexBuilder *b, unsigned level, uint64_t group) {
    OpenNode *node = g_hash_table_lookup(b->open[level - 1], &group);
    if (!node) {
        node = g_new0(OpenNode, 1);
        node->group = group;
        for (unsigned k = 0; k < INDEX_KINDS; k++)
            node->pages[k] = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
        g_hash_table_insert(b->open[level - 1], &node->group, node);
    }
    return node;
}

static void node_add(OpenNode *node, IndexKind kind, unsigned child, int64_t page, uint64_t lines,
                     const uint64_t *written) {
    IndexEntry *e = g_hash_table_lookup(node->pages[kind], &page);
    uint64_t wrote = 0;
    if (!e) {
        e = g_new0(IndexEntry, 1);
        e->page = page;
        g_hash_table_insert(node->pages[kind], &e->page, e);
    }
    for (unsigned i = 0; i < 8; i++) {
        wrote |= written[i];
        e->written[i] |= written[i];
    }
    e->lines |= lines;
    e->any |= 1ull << child;
    e->wrote |= (uint64_t)(wrote != 0) << child;
}

static IndexEntry *node_sorted(const OpenNode *node, IndexKind kind, size_t *n) {
    *n = g_hash_table_size(node->pages[kind]);
    IndexEntry *all = g_new(IndexEntry, *n + 1);
    GHashTableIter it;
    gpointer value;
    size_t i = 0;
    g_hash_table_iter_init(&it, node->pages[kind]);
    while (g_hash_table_iter_next(&it, NULL, &value))
        all[i++] = *(IndexEntry *)value;
    qsort(all, *n, sizeof *all, compare_entry);
    return all;
}

static bool node_added(IndexBuilder *b, unsigned level, OpenNode *node, GError **error);

/* Store the node, tell its parent, forget it. */
static bool node_close(IndexBuilder *b, unsigned level, OpenNode *node, GError **error) {
    OpenNode *parent = level < INDEX_LEVELS ? open_node(b, level + 1, node->group / INDEX_FANOUT) : NULL;
    uint64_t group = node->group;
    Bytes raw = {0}, blob = {0};
    for (unsigned k = 0; k < INDEX_KINDS; k++) {
        size_t n;
        IndexEntry *all = node_sorted(node, k, &n);
        put_entries(&raw, all, n);
        for (size_t i = 0; parent && i < n; i++)
            node_add(parent, k, group % INDEX_FANOUT, all[i].page, all[i].lines, all[i].written);
        g_free(all);
    }
    compress(&raw, &blob);
    g_hash_table_remove(b->open[level - 1], &group);
    bool ok = b->store(b->opaque, level, group, &blob, error);
    bytes_done(&raw);
    bytes_done(&blob);
    return ok && (!parent || node_added(b, level + 1, parent, error));
}

static bool node_added(IndexBuilder *b, unsigned level, OpenNode *node, GError **error) {
    return ++node->children < INDEX_FANOUT || node_close(b, level, node, error);
}

bool index_builder_add(IndexBuilder *b, uint64_t chunk, const PageTouch *pages, size_t n, GError **error) {
    OpenNode *node = open_node(b, 1, chunk / INDEX_FANOUT);
    unsigned child = chunk % INDEX_FANOUT;
    for (size_t i = 0; i < n; i++) {
        node_add(node, INDEX_PHYSICAL, child, signed_page(pages[i].ppage), pages[i].lines, pages[i].written);
        if (pages[i].vpage != PAGE_NO_VADDR)
            node_add(node, INDEX_VIRTUAL, child, signed_page(pages[i].vpage), pages[i].lines,
                     pages[i].written);
    }
    return node_added(b, 1, node, error);
}

bool index_builder_end(IndexBuilder *b, GError **error) {
    for (unsigned level = 1; level <= INDEX_LEVELS; level++)
        while (g_hash_table_size(b->open[level - 1])) {
            GHashTableIter it;
            gpointer node;
            g_hash_table_iter_init(&it, b->open[level - 1]);
            g_hash_table_iter_next(&it, NULL, &node);
            if (!node_close(b, level, node, error))
                return false;
        }
    return true;
}
