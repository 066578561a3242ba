/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters by privileged §3.1.10 to §3.1.12 and §12.1.5: what counts, writes, overflow, inhibiting, who may read what, and
 * Sscofpmf's interrupt where the CPU has it. Nothing here runs between two reads but what is written there.
 */
#include "rt/rt.h"

enum { IRQ_LCOFI = 13 };

/* b - a of CODE between two reads; the first read is counted, the second is not. */
#define instret_of(...)                                                                                      \
    ({                                                                                                       \
        uint64_t a_, b_;                                                                                     \
        __asm__ volatile("csrr %0, minstret\n" __VA_ARGS__ "\ncsrr %1, minstret"                             \
                         : "=&r"(a_), "=r"(b_)::"memory", "t0");                                             \
        b_ - a_;                                                                                             \
    })

static void test_retired(void) {
    check_equal(instret_of(""), 1);
    check_equal(instret_of("nop\nnop\nnop"), 4);
    check_equal(instret_of("j 1f\nnop\n1: beqz zero, 2f\nnop\n2: fence.i"), 4);
    check_equal(instret_of("csrr t0, minstret\ncsrr t0, mcycle"), 3);
    /* A handler of three instructions. An exception retires nothing, its handler and mret do. */
    uint64_t old = csr_read(mtvec);
    __asm__ volatile("la t0, 1f\ncsrw mtvec, t0\nj 2f\n.balign 4\n"
                     "1: csrr t0, mepc\naddi t0, t0, 4\ncsrw mepc, t0\nmret\n2:" ::
                         : "t0", "memory");
    check_equal(instret_of(".option push\n.option norvc\necall\n.option pop"), 5);
    check_equal(instret_of(".option push\n.option norvc\nebreak\n.option pop"), 5);
    check_equal(instret_of(".word 0xffffffff"), 5);
    csr_write(mtvec, old);
}

/* The instruction after a write reads what was written: the write's own increment is dropped. */
static void test_writes(void) {
    uint64_t value, later;

    __asm__ volatile("csrw minstret, zero\ncsrr %0, minstret\nnop\ncsrr %1, minstret"
                     : "=&r"(value), "=r"(later));
    check_equal(value, 0);
    check_equal(later, 2);
    __asm__ volatile("csrw mcycle, zero\ncsrr %0, mcycle\nnop\ncsrr %1, mcycle" : "=&r"(value), "=r"(later));
    check_equal(value, 0);
    check(later >= 2);
    /* over the top */
    __asm__ volatile("csrw minstret, %2\ncsrr %0, minstret\ncsrr %1, minstret"
                     : "=&r"(value), "=&r"(later)
                     : "r"(-1ul));
    check_equal(value, -1ul);
    check_equal(later, 0);
    __asm__ volatile("csrw mcycle, %1\nnop\nnop\nnop\nnop\ncsrr %0, mcycle" : "=r"(value) : "r"(-2ul));
    check(value < 1000);
    __asm__ volatile("csrw minstret, %1\ncsrsi minstret, 3\ncsrr %0, minstret" : "=r"(value) : "r"(0x100ul));
    check_equal(value, 0x103);
    csr_write(minstret, 1ul << 40);
    csr_write(mcounteren, 7);
    check_equal(csr_read(instret) >> 40, 1);
}

static void test_inhibit(void) {
    uint64_t a, b;

    csr_write(mcountinhibit, 0);
    __asm__ volatile("csrwi mcountinhibit, 4\ncsrr %0, minstret\nnop\nnop\ncsrr %1, minstret"
                     : "=&r"(a), "=r"(b));
    check_equal(a, b);
    csr_write(minstret, 77);
    check_equal(csr_read(minstret), 77);
    __asm__ volatile("csrwi mcountinhibit, 0\ncsrr %0, minstret\ncsrr %1, minstret" : "=&r"(a), "=r"(b));
    check_equal(a, 77);
    check_equal(b, 78);
    csr_write(mcountinhibit, 1);
    a = csr_read(mcycle);
    for (volatile int i = 0; i < 100; i++)
        ;
    check_equal(csr_read(mcycle), a);
    check(instret_of("nop") == 2);
    csr_write(mcountinhibit, 0);
    check(csr_read(mcycle) < a + 1000);
    /* time is not among them */
    csr_write(mcountinhibit, -1ul);
    check_equal(csr_read(mcountinhibit) & 7, 5);
    csr_write(mcountinhibit, 0);
}

/* ---- who may read them ---- */

/* A csrr of the number, and a return. */
static uint32_t reader[2] __attribute__((aligned(8)));

static bool may_read(uint64_t mode, unsigned csr) {
    reader[0] = csr << 20 | 2 << 12 | 10 << 7 | 0x73;
    reader[1] = 0x8067;
    __asm__ volatile("fence.i" ::: "memory");
    rt_trapped.count = 0;
    rt_call_in(mode, (uint64_t(*)(uint64_t))reader, 0);
    check(rt_trapped.count == 0 || rt_trapped.cause == CAUSE_ILLEGAL);
    return rt_trapped.count == 0;
}

/* Any combination of the two enables of one counter; those of others do not matter. */
static void check_enables(unsigned n, bool in_m, bool in_s) {
    uint64_t bit = 1ul << n;

    csr_write(mcounteren, in_m ? bit : ~bit);
    csr_write(scounteren, in_s ? bit : ~bit);
    in_m = csr_read(mcounteren) & bit;
    in_s = csr_read(scounteren) & bit;
    check_equal(may_read(MODE_S, 0xc00 + n), in_m);
    check_equal(may_read(MODE_U, 0xc00 + n), in_m && in_s);
}

static void test_enables(void) {
    for (unsigned n = 0; n < 19; n++)
        for (unsigned which = 0; which < 4; which++)
            check_enables(n, which & 1, which & 2);
    csr_write(mcounteren, -1ul);
    csr_write(scounteren, -1ul);
    check_equal(csr_read(mcounteren) & 0x7ffff, 0x7ffff);
    check_equal(csr_read(scounteren) & 0x7ffff, 0x7ffff);
    check(!may_read(MODE_S, 0xb00) && !may_read(MODE_S, 0xb02) && !may_read(MODE_U, 0xb00));
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrw cycle, zero"));
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrw time, zero"));
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrwi hpmcounter3, 1"));
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrr t0, 0xb01" ::: "t0")); /* there is no mtime CSR */
}

/* ---- counters without events ---- */

static void test_hpm(void) {
    csr_write(mhpmevent3, 0);
    csr_write(mhpmcounter3, 0);
    for (volatile int i = 0; i < 100; i++)
        ;
    check_equal(csr_read(mhpmcounter3), 0);
    check_equal(csr_read(hpmcounter3), 0);
    check_equal(csr_read(mhpmcounter18), 0);
    check_equal(csr_read(mhpmevent18), 0);
}

/* ---- Sscofpmf ---- */

static volatile uint64_t overflows;

__attribute__((aligned(4), interrupt("supervisor"))) static void s_handler(void) {
    check_equal(csr_read(scause), INTERRUPT | IRQ_LCOFI);
    csr_clear(sip, 1ul << IRQ_LCOFI);
    overflows++;
}

static uint64_t s_overflow(uint64_t x) {
    csr_set(sip, 1ul << IRQ_LCOFI);
    csr_set(sie, 1ul << IRQ_LCOFI);
    csr_set(sstatus, MSTATUS_SIE);
    csr_clear(sstatus, MSTATUS_SIE);
    csr_clear(sie, 1ul << IRQ_LCOFI);
    return overflows;
}

static void test_overflow_interrupt(void) {
    csr_write(mie, 1ul << IRQ_LCOFI);
    bool have = csr_read(mie) != 0;
    csr_write(mie, 0);
    print("sscofpmf %d\n", have);
    check_equal(may_read(MODE_S, 0xda0), have);
    check(!may_read(MODE_U, 0xda0));
    if (!have) {
        check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrr t0, 0xda0" ::: "t0"));
        return;
    }
    check_equal(csr_read(0xda0), 0);
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrw 0xda0, zero"));
    csr_write(mideleg, 1ul << IRQ_LCOFI);
    csr_write(stvec, s_handler);
    check_equal(rt_call_in(MODE_S, s_overflow, 0), 1);
    check_equal(csr_read(mip) >> IRQ_LCOFI & 1, 0);
    csr_write(mideleg, 0);
}

int main(void) {
    test_retired();
    test_writes();
    test_inhibit();
    test_enables();
    test_hpm();
    test_overflow_interrupt();
    rt_pass();
}
