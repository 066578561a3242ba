/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chunk: the memory accesses of one window of pos, as compressed columns. It holds which blocks ran and
 * what the predictors (predict.h) got wrong; all columns of memtrace follow from that and the static blocks
 * (code.h).
 *
 * Layout of the blob, integers little-endian:
 *
 *     u32 magic "RMC1"      u32 number of rows      u32 number of blocks run     u32 hart
 *     u64 pos of the first block      u64 satp
 *     CHUNK_STREAMS times u32 size, u32 stored size
 *     the streams' zstd frames (stored size 0: empty stream)
 *     u64 XXH3 of everything before
 *
 * Streams (gap: number of things between this one and the one before, in bytes of 255 and a rest; varint:
 * LEB128):
 *
 *     CODE      varint per distinct block, in order of first use: its id, zigzag difference to the one before
 *     NEXT_GAP  gap per block that predict_next() got wrong, in blocks
 *     NEXT      varint: that block's number in CODE
 *     EVENT     what breaks the flow: varint blocks begun since the last event, u8 ChunkEvent, then
 *                   SYNC   varints hart, zigzag(pos - expected), satp
 *                   CUT    varint instructions that retired of the block just begun
 *                   SPLIT  varints index of the access, physical page of its second part
 *                   DMA    varints is_write, zigzag(pos - expected), seq, paddr, size; bytes in RAW
 *                   WALK   varints zigzag(pos - pos of the first block), seq, pc, paddr, PTE: in the block just begun
 *                          or before the next one
 *     ADDR_GAP  gap per wrong address, in accesses (an AMO counts twice); ADDR_CTL, ADDR: see predict.h
 *     PAGE      per first touch of a translation: gap in accesses, varint zigzag(page - (page before + 1))
 *     VALUE_GAP, VALUE_CTL, VALUE   likewise for values
 *     SC        u8 per store-conditional: 1 if it stored
 *     RAW       bytes moved by DMA
 */
#ifndef ANALYSES_STORE_CHUNK_H
#define ANALYSES_STORE_CHUNK_H

#include <glib.h>
#include "analyses/store/bytes.h"
#include "analyses/store/code.h"

#define CHUNK_MAGIC 0x31434d52u
#define CHUNK_MAX_ROWS (4u << 20)

typedef enum {
    CHUNK_CODE,
    CHUNK_NEXT_GAP,
    CHUNK_NEXT,
    CHUNK_EVENT,
    CHUNK_ADDR_GAP,
    CHUNK_ADDR_CTL,
    CHUNK_ADDR,
    CHUNK_PAGE,
    CHUNK_VALUE_GAP,
    CHUNK_VALUE_CTL,
    CHUNK_VALUE,
    CHUNK_SC,
    CHUNK_RAW,
    CHUNK_STREAMS
} ChunkStream;

typedef enum { EVENT_SYNC = 1, EVENT_CUT, EVENT_SPLIT, EVENT_DMA, EVENT_WALK } ChunkEvent;

#define CHUNK_HEADER (32 + 8 * CHUNK_STREAMS)

/* op of a row, in the order in which docs/sql.md lists them. */
#define MEM_OPS(X)                                                                                           \
    X(LOAD, "load")                                                                                          \
    X(STORE, "store")                                                                                        \
    X(LR, "lr")                                                                                              \
    X(SC, "sc")                                                                                              \
    X(AMO_LOAD, "amo_load")                                                                                  \
    X(AMO_STORE, "amo_store") X(DMA_READ, "dma_read") X(DMA_WRITE, "dma_write") X(PTW, "ptw")
typedef enum {
#define X(name, text) MEM_OP_##name,
    MEM_OPS(X)
#undef X
        MEM_OP_COUNT
} MemOpName;
extern const char *const mem_op_names[MEM_OP_COUNT];
#define MEM_OPS_WRITE                                                                                        \
    (1u << MEM_OP_STORE | 1u << MEM_OP_SC | 1u << MEM_OP_AMO_STORE | 1u << MEM_OP_DMA_WRITE |                \
     1u << MEM_OP_PTW)

/* What was touched through one translation: for the page index. */
#define PAGE_NO_VADDR UINT64_MAX
typedef struct PageTouch {
    uint64_t vpage, ppage; /* page numbers; vpage PAGE_NO_VADDR for DMA */
    uint64_t lines;        /* 64-byte lines touched in any way */
    uint64_t written[8];   /* 8-byte granules written */
} PageTouch;

/* -- encoding ------------------------------------------------------------------------------------------ */
/* Guest memory as the trace's `loc` shows it. */
typedef struct ChunkRam {
    uintptr_t host;
    uint64_t size;
    Gpa base;
} ChunkRam;

typedef struct ChunkSource {
    const ChunkRam *ram;
    size_t n_ram;
    /* The static block of a trace index, which is its id; never NULL. Any thread. */
    const CodeBlock *(*code)(void *opaque, uint32_t id);
    void *opaque;
    bool walks; /* TRACE_WALK becomes rows */
} ChunkSource;

typedef struct ChunkEncoder ChunkEncoder;

/* `source` must outlive the encoder. */
ChunkEncoder *chunk_encoder_new(const ChunkSource *source);
void chunk_encoder_free(ChunkEncoder *e);
/* Begin a chunk that will be given at most `words` trace words. */
void chunk_encoder_begin(ChunkEncoder *e, size_t words);
/* Each piece starts with TRACE_SYNC. False with a GError if the trace contradicts its own format. */
bool chunk_encoder_add(ChunkEncoder *e, const uint64_t *words, size_t n, GError **error);

typedef struct ChunkResult {
    Bytes blob; /* the encoder's; valid until the next begin */
    Pos first_pos, last_pos;
    uint32_t rows;
    PageTouch *pages;
    size_t n_pages;
} ChunkResult;
void chunk_encoder_end(ChunkEncoder *e, ChunkResult *ret);

/* -- decoding ------------------------------------------------------------------------------------------ */
#define ROW_NO_CPU UINT8_MAX   /* hart of a DMA row: hart, pc, vaddr, satp and priv are NULL */
#define ROW_NO_VADDR UINT8_MAX /* priv of a walker's row: vaddr and priv are NULL */

typedef struct ChunkRows {
    uint32_t n;
    uint64_t *pos, *pc, *vaddr, *paddr, *value, *satp;
    uint32_t *seq;
    uint8_t *op, *size, *hart, *priv;
    void *memory;
    size_t capacity;
} ChunkRows;
void chunk_rows_done(ChunkRows *rows);

typedef const CodeBlock *ChunkCodeFn(void *opaque, uint32_t id, GError **error);

typedef struct ChunkDecoder ChunkDecoder;
ChunkDecoder *chunk_decoder_new(ChunkCodeFn *code, void *opaque);
void chunk_decoder_free(ChunkDecoder *d);
/* All rows of a blob, in order; `rows` is reused. Malformed input is a GError. */
bool chunk_decode(ChunkDecoder *d, const uint8_t *blob, size_t size, ChunkRows *rows, GError **error);

#endif
