/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the MMU, for core/mmu*.c only:
 *
 *   mmu_walk.c   the page-table walk, a pure function of memory and CSRs
 *   mmu_watch.c  which PTEs were walked, and what to drop when one is written
 *   mmu_tlb.c    the caches: dropping from the inline TLB and the fetch TLB, the second-level TLB, fetch ids
 *   mmu.c        accesses
 */
#ifndef CORE_MMU_INTERNAL_H
#define CORE_MMU_INTERNAL_H

#include "core/csr_bits.h"
#include "core/machine.h"
#include "core/mmu.h"

#define PTE_V 1u
#define PTE_R 2u
#define PTE_W 4u
#define PTE_X 8u
#define PTE_U 16u
#define PTE_A 64u
#define PTE_D 128u
#define PTE_PPN_SHIFT 10
#define PTE_PBMT (3ull << 61)
#define PTE_N (1ull << 63)
#define PTE_RESERVED (0x7full << 54)
#define PTES_PER_PAGE 512u
#define WALK_MAX_LEVELS 5u

/* ---- mmu_walk.c ---- */

/* As whom an access is made. */
typedef struct MemView {
    Priv priv;
    bool sum, mxr;
    bool last; /* the last access of its block: what it changes of code is seen before more runs (MEM_LAST) */
} MemView;

typedef struct WalkStep {
    uint32_t page, slot; /* host page index and index of the PTE in it */
} WalkStep;

typedef struct Walk {
    Gpa pa;                   /* physical page of the address */
    uint64_t leaf;            /* the leaf PTE as it is in memory */
    uint64_t update;          /* A and D bits that must be set in it for this access (Svadu) */
    unsigned levels, n_steps; /* step i read a PTE of level levels - 1 - i */
    WalkStep steps[WALK_MAX_LEVELS];
} Walk;

typedef enum { WALK_OK, WALK_PAGE_FAULT, WALK_ACCESS_FAULT } WalkResult;

/* Does translation apply at all? */
bool mmu_is_paged(const Hart *h, Priv priv);
/* Do the R W X U bits of a leaf PTE allow the access? */
bool mmu_pte_allows(uint64_t pte, AccessKind kind, MemView view);
/* `debug`: ignore the A and D bits. Nothing is written in either case. */
WalkResult mmu_walk(const Hart *h, Gva va, AccessKind kind, MemView view, bool debug, Walk *walk);

/* ---- the machine-wide part ---- */

typedef struct StlbHart StlbHart;
typedef struct WatchPage WatchPage;

typedef struct FetchKey {
    uint64_t vpn_priv; /* virtual page address | privilege */
    uint32_t page;
    uint32_t id; /* 0: empty */
} FetchKey;

typedef struct Mmu {
    Machine *machine;
    StlbHart *stlb[MACHINE_MAX_HARTS];
    uint32_t *write_slot; /* per host page: the TLB entry that may have its write tag, see mmu_tlb.c */
    WatchPage **watch;    /* by host page; NULL: no walked PTEs */
    FetchKey *fetch_keys;
    uint32_t fetch_capacity, fetch_used, fetch_next_id;
    bool notes_touched; /* mmu_note_touched() */
    MmuStats stats;
} Mmu;

static inline Mmu *mmu_of(const Machine *m) {
    return m->mmu;
}

/* ---- mmu_tlb.c ---- */

/*
 * Second-level TLB: what 4 KiB translate to, by (satp without ASID, virtual page), with everything that an
 * access to RAM needs. PMP treats S and U alike, so its answer is kept, too: PMP_R | PMP_W | PMP_X that hold
 * for the whole page; without a bit, pmp_check() has to be asked.
 */
typedef struct StlbEntry {
    uint64_t root;
    Gpa pa;
    uint8_t *host; /* first byte of the page; NULL: not RAM */
    uint32_t host_page;
    uint8_t pte; /* low bits of the leaf: permissions, A and D as they are in memory at least */
    uint8_t pmp;
    bool readonly;
} StlbEntry;

const StlbEntry *mmu_stlb_find(Hart *h, Gva va); /* NULL: not there */
/* Enter the result of a walk. */
const StlbEntry *mmu_stlb_insert(Hart *h, Gva va, Gpa pa, uint64_t pte);
/* Drop, on all harts, what was derived for virtual addresses [base, base + last]. */
void mmu_drop_range(Mmu *mmu, Gva base, uint64_t last);
void mmu_drop_all(Mmu *mmu);
void mmu_stlb_free(Mmu *mmu);

static inline TlbEntry *mmu_tlb_entry(Hart *h, unsigned ctx, Gva va) {
    return &h->tlb[ctx][(va >> PAGE_BITS) & (TLB_ENTRIES - 1)];
}

/* The entry is about to be filled: remember that, if it is empty. No RAM is at physical page 0. */
static inline void mmu_note_used(Hart *h, unsigned ctx, const TlbEntry *e) {
    uint32_t n = h->tlb_used[ctx];
    if (e->paddr == 0 && n <= TLB_NOTED) {
        if (n < TLB_NOTED)
            h->tlb_noted[ctx][n] = (uint16_t)(e - h->tlb[ctx]);
        h->tlb_used[ctx]++;
    }
}

/* The entry is about to get a write tag for the host page. */
void mmu_note_write_tag(Hart *h, const TlbEntry *e, uint32_t page);

/* The id of the (privilege, virtual page, host page) triple; a new one if it has none yet. */
uint32_t mmu_fetch_id(Mmu *mmu, Priv priv, Gva va, uint32_t page);

/* ---- mmu_watch.c ---- */

/* Note the PTEs that a successful walk of va went through. */
void mmu_watch_walk(Mmu *mmu, Gva va, const Walk *walk);
/* Was a PTE in these bytes walked, so that a write to them drops something? */
bool mmu_watch_covers(const Mmu *mmu, uint32_t page, uint32_t offset, uint32_t size);
/* These bytes are written: drop what was derived from PTEs in them. Clears PAGE_PTE with the last one. */
void mmu_watch_written(Mmu *mmu, uint32_t page, uint32_t offset, uint32_t size);
void mmu_watch_free(Mmu *mmu);

#endif
