/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/instrument.h"

#include <string.h>

G_STATIC_ASSERT(1 + 5 * BLOCK_MAX_INSNS < TRACE_RESERVE);

#define MAX_TRACED 256u

static bool is_traced_call(const IrOp *op) {
    return op->op == IR_CALL && op->imm == HELPER_cbo_zero;
}

static bool is_access(const IrOp *op) {
    return (ir_op_flags(op->op) & IROP_MEM) || is_traced_call(op);
}

/* Describe the access and reserve its words. */
static void add_access(TraceBlock *tb, IrOp *op, uint16_t insn) {
    static const uint8_t kinds[IR_N_OPS] = {
        [IR_LD] = TRACE_MEM_LOAD, [IR_ST] = TRACE_MEM_STORE, [IR_LR] = TRACE_MEM_LR,
        [IR_SC] = TRACE_MEM_SC,   [IR_AMO] = TRACE_MEM_AMO,  [IR_CALL] = TRACE_MEM_CBO};
    g_assert(tb->n_mem < MAX_TRACED);
    op->slot = tb->words;
    tb->mem[tb->n_mem++] = (TraceMem){
        .insn = insn,
        .slot = tb->words,
        .kind = kinds[op->op],
        .size = op->op == IR_CALL ? 6 : op->mem & MEM_SIZE_MASK,
    };
    tb->words += op->op == IR_SC || op->op == IR_AMO ? 4 : 3;
}

/* Two blocks of the same code at the same address, instrumented alike, have the same accesses. */
static guint trace_block_hash(gconstpointer p) {
    const TraceBlock *b = p;
    uint64_t h = b->pc ^ (uint64_t)b->flags << 40 ^ (uint64_t)b->words << 52;
    for (unsigned i = 0; i < b->n_insns; i++) {
        h = (h ^ b->insn_raw[i]) * 0x9e3779b97f4a7c15u;
    }
    return (guint)(h >> 32);
}

static gboolean trace_block_equal(gconstpointer p, gconstpointer q) {
    const TraceBlock *a = p, *b = q;
    return a->pc == b->pc && a->flags == b->flags && a->n_insns == b->n_insns && a->words == b->words &&
           a->n_mem == b->n_mem && !memcmp(a->insn_raw, b->insn_raw, a->n_insns * sizeof *a->insn_raw);
}

GHashTable *instrument_registry_new(void) {
    return g_hash_table_new(trace_block_hash, trace_block_equal);
}

static uint32_t register_block(Hooks *hooks, GHashTable *registry, const TraceBlock *tb) {
    gpointer index;
    if (!g_hash_table_lookup_extended(registry, tb, NULL, &index)) {
        index = GUINT_TO_POINTER(hooks_trace_add_block(hooks, tb));
        g_hash_table_insert(registry, (gpointer)hooks_trace_block(hooks, GPOINTER_TO_UINT(index)), index);
    }
    return GPOINTER_TO_UINT(index);
}

void instrument_trace(Hooks *hooks, GHashTable *registry, uint32_t wants, const uint8_t *bytes, IrBlock *ir) {
    uint8_t len[BLOCK_MAX_INSNS];
    uint32_t raw[BLOCK_MAX_INSNS];
    TraceMem mem[MAX_TRACED];
    TraceBlock tb = {.pc = ir->pc,
                     .flags = ir->flags & ~FLAG_GOES_ON,
                     .words = 1,
                     .insn_len = len,
                     .insn_raw = raw,
                     .mem = mem};
    for (uint32_t i = 0; i < ir->n_ops; i++) {
        IrOp *op = &ir->ops[i];
        if (op->op == IR_INSN) {
            len[tb.n_insns] = op->aux;
            raw[tb.n_insns] = 0;
            memcpy(&raw[tb.n_insns], bytes + ((Gva)op->imm - ir->pc), op->aux);
            raw[tb.n_insns] = GUINT32_FROM_LE(raw[tb.n_insns]);
            tb.n_insns++;
        } else if ((wants & TRACE_WANT_MEM) && is_access(op)) {
            add_access(&tb, op, tb.n_insns - 1);
        }
    }
    g_assert(tb.words < TRACE_RESERVE && ir->n_ops < IR_MAX_OPS);
    ir->trace_words = tb.words;
    memmove(&ir->ops[1], &ir->ops[0], ir->n_ops * sizeof ir->ops[0]);
    ir->n_ops++;
    ir->ops[0] = (IrOp){.op = IR_TRACE, .b = tb.words, .imm = register_block(hooks, registry, &tb)};
}

/* Helpers of floating-point instructions, which are not what the count is about. */
static bool is_counted_call(const IrOp *op) {
    return op->op == IR_CALL && op->imm != HELPER_fp_op && op->imm != HELPER_fp_fma &&
           op->imm != HELPER_fs_dirty;
}

/* Insert the three ops of `hart->helper_insns++` before op `at`. */
static void insert_count(IrBlock *ir, uint32_t at) {
    const int64_t offset = offsetof(Hart, helper_insns);
    g_assert(ir->n_ops + 3 <= IR_MAX_OPS);
    memmove(&ir->ops[at + 3], &ir->ops[at], (ir->n_ops - at) * sizeof ir->ops[0]);
    ir->n_ops += 3;
    IrVar t = ir_temp(ir);
    ir->ops[at] = (IrOp){.op = IR_LDH, .dst = t, .aux = 3, .imm = offset};
    ir->ops[at + 1] = (IrOp){.op = IR_ADD, .dst = t, .a = t, .b = IR_IMM, .imm = 1};
    ir->ops[at + 2] = (IrOp){.op = IR_STH, .a = t, .aux = 3, .imm = offset};
}

void instrument_count_helpers(IrBlock *ir) {
    bool counted = false; /* this instruction */
    for (uint32_t i = 0; i < ir->n_ops; i++) {
        if (ir->ops[i].op == IR_INSN) {
            counted = false;
        } else if (!counted && is_counted_call(&ir->ops[i])) {
            insert_count(ir, i);
            i += 3;
            counted = true;
        }
    }
}

void instrument_cut(Machine *m, Hart *h, uint32_t left) {
    const uint64_t word = TRACE_CUT | left;
    hooks_trace_append(m->hooks, h, &word, 1);
}
