/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw trace: what generated code leaves behind for the observers that want every access or every
 * instruction. An array of 64-bit words, written by the guest's thread, handed over buffer by buffer to a consumer
 * thread. Layout (all by word):
 *
 *   block header   TRACE_BLOCK | index of the TraceBlock in TraceSource (low 32 bits)
 *                  followed by `words - 1` slots reserved for the block's accesses, in program order:
 *                      load, lr        vaddr, loc, value
 *                      store           vaddr, loc, value
 *                      sc              vaddr, loc, value, done (1 stored, 0 failed)
 *                      amo             vaddr, loc, old value, new value
 *                  values are zero-extended raw memory contents of the access size.
 *                  loc: host address of the byte in RAM (< 2^63), or TRACE_PHYS | physical address (device).
 *   TRACE_CUT      | left (low 32 bits): the last `left` instructions of the block just begun did not retire (it
 *                  ended after n_insns - left); their slots are garbage. Without it all instructions retired.
 *   TRACE_SPLIT    | left (low 32): the access of instruction n_insns - left crosses a page; next word: loc of the
 *                  second page's first byte. `left` is hart->left, as slow paths find it.
 *   TRACE_SYNC     | hart (low 8 bits); next words: pos, satp, priv. pos of the next block header. Comes first in
 *                  every buffer, after every trap, and whenever pos does not follow from the blocks alone.
 *   TRACE_DMA      | device index (bits 0-15) | is_write << 16; next words: pos, seq, paddr, size, then the bytes,
 *                  padded to words.
 *   TRACE_WALK     | left (low 32; 0: to fetch an instruction): the page-table walker set A or D bits
 *                  (TRACE_WANT_WALK) in the block just begun or before the next one; next words: pos of the step,
 *                  paddr, new PTE, the virtual address that was translated. Reads of PTEs are not reported: caches
 *                  decide when they happen.
 *
 * A block's pos runs on from the previous one: each header advances it by the instructions that retired.
 */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

#include "core/types.h"

#define TRACE_BLOCK (1ull << 56)
#define TRACE_CUT (2ull << 56)
#define TRACE_SPLIT (3ull << 56)
#define TRACE_SYNC (4ull << 56)
#define TRACE_DMA (5ull << 56)
#define TRACE_WALK (6ull << 56)
#define TRACE_WALK_WORDS 5u
#define TRACE_TAG(word) ((word) & (0xffull << 56))
#define TRACE_PHYS (1ull << 63)

typedef enum {
    TRACE_MEM_LOAD,
    TRACE_MEM_STORE,
    TRACE_MEM_LR,
    TRACE_MEM_SC,
    TRACE_MEM_AMO,
    TRACE_MEM_CBO
} TraceMemKind;

typedef struct TraceMem {
    uint16_t insn; /* index of the instruction in the block */
    uint16_t slot; /* word offset of the access's slot from the header */
    uint8_t kind;  /* TraceMemKind */
    uint8_t size;  /* log2 of the bytes; TRACE_MEM_CBO: 64 bytes of zero, slot = vaddr, loc, 0 */
} TraceMem;

typedef struct TraceBlock {
    Gva pc;
    uint32_t flags; /* hart->flags the block was made for */
    uint16_t n_insns, n_mem, words;
    uint8_t *insn_len;  /* n_insns: 2 or 4 */
    uint32_t *insn_raw; /* n_insns: the instruction's bytes */
    TraceMem *mem;      /* n_mem */
} TraceBlock;

#endif
