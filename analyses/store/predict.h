/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The predictors that the encoder and the decoder of a chunk run in step: which block comes next, an access's
 * address, its page's translation and its value. Only what they get wrong is stored. They start empty in
 * every chunk, so each chunk is decodable alone, and depend on nothing but what the decoder knows at that
 * point.
 */
#ifndef ANALYSES_STORE_PREDICT_H
#define ANALYSES_STORE_PREDICT_H

#include "analyses/store/code.h"

/* Where a value may be foretold from; a PredictMem sticks to one until another would have been right. */
typedef enum {
    FROM_MEMORY, /* the last value seen at that address */
    FROM_LAST,   /* the last value of this instruction */
    FROM_WORD,   /* an earlier word of the block + offset */
    FROM_CONST,  /* offset alone */
} ValueFrom;

typedef struct PredictMem {
    uint16_t slot;
    uint16_t addr_word, value_word; /* word index in the block of what they are foretold from */
    uint8_t size;                   /* log2 */
    uint8_t kind;                   /* TraceMemKind */
    uint8_t is_store;
    uint8_t addr_known; /* address = word + offset; else by stride */
    uint8_t value_from; /* ValueFrom */
    uint8_t mark_shift; /* the encoder's: see chunk_encode.c */
    uint16_t mark_base;
    int64_t addr_offset, value_offset;
    uint64_t last, stride, step; /* last address, confirmed stride, last difference */
    uint64_t last_value;
} PredictMem;

typedef struct PredictBlock {
    uint32_t id;    /* CodeBlock.id; UINT32_MAX: none */
    uint32_t local; /* number in the chunk */
    uint16_t words, n_insns, n_mem;
    bool simple;
    const CodeBlock *code;
    PredictMem mem[];
} PredictBlock;

#define PREDICT_HISTORY 8192u
#define PREDICT_MEMORY 16384u

typedef struct Predict {
    uint32_t history;                    /* of the last few blocks */
    PredictBlock *next[PREDICT_HISTORY]; /* by history; never NULL */
    uint64_t memory[PREDICT_MEMORY + 1]; /* 8-byte granules by hashed address */
    GPtrArray *blocks;                   /* PredictBlock by local number */
    PredictBlock none;
    uint8_t *arena, *arena_at, *arena_end; /* the blocks' memory, in pieces */
    GPtrArray *pieces;
    size_t piece;
} Predict;

void predict_init(Predict *p);
void predict_done(Predict *p);
void predict_reset(Predict *p);
/* A block seen for the first time in this chunk. */
PredictBlock *predict_add_block(Predict *p, const CodeBlock *code);

static inline PredictBlock *predict_next(const Predict *p) {
    return p->next[p->history];
}
static inline void predict_learn(Predict *p, PredictBlock *b) {
    p->next[p->history] = b;
}
/* By id, which the encoder reads in the trace: so looking up the next one need not wait for this one. */
static inline void predict_follow(Predict *p, uint32_t id) {
    p->history = (p->history << 4 ^ (id * 0x9e3779b1u >> 12)) % PREDICT_HISTORY;
}

static inline uint64_t predict_mask(unsigned size) {
    static const uint64_t masks[4] = {0xff, 0xffff, 0xffffffff, UINT64_MAX};
    return masks[size];
}

static inline uint64_t predict_address(const PredictMem *m, const uint64_t *w) {
    return m->addr_known ? w[m->addr_word] + (uint64_t)m->addr_offset : m->last + m->stride;
}
static inline void predict_train_address(PredictMem *m, uint64_t address) {
    uint64_t step = address - m->last;
    m->stride = step == m->step ? step : m->stride;
    m->step = step;
    m->last = address;
}

static inline uint64_t *predict_granule(Predict *p, uint64_t address) {
    uint64_t g = address >> 3;
    return &p->memory[(g ^ g >> 13) % PREDICT_MEMORY];
}
static inline uint64_t granule_get(const uint64_t *g, uint64_t address, uint64_t mask) {
    return *g >> (address & 7) * 8 & mask;
}
static inline void granule_set(uint64_t *g, uint64_t address, uint64_t mask, uint64_t value) {
    unsigned shift = (address & 7) * 8;
    *g = (*g & ~(mask << shift)) | value << shift;
}

static inline uint64_t predict_value(const PredictMem *m, const uint64_t *w, uint64_t memory, uint64_t mask) {
    if (m->value_from == FROM_MEMORY)
        return memory;
    switch (m->value_from) {
    case FROM_LAST: return m->last_value;
    case FROM_WORD: return (w[m->value_word] + (uint64_t)m->value_offset) & mask;
    default: return (uint64_t)m->value_offset & mask;
    }
}

/* A wrong address is stored as a control byte and a difference (zigzag, that many bytes). */
enum { ADDR_BYTES = 15, ADDR_FROM_BEFORE = 16 /* difference to the access before, else to the prediction */ };

/* A wrong value: control byte, then the bytes. */
enum {
    VALUE_BYTES = 15,
    VALUE_RAW = 0 << 4,    /* the value */
    VALUE_DELTA = 1 << 4,  /* zigzag difference to last_value */
    VALUE_MEMORY = 2 << 4, /* as FROM_MEMORY says */
    VALUE_LAST = 3 << 4,   /* as FROM_LAST says */
    VALUE_KIND = 3 << 4,
};

#endif
