/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/trap.h"

#include "core/csr_bits.h"
#include "core/machine.h"

/* These instructions have one encoding each, which is their tval when they are illegal. */
enum { INSN_SRET = 0x10200073, INSN_MRET = 0x30200073, INSN_WFI = 0x10500073 };

void hart_raise(Hart *h, ExcCause cause, uint64_t tval) {
    h->exit = EXIT_FAULT;
    h->exc_cause = cause;
    h->exc_tval = tval;
}

/* Privileged spec §3.1.6.1: the enable bit and the privilege are pushed onto the two-level stack. */
static void enter_m(Hart *h, uint64_t cause, uint64_t tval) {
    uint64_t s = h->mstatus & ~(MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MIE);
    s |= h->mstatus & MSTATUS_MIE ? MSTATUS_MPIE : 0;
    s |= (uint64_t)h->priv << MSTATUS_MPP_SHIFT;
    h->mstatus = s;
    h->mepc = h->pc;
    h->mcause = cause;
    h->mtval = tval;
    h->priv = PRIV_M;
}

static void enter_s(Hart *h, uint64_t cause, uint64_t tval) {
    uint64_t s = h->mstatus & ~(MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SIE);
    s |= h->mstatus & MSTATUS_SIE ? MSTATUS_SPIE : 0;
    s |= h->priv == PRIV_S ? MSTATUS_SPP : 0;
    h->mstatus = s;
    h->sepc = h->pc;
    h->scause = cause;
    h->stval = tval;
    h->priv = PRIV_S;
}

/* Vectored mode moves interrupts only (§3.1.7). */
static Gva trap_target(uint64_t tvec, bool is_interrupt, uint64_t cause) {
    return (tvec & ~3ull) + (is_interrupt && (tvec & 3) == 1 ? cause * 4 : 0);
}

static void trap_take(Hart *h, bool is_interrupt, uint64_t cause, uint64_t tval) {
    g_assert(h->left == 0);
    uint64_t deleg = is_interrupt ? h->mideleg : h->medeleg;
    uint64_t code = cause | (is_interrupt ? CAUSE_INTERRUPT : 0);
    TrapEvent ev = {
        .pos = hart_pos(h),
        .hart = h,
        .is_interrupt = is_interrupt,
        .cause = cause,
        .epc = h->pc,
        .tval = tval,
        .from_priv = h->priv,
    };
    if (h->priv != PRIV_M && (deleg >> cause & 1)) {
        enter_s(h, code, tval);
        h->pc = trap_target(h->stvec, is_interrupt, cause);
    } else {
        enter_m(h, code, tval);
        h->pc = trap_target(h->mtvec, is_interrupt, cause);
    }
    h->res_size = 0;
    h->waiting = 0;
    h->flags &= ~FLAG_GOES_ON;
    hart_update_flags(h);
    h->budget--;
    h->traps++;
    if (is_interrupt || cause == EXC_INSN_ACCESS || cause == EXC_INSN_PAGE)
        h->begun--; /* the step began with no instruction */
    ev.to_priv = h->priv;
    hooks_trap(h->machine->hooks, &ev);
}

void trap_take_exception(Hart *h) {
    h->exit = EXIT_NONE;
    trap_take(h, false, h->exc_cause, h->exc_tval);
}

void trap_take_interrupt(Hart *h, int irq) {
    g_assert(irq >= 0 && irq < 64);
    trap_take(h, true, (uint64_t)irq, 0);
}

static void trap_return(Hart *h, uint64_t mstatus, Priv to, Gva pc) {
    uint8_t from = h->priv;
    /* §3.1.6.3: leaving M-mode clears MPRV. */
    h->mstatus = to == PRIV_M ? mstatus : mstatus & ~MSTATUS_MPRV;
    h->priv = to;
    h->pc = pc;
    hart_update_flags(h);
    hart_check_irq(h);
    hooks_trap_return(h->machine->hooks, hart_pos(h), h, from);
}

void trap_mret(Hart *h) {
    if (h->priv != PRIV_M) {
        hart_raise(h, EXC_ILLEGAL, INSN_MRET);
        return;
    }
    Priv to = (h->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    uint64_t s = h->mstatus & ~(MSTATUS_MIE | MSTATUS_MPP);
    s |= h->mstatus & MSTATUS_MPIE ? MSTATUS_MIE : 0;
    s |= MSTATUS_MPIE;
    s |= (uint64_t)(h->isa->u ? PRIV_U : PRIV_M) << MSTATUS_MPP_SHIFT;
    trap_return(h, s, to, h->mepc);
}

void trap_sret(Hart *h) {
    bool trapped = h->priv == PRIV_S && (h->mstatus & MSTATUS_TSR);
    if (!h->isa->s || h->priv == PRIV_U || trapped) {
        hart_raise(h, EXC_ILLEGAL, INSN_SRET);
        return;
    }
    Priv to = h->mstatus & MSTATUS_SPP ? PRIV_S : PRIV_U;
    uint64_t s = h->mstatus & ~(MSTATUS_SIE | MSTATUS_SPP);
    s |= h->mstatus & MSTATUS_SPIE ? MSTATUS_SIE : 0;
    s |= MSTATUS_SPIE;
    trap_return(h, s, to, h->sepc);
}

/* §3.3.3; in U-mode WFI is illegal wherever S-mode exists, as on QEMU. */
void trap_wfi(Hart *h) {
    bool tw = h->mstatus & MSTATUS_TW;
    if ((h->priv == PRIV_S && tw) || (h->priv == PRIV_U && (h->isa->s || tw))) {
        hart_raise(h, EXC_ILLEGAL, INSN_WFI);
        return;
    }
    if (hart_has_wakeup(h))
        return;
    h->waiting = 1;
    h->attention |= ATTN_WFI;
    hooks_idle(h->machine->hooks, hart_pos(h), h, true);
}
