/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The optimiser's passes: what they do to small blocks, and that random blocks mean the same with and without
 * them (run by the interpreter on random registers and memory).
 */
#include "tests/unit/ir_fixture.h"

#include "tcg/opt/passes.h"

static void finish(void) {
    ir_emit(&ir, IR_EXIT_LOOP, 0, 0, 0, (int64_t)(ir.pc + ir.bytes));
}

static char *ops_text(void) {
    GString *out = g_string_new(NULL);
    for (uint32_t i = 0; i < ir.n_ops; i++) {
        if (ir.ops[i].op != IR_INSN) {
            ir_print_op(out, &ir.ops[i]);
            g_string_append_c(out, '\n');
        }
    }
    return g_string_free(out, FALSE);
}

static void expect_ops(const char *expect) {
    g_autofree char *text = ops_text();
    g_assert_cmpstr(text, ==, expect);
    g_assert_true(ir_check(&ir, NULL));
}

/* lui and addi become one constant; the store's address is known then. */
static void test_constants(void) {
    begin();
    mark();
    ir_emit(&ir, IR_MOVI, IR_X(5), 0, 0, 0x12345000);
    mark();
    ir_emit(&ir, IR_ADD, IR_X(5), IR_X(5), IR_IMM, 0x678);
    mark();
    ir_emit(&ir, IR_ST, 0, IR_X(5), IR_X(6), 8)->mem = MEM_STORE << MEM_KIND_SHIFT | 3;
    finish();
    opt_fold(&ir);
    opt_dead(&ir);
    expect_ops("movi x5, 0x12345678\nst x0, x6, 0x12345680 [64 m]\nexit_loop 0x8000000c\n");
}

static void test_copies(void) {
    begin();
    mark();
    IrVar t = ir_temp(&ir);
    ir_emit(&ir, IR_MOV, t, IR_X(5), 0, 0);
    ir_emit(&ir, IR_ADD, IR_X(6), t, t, 0);
    ir_emit(&ir, IR_MOVI, IR_X(5), 0, 0, 1);
    ir_emit(&ir, IR_ADD, IR_X(7), t, IR_ZERO, 0); /* x5 is another one by now: t must stay */
    finish();
    opt_fold(&ir);
    opt_dead(&ir);
    expect_ops("mov t0, x5\nadd x6, x5, x5\nmovi x5, 1\nmov x7, t0\nexit_loop 0x80000004\n");
}

static void test_identities(void) {
    begin();
    mark();
    ir_emit(&ir, IR_XOR, IR_X(5), IR_X(6), IR_X(6), 0);
    ir_emit(&ir, IR_AND, IR_X(6), IR_X(6), IR_IMM, -1);
    ir_emit(&ir, IR_ADDW, IR_X(7), IR_X(7), IR_IMM, 0);
    ir_emit(&ir, IR_SUB, IR_X(8), IR_X(9), IR_X(5), 0);
    IrOp *op = ir_emit(&ir, IR_SEL, IR_X(9), IR_X(5), IR_X(10), 0);
    op->c = IR_X(11);
    op->aux = IR_EQ;
    finish();
    opt_fold(&ir);
    opt_dead(&ir);
    expect_ops("movi x5, 0\nsext32 x7, x7\nmov x8, x9\nmov x9, x10\nexit_loop 0x80000004\n");
}

/* A register write that is overwritten goes, unless something in between may look at the registers. */
static void test_overwritten(void) {
    begin();
    mark();
    ir_emit(&ir, IR_ADD, IR_X(5), IR_X(6), IR_IMM, 1);
    ir_emit(&ir, IR_ADD, IR_X(5), IR_X(6), IR_IMM, 2);
    ir_emit(&ir, IR_LD, IR_X(7), IR_X(6), 0, 0)->mem = MEM_LOAD << MEM_KIND_SHIFT | 3;
    ir_emit(&ir, IR_ADD, IR_X(5), IR_X(6), IR_IMM, 3);
    ir_emit(&ir, IR_CALL, IR_X(5), IR_X(6), IR_X(6), HELPER_clmul);
    finish();
    opt_dead(&ir);
    expect_ops("add x5, x6, 2\nld x7, x6, 0 [64 m]\ncall x5, x6, x6, x0, clmul\nexit_loop 0x80000004\n");
}

/* -- random blocks ------------------------------------------------------------------------------------------ */

static uint64_t random_value(GRand *r) {
    static const uint64_t edges[] = {
        0, 1, 2, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MIN, 0x7fffffff, 0x80000000, 0xffffffff, 63, 64};
    if (g_rand_boolean(r)) {
        return edges[g_rand_int_range(r, 0, G_N_ELEMENTS(edges))];
    }
    return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
}

/* x1..x7 carry values, x8 and x9 addresses in RAM; temporaries come and go. */
static IrVar random_source(GRand *r) {
    unsigned n_temps = ir.n_vars - IR_TEMP;
    if (n_temps && g_rand_int_range(r, 0, 3) == 0) {
        return (IrVar)(IR_TEMP + g_rand_int_range(r, 0, (gint32)n_temps));
    }
    return (IrVar)g_rand_int_range(r, 0, 8);
}

static IrVar random_dst(GRand *r) {
    if (ir.n_vars < IR_TEMP + 8u && g_rand_int_range(r, 0, 4) == 0) {
        return IR_NONE; /* a new temporary, once the op's sources are chosen */
    }
    return (IrVar)g_rand_int_range(r, 1, 8);
}

static void random_pure(GRand *r) {
    IrOpcode op;
    do {
        op = (IrOpcode)g_rand_int_range(r, 0, IR_N_OPS);
    } while (!(ir_op_flags(op) & IROP_PURE) || op == IR_LDH);
    IrVar dst = random_dst(r), a = random_source(r), b = random_source(r), c = random_source(r);
    uint64_t imm = op == IR_MOVI ? random_value(r) : (uint64_t)(int64_t)g_rand_int_range(r, -2048, 2048);
    if (strchr(ir_op_operands(op), 'B') && g_rand_boolean(r)) {
        b = IR_IMM;
    }
    if (dst == IR_NONE) {
        dst = ir_temp(&ir);
    }
    IrOp *o = ir_emit(&ir, op, dst, a, b, (int64_t)imm);
    o->c = c;
    if (op == IR_SETC) {
        o->aux = g_rand_int_range(r, 0, 6);
    } else if (op == IR_SEL) {
        o->aux = g_rand_int_range(r, 0, 2);
    } else {
        o->aux = g_rand_int_range(r, 1, 4);
    }
}

static void random_access(GRand *r) {
    unsigned log2 = g_rand_int_range(r, 0, 4);
    int64_t imm = g_rand_int_range(r, 0, 64) * 8;
    IrVar base = (IrVar)g_rand_int_range(r, 8, 10);
    if (g_rand_boolean(r)) {
        ir_emit(&ir, IR_LD, (IrVar)g_rand_int_range(r, 1, 8), base, 0, imm)->mem =
            MEM_LOAD << MEM_KIND_SHIFT | log2 | (g_rand_boolean(r) ? MEM_SIGN : 0);
    } else {
        ir_emit(&ir, IR_ST, 0, base, random_source(r), imm)->mem = MEM_STORE << MEM_KIND_SHIFT | log2;
    }
}

static void random_block(GRand *r) {
    begin();
    for (unsigned i = 0; i < 12; i++) {
        mark();
        for (int n = g_rand_int_range(r, 1, 4); n > 0; n--) {
            switch (g_rand_int_range(r, 0, 10)) {
            case 0: random_access(r); break;
            case 1:
                ir_emit(&ir, IR_CALL, (IrVar)g_rand_int_range(r, 1, 8), random_source(r), random_source(r),
                        HELPER_clmulr)
                    ->c = random_source(r);
                break;
            default: random_pure(r); break;
            }
        }
        if (i == 8) {
            IrOp *op = ir_emit(&ir, IR_EXIT_IF, 0, random_source(r), random_source(r), RAM_BASE + 0x400);
            op->aux = g_rand_int_range(r, 0, 6);
        }
    }
    finish();
}

/* One page is mapped, the next one goes the slow way, and one access in some blocks faults. */
static void random_state(uint32_t seed) {
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    fixture_reset();
    for (unsigned i = 1; i < 8; i++) {
        hart->x[i] = random_value(r);
    }
    hart->x[8] = RAM_BASE + (uint64_t)g_rand_int_range(r, 0, 64) * 8;
    hart->x[9] = g_rand_int_range(r, 0, 8) ? RAM_BASE + 0x1000 : 0x1000;
    for (unsigned i = 0; i < 0x2000; i++) {
        ram[i] = g_rand_int(r);
    }
    fixture_map(CTX_M, RAM_BASE, true);
}

typedef struct Outcome {
    uint64_t x[32], pc, fault_pc;
    int64_t budget;
    uint32_t left, exit, slow, calls;
    EnterReason reason;
    uint8_t ram[0x2000];
} Outcome;

static void run_random(uint32_t seed, Outcome *to) {
    Block b;
    random_state(seed);
    EnterResult r = run_block(&b, 100);
    memset(to, 0, sizeof *to);
    memcpy(to->x, hart->x, sizeof to->x);
    to->pc = hart->pc;
    to->budget = hart->budget;
    to->left = hart->left;
    to->exit = hart->exit;
    to->slow = slow_paths;
    to->calls = helper_calls;
    to->reason = r.reason;
    memcpy(to->ram, ram, sizeof to->ram);
}

static void check_random(uint32_t seed, unsigned disabled) {
    static IrBlock plain;
    static Outcome expect, got;
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    random_block(r);
    memcpy(&plain, &ir, sizeof plain);
    run_random(seed, &expect);
    for (unsigned i = 0; opt_passes[i].name; i++) {
        if (!(disabled >> i & 1)) {
            opt_passes[i].run(&ir);
        }
    }
    run_random(seed, &got);
    if (memcmp(&expect, &got, sizeof got)) {
        g_autoptr(GString) text = g_string_new(NULL);
        ir_print(text, &plain);
        g_string_append(text, "became\n");
        ir_print(text, &ir);
        g_error("seed %u, disabled %u: results differ\n%s", seed, disabled, text->str);
    }
}

static void test_random(void) {
    for (uint32_t seed = 0; seed < 20000; seed++) {
        check_random(seed, seed % 3);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    fixture_init();
    g_test_add_func("/opt/constants", test_constants);
    g_test_add_func("/opt/copies", test_copies);
    g_test_add_func("/opt/identities", test_identities);
    g_test_add_func("/opt/overwritten", test_overwritten);
    g_test_add_func("/opt/random", test_random);
    int result = g_test_run();
    fixture_done();
    return result;
}
