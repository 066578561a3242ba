/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Four harts: spinlocks, AMO and LR/SC counters, a barrier, interrupts between harts. Needs -smp 4. */
#include "rt/rt.h"

#define HARTS 4
#define ROUNDS 2000

static volatile uint32_t lock;
static volatile uint64_t arrived, amo_count, lrsc_count, guarded_count, ipis[HARTS], xor_bits, highest;
static volatile uint32_t sense;

static void acquire(volatile uint32_t *l) {
    uint32_t old;

    do
        __asm__ volatile("amoswap.w.aq %0, %1, (%2)" : "=r"(old) : "r"(1), "r"(l) : "memory");
    while (old != 0);
}

static void release(volatile uint32_t *l) {
    __asm__ volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(l) : "memory");
}

static uint64_t amo_add(volatile uint64_t *at, uint64_t value) {
    uint64_t old;

    __asm__ volatile("amoadd.d.aqrl %0, %1, (%2)" : "=r"(old) : "r"(value), "r"(at) : "memory");
    return old;
}

static void lrsc_add(volatile uint64_t *at, uint64_t value) {
    uint64_t old, failed;

    do
        __asm__ volatile("lr.d.aq %0, (%2)\n add %0, %0, %3\n sc.d.rl %1, %0, (%2)"
                         : "=&r"(old), "=&r"(failed)
                         : "r"(at), "r"(value)
                         : "memory");
    while (failed);
}

static void barrier(void) {
    uint32_t mine = sense;

    if (amo_add(&arrived, 1) == HARTS - 1) {
        arrived = 0;
        sense = mine + 1;
    } else {
        while (sense == mine)
            ;
    }
}

static bool on_ipi(Frame *f) {
    if (f->cause != (INTERRUPT | IRQ_MSI))
        return false;
    uint64_t hart = csr_read(mhartid);
    write32(CLINT_BASE + 4 * hart, 0);
    ipis[hart]++;
    return true;
}

static void count(void) {
    for (int i = 0; i < ROUNDS; i++) {
        amo_add(&amo_count, 1);
        lrsc_add(&lrsc_count, 3);
        acquire(&lock);
        guarded_count = guarded_count + 1;
        release(&lock);
    }
}

static void bits(uint64_t hart) {
    for (int i = 0; i < ROUNDS; i++) {
        __asm__ volatile("amoxor.d zero, %0, (%1)" ::"r"(1ul << (hart * 16 + i % 16)), "r"(&xor_bits)
                         : "memory");
        __asm__ volatile("amomaxu.d zero, %0, (%1)" ::"r"(hart * ROUNDS + i), "r"(&highest) : "memory");
    }
}

/* Look and wait with interrupts off, or one that comes in between is slept through. */
static void await_ipi(uint64_t hart, uint64_t n) {
    for (;;) {
        csr_clear(mstatus, MSTATUS_MIE);
        bool there = ipis[hart] >= n;
        if (!there)
            __asm__ volatile("wfi");
        csr_set(mstatus, MSTATUS_MIE);
        if (there)
            return;
    }
}

/* Each hart wakes the next one, which waits for it. */
static void ring(uint64_t hart) {
    for (uint64_t i = 1; i <= 20; i++) {
        if (hart == 0)
            write32(CLINT_BASE + 4, 1);
        await_ipi(hart, i);
        if (hart != 0)
            write32(CLINT_BASE + 4 * ((hart + 1) % HARTS), 1);
    }
}

static void work(uint64_t hart) {
    csr_set(mie, 1ul << IRQ_MSI);
    csr_set(mstatus, MSTATUS_MIE);
    barrier();
    count();
    barrier();
    bits(hart);
    barrier();
    ring(hart);
    barrier();
}

void rt_secondary(uint64_t hart) {
    if (hart < HARTS)
        work(hart);
}

int main(uint64_t hart) {
    rt_hook = on_ipi;
    __asm__ volatile("fence rw, rw" ::: "memory");
    work(hart);
    check_equal(amo_count, HARTS * ROUNDS);
    check_equal(lrsc_count, 3 * HARTS * ROUNDS);
    check_equal(guarded_count, HARTS * ROUNDS);
    check_equal(xor_bits, UINT64_MAX); /* each bit 125 times */
    check_equal(highest, HARTS * ROUNDS - 1);
    for (int i = 0; i < HARTS; i++)
        check_equal(ipis[i], 20);
    return 0;
}
