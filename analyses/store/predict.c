/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/predict.h"

#include "analyses/store/touch.h"

#define PIECE ((size_t)1 << 20)

void predict_init(Predict *p) {
    p->blocks = g_ptr_array_new();
    p->pieces = g_ptr_array_new_with_free_func(g_free);
    p->none = (PredictBlock){.id = UINT32_MAX, .local = UINT32_MAX};
    predict_reset(p);
}

void predict_done(Predict *p) {
    g_ptr_array_free(p->blocks, TRUE);
    g_ptr_array_free(p->pieces, TRUE);
}

void predict_reset(Predict *p) {
    g_ptr_array_set_size(p->blocks, 0);
    if (p->pieces->len > 4)
        g_ptr_array_set_size(p->pieces, 4);
    p->piece = 0;
    p->arena_at = p->arena_end = NULL;
    p->history = 0;
    for (size_t i = 0; i < PREDICT_HISTORY; i++)
        p->next[i] = &p->none;
    memset(p->memory, 0, sizeof p->memory);
}

static void *predict_alloc(Predict *p, size_t size) {
    g_assert(size <= PIECE * 4);
    if ((size_t)(p->arena_end - p->arena_at) < size) {
        if (p->piece == p->pieces->len)
            g_ptr_array_add(p->pieces, g_malloc(PIECE * 4));
        p->arena_at = g_ptr_array_index(p->pieces, p->piece++);
        p->arena_end = p->arena_at + PIECE * 4;
    }
    void *at = p->arena_at;
    p->arena_at += (size + 15) & ~(size_t)15;
    return at;
}

/* Word index of a source (code.h) in the block. */
static uint16_t source_word(const CodeBlock *code, uint32_t source) {
    const CodeMem *m = &code->mem[(source - CODE_FIRST) / 2];
    return (uint16_t)(m->slot + ((source - CODE_FIRST) & 1 ? 2 : 0));
}

static void predict_mem_init(PredictMem *m, const CodeBlock *code, const CodeMem *c) {
    *m = (PredictMem){.slot = c->slot, .size = c->size, .kind = c->kind};
    m->is_store = c->kind == TRACE_MEM_STORE || c->kind == TRACE_MEM_SC;
    m->mark_shift = m->is_store ? 3 : 6;
    m->mark_base = m->is_store ? TOUCH_WRITTEN : 0;
    m->value_from = m->is_store ? FROM_LAST : FROM_MEMORY;
    m->addr_offset = c->addr_offset;
    m->value_offset = c->value_offset;
    if (c->addr_source >= CODE_FIRST) {
        m->addr_known = 1;
        m->addr_word = source_word(code, c->addr_source);
    }
    if (c->value_source >= CODE_FIRST) {
        m->value_from = FROM_WORD;
        m->value_word = source_word(code, c->value_source);
    } else if (c->value_source == CODE_ZERO) {
        m->value_from = FROM_CONST;
    }
}

PredictBlock *predict_add_block(Predict *p, const CodeBlock *code) {
    PredictBlock *b = predict_alloc(p, sizeof *b + code->n_mem * sizeof b->mem[0]);
    *b = (PredictBlock){.id = code->id,
                        .local = p->blocks->len,
                        .words = code->words,
                        .n_insns = code->n_insns,
                        .n_mem = code->n_mem,
                        .simple = code->simple,
                        .code = code};
    for (uint32_t i = 0; i < code->n_mem; i++)
        predict_mem_init(&b->mem[i], code, &code->mem[i]);
    g_ptr_array_add(p->blocks, b);
    return b;
}
