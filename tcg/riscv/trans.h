/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the trans_<insn> functions share. Each appends the IR of one instruction and returns true, or returns
 * false without having appended anything: the encoding is then illegal in this state.
 */
#ifndef TCG_RISCV_TRANS_H
#define TCG_RISCV_TRANS_H

#include "tcg/riscv/decode.h"
#include "tcg/riscv/translate.h"

struct Trans {
    IrBlock *ir;
    const TranslateInput *in;
    Gva pc, next_pc; /* of the instruction at hand */
    uint32_t max_insns;
    uint32_t insn; /* its bytes: 16 or 32 bits */
    bool tail;     /* as the input's, or the one instruction is `alone` */
    bool last;     /* it is the last of a tail block: its access may reach devices (MEM_LAST) */
    bool fs_dirty; /* mstatus.FS is dirty from here on */
    bool ended;    /* the block has its last op */
    BlockEnd end;
};

static inline IrOp *emit(Trans *t, IrOpcode op, IrVar dst, IrVar a, IrVar b, int64_t imm) {
    return ir_emit(t->ir, op, dst, a, b, imm);
}

/* The variable to write for rd: a result for x0 goes nowhere. */
static inline IrVar trans_rd(Trans *t, const InsnArgs *a) {
    return a->rd ? IR_X(a->rd) : ir_temp(t->ir);
}

/*
 * Make constants and temporaries one statement at a time: in which order a call's arguments are evaluated is
 * the compiler's choice, and the IR must not depend on it.
 */
static inline IrVar trans_const(Trans *t, int64_t value) {
    if (value == 0) {
        return IR_ZERO;
    }
    IrVar v = ir_temp(t->ir);
    emit(t, IR_MOVI, v, IR_ZERO, IR_ZERO, value);
    return v;
}

/* dst = a op imm into a new temporary. */
static inline IrVar trans_temp_imm(Trans *t, IrOpcode op, IrVar a, int64_t imm) {
    IrVar v = ir_temp(t->ir);
    emit(t, op, v, a, IR_IMM, imm);
    return v;
}

static inline IrVar trans_temp(Trans *t, IrOpcode op, IrVar a, IrVar b) {
    IrVar v = ir_temp(t->ir);
    emit(t, op, v, a, b, 0);
    return v;
}

static inline IrVar trans_addr(const InsnArgs *a) {
    return IR_X(a->rs1);
}

/* An instruction that is one call: CALL(t, a, ARGUMENTS…), which may use `t` and `a`. */
#define TRANS(name, call, ...)                                                                               \
    bool trans_##name(Trans *t, const InsnArgs *a) {                                                         \
        return call(t, a, ##__VA_ARGS__);                                                                    \
    }

/* The instructions whose whole meaning is one operation; for rd = x0 nothing. */
bool trans_nothing(Trans *t, const InsnArgs *a);
bool trans_op_imm(Trans *t, const InsnArgs *a, IrOpcode op);   /* rd = rs1 op imm */
bool trans_op_unary(Trans *t, const InsnArgs *a, IrOpcode op); /* rd = op rs1 */
bool trans_op_reg(Trans *t, const InsnArgs *a, IrOpcode op);   /* rd = rs1 op rs2 */

/* A call without a result, and one with (dst: any variable but x0). */
void trans_call(Trans *t, IrHelper helper, IrVar a, IrVar b, IrVar c);
void trans_call_to(Trans *t, IrHelper helper, IrVar dst, IrVar a, IrVar b, IrVar c);

/* The MemOp of an access of 1 << log2 bytes; `sign` is 0 or MEM_SIGN. */
MemOp trans_mem_op(const Trans *t, MemKind kind, unsigned log2, unsigned sign);

/* End the block: at a constant pc, at the address in a variable, or in the run loop with the next
 * instruction. */
void trans_end_to(Trans *t, Gva target, unsigned slot, IrJump hint);
void trans_end_jump(Trans *t, IrVar target, IrJump hint);
void trans_end_loop(Trans *t);
void trans_end_pc(Trans *t);

#endif
