/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x86-64 backend: every operation in every placement of its operands, and random blocks, against the IR
 * interpreter; slow paths, tracing, links.
 */
#include "tests/unit/ir_fixture.h"

#include <inttypes.h>
#include "tcg/x86_64/compiler.h"

static Backend *x86;

static const X86Features no_features;

/* Any x86-64 without the passes that can be turned off, and this one with all of them. */
static Backend *new_backend(const X86Features *features) {
    static const RamBlock block = {.base = RAM_BASE, .size = RAM_SIZE, .host = ram};
    X86Env env = {mmu_load, mmu_store, mmu_rmw, ir_helpers, &block, features == &no_features ? ~0u : 0};
    Backend *b = x86_backend_new(&env, features, 0);
    g_assert_nonnull(b);
    return b;
}

/* -- both backends, same result -----------------------------------------------------------------------------
 */

#define TRACE_WORDS 4096
#define FLAGS (0x13 | FLAG_DIRECT) /* no real hart has 0, which empty jump-cache entries hold */
static uint64_t trace_buffer[TRACE_WORDS];

/* Everything a run may change. */
typedef struct Outcome {
    EnterReason reason;
    uint64_t x[32], f[32], pc, res_addr, res_value;
    uint8_t res_size;
    int64_t budget;
    uint32_t exit, left;
    unsigned slow_paths, helper_calls;
    uint8_t ram[RAM_SIZE];
    uint64_t trace[TRACE_WORDS];
    size_t trace_n;
} Outcome;

static Hart start; /* the hart before each run */
static uint8_t start_ram[RAM_SIZE];

static void run_on(Backend *b, Outcome *o) {
    Block block = {.pc = ir.pc,
                   .flags = ir.flags,
                   .n_insns = ir.n_insns,
                   .bytes = ir.bytes,
                   .trace_words = ir.trace_words};
    memcpy(hart, &start, offsetof(Hart, tlb)); /* the TLB stays as it is */
    memcpy(ram, start_ram, RAM_SIZE);
    memset(trace_buffer, 0, sizeof trace_buffer);
    hart->trace_ptr = trace_buffer;
    hart->trace_limit = trace_buffer + TRACE_WORDS / 2;
    slow_paths = helper_calls = 0;
    if (b == interp) {
        interp_compile_once(interp, &ir, &block);
    } else {
        bool fits = b->ops->compile(b, &ir, &block);
        g_assert_true(fits);
    }
    memset(o, 0, sizeof *o);
    o->reason = b->ops->enter(b, hart, &block).reason;
    memcpy(o->x, hart->x, sizeof o->x);
    memcpy(o->f, hart->f, sizeof o->f);
    o->pc = hart->pc;
    o->res_addr = hart->res_addr;
    o->res_value = hart->res_value;
    o->res_size = hart->res_size;
    o->budget = hart->budget;
    o->exit = hart->exit;
    o->left = o->reason == ENTER_HELPER ? hart->left : 0;
    o->slow_paths = slow_paths;
    o->helper_calls = helper_calls;
    memcpy(o->ram, ram, RAM_SIZE);
    memcpy(o->trace, trace_buffer, sizeof trace_buffer);
    o->trace_n = (size_t)(hart->trace_ptr - trace_buffer);
}

static void report(const Outcome *want, const Outcome *got) {
    g_autoptr(GString) text = g_string_new(NULL);
    ir_print(text, &ir);
    Block block = {.pc = ir.pc, .n_insns = ir.n_insns};
    x86->ops->compile(x86, &ir, &block);
    x86->ops->dump(x86, &block, text);
    g_string_append_printf(
        text, "reason %d, not %d; pc %" PRIx64 ", not %" PRIx64 "; budget %" PRId64 ", not %" PRId64 "\n",
        got->reason, want->reason, got->pc, want->pc, got->budget, want->budget);
    g_string_append_printf(text, "exit %u %u left %u %u slow %u %u calls %u %u trace %zu %zu\n", got->exit,
                           want->exit, got->left, want->left, got->slow_paths, want->slow_paths,
                           got->helper_calls, want->helper_calls, got->trace_n, want->trace_n);
    for (unsigned i = 0; i < 32; i++) {
        if (want->x[i] != got->x[i]) {
            g_string_append_printf(text, "x%u is %" PRIx64 ", not %" PRIx64 ", was %" PRIx64 "\n", i,
                                   got->x[i], want->x[i], start.x[i]);
        }
        if (want->f[i] != got->f[i]) {
            g_string_append_printf(text, "f%u is %" PRIx64 ", not %" PRIx64 "\n", i, got->f[i], want->f[i]);
        }
    }
    for (unsigned i = 0; i < TRACE_WORDS; i++) {
        if (want->trace[i] != got->trace[i]) {
            g_string_append_printf(text, "trace[%u] is %" PRIx64 ", not %" PRIx64 "\n", i, got->trace[i],
                                   want->trace[i]);
        }
    }
    g_error("the backends differ\n%s", text->str);
}

/* Slots that nobody reads: of instructions that did not retire, and the address of a failed SC. */
static void forget_unused_slots(Outcome *o) {
    unsigned retired = ir.n_insns - o->left, insn = 0;
    for (unsigned i = 0; i < ir.n_ops; i++) {
        const IrOp *op = &ir.ops[i];
        insn = op->op == IR_INSN ? op->c : insn;
        if (op->slot && o->trace_n && insn >= retired) {
            memset(&o->trace[op->slot], 0, (op->op == IR_SC || op->op == IR_AMO ? 4 : 3) * 8);
        } else if (op->slot && op->op == IR_SC && o->trace[op->slot + 3] == 0) {
            memset(&o->trace[op->slot], 0, 3 * 8);
        }
    }
}

/* Run what is in `ir` on both from `start`. */
static void compare(void) {
    static Outcome want, got;
    g_autoptr(GString) why = g_string_new(NULL);
    if (!ir_check(&ir, why)) {
        g_error("%s", why->str);
    }
    run_on(interp, &want);
    run_on(x86, &got);
    forget_unused_slots(&want);
    forget_unused_slots(&got);
    if (!((X86Backend *)x86)->env.disabled && got.slow_paths < want.slow_paths) {
        got.slow_paths = want.slow_paths; /* which is what passes are for */
    }
    if (memcmp(&want, &got, sizeof want)) {
        report(&want, &got);
    }
    if ((size_t)x86->ops->code_bytes(x86) > 4u << 20) {
        x86->ops->flush(x86);
    }
}

static void reset_start(int64_t budget) {
    fixture_reset();
    hart->budget = budget;
    hart->flags = FLAGS;
    memcpy(&start, hart, sizeof start);
    memset(start_ram, 0, sizeof start_ram);
}

/* -- every operation, every placement -----------------------------------------------------------------------
 */

static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 0x7f,
                                 0x80,
                                 0xff,
                                 0x7fff,
                                 0xffff,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 0x100000000,
                                 0x123456789abcdef0,
                                 31,
                                 32,
                                 63,
                                 64,
                                 0x7fffffffffffffff,
                                 0x8000000000000000,
                                 0xffffffff7fffffff,
                                 0xffffffff80000000,
                                 0xfffffffffffff800,
                                 UINT64_MAX - 1,
                                 UINT64_MAX};
static const int64_t immediates[] = {0,
                                     1,
                                     2,
                                     5,
                                     31,
                                     32,
                                     63,
                                     64,
                                     127,
                                     128,
                                     -1,
                                     -128,
                                     -129,
                                     0xff,
                                     0xffff,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     -0x7fffffff - 1,
                                     INT64_MIN,
                                     INT64_MAX,
                                     0x123456789a};

/* Where an operand is: pinned (x10, x11), not (x5, x6), a temporary, x0, an f register. */
enum { P0 = 10, P1 = 11, U0 = 5, U1 = 6, F0 = 32 };
static const IrVar sources[] = {P0, P1, U0, U1, IR_TEMP, IR_TEMP + 1, IR_ZERO, F0};
static const IrVar destinations[] = {P0, P1, U0, U1, IR_TEMP, IR_TEMP + 2, F0};

static uint64_t edge(GRand *r) {
    if (g_rand_boolean(r)) {
        return edges[g_rand_int_range(r, 0, G_N_ELEMENTS(edges))];
    }
    return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
}

static unsigned random_aux(GRand *r, IrOpcode op) {
    switch (op) {
    case IR_SHADD: return (unsigned)g_rand_int_range(r, 1, 4);
    case IR_SHADDUW: return (unsigned)g_rand_int_range(r, 0, 4);
    case IR_SETC:
    case IR_EXIT_IF: return (unsigned)g_rand_int_range(r, 0, IR_GEU + 1);
    case IR_SEL: return (unsigned)g_rand_int_range(r, 0, 2);
    default: return 0;
    }
}

static bool is_value_op(IrOpcode op) {
    return (ir_op_flags(op) & IROP_PURE) && op != IR_LDH && strchr(ir_op_operands(op), 'a');
}

/* The op under test between copies in and out of the temporaries; what is alive around it varies with
 * `shape`. */
static void one_op(GRand *r, IrOpcode op, IrVar dst, IrVar a, IrVar b, unsigned shape) {
    begin();
    ir.flags = ir.exit_flags = FLAGS;
    mark();
    ir.n_vars = IR_TEMP + 4;
    ir_emit(&ir, IR_MOV, IR_TEMP, IR_X(28), 0, 0);
    ir_emit(&ir, IR_MOV, IR_TEMP + 1, IR_X(29), 0, 0);
    ir_emit(&ir, IR_MOV, IR_TEMP + 2, IR_X(30), 0, 0);
    if (shape & 1) { /* the locals are taken */
        ir_emit(&ir, IR_ADD, IR_TEMP + 3, U0, U1, 0);
    }
    IrOp *o = ir_emit(&ir, op, dst, a, b, immediates[g_rand_int_range(r, 0, G_N_ELEMENTS(immediates))]);
    o->aux = (uint8_t)random_aux(r, op);
    o->c = sources[g_rand_int_range(r, 0, G_N_ELEMENTS(sources))];
    if (shape & 1) {
        ir_emit(&ir, IR_ADD, IR_X(27), IR_TEMP + 3, U0, 0);
        ir_emit(&ir, IR_ADD, IR_X(27), IR_X(27), U1, 0);
    }
    if (shape & 2) { /* the result is read again */
        ir_emit(&ir, IR_ADD, IR_X(26), dst, U0, 0);
    }
    ir_emit(&ir, IR_MOV, IR_X(28), IR_TEMP, 0, 0);
    ir_emit(&ir, IR_MOV, IR_X(29), IR_TEMP + 1, 0, 0);
    ir_emit(&ir, IR_MOV, IR_X(30), IR_TEMP + 2, 0, 0);
    ir_emit(&ir, IR_EXIT_LOOP, 0, 0, 0, RAM_BASE + 4);
}

static void random_registers(GRand *r) {
    for (unsigned i = 1; i < 32; i++) {
        start.x[i] = edge(r);
        start.f[i] = edge(r);
    }
    start.f[0] = edge(r);
}

static void test_ops(gconstpointer unused) {
    GRand *r = g_rand_new_with_seed(1);
    reset_start(1);
    for (IrOpcode op = 0; op < IR_N_OPS; op++) {
        if (!is_value_op(op)) {
            continue;
        }
        bool immediate = strchr(ir_op_operands(op), 'B');
        for (unsigned i = 0;
             i < G_N_ELEMENTS(sources) * (G_N_ELEMENTS(sources) + 3) * G_N_ELEMENTS(destinations); i++) {
            IrVar dst = destinations[i % G_N_ELEMENTS(destinations)];
            IrVar a = sources[i / G_N_ELEMENTS(destinations) % G_N_ELEMENTS(sources)];
            unsigned at_b = i / G_N_ELEMENTS(destinations) / G_N_ELEMENTS(sources);
            IrVar b = at_b < G_N_ELEMENTS(sources) ? sources[at_b] : immediate ? IR_IMM : U0;
            for (unsigned shape = 0; shape < 4; shape++) {
                random_registers(r);
                one_op(r, op, dst, a, b, shape);
                compare();
            }
        }
    }
    g_rand_free(r);
}

/* -- random blocks ------------------------------------------------------------------------------------------
 */

typedef struct Random {
    GRand *r;
    bool slot_used[2];
    bool traced;
    unsigned n_insns;
} Random;

static unsigned below(Random *g, unsigned n) {
    return (unsigned)g_rand_int_range(g->r, 0, (gint32)n);
}

static IrVar any_source(Random *g) {
    unsigned n_temps = ir.n_vars - IR_TEMP;
    switch (below(g, 8)) {
    case 0: return IR_ZERO;
    case 1:
    case 2:
    case 3: return n_temps ? (IrVar)(IR_TEMP + below(g, n_temps)) : IR_X(below(g, 32));
    case 4: return IR_F(below(g, 4));
    default: return IR_X(below(g, 32));
    }
}

static IrVar any_destination(Random *g) {
    switch (below(g, 6)) {
    case 0:
        if (ir.n_vars < IR_TEMP + 12) {
            return ir.n_vars; /* the caller makes it, after reading */
        }
        return (IrVar)(IR_TEMP + below(g, ir.n_vars - IR_TEMP));
    case 1: return IR_F(below(g, 4));
    default: return IR_X(1 + below(g, 31));
    }
}

static void make_temp(IrVar v) {
    if (v == ir.n_vars) {
        ir_temp(&ir);
    }
}

static int64_t any_imm(Random *g) {
    return below(g, 3) ? immediates[below(g, G_N_ELEMENTS(immediates))] : (int64_t)edge(g->r);
}

static void value_op(Random *g) {
    IrOpcode op;
    do {
        op = (IrOpcode)below(g, IR_N_OPS);
    } while (!is_value_op(op) && op != IR_MOVI);
    IrVar dst = any_destination(g), a = any_source(g), b = any_source(g);
    if (strchr(ir_op_operands(op), 'B') && below(g, 2)) {
        b = IR_IMM;
    }
    IrOp *o = ir_emit(&ir, op, dst, a, b, any_imm(g));
    o->c = any_source(g);
    o->aux = (uint8_t)random_aux(g->r, op);
    make_temp(dst);
}

static uint16_t trace_slot(Random *g, unsigned words) {
    if (!g->traced) {
        return 0;
    }
    uint16_t slot = ir.trace_words;
    ir.trace_words += (uint16_t)words;
    return slot;
}

/* An address that is in RAM, mostly aligned, sometimes far off. */
static void address(Random *g, IrVar t, unsigned align) {
    int64_t mask = below(g, 6) ? (int64_t)(0xfff8 & ~(align - 1u)) : 0xffff;
    ir_emit(&ir, IR_AND, t, any_source(g), IR_IMM, mask);
    ir_emit(&ir, IR_ADD, t, t, IR_IMM, below(g, 60) ? (int64_t)RAM_BASE : (int64_t)DEVICE_BASE);
}

static void memory_op(Random *g) {
    static const uint8_t ops[] = {IR_LD, IR_LD, IR_ST, IR_ST, IR_LR, IR_SC, IR_AMO};
    static const uint8_t kinds[] = {MEM_LOAD, MEM_LOAD, MEM_STORE, MEM_STORE, MEM_LR, MEM_SC, MEM_AMO};
    unsigned i = below(g, G_N_ELEMENTS(ops));
    IrOpcode op = ops[i];
    unsigned size = i >= 4 ? 2 + below(g, 2) : below(g, 4);
    IrVar base = below(g, 3) ? (IrVar)(IR_TEMP) : IR_X(below(g, 2) ? 8 : 18);
    int64_t imm = i >= 4 ? 0 : below(g, 4) ? (int64_t)(8 * below(g, below(g, 6) ? 8 : 1024)) - 16 : 0;
    if (op == IR_SC && below(g, 2)) {
        base = IR_ZERO;
        imm = start.res_addr;
    } else if (below(g, 8) == 0) {
        base = IR_ZERO;
        imm = RAM_BASE + 8 * below(g, RAM_SIZE / 8);
        if (below(g, 2)) { /* part of it in a temporary of known value */
            base = ir.n_vars < IR_TEMP + 12 ? ir_temp(&ir) : IR_TEMP;
            ir_emit(&ir, IR_MOVI, base, 0, 0, imm - 0x123450);
            imm = 0x123450;
        }
    } else if (below(g, 2)) { /* else the same base again */
        address(g, base, 1u << size);
    }
    IrVar dst = any_destination(g), b = any_source(g);
    IrOp *o = ir_emit(&ir, op, dst, base, b, imm);
    o->mem = size | (unsigned)kinds[i] << MEM_KIND_SHIFT | CTX_S << MEM_CTX_SHIFT;
    o->mem |= op == IR_LD && below(g, 2) ? MEM_SIGN : 0;
    o->aux = op == IR_AMO ? (uint8_t)below(g, IR_AMO_MAXU + 1) : 0;
    o->slot = trace_slot(g, i >= 5 ? 4 : 3);
    if (op != IR_ST) {
        make_temp(dst);
    }
}

static void other_op(Random *g) {
    IrVar dst = any_destination(g);
    switch (below(g, 6)) {
    case 0: ir_emit(&ir, IR_LDH, dst, 0, 0, offsetof(Hart, mscratch))->aux = (uint8_t)below(g, 4); break;
    case 1:
        ir_emit(&ir, IR_STH, 0, any_source(g), 0, offsetof(Hart, sscratch))->aux = (uint8_t)below(g, 4);
        return;
    case 2:
        if (!g->slot_used[0] && ir.n_insns > 1) {
            g->slot_used[0] = true;
            IrOp *o = ir_emit(&ir, IR_EXIT_IF, 0, any_source(g), any_source(g),
                              RAM_BASE + (below(g, 2) ? 0x40 : 0x4000));
            o->aux = (uint8_t)random_aux(g->r, IR_EXIT_IF);
        }
        return;
    default: {
        static const uint8_t helpers[] = {HELPER_clmul, HELPER_csr, HELPER_yield, HELPER_fs_dirty,
                                          HELPER_illegal};
        unsigned h = below(g, 40) ? below(g, 4) : 4;
        IrOp *o = ir_emit(&ir, IR_CALL, dst, any_source(g), any_source(g), helpers[h]);
        o->c = any_source(g);
        if (below(g, 3) == 0) {
            o->aux = 1;
            o->dst = IR_NONE;
            return;
        }
    }
    }
    make_temp(dst);
}

static void end_block(Random *g) {
    switch (below(g, 4)) {
    case 0: ir_emit(&ir, IR_EXIT_TO, 0, 0, 0, RAM_BASE + (below(g, 2) ? 0x40 : 0x4000))->c = 1; break;
    case 1: ir_emit(&ir, IR_EXIT_JUMP, 0, any_source(g), 0, 0); break;
    case 2: ir_emit(&ir, IR_EXIT_LOOP, 0, 0, 0, RAM_BASE + 0x100); break;
    default: ir_emit(&ir, IR_EXIT_PC, 0, 0, 0, 0); break;
    }
}

static void random_block(Random *g, unsigned n_ops) {
    begin();
    ir.flags = ir.exit_flags = FLAGS;
    g->slot_used[0] = g->slot_used[1] = false;
    ir.trace_words = 1;
    if (g->traced) {
        ir_emit(&ir, IR_TRACE, 0, 0, 0, 7);
    }
    mark();
    ir_emit(&ir, IR_MOVI, ir_temp(&ir), 0, 0, RAM_BASE + 0x200);
    for (unsigned i = 0; i < n_ops; i++) {
        if (below(g, 3) == 0) {
            mark();
        }
        unsigned kind = below(g, 10);
        kind < 6 ? value_op(g) : kind < 9 ? memory_op(g) : other_op(g);
    }
    end_block(g);
    if (g->traced) {
        ir.ops[0].b = ir.trace_words;
    } else {
        ir.trace_words = 0;
    }
}

/* Half of the pages in the TLB, half of those writable; sometimes a reservation. */
static void random_start(Random *g) {
    reset_start(below(g, 8) ? 100 : 3);
    random_registers(g->r);
    for (unsigned i = 0; i < RAM_SIZE; i++) {
        start_ram[i] = (uint8_t)g_rand_int(g->r);
    }
    for (Gva va = RAM_BASE; va < RAM_BASE + RAM_SIZE; va += PAGE_SIZE) {
        if (below(g, 2)) {
            fixture_map(CTX_S, va, below(g, 2));
        }
    }
    start.res_addr = RAM_BASE + 8 * below(g, RAM_SIZE / 8);
    start.res_size = (uint8_t)(below(g, 2) ? 4 : 8);
    memcpy(&start.res_value, start_ram + (start.res_addr - RAM_BASE), 8);
    start.res_value ^= below(g, 4) == 0;
    start.mscratch = edge(g->r);
}

static void random_blocks(unsigned seed, unsigned n, bool traced) {
    Random g = {.r = g_rand_new_with_seed(seed), .traced = traced};
    for (unsigned i = 0; i < n; i++) {
        random_start(&g);
        for (unsigned j = 0; j < 10; j++) {
            random_block(&g, 1 + below(&g, 40));
            compare();
        }
    }
    g_rand_free(g.r);
}

static void test_random(gconstpointer unused) {
    random_blocks(2, 800, false);
}
static void test_random_traced(gconstpointer unused) {
    random_blocks(3, 400, true);
}

/* -- links --------------------------------------------------------------------------------------------------
 */

/* A block of two instructions at pc: x5 += 1, then `end`. */
static void counting_block(Block *b, Gva pc, IrOpcode end, Gva target, unsigned slot) {
    ir_init(&ir, pc, FLAGS);
    mark();
    ir_emit(&ir, IR_ADD, U0, U0, IR_IMM, 1);
    mark();
    IrOp *op = ir_emit(&ir, end, 0, end == IR_EXIT_JUMP ? P0 : IR_ZERO, IR_ZERO, (int64_t)target);
    op->c = (uint16_t)slot;
    if (end == IR_EXIT_IF) { /* x0 == x0 */
        ir_emit(&ir, IR_EXIT_LOOP, 0, 0, 0, 0);
    }
    *b = (Block){.pc = pc, .flags = FLAGS, .page_id = 9, .n_insns = 2};
    bool fits = x86->ops->compile(x86, &ir, b);
    g_assert_true(fits);
}

static void expect_enter(Block *b, int64_t budget, EnterReason reason, Gva pc, int64_t left, uint64_t count) {
    hart->budget = budget;
    hart->x[U0] = 0;
    EnterResult r = x86->ops->enter(x86, hart, b);
    g_assert_cmpint(r.reason, ==, reason);
    g_assert_cmphex(hart->pc, ==, pc);
    g_assert_cmpint(hart->budget, ==, left);
    g_assert_cmpint(hart->x[U0], ==, count);
    g_assert_true(reason > ENTER_LINK1 || r.from == b);
}

static void check_link(IrOpcode end, Gva target, unsigned slot) {
    Block from, to;
    reset_start(0);
    counting_block(&to, target, IR_EXIT_LOOP, RAM_BASE + 0x800, 0);
    counting_block(&from, RAM_BASE, end, target, slot);
    uint32_t *guard = &hart->itlb[target >> PAGE_BITS & (ITLB_ENTRIES - 1)];
    *guard = 9;
    expect_enter(&from, 10, (EnterReason)slot, target, 8, 1);
    x86->ops->link(x86, &from, slot, &to);
    expect_enter(&from, 10, ENTER_LOOP, RAM_BASE + 0x800, 6, 2);
    expect_enter(&from, 3, ENTER_BUDGET, target, 1, 1);
    if ((target ^ RAM_BASE) & PAGE_MASK) {
        *guard = 8;
        expect_enter(&from, 10, (EnterReason)slot, target, 8, 1);
        *guard = 9;
    }
    x86->ops->unlink(x86, &from, slot);
    expect_enter(&from, 10, (EnterReason)slot, target, 8, 1);
}

static void test_links(gconstpointer unused) {
    for (unsigned slot = 0; slot < 2; slot++) {
        check_link(IR_EXIT_TO, RAM_BASE + 0x40, slot);
        check_link(IR_EXIT_TO, RAM_BASE + 0x4040, slot);
        check_link(IR_EXIT_TO, UINT64_MAX - 0xfff, slot);
        check_link(IR_EXIT_IF, RAM_BASE + 0x40, slot);
        check_link(IR_EXIT_IF, RAM_BASE - 0x40, slot);
    }
}

/* A block linked to itself runs until the budget is short of it. */
static void test_loop(gconstpointer unused) {
    Block b;
    reset_start(0);
    counting_block(&b, RAM_BASE, IR_EXIT_TO, RAM_BASE, 0);
    x86->ops->link(x86, &b, 0, &b);
    expect_enter(&b, 100001, ENTER_BUDGET, RAM_BASE, 1, 50000);
    expect_enter(&b, 1, ENTER_BUDGET, RAM_BASE, 1, 0);
}

static void test_jump_cache(gconstpointer unused) {
    Block from, to;
    reset_start(0);
    Gva target = RAM_BASE + 0x2468;
    counting_block(&to, target, IR_EXIT_LOOP, RAM_BASE + 0x800, 0);
    counting_block(&from, RAM_BASE, IR_EXIT_JUMP, 0, 0);
    hart->x[P0] = target;
    expect_enter(&from, 10, ENTER_LOOKUP, target, 8, 1);
    JumpEntry *e = (JumpEntry *)hart->jump_cache + JUMP_CACHE_INDEX(target, FLAGS);
    *e = (JumpEntry){target, FLAGS, 9, to.code, &to};
    expect_enter(&from, 10, ENTER_LOOKUP, target, 8, 1);
    hart->itlb[target >> PAGE_BITS & (ITLB_ENTRIES - 1)] = 9;
    expect_enter(&from, 10, ENTER_LOOP, RAM_BASE + 0x800, 6, 2);
    e->flags = FLAGS + 1;
    expect_enter(&from, 10, ENTER_LOOKUP, target, 8, 1);
    e->flags = FLAGS;
    e->pc = target + 2;
    expect_enter(&from, 10, ENTER_LOOKUP, target, 8, 1);
    *e = (JumpEntry){0};
}

/* A full buffer refuses, and takes blocks again after a flush. */
static void test_full(gconstpointer unused) {
    Block b;
    unsigned n = 0;
    reset_start(0);
    do {
        ir_init(&ir, RAM_BASE, FLAGS);
        for (unsigned i = 0; i < BLOCK_MAX_INSNS; i++) {
            mark();
            for (unsigned j = 0; j < 16; j++) {
                IrOp *op = ir_emit(&ir, IR_AMO, IR_X(5 + j), IR_X(6), IR_X(7 + j), 0);
                op->mem = 3 | MEM_AMO << MEM_KIND_SHIFT;
            }
        }
        ir_emit(&ir, IR_EXIT_LOOP, 0, 0, 0, 0);
        b = (Block){.pc = ir.pc, .n_insns = ir.n_insns};
        n++;
    } while (x86->ops->compile(x86, &ir, &b));
    g_assert_cmpint(n, >, 5);
    x86->ops->flush(x86);
    test_links(NULL);
}

/* -- with and without the host's features ---------------------------------------------------------------- */

static void add_tests(const char *name, const X86Features *features, GTestDataFunc fn) {
    g_autofree char *path = g_strdup_printf("/x86/%s/%s", name, features->bmi1 ? "features" : "plain");
    g_test_add_data_func(path, features, fn);
}

#define ON_BOTH(fn)                                                                                          \
    static void fn##_on(gconstpointer features) {                                                            \
        x86 = new_backend(features);                                                                         \
        fn(NULL);                                                                                            \
        x86->ops->free(x86);                                                                                 \
    }
ON_BOTH(test_ops)
ON_BOTH(test_random)
ON_BOTH(test_random_traced)
ON_BOTH(test_links)
ON_BOTH(test_loop)
ON_BOTH(test_jump_cache)
ON_BOTH(test_full)

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    fixture_init();
    X86Features host;
    x86_features_detect(&host);
    const X86Features *all[] = {&host, &no_features};
    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        add_tests("ops", all[i], test_ops_on);
        add_tests("random", all[i], test_random_on);
        add_tests("random-traced", all[i], test_random_traced_on);
    }
    add_tests("links", &host, test_links_on);
    add_tests("loop", &host, test_loop_on);
    add_tests("jump-cache", &host, test_jump_cache_on);
    add_tests("full", &host, test_full_on);
    int status = g_test_run();
    fixture_done();
    return status;
}
