/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps (core/probe_step.h) in generated code. A block with steps has two entries: `entry`, out of line, which looks the way
 * up and counts it, and `code`, for exits that count it themselves. The counter of an exit is an addition whose address is
 * patched along with the jump behind it; while there is nothing to count it is that of nobody.
 */
#include "tcg/x86_64/compiler.h"

#include <string.h>

#include "tcg/steps.h"

#define PLACE_RM(step, field)                                                                                \
    rm_mem(REG_HART, COUNTER_OFFSET((step)->place) + (int32_t)offsetof(ProbePlace, field))

static const BlockSteps *steps_of(const Compiler *c) {
    const BlockSteps *s = c->block->steps;
    return s && !s->again && s->n ? s : NULL;
}

bool step_is_counted(const Compiler *c) {
    return steps_of(c);
}

/* The way at rdx is taken. */
static void emit_take(Emit *e, const ProbeStep *step) {
    emit_rm(e, O_LOAD, RAX, rm_mem(RDX, offsetof(ProbeWay, count)));
    emit_alu_imm(e, W, ALU_ADD, rm_sib(REG_HART, RAX, 0, COUNTER_OFFSET(0)), 1);
    if (step->follows) {
        emit_store(e, PLACE_RM(step, way), RDX);
    }
}

/* Local registers are free, and the budget is not charged. Most often it is the first way. */
static void emit_way(Compiler *c, Emit *e, const ProbeStep *step) {
    G_STATIC_ASSERT(offsetof(ProbeStep, first) == 0 && sizeof(ProbeWay) == 16);
    emit_imm(e, RDX, (uintptr_t)step);
    emit_rm(e, O_LOAD, RAX, PLACE_RM(step, state));
    emit_cmp(e, 0, RAX, rm_mem(RDX, offsetof(ProbeWay, from)));
    uint8_t *first = emit_jcc_short(e, CC_E);
    emit_mov(e, RCX, RDX);
    emit_mov32(e, RSI, RAX);
    emit_alu_imm(e, 0, ALU_AND, rm_reg(RSI), PROBE_WAYS - 1);
    emit_shift_imm(e, 0, SH_SHL, RSI, 4);
    emit_load(e, RDX, rm_mem(RDX, offsetof(ProbeStep, more)));
    emit_rr(e, O_ADD | W, RDX, RSI);
    emit_cmp(e, 0, RAX, rm_mem(RDX, offsetof(ProbeWay, from)));
    uint8_t *other = emit_jcc_short(e, CC_E);
    emit_store_imm(e, 2, HART_RM(left), 0);
    emit_imm(e, RAX, (uintptr_t)step->ops->enter);
    emit_mov(e, RSI, RCX);
    emit_call_to(e, c->b->thunks.probe[PROBE_THUNK_DIRECT][false]);
    uint8_t *done = emit_jmp_short(e);
    emit_label_short(first, e->p);
    emit_label_short(other, e->p);
    emit_take(e, step);
    emit_label_short(done, e->p);
}

/* In the cold stream; the hot one stands at the block's beginning. */
void step_emit_entry(Compiler *c) {
    const BlockSteps *s = steps_of(c);
    Emit *e = &c->cold;
    c->block->entry = (s ? e->p : c->hot.p) - c->b->code.write_delta;
    if (!s) {
        return;
    }
    emit_alu_imm(e, W, ALU_CMP, rm_reg(REG_BUDGET), c->ir->n_insns);
    uint8_t *over = emit_jcc(e, CC_L);
    for (uint32_t i = 0; i < s->n; i++) {
        emit_way(c, e, s->step[i]);
    }
    if (s->step[0]->follows) {
        emit_alu_imm(e, 0, ALU_AND, HART_RM(flags), ~(int32_t)FLAG_GOES_ON);
    }
    emit_jmp_to(e, c->hot.p);
    emit_label(over, e->p);
    emit_imm(e, RCX, c->ir->pc);
    emit_imm(e, RAX, 0);
    emit_jmp_to(e, c->b->thunks.leave[ENTER_BUDGET]);
}

static void emit_pos_behind(Emit *e, HostReg r) {
    emit_load(e, r, HART_RM(horizon));
    emit_rr(e, O_SUB | W, r, REG_BUDGET);
}

static void leave_first(Compiler *c, const ProbeStep *step) {
    Emit *e = &c->hot;
    HostReg pos = ra_scratch(c);
    emit_pos_behind(e, pos);
    if (step->goes_on) {
        emit_alu_imm(e, W, ALU_SUB, rm_reg(pos), c->ir->n_insns);
        emit_store(e, PLACE_RM(step, start), pos);
    } else {
        emit_store(e, HART_COUNTER(step->last), pos);
    }
    emit_store_imm(e, 2, PLACE_RM(step, state), (int32_t)step->state);
}

static void leave_following(Compiler *c, const ProbeStep *step) {
    Emit *e = &c->hot;
    HostReg way = ra_scratch(c), value = ra_scratch(c);
    emit_load(e, way, PLACE_RM(step, way));
    emit_rm(e, O_LOAD, value, rm_mem(way, offsetof(ProbeWay, to)));
    emit_rm(e, O_STORE, value, PLACE_RM(step, state));
    if (!step->goes_on) {
        emit_rm(e, O_LOAD, way, rm_mem(way, offsetof(ProbeWay, last)));
        emit_load(e, value, PLACE_RM(step, start));
        emit_store(e, rm_sib(REG_HART, way, 0, COUNTER_OFFSET(0)), value);
    }
}

void op_step(Compiler *c, unsigned arg) {
    const BlockSteps *s = c->block->steps;
    for (uint32_t i = 0; i < s->n && !s->again; i++) {
        if (s->step[i]->follows) {
            leave_following(c, s->step[i]);
        } else {
            leave_first(c, s->step[i]);
        }
    }
    if (s->goes_on) {
        emit_alu_imm(&c->hot, 0, ALU_OR, HART_RM(flags), FLAG_GOES_ON);
    }
}

/* -- exits ------------------------------------------------------------------------------------------------ */
bool step_counts_exits(const Compiler *c) {
    const BlockSteps *s = steps_of(c);
    return s && steps_know_way(s, s);
}

/* Ends with the address and the one byte that is added. */
enum { COUNT_BACK = 4 + 1 };

static void patch_count(uint8_t *counted, uint32_t counter) {
    int32_t offset = COUNTER_OFFSET(counter);
    memcpy(counted - COUNT_BACK, &offset, sizeof offset);
}

void step_emit_count(Compiler *c, Emit *e, unsigned slot) {
    emit_alu_imm(e, W, ALU_ADD, HART_COUNTER(COUNTER_OF_NOBODY), 1);
    c->block->counted[slot] = e->p;
}

const uint8_t *step_link(Block *from, unsigned slot, const Block *to) {
    if (!from->counted[slot] || !steps_know_way(from->steps, to->steps)) {
        return to->entry;
    }
    patch_count(from->counted[slot], steps_way(from->steps, to->steps));
    return to->code;
}

void step_unlink(Block *from, unsigned slot) {
    if (from->counted[slot]) {
        patch_count(from->counted[slot], COUNTER_OF_NOBODY);
    }
}
