/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page-table entries are watched: each page that holds walked PTEs has a bitmap of them and knows which
 * virtual range they map, so that a write to one drops what was derived from it and nothing else. PTEs that
 * were found invalid are not walked in this sense: nothing was derived from them.
 */
#include "core/mmu_internal.h"

struct WatchPage {
    uint64_t walked[PTES_PER_PAGE / 64];
    Gva base;       /* virtual address that slot 0 maps (0 for a root table) */
    uint8_t level;  /* of the PTEs: 0 maps 4 KiB */
    uint8_t levels; /* of the whole walk */
    bool ambiguous; /* reached at several places of the address space or levels: drop everything */
};

/* Bytes mapped by a PTE of this level, as a shift. */
static unsigned level_shift(unsigned level) {
    return PAGE_BITS + 9 * level;
}

/* A root table maps the whole space, both halves: its slots' addresses are made by sign extension. */
static Gva table_base(Gva va, unsigned level, unsigned levels) {
    return level == levels - 1 ? 0 : va & ~((1ull << level_shift(level + 1)) - 1);
}

static Gva slot_address(const WatchPage *w, unsigned slot) {
    Gva va = w->base + ((Gva)slot << level_shift(w->level));
    unsigned unused = 64 - level_shift(w->levels);
    return (Gva)((int64_t)(va << unused) >> unused);
}

static void watch_step(Mmu *mmu, Gva va, const WalkStep *step, unsigned level, unsigned levels) {
    Machine *m = mmu->machine;
    WatchPage *w = mmu->watch[step->page];
    Gva base = table_base(va, level, levels);
    if (!w) {
        w = mmu->watch[step->page] = g_new0(WatchPage, 1);
        w->base = base;
        w->level = (uint8_t)level;
        w->levels = (uint8_t)levels;
    } else if (w->base != base || w->level != level || w->levels != levels) {
        w->ambiguous = true;
    }
    w->walked[step->slot / 64] |= 1ull << step->slot % 64;
    if (!(m->page_flags[step->page] & PAGE_PTE)) {
        m->page_flags[step->page] |= PAGE_PTE;
        mmu_drop_page_tags(m, step->page);
    }
}

void mmu_watch_walk(Mmu *mmu, Gva va, const Walk *walk) {
    for (unsigned i = 0; i < walk->n_steps; i++)
        watch_step(mmu, va, &walk->steps[i], walk->levels - 1 - i, walk->levels);
}

static bool slot_is_walked(const WatchPage *w, unsigned slot) {
    return w->walked[slot / 64] >> slot % 64 & 1;
}

bool mmu_watch_covers(const Mmu *mmu, uint32_t page, uint32_t offset, uint32_t size) {
    const WatchPage *w = mmu->watch[page];
    if (!w)
        return false;
    for (unsigned slot = offset / 8; slot <= (offset + size - 1) / 8; slot++)
        if (slot_is_walked(w, slot))
            return true;
    return false;
}

static bool watch_is_empty(const WatchPage *w) {
    uint64_t any = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(w->walked); i++)
        any |= w->walked[i];
    return !any;
}

void mmu_watch_written(Mmu *mmu, uint32_t page, uint32_t offset, uint32_t size) {
    WatchPage *w = mmu->watch[page];
    bool any = false;
    for (unsigned slot = offset / 8; w && slot <= (offset + size - 1) / 8; slot++) {
        if (!slot_is_walked(w, slot))
            continue;
        any = true;
        w->walked[slot / 64] &= ~(1ull << slot % 64);
        if (!w->ambiguous)
            mmu_drop_range(mmu, slot_address(w, slot), (1ull << level_shift(w->level)) - 1);
    }
    if (any && w->ambiguous)
        mmu_drop_all(mmu);
    if (!w || (any && watch_is_empty(w))) {
        g_free(w);
        mmu->watch[page] = NULL;
        mmu->machine->page_flags[page] &= (uint8_t)~PAGE_PTE;
    }
}

void mmu_watch_free(Mmu *mmu) {
    for (uint32_t i = 0; i < mmu->machine->n_pages; i++)
        g_free(mmu->watch[i]);
    g_free(mmu->watch);
}
