/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What IR needs to run without a machine: a hart, 64 KiB of memory at RAM_BASE behind fake slow paths, and fake
 * helpers. Include in one file of a test executable only.
 */
#ifndef TESTS_IR_FIXTURE_H
#define TESTS_IR_FIXTURE_H

#include <string.h>

#include "tcg/backend.h"
#include "tcg/interp/interp.h"

#define RAM_BASE 0x80000000u
#define RAM_SIZE 0x10000u
#define DEVICE_BASE 0x10000000u /* accesses without MEM_LAST give EXIT_REDO */

static Hart *hart;
static Backend *interp;
static IrBlock ir;
static uint8_t ram[RAM_SIZE + 64] G_GNUC_UNUSED;
static unsigned slow_paths, helper_calls;
static Gva slow_pc;
static uint32_t slow_left;

static void *ram_at(Gva va, unsigned size) {
    return va >= RAM_BASE && va - RAM_BASE + size <= RAM_SIZE ? ram + (va - RAM_BASE) : NULL;
}

static void *slow_access(Hart *h, Gva va, MemOp op) {
    slow_paths++;
    slow_pc = h->pc;
    slow_left = h->left;
    void *p = ram_at(va, MEM_SIZE(op));
    if (!p) {
        h->exit = va == DEVICE_BASE && !(op & MEM_LAST) ? EXIT_REDO : EXIT_FAULT;
    }
    h->mem_loc = (uintptr_t)p;
    return p;
}

uint64_t mmu_load(Hart *h, Gva va, MemOp op) {
    uint64_t value = 0;
    void *p = slow_access(h, va, op);
    if (p) {
        memcpy(&value, p, MEM_SIZE(op));
    }
    unsigned unused = 64 - 8 * MEM_SIZE(op);
    return op & MEM_SIGN ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

void mmu_store(Hart *h, Gva va, uint64_t value, MemOp op) {
    void *p = slow_access(h, va, op);
    if (p) {
        memcpy(p, &value, MEM_SIZE(op));
    }
}

void *mmu_rmw(Hart *h, Gva va, MemOp op) {
    return slow_access(h, va, op);
}

/* Every helper: remembers that it ran, returns a mix of its arguments; `illegal` faults. */
static uint64_t fake_helper(Hart *h, IrHelper which, uint64_t a, uint64_t b, uint64_t c) {
    helper_calls++;
    slow_pc = h->pc;
    slow_left = h->left;
    if (which == HELPER_illegal) {
        h->exit = EXIT_FAULT;
    }
    return a + 3 * b + 5 * c + which;
}
#define H(name, flags)                                                                                       \
    uint64_t helper_##name(Hart *h, uint64_t a, uint64_t b, uint64_t c) {                                    \
        return fake_helper(h, HELPER_##name, a, b, c);                                                       \
    }
IR_HELPERS(H)
#undef H

void hooks_trace_append(Hooks *h, Hart *hp, const uint64_t *words, size_t n) {
    memcpy(hp->trace_ptr, words, n * sizeof *words);
    hp->trace_ptr += n;
}
uint32_t hooks_trace_add_block(Hooks *h, const TraceBlock *block) {
    return 7;
}
const TraceBlock *hooks_trace_block(const Hooks *h, uint32_t index) {
    return NULL;
}

static void fixture_init(void) {
    static Machine machine;
    hart = g_new0(Hart, 1);
    hart->machine = &machine;
    hart->jump_cache = g_new0(JumpEntry, JUMP_CACHE_ENTRIES);
    interp = backend_interp_new(&machine);
}

static void fixture_done(void) {
    interp->ops->free(interp);
    g_free(hart->jump_cache);
    g_free(hart);
}

static TlbEntry *fixture_entry(unsigned ctx, Gva va) {
    return &hart->tlb[ctx][(va >> PAGE_BITS) & (TLB_ENTRIES - 1)];
}

/* Registers 0, RAM 0, nothing in the TLB, where only RAM's pages have ever been. */
static void fixture_reset(void) {
    void *jump_cache = hart->jump_cache;
    Machine *m = hart->machine;
    memset(hart, 0, offsetof(Hart, tlb));
    for (unsigned ctx = 0; ctx < CTX_COUNT; ctx++) {
        hart->tlb[ctx][0].read = hart->tlb[ctx][0].write = TLB_NEVER;
        for (Gva va = RAM_BASE; va < RAM_BASE + RAM_SIZE; va += PAGE_SIZE) {
            *fixture_entry(ctx, va) = (TlbEntry){TLB_NEVER, TLB_NEVER, 0, 0};
        }
    }
    hart->jump_cache = jump_cache;
    hart->machine = m;
    memset(ram, 0, sizeof ram);
    slow_paths = helper_calls = 0;
}

/* Make the page of va present in the inline TLB of ctx. */
static G_GNUC_UNUSED void fixture_map(MemCtx ctx, Gva va, bool write) {
    TlbEntry *e = fixture_entry(ctx, va);
    e->read = va & PAGE_MASK;
    e->write = write ? va & PAGE_MASK : TLB_NEVER;
    e->addend = (uintptr_t)ram - RAM_BASE;
}

static void begin(void) {
    ir_init(&ir, RAM_BASE, 0);
}

static G_GNUC_UNUSED IrOp *mark(void) {
    IrOp *op = ir_emit(&ir, IR_INSN, 0, 0, 0, (int64_t)(ir.pc + ir.bytes));
    op->aux = 4;
    op->c = ir.n_insns++;
    ir.bytes += 4;
    return op;
}

/* Compile what is in `ir` for the interpreter and run it once. */
static G_GNUC_UNUSED EnterResult run_block(Block *b, int64_t budget) {
    g_autoptr(GString) why = g_string_new(NULL);
    if (!ir_check(&ir, why)) {
        g_error("%s", why->str);
    }
    *b = (Block){.pc = ir.pc,
                 .flags = ir.flags,
                 .n_insns = ir.n_insns,
                 .bytes = ir.bytes,
                 .trace_words = ir.trace_words};
    interp_compile_once(interp, &ir, b);
    hart->budget = budget;
    return interp->ops->enter(interp, hart, b);
}

#endif
