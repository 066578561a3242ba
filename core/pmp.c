/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical memory protection (privileged spec §3.7): 16 entries, grain of 4 bytes. */
#include <string.h>

#include "core/csr_bits.h"
#include "core/csr_ops.h"
#include "core/machine.h"
#include "core/mmu.h"

#define PMP_ENTRIES 16u
#define PMP_ADDR_BITS ((1ull << 54) - 1)
#define PMP_CFG_BITS (PMP_R | PMP_W | PMP_X | PMP_A | PMP_L)

/* Addresses of an entry, both ends included. False if it matches nothing. */
static bool pmp_range(const Hart *h, unsigned i, Gpa *first, Gpa *last) {
    uint64_t addr = h->pmpaddr[i];
    switch ((PmpMatch)((h->pmpcfg[i] & PMP_A) >> PMP_A_SHIFT)) {
    case PMP_OFF: return false;
    case PMP_TOR:
        *first = i ? h->pmpaddr[i - 1] << 2 : 0;
        *last = (addr << 2) - 1;
        return *first < addr << 2;
    case PMP_NA4:
        *first = addr << 2;
        *last = *first + 3;
        return true;
    case PMP_NAPOT: {
        uint64_t low = addr ^ (addr + 1); /* the trailing ones and the zero above them */
        *first = (addr & ~low) << 2;
        *last = *first + (low << 2 | 3);
        return true;
    }
    }
    g_assert_not_reached();
}

static bool pmp_entry_allows(uint8_t cfg, AccessKind kind, Priv priv) {
    static const uint8_t needed[] = {[ACCESS_LOAD] = PMP_R, [ACCESS_STORE] = PMP_W, [ACCESS_FETCH] = PMP_X};
    if (priv == PRIV_M && !(cfg & PMP_L))
        return true;
    return cfg & needed[kind];
}

/*
 * The lowest entry that matches any byte decides, and must match all of them (§3.7.1.3). The answer holds for
 * the whole page if no entry up to the deciding one covers the page in part.
 */
bool pmp_check(const Hart *h, Gpa pa, uint64_t size, AccessKind kind, Priv priv, bool *whole_page) {
    Gpa page = pa & PAGE_MASK, page_last = page | ~PAGE_MASK;
    *whole_page = true;
    if (!h->isa->pmp)
        return true;
    for (unsigned i = 0; i < PMP_ENTRIES; i++) {
        Gpa first, last;
        if (!pmp_range(h, i, &first, &last) || first > page_last || last < page)
            continue;
        if (first > page || last < page_last)
            *whole_page = false;
        if (first > pa + size - 1 || last < pa)
            continue;
        return first <= pa && last >= pa + size - 1 && pmp_entry_allows(h->pmpcfg[i], kind, priv);
    }
    return priv == PRIV_M;
}

/* An entry that covers a part could be matched by a part of an access, which then fails even unlocked (§3.7.1.3). */
bool pmp_leaves_ram_to_m(const Hart *h) {
    const RamBlock *ram = h->machine->ram;
    uint64_t any[2];
    memcpy(any, h->pmpcfg, sizeof any);
    if (!h->isa->pmp || !(any[0] | any[1]))
        return true;
    for (unsigned i = 0; ram && i < PMP_ENTRIES; i++) {
        Gpa first, last;
        Gpa ram_last = ram->base + ram->size - 1;
        if (!pmp_range(h, i, &first, &last) || last < ram->base || first > ram_last)
            continue;
        return first <= ram->base && last >= ram_last && !(h->pmpcfg[i] & PMP_L);
    }
    return true;
}

uint64_t csr_read_pmpcfg(const Hart *h, unsigned csr) {
    unsigned first = (csr & 15) * 4;
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)h->pmpcfg[first + i] << (8 * i);
    return value;
}

/* W without R is reserved: that entry keeps its value. */
void csr_write_pmpcfg(Hart *h, unsigned csr, uint64_t value) {
    unsigned first = (csr & 15) * 4;
    for (unsigned i = 0; i < 8; i++) {
        uint8_t cfg = (uint8_t)(value >> (8 * i)) & PMP_CFG_BITS;
        bool reserved = (cfg & PMP_W) && !(cfg & PMP_R);
        if (!reserved && !(h->pmpcfg[first + i] & PMP_L))
            h->pmpcfg[first + i] = cfg;
    }
    mmu_flush(h);
    hart_update_flags(h);
}

uint64_t csr_read_pmpaddr(const Hart *h, unsigned csr) {
    return h->pmpaddr[csr & 15];
}

/* A locked TOR entry locks the address below it too (§3.7.1.2). */
void csr_write_pmpaddr(Hart *h, unsigned csr, uint64_t value) {
    unsigned i = csr & 15;
    bool locked = h->pmpcfg[i] & PMP_L;
    if (i + 1 < PMP_ENTRIES) {
        uint8_t above = h->pmpcfg[i + 1];
        locked |= (above & PMP_L) && (above & PMP_A) >> PMP_A_SHIFT == PMP_TOR;
    }
    if (locked)
        return;
    h->pmpaddr[i] = value & PMP_ADDR_BITS;
    mmu_flush(h);
    hart_update_flags(h);
}
