/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traps: delegation, vectors, the stacked enables and privileges, returns, WFI, interrupt priorities. */
#include "bare_machine.h"

typedef struct Seen {
    TrapEvent trap;
    unsigned n_traps, n_returns;
} Seen;

static void on_trap(void *opaque, const TrapEvent *ev) {
    Seen *s = opaque;
    s->trap = *ev;
    s->n_traps++;
}

static void on_return(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv) {
    ((Seen *)opaque)->n_returns++;
}

static void test_exception(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    Seen seen = {0};
    HookOps ops = {.trap = on_trap, .trap_return = on_return};
    hooks_subscribe(m->hooks, &ops, &seen);
    bare_csr_write(h, "mtvec", 0x80001001); /* vectored: exceptions go to the base all the same */
    bare_csr_write(h, "stvec", 0x80002000);
    bare_csr_write(h, "medeleg", 1 << EXC_LOAD_PAGE);
    bare_csr_write(h, "mstatus", MSTATUS_SIE | MSTATUS_MIE);
    h->priv = PRIV_U;
    h->pc = 0x4000;
    h->res_size = 8;
    hart_raise(h, EXC_LOAD_PAGE, 0x1234);
    g_assert_cmpint(h->exit, ==, EXIT_FAULT);
    trap_take_exception(h);
    g_assert_cmpint(h->exit, ==, EXIT_NONE);
    g_assert_cmphex(h->pc, ==, 0x80002000);
    g_assert_cmpint(h->priv, ==, PRIV_S);
    g_assert_cmphex(h->sepc, ==, 0x4000);
    g_assert_cmphex(h->scause, ==, EXC_LOAD_PAGE);
    g_assert_cmphex(h->stval, ==, 0x1234);
    g_assert_cmphex(h->mstatus, ==, MSTATUS_MIE | MSTATUS_SPIE);
    g_assert_cmpint(h->res_size, ==, 0);
    g_assert_cmpint(h->budget, ==, 999);
    g_assert_cmpuint(h->traps, ==, 1);
    g_assert_cmpint(h->flags & 3, ==, PRIV_S);
    g_assert_cmpuint(seen.n_traps, ==, 1);
    g_assert_cmpuint(seen.trap.pos, ==, 0);
    g_assert_cmpint(seen.trap.from_priv, ==, PRIV_U);
    g_assert_cmpint(seen.trap.to_priv, ==, PRIV_S);

    hart_raise(h, EXC_ILLEGAL, 0xdead); /* not delegated */
    h->pc = 0x80002004;
    trap_take_exception(h);
    g_assert_cmphex(h->pc, ==, 0x80001000);
    g_assert_cmphex(h->mepc, ==, 0x80002004);
    g_assert_cmphex(h->mstatus, ==, MSTATUS_MPIE | MSTATUS_SPIE | 1ull << MSTATUS_MPP_SHIFT);
    h->mstatus |= MSTATUS_MPRV;
    trap_mret(h);
    g_assert_cmpint(h->priv, ==, PRIV_S);
    g_assert_cmphex(h->pc, ==, 0x80002004);
    g_assert_cmphex(h->mstatus, ==, MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_SPIE); /* MPRV cleared, MPP = U */
    trap_sret(h);
    g_assert_cmpint(h->priv, ==, PRIV_U);
    g_assert_cmphex(h->pc, ==, 0x4000);
    g_assert_cmphex(h->mstatus, ==, MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_SPIE | MSTATUS_SIE);
    g_assert_cmpuint(seen.n_returns, ==, 2);

    /* An exception of M-mode is never delegated. */
    h->priv = PRIV_M;
    hart_raise(h, EXC_LOAD_PAGE, 1);
    trap_take_exception(h);
    g_assert_cmpint(h->priv, ==, PRIV_M);
    hooks_unsubscribe(m->hooks, &seen);
    bare_machine_free(m);
}

static void test_illegal_returns(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    h->priv = PRIV_S;
    trap_mret(h);
    g_assert_cmpint(bare_fault(h), ==, EXC_ILLEGAL);
    g_assert_cmphex(h->exc_tval, ==, 0x30200073);
    h->mstatus |= MSTATUS_TSR;
    trap_sret(h);
    g_assert_cmpint(bare_fault(h), ==, EXC_ILLEGAL);
    g_assert_cmphex(h->exc_tval, ==, 0x10200073);
    h->priv = PRIV_M;
    trap_sret(h); /* M-mode may */
    g_assert_cmpint(bare_fault(h), ==, -1);
    h->priv = PRIV_U;
    trap_sret(h);
    g_assert_cmpint(bare_fault(h), ==, EXC_ILLEGAL);
    bare_machine_free(m);
}

static void test_wfi(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    h->attention = 0;
    trap_wfi(h);
    g_assert_cmpint(h->waiting, ==, 1);
    g_assert_cmpint(h->attention, ==, ATTN_WFI);
    h->waiting = 0;
    h->attention = 0;
    bare_csr_write(h, "mie", IRQ_BIT(IRQ_MTI));
    hart_set_irq_line(h, IRQ_MTI, true);
    g_assert_cmpint(h->attention, ==, ATTN_IRQ);
    trap_wfi(h); /* pending although mstatus.MIE is off: no wait */
    g_assert_cmpint(h->waiting, ==, 0);
    h->priv = PRIV_S;
    h->mstatus |= MSTATUS_TW;
    trap_wfi(h);
    g_assert_cmpint(bare_fault(h), ==, EXC_ILLEGAL);
    h->mstatus &= ~MSTATUS_TW;
    trap_wfi(h);
    g_assert_cmpint(bare_fault(h), ==, -1);
    h->priv = PRIV_U;
    trap_wfi(h);
    g_assert_cmpint(bare_fault(h), ==, EXC_ILLEGAL);
    bare_machine_free(m);
}

static void test_interrupts(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    bare_csr_write(h, "mideleg", 0x222);
    bare_csr_write(h, "mie", 0xaaa);
    bare_csr_write(h, "mtvec", 0x80001001);
    bare_csr_write(h, "stvec", 0x80002001);
    for (unsigned irq = 1; irq <= 11; irq += 2)
        hart_set_irq_line(h, irq, true);
    bare_csr_write(h, "menvcfg", ENVCFG_STCE);
    bare_csr_write(h, "stimecmp", 0);
    hart_set_irq_line(h, IRQ_MTI, true);
    g_assert_cmpint(hart_pending_irq(h), ==, -1); /* M-mode with MIE off */
    h->priv = PRIV_S;
    h->attention = 0;
    g_assert_true(csr_access(h, (unsigned)csr_number("sstatus"), 2, false, true, MSTATUS_SIE, NULL));
    g_assert_cmpint(h->attention & ATTN_IRQ, ==, ATTN_IRQ);
    /* M's first: MEI MSI MTI; then the delegated ones: SEI SSI STI (§3.1.9). */
    static const IrqNumber order[] = {IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI};
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        g_assert_cmpint(hart_pending_irq(h), ==, (int)order[i]);
        h->mip_lines &= ~IRQ_BIT(order[i]);
    }
    g_assert_cmpint(hart_pending_irq(h), ==, -1);
    hart_set_irq_line(h, IRQ_SSI, true);
    h->pc = 0x80000100;
    h->waiting = 1;
    trap_take_interrupt(h, hart_pending_irq(h));
    g_assert_cmphex(h->pc, ==, 0x80002000 + 4 * IRQ_SSI);
    g_assert_cmphex(h->scause, ==, CAUSE_INTERRUPT | IRQ_SSI);
    g_assert_cmphex(h->sepc, ==, 0x80000100);
    g_assert_cmpint(h->waiting, ==, 0);
    g_assert_cmpint(hart_pending_irq(h), ==, -1); /* SIE is off now */
    hart_set_irq_line(h, IRQ_MSI, true);
    g_assert_cmpint(hart_pending_irq(h), ==, IRQ_MSI); /* M's is always on below M */
    trap_take_interrupt(h, IRQ_MSI);
    g_assert_cmphex(h->pc, ==, 0x80001000 + 4 * IRQ_MSI);
    g_assert_cmpuint(h->traps, ==, 2);
    bare_machine_free(m);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trap/exception", test_exception);
    g_test_add_func("/trap/illegal-returns", test_illegal_returns);
    g_test_add_func("/trap/wfi", test_wfi);
    g_test_add_func("/trap/interrupts", test_interrupts);
    return g_test_run();
}
