/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/ir/ir.h"

#include <inttypes.h>

/* Names only: the printer must not drag in the helpers themselves. */
static const char *const helper_names[IR_N_HELPERS] = {
#define H(name, flags) [HELPER_##name] = #name,
    IR_HELPERS(H)
#undef H
};
static const char *const amo_names[] = {"swap", "add", "xor", "and", "or", "min", "max", "minu", "maxu"};
static const char *const jump_names[] = {"", "call", "ret", "ret-call"};
static const char *const ctx_names[CTX_COUNT] = {"m",     "s",     "s+sum",     "u",
                                                 "m+mxr", "s+mxr", "s+sum+mxr", "u+mxr"};

static void print_var(GString *to, IrVar v) {
    if (v < 32) {
        g_string_append_printf(to, "x%u", v);
    } else if (v < IR_TEMP) {
        g_string_append_printf(to, "f%u", v - 32u);
    } else {
        g_string_append_printf(to, "t%u", v - (unsigned)IR_TEMP);
    }
}

static void print_imm(GString *to, const IrOp *op) {
    if (op->op == IR_CALL) {
        g_string_append(to, (uint64_t)op->imm < IR_N_HELPERS ? helper_names[op->imm] : "?");
    } else if (op->imm > -4096 && op->imm < 4096) {
        g_string_append_printf(to, "%" PRId64, op->imm);
    } else {
        g_string_append_printf(to, "0x%" PRIx64, (uint64_t)op->imm);
    }
}

/* aux means something else for each op that has it. */
static void print_aux(GString *to, const IrOp *op) {
    switch (op->op) {
    case IR_SETC:
    case IR_SEL:
    case IR_EXIT_IF: g_string_append(to, ir_cond_name(op->aux)); break;
    case IR_AMO: g_string_append(to, op->aux < G_N_ELEMENTS(amo_names) ? amo_names[op->aux] : "?"); break;
    case IR_EXIT_JUMP:
        g_string_append(to, op->aux < G_N_ELEMENTS(jump_names) ? jump_names[op->aux] : "?");
        break;
    default: g_string_append_printf(to, "%u", op->aux); break;
    }
}

static void print_mem(GString *to, const IrOp *op) {
    g_string_append_printf(to, " [%u%s %s%s", 8 * MEM_SIZE(op->mem), op->mem & MEM_SIGN ? "s" : "",
                           ctx_names[MEM_CTX(op->mem)], op->mem & MEM_LAST ? " last" : "");
    if (op->slot) {
        g_string_append_printf(to, " slot %u", op->slot);
    }
    g_string_append_c(to, ']');
}

static void print_operand(GString *to, const IrOp *op, char letter) {
    switch (letter) {
    case 'D':
        if (op->op == IR_CALL && op->aux) {
            g_string_append_c(to, '-');
        } else {
            print_var(to, op->dst);
        }
        break;
    case 'a': print_var(to, op->a); break;
    case 'B':
        if (op->b == IR_IMM) {
            print_imm(to, op);
            break;
        }
        /* fall through */
    case 'b': print_var(to, op->b); break;
    case 'c': print_var(to, op->c); break;
    case 's': g_string_append_printf(to, "slot %u", op->c); break;
    case 'x': print_aux(to, op); break;
    case 'i': print_imm(to, op); break;
    default: g_assert_not_reached();
    }
}

/* The letter `i` behind a B is the B's own immediate; CALL's aux only says whether dst counts. */
static bool operand_is_silent(const IrOp *op, const char *operands, char letter) {
    return (letter == 'i' && strchr(operands, 'B')) || (letter == 'x' && op->op == IR_CALL);
}

void ir_print_op(GString *to, const IrOp *op) {
    if (op->op >= IR_N_OPS) {
        g_string_append_printf(to, "bad op %u", op->op);
        return;
    }
    if (op->op == IR_INSN) {
        g_string_append_printf(to, "insn %u: 0x%" PRIx64 " (%u bytes)", op->c, (uint64_t)op->imm, op->aux);
        return;
    }
    if (op->op == IR_TRACE) {
        g_string_append_printf(to, "trace block %" PRId64 ", %u words", op->imm, op->b);
        return;
    }
    const char *operands = ir_op_operands(op->op);
    g_string_append(to, ir_op_name(op->op));
    const char *separator = " ";
    for (const char *s = operands; *s; s++) {
        if (!operand_is_silent(op, operands, *s)) {
            g_string_append(to, separator);
            print_operand(to, op, *s);
            separator = ", ";
        }
    }
    if (ir_op_flags(op->op) & IROP_MEM) {
        print_mem(to, op);
    } else if (op->op == IR_COUNT || op->op == IR_LOWER) {
        g_string_append_printf(to, " [counter %u]", op->mem);
    }
}

void ir_print(GString *to, const IrBlock *b) {
    g_string_append_printf(to, "block 0x%" PRIx64 " flags 0x%x insns %u bytes %u vars %u trace %u\n", b->pc,
                           b->flags, b->n_insns, b->bytes, b->n_vars, b->trace_words);
    for (uint32_t i = 0; i < b->n_ops; i++) {
        g_string_append(to, b->ops[i].op == IR_INSN ? "" : "    ");
        ir_print_op(to, &b->ops[i]);
        g_string_append_c(to, '\n');
    }
}
