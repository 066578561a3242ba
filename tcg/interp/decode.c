/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/interp/interp.h"

#include "core/probe.h"

G_STATIC_ASSERT(offsetof(Hart, x) == 0 && offsetof(Hart, f) == 32 * sizeof(uint64_t));
G_STATIC_ASSERT(HART_SCRATCH >= IR_MAX_VARS - IR_TEMP);
G_STATIC_ASSERT(offsetof(Hart, scratch) + HART_SCRATCH * sizeof(uint64_t) <= UINT16_MAX);
G_STATIC_ASSERT(BLOCK_MAX_INSNS * 4 / 2 <= UINT8_MAX);

/* The code of an op's plain form; the variants stand behind it in the enum. 0 is not special: see decode_op(). */
static const uint16_t base_codes[IR_N_OPS] = {
#define BINARY(name, expr) [IR_##name] = I_##name##_RR,
#define UNARY(name, expr) [IR_##name] = I_##name,
    IR_EVAL_BINARY(BINARY) IR_EVAL_UNARY(UNARY)
#undef BINARY
#undef UNARY
        [IR_MOVI] = I_MOVI,
    [IR_SHADD] = I_SHADD,
    [IR_SHADDUW] = I_SHADDUW,
    [IR_LR] = I_LR,
    [IR_SC] = I_SC,
    [IR_AMO] = I_AMO,
    [IR_TRACE] = I_TRACE,
    [IR_LOWER] = I_LOWER,
    [IR_PROBE] = I_PROBE,
    [IR_STEP] = I_STEP,
    [IR_EXIT_TO] = I_EXIT_TO,
    [IR_EXIT_JUMP] = I_EXIT_JUMP,
    [IR_EXIT_LOOP] = I_EXIT_LOOP,
    [IR_EXIT_PC] = I_EXIT_PC,
};

/* Those whose code is followed by one for an immediate as second source. */
static const bool is_binary[IR_N_OPS] = {
#define X(name, expr) [IR_##name] = true,
    IR_EVAL_BINARY(X)
#undef X
};

static const uint16_t setc_codes[] = {
#define X(name, expr) [IR_##name] = I_SETC_##name##_RR,
    IR_EVAL_COND(X)
#undef X
};
static const uint16_t exit_if_codes[] = {
#define X(name, expr) [IR_##name] = I_EXIT_IF_##name,
    IR_EVAL_COND(X)
#undef X
};
static const uint16_t load_codes[] = {
#define X(name, size, sign, type) [(sign) << 2 | (size)] = I_LD_##name,
    INTERP_LOADS(X)
#undef X
};
#define X(name, size, type) [size] = I_ST_##name,
static const uint16_t store_codes[] = {INTERP_SIZES(X)};
#undef X
#define X(name, size, type) [size] = I_LDH_##name,
static const uint16_t ldh_codes[] = {INTERP_SIZES(X)};
#undef X
#define X(name, size, type) [size] = I_STH_##name,
static const uint16_t sth_codes[] = {INTERP_SIZES(X)};
#undef X

static uint16_t variable_offset(IrVar v) {
    if (v < IR_TEMP) {
        return (uint16_t)(v * sizeof(uint64_t));
    }
    /* Unused operands may hold anything; they are never looked at. */
    return v < IR_MAX_VARS ? (uint16_t)(offsetof(Hart, scratch) + (v - IR_TEMP) * sizeof(uint64_t)) : 0;
}

static unsigned load_index(MemOp mem) {
    return (mem & MEM_SIGN ? 4 : 0) | (mem & MEM_SIZE_MASK);
}

static InterpCode decode_code(const IrOp *op) {
    switch (op->op) {
    case IR_SETC: return setc_codes[op->aux] + (op->b == IR_IMM);
    case IR_SEL: return op->aux == IR_EQ ? I_SEL_EQ : I_SEL_NE;
    case IR_LD: return load_codes[load_index(op->mem)] + (op->slot != 0);
    case IR_ST: return store_codes[op->mem & MEM_SIZE_MASK] + (op->slot != 0);
    case IR_LDH: return ldh_codes[op->aux];
    case IR_STH: return sth_codes[op->aux];
    case IR_COUNT: return op->aux == PROBE_ADD ? I_COUNT_ADD : I_COUNT_STORE;
    case IR_CALL: return ir_helpers[op->imm].flags & ~(unsigned)HELPER_PURE ? I_CALL_FULL : I_CALL_PURE;
    case IR_EXIT_IF: return exit_if_codes[op->aux];
    default: return base_codes[op->op] + (is_binary[op->op] && op->b == IR_IMM);
    }
}

static void decode_op(const IrOp *op, InterpOp *to) {
    *to = (InterpOp){.dst = variable_offset(op->dst),
                     .a = variable_offset(op->a),
                     .b = variable_offset(op->b),
                     .c = op->c,
                     .imm = op->imm,
                     .mem = op->mem};
    to->ctx = (uint16_t)MEM_CTX(op->mem);
    switch (op->op) {
    case IR_SEL:
    case IR_PROBE: to->c = variable_offset(op->c); break;
    case IR_SHADD:
    case IR_SHADDUW: to->c = op->aux; break;
    case IR_LD:
    case IR_ST:
    case IR_LR:
    case IR_SC: to->c = op->slot; break;
    case IR_AMO:
        to->c = op->slot;
        to->mem |= (MemOp)op->aux << INTERP_AMO_SHIFT;
        break;
    case IR_CALL:
        to->c = variable_offset(op->c);
        to->imm = (intptr_t)ir_helpers[op->imm].fn;
        to->mem = op->slot;
        to->dst = op->aux ? 0 : to->dst; /* x0: nobody's */
        break;
    case IR_TRACE: to->c = op->b; break;
    default: break;
    }
}

void interp_decode(const IrBlock *ir, const void *const *labels, InterpOp *to) {
    uint8_t insn = 0, pc = 0;
    for (uint32_t i = 0; i < ir->n_ops; i++) {
        const IrOp *op = &ir->ops[i];
        if (op->op == IR_INSN) {
            insn = (uint8_t)op->c;
            pc = (uint8_t)(((Gva)op->imm - ir->pc) / 2);
            continue;
        }
        decode_op(op, to);
        to->insn = insn;
        to->pc = pc;
        to->go = labels[decode_code(op)];
        to++;
    }
}
