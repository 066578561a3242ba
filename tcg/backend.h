/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the engine (engine.c: lookup, linking, exceptions, tails) needs of a backend that executes blocks. Two
 * implementations: interp/ and x86_64/. The engine always holds an interpreter, which runs block tails and single
 * instructions even when the backend is x86_64.
 */
#ifndef TCG_BACKEND_H
#define TCG_BACKEND_H

#include "tcg/block.h"

/* Why enter() came back. hart->pc is the next instruction except for ENTER_HELPER, where it is the current one. */
typedef enum {
    ENTER_LINK0 = 0, /* block's exit slot 0 is not linked: find hart->pc, link if possible */
    ENTER_LINK1 = 1,
    ENTER_LOOKUP = 2, /* indirect jump that missed the caches */
    ENTER_BUDGET = 3, /* the block at hart->pc is longer than the budget, which is as before the block */
    ENTER_LOOP = 4,   /* EXIT_LOOP or EXIT_PC was executed */
    ENTER_HELPER = 5, /* hart->exit is set; pc and left name the instruction */
    ENTER_TRACE = 6,  /* the trace buffer is full; nothing of the block at hart->pc was done */
} EnterReason;

typedef struct EnterResult {
    Block *
        from; /* ENTER_LINK*: whose slot. ENTER_BUDGET, ENTER_TRACE: the block at hart->pc, if its steps were entered */
    EnterReason reason;
} EnterResult;

typedef struct Backend Backend;
typedef struct BackendOps {
    const char *name;
    void (*free)(Backend *b);
    /*
     * Make `block` (identity fields filled in) executable from `ir`. False: the cache is full; the engine then
     * flushes everything and tries again.
     */
    bool (*compile)(Backend *b, const IrBlock *ir, Block *block);
    /*
     * Execute from `block` on, following links, until something needs the engine. hart->budget > 0. All guest state
     * is in *hart before and after.
     */
    EnterResult (*enter)(Backend *b, Hart *hart, Block *block);
    /* Patch from's exit `slot` to go straight to `to` / back to "not linked". Called with both valid. */
    void (*link)(Backend *b, Block *from, unsigned slot, Block *to);
    void (*unlink)(Backend *b, Block *from, unsigned slot);
    /* Every block is gone. */
    void (*flush)(Backend *b);
    uint64_t (*code_bytes)(const Backend *b);
    /* Host disassembly or IR of a block for -d; may be NULL. */
    void (*dump)(Backend *b, const Block *block, GString *to);
} BackendOps;

struct Backend {
    const BackendOps *ops;
};

/*
 * The indirect-jump cache, per hart (hart->jump_cache), probed by generated code; filled by the engine.
 * An entry holds for (pc, flags) while itlb[(pc >> 12) % ITLB_ENTRIES] == page_id. code: host entry (x86_64).
 * Blocks of the same pc that differ in the state of the floating-point unit (FS, frm) have entries of their own, a few
 * further on: the kernel runs with any of them, and programs that change the rounding mode go to and fro.
 */
#define JUMP_CACHE_PCS 65536u
#define JUMP_CACHE_FLAGS_SHIFT FLAG_FS_SHIFT
#define JUMP_CACHE_FLAGS_MASK 63u
#define JUMP_CACHE_STRIDE_SHIFT 6
#define JUMP_CACHE_ENTRIES (JUMP_CACHE_PCS + ((JUMP_CACHE_FLAGS_MASK + 1) << JUMP_CACHE_STRIDE_SHIFT))
#define JUMP_CACHE_AWAY(flags)                                                                               \
    (((flags) >> JUMP_CACHE_FLAGS_SHIFT & JUMP_CACHE_FLAGS_MASK) << JUMP_CACHE_STRIDE_SHIFT)
#define JUMP_CACHE_INDEX(pc, flags) (((pc) >> 1 & (JUMP_CACHE_PCS - 1)) + JUMP_CACHE_AWAY(flags))
typedef struct JumpEntry {
    Gva pc;
    uint32_t flags, page_id;
    const uint8_t *code;
    Block *block;
} JumpEntry;

/* The block at pc for the hart's present flags and mappings, or NULL if the cache does not know. */
static inline Block *jump_cache_find(const Hart *h, Gva pc) {
    const JumpEntry *e = (const JumpEntry *)h->jump_cache + JUMP_CACHE_INDEX(pc, h->flags);
    bool hit = e->pc == pc && e->flags == h->flags && e->page_id != 0 &&
               h->itlb[(pc >> PAGE_BITS) & (ITLB_ENTRIES - 1)] == e->page_id;
    return hit ? e->block : NULL;
}

/* What a compiling backend and the engine can do without: X(NAME, name for -d nopt=). */
#define BACKEND_PASSES(X)                                                                                    \
    X(DIRECT, "direct")         /* M mode loads from RAM by its address, without the TLB */                  \
    X(MISALIGNED, "misaligned") /* misaligned accesses within a page without C */                            \
    X(ALONE, "alone") /* blocks of their own for instructions that keep reaching devices (engine.c) */

typedef enum {
#define X(name, text) BACKEND_PASS_##name,
    BACKEND_PASSES(X)
#undef X
} BackendPass;

Backend *backend_interp_new(Machine *m);
/* `disabled`: bits by BackendPass. NULL on other hosts. */
Backend *backend_x86_64_new(Machine *m, size_t code_cache_size, unsigned disabled);

#endif
