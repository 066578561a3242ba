/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environment calls, CSRs, the privileged instructions, cache-block operations. Privilege is checked as they run. */
#include "tcg/riscv/trans.h"

#include "core/csr.h"

/* ---- traps and returns ------------------------------------------------------------------------------------ */

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

/* ---- translation fences: nothing but their checks (mmu.h says why) ----------------------------------------- */

static bool sfence(Trans *t) {
    trans_call(t, HELPER_sfence, trans_const(t, t->insn), IR_ZERO, IR_ZERO);
    return true;
}

bool trans_sfence_vma(Trans *t, const InsnArgs *a) { return sfence(t); }
bool trans_sinval_vma(Trans *t, const InsnArgs *a) { return sfence(t); }
bool trans_sfence_w_inval(Trans *t, const InsnArgs *a) { return sfence(t); }
bool trans_sfence_inval_ir(Trans *t, const InsnArgs *a) { return sfence(t); }

/* ---- Zicsr ------------------------------------------------------------------------------------------------ */

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

/* §6.1: csrrw does not read for x0; the set and clear forms do not write for x0 or a zero immediate. */
bool trans_csrrw(Trans *t, const InsnArgs *a) { return csr(t, a, 1, a->rd != 0, true, IR_X(a->rs1)); }
bool trans_csrrs(Trans *t, const InsnArgs *a) { return csr(t, a, 2, true, a->rs1 != 0, IR_X(a->rs1)); }
bool trans_csrrc(Trans *t, const InsnArgs *a) { return csr(t, a, 3, true, a->rs1 != 0, IR_X(a->rs1)); }
bool trans_csrrwi(Trans *t, const InsnArgs *a) { return csr(t, a, 1, a->rd != 0, true, trans_const(t, a->imm)); }
bool trans_csrrsi(Trans *t, const InsnArgs *a) { return csr(t, a, 2, true, a->imm != 0, trans_const(t, a->imm)); }
bool trans_csrrci(Trans *t, const InsnArgs *a) { return csr(t, a, 3, true, a->imm != 0, trans_const(t, a->imm)); }

/* ---- cache blocks: Zicbom, Zicboz, Zicbop ------------------------------------------------------------------ */

static bool cbo(Trans *t, const InsnArgs *a) {
    MemOp mem = trans_mem_op(t, MEM_LOAD, 3, 0);
    IrVar insn = trans_const(t, t->insn);
    trans_call(t, HELPER_cbo, IR_X(a->rs1), insn, trans_const(t, mem));
    return true;
}

bool trans_cbo_inval(Trans *t, const InsnArgs *a) { return cbo(t, a); }
bool trans_cbo_clean(Trans *t, const InsnArgs *a) { return cbo(t, a); }
bool trans_cbo_flush(Trans *t, const InsnArgs *a) { return cbo(t, a); }

bool trans_cbo_zero(Trans *t, const InsnArgs *a) {
    MemOp mem = trans_mem_op(t, MEM_CBO_ZERO, 3, 0);
    IrVar insn = trans_const(t, t->insn);
    trans_call(t, HELPER_cbo_zero, IR_X(a->rs1), insn, trans_const(t, mem));
    return true;
}

bool trans_prefetch_i(Trans *t, const InsnArgs *a) { return true; }
bool trans_prefetch_r(Trans *t, const InsnArgs *a) { return true; }
bool trans_prefetch_w(Trans *t, const InsnArgs *a) { return true; }
