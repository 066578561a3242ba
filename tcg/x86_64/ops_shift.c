/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shifts and rotations. */
#include "tcg/x86_64/compiler.h"
#include "tcg/x86_64/operand.h"

static bool constant_count(const IrOp *op, unsigned mask, unsigned *n) {
    if (op->b != IR_IMM && op->b != IR_ZERO) {
        return false;
    }
    *n = op->b == IR_ZERO ? 0 : (unsigned)op->imm & mask;
    return true;
}

/* d = a <sh> b for a variable count, w: width; by cl. */
static HostReg by_cl(Compiler *c, unsigned w, unsigned sh) {
    ra_take(c, RCX);
    emit_rm(&c->hot, O_LOAD, RCX, ra_peek_rm(c, c->op->b));
    Rm a = operand_rm(c, c->op->a);
    HostReg d = ra_dst(c);
    operand_load(&c->hot, w, d, a);
    emit_shift_cl(&c->hot, w, sh, d);
    return d;
}

static HostReg shift_variable(Compiler *c, unsigned w, unsigned sh) {
    if (!c->b->features.bmi2) {
        return by_cl(c, w, sh);
    }
    unsigned op = sh == SH_SHL ? V_SHLX : sh == SH_SHR ? V_SHRX : V_SARX;
    HostReg b = ra_read(c, c->op->b);
    Rm a = operand_rm(c, c->op->a);
    HostReg d = ra_dst(c);
    emit_vex(&c->hot, op | w, d, b, a);
    return d;
}

void op_shift(Compiler *c, unsigned arg) {
    unsigned n;
    HostReg d;
    if (constant_count(c->op, 63, &n)) {
        Rm a = operand_rm(c, c->op->a);
        d = ra_dst(c);
        if (arg == SH_SHL && n == 1 && a.reg >= 0) {
            emit_rm(&c->hot, O_LEA | W, d, rm_sib(a.reg, a.reg, 0, 0));
        } else {
            operand_load(&c->hot, W, d, a);
            if (n) {
                emit_shift_imm(&c->hot, W, arg, d, n);
            }
        }
    } else {
        d = shift_variable(c, W, arg);
    }
    ra_finish(c, d);
}

static HostReg shiftw_constant(Compiler *c, unsigned sh, unsigned n) {
    Rm a = operand_rm(c, c->op->a);
    HostReg d = ra_dst(c);
    Emit *e = &c->hot;
    if (n == 0 || sh == SH_SAR) {
        emit_rm(e, O_MOVSXD | W, d, a);
        if (n) {
            emit_shift_imm(e, W, SH_SAR, d, n);
        }
        return d;
    }
    operand_load(e, 0, d, a);
    emit_shift_imm(e, 0, sh, d, n);
    if (sh == SH_SHL) { /* a right shift leaves bit 31 clear */
        emit_rr(e, O_MOVSXD | W, d, d);
    }
    return d;
}

void op_shiftw(Compiler *c, unsigned arg) {
    unsigned n;
    HostReg d;
    if (constant_count(c->op, 31, &n)) {
        d = shiftw_constant(c, arg, n);
    } else {
        d = shift_variable(c, 0, arg);
        emit_rr(&c->hot, O_MOVSXD | W, d, d);
    }
    ra_finish(c, d);
}

/* d = a rotated; width w. */
static HostReg rotate(Compiler *c, unsigned w, unsigned sh) {
    unsigned bits = w ? 64 : 32, n;
    if (!constant_count(c->op, bits - 1, &n)) {
        return by_cl(c, w, sh);
    }
    Rm a = operand_rm(c, c->op->a);
    HostReg d = ra_dst(c);
    if (c->b->features.bmi2) {
        emit_vex(&c->hot, V_RORX | w, d, 0, a);
        emit_u8(&c->hot, (uint8_t)(sh == SH_ROR ? n : (bits - n) & (bits - 1)));
    } else {
        operand_load(&c->hot, w, d, a);
        emit_shift_imm(&c->hot, w, sh, d, n);
    }
    return d;
}

void op_rotate(Compiler *c, unsigned arg) {
    ra_finish(c, rotate(c, W, arg));
}

void op_rotatew(Compiler *c, unsigned arg) {
    HostReg d = rotate(c, 0, arg);
    emit_rr(&c->hot, O_MOVSXD | W, d, d);
    ra_finish(c, d);
}
