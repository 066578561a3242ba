/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs: the instructions of one window of pos, as the sequence of static blocks (code.h) that ran. Which
 * block comes next is foretold from the ones before; only what was foretold wrong is stored, so that code
 * which goes the usual way costs nothing.
 *
 * Layout of the blob, integers little-endian:
 *
 *     u32 magic "RMR1"   u32 number of instructions   u32 number of blocks run   u32 hart
 *     u64 pos of the first block
 *     u64 filter: first pos, last pos, first pc, last pc (what lies outside is not part of the trace)
 *     RUN_STREAMS times u32 size, u32 stored size
 *     the streams' zstd frames (stored size 0: empty stream)
 *     u64 XXH3 of everything before
 *
 * Streams (varint, gap: see chunk.h):
 *
 *     CODE   varint per distinct block, in order of first use: its id, zigzag difference to the one before
 *     GAP    gap per block that was foretold wrong, in blocks
 *     NEXT   varint: that block's number in CODE
 *     EVENT  varint blocks begun since the last event, u8 RunEvent, then
 *                SYNC   varints hart, zigzag(pos - expected): before the next block
 *                CUT    varint instructions that retired of the block just begun
 */
#ifndef ANALYSES_STORE_RUNS_H
#define ANALYSES_STORE_RUNS_H

#include "analyses/store/chunk.h"

#define RUNS_MAGIC 0x31524d52u
#define RUNS_MAX (4u << 20)

typedef enum { RUN_CODE, RUN_GAP, RUN_NEXT, RUN_EVENT, RUN_STREAMS } RunStream;
typedef enum { RUN_EVENT_SYNC = 1, RUN_EVENT_CUT } RunEvent;
#define RUNS_HEADER (56 + 8 * RUN_STREAMS)

/* All bounds inclusive; pc unsigned. */
typedef struct RunFilter {
    Pos first, last;
    Gva low, high;
} RunFilter;
#define RUN_FILTER_ALL ((RunFilter){0, UINT64_MAX, 0, UINT64_MAX})

/* -- encoding ------------------------------------------------------------------------------------------ */
typedef struct RunEncoder RunEncoder;
/* `code` as in ChunkSource. */
RunEncoder *run_encoder_new(const CodeBlock *(*code)(void *opaque, uint32_t id), void *opaque,
                            const RunFilter *filter);
void run_encoder_free(RunEncoder *e);
/* Begin a window of at most `words` trace words; then pieces, each starting with TRACE_SYNC. */
void run_encoder_begin(RunEncoder *e, size_t words);
bool run_encoder_add(RunEncoder *e, const uint64_t *words, size_t n, GError **error);
/* ret->rows: instructions; 0: there is nothing to keep. ret->pages: where the instructions lie, as virtual
 * pages of which granules are "written"; ppage is 0. */
void run_encoder_end(RunEncoder *e, ChunkResult *ret);

/* -- decoding ------------------------------------------------------------------------------------------ */
typedef struct RunBlock {
    Gva pc;
    uint32_t at; /* of its first instruction in raw and offset */
    uint16_t n_insns;
    uint8_t priv;
} RunBlock;

typedef struct Run {
    Pos pos; /* of instruction `first` */
    uint32_t block;
    uint16_t first, n; /* instructions of the block */
    uint8_t hart;
} Run;

/* A decoded window; holds all it needs. */
typedef struct Runs {
    Run *run;
    RunBlock *blocks;
    uint32_t *raw, *offset; /* the instruction's bytes; its distance from the block's pc */
    uint32_t n, n_blocks, n_insns;
    size_t run_room, block_room, insn_room;
} Runs;
void runs_done(Runs *r);

typedef struct RunDecoder RunDecoder;
RunDecoder *run_decoder_new(ChunkCodeFn *code, void *opaque);
void run_decoder_free(RunDecoder *d);
/* `runs` is reused. Malformed input is a GError. */
bool run_decode(RunDecoder *d, const uint8_t *blob, size_t size, Runs *runs, GError **error);

/* -- what both foretell with --------------------------------------------------------------------------- */
#define RUN_HISTORY (1u << 16)
typedef struct RunPredict {
    uint32_t history;
    uint32_t next[RUN_HISTORY]; /* id + 1 of the block that came after such a history; 0: none */
} RunPredict;

static inline void run_predict_follow(RunPredict *p, uint32_t id) {
    p->history = (p->history << 4 ^ (id * 0x9e3779b1u >> 12)) % RUN_HISTORY;
}

#endif
