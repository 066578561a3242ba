/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical memory protection: matching modes, priority, locks, and what the MMU makes of it. */
#include "bare_machine.h"

typedef struct Case {
    uint8_t cfg;
    uint64_t addr; /* pmpaddr1; pmpaddr0 is 0x80001000 >> 2, entry 0 off */
    Gpa pa;
    uint64_t size;
    AccessKind kind;
    Priv priv;
    bool allowed, whole;
} Case;

#define R PMP_R
#define W PMP_W
#define X PMP_X
#define L PMP_L
#define TOR (PMP_TOR << PMP_A_SHIFT)
#define NA4 (PMP_NA4 << PMP_A_SHIFT)
#define NAPOT (PMP_NAPOT << PMP_A_SHIFT)
#define A(address) ((uint64_t)(address) >> 2)

static const Case cases[] = {
    {0, 0, 0x80000000, 8, ACCESS_LOAD, PRIV_M, true, true},
    {0, 0, 0x80000000, 8, ACCESS_LOAD, PRIV_S, false, true},
    /* TOR [0x80001000, 0x80003000) */
    {TOR | R, A(0x80003000), 0x80001000, 8, ACCESS_LOAD, PRIV_S, true, true},
    {TOR | R, A(0x80003000), 0x80002ff8, 8, ACCESS_LOAD, PRIV_U, true, true},
    {TOR | R, A(0x80003000), 0x80003000, 8, ACCESS_LOAD, PRIV_U, false, true},
    {TOR | R, A(0x80003000), 0x80001000, 8, ACCESS_STORE, PRIV_S, false, true},
    {TOR | R, A(0x80003000), 0x80001000, 8, ACCESS_STORE, PRIV_M, true, true},
    {TOR | R | L, A(0x80003000), 0x80001000, 8, ACCESS_STORE, PRIV_M, false, true},
    {TOR | R, A(0x80001000), 0x80001000, 8, ACCESS_LOAD, PRIV_S, false, true}, /* empty */
    {TOR | R, A(0x80002004), 0x80002000, 4, ACCESS_LOAD, PRIV_S, true, false},
    {TOR | R, A(0x80002004), 0x80002000, 8, ACCESS_LOAD, PRIV_S, false, false}, /* matches in part */
    {TOR | R, A(0x80002004), 0x80002000, 8, ACCESS_LOAD, PRIV_M, false, false},
    {TOR | R, A(0x80002004), 0x80002008, 8, ACCESS_LOAD, PRIV_S, false, false},
    {NA4 | R | W, A(0x80004008), 0x80004008, 4, ACCESS_STORE, PRIV_U, true, false},
    {NA4 | R | W, A(0x80004008), 0x8000400c, 4, ACCESS_STORE, PRIV_U, false, false},
    {NA4 | L, A(0x80004008), 0x80004008, 1, ACCESS_LOAD, PRIV_M, false, false},
    {NAPOT | X, A(0x80004000) | 0x1ff, 0x80004ffe, 2, ACCESS_FETCH, PRIV_S, true, true},
    {NAPOT | X, A(0x80004000) | 0x1ff, 0x80005000, 2, ACCESS_FETCH, PRIV_S, false, true},
    {NAPOT | R, A(0x80004000) | 0x1ff, 0x80004000, 2, ACCESS_FETCH, PRIV_S, false, true},
    {NAPOT | R, A(0x80004000), 0x80004007, 1, ACCESS_LOAD, PRIV_S, true, false}, /* 8 bytes */
    {NAPOT | R, A(0x80004000), 0x80004008, 1, ACCESS_LOAD, PRIV_S, false, false},
    {NAPOT | R, (1ull << 54) - 1, 0x0, 8, ACCESS_LOAD, PRIV_U, true, true}, /* everything */
    {NAPOT | R, (1ull << 53) - 1, 0xfffffffff8, 8, ACCESS_LOAD, PRIV_U, true, true},
};

static void test_matching(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Case *c = &cases[i];
        bool whole = false;
        hart_reset(h, BARE_RAM);
        bare_csr_write(h, "pmpaddr0", A(0x80001000));
        bare_csr_write(h, "pmpaddr1", c->addr);
        bare_csr_write(h, "pmpcfg0", (uint64_t)c->cfg << 8);
        g_test_message("case %zu", i);
        g_assert_cmpint(pmp_check(h, c->pa, c->size, c->kind, c->priv, &whole), ==, c->allowed);
        g_assert_cmpint(whole, ==, c->whole);
    }
    bare_machine_free(m);
}

static void test_priority(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    bool whole;
    bare_csr_write(h, "pmpaddr0", A(0x80004000) | 0x1ff);
    bare_csr_write(h, "pmpaddr1", ~0ull);
    bare_csr_write(h, "pmpcfg0", NAPOT | (NAPOT | R | W | X) << 8);
    g_assert_false(pmp_check(h, 0x80004000, 8, ACCESS_LOAD, PRIV_S, &whole));
    g_assert_true(whole);
    g_assert_true(pmp_check(h, 0x80005000, 8, ACCESS_LOAD, PRIV_S, &whole));
    g_assert_true(whole);
    bare_machine_free(m);
}

static void test_warl_and_locks(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    bare_csr_write(h, "pmpcfg0", 0xff);
    g_assert_cmphex(bare_csr_read(h, "pmpcfg0"), ==, 0x9f); /* bits 5 and 6 do not exist */
    bare_csr_write(h, "pmpcfg0", 0);
    g_assert_cmphex(bare_csr_read(h, "pmpcfg0"), ==, 0x9f);
    bare_csr_write(h, "pmpaddr0", 5);
    g_assert_cmphex(bare_csr_read(h, "pmpaddr0"), ==, 0);
    bare_csr_write(h, "pmpcfg2", (uint64_t)(TOR | L | R) << 56 | (uint64_t)(NAPOT | W) << 48);
    g_assert_cmphex(bare_csr_read(h, "pmpcfg2"), ==,
                    (uint64_t)(TOR | L | R) << 56); /* W without R is refused */
    bare_csr_write(h, "pmpaddr14", 5);              /* the bottom of a locked TOR entry */
    g_assert_cmphex(bare_csr_read(h, "pmpaddr14"), ==, 0);
    bare_csr_write(h, "pmpaddr13", 5);
    g_assert_cmphex(bare_csr_read(h, "pmpaddr13"), ==, 5);
    hart_reset(h, BARE_RAM);
    g_assert_cmphex(bare_csr_read(h, "pmpcfg0"), ==, 0);
    bare_machine_free(m);
}

/* What M mode may load without asking: FLAG_DIRECT. */
static void test_direct(void) {
    static const struct {
        uint8_t cfg;
        uint64_t addr;
        bool direct;
    } entries[] = {{0, 0, true},         {NAPOT | R, ~0ull, true},    {NAPOT | L | R, ~0ull, false},
                   {NAPOT | R, 0, true}, {TOR, A(0x80000008), false}, {NA4 | R, A(BARE_RAM + 4), false}};
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    for (unsigned i = 0; i < G_N_ELEMENTS(entries); i++) {
        hart_reset(h, BARE_RAM);
        g_assert_true(h->flags & FLAG_DIRECT);
        bare_csr_write(h, "pmpaddr3", entries[i].addr);
        bare_csr_write(h, "pmpcfg0", (uint64_t)entries[i].cfg << 24);
        g_assert_cmpint(!!(h->flags & FLAG_DIRECT), ==, entries[i].direct);
        h->priv = PRIV_S;
        hart_update_flags(h);
        g_assert_false(h->flags & FLAG_DIRECT);
    }
    bare_machine_free(m);
}

/* An entry that covers a page in part keeps the inline path away from it; a change takes effect at once. */
static void test_mmu_obeys(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    FetchPage at;
    bare_csr_write(h, "pmpaddr0", A(0x80000100));
    bare_csr_write(h, "pmpaddr1", ~0ull);
    bare_csr_write(h, "pmpcfg0", (TOR | R | X) | (NAPOT | R | W | X) << 8);
    h->priv = PRIV_S;
    hart_update_flags(h);
    bare_store(h, 0x800000f8, 1, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_ACCESS);
    bare_store(h, 0x80000100, 1, 3);
    g_assert_cmpint(bare_fault(h), ==, -1);
    bare_store(h, 0x800000fc, 1, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_ACCESS);
    g_assert_cmphex(h->exc_tval, ==, 0x800000fc);
    g_assert_cmphex(h->tlb[CTX_S][0].write, ==, TLB_NEVER);
    g_assert_true(mmu_fetch(h, 0x80000000, &at));
    g_assert_true(at.partial);
    g_assert_cmphex(h->itlb[0x80000 % ITLB_ENTRIES], ==, 0);
    bare_store(h, 0x80001000, 1, 3);
    g_assert_cmphex(h->tlb[CTX_S][1].write, ==, 0x80001000);
    bare_csr_write(h, "pmpcfg0", 0);
    bare_store(h, 0x80001000, 1, 3);
    g_assert_cmpint(bare_fault(h), ==, EXC_STORE_ACCESS);
    g_assert_false(mmu_fetch(h, 0x80000000, &at));
    g_assert_cmpint(bare_fault(h), ==, EXC_INSN_ACCESS);
    bare_machine_free(m);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pmp/matching", test_matching);
    g_test_add_func("/pmp/priority", test_priority);
    g_test_add_func("/pmp/warl-and-locks", test_warl_and_locks);
    g_test_add_func("/pmp/direct", test_direct);
    g_test_add_func("/pmp/mmu-obeys", test_mmu_obeys);
    return g_test_run();
}
