/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IR interpreter: every operation's edge cases against results worked out by hand, and the block protocol. */
#include "tests/unit/ir_fixture.h"

#define MIN64 0x8000000000000000u
#define MAX64 0x7fffffffffffffffu
#define ONES UINT64_MAX
#define SX(w) ((uint64_t)(int64_t)(int32_t)(w))

typedef struct OpCase {
    uint8_t op, aux;
    uint64_t a, b, expect;
} OpCase;

static const OpCase op_cases[] = {
    {IR_MOV, 0, 0x123456789abcdef0, 0, 0x123456789abcdef0},
    {IR_ADD, 0, ONES, 1, 0},
    {IR_ADD, 0, MAX64, 1, MIN64},
    {IR_SUB, 0, 0, 1, ONES},
    {IR_SUB, 0, MIN64, 1, MAX64},
    {IR_AND, 0, 0xff00ff00, 0x0ff00ff0, 0x0f000f00},
    {IR_OR, 0, 0xff00ff00, 0x0ff00ff0, 0xfff0fff0},
    {IR_XOR, 0, 0xff00ff00, 0x0ff00ff0, 0xf0f0f0f0},
    {IR_ANDN, 0, 0xff, 0x0f, 0xf0},
    {IR_ORN, 0, 0x0f, 0xffffffffffffff00, 0xff},
    {IR_XNOR, 0, 0xff, 0x0f, 0xffffffffffffff0f},
    {IR_SHL, 0, 1, 63, MIN64},
    {IR_SHL, 0, 1, 64, 1},
    {IR_SHR, 0, MIN64, 63, 1},
    {IR_SHR, 0, MIN64, 128, MIN64},
    {IR_SAR, 0, MIN64, 63, ONES},
    {IR_SAR, 0, MIN64, 65, 0xc000000000000000},
    {IR_ROL, 0, 0x8000000000000001, 1, 3},
    {IR_ROL, 0, 0x1234, 0, 0x1234},
    {IR_ROL, 0, 0x1234, 64, 0x1234},
    {IR_ROR, 0, 3, 1, 0x8000000000000001},
    {IR_ROR, 0, 3, 64, 3},
    {IR_ADDW, 0, 0x7fffffff, 1, SX(0x80000000)},
    {IR_ADDW, 0, 0xdeadbeefffffffff, 1, 0},
    {IR_SUBW, 0, 0, 1, ONES},
    {IR_SUBW, 0, 0x80000000, 1, 0x7fffffff},
    {IR_SHLW, 0, 1, 31, SX(0x80000000)},
    {IR_SHLW, 0, 1, 32, 1},
    {IR_SHRW, 0, 0xffffffff80000000, 31, 1},
    {IR_SHRW, 0, 0xffffffff80000000, 32, SX(0x80000000)},
    {IR_SARW, 0, 0x80000000, 31, ONES},
    {IR_SARW, 0, 0xffffffff00000004, 33, 2},
    {IR_ROLW, 0, 0x80000001, 1, 3},
    {IR_ROLW, 0, 0x40000000, 1, SX(0x80000000)},
    {IR_RORW, 0, 1, 1, SX(0x80000000)},
    {IR_RORW, 0, 0xabcd00000001, 32, 1},
    {IR_SHADD, 1, 3, 4, 10},
    {IR_SHADD, 2, 3, 4, 16},
    {IR_SHADD, 3, 0x2000000000000000, 4, 4},
    {IR_SHADDUW, 0, 0xffffffff00000005, 4, 9},
    {IR_SHADDUW, 3, 0xffffffffffffffff, 1, 0x7fffffff9},
    {IR_MUL, 0, 0x100000001, 0x100000001, 0x200000001},
    {IR_MUL, 0, ONES, ONES, 1},
    {IR_MULH, 0, ONES, ONES, 0},
    {IR_MULH, 0, MIN64, MIN64, 0x4000000000000000},
    {IR_MULH, 0, MIN64, 1, ONES},
    {IR_MULHU, 0, ONES, ONES, 0xfffffffffffffffe},
    {IR_MULHU, 0, MIN64, 2, 1},
    {IR_MULHSU, 0, ONES, ONES, ONES},
    {IR_MULHSU, 0, MIN64, ONES, 0x8000000000000000},
    {IR_MULHSU, 0, 1, ONES, 0},
    {IR_MULW, 0, 0x10000, 0x8000, SX(0x80000000)},
    {IR_MULW, 0, 0x100000003, 0x200000005, 15},
    {IR_DIV, 0, 7, (uint64_t)-2, (uint64_t)-3},
    {IR_DIV, 0, 5, 0, ONES},
    {IR_DIV, 0, MIN64, ONES, MIN64},
    {IR_DIVU, 0, ONES, 2, MAX64},
    {IR_DIVU, 0, 5, 0, ONES},
    {IR_REM, 0, (uint64_t)-7, 2, ONES},
    {IR_REM, 0, 7, (uint64_t)-2, 1},
    {IR_REM, 0, 5, 0, 5},
    {IR_REM, 0, MIN64, ONES, 0},
    {IR_REMU, 0, ONES, 10, 5},
    {IR_REMU, 0, 5, 0, 5},
    {IR_DIVW, 0, 0x80000000, 0xffffffff, SX(0x80000000)},
    {IR_DIVW, 0, 7, 0xf00000000, ONES},
    {IR_DIVW, 0, 0x1fffffff9, 2, (uint64_t)-3},
    {IR_DIVUW, 0, 0xffffffff, 1, ONES},
    {IR_DIVUW, 0, 7, 0, ONES},
    {IR_DIVUW, 0, 0xf80000000, 2, 0x40000000},
    {IR_REMW, 0, 0x80000000, 0xffffffff, 0},
    {IR_REMW, 0, 0x80000001, 0, SX(0x80000001)},
    {IR_REMW, 0, 0xfffffff9, 2, ONES},
    {IR_REMUW, 0, 0x80000001, 0, SX(0x80000001)},
    {IR_REMUW, 0, 0xffffffff, 10, 5},
    {IR_SEXT8, 0, 0x1280, 0, 0xffffffffffffff80},
    {IR_SEXT16, 0, 0x128000, 0, 0xffffffffffff8000},
    {IR_SEXT32, 0, 0x1280000000, 0, 0xffffffff80000000},
    {IR_ZEXT8, 0, ONES, 0, 0xff},
    {IR_ZEXT16, 0, ONES, 0, 0xffff},
    {IR_ZEXT32, 0, ONES, 0, 0xffffffff},
    {IR_BSWAP, 0, 0x0102030405060708, 0, 0x0807060504030201},
    {IR_CLZ, 0, 0, 0, 64},
    {IR_CLZ, 0, 1, 0, 63},
    {IR_CTZ, 0, 0, 0, 64},
    {IR_CTZ, 0, MIN64, 0, 63},
    {IR_CPOP, 0, ONES, 0, 64},
    {IR_CLZW, 0, 0xffffffff00000000, 0, 32},
    {IR_CLZW, 0, 0xffffffff00000001, 0, 31},
    {IR_CTZW, 0, 0xffffffff00000000, 0, 32},
    {IR_CTZW, 0, 0x80000000, 0, 31},
    {IR_CPOPW, 0, 0xffffffff00000003, 0, 2},
    {IR_SETC, IR_EQ, 5, 5, 1},
    {IR_SETC, IR_EQ, 5, 6, 0},
    {IR_SETC, IR_NE, 5, 6, 1},
    {IR_SETC, IR_LT, ONES, 0, 1},
    {IR_SETC, IR_LT, 0, 0, 0},
    {IR_SETC, IR_GE, ONES, 0, 0},
    {IR_SETC, IR_GE, 0, 0, 1},
    {IR_SETC, IR_LTU, ONES, 0, 0},
    {IR_SETC, IR_LTU, 0, ONES, 1},
    {IR_SETC, IR_GEU, ONES, 0, 1},
    {IR_MINS, 0, ONES, 1, ONES},
    {IR_MAXS, 0, ONES, 1, 1},
    {IR_MINU, 0, ONES, 1, 1},
    {IR_MAXU, 0, ONES, 1, ONES},
};

static uint64_t run_op(const OpCase *c, IrVar dst, bool immediate) {
    fixture_reset();
    hart->x[5] = c->a;
    hart->x[6] = c->b;
    begin();
    mark();
    IrOp *op = ir_emit(&ir, c->op, dst, IR_X(5), immediate ? IR_IMM : IR_X(6), immediate ? (int64_t)c->b : 0);
    op->aux = c->aux;
    ir_emit(&ir, IR_EXIT_LOOP, 0, 0, 0, RAM_BASE + 4);
    Block b;
    EnterResult r = run_block(&b, 1);
    g_assert_cmpint(r.reason, ==, ENTER_LOOP);
    g_assert_cmpint(hart->budget, ==, 0);
    return hart->x[dst];
}

static void test_op(gconstpointer data) {
    const OpCase *c = data;
    g_assert_cmphex(run_op(c, IR_X(7), false), ==, c->expect);
    g_assert_cmphex(run_op(c, IR_X(5), false), ==, c->expect); /* destination = a */
    g_assert_cmphex(run_op(c, IR_X(6), false), ==, c->expect); /* destination = b */
    if (strchr(ir_op_operands(c->op), 'B')) {
        g_assert_cmphex(run_op(c, IR_X(7), true), ==, c->expect);
    }
}

/* Each pure operation must be in the table above, except those with a test of their own. */
static void test_every_op_has_a_case(void) {
    for (unsigned i = 0; i < IR_N_OPS; i++) {
        bool found = !(ir_op_flags(i) & IROP_PURE) || i == IR_MOVI || i == IR_SEL || i == IR_LDH;
        for (unsigned k = 0; k < G_N_ELEMENTS(op_cases); k++) {
            found |= op_cases[k].op == i;
        }
        if (!found) {
            g_error("no case for %s", ir_op_name(i));
        }
    }
}

static void finish(void) {
    ir_emit(&ir, IR_EXIT_LOOP, 0, 0, 0, (int64_t)(ir.pc + ir.bytes));
}

static void test_sel(void) {
    for (unsigned k = 0; k < 4; k++) {
        fixture_reset();
        hart->x[5] = k & 1;
        hart->x[6] = 66;
        hart->x[7] = 77;
        begin();
        mark();
        IrOp *op = ir_emit(&ir, IR_SEL, IR_X(8), IR_X(5), IR_X(6), 0);
        op->c = IR_X(7);
        op->aux = k >> 1;
        finish();
        Block b;
        run_block(&b, 1);
        bool is_zero = !(k & 1);
        g_assert_cmpuint(hart->x[8], ==, is_zero == (op->aux == IR_EQ) ? 66 : 77);
    }
}

static MemOp memop(MemKind kind, unsigned log2, bool sign) {
    return (MemOp)kind << MEM_KIND_SHIFT | CTX_S << MEM_CTX_SHIFT | log2 | (sign ? MEM_SIGN : 0);
}

/* Loads of every width from 0x…8182838485868788, through the TLB and through the slow path. */
static void test_loads(void) {
    static const uint64_t expect[2][4] = {
        {0x88, 0x8788, 0x85868788, 0x8182838485868788},
        {SX(0xffffff88), SX(0xffff8788), SX(0x85868788), 0x8182838485868788}};
    for (unsigned k = 0; k < 16; k++) {
        fixture_reset();
        if (k & 8) {
            fixture_map(CTX_S, RAM_BASE, false);
        }
        uint64_t value = 0x8182838485868788;
        memcpy(ram + 16, &value, 8);
        hart->x[5] = RAM_BASE + 32;
        begin();
        mark();
        ir_emit(&ir, IR_LD, IR_X(5), IR_X(5), 0, -16)->mem = memop(MEM_LOAD, k & 3, k >> 2 & 1);
        finish();
        Block b;
        run_block(&b, 1);
        g_assert_cmphex(hart->x[5], ==, expect[k >> 2 & 1][k & 3]);
        g_assert_cmpuint(slow_paths, ==, k & 8 ? 0 : 1);
    }
}

static void test_stores(void) {
    static const uint64_t expect[4] = {0xaaaaaaaaaaaaaa88, 0xaaaaaaaaaaaa8788, 0xaaaaaaaa85868788,
                                       0x8182838485868788};
    for (unsigned k = 0; k < 8; k++) {
        fixture_reset();
        fixture_map(CTX_S, RAM_BASE, k & 4);
        memset(ram + 16, 0xaa, 8);
        hart->x[5] = RAM_BASE;
        hart->x[6] = 0x8182838485868788;
        begin();
        mark();
        ir_emit(&ir, IR_ST, 0, IR_X(5), IR_X(6), 16)->mem = memop(MEM_STORE, k & 3, false);
        finish();
        Block b;
        run_block(&b, 1);
        uint64_t value;
        memcpy(&value, ram + 16, 8);
        g_assert_cmphex(value, ==, expect[k & 3]);
        g_assert_cmpuint(slow_paths, ==, k & 4 ? 0 : 1);
    }
}

/* A misaligned access never takes the inline path, even when its page is there. */
static void test_misaligned(void) {
    fixture_reset();
    fixture_map(CTX_S, RAM_BASE, true);
    hart->x[5] = RAM_BASE + 1;
    begin();
    mark();
    ir_emit(&ir, IR_LD, IR_X(6), IR_X(5), 0, 0)->mem = memop(MEM_LOAD, 1, false);
    finish();
    Block b;
    run_block(&b, 1);
    g_assert_cmpuint(slow_paths, ==, 1);
}

/* The second of three instructions faults: pc, left and the registers are those of that instruction. */
static void test_fault_position(void) {
    fixture_reset();
    begin();
    mark();
    ir_emit(&ir, IR_ADD, IR_X(7), IR_X(7), IR_IMM, 1);
    mark();
    ir_emit(&ir, IR_LD, IR_X(8), IR_X(5), 0, 0)->mem = memop(MEM_LOAD, 3, false);
    mark();
    ir_emit(&ir, IR_ADD, IR_X(7), IR_X(7), IR_IMM, 1);
    finish();
    Block b;
    EnterResult r = run_block(&b, 10);
    g_assert_cmpint(r.reason, ==, ENTER_HELPER);
    g_assert_cmpuint(hart->exit, ==, EXIT_FAULT);
    g_assert_cmphex(hart->pc, ==, RAM_BASE + 4);
    g_assert_cmpuint(hart->left, ==, 2);
    g_assert_cmpint(hart->budget, ==, 7);
    g_assert_cmpuint(hart->x[7], ==, 1);
    g_assert_cmpuint(hart->x[8], ==, 0);
}

static void test_redo(void) {
    fixture_reset();
    hart->x[5] = DEVICE_BASE;
    begin();
    mark();
    ir_emit(&ir, IR_ST, 0, IR_X(5), IR_X(5), 0)->mem = memop(MEM_STORE, 2, false);
    finish();
    Block b;
    EnterResult r = run_block(&b, 1);
    g_assert_cmpint(r.reason, ==, ENTER_HELPER);
    g_assert_cmpuint(hart->exit, ==, EXIT_REDO);
    g_assert_cmpuint(hart->left, ==, 1);
}

static void emit_lr_sc(unsigned log2, int64_t sc_offset) {
    begin();
    mark();
    ir_emit(&ir, IR_LR, IR_X(6), IR_X(5), 0, 0)->mem = memop(MEM_LR, log2, true);
    mark();
    ir_emit(&ir, IR_SC, IR_X(7), IR_X(5), IR_X(8), sc_offset)->mem = memop(MEM_SC, log2, false);
    finish();
}

static void test_lr_sc(void) {
    for (unsigned k = 0; k < 2; k++) {
        fixture_reset();
        hart->x[5] = RAM_BASE + 8;
        hart->x[8] = 0x1122334455667788;
        memset(ram + 8, 0xee, 8);
        if (k) {
            fixture_map(CTX_S, RAM_BASE, true);
        }
        emit_lr_sc(2, 0);
        Block b;
        run_block(&b, 2);
        g_assert_cmphex(hart->x[6], ==, SX(0xeeeeeeee));
        g_assert_cmpuint(hart->x[7], ==, 0);
        g_assert_cmphex(hart->res_value, ==, SX(0xeeeeeeee));
        g_assert_cmpuint(hart->res_size, ==, 0);
        uint64_t value;
        memcpy(&value, ram + 8, 8);
        g_assert_cmphex(value, ==, 0xeeeeeeee55667788);
    }
    /* another address: fails, without an access */
    fixture_reset();
    hart->x[5] = RAM_BASE + 8;
    emit_lr_sc(3, 0x100000);
    Block b;
    run_block(&b, 2);
    g_assert_cmpuint(hart->x[7], ==, 1);
    g_assert_cmpuint(hart->exit, ==, EXIT_NONE);
    g_assert_cmpuint(hart->res_size, ==, 0);
}

static void test_amo(void) {
    typedef struct AmoCase {
        IrAmo op;
        unsigned log2;
        uint64_t memory, b, expect;
    } AmoCase;
    static const AmoCase cases[] = {
        {IR_AMO_SWAP, 3, 1, 2, 2},
        {IR_AMO_ADD, 2, 0xffffffff, 1, 0},
        {IR_AMO_ADD, 3, 0xffffffff, 1, 0x100000000},
        {IR_AMO_XOR, 3, 0xff, 0x0f, 0xf0},
        {IR_AMO_AND, 3, 0xff, 0x0f, 0x0f},
        {IR_AMO_OR, 3, 0xf0, 0x0f, 0xff},
        {IR_AMO_MIN, 2, 0x80000000, 1, 0x80000000},
        {IR_AMO_MAX, 2, 0x80000000, 1, 1},
        {IR_AMO_MINU, 2, 0x80000000, 1, 1},
        {IR_AMO_MAXU, 2, 0x80000000, 0xffffffff00000001, 0x80000000},
        {IR_AMO_MAXU, 2, 1, 0x80000000, 0x80000000},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        const AmoCase *c = &cases[i];
        fixture_reset();
        memcpy(ram, &c->memory, 8);
        hart->x[5] = RAM_BASE;
        hart->x[6] = c->b;
        begin();
        mark();
        IrOp *op = ir_emit(&ir, IR_AMO, IR_X(6), IR_X(5), IR_X(6), 0);
        op->mem = memop(MEM_AMO, c->log2, true);
        op->aux = c->op;
        finish();
        Block b;
        run_block(&b, 1);
        uint64_t value;
        memcpy(&value, ram, 8);
        g_assert_cmphex(value, ==, c->expect);
        g_assert_cmphex(hart->x[6], ==, c->log2 == 2 ? SX(c->memory) : c->memory);
    }
}

static void test_call(void) {
    fixture_reset();
    hart->x[5] = 100;
    hart->x[6] = 10;
    hart->pc = 0x55;
    begin();
    mark();
    mark();
    ir_emit(&ir, IR_CALL, IR_X(7), IR_X(5), IR_X(6), HELPER_clmul)->c = IR_X(5);
    finish();
    Block b;
    run_block(&b, 2);
    g_assert_cmpuint(hart->x[7], ==, 100 + 30 + 500 + HELPER_clmul);
    g_assert_cmphex(slow_pc, ==, 0x55); /* a pure helper costs no position */

    fixture_reset();
    begin();
    mark();
    mark();
    ir_emit(&ir, IR_CALL, IR_X(7), IR_X(5), IR_X(6), HELPER_illegal)->aux = 1;
    finish();
    EnterResult r = run_block(&b, 2);
    g_assert_cmpint(r.reason, ==, ENTER_HELPER);
    g_assert_cmphex(slow_pc, ==, RAM_BASE + 4);
    g_assert_cmpuint(slow_left, ==, 1);
    g_assert_cmpuint(hart->x[0], ==, 0);
}

static void test_hart_fields(void) {
    for (unsigned log2 = 0; log2 < 4; log2++) {
        fixture_reset();
        hart->mscratch = ONES;
        hart->x[5] = 0x8182838485868788;
        begin();
        mark();
        ir_emit(&ir, IR_STH, 0, IR_X(5), 0, offsetof(Hart, mscratch))->aux = log2;
        ir_emit(&ir, IR_LDH, IR_X(6), 0, 0, offsetof(Hart, mscratch))->aux = log2;
        finish();
        Block b;
        run_block(&b, 1);
        uint64_t mask = log2 == 3 ? ONES : ((uint64_t)1 << (8u << log2)) - 1;
        g_assert_cmphex(hart->x[6], ==, 0x8182838485868788 & mask);
        g_assert_cmphex(hart->mscratch, ==, (0x8182838485868788 & mask) | (~mask));
    }
}

static void emit_branch(void) {
    begin();
    mark();
    ir_emit(&ir, IR_ADD, IR_X(5), IR_X(5), IR_IMM, -1);
    mark();
    ir_emit(&ir, IR_EXIT_IF, 0, IR_X(5), IR_ZERO, RAM_BASE)->aux = IR_NE;
    ir_emit(&ir, IR_EXIT_TO, 0, 0, 0, RAM_BASE + 8)->c = 1;
}

/* A loop linked to itself runs until its counter or the budget ends. */
static void test_links(void) {
    fixture_reset();
    emit_branch();
    Block b;
    hart->x[5] = 5;
    EnterResult r = run_block(&b, 100);
    g_assert_cmpint(r.reason, ==, ENTER_LINK0);
    g_assert_true(r.from == &b);
    g_assert_cmphex(hart->pc, ==, RAM_BASE);

    b.to[0] = &b;
    r = interp->ops->enter(interp, hart, &b);
    g_assert_cmpint(r.reason, ==, ENTER_LINK1);
    g_assert_cmphex(hart->pc, ==, RAM_BASE + 8);
    g_assert_cmpint(hart->budget, ==, 90);

    hart->x[5] = 5;
    hart->budget = 5;
    r = interp->ops->enter(interp, hart, &b);
    g_assert_cmpint(r.reason, ==, ENTER_BUDGET);
    g_assert_cmphex(hart->pc, ==, RAM_BASE);
    g_assert_cmpint(hart->budget, ==, 1);
    g_assert_cmpuint(hart->x[5], ==, 3);
}

/* A link into another page holds only while the fetch TLB says that the page is what it was. */
static void test_link_guard(void) {
    fixture_reset();
    emit_branch();
    Block b, other;
    hart->x[5] = 1;
    run_block(&b, 2);
    other = b;
    other.pc = RAM_BASE + PAGE_SIZE;
    other.page_id = 9;
    b.to[1] = &other;
    hart->x[5] = 1;
    hart->budget = 2;
    EnterResult r = interp->ops->enter(interp, hart, &b);
    g_assert_cmpint(r.reason, ==, ENTER_LINK1);
    hart->itlb[(other.pc >> PAGE_BITS) & (ITLB_ENTRIES - 1)] = 9;
    hart->x[5] = 1;
    hart->budget = 2;
    r = interp->ops->enter(interp, hart, &b);
    g_assert_cmpint(r.reason, ==, ENTER_BUDGET);
    g_assert_cmphex(hart->pc, ==, other.pc);
}

static void test_jump(void) {
    fixture_reset();
    begin();
    mark();
    ir_emit(&ir, IR_EXIT_JUMP, 0, IR_X(5), 0, 0);
    hart->x[5] = RAM_BASE + 0x20;
    Block b, target;
    EnterResult r = run_block(&b, 1);
    g_assert_cmpint(r.reason, ==, ENTER_LOOKUP);
    g_assert_cmphex(hart->pc, ==, RAM_BASE + 0x20);
    target = b;
    target.pc = RAM_BASE + 0x20;
    target.page_id = 3;
    ((JumpEntry *)hart->jump_cache)[JUMP_CACHE_INDEX(target.pc, target.flags)] =
        (JumpEntry){target.pc, 0, 3, NULL, &target};
    hart->budget = 1;
    r = interp->ops->enter(interp, hart, &b);
    g_assert_cmpint(r.reason, ==, ENTER_LOOKUP); /* page not mapped as then */
    hart->itlb[(target.pc >> PAGE_BITS) & (ITLB_ENTRIES - 1)] = 3;
    hart->budget = 1;
    r = interp->ops->enter(interp, hart, &b);
    g_assert_cmpint(r.reason, ==, ENTER_BUDGET);
    memset(hart->jump_cache, 0, JUMP_CACHE_ENTRIES * sizeof(JumpEntry));
}

/* An early exit gives the steps of the instructions behind it back. */
static void test_side_exit(void) {
    fixture_reset();
    begin();
    mark();
    ir_emit(&ir, IR_EXIT_IF, 0, IR_ZERO, IR_ZERO, RAM_BASE + 0x100)->aux = IR_EQ;
    mark();
    mark();
    finish();
    Block b;
    run_block(&b, 10);
    g_assert_cmpint(hart->budget, ==, 9);
    g_assert_cmphex(hart->pc, ==, RAM_BASE + 0x100);
}

static void test_trace(void) {
    uint64_t words[TRACE_RESERVE + 16] = {0};
    fixture_reset();
    fixture_map(CTX_S, RAM_BASE, true);
    hart->trace_ptr = words;
    hart->trace_limit = words + 8;
    hart->x[5] = RAM_BASE;
    hart->x[6] = 0xffeeddccbbaa9988;
    begin();
    ir.trace_words = 10;
    ir_emit(&ir, IR_TRACE, 0, 0, 10, 42);
    mark();
    IrOp *op = ir_emit(&ir, IR_ST, 0, IR_X(5), IR_X(6), 16);
    op->mem = memop(MEM_STORE, 1, false);
    op->slot = 1;
    mark();
    op = ir_emit(&ir, IR_LD, IR_X(7), IR_X(5), 0, 16);
    op->mem = memop(MEM_LOAD, 0, true);
    op->slot = 4;
    op = ir_emit(&ir, IR_LD, IR_X(8), IR_X(5), 0, 0x1010); /* not in the TLB */
    op->mem = memop(MEM_LOAD, 2, false);
    op->slot = 7;
    finish();
    ram[0x1010] = 0x5a;
    Block b;
    run_block(&b, 2);
    uintptr_t host = (uintptr_t)ram;
    const uint64_t expect[] = {TRACE_BLOCK | 42, RAM_BASE + 16, host + 16, 0x9988,
                               RAM_BASE + 16,    host + 16,     0x88,      RAM_BASE + 0x1010,
                               host + 0x1010,    0x5a};
    g_assert_cmpmem(words, sizeof expect, expect, sizeof expect);
    g_assert_true(hart->trace_ptr == words + 10);
    g_assert_cmphex(hart->x[7], ==, (uint64_t)(int64_t)(int8_t)0x88);

    hart->budget = 2;
    EnterResult r = interp->ops->enter(interp, hart, &b);
    g_assert_cmpint(r.reason, ==, ENTER_TRACE);
    g_assert_cmpint(hart->budget, ==, 2);
    g_assert_cmphex(hart->pc, ==, RAM_BASE);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    fixture_init();
    for (unsigned i = 0; i < G_N_ELEMENTS(op_cases); i++) {
        g_autofree char *path = g_strdup_printf("/interp/op/%s/%u", ir_op_name(op_cases[i].op), i);
        g_test_add_data_func(path, &op_cases[i], test_op);
    }
    g_test_add_func("/interp/op/all", test_every_op_has_a_case);
    g_test_add_func("/interp/sel", test_sel);
    g_test_add_func("/interp/loads", test_loads);
    g_test_add_func("/interp/stores", test_stores);
    g_test_add_func("/interp/misaligned", test_misaligned);
    g_test_add_func("/interp/fault-position", test_fault_position);
    g_test_add_func("/interp/redo", test_redo);
    g_test_add_func("/interp/lr-sc", test_lr_sc);
    g_test_add_func("/interp/amo", test_amo);
    g_test_add_func("/interp/call", test_call);
    g_test_add_func("/interp/hart-fields", test_hart_fields);
    g_test_add_func("/interp/links", test_links);
    g_test_add_func("/interp/link-guard", test_link_guard);
    g_test_add_func("/interp/jump", test_jump);
    g_test_add_func("/interp/side-exit", test_side_exit);
    g_test_add_func("/interp/trace", test_trace);
    int result = g_test_run();
    fixture_done();
    return result;
}
