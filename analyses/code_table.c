/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/code_table.h"

#include <zstd.h>

#define LEAF_BITS 12
#define LEAF_SIZE (1u << LEAF_BITS)
#define LEAVES (1u << (32 - LEAF_BITS))
#define SEGMENT_ZSTD_LEVEL 3

struct CodeTable {
    const Hooks *hooks;
    GMutex lock;          /* for everything but reading published pointers */
    const CodeBlock ***leaves;
    GPtrArray *blocks;    /* of CodeBlock, by id */
    GHashTable *by_bytes; /* GBytes of the entry -> CodeBlock */
};

CodeTable *code_table_new(const Hooks *hooks) {
    CodeTable *t = g_new0(CodeTable, 1);
    t->hooks = hooks;
    g_mutex_init(&t->lock);
    t->leaves = g_new0(const CodeBlock **, LEAVES);
    t->blocks = g_ptr_array_new_with_free_func((GDestroyNotify)code_block_free);
    t->by_bytes = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    return t;
}

void code_table_free(CodeTable *t) {
    if (!t)
        return;
    for (uint32_t i = 0; i < LEAVES; i++)
        g_free(t->leaves[i]);
    g_free(t->leaves);
    g_hash_table_unref(t->by_bytes);
    g_ptr_array_free(t->blocks, TRUE);
    g_mutex_clear(&t->lock);
    g_free(t);
}

/* The block of this content: the one there is, or a new one. */
static const CodeBlock *intern(CodeTable *t, const TraceBlock *trace) {
    CodeBlock *b = code_block_new(trace);
    Bytes raw = {0};
    code_block_write(b, &raw);
    GBytes *key = g_bytes_new(raw.data, bytes_size(&raw));
    CodeBlock *known = g_hash_table_lookup(t->by_bytes, key);
    bytes_done(&raw);
    if (known) {
        code_block_free(b);
        g_bytes_unref(key);
        return known;
    }
    b->id = t->blocks->len;
    g_ptr_array_add(t->blocks, b);
    g_hash_table_insert(t->by_bytes, key, b);
    return b;
}

static const CodeBlock *find_slowly(CodeTable *t, uint32_t index) {
    const CodeBlock ***leaf = &t->leaves[index >> LEAF_BITS];
    g_mutex_lock(&t->lock);
    if (!*leaf)
        __atomic_store_n(leaf, g_new0(const CodeBlock *, LEAF_SIZE), __ATOMIC_RELEASE);
    const CodeBlock **slot = &(*leaf)[index % LEAF_SIZE];
    if (!*slot)
        __atomic_store_n(slot, intern(t, hooks_trace_block(t->hooks, index)), __ATOMIC_RELEASE);
    const CodeBlock *b = *slot;
    g_mutex_unlock(&t->lock);
    return b;
}

const CodeBlock *code_table_find(CodeTable *t, uint32_t index) {
    const CodeBlock **leaf = __atomic_load_n(&t->leaves[index >> LEAF_BITS], __ATOMIC_ACQUIRE);
    const CodeBlock *b = leaf ? __atomic_load_n(&leaf[index % LEAF_SIZE], __ATOMIC_ACQUIRE) : NULL;
    return b ? b : find_slowly(t, index);
}

const CodeBlock *code_table_block(const CodeTable *t, uint32_t id) {
    return id < t->blocks->len ? g_ptr_array_index(t->blocks, id) : NULL;
}

bool code_table_segment(const CodeTable *t, uint32_t segment, Bytes *out) {
    Bytes raw = {0};
    guint from = segment * CODE_SEGMENT, to = MIN(from + CODE_SEGMENT, t->blocks->len);
    if (from >= to)
        return false;
    for (guint i = from; i < to; i++)
        code_block_write(g_ptr_array_index(t->blocks, i), &raw);
    size_t bound = ZSTD_compressBound(bytes_size(&raw));
    bytes_clear(out);
    bytes_reserve(out, bound);
    size_t n = ZSTD_compress(out->at, bound, raw.data, bytes_size(&raw), SEGMENT_ZSTD_LEVEL);
    g_assert(!ZSTD_isError(n));
    out->at += n;
    bytes_done(&raw);
    return true;
}
