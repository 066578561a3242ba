/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation, the slow paths of accesses, and the promise that caches never show. */
#include "bare_machine.h"

#include <string.h>

#include "core/mmu_internal.h"
#include "core/schedule.h"

/* Page tables are built in RAM from here on, by a bump allocator. */
#define TABLES (BARE_RAM + 32 * PAGE_SIZE)
#define DATA (BARE_RAM + 8 * PAGE_SIZE)
#define RWXAD (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)
#define PTE_PA(pa) (((uint64_t)(pa) >> PAGE_BITS) << PTE_PPN_SHIFT)

typedef struct Space {
    Machine *m;
    Gpa root, next;
    unsigned levels;
} Space;

static Gpa new_table(Space *s) {
    Gpa table = s->next;
    s->next += PAGE_SIZE;
    return table;
}

static Space space_new(Machine *m, SatpMode mode) {
    Space s = {m, TABLES, TABLES + PAGE_SIZE, mode - SATP_SV39 + 3};
    for (unsigned i = 0; i < m->n_harts; i++) {
        bare_csr_write(m->harts[i], "pmpaddr15", ~0ull);
        bare_csr_write(m->harts[i], "pmpcfg2", 0x1full << 56);
        bare_csr_write(m->harts[i], "satp", (uint64_t)mode << SATP_MODE_SHIFT | s.root >> PAGE_BITS);
        m->harts[i]->priv = PRIV_S;
        hart_update_flags(m->harts[i]);
    }
    return s;
}

/* Address of va's PTE at `level`, making the tables above it. */
static Gpa space_pte(Space *s, Gva va, unsigned level) {
    Gpa table = s->root;
    for (unsigned l = s->levels - 1;; l--) {
        Gpa at = table + (va >> (PAGE_BITS + 9 * l)) % PTES_PER_PAGE * 8;
        if (l == level)
            return at;
        uint64_t pte = bare_ram_get(s->m, at);
        if (!(pte & PTE_V)) {
            pte = PTE_PA(new_table(s)) | PTE_V;
            bare_ram_set(s->m, at, pte);
        }
        table = pte >> PTE_PPN_SHIFT << PAGE_BITS;
    }
}

static Gpa map(Space *s, Gva va, Gpa pa, uint64_t bits) {
    Gpa at = space_pte(s, va, 0);
    bare_ram_set(s->m, at, PTE_PA(pa) | bits);
    return at;
}

static void test_modes(void) {
    static const struct {
        SatpMode mode;
        Gva va, not_canonical;
    } c[] = {
        {SATP_SV39, 0xffffffc000123000, 0x0000004000000000},
        {SATP_SV48, 0xffff800000123000, 0x0000800000000000},
        {SATP_SV57, 0xff00000000123000, 0x0100000000000000},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(c); i++) {
        Machine *m = bare_machine_new(1);
        Hart *h = m->harts[0];
        Space s = space_new(m, c[i].mode);
        Gpa pa;
        map(&s, c[i].va, DATA, RWXAD);
        bare_ram_set(m, DATA + 0x18, 0x1122334455667788);
        g_assert_cmphex(bare_load(h, c[i].va + 0x18, 3), ==, 0x1122334455667788);
        g_assert_cmpint(bare_fault(h), ==, -1);
        g_assert_cmphex(h->mem_loc, ==, (uintptr_t)machine_ram_ptr(m, DATA + 0x18, 8));
        g_assert_cmphex(mmu_tlb_entry(h, CTX_S, c[i].va)->read, ==, c[i].va);
        g_assert_true(mmu_translate_peek(h, c[i].va + 5, ACCESS_FETCH, &pa));
        g_assert_cmphex(pa, ==, DATA + 5);
        g_assert_false(mmu_translate_peek(h, c[i].va + PAGE_SIZE, ACCESS_LOAD, &pa));
        bare_load(h, c[i].not_canonical, 3);
        g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_PAGE);
        bare_store(h, c[i].va + PAGE_SIZE, 1, 0);
        g_assert_cmpint(bare_fault(h), ==, EXC_STORE_PAGE);
        g_assert_cmphex(h->exc_tval, ==, c[i].va + PAGE_SIZE);
        /* superpages of every level, and their alignment */
        for (unsigned level = 1; level < s.levels; level++) {
            Gva va = (c[i].va & ~0xffffffffull) ^ 1ull << (PAGE_BITS + 9 * level); /* another slot */
            Gpa at = space_pte(&s, va, level);
            uint64_t size = PAGE_SIZE << (9 * level);
            bare_ram_set(m, at, PTE_PA(BARE_RAM & ~(size - 1)) | RWXAD);
            Gva to = (va & ~(size - 1)) | (DATA & (size - 1));
            uint64_t got = bare_load(h, to + 0x18, 3);
            if (level < 3) { /* above, the frame that RAM lies in begins at 0 */
                g_assert_cmphex(got, ==, 0x1122334455667788);
            }
            g_assert_cmpint(bare_fault(h), ==, -1);
            bare_ram_set(m, at, PTE_PA(DATA) | RWXAD);
            bare_load(h, to + 0x18, 3);
            g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_PAGE);
            bare_ram_set(m, at, 0);
        }
        bare_machine_free(m);
    }
}

/* What a leaf PTE's bits permit, by (bits, view): load, store, fetch. */
static void test_permissions(void) {
    static const struct {
        uint64_t bits;
        Priv priv;
        uint64_t mstatus;
        bool load, store, fetch;
    } c[] = {
        {PTE_R, PRIV_S, 0, true, false, false},
        {PTE_R | PTE_W, PRIV_S, 0, true, true, false},
        {PTE_X, PRIV_S, 0, false, false, true},
        {PTE_X, PRIV_S, MSTATUS_MXR, true, false, true},
        {PTE_R | PTE_W | PTE_X, PRIV_U, 0, false, false, false},
        {PTE_R | PTE_W | PTE_X | PTE_U, PRIV_U, 0, true, true, true},
        {PTE_R | PTE_W | PTE_X | PTE_U, PRIV_S, 0, false, false, false},
        {PTE_R | PTE_W | PTE_X | PTE_U, PRIV_S, MSTATUS_SUM, true, true, false},
        {PTE_W, PRIV_S, 0, false, false, false},
        {PTE_W | PTE_X, PRIV_S, MSTATUS_MXR, false, false, false},
        {0, PRIV_S, 0, false, false, false}, /* a pointer at level 0 */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(c); i++) {
        Machine *m = bare_machine_new(1);
        Hart *h = m->harts[0];
        FetchPage at;
        Space s = space_new(m, SATP_SV39);
        map(&s, 0x4000, DATA, c[i].bits | PTE_V | (c[i].bits ? PTE_A | PTE_D : 0));
        h->priv = c[i].priv;
        h->mstatus |= c[i].mstatus;
        hart_update_flags(h);
        g_test_message("case %zu", i);
        bare_load(h, 0x4000, 2);
        g_assert_cmpint(bare_fault(h), ==, c[i].load ? -1 : EXC_LOAD_PAGE);
        bare_store(h, 0x4000, 0, 2);
        g_assert_cmpint(bare_fault(h), ==, c[i].store ? -1 : EXC_STORE_PAGE);
        g_assert_cmpint(mmu_fetch(h, 0x4002, &at), ==, c[i].fetch);
        g_assert_cmpint(bare_fault(h), ==, c[i].fetch ? -1 : EXC_INSN_PAGE);
        /* M-mode with MPRV sees the same. */
        h->mstatus |= MSTATUS_MPRV | (uint64_t)h->priv << MSTATUS_MPP_SHIFT;
        h->priv = PRIV_M;
        hart_update_flags(h);
        bare_load(h, 0x4000, 2);
        g_assert_cmpint(bare_fault(h), ==, c[i].load ? -1 : EXC_LOAD_PAGE);
        bare_machine_free(m);
    }
}

static void test_reserved_bits(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    Space s = space_new(m, SATP_SV39);
    Gpa leaf = map(&s, 0x10000, DATA, RWXAD), middle = space_pte(&s, 0x10000, 1);
    uint64_t pointer = bare_ram_get(m, middle);
    struct {
        Gpa at;
        uint64_t pte;
        bool good, good_without_extensions;
    } c[] = {
        {leaf, PTE_PA(DATA) | RWXAD | 3 << 8, true, true}, /* RSW is software's */
        {leaf, PTE_PA(DATA) | RWXAD | 1ull << 54, false, false},
        {leaf, PTE_PA(DATA) | RWXAD | 1ull << 60, false, false},
        {leaf, PTE_PA(DATA) | RWXAD | 1ull << 61, true, false}, /* PBMT NC */
        {leaf, PTE_PA(DATA) | RWXAD | 2ull << 61, true, false},
        {leaf, PTE_PA(DATA) | RWXAD | 3ull << 61, false, false},
        {leaf, PTE_PA((DATA & ~0xffffull) | 0x8000) | RWXAD | PTE_N, true, false},
        {leaf, PTE_PA((DATA & ~0xffffull) | 0x4000) | RWXAD | PTE_N, false, false},
        {leaf, PTE_PA(DATA) | (RWXAD & ~PTE_V), false, false},
        {leaf, PTE_PA(DATA) | RWXAD, true, true},
        {middle, pointer | PTE_A, false, false},
        {middle, pointer | PTE_D, false, false},
        {middle, pointer | PTE_U, false, false},
        {middle, pointer | PTE_N, false, false},
        {middle, pointer | 1ull << 61, false, false},
        {middle, pointer, true, true},
    };
    for (unsigned with = 0; with < 2; with++) {
        m->config.isa.svnapot = with;
        bare_csr_write(h, "menvcfg", with ? ENVCFG_PBMTE : 0);
        mmu_flush(h); /* svnapot does not change in a machine's life */
        for (size_t i = 0; i < G_N_ELEMENTS(c); i++) {
            bare_ram_set(m, c[i].at, c[i].pte);
            bare_load(h, 0x10000, 3);
            g_test_message("case %zu", i);
            g_assert_cmpint(bare_fault(h), ==,
                            (with ? c[i].good : c[i].good_without_extensions) ? -1 : EXC_LOAD_PAGE);
        }
    }
    /* The frame of a NAPOT page follows the address. */
    bare_ram_set(m, space_pte(&s, 0x13000, 0), PTE_PA((BARE_RAM & ~0xffffull) | 0x8000) | RWXAD | PTE_N);
    bare_ram_set(m, BARE_RAM + 0x3008, 77);
    g_assert_cmphex(bare_load(h, 0x13008, 3), ==, 77);
    bare_machine_free(m);
}

static void test_accessed_dirty(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    Space s = space_new(m, SATP_SV39);
    Gpa pte = map(&s, 0x4000, DATA, PTE_V | PTE_R | PTE_W);
    bare_csr_write(h, "menvcfg", 0); /* Svade */
    bare_load(h, 0x4000, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_PAGE);
    bare_csr_write(h, "menvcfg", ENVCFG_ADUE);
    m->page_flags[machine_page_index(m, pte)] |= PAGE_CODE;
    bare_load(h, 0x4000, 3);
    g_assert_cmpint(bare_fault(h), ==, -1);
    g_assert_cmphex(bare_ram_get(m, pte) & (PTE_A | PTE_D), ==, PTE_A);
    g_assert_cmpuint(bare_engine(m)->n_invalidated, ==, 1);
    g_assert_cmpuint(bare_engine(m)->size, ==, 8);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_S, 0x4000)->write, ==, TLB_NEVER);
    bare_store(h, 0x4000, 1, 3);
    g_assert_cmphex(bare_ram_get(m, pte) & (PTE_A | PTE_D), ==, PTE_A | PTE_D);
    /* Clearing D drops the translation: the next store sets it again, or faults. */
    bare_ram_set(m, pte, bare_ram_get(m, pte) & ~(uint64_t)PTE_D);
    bare_store(h, 0x4000, 1, 3);
    g_assert_cmphex(bare_ram_get(m, pte) & PTE_D, ==, PTE_D);
    bare_csr_write(h, "menvcfg", 0);
    bare_ram_set(m, pte, bare_ram_get(m, pte) & ~(uint64_t)PTE_D);
    bare_load(h, 0x4000, 3);
    g_assert_cmpint(bare_fault(h), ==, -1);
    bare_store(h, 0x4000, 1, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_PAGE);
    bare_machine_free(m);
}

static void test_table_access_faults(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    FetchPage at;
    Space s = space_new(m, SATP_SV39);
    map(&s, 0x4000, DATA, PTE_V | PTE_R | PTE_W | PTE_X);
    bare_ram_set(m, space_pte(&s, 0x40000000, 2), PTE_PA(BARE_DEVICE) | PTE_V); /* a table that is a device */
    bare_load(h, 0x40000000, 0);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_ACCESS);
    g_assert_false(mmu_fetch(h, 0x40000000, &at));
    g_assert_cmpint(bare_fault(h), ==, EXC_INSN_ACCESS);
    /* PMP: the tables may be read, not written: A cannot be set. */
    bare_csr_write(h, "pmpaddr0", TABLES >> 2);
    bare_csr_write(h, "pmpaddr1", (TABLES + 16 * PAGE_SIZE) >> 2);
    bare_csr_write(h, "pmpcfg0", (uint64_t)(PMP_R | PMP_TOR << PMP_A_SHIFT) << 8);
    bare_store(h, 0x4000, 0, 0);
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_ACCESS);
    bare_csr_write(h, "pmpcfg0", 0);
    bare_store(h, 0x4000, 0, 0);
    g_assert_cmpint(bare_fault(h), ==, -1);
    /* Not even read: what was cached is gone, too. */
    bare_csr_write(h, "pmpcfg0", (uint64_t)(PMP_TOR << PMP_A_SHIFT) << 8);
    bare_load(h, 0x4000, 0);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_ACCESS);
    bare_machine_free(m);
}

/* Stores to walked PTEs: only by the last instruction of a block, then at once and everywhere. */
static void test_watch(void) {
    Machine *m = bare_machine_new(2);
    Hart *h = m->harts[0], *other = m->harts[1];
    FetchPage f;
    Space s = space_new(m, SATP_SV39);
    Gva va = 0x4000, window = 0x200000; /* the tables, mapped for the guest */
    Gpa pte = map(&s, va, DATA, RWXAD);
    map(&s, va + PAGE_SIZE, DATA + PAGE_SIZE, RWXAD);
    Gva pte_va = window + (pte & ~PAGE_MASK);
    map(&s, window, pte & PAGE_MASK, RWXAD);
    uint32_t page = machine_page_index(m, pte);
    bare_ram_set(m, DATA + 2 * PAGE_SIZE, 222);
    bare_store(h, pte_va + 64, 0, 3); /* an ordinary page so far */
    g_assert_cmphex(mmu_tlb_entry(h, CTX_S, window)->write, ==, window);
    bare_load(h, va, 3);
    bare_load(other, va, 3);
    g_assert_true(mmu_fetch(other, va, &f));
    bare_load(h, va + PAGE_SIZE, 3);
    g_assert_cmpint(m->page_flags[page] & PAGE_PTE, ==, PAGE_PTE);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_S, window)->write, ==, TLB_NEVER);
    g_assert_cmphex(other->itlb[4], ==, f.id);

    MemOp op = 3 | CTX_S << MEM_CTX_SHIFT | MEM_STORE << MEM_KIND_SHIFT;
    mmu_store(h, pte_va + 64, 5, op); /* not a walked slot */
    g_assert_cmpint(h->exit, ==, EXIT_NONE);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_S, window)->write, ==, TLB_NEVER);
    uint64_t moved = PTE_PA(DATA + 2 * PAGE_SIZE) | RWXAD;
    mmu_store(h, pte_va, moved, op);
    g_assert_cmpint(h->exit, ==, EXIT_REDO);
    h->exit = EXIT_NONE;
    g_assert_cmphex(bare_ram_get(m, pte), !=, moved);
    g_assert_cmphex(mmu_tlb_entry(other, CTX_S, va)->read, ==, va);
    mmu_store(h, pte_va, moved, op | MEM_LAST);
    g_assert_cmpint(h->exit, ==, EXIT_NONE);
    g_assert_cmphex(mmu_tlb_entry(other, CTX_S, va)->read, ==, TLB_NEVER);
    g_assert_cmphex(other->itlb[4], ==, 0);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_S, va + PAGE_SIZE)->read, ==, va + PAGE_SIZE); /* that one stays */
    g_assert_cmphex(bare_load(h, va, 3), ==, 222);
    g_assert_cmphex(bare_load(other, va, 3), ==, 222);
    /* An AMO is a write, too. */
    g_assert_null(mmu_rmw(h, pte_va, 3 | CTX_S << MEM_CTX_SHIFT | MEM_AMO << MEM_KIND_SHIFT));
    g_assert_cmpint(h->exit, ==, EXIT_REDO);
    h->exit = EXIT_NONE;

    /* DMA over the whole table: nothing is left, reservations neither, and the page is an ordinary one again.
     */
    h->res_size = 4;
    mmu_ram_written(m, page, 0, PAGE_SIZE);
    memset(machine_page_host(m, page), 0, PAGE_SIZE);
    g_assert_cmpint(h->res_size, ==, 0);
    g_assert_cmpint(m->page_flags[page] & PAGE_PTE, ==, 0);
    bare_load(h, va, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_PAGE);
    /* A pointer on the way up. */
    map(&s, va, DATA + 2 * PAGE_SIZE, RWXAD);
    g_assert_cmphex(bare_load(h, va, 3), ==, 222);
    bare_ram_set(m, space_pte(&s, va, 2), 0);
    bare_load(h, va, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_PAGE);
    bare_machine_free(m);
}

/* One table at two places of the address space. */
static void test_watch_alias(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    Space s = space_new(m, SATP_SV39);
    Gpa pte = map(&s, 0x4000, DATA, RWXAD);
    bare_ram_set(m, space_pte(&s, 0x400000, 1), bare_ram_get(m, space_pte(&s, 0x4000, 1)));
    bare_load(h, 0x4000, 3);
    bare_load(h, 0x404000, 3);
    g_assert_cmpint(bare_fault(h), ==, -1);
    bare_ram_set(m, pte, 0);
    bare_load(h, 0x4000, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_PAGE);
    bare_load(h, 0x404000, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_PAGE);
    /* A root that maps itself: the same page is a table of every level. */
    bare_ram_set(m, s.root + 8, PTE_PA(s.root) | PTE_V);
    bare_ram_set(m, s.root + 16, PTE_PA(s.root) | RWXAD);
    Gva self = 1ull << 30 | 1ull << 21 | 2ull << 12;
    g_assert_cmphex(bare_load(h, self + 8, 3), ==, PTE_PA(s.root) | PTE_V);
    bare_store(h, self + 8, 0, 3);
    g_assert_cmpint(bare_fault(h), ==, -1);
    bare_load(h, self + 8, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_PAGE);
    bare_machine_free(m);
}

static void test_crossing(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    Space s = space_new(m, SATP_SV39);
    map(&s, 0x4000, DATA, RWXAD);
    Gpa second = map(&s, 0x5000, DATA + 4 * PAGE_SIZE, RWXAD);
    bare_store(h, 0x4ffd, 0x8877665544332211, 3);
    g_assert_cmpint(bare_fault(h), ==, -1);
    g_assert_cmphex(bare_ram_get(m, DATA + 0xff8) >> 40, ==, 0x332211);
    g_assert_cmphex(bare_ram_get(m, DATA + 4 * PAGE_SIZE) & 0xffffffffff, ==, 0x8877665544);
    g_assert_cmphex(bare_load(h, 0x4ffd, 3), ==, 0x8877665544332211);
    MemOp op = 1 | MEM_SIGN | CTX_S << MEM_CTX_SHIFT;
    bare_store(h, 0x4fff, 0x8001, 1);
    g_assert_cmphex(mmu_load(h, 0x4fff, op), ==, 0xffffffffffff8001);
    bare_ram_set(m, second, 0);
    bare_store(h, 0x4ffc, ~0ull, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_PAGE);
    g_assert_cmphex(h->exc_tval, ==, 0x5000);
    g_assert_cmphex(bare_ram_get(m, DATA + 0xff8) >> 40, ==, 0x12211); /* untouched */
    bare_load(h, 0x3fff, 1);
    g_assert_cmphex(h->exc_tval, ==, 0x3fff);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_PAGE);
    bare_ram_set(m, second, PTE_PA(BARE_DEVICE) | RWXAD); /* half RAM, half device */
    bare_store(h, 0x4ffc, ~0ull, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_ACCESS);
    bare_machine_free(m);
}

static void test_atomics(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    MemOp lr = 3 | MEM_LR << MEM_KIND_SHIFT, amo = 3 | MEM_AMO << MEM_KIND_SHIFT;
    mmu_load(h, DATA + 4, lr);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_MISALIGNED);
    g_assert_null(mmu_rmw(h, DATA + 4, amo));
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_MISALIGNED);
    mmu_load(h, BARE_DEVICE, (lr & ~3u) | 2 | MEM_LAST);
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_ACCESS);
    g_assert_null(mmu_rmw(h, BARE_DEVICE, amo | MEM_LAST));
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_ACCESS);
    g_assert_null(mmu_rmw(h, BARE_ROM, amo));
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_ACCESS);
    g_assert_true(mmu_rmw(h, DATA + 8, amo) == machine_ram_ptr(m, DATA + 8, 8));
    g_assert_cmpint(m->page_flags[machine_page_index(m, DATA)], ==, PAGE_DIRTY);
    g_assert_true(mmu_rmw(h, DATA + 0x7f, MEM_CBO_ZERO << MEM_KIND_SHIFT) ==
                  machine_ram_ptr(m, DATA + 0x40, 64));
    g_assert_true(mmu_cbo_check(h, DATA + 1, 0));
    h->priv = PRIV_S; /* PMP has no entry: nothing is allowed */
    hart_update_flags(h);
    g_assert_false(mmu_cbo_check(h, DATA + 1, CTX_S << MEM_CTX_SHIFT));
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_ACCESS);
    bare_machine_free(m);
}

static void test_devices_and_rom(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    FetchPage f;
    mmu_load(h, BARE_DEVICE + 8, 2);
    g_assert_cmpint(h->exit, ==, EXIT_REDO);
    h->exit = EXIT_NONE;
    g_assert_cmphex(mmu_load(h, BARE_DEVICE + 8, 2 | MEM_LAST), ==, 0x12345680);
    g_assert_cmphex(h->mem_loc, ==, TRACE_PHYS | (BARE_DEVICE + 8));
    mmu_store(h, BARE_DEVICE, 0xfedcba9876543210, 2 | MEM_STORE << MEM_KIND_SHIFT | MEM_LAST);
    g_assert_cmphex(m->regions[0].device->when, ==, 0x76543210);
    bare_load(h, BARE_DEVICE, 3); /* a size that it does not take */
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_ACCESS);
    bare_load(h, BARE_DEVICE + 2, 2); /* misaligned */
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_ACCESS);
    bare_store(h, 0x20, 0, 2); /* nothing there */
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_ACCESS);
    g_assert_false(mmu_fetch(h, BARE_DEVICE, &f));
    g_assert_cmpint(bare_fault(h), ==, EXC_INSN_ACCESS);
    bare_store(h, BARE_ROM, 1, 3); /* has no effect */
    g_assert_cmpint(bare_fault(h), ==, -1);
    g_assert_cmphex(bare_load(h, BARE_ROM, 3), ==, 0);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_M, BARE_ROM)->write, ==, TLB_NEVER);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_M, BARE_ROM)->read, ==, BARE_ROM);
    bare_load(h, BARE_RAM + BARE_RAM_SIZE - 4, 3); /* off the end */
    g_assert_cmpint(bare_fault(h), ==, EXC_LOAD_ACCESS);
    g_assert_cmphex(h->exc_tval, ==, BARE_RAM + BARE_RAM_SIZE);
    bare_machine_free(m);
}

static void test_code_and_dirty(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    uint32_t page = machine_page_index(m, DATA);
    MemOp op = 3 | MEM_STORE << MEM_KIND_SHIFT;
    bare_load(h, DATA, 3);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_M, DATA)->write, ==, TLB_NEVER); /* not dirty yet */
    bare_store(h, DATA, 1, 3);
    g_assert_cmpint(m->page_flags[page], ==, PAGE_DIRTY);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_M, DATA)->write, ==, DATA);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_M, DATA)->read, ==, DATA);
    m->page_flags[page] = PAGE_CODE;
    mmu_drop_page_tags(m, page);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_M, DATA)->write, ==, TLB_NEVER);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_M, DATA)->read, ==, DATA);
    mmu_store(h, DATA + 0x100, 1, op);
    g_assert_cmpint(h->exit, ==, EXIT_REDO);
    h->exit = EXIT_NONE;
    mmu_store(h, DATA + 0x100, 1, op | MEM_LAST);
    g_assert_cmpint(h->exit, ==, EXIT_NONE);
    g_assert_cmpuint(bare_engine(m)->page, ==, page);
    g_assert_cmpuint(bare_engine(m)->offset, ==, 0x100);
    g_assert_cmpuint(bare_engine(m)->size, ==, 8);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_M, DATA)->write, ==, TLB_NEVER);
    bare_store(h, BARE_RAM, 1, 3);
    m->page_flags[machine_page_index(m, BARE_RAM)] = 0;
    mmu_drop_write_tags(m);
    g_assert_cmphex(mmu_tlb_entry(h, CTX_M, BARE_RAM)->write, ==, TLB_NEVER);
    bare_machine_free(m);
}

/* How many of the n pages from va on the inline TLB of CTX_S has, for reading or writing. */
static unsigned n_tagged(Hart *h, Gva va, unsigned n) {
    unsigned tagged = 0;
    for (unsigned i = 0; i < n; i++, va += PAGE_SIZE) {
        const TlbEntry *e = mmu_tlb_entry(h, CTX_S, va);
        tagged += e->read == va || e->write == va;
    }
    return tagged;
}

/* More pages than are noted one by one, and fewer: whatever empties or changes the TLB reaches all of them. */
static void tlb_of(unsigned n) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    Space s = space_new(m, SATP_SV39);
    Gva base = 0x40000000;
    for (unsigned i = 0; i < n; i++)
        map(&s, base + i * PAGE_SIZE, DATA, RWXAD);
    for (unsigned change = 0; change < 4; change++) {
        h->priv = PRIV_S;
        hart_update_flags(h);
        for (unsigned i = 0; i < n; i++)
            bare_store(h, base + i * PAGE_SIZE, 1, 3);
        g_assert_cmpuint(n_tagged(h, base, n), ==, n);
        g_assert_cmpint(h->tlb_used[CTX_S] > TLB_NOTED, ==, n > TLB_NOTED);
        switch (change) {
        case 0: mmu_drop_write_tags(m); break;
        case 1: mmu_drop_page_tags(m, machine_page_index(m, DATA)); break;
        case 2: mmu_satp_changed(h); break;
        case 3: mmu_drop_range(mmu_of(m), base, (1ull << 30) - 1); break;
        }
        g_assert_cmpuint(n_tagged(h, base, n), ==, 0);
    }
    bare_machine_free(m);
}

static void test_tlb_many(void) {
    tlb_of(3);
    tlb_of(TLB_NOTED - 1);
    tlb_of(TLB_NOTED + 1);
}

static void test_fetch_ids(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    FetchPage a, b;
    g_assert_true(mmu_fetch(h, DATA + 2, &a));
    g_assert_true(a.host == machine_ram_ptr(m, DATA, 1));
    g_assert_cmpuint(a.page, ==, machine_page_index(m, DATA));
    g_assert_false(a.partial);
    g_assert_true(mmu_fetch(h, DATA + 0x40, &b));
    g_assert_cmpuint(a.id, ==, b.id);
    Space s = space_new(m, SATP_SV39);
    map(&s, 0x4000, DATA, RWXAD);
    g_assert_true(mmu_fetch(h, 0x4000, &b));
    g_assert_cmpuint(a.id, !=, b.id);
    /* Another address space, the same mapping: the same id; nothing is in the ITLB until it is asked for. */
    uint64_t satp = h->satp;
    bare_csr_write(h, "satp", satp | 5ull << 44); /* another ASID is the same space */
    g_assert_cmpuint(h->itlb[4], ==, b.id);
    bare_csr_write(h, "satp", 0);
    g_assert_cmpuint(h->itlb[4], ==, 0);
    bare_csr_write(h, "satp", satp);
    MmuStats before, after;
    mmu_get_stats(m, &before);
    g_assert_true(mmu_fetch(h, 0x4000, &a));
    g_assert_cmpuint(a.id, ==, b.id);
    mmu_get_stats(m, &after);
    g_assert_cmpuint(after.walks, ==, before.walks); /* the second level remembered */
    bare_machine_free(m);
}

static void test_fetch_ids_worn(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    FetchPage a, b;
    g_assert_true(mmu_fetch(h, DATA, &a));
    g_assert_false(mmu_fetch_ids_worn(m));
    mmu_of(m)->fetch_next_id = UINT32_MAX - 1;
    g_assert_true(mmu_fetch_ids_worn(m));
    g_assert_true(mmu_fetch(h, DATA + PAGE_SIZE, &b));
    g_assert_cmpuint(b.id, ==, UINT32_MAX - 1);
    machine_flush_caches(m);
    g_assert_cmpuint(bare_engine(m)->n_flushed, ==, 1);
    g_assert_false(mmu_fetch_ids_worn(m));
    g_assert_cmpuint(h->itlb[(DATA >> PAGE_BITS) % ITLB_ENTRIES], ==, 0);
    g_assert_true(mmu_fetch(h, DATA + PAGE_SIZE, &b)); /* the first id again, for another page */
    g_assert_cmpuint(b.id, ==, a.id);
    bare_machine_free(m);
}

/* ---- the promise: whatever is written to page tables, accesses behave as if walked ---- */

/* What an access must do now, by a walk from scratch. Returns the cause or -1. */
static int expect(Hart *h, Gva va, AccessKind kind, Gpa *pa) {
    static const int page[] = {EXC_LOAD_PAGE, EXC_STORE_PAGE, EXC_INSN_PAGE};
    static const int access[] = {EXC_LOAD_ACCESS, EXC_STORE_ACCESS, EXC_INSN_ACCESS};
    MemView view = {h->priv, h->mstatus & MSTATUS_SUM, h->mstatus & MSTATUS_MXR};
    Walk w;
    *pa = va;
    if (h->satp >> SATP_MODE_SHIFT) {
        switch (mmu_walk(h, va, kind, view, false, &w)) {
        case WALK_PAGE_FAULT: return page[kind];
        case WALK_ACCESS_FAULT: return access[kind];
        case WALK_OK: *pa = w.pa | (va & ~PAGE_MASK);
        }
    }
    return machine_ram_block(h->machine, *pa) ? -1 : access[kind];
}

/* Four tables of a page each, that may point anywhere among each other, and hold random leaves. */
#define CHAOS_TABLES 4u
static uint64_t random_pte(GRand *r) {
    static const uint16_t usual[] = {
        PTE_V, PTE_V, RWXAD, RWXAD, RWXAD | PTE_U, RWXAD & ~PTE_D, PTE_V | PTE_R | PTE_X | PTE_U};
    uint64_t bits = usual[g_rand_int_range(r, 0, G_N_ELEMENTS(usual))];
    Gpa pa = TABLES + g_rand_int_range(r, 0, CHAOS_TABLES) * PAGE_SIZE;
    if (bits != PTE_V && g_rand_boolean(r))
        pa = g_rand_boolean(r) ? BARE_RAM : DATA + (uint64_t)g_rand_int_range(r, 0, 4) * PAGE_SIZE;
    if (g_rand_int_range(r, 0, 10) == 0)
        bits = g_rand_int(r) & 0xff;
    return PTE_PA(pa) | bits;
}

static Gva random_va(GRand *r) {
    Gva va = 0;
    for (unsigned l = 0; l < 3; l++)
        va = va << 9 | (g_rand_int_range(r, 0, 3) ? g_rand_int_range(r, 0, 3) : 511);
    va = va << PAGE_BITS | (g_rand_int(r) & 0xff8);
    return (Gva)((int64_t)(va << 25) >> 25);
}

static void chaos_edit(Machine *m, Hart *h, GRand *r) {
    unsigned slot = g_rand_int_range(r, 0, 4) ? (unsigned)g_rand_int_range(r, 0, 3) : 511;
    Gpa at = TABLES + g_rand_int_range(r, 0, CHAOS_TABLES) * PAGE_SIZE + 8 * slot;
    uint64_t pte = random_pte(r);
    if (g_rand_boolean(r)) {
        bare_ram_set(m, at, pte);
    } else { /* by a store of M-mode */
        uint8_t priv = h->priv;
        h->priv = PRIV_M;
        hart_update_flags(h);
        bare_store(h, at, pte, 3);
        g_assert_cmpint(bare_fault(h), ==, -1);
        h->priv = priv;
        hart_update_flags(h);
    }
}

static void chaos_control(Machine *m, Hart *h, GRand *r) {
    switch (g_rand_int_range(r, 0, 6)) {
    case 0:
        bare_csr_write(h, "satp",
                       (uint64_t)SATP_SV39 << 60 |
                           ((TABLES >> PAGE_BITS) + (unsigned)g_rand_int_range(r, 0, CHAOS_TABLES)));
        break;
    case 1: h->priv = g_rand_boolean(r) ? PRIV_S : PRIV_U; break;
    case 2: h->mstatus ^= g_rand_boolean(r) ? MSTATUS_SUM : MSTATUS_MXR; break;
    case 3: bare_csr_write(h, "menvcfg", g_rand_boolean(r) ? ENVCFG_ADUE : 0); break;
    case 4: mmu_drop_write_tags(m); break;
    case 5: mmu_flush(h); break;
    }
    hart_update_flags(h);
}

static void chaos_access(Machine *m, Hart *h, GRand *r, unsigned count[3]) {
    Gva va = random_va(r);
    AccessKind kind = g_rand_int_range(r, 0, 3);
    Gpa pa;
    int cause = expect(h, va, kind, &pa);
    FetchPage f;
    uint64_t value = random_pte(r);
    count[kind] += cause < 0;
    switch (kind) {
    case ACCESS_LOAD: {
        /* The walk may set A bits, in the very word that is loaded: so compare afterwards. */
        uint64_t got = bare_load(h, va, 3);
        g_assert_cmpint(bare_fault(h), ==, cause);
        g_assert_true(cause >= 0 || got == bare_ram_get(m, pa));
        break;
    }
    case ACCESS_STORE:
        bare_store(h, va, value, 3);
        g_assert_cmpint(bare_fault(h), ==, cause);
        g_assert_true(cause >= 0 || bare_ram_get(m, pa) == value);
        g_assert_true(cause >= 0 || m->page_flags[machine_page_index(m, pa)] & PAGE_DIRTY);
        break;
    case ACCESS_FETCH:
        g_assert_true(mmu_fetch(h, va, &f) == (cause < 0));
        g_assert_cmpint(bare_fault(h), ==, cause);
        g_assert_true(cause >= 0 || f.page == machine_page_index(m, pa));
        break;
    }
}

/* Every id in the fetch TLB, for the current privilege, still names what its page translates to. */
static void check_itlb(Machine *m, Hart *h, Gva va) {
    uint32_t id = h->itlb[(va >> PAGE_BITS) % ITLB_ENTRIES];
    Gpa pa;
    if (!id)
        return;
    for (uint32_t page = 0; page < m->n_pages; page++)
        if (mmu_fetch_id(mmu_of(m), h->priv, va, page) == id) {
            g_assert_cmpint(expect(h, va, ACCESS_FETCH, &pa), ==, -1);
            g_assert_cmpuint(machine_page_index(m, pa), ==, page);
        }
}

static void test_chaos(void) {
    g_autoptr(GRand) r = g_rand_new_with_seed(20240607);
    Machine *m = bare_machine_new(2);
    unsigned count[3] = {0};
    space_new(m, SATP_SV39);
    for (unsigned i = 0; i < 600000; i++) {
        Hart *h = m->harts[g_rand_int_range(r, 0, 2)];
        switch (g_rand_int_range(r, 0, 8)) {
        case 0: chaos_edit(m, h, r); break;
        case 1: chaos_control(m, h, r); break;
        case 2: check_itlb(m, h, random_va(r)); break;
        default: chaos_access(m, h, r, count);
        }
    }
    g_test_message("loads %u stores %u fetches %u", count[0], count[1], count[2]);
    g_assert_cmpuint(MIN(count[0], MIN(count[1], count[2])), >, 300);
    bare_machine_free(m);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mmu/modes", test_modes);
    g_test_add_func("/mmu/permissions", test_permissions);
    g_test_add_func("/mmu/reserved-bits", test_reserved_bits);
    g_test_add_func("/mmu/accessed-dirty", test_accessed_dirty);
    g_test_add_func("/mmu/table-access-faults", test_table_access_faults);
    g_test_add_func("/mmu/watch", test_watch);
    g_test_add_func("/mmu/watch-alias", test_watch_alias);
    g_test_add_func("/mmu/crossing", test_crossing);
    g_test_add_func("/mmu/atomics", test_atomics);
    g_test_add_func("/mmu/devices-and-rom", test_devices_and_rom);
    g_test_add_func("/mmu/code-and-dirty", test_code_and_dirty);
    g_test_add_func("/mmu/tlb-many", test_tlb_many);
    g_test_add_func("/mmu/fetch-ids", test_fetch_ids);
    g_test_add_func("/mmu/fetch-ids-worn", test_fetch_ids_worn);
    g_test_add_func("/mmu/chaos", test_chaos);
    return g_test_run();
}
