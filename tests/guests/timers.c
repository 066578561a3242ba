/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mtimecmp, writable mtime, stimecmp, the time CSR, WFI that is woken by a timer. */
#include "rt/rt.h"

#define MTIMECMP (CLINT_BASE + 0x4000)
#define MTIME (CLINT_BASE + 0xbff8)

static volatile uint64_t fired, fired_at;
static uint64_t wanted;

static bool on_timer(Frame *f) {
    if (f->cause != (INTERRUPT | wanted))
        return false;
    fired++;
    fired_at = rt_mtime();
    if (wanted == IRQ_MTI)
        write64(MTIMECMP, UINT64_MAX);
    else
        csr_write(0x14d, UINT64_MAX);
    return true;
}

static void test_mtimecmp(void) {
    wanted = IRQ_MTI;
    write64(MTIMECMP, UINT64_MAX);
    check_equal(csr_read(mip) & 1ul << IRQ_MTI, 0);
    write64(MTIMECMP, 0);
    check(csr_read(mip) & 1ul << IRQ_MTI);
    write64(MTIMECMP, UINT64_MAX);
    check_equal(csr_read(mip) & 1ul << IRQ_MTI, 0);
    csr_write(mie, 1ul << IRQ_MTI);
    csr_set(mstatus, MSTATUS_MIE);
    uint64_t target = rt_mtime() + 1000;
    write64(MTIMECMP, target);
    while (fired == 0)
        ;
    check_equal(fired, 1);
    check(fired_at >= target);
    csr_clear(mstatus, MSTATUS_MIE);
}

/* WFI wakes for a pending and locally enabled interrupt even when mstatus.MIE forbids taking it. */
static void test_wfi(void) {
    for (int i = 1; i <= 20; i++) {
        uint64_t target = rt_mtime() + 5000;
        write64(MTIMECMP, target);
        while (!(csr_read(mip) & 1ul << IRQ_MTI))
            __asm__ volatile("wfi");
        check(rt_mtime() >= target);
        write64(MTIMECMP, UINT64_MAX);
    }
    check_equal(fired, 1);
    /* with interrupts on it is taken at the wfi */
    uint64_t target = rt_mtime() + 100000;
    write64(MTIMECMP, target);
    csr_set(mstatus, MSTATUS_MIE);
    while (fired == 1)
        __asm__ volatile("wfi");
    check(fired_at >= target);
    csr_clear(mstatus, MSTATUS_MIE);
}

/* Halves, and a guest that sets the clock. */
static void test_mtime(void) {
    check_equal(read64(MTIMECMP), UINT64_MAX);
    write32(MTIMECMP, 0x1234);
    check_equal(read64(MTIMECMP), 0xffffffff00001234);
    write32(MTIMECMP + 4, 0x7fffffff);
    check_equal(read32(MTIMECMP + 4), 0x7fffffff);
    uint64_t before = read64(MTIME);
    write64(MTIME, before + 10000000000ul);
    uint64_t after = read64(MTIME);
    check(after - before >= 10000000000ul && after - before < 10100000000ul);
    check(csr_read(time) >= after && csr_read(time) - after < 10000000);
    write64(MTIMECMP, after + 1);
    while (!(csr_read(mip) & 1ul << IRQ_MTI))
        ;
    write64(MTIMECMP, UINT64_MAX);
}

static void test_stimecmp(void) {
    wanted = IRQ_STI;
    fired = 0;
    csr_set(0x30a, 1ul << 63); /* menvcfg.STCE */
    csr_write(0x14d, UINT64_MAX);
    check_equal(csr_read(mip) & 1ul << IRQ_STI, 0);
    csr_write(0x14d, rt_mtime());
    check(csr_read(mip) & 1ul << IRQ_STI);
    csr_clear(mip, 1ul << IRQ_STI); /* read-only while STCE is on */
    check(csr_read(mip) & 1ul << IRQ_STI);
    uint64_t target = rt_mtime() + 20000;
    csr_write(0x14d, target);
    check_equal(csr_read(mip) & 1ul << IRQ_STI, 0);
    csr_write(mie, 1ul << IRQ_STI);
    csr_set(mstatus, MSTATUS_MIE);
    while (fired == 0)
        __asm__ volatile("wfi");
    check(fired_at >= target);
    check_equal(fired, 1);
    csr_clear(mstatus, MSTATUS_MIE);
}

int main(void) {
    rt_hook = on_timer;
    test_mtimecmp();
    test_wfi();
    test_mtime();
    test_stimecmp();
    return 0;
}
