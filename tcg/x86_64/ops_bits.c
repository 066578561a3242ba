/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting bits, with and without the host's instructions for it. arg: W for 64 bits, 0 for 32. */
#include "tcg/x86_64/compiler.h"
#include "tcg/x86_64/operand.h"

void op_clz(Compiler *c, unsigned arg) {
    Emit *e = &c->hot;
    Rm a = operand_rm(c, c->op->a);
    if (c->b->features.lzcnt) {
        HostReg d = ra_dst(c);
        emit_rm(e, O_LZCNT | arg, d, a);
        ra_finish(c, d);
        return;
    }
    /* bsr gives the bit's number, nothing for 0: there a number that the xor makes the width. */
    HostReg none = ra_scratch(c), d = ra_dst(c);
    emit_imm(e, none, arg ? 127 : 63);
    emit_rm(e, O_BSR | arg, d, a);
    emit_cmov(e, CC_E, d, rm_reg(none));
    emit_alu_imm(e, 0, ALU_XOR, rm_reg(d), arg ? 63 : 31);
    ra_finish(c, d);
}

void op_ctz(Compiler *c, unsigned arg) {
    Emit *e = &c->hot;
    Rm a = operand_rm(c, c->op->a);
    if (c->b->features.bmi1) {
        HostReg d = ra_dst(c);
        emit_rm(e, O_TZCNT | arg, d, a);
        ra_finish(c, d);
        return;
    }
    HostReg none = ra_scratch(c), d = ra_dst(c);
    emit_imm(e, none, arg ? 64 : 32);
    emit_rm(e, O_BSF | arg, d, a);
    emit_cmov(e, CC_E, d, rm_reg(none));
    ra_finish(c, d);
}

/* Sums of neighbouring fields of 1, 2, 4 bits, then of all bytes by a multiplication. */
static void cpop_plain(Compiler *c, unsigned w, HostReg x, HostReg t, HostReg m) {
    Emit *e = &c->hot;
    emit_mov(e, t, x);
    emit_shift_imm(e, W, SH_SHR, t, 1);
    emit_imm(e, m, 0x5555555555555555);
    emit_rr(e, O_AND | W, t, m);
    emit_rr(e, O_SUB | W, x, t);
    emit_imm(e, m, 0x3333333333333333);
    emit_mov(e, t, x);
    emit_rr(e, O_AND | W, t, m);
    emit_shift_imm(e, W, SH_SHR, x, 2);
    emit_rr(e, O_AND | W, x, m);
    emit_rr(e, O_ADD | W, x, t);
    emit_mov(e, t, x);
    emit_shift_imm(e, W, SH_SHR, t, 4);
    emit_rr(e, O_ADD | W, x, t);
    emit_imm(e, m, 0x0f0f0f0f0f0f0f0f);
    emit_rr(e, O_AND | W, x, m);
    emit_imm(e, m, 0x0101010101010101);
    emit_rr(e, O_IMUL | W, x, m);
    emit_shift_imm(e, W, SH_SHR, x, 56);
}

void op_cpop(Compiler *c, unsigned arg) {
    Rm a = operand_rm(c, c->op->a);
    if (c->b->features.popcnt) {
        HostReg d = ra_dst(c);
        emit_rm(&c->hot, O_POPCNT | arg, d, a);
        ra_finish(c, d);
        return;
    }
    HostReg t = ra_scratch(c), m = ra_scratch(c), d = ra_dst(c);
    emit_rm(&c->hot, O_LOAD | arg, d, a);
    cpop_plain(c, arg, d, t, m);
    ra_finish(c, d);
}
