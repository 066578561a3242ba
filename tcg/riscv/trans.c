/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/riscv/trans.h"

bool trans_nothing(Trans *t, const InsnArgs *a) {
    return true;
}

bool trans_op_imm(Trans *t, const InsnArgs *a, IrOpcode op) {
    if (a->rd) {
        emit(t, op, IR_X(a->rd), IR_X(a->rs1), IR_IMM, a->imm);
    }
    return true;
}

bool trans_op_unary(Trans *t, const InsnArgs *a, IrOpcode op) {
    if (a->rd) {
        emit(t, op, IR_X(a->rd), IR_X(a->rs1), IR_ZERO, 0);
    }
    return true;
}

bool trans_op_reg(Trans *t, const InsnArgs *a, IrOpcode op) {
    if (a->rd) {
        emit(t, op, IR_X(a->rd), IR_X(a->rs1), IR_X(a->rs2), 0);
    }
    return true;
}

void trans_call(Trans *t, IrHelper helper, IrVar a, IrVar b, IrVar c) {
    IrOp *op = emit(t, IR_CALL, IR_ZERO, a, b, helper);
    op->c = c;
    op->aux = 1;
}

void trans_call_to(Trans *t, IrHelper helper, IrVar dst, IrVar a, IrVar b, IrVar c) {
    emit(t, IR_CALL, dst, a, b, helper)->c = c;
}

MemOp trans_mem_op(const Trans *t, MemKind kind, unsigned log2, unsigned sign) {
    unsigned ctx = (t->in->flags >> FLAG_CTX_SHIFT) & 7;
    return log2 | sign | ctx << MEM_CTX_SHIFT | (MemOp)kind << MEM_KIND_SHIFT | (t->last ? MEM_LAST : 0);
}

static void end_block(Trans *t, BlockEnd end) {
    t->ended = true;
    t->end = end;
}

void trans_end_to(Trans *t, Gva target, unsigned slot, IrJump hint) {
    if (t->tail) {
        emit(t, IR_EXIT_LOOP, IR_ZERO, IR_ZERO, IR_ZERO, (int64_t)target);
    } else {
        IrOp *op = emit(t, IR_EXIT_TO, IR_ZERO, IR_ZERO, IR_ZERO, (int64_t)target);
        op->c = slot;
        op->aux = hint;
    }
    end_block(t, BLOCK_END_JUMP);
}

void trans_end_jump(Trans *t, IrVar target, IrJump hint) {
    emit(t, IR_EXIT_JUMP, IR_ZERO, target, IR_ZERO, 0)->aux = hint;
    end_block(t, BLOCK_END_JUMP);
}

void trans_end_loop(Trans *t) {
    emit(t, IR_EXIT_LOOP, IR_ZERO, IR_ZERO, IR_ZERO, (int64_t)t->next_pc);
    end_block(t, BLOCK_END_SYSTEM);
}

void trans_end_pc(Trans *t) {
    emit(t, IR_EXIT_PC, IR_ZERO, IR_ZERO, IR_ZERO, 0);
    end_block(t, BLOCK_END_SYSTEM);
}
