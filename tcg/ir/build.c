/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/ir/ir.h"

/* What one guest instruction may need, plus what instrumentation and statistics add to a block. */
#define ROOM_PER_INSN 64u
#define ROOM_INSTRUMENT (1u + (3u + 5u) * BLOCK_MAX_INSNS)
#define ROOM_INSTRUMENT_VARS (3u * BLOCK_MAX_INSNS)

typedef struct OpInfo {
    const char *name, *operands;
    unsigned flags;
} OpInfo;

static const OpInfo op_info[IR_N_OPS] = {
#define OP(op, text, operands, flags) [IR_##op] = {text, operands, flags},
    IR_OPS(OP)
#undef OP
};

static const char *const cond_names[] = {"eq", "ne", "lt", "ge", "ltu", "geu"};

void ir_init(IrBlock *b, Gva pc, uint32_t flags) {
    /* The ops are large and need no clearing: n_ops says how many count. */
    b->pc = pc;
    b->flags = b->exit_flags = flags;
    b->n_insns = 0;
    b->n_vars = IR_TEMP;
    b->n_ops = 0;
    b->bytes = 0;
    b->trace_words = 0;
    b->fp_insns = 0;
    b->probed = false;
    b->n_undo = 0;
    b->undo = NULL;
}

IrVar ir_temp(IrBlock *b) {
    g_assert(b->n_vars < IR_MAX_VARS);
    return b->n_vars++;
}

IrOp *ir_emit(IrBlock *b, IrOpcode op, IrVar dst, IrVar a, IrVar bvar, int64_t imm) {
    g_assert(b->n_ops < IR_MAX_OPS);
    IrOp *o = &b->ops[b->n_ops++];
    *o = (IrOp){.op = op, .dst = dst, .a = a, .b = bvar, .c = IR_ZERO, .imm = imm};
    return o;
}

bool ir_has_room(const IrBlock *b) {
    return b->n_ops + ROOM_PER_INSN + ROOM_INSTRUMENT <= IR_MAX_OPS &&
           b->n_vars + ROOM_PER_INSN + ROOM_INSTRUMENT_VARS <= IR_MAX_VARS;
}

const char *ir_op_name(IrOpcode op) {
    return op_info[op].name;
}
const char *ir_op_operands(IrOpcode op) {
    return op_info[op].operands;
}
unsigned ir_op_flags(IrOpcode op) {
    return op_info[op].flags;
}
const char *ir_cond_name(IrCond c) {
    return (unsigned)c < G_N_ELEMENTS(cond_names) ? cond_names[c] : "?";
}
