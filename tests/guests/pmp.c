/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical memory protection, privileged spec §3.7: TOR, NA4, NAPOT, priority, locking, M mode, MPRV. */
#include "rt/rt.h"

enum { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_TOR = 8, PMP_NA4 = 16, PMP_NAPOT = 24, PMP_L = 128 };

static uint64_t area[2048] __attribute__((aligned(16384)));

static uint64_t load(uint64_t at) {
    return *(volatile uint64_t *)at;
}
static uint64_t load_word(uint64_t at) {
    return *(volatile uint32_t *)at;
}
static uint64_t store(uint64_t at) {
    *(volatile uint64_t *)at = at;
    return 0;
}
static uint64_t call(uint64_t at) {
    ((void (*)(void))at)();
    return 0;
}

static void expect(uint64_t cause, uint64_t (*what)(uint64_t), const void *at) {
    rt_trapped.count = 0;
    rt_call_in(MODE_S, what, (uint64_t)at);
    if (rt_trapped.count != (cause != 0))
        print("cause %lu tval 0x%lx at 0x%lx, address 0x%lx\n", rt_trapped.cause, rt_trapped.tval,
              rt_trapped.epc, (uint64_t)at);
    check_equal(rt_trapped.count, cause != 0);
    if (cause != 0) {
        check_equal(rt_trapped.cause, cause);
        check_equal(rt_trapped.tval, (uint64_t)at);
    }
}

static uint64_t napot(const void *base, uint64_t size) {
    return ((uint64_t)base >> 2) | (size / 8 - 1);
}

/* entry 7 is the background: everything allowed */
static void configure(uint64_t low_entries) {
    csr_write(pmpcfg0, low_entries | (uint64_t)(PMP_NAPOT | PMP_R | PMP_W | PMP_X) << 56);
}

static void test_napot(void) {
    csr_write(pmpaddr0, napot(area, 4096));
    configure(PMP_NAPOT | PMP_R);
    expect(0, load, area);
    expect(CAUSE_STORE_ACCESS, store, area);
    expect(CAUSE_STORE_ACCESS, store, area + 511);
    expect(0, store, area + 512);
    configure(PMP_NAPOT | PMP_X);
    expect(CAUSE_LOAD_ACCESS, load, area + 1);
    /* 64 bytes in the middle of a page */
    csr_write(pmpaddr0, napot(area + 8, 64));
    configure(PMP_NAPOT);
    expect(0, load, area + 7);
    expect(CAUSE_LOAD_ACCESS, load, area + 8);
    expect(CAUSE_LOAD_ACCESS, load, area + 15);
    expect(0, load, area + 16);
    expect(0, store, area + 7);
    /* the whole address space, matched first */
    csr_write(pmpaddr0, UINT64_MAX);
    configure(PMP_NAPOT | PMP_R | PMP_W | PMP_X);
    expect(0, store, area + 8);
}

static void test_tor(void) {
    csr_write(pmpaddr0, (uint64_t)(area + 512) >> 2);
    csr_write(pmpaddr1, (uint64_t)(area + 1024) >> 2);
    configure((PMP_TOR | PMP_R) << 8);
    expect(0, store, area + 511);
    expect(0, load, area + 512);
    expect(CAUSE_STORE_ACCESS, store, area + 512);
    expect(CAUSE_STORE_ACCESS, store, area + 1023);
    expect(0, store, area + 1024);
    /* an empty range matches nothing */
    csr_write(pmpaddr0, (uint64_t)(area + 1024) >> 2);
    configure((PMP_TOR | PMP_R) << 8); /* QEMU 7 does not see pmpaddr0's other use otherwise */
    expect(0, store, area + 600);
}

static void test_na4(void) {
    csr_write(pmpaddr0, (uint64_t)area >> 2);
    configure(PMP_NA4);
    expect(CAUSE_LOAD_ACCESS, load_word, area);
    expect(0, load_word, (char *)area + 4);
}

static void test_execute(void) {
    static const uint32_t code[] = {0x00008067}; /* ret */

    memcpy(area, code, sizeof code);
    __asm__ volatile("fence.i");
    csr_write(pmpaddr0, napot(area, 4096));
    configure(PMP_NAPOT | PMP_R | PMP_W);
    expect(CAUSE_FETCH_ACCESS, call, area);
    configure(PMP_NAPOT | PMP_R | PMP_X);
    expect(0, call, area);
}

/* MPRV makes M mode's data accesses those of MPP. */
static void test_mprv(void) {
    csr_write(pmpaddr0, napot(area, 4096));
    configure(PMP_NAPOT);
    rt_trapped.count = 0;
    load((uint64_t)area);
    check_equal(rt_trapped.count, 0);
    csr_clear(mstatus, MSTATUS_MPP);
    rt_trapped.count = 0;
    __asm__ volatile("csrs mstatus, %0\n ld t0, (%1)\n csrc mstatus, %0" ::"r"(MSTATUS_MPRV), "r"(area)
                     : "t0", "memory");
    check_equal(rt_trapped.count, 1);
    check_equal(rt_trapped.cause, CAUSE_LOAD_ACCESS);
    csr_clear(mstatus, MSTATUS_MPRV);
}

/* Last: a locked entry binds M mode too, and cannot be undone. */
static void test_lock(void) {
    csr_write(pmpaddr0, napot(area, 4096));
    configure(PMP_L | PMP_NAPOT | PMP_R);
    load((uint64_t)area);
    check_traps(CAUSE_STORE_ACCESS, store((uint64_t)area));
    configure(PMP_NAPOT | PMP_R | PMP_W);
    check_equal(csr_read(pmpcfg0) & 0xff, PMP_L | PMP_NAPOT | PMP_R);
    uint64_t before = csr_read(pmpaddr0);
    csr_write(pmpaddr0, 0);
    check_equal(csr_read(pmpaddr0), before);
    check_traps(CAUSE_STORE_ACCESS, store((uint64_t)area));
}

int main(void) {
    csr_write(pmpaddr7, UINT64_MAX);
    configure(0);
    test_napot();
    test_tor();
    test_na4();
    test_execute();
    test_mprv();
    test_lock();
    return 0;
}
