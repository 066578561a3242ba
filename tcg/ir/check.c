/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/ir/ir.h"

#include <inttypes.h>
#include <string.h>

typedef struct Checker {
    const IrBlock *b;
    GString *why;
    uint32_t at;      /* index of the op under test */
    uint16_t n_insns; /* marks seen */
    Gva next_pc;      /* where the next mark must be */
    bool slot_used[2];
    uint8_t written[IR_MAX_VARS]; /* temporaries */
} Checker;

static bool G_GNUC_PRINTF(2, 3) fail(Checker *c, const char *format, ...) {
    if (c->why) {
        va_list args;
        va_start(args, format);
        g_string_append_printf(c->why, "block 0x%" PRIx64 ", op %u", c->b->pc, c->at);
        if (c->at < c->b->n_ops) {
            g_string_append(c->why, " (");
            ir_print_op(c->why, &c->b->ops[c->at]);
            g_string_append_c(c->why, ')');
        }
        g_string_append(c->why, ": ");
        g_string_append_vprintf(c->why, format, args);
        va_end(args);
    }
    return false;
}

static bool check_read(Checker *c, IrVar v) {
    if (v >= c->b->n_vars) {
        return fail(c, "variable %u does not exist", v);
    }
    if (v >= IR_TEMP && !c->written[v]) {
        return fail(c, "t%u is read before it is written", v - IR_TEMP);
    }
    return true;
}

static bool check_write(Checker *c, const IrOp *op) {
    if (op->op == IR_CALL && op->aux) {
        return true;
    }
    if (op->dst == IR_ZERO || op->dst >= c->b->n_vars) {
        return fail(c, "variable %u cannot be a destination", op->dst);
    }
    c->written[op->dst] = 1;
    return true;
}

static bool check_slot(Checker *c, unsigned slot) {
    if (slot > 1) {
        return fail(c, "exit slot %u", slot);
    }
    if (c->slot_used[slot]) {
        return fail(c, "exit slot %u is used twice", slot);
    }
    c->slot_used[slot] = true;
    return true;
}

/* The range of aux, which means something else for each op that has it. */
static bool aux_in_range(const IrOp *op) {
    switch (op->op) {
    case IR_INSN: return op->aux == 2 || op->aux == 4;
    case IR_SHADD: return op->aux >= 1 && op->aux <= 3;
    case IR_SHADDUW:
    case IR_LDH:
    case IR_STH: return op->aux <= 3;
    case IR_SETC:
    case IR_EXIT_IF: return op->aux <= IR_GEU;
    case IR_SEL: return op->aux <= IR_NE;
    case IR_AMO: return op->aux <= IR_AMO_MAXU;
    case IR_CALL:
    case IR_COUNT: return op->aux <= 1;
    case IR_EXIT_JUMP: return op->aux <= IR_JUMP_RET_CALL;
    default: return true;
    }
}

static bool check_imm(Checker *c, const IrOp *op) {
    if (op->op == IR_CALL && (uint64_t)op->imm >= IR_N_HELPERS) {
        return fail(c, "no helper %" PRId64, op->imm);
    }
    if ((op->op == IR_COUNT || op->op == IR_LOWER) && (op->imm != (int32_t)op->imm || op->mem % 8)) {
        return fail(c, "counter %u and %" PRId64, op->mem, op->imm);
    }
    if ((op->op == IR_LDH || op->op == IR_STH) &&
        (uint64_t)op->imm > sizeof(Hart) - ((size_t)1 << (op->aux & 3))) {
        return fail(c, "offset %" PRId64 " is outside the hart", op->imm);
    }
    return true;
}

static bool check_operand(Checker *c, const IrOp *op, char letter) {
    switch (letter) {
    case 'D': return true; /* last, see check_op */
    case 'a': return check_read(c, op->a);
    case 'b': return check_read(c, op->b);
    case 'c': return check_read(c, op->c);
    case 'B': return op->b == IR_IMM || check_read(c, op->b);
    case 's': return check_slot(c, op->c);
    case 'x': return aux_in_range(op) || fail(c, "aux %u out of range", op->aux);
    default: return check_imm(c, op);
    }
}

static bool check_mem(Checker *c, const IrOp *op) {
    static const uint8_t kinds[IR_N_OPS] = {
        [IR_LD] = MEM_LOAD, [IR_ST] = MEM_STORE, [IR_LR] = MEM_LR, [IR_SC] = MEM_SC, [IR_AMO] = MEM_AMO};
    if (MEM_KIND(op->mem) != kinds[op->op]) {
        return fail(c, "memory kind %u does not fit", MEM_KIND(op->mem));
    }
    if (op->op >= IR_LR && op->op <= IR_AMO && MEM_SIZE(op->mem) < 4) {
        return fail(c, "atomic access of %u bytes", MEM_SIZE(op->mem));
    }
    unsigned words = op->op == IR_SC || op->op == IR_AMO ? 4 : 3;
    if (op->slot && op->slot + words > c->b->trace_words) {
        return fail(c, "trace slot %u of %u words", op->slot, c->b->trace_words);
    }
    return true;
}

static bool check_mark(Checker *c, const IrOp *op) {
    if (op->op == IR_TRACE) {
        return (c->at == 0 && op->b == c->b->trace_words && op->b > 0) ||
               fail(c, "trace header out of place");
    }
    if (op->c != c->n_insns) {
        return fail(c, "instruction index %u, expected %u", op->c, c->n_insns);
    }
    if ((Gva)op->imm != c->next_pc) {
        return fail(c, "expected pc 0x%" PRIx64, c->next_pc);
    }
    c->n_insns++;
    c->next_pc += op->aux;
    return true;
}

static bool check_op(Checker *c, const IrOp *op) {
    if (op->op >= IR_N_OPS) {
        return fail(c, "unknown opcode");
    }
    unsigned flags = ir_op_flags(op->op);
    bool last = c->at + 1 == c->b->n_ops;
    if (!!(flags & IROP_END) != last) {
        return fail(c, last ? "the block does not end in an exit" : "ops behind the end of the block");
    }
    if (c->n_insns == 0 && !(flags & IROP_MARK)) {
        return fail(c, "op before the first instruction mark");
    }
    bool writes = false;
    for (const char *s = ir_op_operands(op->op); *s; s++) {
        writes |= *s == 'D';
        if (!check_operand(c, op, *s)) {
            return false;
        }
    }
    if ((flags & IROP_MEM) && !check_mem(c, op)) {
        return false;
    }
    if ((flags & IROP_MARK) && !check_mark(c, op)) {
        return false;
    }
    return !writes || check_write(c, op);
}

bool ir_check(const IrBlock *b, GString *why) {
    Checker c = {.b = b, .why = why, .at = UINT32_MAX, .next_pc = b->pc};
    if (b->n_ops == 0 || b->n_ops > IR_MAX_OPS || b->n_vars < IR_TEMP || b->n_vars > IR_MAX_VARS) {
        return fail(&c, "%u ops, %u variables", b->n_ops, b->n_vars);
    }
    for (c.at = 0; c.at < b->n_ops; c.at++) {
        if (!check_op(&c, &b->ops[c.at])) {
            return false;
        }
    }
    if (c.n_insns != b->n_insns || b->n_insns == 0 || b->n_insns > BLOCK_MAX_INSNS) {
        return fail(&c, "%u instruction marks, the block says %u", c.n_insns, b->n_insns);
    }
    if (c.next_pc - b->pc != b->bytes) {
        return fail(&c, "instructions cover %" PRIu64 " bytes, the block says %u", c.next_pc - b->pc,
                    b->bytes);
    }
    return true;
}
