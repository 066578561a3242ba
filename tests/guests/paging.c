/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation in every mode the hart has, privileged spec §12.3-12.6: permissions, SUM and MXR, accessed and
 * dirty bits, superpages, addresses that are not canonical, accesses that cross pages. With NO_SFENCE=1 no
 * PTE edit is followed by sfence.vma: a machine that walks the tables on every access passes that, too.
 */
#include "rt/rt.h"

#ifndef NO_SFENCE
#define NO_SFENCE 0
#endif

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128 };
#define PTE_RWXAD (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)
#define WINDOW 0x40000000ul /* virtual addresses of the tests */
#define GIGABYTE 0x40000000ul
#define MENVCFG_ADUE (1ul << 61)

static unsigned levels;
static uint64_t *root;
static char *page_a, *page_b;

static void fence(void) {
    if (!NO_SFENCE)
        __asm__ volatile("sfence.vma" ::: "memory");
}

/* The entry that maps va at a level (0: 4 KiB), with the tables above it. */
static uint64_t *entry(uint64_t va, unsigned level) {
    uint64_t *table = root;

    for (unsigned i = levels - 1; i > level; i--) {
        uint64_t *e = &table[va >> (12 + 9 * i) & 511];
        if (!(*e & PTE_V))
            *e = (uint64_t)rt_pages(1) >> 12 << 10 | PTE_V;
        table = (uint64_t *)(*e >> 10 << 12);
    }
    return &table[va >> (12 + 9 * level) & 511];
}

static void set(uint64_t va, unsigned level, const void *pa, uint64_t flags) {
    *entry(va, level) = (uint64_t)pa >> 12 << 10 | flags;
    fence();
}

static uint64_t load(uint64_t at) {
    return *(volatile uint64_t *)at;
}
static uint64_t load4(uint64_t at) {
    return *(volatile uint32_t *)at;
}
static uint64_t store(uint64_t at) {
    *(volatile uint64_t *)at = 0x5a5a;
    return 0;
}
static uint64_t call(uint64_t at) {
    return ((uint64_t(*)(void))at)();
}
static uint64_t amo(uint64_t at) {
    uint64_t old;
    __asm__ volatile("amoadd.d %0, %1, (%2)" : "=r"(old) : "r"(1ul), "r"(at) : "memory");
    return old;
}

static uint64_t expect_in(uint64_t mode, uint64_t cause, uint64_t (*what)(uint64_t), uint64_t at,
                          uint64_t tval) {
    rt_trapped.count = 0;
    uint64_t result = rt_call_in(mode, what, at);
    if (cause == 0 && rt_trapped.count != 0)
        print("cause %lu tval 0x%lx at 0x%lx\n", rt_trapped.cause, rt_trapped.tval, rt_trapped.epc);
    check_equal(rt_trapped.count, cause != 0);
    if (cause != 0) {
        check_equal(rt_trapped.cause, cause);
        check_equal(rt_trapped.tval, tval);
    }
    return result;
}

static uint64_t expect(uint64_t cause, uint64_t (*what)(uint64_t), uint64_t at) {
    return expect_in(MODE_S, cause, what, at, at);
}

static void test_permissions(void) {
    const uint64_t ad = PTE_V | PTE_A | PTE_D;

    *(uint64_t *)page_a = 0x1111;
    set(WINDOW, 0, page_a, PTE_RWXAD);
    check_equal(expect(0, load, WINDOW), 0x1111);
    expect(0, store, WINDOW + 8);
    check_equal(*(uint64_t *)(page_a + 8), 0x5a5a);
    set(WINDOW, 0, page_a, ad | PTE_R);
    expect(0, load, WINDOW);
    expect(CAUSE_STORE_PAGE, store, WINDOW);
    expect(CAUSE_STORE_PAGE, amo, WINDOW);
    expect(CAUSE_FETCH_PAGE, call, WINDOW);
    set(WINDOW, 0, page_a, ad | PTE_R | PTE_W);
    check_equal(expect(0, amo, WINDOW), 0x1111);
    set(WINDOW, 0, page_a, ad | PTE_X);
    expect(CAUSE_LOAD_PAGE, load, WINDOW);
    csr_set(mstatus, MSTATUS_MXR);
    check_equal(expect(0, load, WINDOW), 0x1112);
    csr_clear(mstatus, MSTATUS_MXR);
    set(WINDOW, 0, page_a, ad | PTE_W); /* reserved */
    expect(CAUSE_LOAD_PAGE, load, WINDOW);
    expect(CAUSE_STORE_PAGE, store, WINDOW);
    set(WINDOW, 0, page_a, PTE_RWXAD & ~PTE_V);
    expect(CAUSE_LOAD_PAGE, load, WINDOW);
    set(WINDOW, 0, page_a, ad); /* a pointer at the last level */
    expect(CAUSE_LOAD_PAGE, load, WINDOW);
}

/* MPRV: M mode's loads as another mode's. The stack is not that mode's: nothing but this load in between. */
static uint64_t load_as(uint64_t mode) {
    uint64_t value = 0;

    rt_trapped.count = 0;
    csr_clear(mstatus, MSTATUS_MPP);
    csr_set(mstatus, mode << 11);
    __asm__ volatile("csrs mstatus, %2\n ld %0, (%1)\n csrc mstatus, %2"
                     : "+&r"(value)
                     : "r"(WINDOW), "r"(MSTATUS_MPRV)
                     : "memory");
    return value;
}

static void test_user(void) {
    static const uint16_t ret = 0x8082;

    *(uint16_t *)page_a = ret;
    __asm__ volatile("fence.i");
    set(WINDOW, 0, page_a, PTE_RWXAD | PTE_U);
    expect(CAUSE_LOAD_PAGE, load, WINDOW);
    csr_set(mstatus, MSTATUS_SUM);
    expect(0, load, WINDOW);
    expect(CAUSE_FETCH_PAGE, call, WINDOW);
    csr_clear(mstatus, MSTATUS_SUM);
    set(WINDOW, 0, page_a, PTE_RWXAD);
    expect(0, call, WINDOW);
    set(WINDOW, 0, page_a, PTE_RWXAD | PTE_U);
    check_equal(load_as(MODE_U) & 0xffff, ret);
    check_equal(rt_trapped.count, 0);
    load_as(MODE_S);
    check_equal(rt_trapped.count, 1);
    check_equal(rt_trapped.cause, CAUSE_LOAD_PAGE);
}

static void test_accessed_dirty(void) {
    uint64_t *e = entry(WINDOW, 0);

    csr_set(0x30a, MENVCFG_ADUE);
    if (!QEMU7 && !(csr_read(0x30a) & MENVCFG_ADUE)) {
        /* without Svadu software sets the bits */
        set(WINDOW, 0, page_a, PTE_V | PTE_R | PTE_W);
        expect(CAUSE_LOAD_PAGE, load, WINDOW);
        set(WINDOW, 0, page_a, PTE_V | PTE_R | PTE_W | PTE_A);
        expect(0, load, WINDOW);
        expect(CAUSE_STORE_PAGE, store, WINDOW);
        return;
    }
    set(WINDOW, 0, page_a, PTE_V | PTE_R | PTE_W);
    expect(0, load, WINDOW);
    check_equal(*e & (PTE_A | PTE_D), PTE_A);
    expect(0, store, WINDOW);
    check_equal(*e & (PTE_A | PTE_D), PTE_A | PTE_D);
    set(WINDOW, 0, page_a, PTE_V | PTE_R | PTE_A);
    expect(CAUSE_STORE_PAGE, store, WINDOW);
    check_equal(*e & PTE_D, 0);
    set(WINDOW, 0, page_a, PTE_V | PTE_R | PTE_W);
    expect(0, amo, WINDOW);
    check_equal(*e & (PTE_A | PTE_D), PTE_A | PTE_D);
}

static void test_superpages(void) {
    uint64_t top = WINDOW + GIGABYTE; /* RAM_BASE: mapped as a superpage of 1 GiB already */

    set(WINDOW, 1, (void *)((uint64_t)page_a & ~0x1ffffful), PTE_RWXAD);
    *(uint64_t *)page_b = 0x2222;
    check_equal(expect(0, load, WINDOW + ((uint64_t)page_b & 0x1fffff)), 0x2222);
    set(WINDOW, 1, (void *)(((uint64_t)page_a & ~0x1ffffful) + 4096), PTE_RWXAD); /* not aligned */
    expect(CAUSE_LOAD_PAGE, load, WINDOW);
    *entry(WINDOW, 1) = 0;
    fence();
    expect(CAUSE_LOAD_PAGE, load, WINDOW);
    check_equal(expect(0, load, top + ((uint64_t)page_b & (GIGABYTE - 1))), 0x2222);
}

static void test_addresses(void) {
    uint64_t beyond = 1ul << (12 + 9 * levels - 1); /* bits above must equal the top one */

    expect(CAUSE_LOAD_PAGE, load, beyond);
    expect(CAUSE_STORE_PAGE, store, beyond + 16);
    expect(CAUSE_FETCH_PAGE, call, beyond);
    expect(CAUSE_LOAD_PAGE, load, 1ul << 63);
    /* the table itself outside memory: an access fault, of the kind of the original access */
    set(WINDOW, 1, (void *)NOWHERE, PTE_V);
    expect(QEMU7 ? CAUSE_LOAD_PAGE : CAUSE_LOAD_ACCESS, load, WINDOW);
    expect(QEMU7 ? CAUSE_STORE_PAGE : CAUSE_STORE_ACCESS, store, WINDOW);
    *entry(WINDOW, 1) = 0;
    fence();
}

static void test_crossing(void) {
    memset(page_a, 0xaa, 4096);
    memset(page_b, 0xbb, 4096);
    set(WINDOW, 0, page_a, PTE_RWXAD);
    set(WINDOW + 4096, 0, page_b, PTE_RWXAD);
    check_equal(expect(0, load, WINDOW + 4093), 0xbbbbbbbbbbaaaaaa);
    check_equal(expect(0, load4, WINDOW + 4094), 0xbbbbaaaa);
    expect(0, store, WINDOW + 4095);
    check_equal((uint8_t)page_a[4095], 0x5a);
    check_equal((uint8_t)page_b[0], 0x5a);
    /* the second half fails: nothing is stored */
    set(WINDOW + 4096, 0, page_b, PTE_V | PTE_R | PTE_A);
    memset(page_a, 0xaa, 4096);
    expect_in(MODE_S, CAUSE_STORE_PAGE, store, WINDOW + 4092, WINDOW + 4096);
    if (!QEMU7)
        check_equal((uint8_t)page_a[4092], 0xaa);
    set(WINDOW + 4096, 0, page_b, 0);
    expect_in(MODE_S, CAUSE_LOAD_PAGE, load, WINDOW + 4095, WINDOW + 4096);
}

/* Moving a page: data and code follow. */
static void test_remap(void) {
    static const uint16_t one[] = {0x4505, 0x8082}, two[] = {0x4509, 0x8082}; /* li a0, n; ret */

    memcpy(page_a, one, sizeof one);
    memcpy(page_b, two, sizeof two);
    __asm__ volatile("fence.i");
    for (int i = 0; i < 50; i++) {
        set(WINDOW, 0, i & 1 ? page_b : page_a, PTE_RWXAD);
        check_equal(expect(0, call, WINDOW), i & 1 ? 2 : 1);
        check_equal(expect(0, load4, WINDOW), i & 1 ? 0x80824509 : 0x80824505);
    }
    /* a table in between is exchanged */
    uint64_t *middle = entry(WINDOW, 1), *table = (uint64_t *)(*middle >> 10 << 12), *other = rt_pages(1);
    memcpy(other, table, 4096);
    other[0] = (uint64_t)page_a >> 12 << 10 | PTE_RWXAD;
    *middle = (uint64_t)other >> 12 << 10 | PTE_V;
    fence();
    check_equal(expect(0, call, WINDOW), 1);
    other[0] = (uint64_t)page_b >> 12 << 10 | PTE_RWXAD;
    fence();
    check_equal(expect(0, call, WINDOW), 2);
    *middle = (uint64_t)table >> 12 << 10 | PTE_V;
    fence();
}

static bool enter(uint64_t mode) {
    levels = (unsigned)mode - 5; /* satp.MODE 8: Sv39, 9: Sv48, 10: Sv57 */
    root = rt_pages(1);
    page_a = rt_pages(1);
    page_b = rt_pages(1);
    uint64_t satp = mode << 60 | (uint64_t)root >> 12;
    csr_write(satp, satp);
    if (csr_read(satp) != satp)
        return false;
    set(RAM_BASE, 2, (void *)RAM_BASE, PTE_RWXAD);
    __asm__ volatile("sfence.vma" ::: "memory");
    return true;
}

int main(void) {
    for (uint64_t mode = 8; mode <= 10; mode++) {
        if (!enter(mode)) {
            print("no sv%u\n", 12 + 9 * levels);
            continue;
        }
        test_permissions();
        test_user();
        test_accessed_dirty();
        test_crossing();
        test_remap();
        *entry(WINDOW, 1) = 0;
        fence();
        test_superpages();
        test_addresses();
        csr_write(satp, 0);
        __asm__ volatile("sfence.vma" ::: "memory");
        print("sv%u\n", 12 + 9 * levels);
    }
    return 0;
}
