/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways into, out of and between blocks.
 *
 * Exit slot: a jump whose displacement is patched. Not linked, it goes to the slot's stub, which leaves with
 * ENTER_LINK. Linked to a block of the same virtual page it goes there; to another page, a guard stands
 * before it:
 *
 *     cmp dword [itlb slot of the target's page], page id ; jne stub ; jmp target
 *
 * since that page may be mapped elsewhere by now. The guard's immediate is patched along with the jump.
 *
 * Leaving: rcx = pc, rax = EnterResult.from for ENTER_LINK*, ENTER_BUDGET and ENTER_TRACE; the thunks write everything
 * back and return an EnterResult in rax:rdx. leave[ENTER_HELPER] expects the hart to be complete already.
 */
#include "tcg/x86_64/compiler.h"

#include <string.h>

/* From the end of the guard's immediate, and from the jne's displacement, to the guarded jump's displacement.
 */
enum {
    GUARD_IMM_BACK = 4 + 6 + 1,
};

void exits_emit_save_pinned(Emit *e, uint32_t hosts) {
#define X(guest, host)                                                                                       \
    if (hosts >> (host)&1)                                                                                   \
        emit_store(e, rm_mem(REG_HART, HART_OFFSET(x) + 8 * (guest)), host);
    X86_PINNED(X)
#undef X
}

void exits_emit_load_pinned(Emit *e, uint32_t hosts) {
#define X(guest, host)                                                                                       \
    if (hosts >> (host)&1)                                                                                   \
        emit_load(e, host, rm_mem(REG_HART, HART_OFFSET(x) + 8 * (guest)));
    X86_PINNED(X)
#undef X
}

/* -- thunks -------------------------------------------------------------------------------------------------
 */

static const HostReg callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

/* EnterResult enter(Hart *rdi, const uint8_t *rsi) */
static const uint8_t *make_enter(Emit *e) {
    const uint8_t *start = e->p;
    for (unsigned i = 0; i < G_N_ELEMENTS(callee_saved); i++) {
        emit_push(e, callee_saved[i]);
    }
    G_STATIC_ASSERT(FRAME_SIZE % 16 == 8);
    emit_alu_imm(e, W, ALU_SUB, rm_reg(RSP), FRAME_SIZE);
    emit_rm(e, O_LEA | W, REG_HART, rm_mem(RDI, HART_BIAS));
    emit_mov(e, RAX, RSI);
    emit_load(e, REG_BUDGET, HART_RM(budget));
    exits_emit_load_pinned(e, REGS_PINNED);
    emit_jmp_rm(e, rm_reg(RAX));
    return start;
}

static void emit_return(Emit *e) {
    emit_alu_imm(e, W, ALU_ADD, rm_reg(RSP), FRAME_SIZE);
    for (unsigned i = G_N_ELEMENTS(callee_saved); i-- > 0;) {
        emit_pop(e, callee_saved[i]);
    }
    emit_ret(e, 0);
}

static const uint8_t *make_leave(Emit *e, EnterReason reason, bool store_pc, const uint8_t *common) {
    const uint8_t *start = e->p;
    if (store_pc) {
        emit_store(e, HART_RM(pc), RCX);
    }
    if (reason > ENTER_LINK1 && reason != ENTER_BUDGET && reason != ENTER_TRACE) {
        emit_imm(e, RAX, 0);
    }
    emit_imm(e, RDX, reason);
    emit_jmp_to(e, common);
    return start;
}

/* Jump to where the jump cache (tcg/backend.h) says. The flags looked for are `known`, or the hart's if NULL. */
static void emit_jump_probe(Emit *e, HostReg pc, HostReg entry, HostReg scratch, const uint32_t *known,
                            uint8_t *miss[3]) {
    G_STATIC_ASSERT(sizeof(JumpEntry) == 32);
    int32_t away = known ? (int32_t)(JUMP_CACHE_AWAY(*known) * sizeof(JumpEntry)) : 0;
    emit_mov32(e, entry, pc);
    emit_shift_imm(e, 0, SH_SHL, entry, 4);
    emit_alu_imm(e, 0, ALU_AND, rm_reg(entry), (JUMP_CACHE_PCS - 1) * sizeof(JumpEntry));
    emit_rm(e, O_ADD | W, entry, HART_RM(jump_cache));
    if (!known) {
        emit_rm(e, O_LOAD, scratch, HART_RM(flags));
        emit_alu_imm(e, 0, ALU_AND, rm_reg(scratch), JUMP_CACHE_FLAGS_MASK << JUMP_CACHE_FLAGS_SHIFT);
        emit_shift_imm(e, 0, SH_SHL, scratch, JUMP_CACHE_STRIDE_SHIFT + 5 - JUMP_CACHE_FLAGS_SHIFT);
        emit_rr(e, O_ADD | W, entry, scratch);
    }
    emit_cmp(e, W, pc, rm_mem(entry, away + (int32_t)offsetof(JumpEntry, pc)));
    miss[0] = emit_jcc(e, CC_NE);
    if (known) {
        emit_alu_imm(e, 0, ALU_CMP, rm_mem(entry, away + (int32_t)offsetof(JumpEntry, flags)),
                     (int32_t)*known);
    } else {
        emit_rm(e, O_LOAD, scratch, HART_RM(flags));
        emit_cmp(e, 0, scratch, rm_mem(entry, offsetof(JumpEntry, flags)));
    }
    miss[1] = emit_jcc(e, CC_NE);
    emit_mov32(e, scratch, pc);
    emit_shift_imm(e, 0, SH_SHR, scratch, PAGE_BITS);
    emit_alu_imm(e, 0, ALU_AND, rm_reg(scratch), ITLB_ENTRIES - 1);
    emit_rm(e, O_LOAD, scratch, rm_sib(REG_HART, scratch, 2, HART_OFFSET(itlb)));
    emit_cmp(e, 0, scratch, rm_mem(entry, away + (int32_t)offsetof(JumpEntry, page_id)));
    miss[2] = emit_jcc(e, CC_NE);
    emit_jmp_rm(e, rm_mem(entry, away + (int32_t)offsetof(JumpEntry, code)));
}

/*
 * After an instruction that may have changed anything, rcx = pc: when nothing needs the run loop, straight to the
 * block for what the hart's flags are now.
 */
static void make_go_on(X86Backend *b, Emit *e) {
    const uint8_t *leave = b->thunks.leave[ENTER_LOOP];
    uint8_t *miss[3];
    b->thunks.go_on_pc_set = e->p;
    emit_load(e, RCX, HART_RM(pc));
    b->thunks.go_on = e->p;
    emit_alu_imm(e, 0, ALU_CMP, HART_RM(attention), 0);
    emit_jcc_to(e, CC_NE, leave);
    emit_jump_probe(e, RCX, RAX, RDX, NULL, miss);
    for (unsigned i = 0; i < G_N_ELEMENTS(miss); i++) {
        emit_label(miss[i], leave);
    }
}

void exits_make_thunks(X86Backend *b, Emit *e) {
    b->thunks.enter = make_enter(e);
    const uint8_t *common = e->p;
    exits_emit_save_pinned(e, REGS_PINNED);
    emit_store(e, HART_RM(budget), REG_BUDGET);
    emit_store_imm(e, 2, HART_RM(left), 0);
    const uint8_t *complete = e->p;
    emit_return(e);
    for (EnterReason r = 0; r < G_N_ELEMENTS(b->thunks.leave); r++) {
        bool helper = r == ENTER_HELPER;
        b->thunks.leave[r] = make_leave(e, r, !helper, helper ? complete : common);
    }
    make_go_on(b, e);
}

/* -- the block's head ---------------------------------------------------------------------------------------
 */

void exits_emit_entry(Compiler *c) {
    emit_alu_imm(&c->hot, W, ALU_SUB, rm_reg(REG_BUDGET), c->ir->n_insns);
    emit_label(emit_jcc(&c->hot, CC_L), c->cold.p);
    exits_emit_leave(c, ENTER_BUDGET, c->ir->pc, 0);
}

/* Steps of the block that a leave before instruction `insn` does not take. */
static void emit_refund(Emit *e, unsigned n) {
    if (n) {
        emit_alu_imm(e, W, ALU_ADD, rm_reg(REG_BUDGET), (int32_t)n);
    }
}

void exits_emit_leave(Compiler *c, EnterReason reason, Gva pc, unsigned insn) {
    emit_refund(&c->cold, c->ir->n_insns - insn);
    emit_imm(&c->cold, RCX, pc);
    emit_imm(&c->cold, RAX, step_is_counted(c) ? (uintptr_t)c->block : 0);
    emit_jmp_to(&c->cold, c->b->thunks.leave[reason]);
}

/* -- exit slots ---------------------------------------------------------------------------------------------
 */

static bool other_page(Gva a, Gva b) {
    return ((a ^ b) & PAGE_MASK) != 0;
}

static void make_stub(Compiler *c, unsigned slot, Gva target) {
    Emit *e = &c->cold;
    c->block->stub[slot] = e->p;
    emit_imm(e, RCX, target);
    emit_imm(e, RAX, (uintptr_t)c->block);
    emit_jmp_to(e, c->b->thunks.leave[ENTER_LINK0 + slot]);
}

/* A guard whose failure goes to the slot's stub, which is made already. */
static void emit_guard(Compiler *c, Emit *e, unsigned slot, Gva target) {
    int32_t entry = HART_OFFSET(itlb) + 4 * (int32_t)(target >> PAGE_BITS & (ITLB_ENTRIES - 1));
    emit_rm(e, 0x81, ALU_CMP, rm_mem(REG_HART, entry));
    emit_u32(e, 0);
    emit_jcc_to(e, CC_NE, c->block->stub[slot]);
}

/* Guard if need be, the way's count, then the jump that will be patched. */
static void emit_slot(Compiler *c, Emit *e, unsigned slot, Gva target) {
    if (other_page(c->ir->pc, target)) {
        emit_guard(c, e, slot, target);
    }
    if (step_counts_exits(c)) {
        step_emit_count(c, e, slot);
    }
    c->block->patch[slot] = emit_jmp(e);
    emit_label(c->block->patch[slot], c->block->stub[slot]);
}

/* Instructions of the block behind the current one. */
static unsigned rest(const Compiler *c) {
    return compiler_left(c) - 1;
}

/* A traced block that ends early says how many of its instructions did not run. */
static void emit_trace_cut(Compiler *c, Emit *e) {
    if (!c->ir->trace_words) {
        return;
    }
    emit_load(e, RAX, HART_RM(trace_ptr));
    emit_imm(e, RCX, TRACE_CUT | rest(c));
    emit_store(e, rm_mem(RAX, 0), RCX);
    emit_alu_imm(e, W, ALU_ADD, HART_RM(trace_ptr), 8);
}

/* A loop goes on more often than not: the jump with its count is in line. */
static void exit_back(Compiler *c, X86Cond cc, unsigned slot, Gva target) {
    uint8_t *over = emit_jcc_short(&c->hot, cc ^ 1);
    make_stub(c, slot, target);
    emit_slot(c, &c->hot, slot, target);
    emit_label_short(over, c->hot.p);
}

void op_exit_if(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    unsigned slot = op->c;
    Gva target = (Gva)op->imm;
    X86Cond cc = cond_emit_compare(c, op->aux, op->a, op->b, 0);
    if (step_counts_exits(c) && target <= c->pc) {
        exit_back(c, cc, slot, target);
        return;
    }
    uint8_t *jump = emit_jcc(&c->hot, cc);
    make_stub(c, slot, target);
    if (rest(c) == 0 && !step_counts_exits(c) && !other_page(c->ir->pc, target)) {
        c->block->patch[slot] = jump;
        emit_label(jump, c->block->stub[slot]);
        return;
    }
    emit_label(jump, c->cold.p);
    if (rest(c)) {
        emit_refund(&c->cold, rest(c));
        emit_trace_cut(c, &c->cold);
    }
    emit_slot(c, &c->cold, slot, target);
}

void op_exit_to(Compiler *c, unsigned arg) {
    make_stub(c, c->op->c, (Gva)c->op->imm);
    emit_refund(&c->hot, rest(c));
    emit_slot(c, &c->hot, c->op->c, (Gva)c->op->imm);
}

/* A miss leaves with the target as pc. */
void op_exit_jump(Compiler *c, unsigned arg) {
    Emit *e = &c->hot;
    uint8_t *miss[3];
    HostReg pc = ra_read(c, c->op->a), entry = ra_scratch(c), page = ra_scratch(c);
    emit_refund(e, rest(c));
    emit_jump_probe(e, pc, entry, page, &c->ir->exit_flags, miss);
    for (unsigned i = 0; i < G_N_ELEMENTS(miss); i++) {
        emit_label(miss[i], c->cold.p);
    }
    emit_mov(&c->cold, RCX, pc);
    emit_jmp_to(&c->cold, c->b->thunks.leave[ENTER_LOOKUP]);
}

void op_exit_loop(Compiler *c, unsigned arg) {
    emit_refund(&c->hot, rest(c));
    emit_imm(&c->hot, RCX, (Gva)c->op->imm);
    emit_jmp_to(&c->hot, c->b->thunks.go_on);
}

void op_exit_pc(Compiler *c, unsigned arg) {
    emit_refund(&c->hot, rest(c));
    emit_jmp_to(&c->hot, c->b->thunks.go_on_pc_set);
}

/* -- linking ------------------------------------------------------------------------------------------------
 */

void exits_link(X86Backend *b, Block *from, unsigned slot, Block *to) {
    uint8_t *jump = from->patch[slot];
    g_assert(jump);
    if (other_page(from->pc, to->pc)) {
        memcpy(jump - GUARD_IMM_BACK - (from->counted[slot] ? STEP_COUNT_BYTES : 0), &to->page_id, 4);
    }
    emit_label(jump, step_link(from, slot, to) + b->code.write_delta);
}

void exits_unlink(X86Backend *b, Block *from, unsigned slot) {
    emit_label(from->patch[slot], from->stub[slot]);
    step_unlink(from, slot);
}
