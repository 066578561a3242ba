/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/recorders/memtrace_index.h"

#include "core/mmu.h"

#define SLOTS_MIN 4096u
#define NO_PAGE UINT64_MAX

typedef struct TouchedPage {
    uint64_t vpage, ppage; /* vpage PAGE_NO_VADDR: without; ppage NO_PAGE: the slot is free */
    bool written;
} TouchedPage;

struct MemIndex {
    Machine *machine;
    StoreStmt *insert;
    IndexBuilder *builder;
    bool walks;
    Pos steps, begin; /* of the window */
    uint64_t n_windows;
    TouchedPage *slots; /* a hash table */
    size_t mask, used;
    Bytes blob;
    GError *error; /* the first; nothing is stored after it */
};

static TouchedPage *slots_new(size_t n) {
    g_assert(n >= SLOTS_MIN);
    TouchedPage *slots = g_new(TouchedPage, n);
    for (size_t i = 0; i < n; i++)
        slots[i].ppage = NO_PAGE;
    return slots;
}

MemIndex *mem_index_new(Machine *m, Pos window, StoreStmt *insert, IndexBuilder *builder, bool walks) {
    MemIndex *x = g_new0(MemIndex, 1);
    *x = (MemIndex){.machine = m, .insert = insert, .builder = builder, .walks = walks};
    x->steps = window;
    x->begin = m->pos;
    x->slots = slots_new(SLOTS_MIN);
    x->mask = SLOTS_MIN - 1;
    mmu_note_touched(m, true);
    return x;
}

void mem_index_free(MemIndex *x) {
    if (!x)
        return;
    mmu_note_touched(x->machine, false);
    bytes_done(&x->blob);
    g_clear_error(&x->error);
    g_free(x->slots);
    g_free(x);
}

/* -- the pages of a window ------------------------------------------------------------------------------- */
static TouchedPage *find(const MemIndex *x, uint64_t vpage, uint64_t ppage) {
    uint64_t hash = (vpage ^ ppage * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
    size_t at = (hash >> 32) & x->mask;
    while (x->slots[at].ppage != NO_PAGE && (x->slots[at].ppage != ppage || x->slots[at].vpage != vpage))
        at = (at + 1) & x->mask;
    return &x->slots[at];
}

static void grow(MemIndex *x) {
    TouchedPage *old = x->slots;
    size_t n = x->mask + 1;
    x->slots = slots_new(2 * n);
    x->mask = 2 * n - 1;
    for (size_t i = 0; i < n; i++)
        if (old[i].ppage != NO_PAGE)
            *find(x, old[i].vpage, old[i].ppage) = old[i];
    g_free(old);
}

static void add(MemIndex *x, uint64_t vpage, uint64_t ppage, bool written) {
    TouchedPage *page = find(x, vpage, ppage);
    if (page->ppage == NO_PAGE) {
        if (2 * x->used > x->mask) {
            grow(x);
            page = find(x, vpage, ppage);
        }
        *page = (TouchedPage){vpage, ppage, false};
        x->used++;
    }
    page->written |= written;
}

void mem_index_touch(MemIndex *x, Gva va, Gpa pa, TouchKind kind) {
    if (kind != TOUCH_WALK)
        add(x, va >> PAGE_BITS, pa >> PAGE_BITS, kind == TOUCH_WRITE);
    else if (x->walks)
        add(x, PAGE_NO_VADDR, pa >> PAGE_BITS, true);
}

void mem_index_dma(MemIndex *x, Gpa pa, uint64_t size, bool is_write) {
    for (uint64_t page = pa >> PAGE_BITS; size && page <= (pa + size - 1) >> PAGE_BITS; page++)
        add(x, PAGE_NO_VADDR, page, is_write);
}

/* -- windows --------------------------------------------------------------------------------------------- */
/* Which lines and granules of a page is not known: any. The slots are free again. */
static PageTouch *take_pages(MemIndex *x) {
    PageTouch *pages = g_new(PageTouch, x->used + 1);
    size_t n = 0;
    for (size_t i = 0; i <= x->mask; i++) {
        TouchedPage *page = &x->slots[i];
        if (page->ppage == NO_PAGE)
            continue;
        pages[n] = (PageTouch){page->vpage, page->ppage, UINT64_MAX, {0}};
        for (unsigned k = 0; page->written && k < G_N_ELEMENTS(pages->written); k++)
            pages[n].written[k] = UINT64_MAX;
        n++;
        page->ppage = NO_PAGE;
    }
    g_assert(n == x->used);
    x->used = 0;
    return pages;
}

static bool store_window(MemIndex *x, Pos end, GError **error) {
    size_t n = x->used;
    g_autofree PageTouch *pages = take_pages(x);
    index_write_touched(pages, n, &x->blob);
    uint64_t id = x->n_windows++;
    return store_run(x->insert, error, "uuunbn", id, x->begin, end, x->blob.data, bytes_size(&x->blob)) &&
           index_builder_add(x->builder, id, pages, n, error);
}

Pos mem_index_next(const MemIndex *x) {
    return x->steps < POS_NONE - x->begin ? x->begin + x->steps : POS_NONE;
}

void mem_index_close(MemIndex *x) {
    Pos end = x->machine->pos;
    if (!x->error && (end > x->begin || x->used))
        store_window(x, end, &x->error);
    x->begin = end;
    mmu_note_touched(x->machine, true);
}

bool mem_index_end(MemIndex *x, GError **error) {
    mem_index_close(x);
    if (!x->error)
        return index_builder_end(x->builder, error);
    g_propagate_error(error, g_steal_pointer(&x->error));
    return false;
}
