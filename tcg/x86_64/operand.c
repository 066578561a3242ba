/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/x86_64/operand.h"

Rm operand_rm(Compiler *c, IrVar v) {
    return v == IR_ZERO ? rm_reg(ra_read(c, IR_ZERO)) : ra_read_rm(c, v);
}

Source operand_source(Compiler *c) {
    const IrOp *op = c->op;
    if (op->b == IR_ZERO) {
        return (Source){.is_imm = true, .imm = 0};
    }
    if (op->b != IR_IMM) {
        return (Source){.rm = ra_read_rm(c, op->b)};
    }
    if (fits_i32(op->imm)) {
        return (Source){.is_imm = true, .imm = (int32_t)op->imm};
    }
    HostReg r = ra_scratch(c);
    emit_imm(&c->hot, r, (uint64_t)op->imm);
    return (Source){.rm = rm_reg(r)};
}

void operand_load(Emit *e, unsigned w, HostReg d, Rm rm) {
    if (!rm_is(rm, d)) {
        emit_rm(e, O_LOAD | w, d, rm);
    }
}
