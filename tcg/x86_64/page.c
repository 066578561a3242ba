/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses off the same register (fields of a structure, slots of a stack frame) are mostly to the same page.
 * The first one leaves its page tag and addend in two local registers when a later one in the block can use
 * them:
 *
 *     s1 = masked address ; cmp s1, tag ; jne cold ; access [addend + base + disp]
 *
 * cold: the TLB, as usual, which gives the page to be held from there on; and if that has it not either, the
 * slow path. Whatever comes back from C on a cold path makes the tag TLB_NEVER, which no masked address
 * equals, since what the TLB said may no longer hold.
 */
#include "tcg/x86_64/compiler.h"

enum { LOOK_AHEAD = 24 };

static bool served(const IrOp *op, IrVar base, unsigned ctx, bool write) {
    return (op->op == IR_LD || (op->op == IR_ST && write)) && op->a == base && op->slot == 0 &&
           MEM_CTX(op->mem) == ctx && fits_i32(op->imm);
}

bool page_is_held(const Compiler *c, bool write) {
    const Page *page = &c->page;
    return page->base != IR_NONE && (page->write || !write) &&
           served(c->op, page->base, page->ctx, page->write);
}

bool page_is_wanted(const Compiler *c, bool write) {
    const IrOp *op = c->op, *end = c->ir->ops + c->ir->n_ops;
    if (!served(op, op->a, MEM_CTX(op->mem), true) || (op->op == IR_LD && op->dst == op->a)) {
        return false;
    }
    for (const IrOp *o = op + 1; o < end && o < op + LOOK_AHEAD && o->op != IR_CALL && o->op != IR_PROBE;
         o++) {
        if (served(o, op->a, MEM_CTX(op->mem), write) && !mem_is_direct(c, o)) {
            return true;
        }
        if ((c->b->reads[o->op] & 8) && o->dst == op->a) {
            return false;
        }
    }
    return false;
}

void page_probe(Compiler *c, Probe *p) {
    Emit *e = &c->hot;
    const IrOp *op = c->op;
    c->locked |= c->held;
    *p = (Probe){.base = ra_read(c, op->a), .disp = (int32_t)op->imm, .addend = c->page.addend};
    p->s1 = ra_scratch(c);
    p->s2 = p->s3 = REG_NONE;
    if (p->disp) {
        emit_rm(e, O_LEA | W, p->s1, rm_mem(p->base, p->disp));
    } else {
        emit_mov(e, p->s1, p->base);
    }
    emit_alu_imm(e, W, ALU_AND, rm_reg(p->s1), (int32_t)(PAGE_MASK | (MEM_SIZE(op->mem) - 1)));
    emit_cmp(e, W, p->s1, rm_reg(c->page.tag));
    p->miss = emit_jcc(e, CC_NE);
}

/* s1 against a tag of the entry at `index`. */
static void compare_tag(Compiler *c, const Probe *p, HostReg index, size_t tag) {
    emit_cmp(&c->cold, W, p->s1, rm_sib(REG_HART, index, 0, mem_tlb_offset(c->op, tag)));
}

void page_probe_again(Compiler *c, Probe *p, const uint8_t *access) {
    Emit *e = &c->cold;
    HostReg index = c->page.addend;
    bool only_read = c->page.write && c->op->op == IR_LD;
    emit_label(p->miss, e->p);
    emit_rm(e, O_LEA, index, rm_mem(p->base, p->disp));
    emit_shift_imm(e, 0, SH_SHR, index, PAGE_BITS - 5);
    emit_alu_imm(e, 0, ALU_AND, rm_reg(index), (TLB_ENTRIES - 1) * sizeof(TlbEntry));
    compare_tag(c, p, index, c->page.write ? offsetof(TlbEntry, write) : offsetof(TlbEntry, read));
    p->miss = emit_jcc(e, CC_NE);
    emit_mov(e, c->page.tag, p->s1);
    const uint8_t *found = e->p;
    emit_load(e, index, rm_sib(REG_HART, index, 0, mem_tlb_offset(c->op, offsetof(TlbEntry, addend))));
    emit_jmp_to(e, access);
    if (only_read) { /* readable will do for this access, but not for later stores */
        emit_label(p->miss, e->p);
        compare_tag(c, p, index, offsetof(TlbEntry, read));
        p->miss = emit_jcc(e, CC_NE);
        emit_imm(e, c->page.tag, TLB_NEVER);
        emit_jmp_to(e, found);
    }
}
