/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/csr_bits.h"
#include "core/csr_ops.h"
#include "core/machine.h"

/*
 * A counter is a running number plus a base, so that nothing has to be updated as instructions run; while
 * inhibited, the base is the counter's value. A CSR write takes effect after the writing instruction
 * (§3.1.10), so bases are computed with the running number that the next instruction will see.
 */
typedef struct Counter {
    uint32_t inhibit;   /* bit in mcountinhibit */
    uint64_t now, next; /* the running number at this instruction and at the next */
} Counter;

static Counter counter_cycle(const Hart *h) {
    const Machine *m = h->machine;
    Pos pos = machine_pos(m);
    unsigned shift = m->config.icount_shift;
    return (Counter){COUNTEREN_CY, machine_time_at(m, pos) >> shift, machine_time_at(m, pos + 1) >> shift};
}

static Counter counter_instret(const Hart *h) {
    uint64_t n = hart_instret(h);
    return (Counter){COUNTEREN_IR, n, n + 1};
}

static uint64_t counter_read(const Hart *h, Counter c, uint64_t base) {
    return h->mcountinhibit & c.inhibit ? base : c.now + base;
}

static void counter_write(const Hart *h, Counter c, uint64_t *base, uint64_t value) {
    *base = h->mcountinhibit & c.inhibit ? value : value - c.next;
}

static void counter_inhibit(const Hart *h, Counter c, uint64_t *base, uint64_t changed, uint64_t inhibit) {
    if (changed & c.inhibit)
        *base += inhibit & c.inhibit ? c.next : -c.next;
}

uint64_t csr_read_cycle(const Hart *h, unsigned csr) {
    return counter_read(h, counter_cycle(h), h->mcycle_base);
}
uint64_t csr_read_instret(const Hart *h, unsigned csr) {
    return counter_read(h, counter_instret(h), h->minstret_base);
}
uint64_t csr_read_time(const Hart *h, unsigned csr) {
    return machine_mtime(h->machine);
}

void csr_write_mcycle(Hart *h, unsigned csr, uint64_t value) {
    counter_write(h, counter_cycle(h), &h->mcycle_base, value);
}

void csr_write_minstret(Hart *h, unsigned csr, uint64_t value) {
    counter_write(h, counter_instret(h), &h->minstret_base, value);
}

/* Enable bits exist for the counters that QEMU's rv64 has: the three basic ones and hpmcounter3 to 18. */
static uint64_t counteren_bits(const Isa *isa) {
    return COUNTEREN_CY | COUNTEREN_TM | COUNTEREN_IR | (isa->zihpm ? 0x7fff8ull : 0);
}

void csr_write_mcountinhibit(Hart *h, unsigned csr, uint64_t value) {
    value &= counteren_bits(h->isa) & ~(uint64_t)COUNTEREN_TM;
    uint64_t changed = value ^ h->mcountinhibit;
    counter_inhibit(h, counter_cycle(h), &h->mcycle_base, changed, value);
    counter_inhibit(h, counter_instret(h), &h->minstret_base, changed, value);
    h->mcountinhibit = value;
}

void csr_write_mcounteren(Hart *h, unsigned csr, uint64_t value) {
    h->mcounteren = value & counteren_bits(h->isa);
}
void csr_write_scounteren(Hart *h, unsigned csr, uint64_t value) {
    h->scounteren = value & counteren_bits(h->isa);
}

/* §3.1.11, §12.1.5: S needs mcounteren's bit, U needs both; the number's low five bits are the counter. */
bool csr_gate_counter(const Hart *h, unsigned csr) {
    uint64_t bit = 1ull << (csr & 31);
    if (h->priv < PRIV_M && !(h->mcounteren & bit))
        return false;
    return h->priv >= PRIV_S || !h->isa->s || (h->scounteren & bit);
}

/* Sstc, §"Supervisor Timer Register". */
bool csr_gate_stimecmp(const Hart *h, unsigned csr) {
    return h->priv == PRIV_M || ((h->menvcfg & ENVCFG_STCE) && (h->mcounteren & COUNTEREN_TM));
}

void csr_write_stimecmp(Hart *h, unsigned csr, uint64_t value) {
    h->stimecmp = value;
    machine_timer_update(h->machine);
    h->attention |= ATTN_IRQ;
}
