/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page-table walk: privileged spec §12.3.2 (Sv39), §12.4, §12.5, with Svnapot, Svpbmt, Svadu and PMP. */
#include "core/mmu_internal.h"

#include <string.h>

bool mmu_is_paged(const Hart *h, Priv priv) {
    return priv != PRIV_M && h->satp >> SATP_MODE_SHIFT != SATP_BARE;
}

static unsigned satp_levels(uint64_t satp) {
    switch ((SatpMode)(satp >> SATP_MODE_SHIFT)) {
    case SATP_SV39: return 3;
    case SATP_SV48: return 4;
    case SATP_SV57: return 5;
    case SATP_BARE: break;
    }
    g_assert_not_reached();
}

static bool va_is_canonical(Gva va, unsigned levels) {
    unsigned unused = 64 - (PAGE_BITS + 9 * levels);
    return (Gva)((int64_t)(va << unused) >> unused) == va;
}

bool mmu_pte_allows(uint64_t pte, AccessKind kind, MemView view) {
    if (view.priv == PRIV_U ? !(pte & PTE_U) : (pte & PTE_U) && (kind == ACCESS_FETCH || !view.sum))
        return false;
    switch (kind) {
    case ACCESS_LOAD: return pte & (view.mxr ? PTE_R | PTE_X : PTE_R);
    case ACCESS_STORE: return pte & PTE_W;
    case ACCESS_FETCH: return pte & PTE_X;
    }
    g_assert_not_reached();
}

/* Page-table accesses are S-mode's and reach RAM only. */
static const uint8_t *pte_host(const Hart *h, Gpa pa, WalkStep *step) {
    bool whole;
    const RamBlock *b = machine_ram_block(h->machine, pa);
    if (!b || !pmp_check(h, pa, sizeof(uint64_t), ACCESS_LOAD, PRIV_S, &whole))
        return NULL;
    step->page = b->first_page + (uint32_t)((pa - b->base) >> PAGE_BITS);
    step->slot = (uint32_t)(pa & ~PAGE_MASK) / sizeof(uint64_t);
    return b->host + (pa - b->base);
}

static bool pte_is_leaf(uint64_t pte) {
    return pte & (PTE_R | PTE_W | PTE_X);
}

/* Valid, and no reserved bit or encoding in use (§12.3.1; Svnapot §13, Svpbmt §14). */
static bool pte_is_wellformed(const Hart *h, uint64_t pte, unsigned level) {
    if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W || (pte & PTE_RESERVED & ~(PTE_PBMT | PTE_N)))
        return false;
    if (!pte_is_leaf(pte))
        return level > 0 && !(pte & (PTE_D | PTE_A | PTE_U | PTE_PBMT | PTE_N));
    if ((pte & PTE_PBMT) && (!(h->menvcfg & ENVCFG_PBMTE) || (pte & PTE_PBMT) == PTE_PBMT))
        return false;
    uint64_t ppn = (pte >> PTE_PPN_SHIFT) & SATP_PPN;
    if (pte & PTE_N) /* 64 KiB is the one size that is defined */
        return h->isa->svnapot && level == 0 && (ppn & 15) == 8;
    return (ppn & ((1ull << (9 * level)) - 1)) == 0;
}

static Gpa leaf_address(Gva va, uint64_t pte, unsigned level) {
    Gpa pa = ((pte >> PTE_PPN_SHIFT) & SATP_PPN) << PAGE_BITS;
    uint64_t within = (pte & PTE_N ? PAGE_SIZE << 4 : PAGE_SIZE << (9 * level)) - 1;
    return ((pa & ~within) | (va & within)) & PAGE_MASK;
}

/* Steps 7 to 9 of the algorithm: which of A and D the access must set, and whether it may. */
static WalkResult leaf_update(const Hart *h, Gpa pte_addr, AccessKind kind, Walk *walk) {
    walk->update = (PTE_A | (kind == ACCESS_STORE ? PTE_D : 0)) & ~walk->leaf;
    if (!walk->update)
        return WALK_OK;
    if (!(h->menvcfg & ENVCFG_ADUE))
        return WALK_PAGE_FAULT;
    bool whole, writable = !machine_ram_block(h->machine, pte_addr)->readonly;
    if (!writable || !pmp_check(h, pte_addr, sizeof(uint64_t), ACCESS_STORE, PRIV_S, &whole))
        return WALK_ACCESS_FAULT;
    return WALK_OK;
}

WalkResult mmu_walk(const Hart *h, Gva va, AccessKind kind, MemView view, bool debug, Walk *walk) {
    unsigned levels = satp_levels(h->satp);
    Gpa table = (h->satp & SATP_PPN) << PAGE_BITS;
    walk->levels = levels;
    walk->n_steps = 0;
    walk->update = 0;
    if (!va_is_canonical(va, levels))
        return WALK_PAGE_FAULT;
    for (unsigned level = levels; level-- > 0;) {
        Gpa at = table + ((va >> (PAGE_BITS + 9 * level)) % PTES_PER_PAGE) * sizeof(uint64_t);
        const uint8_t *host = pte_host(h, at, &walk->steps[walk->n_steps]);
        uint64_t pte;
        if (!host)
            return WALK_ACCESS_FAULT;
        walk->n_steps++;
        memcpy(&pte, host, sizeof pte);
        pte = GUINT64_FROM_LE(pte);
        if (!pte_is_wellformed(h, pte, level))
            return WALK_PAGE_FAULT;
        if (!pte_is_leaf(pte)) {
            table = ((pte >> PTE_PPN_SHIFT) & SATP_PPN) << PAGE_BITS;
            continue;
        }
        if (!mmu_pte_allows(pte, kind, view))
            return WALK_PAGE_FAULT;
        walk->leaf = pte;
        walk->pa = leaf_address(va, pte, level);
        return debug ? WALK_OK : leaf_update(h, at, kind, walk);
    }
    return WALK_PAGE_FAULT;
}
