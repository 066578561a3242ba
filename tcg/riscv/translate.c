/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/riscv/translate.h"

#include "tcg/riscv/trans.h"

static void trans_illegal(Trans *t) {
    trans_call(t, HELPER_illegal, trans_const(t, t->insn), IR_ZERO, IR_ZERO);
    trans_end_loop(t);
    t->end = BLOCK_END_FAULT;
}

/* Bytes of the instruction at `at`, or 0 when it is not within what may be looked at. */
static unsigned insn_bytes(const TranslateInput *in, uint32_t at, uint32_t *insn) {
    if (in->avail - at < 2) {
        return 0;
    }
    const uint8_t *p = in->bytes + at;
    *insn = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    unsigned length = riscv_insn_length(*insn);
    if (in->avail - at < length) {
        return 0;
    }
    if (length == 4) {
        *insn |= (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    }
    return length;
}

static void trans_insn(Trans *t, unsigned length) {
    IrBlock *ir = t->ir;
    t->next_pc = t->pc + length;
    t->last = t->tail && ir->n_insns + 1u == t->max_insns;
    IrOp *mark = emit(t, IR_INSN, IR_ZERO, IR_ZERO, IR_ZERO, (int64_t)t->pc);
    mark->aux = length;
    mark->c = ir->n_insns++;
    ir->bytes += length;

    InsnArgs args;
    InsnId id = riscv_decode(t->in->isa, t->insn, &args);
    if (id == INSN_illegal || !riscv_insns[id].trans(t, &args)) {
        trans_illegal(t);
    }
    t->pc = t->next_pc;
}

static bool is_alone(const TranslateInput *in, Gva pc) {
    unsigned bit = (unsigned)(pc & ~PAGE_MASK) / 2;
    return in->alone && (in->alone[bit / 64] >> bit % 64 & 1);
}

BlockEnd riscv_translate(const TranslateInput *in, IrBlock *out) {
    Trans t = {.ir = out, .in = in, .pc = in->pc};
    t.fs_dirty = ((in->flags >> FLAG_FS_SHIFT) & 3) == 3;
    bool alone = is_alone(in, in->pc);
    t.tail = in->tail || alone;
    t.max_insns = alone ? 1 : MIN(in->max_insns, BLOCK_MAX_INSNS);
    BlockEnd end = BLOCK_END_LIMIT;
    ir_init(out, in->pc, in->flags);

    while (!t.ended && out->n_insns < t.max_insns && ir_has_room(out)) {
        if (out->n_insns && is_alone(in, t.pc)) {
            break;
        }
        unsigned length = insn_bytes(in, (uint32_t)(t.pc - in->pc), &t.insn);
        if (!length) {
            end = BLOCK_END_PAGE;
            break;
        }
        trans_insn(&t, length);
    }
    g_assert(out->n_insns > 0);
    if (t.fs_dirty) {
        out->exit_flags |= 3u << FLAG_FS_SHIFT;
    }
    if (t.ended) {
        return t.end;
    }
    trans_end_to(&t, t.pc, 0, IR_JUMP_PLAIN);
    return end;
}
