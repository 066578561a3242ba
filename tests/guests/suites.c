/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the public suites of ISA tests rely on beyond what the other guests here check: their way of finding out what there
 * is, and a few corners of M and S mode. A feature that may be absent is looked for as they do, and then must work.
 */
#include "rt/rt.h"

/* ---- probing: registers that may be missing trap, and nothing else happens ---- */

static void test_probing(void) {
    rt_trapped.count = 0;
    __asm__ volatile("csrwi 0x744, 8"); /* mnstatus */
    check(rt_trapped.count == 0 || rt_trapped.cause == CAUSE_ILLEGAL);
    rt_trapped.count = 0;
    csr_write(satp, 0);
    csr_write(medeleg, 0);
    csr_write(mideleg, 0);
    csr_write(mie, 0);
    csr_write(pmpaddr0, (1ul << 53) - 1);
    csr_write(pmpcfg0, 0x1f);
    check_equal(rt_trapped.count, 0);
    check_equal(csr_read(pmpaddr0), (1ul << 53) - 1);
    check_equal(csr_read(misa) >> 62, 2);
    check_equal(csr_read(mhartid), 0);
    csr_read(mimpid);
    csr_read(marchid);
    csr_read(mvendorid);
    csr_set(mtvec, 0);
    csr_set(mepc, 0);
    csr_read(cycle);
    csr_read(time);
    csr_read(instret);
    check_equal(rt_trapped.count, 0);
    /* XS and VS stay zero without such units */
    csr_set(mstatus, 3ul << 15);
    check_equal(csr_read(mstatus) >> 15 & 3, 0);
}

/* The grain of PMP: 4 bytes, so the lowest bit that can be set is bit 0. */
static void test_pmp_grain(void) {
    csr_write(pmpaddr7, -1ul);
    check_equal(csr_read(pmpaddr7) & 1, 1);
    csr_write(pmpaddr7, 0);
}

/* Sdtrig: either no trigger answers, or execution and data triggers work. */
static void test_triggers(void) {
    csr_write(tselect, 1ul << 63);
    check(csr_read(tselect) != 1ul << 63);
    csr_write(tselect, 0);
    if (csr_read(tselect) != 0 || csr_read(tdata1) >> 60 != 2)
        return;
    static uint64_t word;
    csr_write(tdata2, (uint64_t)&word);
    csr_write(tdata1, 1 << 6 | 1); /* M mode, loads */
    if ((csr_read(tdata1) & 0x7ff) != (1 << 6 | 1))
        return;
    check_traps(CAUSE_BREAKPOINT, __asm__ volatile("ld zero, 0(%0)" ::"r"(&word)));
    csr_write(tdata1, 0);
}

/* ---- CSR instructions ---- */

#define check_csr_insns(name)                                                                                \
    do {                                                                                                     \
        uint64_t old_;                                                                                       \
        csr_write(name, 3);                                                                                  \
        __asm__ volatile("csrrci %0, " #name ", 1" : "=r"(old_));                                            \
        check_equal(old_, 3);                                                                                \
        __asm__ volatile("csrrsi %0, " #name ", 4" : "=r"(old_));                                            \
        check_equal(old_, 2);                                                                                \
        __asm__ volatile("csrrwi %0, " #name ", 2" : "=r"(old_));                                            \
        check_equal(old_, 6);                                                                                \
        __asm__ volatile("csrrw %0, " #name ", %1" : "=&r"(old_) : "r"(0xbad1deaul));                        \
        check_equal(old_, 2);                                                                                \
        __asm__ volatile("csrrc %0, " #name ", %1" : "=&r"(old_) : "r"(0x1deaul));                           \
        check_equal(old_, 0xbad1dea);                                                                        \
        __asm__ volatile("csrrs %0, " #name ", %1" : "=&r"(old_) : "r"(0xbeeful));                           \
        check_equal(old_, 0xbad0000);                                                                        \
        check_equal(csr_read(name), 0xbadbeef);                                                              \
        /* the destination is the source too */                                                              \
        __asm__ volatile("li %0, 5\ncsrrw %0, " #name ", %0" : "=&r"(old_));                                 \
        check_equal(old_, 0xbadbeef);                                                                        \
        check_equal(csr_read(name), 5);                                                                      \
    } while (0)

static uint64_t s_csrs(uint64_t x) {
    check_csr_insns(sscratch);
    return x;
}

static uint64_t write_cycle(uint64_t x) {
    __asm__ volatile("csrw cycle, zero");
    return x;
}
static uint64_t read_sstatus(uint64_t x) {
    return csr_read(sstatus);
}

static void test_csrs(void) {
    uint64_t scratch = csr_read(mscratch);

    /* mscratch is the trap handler's: nothing traps in here */
    check_csr_insns(mscratch);
    csr_write(mscratch, scratch);
    rt_call_in(MODE_S, s_csrs, 0);
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_U, write_cycle, 0));
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_U, read_sstatus, 0));
}

/* ---- fetches and jumps ---- */

/* A jump to an address that is not one: the link register is written, then the fetch faults. */
static void test_bad_jump(void) {
    uint64_t target = (uint64_t)&rt_trapped ^ 1ul << 63, value = 5;

    check_traps(CAUSE_FETCH_ACCESS, __asm__ volatile("jalr ra, 0(%0)" ::"r"(target) : "ra", "memory"));
    check_equal(rt_trapped.epc, target);
    check_equal(rt_trapped.tval, target);
    check_traps(CAUSE_LOAD_ACCESS, __asm__ volatile("lb %0, 0(%1)" : "+r"(value) : "r"(target)));
    check_equal(value, 5);
    check_equal(rt_trapped.tval, target);
}

/* jalr drops bit 0 of its target; bit 1 is as good as any where there are compressed instructions. */
static void test_jump_bits(void) {
    uint64_t way = 0;

    rt_trapped.count = 0;
    __asm__ volatile(".option push\n.option norvc\n"
                     "la t0, 1f\n jalr t1, 1(t0)\n j 3f\n"
                     "1: addi %0, %0, 1\n"
                     "la t0, 2f\n jalr t1, 3(t0)\n j 3f\n"
                     ".option rvc\n.balign 4\n"
                     "2: c.j 3f\n c.addi %0, 2\n"
                     ".option norvc\n"
                     "j 4f\n"
                     "3: addi %0, %0, 16\n"
                     "4:\n.option pop\n"
                     : "+r"(way)::"t0", "t1");
    check_equal(way, 3);
    check_equal(rt_trapped.count, 0);
    /* misa.C stays where it is */
    csr_clear(misa, 4);
    check_equal(csr_read(misa) & 4, 4);
}

__attribute__((noinline, noclone)) static uint64_t s_calls(uint64_t x) {
    __asm__ volatile(
        ".globl suites_ebreak\n.balign 4\n.option push\n.option norvc\nsuites_ebreak: ebreak\n.option pop");
    return x;
}
extern char suites_ebreak[];

static void test_calls(void) {
    check_traps(CAUSE_BREAKPOINT, rt_call_in(MODE_S, s_calls, 0));
    check_equal(rt_trapped.epc, (uint64_t)suites_ebreak);
    check_traps(CAUSE_BREAKPOINT, s_calls(0));
    check_equal(rt_trapped.epc, (uint64_t)suites_ebreak);
}

/* WFI in S mode with an interrupt that is pending, enabled in sie and not taken: it goes on. */
static uint64_t s_wfi(uint64_t x) {
    csr_write(sie, 1ul << IRQ_SSI);
    csr_write(sip, 1ul << IRQ_SSI);
    __asm__ volatile("wfi");
    csr_write(sip, 0);
    return x + 1;
}

static void test_wfi(void) {
    csr_write(mideleg, 1ul << IRQ_SSI);
    rt_trapped.count = 0;
    check_equal(rt_call_in(MODE_S, s_wfi, 41), 42);
    check_equal(rt_trapped.count, 0);
    csr_write(mideleg, 0);
}

/* ---- virtual memory ---- */

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128 };
#define PTE_N (1ul << 63)
#define SV39 (8ul << 60)

static uint64_t pte(const void *to, uint64_t flags) {
    return (uint64_t)to >> 12 << 10 | flags | PTE_V;
}

typedef struct Tables {
    uint64_t *root, *middle, *leaf;
} Tables;

static Tables new_tables(uint64_t va) {
    Tables t = {rt_pages(1), rt_pages(1), rt_pages(1)};
    t.root[va >> 30 & 511] = pte(t.middle, 0);
    t.middle[va >> 21 & 511] = pte(t.leaf, 0);
    return t;
}

static void translation_on(const Tables *t) {
    csr_write(satp, SV39 | (uint64_t)t->root >> 12);
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* A store as S mode with SUM sees it, from M mode. */
static void store_as_s(uint64_t va, uint32_t value) {
    uint64_t bits = MSTATUS_MPRV | MSTATUS_SUM | 1ul << 11;

    csr_clear(mstatus, MSTATUS_MPP);
    __asm__ volatile("csrs mstatus, %0\n sw %1, 0(%2)\n csrc mstatus, %3" ::"r"(bits), "r"(value), "r"(va),
                     "r"(MSTATUS_MPRV)
                     : "memory");
}

/* Sixteen pages by one entry (Svnapot): the low bits of the number are the address's. */
static void test_napot(void) {
    uint64_t va = 0x40201010;
    char *block = rt_pages(32);
    Tables t = new_tables(va);

    block = (char *)(((uint64_t)block + 0xffff) & ~0xfffful);
    t.leaf[va >> 12 & 511] = pte(block + 0x8000, PTE_N | PTE_U | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D);
    translation_on(&t);
    store_as_s(va, 42);
    csr_write(satp, 0);
    check_equal(*(uint32_t *)(block + (va & 0xffff)), 42);
    check_equal(*(uint32_t *)(block + 0x8010), 0);
}

/* D: clear after a store that faults, set by hardware or asked for by a fault after one that may be done. */
static void test_dirty(void) {
    uint64_t va = 0x40201000;
    char *page = rt_pages(1);
    Tables t = new_tables(va);
    uint64_t *entry = &t.leaf[va >> 12 & 511];

    *entry = pte(page, PTE_U | PTE_R | PTE_X | PTE_A);
    translation_on(&t);
    check_traps(CAUSE_STORE_PAGE, store_as_s(va, 1));
    check_equal(*entry & PTE_D, 0);
    check_equal(rt_trapped.tval, va);
    *entry = pte(page, PTE_U | PTE_R | PTE_W | PTE_X | PTE_A);
    __asm__ volatile("sfence.vma" ::: "memory");
    csr_clear(mstatus, MSTATUS_MPRV);
    rt_trapped.count = 0;
    store_as_s(va, 1);
    if (rt_trapped.count)
        check(rt_trapped.cause == CAUSE_STORE_PAGE && !(*entry & PTE_D));
    else
        check_equal(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);
    csr_clear(mstatus, MSTATUS_MPRV);
    csr_write(satp, 0);
}

/* Two pages of code whose addresses cross: fetches go by physical address, and a new mapping needs no fence.i. */
static uint64_t alias_result;

static bool alias_trap(Frame *f) {
    if (f->cause != CAUSE_STORE_PAGE)
        return false;
    alias_result = f->x[X_A0];
    f->epc = (uint64_t)rt_call_return;
    f->status |= MSTATUS_MPP;
    return true;
}

static uint64_t run_at(uint64_t va) {
    alias_result = 0;
    rt_call_in(MODE_S, (uint64_t(*)(uint64_t))va, 0);
    return alias_result;
}

static void test_alias(void) {
    uint32_t *pages = rt_pages(2);
    Tables t = new_tables(0);
    uint64_t flags = PTE_X | PTE_A;

    for (unsigned i = 0; i < 2; i++) {
        pages[i * 1024] = (i ? 321u : 123u) << 20 | 10 << 7 | 0x13; /* li a0, 123 or 321 */
        pages[i * 1024 + 1] = 0x00002023;                           /* sw zero, 0(zero) */
    }
    t.leaf[0] = pte(pages + 1024, flags);
    t.leaf[1] = pte(pages, flags);
    translation_on(&t);
    __asm__ volatile("fence.i" ::: "memory");
    rt_hook = alias_trap;
    check_equal(run_at(0), 321);
    check_equal(run_at(4096), 123);
    check_equal(run_at(0), 321);
    t.leaf[0] = pte(pages, flags);
    __asm__ volatile("sfence.vma" ::: "memory");
    check_equal(run_at(0), 123);
    rt_hook = NULL;
    csr_write(satp, 0);
}

int main(void) {
    test_probing();
    test_pmp_grain();
    test_triggers();
    test_csrs();
    test_bad_jump();
    test_jump_bits();
    test_calls();
    test_wfi();
    test_napot();
    test_dirty();
    test_alias();
    rt_pass();
}
