/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The static side of a trace: every distinct block of instructions that ran, once, with its accesses and, for
 * each, from which earlier word of the same block its address and value can be foretold. Chunks refer to
 * blocks by id; the blocks are stored in segments of CODE_SEGMENT, so that a reader loads only those that a
 * chunk names.
 *
 * A segment is a zstd frame of these entries, one after the other, all varints unless said otherwise:
 *
 *     pc, flags, n_insns, n_mem, words
 *     n_insns times     the instruction: 2 or 4 raw bytes (4 if the low two bits are 11)
 *     n_mem times       insn, slot - former slot, kind << 2 | size, address source, value source; after a
 * source other than CODE_NONE its offset, zigzag
 *
 * A source is 0 for none, 1 for the constant 0, else 2 + 2·access + (0 its address, 1 its value), where
 * `access` is an earlier access of the block.
 */
#ifndef ANALYSES_STORE_CODE_H
#define ANALYSES_STORE_CODE_H

#include "analyses/store/bytes.h"
#include "core/trace.h"

#define CODE_SEGMENT 256u
#define CODE_MAX_WORDS 0x7fffu

enum { CODE_NONE = 0, CODE_ZERO = 1, CODE_FIRST = 2 };

typedef struct CodeMem {
    uint16_t insn, slot;
    uint32_t pc_offset; /* of the instruction from the block's pc */
    uint8_t kind, size; /* TraceMemKind, log2 of the bytes */
    uint32_t addr_source, value_source;
    int64_t addr_offset, value_offset;
} CodeMem;

typedef struct CodeBlock {
    uint32_t id;
    Gva pc;
    uint32_t flags;
    uint16_t n_insns, n_mem, words;
    bool simple; /* loads, stores and lr only: a row an access */
    uint32_t *raw;
    CodeMem *mem;
} CodeBlock;

/* Analyse a block of the engine's. */
CodeBlock *code_block_new(const TraceBlock *t);
void code_block_free(CodeBlock *b);
void code_block_write(const CodeBlock *b, Bytes *out);
/* NULL if the entry is malformed. */
CodeBlock *code_block_read(Reader *r);
static inline unsigned code_insn_size(uint32_t raw) {
    return (raw & 3) == 3 ? 4 : 2;
}
static inline unsigned code_block_priv(const CodeBlock *b) {
    return b->flags & 3;
}

#endif
