/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up guest: writes a raw trace (core/trace.h) and, on its own, the memtrace rows it stands for. */
#ifndef TESTS_TRACE_SYNTH_H
#define TESTS_TRACE_SYNTH_H

#include <glib.h>
#include "analyses/store/chunk.h"

#define SYNTH_RAM_BASE 0x80000000u
#define SYNTH_RAM_SIZE (4u << 20)

typedef struct SynthRow {
    int64_t pos, seq, hart, satp, pc, op, vaddr, paddr, size, value, priv;
} SynthRow;

typedef struct Synth {
    GRand *rand;
    uint8_t *ram;
    GArray *words;          /* uint64_t */
    GArray *rows;           /* SynthRow */
    GPtrArray *code;        /* TraceBlock */
    GPtrArray *code_blocks; /* CodeBlock, as the analysis keeps them */
    uint64_t x[32];
    uint64_t pages[64]; /* virtual page number -> physical page address, vpage = 0x10 + i */
    Pos pos;
    uint32_t hart;
    uint64_t satp;
    bool regular; /* no cuts, splits, DMA, atomics: what a benchmark wants */
    ChunkRam map;
    ChunkSource source;
} Synth;

Synth *synth_new(uint32_t seed, unsigned n_blocks, bool regular);
void synth_free(Synth *s);
/* Append about `n` block executions, beginning with TRACE_SYNC. */
void synth_run(Synth *s, unsigned n);

#endif
