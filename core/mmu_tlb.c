/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/mmu_internal.h"

#include <string.h>

#define STLB_SETS 4096u
#define STLB_WAYS 4u

/* A key: virtual page address | generation. The keys are apart, since they are what searches and drops look at. */
struct StlbHart {
    uint32_t generation; /* 1 to PAGE_SIZE - 1; entries of another one are empty */
    uint32_t victim;
    uint64_t keys[STLB_SETS][STLB_WAYS];
    StlbEntry entries[STLB_SETS][STLB_WAYS];
};

/*
 * Fetch ids are forgotten, not reused, when the table has grown to this: what had one simply gets another. A run of
 * months may use them up: well before that (a turn makes fewer than 2^24) all caches that hold ids are emptied.
 */
#define FETCH_KEYS_MAX (1u << 18)
#define FETCH_IDS_WORN (UINT32_MAX - (1u << 24))
#define FETCH_KEYS_MIN 1024u

void mmu_init(Machine *m) {
    Mmu *mmu = g_new0(Mmu, 1);
    mmu->machine = m;
    mmu->watch = g_new0(WatchPage *, m->n_pages);
    mmu->write_slot = g_new0(uint32_t, m->n_pages);
    mmu->fetch_next_id = 1;
    m->mmu = mmu;
}

void mmu_done(Machine *m) {
    Mmu *mmu = mmu_of(m);
    if (!mmu)
        return;
    mmu_watch_free(mmu);
    mmu_stlb_free(mmu);
    g_free(mmu->fetch_keys);
    g_free(mmu->write_slot);
    g_free(mmu);
    m->mmu = NULL;
}

void mmu_get_stats(const Machine *m, MmuStats *stats) {
    *stats = mmu_of(m)->stats;
}

/* ---- second-level TLB ---- */

static uint32_t stlb_set(Gva va) {
    uint64_t vpn = va >> PAGE_BITS;
    return (uint32_t)((vpn ^ vpn >> 12 ^ vpn >> 24) % STLB_SETS);
}

static uint64_t stlb_root(const Hart *h) {
    return h->satp & ~SATP_ASID;
}

static StlbHart *stlb_of(Hart *h) {
    Mmu *mmu = mmu_of(h->machine);
    if (!mmu->stlb[h->id]) {
        mmu->stlb[h->id] = g_new0(StlbHart, 1);
        mmu->stlb[h->id]->generation = 1;
    }
    return mmu->stlb[h->id];
}

const StlbEntry *mmu_stlb_find(Hart *h, Gva va) {
    StlbHart *s = stlb_of(h);
    uint64_t key = (va & PAGE_MASK) | s->generation;
    uint32_t set = stlb_set(va);
    for (unsigned i = 0; i < STLB_WAYS; i++)
        if (s->keys[set][i] == key && s->entries[set][i].root == stlb_root(h))
            return &s->entries[set][i];
    return NULL;
}

/* The way of an entry for the same page if there is one, else an empty one, else the next victim. */
static unsigned stlb_choose(StlbHart *s, uint32_t set, uint64_t key, uint64_t root) {
    unsigned empty = STLB_WAYS;
    for (unsigned i = 0; i < STLB_WAYS; i++) {
        if ((s->keys[set][i] & ~PAGE_MASK) != s->generation)
            empty = i;
        else if (s->keys[set][i] == key && s->entries[set][i].root == root)
            return i;
    }
    return empty < STLB_WAYS ? empty : s->victim++ % STLB_WAYS;
}

static uint8_t whole_page_pmp(const Hart *h, Gpa pa) {
    static const uint8_t bits[] = {[ACCESS_LOAD] = PMP_R, [ACCESS_STORE] = PMP_W, [ACCESS_FETCH] = PMP_X};
    uint8_t allowed = 0;
    for (unsigned kind = 0; kind < G_N_ELEMENTS(bits); kind++) {
        bool whole;
        if (pmp_check(h, pa, PAGE_SIZE, (AccessKind)kind, PRIV_S, &whole) && whole)
            allowed |= bits[kind];
    }
    return allowed;
}

const StlbEntry *mmu_stlb_insert(Hart *h, Gva va, Gpa pa, uint64_t pte) {
    StlbHart *s = stlb_of(h);
    const RamBlock *b = machine_ram_block(h->machine, pa);
    uint64_t key = (va & PAGE_MASK) | s->generation;
    uint32_t set = stlb_set(va);
    unsigned way = stlb_choose(s, set, key, stlb_root(h));
    StlbEntry *e = &s->entries[set][way];
    s->keys[set][way] = key;
    *e = (StlbEntry){.root = stlb_root(h),
                     .pa = pa & PAGE_MASK,
                     .pte = (uint8_t)pte,
                     .pmp = whole_page_pmp(h, pa & PAGE_MASK)};
    if (b) {
        uint64_t offset = e->pa - b->base;
        e->host = b->host + offset;
        e->host_page = b->first_page + (uint32_t)(offset >> PAGE_BITS);
        e->readonly = b->readonly;
    }
    return e;
}

static void stlb_drop_all(StlbHart *s) {
    if (s && ++s->generation == PAGE_SIZE) {
        memset(s->keys, 0, sizeof s->keys);
        s->generation = 1;
    }
}

static void stlb_drop_range(StlbHart *s, Gva base, uint64_t last) {
    if (!s)
        return;
    uint64_t pages = (last >> PAGE_BITS) + 1;
    bool all = pages >= STLB_SETS;
    for (uint64_t set = 0; set < (all ? STLB_SETS : pages); set++) {
        uint64_t *keys = s->keys[all ? set : stlb_set(base + (set << PAGE_BITS))];
        for (unsigned i = 0; i < STLB_WAYS; i++)
            keys[i] = (keys[i] & PAGE_MASK) - base <= last ? 0 : keys[i];
    }
}

void mmu_stlb_free(Mmu *mmu) {
    for (unsigned i = 0; i < MACHINE_MAX_HARTS; i++)
        g_free(mmu->stlb[i]);
}

/* ---- inline TLB and fetch TLB ---- */

/* How many entries of a context there are to look at, and the i-th of them. */
static uint32_t tlb_count(const Hart *h, unsigned ctx) {
    return h->tlb_used[ctx] <= TLB_NOTED ? h->tlb_used[ctx] : TLB_ENTRIES;
}
static TlbEntry *tlb_at(Hart *h, unsigned ctx, uint32_t i) {
    return &h->tlb[ctx][h->tlb_used[ctx] <= TLB_NOTED ? h->tlb_noted[ctx][i] : i];
}

static void tlb_clear_ctx(Hart *h, unsigned ctx) {
    static const TlbEntry empty = {.read = TLB_NEVER, .write = TLB_NEVER};
    if (h->tlb_used[ctx] > TLB_NOTED) {
        memset(h->tlb[ctx], 0, sizeof h->tlb[ctx]);
        h->tlb[ctx][0] = empty;
    } else {
        for (uint32_t i = 0; i < h->tlb_used[ctx]; i++)
            h->tlb[ctx][h->tlb_noted[ctx][i]] = empty;
    }
    h->tlb_used[ctx] = 0;
}

static void tlb_clear(Hart *h, unsigned first_ctx) {
    for (unsigned ctx = first_ctx; ctx < CTX_COUNT; ctx++)
        tlb_clear_ctx(h, ctx);
}

static void tlb_drop_entry(TlbEntry *e, Gva base, uint64_t last) {
    if (e->read - base <= last)
        e->read = TLB_NEVER;
    if (e->write - base <= last)
        e->write = TLB_NEVER;
}

/* By address or by what is in use, whichever are fewer. */
static void tlb_drop_range(Hart *h, Gva base, uint64_t last) {
    uint64_t pages = (last >> PAGE_BITS) + 1;
    for (unsigned ctx = CTX_S; ctx < CTX_COUNT; ctx++) {
        uint32_t n = tlb_count(h, ctx);
        if (n <= pages)
            for (uint32_t i = 0; i < n; i++)
                tlb_drop_entry(tlb_at(h, ctx, i), base, last);
        else
            for (uint64_t i = 0; i < pages; i++)
                tlb_drop_entry(mmu_tlb_entry(h, ctx, base + (i << PAGE_BITS)), base, last);
    }
    if (pages >= ITLB_ENTRIES)
        memset(h->itlb, 0, sizeof h->itlb);
    for (uint64_t i = 0; pages < ITLB_ENTRIES && i < pages; i++)
        h->itlb[((base >> PAGE_BITS) + i) % ITLB_ENTRIES] = 0;
}

void mmu_flush(Hart *h) {
    Mmu *mmu = mmu_of(h->machine);
    tlb_clear(h, CTX_M);
    memset(h->itlb, 0, sizeof h->itlb);
    if (mmu) {
        stlb_drop_all(mmu->stlb[h->id]);
        mmu->stats.flushes++;
    }
}

void mmu_note_touched(Machine *m, bool on) {
    mmu_of(m)->notes_touched = on;
    for (unsigned i = 0; i < m->n_harts; i++) {
        tlb_clear(m->harts[i], CTX_M);
        hart_update_flags(m->harts[i]); /* FLAG_DIRECT goes round the TLB */
    }
}

bool mmu_notes_touched(const Machine *m) {
    return m->mmu && mmu_of(m)->notes_touched;
}

void mmu_satp_changed(Hart *h) {
    tlb_clear(h, CTX_S);
    memset(h->itlb, 0, sizeof h->itlb);
}

void mmu_drop_range(Mmu *mmu, Gva base, uint64_t last) {
    Machine *m = mmu->machine;
    mmu->stats.drops++;
    for (unsigned i = 0; i < m->n_harts; i++) {
        tlb_drop_range(m->harts[i], base, last);
        stlb_drop_range(mmu->stlb[m->harts[i]->id], base, last);
    }
}

void mmu_drop_all(Mmu *mmu) {
    Machine *m = mmu->machine;
    mmu->stats.drops++;
    for (unsigned i = 0; i < m->n_harts; i++) {
        mmu_satp_changed(m->harts[i]);
        stlb_drop_all(mmu->stlb[m->harts[i]->id]);
    }
}

/* Drop write tags: all of them, or those of one physical page. */
static void drop_write_tags(Machine *m, bool all, Gpa page) {
    for (unsigned i = 0; i < m->n_harts; i++) {
        Hart *h = m->harts[i];
        for (unsigned ctx = 0; ctx < CTX_COUNT; ctx++) {
            for (uint32_t i = 0, n = tlb_count(h, ctx); i < n; i++) {
                TlbEntry *e = tlb_at(h, ctx, i);
                if (all || e->paddr == page)
                    e->write = TLB_NEVER;
            }
        }
    }
}

void mmu_drop_write_tags(Machine *m) {
    drop_write_tags(m, true, 0);
}

/*
 * Nearly always a page has had write tags in one entry only since they were last dropped: then there is no need to
 * look through all TLBs. 0: in none; SLOT_MANY: in several; else the number of the entry, plus 1.
 */
#define SLOT_MANY UINT32_MAX

void mmu_note_write_tag(Hart *h, const TlbEntry *e, uint32_t page) {
    uint32_t *at = &mmu_of(h->machine)->write_slot[page];
    uint32_t entry = (uint32_t)(((uintptr_t)e - (uintptr_t)h->tlb) / sizeof *e); /* over all contexts */
    uint32_t slot = h->id * (CTX_COUNT * TLB_ENTRIES) + entry + 1;
    *at = *at == 0 || *at == slot ? slot : SLOT_MANY;
}

void mmu_drop_page_tags(Machine *m, uint32_t page) {
    Gpa address = machine_page_address(m, page);
    uint32_t slot = mmu_of(m)->write_slot[page];
    mmu_of(m)->write_slot[page] = 0;
    if (slot == SLOT_MANY) {
        drop_write_tags(m, false, address);
    } else if (slot) {
        Hart *h = m->harts[(slot - 1) / (CTX_COUNT * TLB_ENTRIES)];
        uint32_t entry = (slot - 1) % (CTX_COUNT * TLB_ENTRIES);
        TlbEntry *e = &h->tlb[entry / TLB_ENTRIES][entry % TLB_ENTRIES];
        if (e->paddr == address)
            e->write = TLB_NEVER;
    }
}

/* ---- fetch ids ---- */

static uint32_t fetch_slot(const Mmu *mmu, uint64_t vpn_priv, uint32_t page) {
    uint64_t hash = (vpn_priv ^ (uint64_t)page << 40) * 0x9e3779b97f4a7c15ull;
    uint32_t at = (uint32_t)(hash >> 32) & (mmu->fetch_capacity - 1);
    while (mmu->fetch_keys[at].id &&
           (mmu->fetch_keys[at].vpn_priv != vpn_priv || mmu->fetch_keys[at].page != page))
        at = (at + 1) & (mmu->fetch_capacity - 1);
    return at;
}

/* Keeps the table at most half full. */
static void fetch_make_room(Mmu *mmu) {
    if (mmu->fetch_used * 2 < mmu->fetch_capacity)
        return;
    FetchKey *old = mmu->fetch_keys;
    uint32_t n = mmu->fetch_capacity;
    if (n >= FETCH_KEYS_MAX) {
        memset(old, 0, (size_t)n * sizeof *old);
        mmu->fetch_used = 0;
        return;
    }
    mmu->fetch_capacity = n ? n * 2 : FETCH_KEYS_MIN;
    mmu->fetch_keys = g_new0(FetchKey, mmu->fetch_capacity);
    for (uint32_t i = 0; i < n; i++)
        if (old[i].id)
            mmu->fetch_keys[fetch_slot(mmu, old[i].vpn_priv, old[i].page)] = old[i];
    g_free(old);
}

uint32_t mmu_fetch_id(Mmu *mmu, Priv priv, Gva va, uint32_t page) {
    uint64_t vpn_priv = (va & PAGE_MASK) | priv;
    fetch_make_room(mmu);
    FetchKey *key = &mmu->fetch_keys[fetch_slot(mmu, vpn_priv, page)];
    if (!key->id) {
        g_assert(mmu->fetch_next_id != 0);
        *key = (FetchKey){vpn_priv, page, mmu->fetch_next_id++};
        mmu->fetch_used++;
    }
    return key->id;
}

bool mmu_fetch_ids_worn(const Machine *m) {
    return mmu_of(m)->fetch_next_id >= FETCH_IDS_WORN;
}

void mmu_forget_fetch_ids(Machine *m) {
    Mmu *mmu = mmu_of(m);
    if (mmu->fetch_keys)
        memset(mmu->fetch_keys, 0, (size_t)mmu->fetch_capacity * sizeof *mmu->fetch_keys);
    mmu->fetch_used = 0;
    mmu->fetch_next_id = 1;
}
