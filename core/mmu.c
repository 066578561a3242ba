/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses: translation with its caches, then RAM or a device. */
#include "core/mmu_internal.h"

#include <string.h>

#include "core/trap.h"

/* What is there instead of an exception's cause. */
#define NO_FAULT (-1)
#define REDO (-2) /* it would set A or D in code, which only the last access of a block may */

/* Where one access, inside one page, ends up. */
typedef struct Target {
    Gpa pa;
    uint8_t *host; /* the first byte; NULL: not RAM */
    uint32_t page; /* host page index, if RAM */
    bool readonly;
    bool whole; /* PMP's answer holds for the page */
} Target;

static MemView op_view(MemOp op) {
    static const uint8_t privs[] = {
        [CTX_M] = PRIV_M, [CTX_S] = PRIV_S, [CTX_S_SUM] = PRIV_S, [CTX_U] = PRIV_U};
    unsigned ctx = MEM_CTX(op), base = ctx % CTX_MXR;
    return (MemView){privs[base], base == CTX_S_SUM, ctx >= CTX_MXR, (op & MEM_LAST) != 0};
}

static MemView fetch_view(const Hart *h) {
    return (MemView){h->priv, false, false, true};
}

static int page_fault(AccessKind kind) {
    static const uint8_t cause[] = {
        [ACCESS_LOAD] = EXC_LOAD_PAGE, [ACCESS_STORE] = EXC_STORE_PAGE, [ACCESS_FETCH] = EXC_INSN_PAGE};
    return cause[kind];
}

static int access_fault(AccessKind kind) {
    static const uint8_t cause[] = {
        [ACCESS_LOAD] = EXC_LOAD_ACCESS, [ACCESS_STORE] = EXC_STORE_ACCESS, [ACCESS_FETCH] = EXC_INSN_ACCESS};
    return cause[kind];
}

/* ---- writing RAM ---- */

static bool is_code(const Machine *m, uint32_t page, uint32_t offset, uint32_t size) {
    if (!(m->page_flags[page] & PAGE_CODE) || !m->engine)
        return false;
    const EngineOps *ops = m->engine->ops;
    return !ops->has_code || ops->has_code(m->engine, page, offset, size);
}

/* Bytes of one page are about to be written: nothing derived from them survives. */
static void page_written(Machine *m, uint32_t page, uint32_t offset, uint32_t size) {
    uint8_t flags = m->page_flags[page];
    m->page_flags[page] = flags | PAGE_DIRTY;
    if (is_code(m, page, offset, size))
        m->engine->ops->invalidate_code(m->engine, page, offset, size);
    if (flags & PAGE_PTE)
        mmu_watch_written(mmu_of(m), page, offset, size);
}

void mmu_ram_written(Machine *m, uint32_t page, uint32_t offset, uint32_t size) {
    for (unsigned i = 0; i < m->n_harts; i++)
        m->harts[i]->res_size = 0;
    while (size) {
        uint32_t n = MIN(size, (uint32_t)PAGE_SIZE - offset);
        page_written(m, page, offset, n);
        page++;
        offset = 0;
        size -= n;
    }
}

/* The walker sets A or D: translations stay true, so only code and the dirty flag are told. */
static void write_pte_bits(Hart *h, Gva va, const Walk *walk) {
    Machine *m = h->machine;
    const WalkStep *at = &walk->steps[walk->n_steps - 1];
    uint64_t pte = GUINT64_TO_LE(walk->leaf | walk->update);
    uint32_t offset = at->slot * (uint32_t)sizeof pte;
    m->page_flags[at->page] |= PAGE_DIRTY;
    if (is_code(m, at->page, offset, sizeof pte))
        m->engine->ops->invalidate_code(m->engine, at->page, offset, sizeof pte);
    memcpy(machine_page_host(m, at->page) + offset, &pte, sizeof pte);
    if (mmu_of(m)->notes_touched)
        hooks_touch(m->hooks, 0, machine_page_address(m, at->page), TOUCH_WALK);
    if (h->trace_ptr && (hooks_trace_wants(m->hooks) & TRACE_WANT_WALK)) {
        uint64_t words[TRACE_WALK_WORDS] = {TRACE_WALK | h->left, hart_pos(h),
                                            machine_page_address(m, at->page) + offset,
                                            walk->leaf | walk->update, va};
        hooks_trace_append(m->hooks, h, words, G_N_ELEMENTS(words));
    }
}

/* ---- translation ---- */

/* By a walk: its entry in the second-level TLB, or NULL with the cause of the fault. */
static const StlbEntry *walk(Hart *h, Gva va, AccessKind kind, MemView view, int *cause) {
    Mmu *mmu = mmu_of(h->machine);
    Walk walk;
    mmu->stats.walks++;
    switch (mmu_walk(h, va, kind, view, false, &walk)) {
    case WALK_OK: break;
    case WALK_PAGE_FAULT: *cause = page_fault(kind); return NULL;
    case WALK_ACCESS_FAULT: *cause = access_fault(kind); return NULL;
    }
    if (walk.update) {
        const WalkStep *at = &walk.steps[walk.n_steps - 1];
        if (!view.last &&
            is_code(h->machine, at->page, at->slot * (uint32_t)sizeof walk.leaf, sizeof walk.leaf)) {
            *cause = REDO;
            return NULL;
        }
        write_pte_bits(h, va, &walk);
    }
    mmu_watch_walk(mmu, va, &walk);
    return mmu_stlb_insert(h, va, walk.pa, walk.leaf | walk.update);
}

static int resolve_paged(Hart *h, Gva va, unsigned size, AccessKind kind, MemView view, Target *t) {
    static const uint8_t pmp_bit[] = {[ACCESS_LOAD] = PMP_R, [ACCESS_STORE] = PMP_W, [ACCESS_FETCH] = PMP_X};
    const StlbEntry *e = mmu_stlb_find(h, va);
    if (!e || !mmu_pte_allows(e->pte, kind, view) || (kind == ACCESS_STORE && !(e->pte & PTE_D))) {
        int cause = NO_FAULT;
        e = walk(h, va, kind, view, &cause);
        if (!e)
            return cause;
    }
    uint64_t offset = va & ~PAGE_MASK;
    *t = (Target){e->pa | offset, e->host ? e->host + offset : NULL, e->host_page, e->readonly, true};
    if (!(e->pmp & pmp_bit[kind]) && !pmp_check(h, t->pa, size, kind, view.priv, &t->whole))
        return access_fault(kind);
    return NO_FAULT;
}

static int resolve_physical(Hart *h, Gpa pa, unsigned size, AccessKind kind, MemView view, Target *t) {
    const RamBlock *b = machine_ram_block(h->machine, pa);
    *t = (Target){.pa = pa};
    if (b) {
        uint64_t offset = pa - b->base;
        t->host = b->host + offset;
        t->page = b->first_page + (uint32_t)(offset >> PAGE_BITS);
        t->readonly = b->readonly;
    }
    return pmp_check(h, pa, size, kind, view.priv, &t->whole) ? NO_FAULT : access_fault(kind);
}

/* The whole way of [va, va+size), which does not cross a page. NO_FAULT with *t filled, or the cause. */
static int resolve(Hart *h, Gva va, unsigned size, AccessKind kind, MemView view, Target *t) {
    if (mmu_is_paged(h, view.priv))
        return resolve_paged(h, va, size, kind, view, t);
    return resolve_physical(h, va, size, kind, view, t);
}

/* Leave by the way that resolve() told. */
static void give_up(Hart *h, int cause, Gva va) {
    if (cause == REDO)
        h->exit = EXIT_REDO;
    else
        hart_raise(h, (ExcCause)cause, va);
}

static bool resolve_or_raise(Hart *h, Gva va, unsigned size, AccessKind kind, MemView view, Target *t) {
    int cause = resolve(h, va, size, kind, view, t);
    if (cause != NO_FAULT)
        give_up(h, cause, va);
    return cause == NO_FAULT;
}

bool mmu_translate_peek(const Hart *h, Gva va, AccessKind kind, Gpa *pa) {
    bool other = kind != ACCESS_FETCH && h->priv == PRIV_M && h->mstatus & MSTATUS_MPRV; /* §3.1.6.3 */
    unsigned priv = other ? (h->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT : h->priv;
    MemView view = {priv, true, true, true};
    Walk walk;
    if (!mmu_is_paged(h, view.priv)) {
        *pa = va;
        return true;
    }
    if (mmu_walk(h, va, kind, view, true, &walk) != WALK_OK)
        return false;
    *pa = walk.pa | (va & ~PAGE_MASK);
    return true;
}

/* For those who index what is accessed. One that is made only later (EXIT_REDO), or not at all, may be among them. */
static void note_touched(const Hart *h, Gva va, const Target *t, AccessKind kind) {
    if (G_UNLIKELY(mmu_of(h->machine)->notes_touched))
        hooks_touch(h->machine->hooks, va, t->pa, kind == ACCESS_LOAD ? TOUCH_READ : TOUCH_WRITE);
}

/* Let the inline path do this page's accesses of the kind from now on. */
static void tlb_fill(Hart *h, unsigned ctx, Gva va, AccessKind kind, const Target *t) {
    if (!t->whole)
        return;
    TlbEntry *e = mmu_tlb_entry(h, ctx, va);
    Gpa paddr = t->pa & PAGE_MASK;
    uintptr_t addend = (uintptr_t)t->host - (uintptr_t)va;
    if (e->paddr != paddr || e->addend != addend) {
        mmu_note_used(h, ctx, e);
        e->read = e->write = TLB_NEVER;
        e->paddr = paddr;
        e->addend = addend;
    }
    if (kind == ACCESS_LOAD) {
        e->read = va & PAGE_MASK;
    } else {
        mmu_note_write_tag(h, e, t->page);
        e->write = va & PAGE_MASK;
    }
    mmu_of(h->machine)->stats.fills++;
}

static uint64_t target_loc(const Target *t) {
    return t->host ? (uint64_t)(uintptr_t)t->host : TRACE_PHYS | t->pa;
}

static bool crosses_page(Gva va, unsigned size) {
    return (va & ~PAGE_MASK) + size > PAGE_SIZE;
}

/* The second half of a page-crossing access begins here. */
static void trace_split(Hart *h, const Target *second) {
    if (h->trace_ptr) {
        uint64_t words[] = {TRACE_SPLIT | h->left, target_loc(second)};
        hooks_trace_append(h->machine->hooks, h, words, G_N_ELEMENTS(words));
    }
}

/* Misaligned accesses inside a page come here although the inline path's tag is good: use it. NULL: it is
 * not. */
static uint8_t *tagged_host(Hart *h, Gva va, MemOp op, AccessKind kind) {
    const TlbEntry *e = mmu_tlb_entry(h, MEM_CTX(op), va);
    if ((kind == ACCESS_LOAD ? e->read : e->write) != (va & PAGE_MASK))
        return NULL;
    h->mem_loc = va + e->addend;
    return (uint8_t *)(uintptr_t)h->mem_loc;
}

/* ---- loads ---- */

static uint64_t load_le(const uint8_t *from, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, from, size);
    return GUINT64_FROM_LE(value);
}

static uint64_t extend(uint64_t value, MemOp op) {
    unsigned unused = 64 - 8 * MEM_SIZE(op);
    return op & MEM_SIGN ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

/*
 * A device access may be made only by the last instruction of a block. True: go ahead; else exit is set.
 * Devices do not take misaligned accesses, and no reservations or atomics.
 */
static bool device_admits(Hart *h, Gva va, MemOp op, AccessKind kind, const Target *t) {
    bool plain = MEM_KIND(op) == MEM_LOAD || MEM_KIND(op) == MEM_STORE;
    if (!plain || t->pa & (MEM_SIZE(op) - 1) || !machine_mmio_region(h->machine, t->pa)) {
        hart_raise(h, (ExcCause)access_fault(kind), va);
        return false;
    }
    if (!(op & MEM_LAST)) {
        h->exit = EXIT_REDO;
        h->redo_device = true;
    }
    return op & MEM_LAST;
}

static uint64_t device_load(Hart *h, Gva va, MemOp op, const Target *t) {
    uint64_t value = 0;
    if (!device_admits(h, va, op, ACCESS_LOAD, t))
        return 0;
    if (!machine_mmio_read(h->machine, t->pa, MEM_SIZE(op), &value)) {
        hart_raise(h, EXC_LOAD_ACCESS, va);
        return 0;
    }
    h->mem_loc = target_loc(t);
    return extend(value, op);
}

static bool resolve_halves(Hart *h, Gva va, MemOp op, AccessKind kind, Target t[2], unsigned *first_size) {
    MemView view = op_view(op);
    Gva second = (va & PAGE_MASK) + PAGE_SIZE;
    unsigned n = (unsigned)(second - va);
    *first_size = n;
    if (!resolve_or_raise(h, va, n, kind, view, &t[0]) ||
        !resolve_or_raise(h, second, MEM_SIZE(op) - n, kind, view, &t[1]))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        if (!t[i].host) {
            hart_raise(h, (ExcCause)access_fault(kind), i ? second : va);
            return false;
        }
    }
    note_touched(h, va, &t[0], kind);
    note_touched(h, second, &t[1], kind);
    return true;
}

static uint64_t load_crossing(Hart *h, Gva va, MemOp op) {
    Target t[2] = {0};
    unsigned n;
    if (!resolve_halves(h, va, op, ACCESS_LOAD, t, &n))
        return 0;
    uint64_t value = load_le(t[0].host, n) | load_le(t[1].host, MEM_SIZE(op) - n) << (8 * n);
    h->mem_loc = target_loc(&t[0]);
    trace_split(h, &t[1]);
    return extend(value, op);
}

uint64_t mmu_load(Hart *h, Gva va, MemOp op) {
    unsigned size = MEM_SIZE(op);
    Target t = {0};
    mmu_of(h->machine)->stats.loads++;
    if (MEM_KIND(op) == MEM_LR && va & (size - 1)) {
        hart_raise(h, EXC_LOAD_MISALIGNED, va);
        return 0;
    }
    if (crosses_page(va, size))
        return load_crossing(h, va, op);
    const uint8_t *tagged = tagged_host(h, va, op, ACCESS_LOAD);
    if (tagged)
        return extend(load_le(tagged, size), op);
    if (!resolve_or_raise(h, va, size, ACCESS_LOAD, op_view(op), &t))
        return 0;
    note_touched(h, va, &t, ACCESS_LOAD);
    if (!t.host)
        return device_load(h, va, op, &t);
    h->mem_loc = target_loc(&t);
    tlb_fill(h, MEM_CTX(op), va, ACCESS_LOAD, &t);
    return extend(load_le(t.host, size), op);
}

/* ---- stores ---- */

static void store_le(uint8_t *to, uint64_t value, unsigned size) {
    value = GUINT64_TO_LE(value);
    memcpy(to, &value, size);
}

/* Must the block end after a write of these bytes? It may change what follows in it. */
static bool write_ends_block(const Machine *m, const Target *t, unsigned size) {
    uint32_t offset = (uint32_t)(t->pa & ~PAGE_MASK);
    if (t->readonly)
        return false;
    return is_code(m, t->page, offset, size) ||
           ((m->page_flags[t->page] & PAGE_PTE) && mmu_watch_covers(mmu_of(m), t->page, offset, size));
}

/* Announce a write that is going to happen, and open the inline path if the page is an ordinary one. */
static void announce_write(Hart *h, unsigned ctx, Gva va, const Target *t, unsigned size, bool fill) {
    Machine *m = h->machine;
    bool ordinary = !(m->page_flags[t->page] & (PAGE_CODE | PAGE_PTE));
    page_written(m, t->page, (uint32_t)(t->pa & ~PAGE_MASK), size);
    if (ordinary && fill)
        tlb_fill(h, ctx, va, ACCESS_STORE, t);
}

/* Stores to ROM and flash have no effect, as on QEMU. */
static void store_half(Hart *h, const Target *t, Gva va, uint64_t value, unsigned size, MemOp op, bool fill) {
    if (t->readonly)
        return;
    announce_write(h, MEM_CTX(op), va, t, size, fill);
    store_le(t->host, value, size);
}

static void store_crossing(Hart *h, Gva va, uint64_t value, MemOp op) {
    Target t[2] = {0};
    unsigned n, rest;
    if (!resolve_halves(h, va, op, ACCESS_STORE, t, &n))
        return;
    rest = MEM_SIZE(op) - n;
    if (!(op & MEM_LAST) &&
        (write_ends_block(h->machine, &t[0], n) || write_ends_block(h->machine, &t[1], rest))) {
        h->exit = EXIT_REDO;
        return;
    }
    store_half(h, &t[0], va, value, n, op, false);
    store_half(h, &t[1], va + n, value >> (8 * n), rest, op, false);
    h->mem_loc = target_loc(&t[0]);
    trace_split(h, &t[1]);
}

static void device_store(Hart *h, Gva va, uint64_t value, MemOp op, const Target *t) {
    if (!device_admits(h, va, op, ACCESS_STORE, t))
        return;
    if (machine_mmio_write(h->machine, t->pa, value, MEM_SIZE(op)))
        h->mem_loc = target_loc(t);
    else
        hart_raise(h, EXC_STORE_ACCESS, va);
}

void mmu_store(Hart *h, Gva va, uint64_t value, MemOp op) {
    unsigned size = MEM_SIZE(op);
    Target t = {0};
    mmu_of(h->machine)->stats.stores++;
    if (size < 8)
        value &= (1ull << (8 * size)) - 1;
    if (crosses_page(va, size)) {
        store_crossing(h, va, value, op);
        return;
    }
    uint8_t *tagged = tagged_host(h, va, op, ACCESS_STORE);
    if (tagged) {
        store_le(tagged, value, size);
        return;
    }
    if (!resolve_or_raise(h, va, size, ACCESS_STORE, op_view(op), &t))
        return;
    note_touched(h, va, &t, ACCESS_STORE);
    if (!t.host) {
        device_store(h, va, value, op, &t);
        return;
    }
    if (!(op & MEM_LAST) && write_ends_block(h->machine, &t, size)) {
        h->exit = EXIT_REDO;
        return;
    }
    store_half(h, &t, va, value, size, op, true);
    h->mem_loc = target_loc(&t);
}

/* ---- read-modify-write and cache blocks ---- */

#define CACHE_BLOCK 64u

void *mmu_rmw(Hart *h, Gva va, MemOp op) {
    unsigned size = MEM_SIZE(op);
    Target t = {0};
    mmu_of(h->machine)->stats.stores++;
    if (MEM_KIND(op) == MEM_CBO_ZERO) {
        size = CACHE_BLOCK;
        va &= ~(Gva)(CACHE_BLOCK - 1);
    } else if (va & (size - 1)) {
        hart_raise(h, EXC_STORE_MISALIGNED, va);
        return NULL;
    }
    uint8_t *tagged = tagged_host(h, va, op, ACCESS_STORE);
    if (tagged)
        return tagged;
    if (!resolve_or_raise(h, va, size, ACCESS_STORE, op_view(op), &t))
        return NULL;
    note_touched(h, va, &t, ACCESS_STORE);
    if (!t.host || t.readonly) {
        hart_raise(h, EXC_STORE_ACCESS, va);
        return NULL;
    }
    if (!(op & MEM_LAST) && write_ends_block(h->machine, &t, size)) {
        h->exit = EXIT_REDO;
        return NULL;
    }
    announce_write(h, MEM_CTX(op), va, &t, size, true);
    h->mem_loc = target_loc(&t);
    return t.host;
}

/* Where a store is allowed a load is too (W without R is reserved in PTEs and PMP), so loads decide. */
bool mmu_cbo_check(Hart *h, Gva va, MemOp op) {
    Target t = {0};
    va &= ~(Gva)(CACHE_BLOCK - 1);
    int cause = resolve(h, va, CACHE_BLOCK, ACCESS_LOAD, op_view(op), &t);
    if (cause == EXC_LOAD_PAGE)
        cause = EXC_STORE_PAGE;
    else if (cause == EXC_LOAD_ACCESS)
        cause = EXC_STORE_ACCESS;
    if (cause != NO_FAULT)
        give_up(h, cause, va);
    return cause == NO_FAULT;
}

/* ---- instruction fetch ---- */

bool mmu_fetch(Hart *h, Gva va, FetchPage *to) {
    Target t = {0};
    if (!resolve_or_raise(h, va, 2, ACCESS_FETCH, fetch_view(h), &t))
        return false;
    if (!t.host) {
        hart_raise(h, EXC_INSN_ACCESS, va);
        return false;
    }
    to->page = t.page;
    to->host = t.host - (t.pa & ~PAGE_MASK);
    to->partial = !t.whole;
    to->id = mmu_fetch_id(mmu_of(h->machine), h->priv, va, t.page);
    h->itlb[(va >> PAGE_BITS) % ITLB_ENTRIES] = to->partial ? 0 : to->id;
    return true;
}
