/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environment calls, CSRs, the privileged instructions, cache-block operations. Privilege is checked as they
 * run. */
#include "tcg/riscv/trans.h"

#include "core/csr.h"
#include "core/csr_bits.h"

/* ---- traps and returns --------------------------------------------------------------------------- */

bool trans_ecall(Trans *t, const InsnArgs *a) {
    trans_call(t, HELPER_ecall, IR_ZERO, IR_ZERO, IR_ZERO);
    trans_end_loop(t);
    return true;
}

bool trans_ebreak(Trans *t, const InsnArgs *a) {
    trans_call(t, HELPER_ebreak, IR_ZERO, IR_ZERO, IR_ZERO);
    trans_end_loop(t);
    return true;
}

bool trans_mret(Trans *t, const InsnArgs *a) {
    trans_call(t, HELPER_mret, IR_ZERO, IR_ZERO, IR_ZERO);
    trans_end_pc(t);
    return true;
}

bool trans_sret(Trans *t, const InsnArgs *a) {
    trans_call(t, HELPER_sret, IR_ZERO, IR_ZERO, IR_ZERO);
    trans_end_pc(t);
    return true;
}

bool trans_wfi(Trans *t, const InsnArgs *a) {
    trans_call(t, HELPER_wfi, IR_ZERO, IR_ZERO, IR_ZERO);
    trans_end_loop(t);
    return true;
}

bool trans_pause(Trans *t, const InsnArgs *a) {
    trans_call(t, HELPER_yield, IR_ZERO, IR_ZERO, IR_ZERO);
    trans_end_loop(t);
    return true;
}

/* ---- translation fences: nothing but their checks (mmu.h says why) ------------------------------- */

static bool sfence(Trans *t, const InsnArgs *a) {
    trans_call(t, HELPER_sfence, trans_const(t, t->insn), IR_ZERO, IR_ZERO);
    return true;
}

TRANS(sfence_vma, sfence)
TRANS(sinval_vma, sfence)
TRANS(sfence_w_inval, sfence)
TRANS(sfence_inval_ir, sfence)

/* ---- Zicsr --------------------------------------------------------------------------------------- */

static bool csr(Trans *t, const InsnArgs *a, unsigned op, bool reads, bool writes, IrVar value) {
    IrVar what = trans_const(t, a->csr | op << 12 | (unsigned)reads << 14 | (unsigned)writes << 15);
    IrVar insn = trans_const(t, t->insn);
    if (a->rd) {
        trans_call_to(t, HELPER_csr, IR_X(a->rd), what, value, insn);
    } else {
        trans_call(t, HELPER_csr, what, value, insn);
    }
    if (writes && csr_write_ends_block(a->csr)) {
        trans_end_loop(t);
    }
    return true;
}

/*
 * Disabling interrupts, which kernels do all the time, changes neither flags nor what is pending: no call, and the block
 * goes on. False: it is something else.
 */
static bool clear_sie(Trans *t, const InsnArgs *a) {
    unsigned priv = t->in->flags >> FLAG_PRIV_SHIFT & 3;
    if (a->csr != 0x100 || a->imm != (int64_t)MSTATUS_SIE || !t->in->isa->s || priv < PRIV_S) {
        return false;
    }
    IrVar old = ir_temp(t->ir);
    emit(t, IR_LDH, old, IR_ZERO, IR_ZERO, offsetof(Hart, mstatus))->aux = 3;
    IrVar new = trans_temp_imm(t, IR_AND, old, ~(int64_t)MSTATUS_SIE);
    emit(t, IR_STH, IR_ZERO, new, IR_ZERO, offsetof(Hart, mstatus))->aux = 3;
    if (a->rd) {
        IrVar bits = trans_temp_imm(t, IR_AND, old, (int64_t)SSTATUS_WRITABLE);
        IrVar fixed =
            trans_const(t, (int64_t)((t->in->isa->u ? MSTATUS_UXL_64 : 0) | (t->fs_dirty ? MSTATUS_SD : 0)));
        emit(t, IR_OR, IR_X(a->rd), bits, fixed, 0);
    }
    return true;
}

/* §6.1: csrrw does not read for x0; the set and clear forms do not write for x0 or a zero immediate. */
TRANS(csrrw, csr, 1, a->rd != 0, true, IR_X(a->rs1))
TRANS(csrrs, csr, 2, true, a->rs1 != 0, IR_X(a->rs1))
TRANS(csrrc, csr, 3, true, a->rs1 != 0, IR_X(a->rs1))
TRANS(csrrwi, csr, 1, a->rd != 0, true, trans_const(t, a->imm))
TRANS(csrrsi, csr, 2, true, a->imm != 0, trans_const(t, a->imm))

bool trans_csrrci(Trans *t, const InsnArgs *a) {
    return clear_sie(t, a) || csr(t, a, 3, true, a->imm != 0, trans_const(t, a->imm));
}

/* ---- cache blocks: Zicbom, Zicboz, Zicbop -------------------------------------------------------- */

static bool cbo(Trans *t, const InsnArgs *a) {
    MemOp mem = trans_mem_op(t, MEM_LOAD, 3, 0);
    IrVar insn = trans_const(t, t->insn);
    trans_call(t, HELPER_cbo, IR_X(a->rs1), insn, trans_const(t, mem));
    return true;
}

TRANS(cbo_inval, cbo)
TRANS(cbo_clean, cbo)
TRANS(cbo_flush, cbo)

bool trans_cbo_zero(Trans *t, const InsnArgs *a) {
    MemOp mem = trans_mem_op(t, MEM_CBO_ZERO, 3, 0);
    IrVar insn = trans_const(t, t->insn);
    trans_call(t, HELPER_cbo_zero, IR_X(a->rs1), insn, trans_const(t, mem));
    return true;
}

TRANS(prefetch_i, trans_nothing)
TRANS(prefetch_r, trans_nothing)
TRANS(prefetch_w, trans_nothing)
