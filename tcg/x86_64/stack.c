/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls, tails and returns that observers follow in line (core/probe_stack.h): one piece of code for all sites of a kind. At entry rsi is the site, rdx the target where it comes from a register; temporaries are at home and `left`
 * is stored. What is not as expected goes on at the thunk that calls the site's function.
 */
#include "tcg/x86_64/compiler.h"

#include "core/probe_stack.h"

#define FRAME(reg, field) rm_mem(reg, (int32_t)offsetof(ProbeFrame, field))
#define BELOW(reg, field) rm_mem(reg, (int32_t)offsetof(ProbeFrame, field) - (int32_t)sizeof(ProbeFrame))
#define ABOVE(reg, field) rm_mem(reg, (int32_t)offsetof(ProbeFrame, field) + (int32_t)sizeof(ProbeFrame))
#define PLACE(field) rm_mem(RAX, (int32_t)offsetof(ProbeStack, field))
#define SITE(field) rm_mem(RSI, (int32_t)offsetof(ProbeSite, field))
#define FUNCTION(reg, field) rm_mem(reg, (int32_t)offsetof(ProbeFunction, field))

#define SP R12 /* pinned: regs.h */
#define SLOW_MAX 8u

/* Jumps to where the site's function is called, before and after rdi was put into the hart to be used here. */
typedef struct Slow {
    uint8_t *jump[2][SLOW_MAX];
    unsigned n[2];
    bool borrowed;
} Slow;

static void slow_if(Emit *e, Slow *s, X86Cond cc) {
    g_assert(s->n[s->borrowed] < SLOW_MAX);
    s->jump[s->borrowed][s->n[s->borrowed]++] = emit_jcc(e, cc);
}

/* rdi holds a1: its home is as good until it is loaded again. */
static void borrow(Emit *e, Slow *s) {
    emit_store(e, HART_RM(x[11]), RDI);
    s->borrowed = true;
}

static void give_back(Emit *e) {
    emit_load(e, RDI, HART_RM(x[11]));
}

static void end_slow(X86Backend *b, Emit *e, const Slow *s) {
    for (unsigned i = 0; i < s->n[1]; i++)
        emit_label(s->jump[1][i], e->p);
    give_back(e);
    for (unsigned i = 0; i < s->n[0]; i++)
        emit_label(s->jump[0][i], e->p);
    emit_load(e, RAX, SITE(pc));
    emit_store(e, HART_RM(pc), RAX);
    emit_load(e, RAX, SITE(fn));
    emit_jmp_to(e, b->thunks.probe[PROBE_THUNK_DIRECT][true]);
}

static void find_place(Emit *e) {
    emit_load(e, RAX, SITE(place));
    emit_rm(e, O_LEA | W, RAX, rm_sib(REG_HART, RAX, 0, COUNTER_OFFSET(0)));
}

static void copy(Emit *e, Rm to, Rm from) {
    emit_load(e, RDI, from);
    emit_store(e, to, RDI);
}

/* `to` = the position; then, on the stack's clock, behind this instruction. */
static void read_position(Emit *e, HostReg to, HostReg scratch) {
    emit_load(e, to, HART_RM(horizon));
    emit_rr(e, O_SUB | W, to, REG_BUDGET);
    emit_load_size(e, 2, false, scratch, HART_RM(left));
    emit_rr(e, O_SUB | W, to, scratch);
}

static void read_clock(Emit *e, HostReg to) {
    emit_rm(e, O_ADD | W, to, HART_RM(steps));
    emit_rm(e, O_SUB | W, to, HART_RM(traps));
    emit_rm(e, O_SUB | W, to, PLACE(origin));
}

/* rcx: the function. Another frame of it below the new one, in rdx, is found where it was last. It becomes a call's. */
static void find_outermost(Emit *e, Slow *s) {
    emit_load(e, RDI, PLACE(part));
    emit_cmp(e, W, RDI, FUNCTION(RCX, part));
    slow_if(e, s, CC_NE);
    emit_load(e, RDI, FUNCTION(RCX, outermost));
    emit_cmp(e, W, RDI, rm_reg(RDX));
    uint8_t *none = emit_jcc_short(e, CC_AE);
    emit_cmp(e, W, RCX, FRAME(RDI, func));
    uint8_t *other = emit_jcc_short(e, CC_NE);
    emit_store_imm(e, 3, FRAME(RDX, outer), 0);
    uint8_t *done = emit_jmp_short(e);
    emit_label_short(none, e->p);
    emit_label_short(other, e->p);
    emit_store_imm(e, 3, FRAME(RDX, outer), 1);
    emit_store(e, FUNCTION(RCX, outermost), RDX);
    emit_label_short(done, e->p);
}

static void fill_frame(Emit *e, bool tail) {
    G_STATIC_ASSERT(offsetof(ProbeFrame, kind) == offsetof(ProbeFrame, outer) + 4 && PROBE_FRAME_CALL == 0);
    if (tail)
        emit_store_imm(e, 2, FRAME(RDX, kind), PROBE_FRAME_TAIL);
    emit_store(e, FRAME(RDX, func), RCX);
    emit_alu_imm(e, W, ALU_ADD, FUNCTION(RCX, calls), 1);
    emit_load(e, RCX, PLACE(id));
    emit_load(e, RDI, rm_mem(RCX, 0));
    emit_alu_imm(e, W, ALU_ADD, rm_reg(RDI), 1);
    emit_store(e, rm_mem(RCX, 0), RDI);
    emit_store(e, FRAME(RDX, id), RDI);
    copy(e, FRAME(RDX, ret), tail ? HART_RM(x[1]) : SITE(ret));
    copy(e, FRAME(RDX, call_pc), SITE(pc));
    G_STATIC_ASSERT(offsetof(ProbeFrame, task) == offsetof(ProbeFrame, hart) + 4);
    G_STATIC_ASSERT(offsetof(ProbeStack, task) == offsetof(ProbeStack, hart) + 4);
    copy(e, FRAME(RDX, hart), PLACE(hart));
    read_position(e, RDI, RCX);
    emit_store(e, FRAME(RDX, call_pos), RDI);
    read_clock(e, RDI);
    emit_store(e, FRAME(RDX, start), RDI);
    emit_store_imm(e, 3, FRAME(RDX, inner), 0);
}

/* The caller's lowest is put by; the callee's begins. */
static void begin_min_sp(Emit *e) {
    copy(e, BELOW(RDX, min_sp), PLACE(min_sp));
    emit_store(e, PLACE(min_sp), SP);
}

static void store_args(Emit *e) {
    static const HostReg pinned[] = {RBX, RDI, R8, R9, R10, R11}; /* a0 to a5, see regs.h */
    for (unsigned i = 0; i < PROBE_ARGS; i++) {
        HostReg from = i < G_N_ELEMENTS(pinned) ? pinned[i] : RCX;
        if (from == RCX)
            emit_load(e, RCX, rm_mem(REG_HART, HART_OFFSET(x[10]) + 8 * (int32_t)i));
        emit_store(e, rm_mem(RDX, (int32_t)(offsetof(ProbeFrame, args) + 8 * i)), from);
    }
}

/* rdx: the target. */
static void leave_if_inside(Emit *e) {
    emit_mov(e, RCX, RDX);
    emit_rm(e, O_SUB | W, RCX, SITE(inside));
    emit_cmp(e, W, RCX, SITE(length));
    uint8_t *outside = emit_jcc_short(e, CC_AE);
    emit_ret(e, 0);
    emit_label_short(outside, e->p);
}

/* rdx: the top frame. What jumps in turns is no tail of a tail. */
static void slow_if_turns(Emit *e, Slow *s) {
    emit_cmp(e, W, RCX, FRAME(RDX, func));
    slow_if(e, s, CC_E);
    emit_alu_imm(e, 0, ALU_CMP, FRAME(RDX, kind), PROBE_FRAME_TAIL);
    slow_if(e, s, CC_E);
}

static const uint8_t *make_push(X86Backend *b, Emit *e, unsigned how) {
    const uint8_t *start = e->p;
    bool tail = how & STACK_TAIL;
    Slow s = {0};
    if (tail && how & STACK_INDIRECT)
        leave_if_inside(e);
    if (how & STACK_INDIRECT) {
        emit_cmp(e, W, RDX, SITE(target));
        slow_if(e, &s, CC_NE);
    }
    if (how & STACK_SPACE) {
        emit_load(e, RCX, HART_RM(satp));
        emit_cmp(e, W, RCX, SITE(satp));
        slow_if(e, &s, CC_NE);
    }
    find_place(e);
    emit_load(e, RDX, PLACE(top));
    emit_cmp(e, W, RDX, PLACE(last));
    slow_if(e, &s, CC_AE);
    emit_load(e, RCX, SITE(func));
    emit_test(e, W, RCX, RCX);
    slow_if(e, &s, CC_E);
    if (tail)
        slow_if_turns(e, &s);
    emit_alu_imm(e, W, ALU_ADD, rm_reg(RDX), sizeof(ProbeFrame));
    borrow(e, &s);
    find_outermost(e, &s);
    fill_frame(e, tail);
    if (how & STACK_KEEP)
        begin_min_sp(e);
    emit_store(e, FRAME(RDX, sp), SP);
    emit_store(e, PLACE(top), RDX);
    give_back(e);
    if (how & STACK_KEEP)
        store_args(e);
    emit_ret(e, 0);
    end_slow(b, e, &s);
    return start;
}

/* rcx: the frame that ends. What is not the same stack's has not lowered the caller's. */
static void end_min_sp(Emit *e) {
    emit_load(e, RDI, PLACE(min_sp));
    emit_load(e, RDX, BELOW(RCX, sp));
    emit_rr(e, O_SUB | W, RDX, RDI);
    emit_alu_imm(e, W, ALU_CMP, rm_reg(RDX), PROBE_STACK_MAX);
    uint8_t *other = emit_jcc_short(e, CC_AE);
    emit_cmp(e, W, RDI, BELOW(RCX, min_sp));
    uint8_t *lower = emit_jcc_short(e, CC_B);
    emit_label_short(other, e->p);
    emit_load(e, RDI, BELOW(RCX, min_sp));
    emit_label_short(lower, e->p);
    emit_store(e, PLACE(min_sp), RDI);
}

/* The top frame, rcx, ends: what it took, rdx. */
static void end_frame(Emit *e, bool keep) {
    emit_rm(e, O_ADD_MR | W, RDX, BELOW(RCX, inner));
    emit_load(e, RDI, FRAME(RCX, func));
    emit_alu_imm(e, 0, ALU_CMP, FRAME(RCX, outer), 0);
    uint8_t *inner = emit_jcc_short(e, CC_E);
    emit_rm(e, O_ADD_MR | W, RDX, FUNCTION(RDI, total));
    emit_label_short(inner, e->p);
    emit_rm(e, O_SUB | W, RDX, FRAME(RCX, inner));
    emit_rm(e, O_ADD_MR | W, RDX, FUNCTION(RDI, self));
    if (keep)
        end_min_sp(e);
    emit_alu_imm(e, W, ALU_SUB, rm_reg(RCX), sizeof(ProbeFrame));
    emit_store(e, PLACE(top), RCX);
}

/* rcx: the top frame. If the one above was its tail, and it returns there too, it is next. */
static void end_caller(Emit *e, Slow *s, const uint8_t *again) {
    emit_alu_imm(e, 0, ALU_CMP, ABOVE(RCX, kind), PROBE_FRAME_TAIL);
    uint8_t *call = emit_jcc_short(e, CC_NE);
    emit_load(e, RDI, ABOVE(RCX, ret));
    emit_cmp(e, W, RDI, FRAME(RCX, ret));
    uint8_t *other = emit_jcc_short(e, CC_NE);
    emit_cmp(e, W, SP, FRAME(RCX, sp));
    uint8_t *lower = emit_jcc_short(e, CC_NE);
    emit_alu_imm(e, 0, ALU_CMP, FRAME(RCX, kind), PROBE_FRAME_ROOT);
    emit_label(emit_jcc(e, CC_B), again);
    slow_if(e, s, CC_E);
    emit_label_short(call, e->p);
    emit_label_short(other, e->p);
    emit_label_short(lower, e->p);
}

static const uint8_t *make_pop(X86Backend *b, Emit *e, bool keep) {
    const uint8_t *start = e->p;
    Slow s = {0};
    find_place(e);
    emit_load(e, RCX, PLACE(top));
    emit_test(e, W, RCX, RCX);
    slow_if(e, &s, CC_E);
    emit_cmp(e, W, RDX, FRAME(RCX, ret));
    slow_if(e, &s, CC_NE);
    emit_cmp(e, W, SP, FRAME(RCX, sp));
    slow_if(e, &s, CC_NE);
    emit_alu_imm(e, 0, ALU_CMP, FRAME(RCX, kind), PROBE_FRAME_ROOT);
    slow_if(e, &s, CC_AE);
    borrow(e, &s);
    const uint8_t *again = e->p;
    read_position(e, RDX, RDI);
    read_clock(e, RDX);
    emit_rm(e, O_SUB | W, RDX, FRAME(RCX, start));
    if (keep) { /* somebody is told */
        emit_cmp(e, W, RDX, PLACE(least));
        slow_if(e, &s, CC_AE);
    }
    end_frame(e, keep);
    end_caller(e, &s, again);
    give_back(e);
    emit_ret(e, 0);
    end_slow(b, e, &s);
    return start;
}

const uint8_t *stack_thunk(const X86Backend *b, const ProbeSite *site, bool is_call, bool indirect) {
    unsigned keep = site->keep ? STACK_KEEP : 0, tail = site->tail ? STACK_TAIL : 0;
    return !is_call
               ? b->thunks.pop[keep != 0]
               : b->thunks
                     .push[keep | tail | (indirect ? STACK_INDIRECT : 0) | (site->space ? STACK_SPACE : 0)];
}

void stack_make_thunks(X86Backend *b, Emit *e) {
    for (unsigned i = 0; i < STACK_PUSHES; i++)
        b->thunks.push[i] = make_push(b, e, i);
    for (unsigned i = 0; i < 2; i++)
        b->thunks.pop[i] = make_pop(b, e, i);
}
