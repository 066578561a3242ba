/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/recorders/code_table.h"

#include <zstd.h>

#define LEAF_BITS 12
#define LEAF_SIZE (1u << LEAF_BITS)
#define LEAVES (1u << (32 - LEAF_BITS))
#define SEGMENT_ZSTD_LEVEL 3

struct CodeTable {
    const Hooks *hooks;
    GMutex lock;         /* for everything but reading published pointers */
    CodeBlock ***leaves; /* of LEAF_SIZE pointers */
    uint32_t n;          /* highest id looked up + 1 */
};

CodeTable *code_table_new(const Hooks *hooks) {
    CodeTable *t = g_new0(CodeTable, 1);
    t->hooks = hooks;
    g_mutex_init(&t->lock);
    t->leaves = g_new0(CodeBlock **, LEAVES);
    return t;
}

void code_table_free(CodeTable *t) {
    if (!t)
        return;
    for (uint32_t i = 0; i < LEAVES; i++) {
        for (uint32_t k = 0; t->leaves[i] && k < LEAF_SIZE; k++)
            code_block_free(t->leaves[i][k]);
        g_free(t->leaves[i]);
    }
    g_free(t->leaves);
    g_mutex_clear(&t->lock);
    g_free(t);
}

static const CodeBlock *find_slowly(CodeTable *t, uint32_t id) {
    CodeBlock ***leaf = &t->leaves[id >> LEAF_BITS];
    g_mutex_lock(&t->lock);
    if (!*leaf)
        __atomic_store_n(leaf, g_new0(CodeBlock *, LEAF_SIZE), __ATOMIC_RELEASE);
    CodeBlock **slot = &(*leaf)[id % LEAF_SIZE];
    if (!*slot) {
        CodeBlock *b = code_block_new(hooks_trace_block(t->hooks, id));
        b->id = id;
        __atomic_store_n(slot, b, __ATOMIC_RELEASE);
    }
    t->n = MAX(t->n, id + 1);
    const CodeBlock *b = *slot;
    g_mutex_unlock(&t->lock);
    return b;
}

const CodeBlock *code_table_find(CodeTable *t, uint32_t id) {
    CodeBlock **leaf = __atomic_load_n(&t->leaves[id >> LEAF_BITS], __ATOMIC_ACQUIRE);
    const CodeBlock *b = leaf ? __atomic_load_n(&leaf[id % LEAF_SIZE], __ATOMIC_ACQUIRE) : NULL;
    return b ? b : find_slowly(t, id);
}

bool code_table_segment(CodeTable *t, uint32_t segment, Bytes *out) {
    Bytes raw = {0};
    uint32_t from = segment * CODE_SEGMENT, to = MIN(from + CODE_SEGMENT, t->n);
    if (from >= to)
        return false;
    for (uint32_t i = from; i < to; i++)
        code_block_write(code_table_find(t, i), &raw);
    size_t bound = ZSTD_compressBound(bytes_size(&raw));
    bytes_clear(out);
    bytes_reserve(out, bound);
    size_t n = ZSTD_compress(out->at, bound, raw.data, bytes_size(&raw), SEGMENT_ZSTD_LEVEL);
    g_assert(!ZSTD_isError(n));
    out->at += n;
    bytes_done(&raw);
    return true;
}
