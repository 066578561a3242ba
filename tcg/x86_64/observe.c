/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters and calls of observers (core/probe.h). A counter is one addition to memory. A call makes the hart exact, as the slow path of an access does; one under a condition
 * is out of line.
 */
#include "tcg/x86_64/compiler.h"

#include <string.h>

#include "core/probe_stack.h"
#include "tcg/probe.h"

void observe_emit_block(Compiler *c, Emit *e, HostReg scratch) {
    if (c->ir->probed) {
        emit_imm(e, scratch, (uintptr_t)c->block);
        emit_store(e, HART_RM(cut_block), scratch);
    }
}

void op_count(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    Rm counter = HART_COUNTER(op->mem);
    if (op->aux == PROBE_ADD) {
        emit_alu_imm(&c->hot, W, ALU_ADD, counter, (int32_t)op->imm);
    } else {
        emit_store_imm(&c->hot, 3, counter, (int32_t)op->imm);
    }
}

/* The thunk's arguments besides rdx, rcx and rax: a, b and c. */
static void emit_call(Compiler *c, Emit *e, const ProbeCall *call) {
    emit_imm(e, RSI, (uint64_t)c->op->imm);
    emit_store_imm(e, 2, HART_RM(left), (int32_t)compiler_left(c));
    emit_call_to(e, c->b->thunks.probe[PROBE_THUNK_HELPER][call->regs]);
}

static void emit_direct(Compiler *c, Emit *e, const ProbeCall *call) {
    emit_imm(e, RAX, (uintptr_t)call->direct);
    emit_imm(e, RSI, (uintptr_t)call->data);
    emit_store_imm(e, 2, HART_RM(left), (int32_t)compiler_left(c));
    emit_call_to(e, c->b->thunks.probe[PROBE_THUNK_DIRECT][call->regs]);
}

/* What is known of the access already is one word. */
static void emit_direct_mem(Compiler *c, Emit *e, const ProbeCall *call) {
    int32_t known;
    G_STATIC_ASSERT(sizeof(ProbeAccess) - offsetof(ProbeAccess, size) >= sizeof known);
    memcpy(&known, &call->access.size, sizeof known);
    emit_store_imm(e, 2, HART_RM(probe_access.size), known);
    emit_imm(e, RAX, (uintptr_t)call->direct_mem);
    emit_imm(e, RSI, (uintptr_t)call->data);
    emit_store_imm(e, 2, HART_RM(left), (int32_t)compiler_left(c));
    emit_call_to(e, c->b->thunks.probe[PROBE_THUNK_MEM][call->regs]);
}

static void emit_pc(Compiler *c, Emit *e, const ProbeCall *call) {
    if (call->regs) {
        emit_imm(e, RAX, c->pc);
        emit_store(e, HART_RM(pc), RAX);
    }
}

/* All temporaries are at home, so pinned registers and memory are all there is to load from. */
static void load_variable(Compiler *c, HostReg to, IrVar v) {
    if (v == IR_ZERO) {
        emit_imm(&c->hot, to, 0);
    } else if (ra_is_pinned(v)) {
        emit_mov(&c->hot, to, c->reg[v]);
    } else {
        ra_load_home(c, &c->hot, to, v);
    }
}

static void extend_zero(Emit *e, HostReg r, unsigned size) {
    static const unsigned ops[] = {O_MOVZX8, O_MOVZX16, O_LOAD};
    if (size < G_N_ELEMENTS(ops)) {
        emit_rr(e, ops[size], r, r);
    }
}

/* The site's function is called by the thunk, if need be. */
static void follow(Compiler *c, const ProbeCall *call) {
    ra_flush(c);
    if (c->op->a) {
        load_variable(c, RDX, c->op->a);
        if (call->value) {
            emit_alu_imm(&c->hot, W, ALU_ADD, rm_reg(RDX), call->value);
        }
        emit_alu_imm(&c->hot, W, ALU_AND, rm_reg(RDX), -2);
    }
    emit_imm(&c->hot, RSI, (uintptr_t)call->data);
    emit_store_imm(&c->hot, 2, HART_RM(left), (int32_t)compiler_left(c));
    emit_call_to(&c->hot, stack_thunk(c->b, call->data, call->follow == PROBE_DO_STACK_CALL, c->op->a != 0));
}

void op_lower(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    HostReg a = ra_read(c, op->a), value = ra_scratch(c);
    Rm counter = HART_COUNTER(op->mem);
    emit_rm(&c->hot, O_LEA | W, value, rm_mem(a, (int32_t)op->imm));
    emit_cmp(&c->hot, W, value, counter);
    uint8_t *over = emit_jcc_short(&c->hot, CC_AE);
    emit_store(&c->hot, counter, value);
    emit_label_short(over, c->hot.p);
}

static void call_in_line(Compiler *c, const ProbeCall *call) {
    ra_flush(c);
    emit_pc(c, &c->hot, call);
    if (call->direct) {
        emit_direct(c, &c->hot, call);
        return;
    }
    load_variable(c, RDX, c->op->a);
    load_variable(c, RCX, c->op->b);
    if (call->direct_mem) {
        extend_zero(&c->hot, RCX, call->access.size);
        emit_direct_mem(c, &c->hot, call);
        return;
    }
    load_variable(c, RAX, c->op->c);
    emit_call(c, &c->hot, call);
}

static const uint8_t host_conds[] = {[PROBE_EQ] = CC_E,  [PROBE_NE] = CC_NE, [PROBE_LT] = CC_B,
                                     [PROBE_LE] = CC_BE, [PROBE_GT] = CC_A,  [PROBE_GE] = CC_AE};

static void call_out_of_line(Compiler *c, const ProbeCall *call) {
    Emit *cold = &c->cold;
    emit_alu_imm(&c->hot, W, ALU_CMP, HART_COUNTER(call->counter), call->value);
    emit_label(emit_jcc(&c->hot, host_conds[call->cond]), cold->p);
    uint32_t live = ra_live(c, false);
    ra_cold_save(c, cold, live);
    emit_pc(c, cold, call);
    emit_direct(c, cold, call);
    ra_cold_restore(c, cold, live);
    emit_jmp_to(cold, c->hot.p);
}

void op_probe(Compiler *c, unsigned arg) {
    const ProbeCall *call = (const ProbeCall *)(intptr_t)c->op->imm;
    if (call->follow) {
        follow(c, call);
    } else if (call->conditional) {
        call_out_of_line(c, call);
    } else {
        call_in_line(c, call);
    }
}

/*
 * At entry [rsp] is the return address; rsp is 8 off alignment. Local registers are lost. rdx is a, rcx b. Direct: rax is
 * the function, rsi its data.
 */
static const uint8_t *make_thunk(Emit *e, ProbeThunk kind, bool regs) {
    const uint8_t *start = e->p;
    exits_emit_save_pinned(e, regs ? REGS_PINNED : REGS_PINNED & REGS_CALLER_SAVED);
    emit_store(e, HART_RM(budget), REG_BUDGET);
    emit_alu_imm(e, W, ALU_SUB, rm_reg(RSP), 8);
    if (kind == PROBE_THUNK_HELPER) {
        emit_mov(e, R8, RAX);
        emit_rm(e, O_LEA | W, RDI, rm_mem(REG_HART, -HART_BIAS));
        emit_call_rm(e, rm_mem(RSI, offsetof(ProbeCall, fn)));
    } else {
        emit_mov(e, RDI, RSI);
        emit_rm(e, O_LEA | W, RSI, rm_mem(REG_HART, -HART_BIAS));
        if (kind == PROBE_THUNK_MEM) {
            emit_store(e, HART_RM(probe_access.va), RDX);
            emit_store(e, HART_RM(probe_access.value), RCX);
            emit_rm(e, O_LEA | W, RDX, HART_RM(probe_access));
        }
        emit_call_rm(e, rm_reg(RAX));
    }
    emit_alu_imm(e, W, ALU_ADD, rm_reg(RSP), 8);
    exits_emit_load_pinned(e, REGS_PINNED & REGS_CALLER_SAVED);
    emit_ret(e, 0);
    return start;
}

void observe_make_thunks(X86Backend *b, Emit *e) {
    for (unsigned kind = 0; kind < PROBE_THUNKS; kind++) {
        for (unsigned regs = 0; regs < 2; regs++) {
            b->thunks.probe[kind][regs] = make_thunk(e, (ProbeThunk)kind, regs);
        }
    }
}
