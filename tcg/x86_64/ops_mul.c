/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multiplication and division (unprivileged spec §13). */
#include "tcg/x86_64/compiler.h"
#include "tcg/x86_64/operand.h"

static HostReg multiply(Compiler *c, unsigned w) {
    Rm a = operand_rm(c, c->op->a), b = operand_rm(c, c->op->b);
    HostReg d = ra_dst(c);
    if (rm_is(b, d)) {
        emit_rm(&c->hot, O_IMUL | w, d, a);
    } else {
        operand_load(&c->hot, w, d, a);
        emit_rm(&c->hot, O_IMUL | w, d, b);
    }
    return d;
}

void op_mul(Compiler *c, unsigned arg) {
    ra_finish(c, multiply(c, W));
}

void op_mulw(Compiler *c, unsigned arg) {
    HostReg d = multiply(c, 0);
    emit_rr(&c->hot, O_MOVSXD | W, d, d);
    ra_finish(c, d);
}

/* The product with zero, for the ops that address their sources without loading them. */
static bool product_is_zero(Compiler *c) {
    if (c->op->a != IR_ZERO && c->op->b != IR_ZERO) {
        return false;
    }
    HostReg d = ra_dst(c);
    emit_imm(&c->hot, d, 0);
    ra_finish(c, d);
    return true;
}

/* arg: UN_MUL or UN_IMUL. */
void op_mulh(Compiler *c, unsigned arg) {
    if (product_is_zero(c)) {
        return;
    }
    ra_take(c, RAX);
    ra_take(c, RDX);
    emit_load(&c->hot, RAX, ra_peek_rm(c, c->op->a));
    emit_unary(&c->hot, W, arg, ra_peek_rm(c, c->op->b));
    ra_finish(c, RDX);
}

/* The unsigned high product, less b where a is negative: a = a' - 2^64 for a negative a. */
void op_mulhsu(Compiler *c, unsigned arg) {
    if (product_is_zero(c)) {
        return;
    }
    ra_take(c, RAX);
    ra_take(c, RDX);
    HostReg t = ra_scratch(c);
    Rm a = ra_peek_rm(c, c->op->a), b = ra_peek_rm(c, c->op->b);
    emit_load(&c->hot, RAX, a);
    emit_mov(&c->hot, t, RAX);
    emit_unary(&c->hot, W, UN_MUL, b);
    emit_shift_imm(&c->hot, W, SH_SAR, t, 63);
    emit_rm(&c->hot, O_AND | W, t, b);
    emit_rr(&c->hot, O_SUB | W, RDX, t);
    ra_finish(c, RDX);
}

static void load_or_zero(Compiler *c, unsigned w, HostReg d, IrVar v) {
    if (v == IR_ZERO) {
        emit_imm(&c->hot, d, 0);
    } else {
        emit_rm(&c->hot, O_LOAD | w, d, ra_peek_rm(c, v));
    }
}

/*
 * rax and rdx = quotient and remainder. Division by 0 (quotient -1, remainder a) and by -1 (-a and 0, which
 * is right for the overflow as well) go out of line.
 */
static void divide(Compiler *c, unsigned w, bool is_signed) {
    Emit *e = &c->hot, *cold = &c->cold;
    ra_take(c, RAX);
    ra_take(c, RDX);
    HostReg divisor = ra_scratch(c);
    load_or_zero(c, w, divisor, c->op->b);
    load_or_zero(c, w, RAX, c->op->a);
    uint8_t *special;
    if (is_signed) {
        emit_rm(e, O_LEA | w, RDX, rm_mem(divisor, 1));
        emit_alu_imm(e, w, ALU_CMP, rm_reg(RDX), 1);
        special = emit_jcc(e, CC_BE);
        emit_cqo(e, w);
        emit_unary(e, w, UN_IDIV, rm_reg(divisor));
    } else {
        emit_test(e, w, divisor, divisor);
        special = emit_jcc(e, CC_E);
        emit_imm(e, RDX, 0);
        emit_unary(e, w, UN_DIV, rm_reg(divisor));
    }
    emit_label(special, cold->p);
    if (is_signed) {
        emit_test(cold, w, divisor, divisor);
        uint8_t *zero = emit_jcc_short(cold, CC_E);
        emit_unary(cold, w, UN_NEG, rm_reg(RAX));
        emit_imm(cold, RDX, 0);
        emit_jmp_to(cold, e->p);
        emit_label_short(zero, cold->p);
    }
    emit_mov(cold, RDX, RAX);
    emit_imm(cold, RAX, UINT64_MAX);
    emit_jmp_to(cold, e->p);
}

/* arg: DIV_SIGNED | DIV_REMAINDER. */
void op_div(Compiler *c, unsigned arg) {
    divide(c, W, arg & DIV_SIGNED);
    ra_finish(c, arg & DIV_REMAINDER ? RDX : RAX);
}

void op_divw(Compiler *c, unsigned arg) {
    HostReg r = arg & DIV_REMAINDER ? RDX : RAX;
    divide(c, 0, arg & DIV_SIGNED);
    emit_rr(&c->hot, O_MOVSXD | W, r, r);
    ra_finish(c, r);
}
