/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves, addition, logic, extensions, fields of the hart. */
#include "tcg/x86_64/compiler.h"
#include "tcg/x86_64/operand.h"

void op_nothing(Compiler *c, unsigned arg) {}

void op_movi(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    if (op->dst >= IR_TEMP) {
        ra_finish_constant(c, op->imm);
        return;
    }
    if (c->reg[op->dst] == REG_NONE && op->dst < IR_TEMP && c->use->dst == USE_NONE && fits_i32(op->imm)) {
        if (c->use->store) {
            emit_store_imm(&c->hot, 3, ra_home(c, op->dst), (int32_t)op->imm);
        }
        ra_finish_stored(c);
        return;
    }
    HostReg d = ra_dst(c);
    emit_imm(&c->hot, d, (uint64_t)op->imm);
    ra_finish(c, d);
}

void op_mov(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    if (op->dst == op->a && ra_is_pinned(op->dst)) {
        return; /* others may still owe the hart the earlier value */
    }
    Rm a = operand_rm(c, op->a);
    if (a.reg >= 0 && op->dst < IR_TEMP && !ra_is_pinned(op->dst) && c->use->dst == USE_NONE) {
        if (c->use->store) {
            emit_store(&c->hot, ra_home(c, op->dst), a.reg);
        }
        ra_finish_stored(c);
        return;
    }
    HostReg d = ra_dst(c);
    operand_load(&c->hot, W, d, a);
    ra_finish(c, d);
}

/* d = a + b where lea saves a move; false if it does not. */
static bool add_by_lea(Emit *e, unsigned w, HostReg d, Rm a, const Source *b) {
    if (a.reg < 0 || rm_is(a, d)) {
        return false;
    }
    if (b->is_imm) {
        emit_rm(e, O_LEA | w, d, rm_mem(a.reg, b->imm));
        return true;
    }
    if (b->rm.reg < 0 || rm_is(b->rm, d)) {
        return false;
    }
    emit_rm(e, O_LEA | w, d, rm_sib(a.reg, b->rm.reg, 0, 0));
    return true;
}

/* d = a <alu> b; d may be either source. */
static void emit_binary(Emit *e, unsigned w, unsigned alu, HostReg d, Rm a, const Source *b) {
    if (!b->is_imm && rm_is(b->rm, d) && !rm_is(a, d)) {
        if (alu == ALU_SUB) {
            emit_unary(e, w, UN_NEG, rm_reg(d));
            alu = ALU_ADD;
        }
        emit_rm(e, (alu << 3 | 3) | w, d, a);
        return;
    }
    operand_load(e, w, d, a);
    if (b->is_imm) {
        emit_alu_imm(e, w, alu, rm_reg(d), b->imm);
    } else {
        emit_rm(e, (alu << 3 | 3) | w, d, b->rm);
    }
}

static void binary(Compiler *c, unsigned w, unsigned alu) {
    Source b = operand_source(c);
    Rm a = operand_rm(c, c->op->a);
    HostReg d = ra_dst(c);
    if (alu != ALU_ADD || !add_by_lea(&c->hot, w, d, a, &b)) {
        emit_binary(&c->hot, w, alu, d, a, &b);
    }
    if (!w) {
        emit_rr(&c->hot, O_MOVSXD | W, d, d);
    }
    ra_finish(c, d);
}

void op_add(Compiler *c, unsigned arg) {
    binary(c, W, ALU_ADD);
}
void op_sub(Compiler *c, unsigned arg) {
    binary(c, W, ALU_SUB);
}
void op_addw(Compiler *c, unsigned arg) {
    binary(c, 0, ALU_ADD);
}
void op_subw(Compiler *c, unsigned arg) {
    binary(c, 0, ALU_SUB);
}

/* arg: ALU_AND, ALU_OR, ALU_XOR. */
void op_logic(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    bool mask = arg == ALU_AND && op->b == IR_IMM;
    unsigned extend = !mask                   ? 0
                      : op->imm == 0xff       ? O_MOVZX8
                      : op->imm == 0xffff     ? O_MOVZX16
                      : op->imm == UINT32_MAX ? O_LOAD
                                              : 0;
    if (extend) {
        op_extend(c, extend);
    } else if (mask && op->imm >= 0 && op->imm <= INT32_MAX) {
        /* The upper half becomes zero, so 32-bit operations do. */
        Rm a = operand_rm(c, op->a);
        HostReg d = ra_dst(c);
        operand_load(&c->hot, 0, d, a);
        emit_alu_imm(&c->hot, 0, ALU_AND, rm_reg(d), (int32_t)op->imm);
        ra_finish(c, d);
    } else if (arg == ALU_XOR && op->b == IR_IMM && op->imm == -1) {
        Rm a = operand_rm(c, op->a);
        HostReg d = ra_dst(c);
        operand_load(&c->hot, W, d, a);
        emit_unary(&c->hot, W, UN_NOT, rm_reg(d));
        ra_finish(c, d);
    } else {
        binary(c, W, arg);
    }
}

void op_andn(Compiler *c, unsigned arg) {
    if (c->b->features.bmi1) {
        HostReg b = ra_read(c, c->op->b);
        Rm a = operand_rm(c, c->op->a);
        HostReg d = ra_dst(c);
        emit_vex(&c->hot, V_ANDN | W, d, b, a);
        ra_finish(c, d);
    } else {
        op_not_b(c, ALU_AND);
    }
}

/* a <arg> ~b. */
void op_not_b(Compiler *c, unsigned arg) {
    Rm b = operand_rm(c, c->op->b), a = operand_rm(c, c->op->a);
    HostReg d = ra_dst_apart(c);
    emit_load(&c->hot, d, b);
    emit_unary(&c->hot, W, UN_NOT, rm_reg(d));
    emit_rm(&c->hot, (arg << 3 | 3) | W, d, a);
    ra_finish(c, d);
}

void op_shadd(Compiler *c, unsigned arg) {
    HostReg a = ra_read(c, c->op->a), b = ra_read(c, c->op->b);
    HostReg d = ra_dst(c);
    emit_rm(&c->hot, O_LEA | W, d, rm_sib(b, a, c->op->aux, 0));
    ra_finish(c, d);
}

void op_shadduw(Compiler *c, unsigned arg) {
    Rm a = operand_rm(c, c->op->a);
    HostReg b = ra_read(c, c->op->b);
    HostReg d = ra_dst_apart(c);
    emit_rm(&c->hot, O_LOAD, d, a);
    emit_rm(&c->hot, O_LEA | W, d, rm_sib(b, d, c->op->aux, 0));
    ra_finish(c, d);
}

/* arg: the extending move. */
void op_extend(Compiler *c, unsigned arg) {
    Rm a = operand_rm(c, c->op->a);
    HostReg d = ra_dst(c);
    emit_rm(&c->hot, arg, d, a);
    ra_finish(c, d);
}

void op_bswap(Compiler *c, unsigned arg) {
    Rm a = operand_rm(c, c->op->a);
    HostReg d = ra_dst(c);
    operand_load(&c->hot, W, d, a);
    emit_bswap(&c->hot, d);
    ra_finish(c, d);
}

static Rm hart_field(const IrOp *op) {
    return rm_mem(REG_HART, (int32_t)op->imm - HART_BIAS);
}

void op_ldh(Compiler *c, unsigned arg) {
    HostReg d = ra_dst(c);
    emit_load_size(&c->hot, c->op->aux, false, d, hart_field(c->op));
    ra_finish(c, d);
}

void op_sth(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    int64_t value = 0;
    bool known = op->a == IR_ZERO || ra_constant(c, op->a, &value);
    if (op->imm == offsetof(Hart, fp_call)) {
        c->fp_code = known && op->aux == 2 ? (int64_t)(uint32_t)value : -1;
    }
    if (known && fits_i32(value)) {
        emit_store_imm(&c->hot, op->aux, hart_field(op), (int32_t)value);
    } else {
        emit_store_size(&c->hot, op->aux, hart_field(op), ra_read(c, op->a));
    }
}
