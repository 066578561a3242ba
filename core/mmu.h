/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address translation and the slow paths of memory access.
 *
 * Translation behaves as if the page tables were walked on every access: pages that hold walked PTEs are
 * write-watched (PAGE_PTE), and a store to a walked PTE drops what was derived from it before anything else
 * runs. Hence sfence.vma has nothing to do but check its privilege. Behind the small inline TLB (hart.h)
 * stands a larger one, tagged by satp, so that address-space switches do not cost walks.
 */
#ifndef CORE_MMU_H
#define CORE_MMU_H

#include "core/hart.h"

/* Memory operation descriptor: everything about an access that is known at translation. */
typedef uint32_t MemOp;
enum {
    MEM_SIZE_MASK = 3,  /* log2 of the bytes */
    MEM_SIGN = 4,       /* sign-extend the loaded value */
    MEM_CTX_SHIFT = 3,  /* 3 bits: MemCtx */
    MEM_KIND_SHIFT = 6, /* 3 bits: MemKind */
    /* The access belongs to the last instruction of a tail block (TranslateInput.tail), after which the
     * engine looks again: it may reach devices, code and PTE pages; without it those give EXIT_REDO. */
    MEM_LAST = 1 << 9,
};
typedef enum { MEM_LOAD, MEM_STORE, MEM_LR, MEM_SC, MEM_AMO, MEM_CBO_ZERO } MemKind;
#define MEM_SIZE(op) (1u << ((op)&MEM_SIZE_MASK))
#define MEM_CTX(op) (((op) >> MEM_CTX_SHIFT) & 7u)
#define MEM_KIND(op) (((op) >> MEM_KIND_SHIFT) & 7u)

/*
 * Slow paths for generated code and the interpreter. Exactly one of: the access is done (value returned,
 * h->mem_loc set, TLB filled); h->exit = EXIT_FAULT; h->exit = EXIT_REDO with nothing done. pc, left and all
 * registers must be in memory. An access that reaches a device, or that writes a page holding code or walked
 * PTEs, is only made with MEM_LAST set.
 */
uint64_t mmu_load(Hart *h, Gva va, MemOp op);
void mmu_store(Hart *h, Gva va, uint64_t value, MemOp op);
/*
 * Host address for an atomic read-modify-write of aligned RAM (kinds MEM_AMO, MEM_SC, MEM_CBO_ZERO), already
 * announced as written; NULL with h->exit set otherwise. Misaligned or not RAM: the store/AMO exception.
 */
void *mmu_rmw(Hart *h, Gva va, MemOp op);

/*
 * Permission check of cbo.inval, clean and flush (unprivileged spec, CMO §"Memory attributes and
 * exceptions"): allowed where a load or a store is. False: h->exit is set (store faults). `op`'s size is
 * ignored: the block is 64 bytes.
 */
bool mmu_cbo_check(Hart *h, Gva va, MemOp op);

/* Where an instruction's bytes are. */
typedef struct FetchPage {
    uint32_t page;       /* host page index (machine.h) */
    uint32_t id;         /* see ITLB in hart.h; never 0 */
    const uint8_t *host; /* first byte of the page */
    bool partial;        /* PMP covers the page only in part: not in the ITLB, every parcel must ask again */
} FetchPage;
/* Translate a fetch of the 2-byte parcel at va and enter it into the ITLB; on failure raises (tval = va). */
bool mmu_fetch(Hart *h, Gva va, FetchPage *to);

/*
 * Ids are running out; only between turns can that be mended, by machine_flush_caches(). mmu_forget_fetch_ids() is its part:
 * the next fetch gets the first id again, so nothing may hold an id any more (no block, no ITLB).
 */
bool mmu_fetch_ids_worn(const Machine *m);
void mmu_forget_fetch_ids(Machine *m);

/* Debug view: translate without side effects (no A/D update, no TLB fill, no exception), as `priv`, satp and, for loads and
 * stores, MPRV say. */
bool mmu_translate_peek(const Hart *h, Gva va, AccessKind kind, Gpa *pa);

/* Make and free m->mmu. machine_new() calls it once RAM, page_flags and the harts exist; machine_free() ends
 * it. */
void mmu_init(Machine *m);
void mmu_done(Machine *m);

/* Drop caches. All invisible to the guest. */
void mmu_flush(Hart *h);        /* everything of this hart */
void mmu_satp_changed(Hart *h); /* switch address space */
/*
 * From now on (`on`; or not any more) tell hooks_touch() which pages are accessed: of each page the first access of a kind
 * at least, since all inline paths are closed by this call. Between runs only.
 */
void mmu_note_touched(Machine *m, bool on);
bool mmu_notes_touched(const Machine *m);
void mmu_drop_write_tags(Machine *m); /* after the dirty flags were cleared */
void mmu_drop_page_tags(Machine *m,
                        uint32_t page); /* write tags of one host page: it now holds code or PTEs */
/*
 * RAM bytes [offset, offset+size) of a page (size may run on into following pages of the block) are about to
 * be written by anything but a hart's own store (DMA, loader): marks dirty, invalidates code, drops derived
 * translations, breaks reservations. Stores of harts are announced inside mmu_store() and mmu_rmw().
 */
void mmu_ram_written(Machine *m, uint32_t page, uint32_t offset, uint32_t size);

/* PMP (pmp.c): does [pa, pa+size) permit the access at this privilege? *whole_page: the answer holds for the
 * page. */
bool pmp_check(const Hart *h, Gpa pa, uint64_t size, AccessKind kind, Priv priv, bool *whole_page);
/* May M mode access all of main RAM, however misaligned? Valid until a PMP register is written. */
bool pmp_leaves_ram_to_m(const Hart *h);

/* TLB statistics for --stats. loads and stores took the slow path, atomics among the latter. */
typedef struct MmuStats {
    uint64_t fills, walks, drops, flushes, loads, stores;
} MmuStats;
void mmu_get_stats(const Machine *m, MmuStats *stats);

#endif
