/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of C helpers. First everything that could be lost goes home: the pinned registers by a thunk,
 * temporaries to their frame slots. Then the arguments are loaded from there, so their order does not matter.
 * A light call is one whose helper sees only its arguments; a full one may look at the whole hart, fault, and
 * change registers.
 */
#include "tcg/x86_64/compiler.h"

/* An argument: pinned registers that a C function keeps are still live, all others are in memory. */
static void load_argument(Compiler *c, Emit *e, HostReg to, IrVar v) {
    if (v == IR_ZERO) {
        emit_imm(e, to, 0);
    } else if (ra_is_pinned(v) && !(REGS_CALLER_SAVED >> c->reg[v] & 1)) {
        emit_mov(e, to, c->reg[v]);
    } else {
        ra_load_home(c, e, to, v);
    }
}

void call_cold(Compiler *c) {
    Emit *e = &c->cold;
    emit_call_to(e, c->b->thunks.save_caller);
    load_argument(c, e, RSI, c->op->a);
    load_argument(c, e, RDX, c->op->b);
    load_argument(c, e, RCX, c->op->c);
    emit_imm(e, RAX, (uintptr_t)c->b->env.helpers[c->op->imm].fn);
    emit_call_to(e, c->b->thunks.call[0]);
}

static void store_position(Compiler *c) {
    Emit *e = &c->hot;
    emit_store_imm(e, 2, HART_RM(left), (int32_t)compiler_left(c));
    emit_imm(e, RAX, c->pc);
    emit_store(e, HART_RM(pc), RAX);
    observe_emit_block(c, e, RAX);
}

/* cbo.zero is traced as an access: the line's address before, where it is after. */
static void trace_line_address(Compiler *c) {
    Emit *e = &c->hot;
    emit_load(e, RAX, rm_mem(RSP, FRAME_TRACE));
    emit_mov(e, RCX, RSI);
    emit_alu_imm(e, W, ALU_AND, rm_reg(RCX), -64);
    emit_store(e, trace_word(c, RAX, 0), RCX);
}

static void trace_line_done(Compiler *c) {
    Emit *e = &c->hot;
    emit_load(e, RCX, rm_mem(RSP, FRAME_TRACE));
    emit_load(e, RDX, HART_RM(mem_loc));
    emit_store(e, trace_word(c, RCX, 1), RDX);
    emit_store_imm(e, 3, trace_word(c, RCX, 2), 0);
}

void op_call(Compiler *c, unsigned arg) {
    Emit *e = &c->hot;
    const IrOp *op = c->op;
    const IrHelperInfo *helper = &c->b->env.helpers[op->imm];
    bool full = helper->flags & (HELPER_FAULTS | HELPER_POS | HELPER_REGS);
    if (fpu_emit_call(c)) {
        return;
    }
    ra_flush(c);
    emit_call_to(e, full ? c->b->thunks.save_all : c->b->thunks.save_caller);
    load_argument(c, e, RSI, op->a);
    if (op->slot) {
        trace_line_address(c);
    }
    load_argument(c, e, RDX, op->b);
    load_argument(c, e, RCX, op->c);
    if (full) {
        store_position(c);
    }
    emit_imm(e, RAX, (uintptr_t)helper->fn);
    emit_call_to(e, c->b->thunks.call[full]);
    if (op->slot) {
        trace_line_done(c);
    }
    if (op->aux == 0) {
        ra_take(c, RAX);
        ra_finish(c, RAX);
    }
}

/* rax = the function, arguments in rsi, rdx, rcx; the result comes back in rax, pinned registers are as they
 * should. */
static const uint8_t *make_thunk(X86Backend *b, Emit *e, bool full) {
    const uint8_t *start = e->p;
    emit_rm(e, O_LEA | W, RDI, rm_mem(REG_HART, -HART_BIAS));
    if (full) {
        emit_store(e, HART_RM(budget), REG_BUDGET);
    }
    emit_alu_imm(e, W, ALU_SUB, rm_reg(RSP), 8);
    emit_call_rm(e, rm_reg(RAX));
    emit_alu_imm(e, W, ALU_ADD, rm_reg(RSP), 8);
    if (!full) {
        exits_emit_load_pinned(e, REGS_PINNED & REGS_CALLER_SAVED);
        emit_ret(e, 0);
        return start;
    }
    emit_alu_imm(e, 0, ALU_CMP, HART_RM(exit), EXIT_NONE);
    uint8_t *leave = emit_jcc_short(e, CC_NE);
    emit_load(e, REG_BUDGET, HART_RM(budget));
    exits_emit_load_pinned(e, REGS_PINNED);
    emit_ret(e, 0);
    emit_label_short(leave, e->p);
    emit_alu_imm(e, W, ALU_ADD, rm_reg(RSP), 8);
    emit_jmp_to(e, b->thunks.leave[ENTER_HELPER]);
    return start;
}

static const uint8_t *make_save(Emit *e, uint32_t hosts) {
    const uint8_t *start = e->p;
    exits_emit_save_pinned(e, hosts);
    emit_ret(e, 0);
    return start;
}

void call_make_thunks(X86Backend *b, Emit *e) {
    b->thunks.save_all = make_save(e, REGS_PINNED);
    b->thunks.save_caller = make_save(e, REGS_PINNED & REGS_CALLER_SAVED);
    b->thunks.call[0] = make_thunk(b, e, false);
    b->thunks.call[1] = make_thunk(b, e, true);
}
