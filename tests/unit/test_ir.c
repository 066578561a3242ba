/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IR's builder, printer and checker. */
#include "tcg/ir/ir.h"

#include <string.h>

static IrBlock block;

static void mark(Gva pc, unsigned length) {
    IrOp *op = ir_emit(&block, IR_INSN, 0, 0, 0, (int64_t)pc);
    op->aux = length;
    op->c = block.n_insns++;
    block.bytes += length;
}

/* One load and one addition, then on to the next instruction: the block the tests below spoil. */
static void build_good(void) {
    ir_init(&block, 0x80000000, 0);
    mark(0x80000000, 4);
    IrVar t = ir_temp(&block);
    ir_emit(&block, IR_LD, t, IR_X(10), 0, 16)->mem = MEM_LOAD << MEM_KIND_SHIFT | 3;
    ir_emit(&block, IR_ADD, IR_X(5), t, IR_IMM, -1);
    mark(0x80000004, 2);
    ir_emit(&block, IR_EXIT_IF, 0, IR_X(5), IR_X(6), 0x80000100)->aux = IR_NE;
    ir_emit(&block, IR_EXIT_TO, 0, 0, 0, 0x80000006)->c = 1;
}

static void test_good(void) {
    build_good();
    g_autoptr(GString) why = g_string_new(NULL);
    g_assert_true(ir_check(&block, why));
    g_assert_cmpstr(why->str, ==, "");
}

static void test_print(void) {
    build_good();
    g_autoptr(GString) out = g_string_new(NULL);
    ir_print(out, &block);
    g_assert_cmpstr(out->str, ==,
                    "block 0x80000000 flags 0x0 insns 2 bytes 6 vars 65 trace 0\n"
                    "insn 0: 0x80000000 (4 bytes)\n"
                    "    ld t0, x10, 16 [64 m]\n"
                    "    add x5, t0, -1\n"
                    "insn 1: 0x80000004 (2 bytes)\n"
                    "    exit_if x5, x6, ne, slot 0, 0x80000100\n"
                    "    exit_to slot 1, 0x80000006\n");
}

static void test_print_every_op(void) {
    for (unsigned i = 0; i < IR_N_OPS; i++) {
        IrOp op = {.op = i};
        g_autoptr(GString) out = g_string_new(NULL);
        ir_print_op(out, &op);
        g_assert_true(g_str_has_prefix(out->str, ir_op_name(i)));
    }
}

/* Each entry spoils the good block in one way; the checker must name it. */
typedef struct Spoil {
    const char *name, *expect;
    void (*spoil)(IrBlock *b);
} Spoil;

static void spoil_opcode(IrBlock *b) {
    b->ops[2].op = 0xee;
}
static void spoil_temp(IrBlock *b) {
    b->ops[1].dst = IR_X(7);
}
static void spoil_zero(IrBlock *b) {
    b->ops[2].dst = IR_ZERO;
}
static void spoil_variable(IrBlock *b) {
    b->ops[2].a = 65;
}
static void spoil_source_b(IrBlock *b) {
    b->ops[2].b = 70;
}
static void spoil_end(IrBlock *b) {
    b->n_ops--;
}
static void spoil_two_ends(IrBlock *b) {
    b->ops[2].op = IR_EXIT_LOOP;
}
static void spoil_slot_twice(IrBlock *b) {
    b->ops[5].c = 0;
}
static void spoil_slot_range(IrBlock *b) {
    b->ops[5].c = 2;
}
static void spoil_cond(IrBlock *b) {
    b->ops[4].aux = 6;
}
static void spoil_length(IrBlock *b) {
    b->ops[3].aux = 3;
}
static void spoil_pc(IrBlock *b) {
    b->ops[3].imm += 2;
}
static void spoil_index(IrBlock *b) {
    b->ops[3].c = 0;
}
static void spoil_count(IrBlock *b) {
    b->n_insns = 3;
}
static void spoil_bytes(IrBlock *b) {
    b->bytes = 8;
}
static void spoil_kind(IrBlock *b) {
    b->ops[1].mem = MEM_STORE << MEM_KIND_SHIFT | 3;
}
static void spoil_trace_slot(IrBlock *b) {
    b->ops[1].slot = 1;
}
static void spoil_first(IrBlock *b) {
    b->ops[0] = (IrOp){.op = IR_MOVI, .dst = IR_X(1)};
}
static void spoil_helper(IrBlock *b) {
    b->ops[2] = (IrOp){.op = IR_CALL, .dst = IR_X(5), .imm = IR_N_HELPERS};
}
static void spoil_hart_offset(IrBlock *b) {
    b->ops[2] = (IrOp){.op = IR_LDH, .dst = IR_X(5), .aux = 3, .imm = sizeof(Hart) - 4};
}
static void spoil_trace_place(IrBlock *b) {
    b->ops[2] = (IrOp){.op = IR_TRACE, .b = 1};
}
static void spoil_atomic_size(IrBlock *b) {
    b->ops[1] = (IrOp){.op = IR_LR, .dst = IR_TEMP, .a = IR_X(10), .mem = MEM_LR << MEM_KIND_SHIFT | 1};
}

static const Spoil spoils[] = {
    {"opcode", "unknown opcode", spoil_opcode},
    {"unwritten-temp", "t0 is read before", spoil_temp},
    {"zero-destination", "cannot be a destination", spoil_zero},
    {"variable", "variable 65 does not exist", spoil_variable},
    {"source-b", "variable 70 does not exist", spoil_source_b},
    {"no-end", "does not end", spoil_end},
    {"two-ends", "behind the end", spoil_two_ends},
    {"slot-twice", "used twice", spoil_slot_twice},
    {"slot-range", "exit slot 2", spoil_slot_range},
    {"condition", "aux 6 out of range", spoil_cond},
    {"length", "aux 3 out of range", spoil_length},
    {"pc", "expected pc", spoil_pc},
    {"index", "instruction index 0, expected 1", spoil_index},
    {"count", "the block says 3", spoil_count},
    {"bytes", "the block says 8", spoil_bytes},
    {"memory-kind", "does not fit", spoil_kind},
    {"trace-slot", "trace slot 1 of 0", spoil_trace_slot},
    {"first-op", "before the first instruction mark", spoil_first},
    {"helper", "no helper", spoil_helper},
    {"hart-offset", "outside the hart", spoil_hart_offset},
    {"trace-place", "out of place", spoil_trace_place},
    {"atomic-size", "atomic access of 2 bytes", spoil_atomic_size},
};

static void test_spoiled(gconstpointer data) {
    const Spoil *s = data;
    build_good();
    s->spoil(&block);
    g_autoptr(GString) why = g_string_new(NULL);
    g_assert_false(ir_check(&block, why));
    g_assert_nonnull(strstr(why->str, s->expect));
    g_assert_false(ir_check(&block, NULL));
}

static void test_room(void) {
    ir_init(&block, 0, 0);
    unsigned n = 0;
    while (ir_has_room(&block)) {
        for (unsigned i = 0; i < 64; i++) {
            ir_emit(&block, IR_MOV, ir_temp(&block), IR_X(1), 0, 0);
        }
        n++;
    }
    g_assert_cmpuint(n, >=, 12);
    g_assert_cmpuint(block.n_vars, <=, IR_MAX_VARS);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ir/check/good", test_good);
    g_test_add_func("/ir/print/block", test_print);
    g_test_add_func("/ir/print/every-op", test_print_every_op);
    g_test_add_func("/ir/room", test_room);
    for (unsigned i = 0; i < G_N_ELEMENTS(spoils); i++) {
        g_autofree char *path = g_strconcat("/ir/check/", spoils[i].name, NULL);
        g_test_add_data_func(path, &spoils[i], test_spoiled);
    }
    return g_test_run();
}
