/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/x86_64/compiler.h"

#include <string.h>

#include "tcg/steps.h"

/* No op's code is longer than this, in either stream (checked after every block). */
#define MAX_OP_BYTES 320u
#define MAX_BLOCK_BYTES(n_ops) (((n_ops) + 4u) * MAX_OP_BYTES)
#define MIN_CODE_SIZE ((size_t)8 << 20)
#define BLOCK_ALIGN 16u

static const OpEntry op_table[IR_N_OPS] = {
    [IR_INSN] = {op_nothing},
    [IR_MOV] = {op_mov},
    [IR_MOVI] = {op_movi},
    [IR_ADD] = {op_add},
    [IR_SUB] = {op_sub},
    [IR_AND] = {op_logic, ALU_AND},
    [IR_OR] = {op_logic, ALU_OR},
    [IR_XOR] = {op_logic, ALU_XOR},
    [IR_ANDN] = {op_andn},
    [IR_ORN] = {op_not_b, ALU_OR},
    [IR_XNOR] = {op_not_b, ALU_XOR},
    [IR_SHL] = {op_shift, SH_SHL},
    [IR_SHR] = {op_shift, SH_SHR},
    [IR_SAR] = {op_shift, SH_SAR},
    [IR_ROL] = {op_rotate, SH_ROL},
    [IR_ROR] = {op_rotate, SH_ROR},
    [IR_ADDW] = {op_addw},
    [IR_SUBW] = {op_subw},
    [IR_SHLW] = {op_shiftw, SH_SHL},
    [IR_SHRW] = {op_shiftw, SH_SHR},
    [IR_SARW] = {op_shiftw, SH_SAR},
    [IR_ROLW] = {op_rotatew, SH_ROL},
    [IR_RORW] = {op_rotatew, SH_ROR},
    [IR_SHADD] = {op_shadd},
    [IR_SHADDUW] = {op_shadduw},
    [IR_MUL] = {op_mul},
    [IR_MULH] = {op_mulh, UN_IMUL},
    [IR_MULHU] = {op_mulh, UN_MUL},
    [IR_MULHSU] = {op_mulhsu},
    [IR_MULW] = {op_mulw},
    [IR_DIV] = {op_div, DIV_SIGNED},
    [IR_DIVU] = {op_div, 0},
    [IR_REM] = {op_div, DIV_SIGNED | DIV_REMAINDER},
    [IR_REMU] = {op_div, DIV_REMAINDER},
    [IR_DIVW] = {op_divw, DIV_SIGNED},
    [IR_DIVUW] = {op_divw, 0},
    [IR_REMW] = {op_divw, DIV_SIGNED | DIV_REMAINDER},
    [IR_REMUW] = {op_divw, DIV_REMAINDER},
    [IR_SEXT8] = {op_extend, O_MOVSX8 | W},
    [IR_SEXT16] = {op_extend, O_MOVSX16 | W},
    [IR_SEXT32] = {op_extend, O_MOVSXD | W},
    [IR_ZEXT8] = {op_extend, O_MOVZX8},
    [IR_ZEXT16] = {op_extend, O_MOVZX16},
    [IR_ZEXT32] = {op_extend, O_LOAD},
    [IR_BSWAP] = {op_bswap},
    [IR_CLZ] = {op_clz, W},
    [IR_CTZ] = {op_ctz, W},
    [IR_CPOP] = {op_cpop, W},
    [IR_CLZW] = {op_clz, 0},
    [IR_CTZW] = {op_ctz, 0},
    [IR_CPOPW] = {op_cpop, 0},
    [IR_SETC] = {op_setc},
    [IR_SEL] = {op_sel},
    [IR_MINS] = {op_minmax, CC_G},
    [IR_MAXS] = {op_minmax, CC_L},
    [IR_MINU] = {op_minmax, CC_A},
    [IR_MAXU] = {op_minmax, CC_B},
    [IR_LD] = {op_ld},
    [IR_ST] = {op_st},
    [IR_LR] = {op_lr},
    [IR_SC] = {op_sc},
    [IR_AMO] = {op_amo},
    [IR_LDH] = {op_ldh},
    [IR_STH] = {op_sth},
    [IR_CALL] = {op_call},
    [IR_EXIT_IF] = {op_exit_if},
    [IR_EXIT_TO] = {op_exit_to},
    [IR_EXIT_JUMP] = {op_exit_jump},
    [IR_EXIT_LOOP] = {op_exit_loop},
    [IR_EXIT_PC] = {op_exit_pc},
    [IR_TRACE] = {op_trace},
    [IR_COUNT] = {op_count},
    [IR_LOWER] = {op_lower},
    [IR_PROBE] = {op_probe},
    [IR_STEP] = {op_step},
};

/* Which operand fields are variables, from the operand strings of the table of ops. */
static void learn_operands(X86Backend *b) {
    static const char *const operands[IR_N_OPS] = {
#define OP(name, text, operands, flags) [IR_##name] = operands,
        IR_OPS(OP)
#undef OP
    };
    for (unsigned i = 0; i < IR_N_OPS; i++) {
        g_assert(op_table[i].fn);
        const char *s = operands[i];
        b->reads[i] = (strchr(s, 'a') ? 1 : 0) | (strpbrk(s, "bB") ? 2 : 0) | (strchr(s, 'c') ? 4 : 0) |
                      (strchr(s, 'D') ? 8 : 0);
    }
}

/* A block's steps take as much as so many ops. */
static size_t bytes_of(const IrBlock *ir) {
    return MAX_BLOCK_BYTES(ir->n_ops + (ir->steps ? ir->steps->n : 0));
}

static bool has_room(const X86Backend *b, size_t need) {
    return (size_t)(b->hot_end - b->hot) >= need && (size_t)(b->cold_end - b->cold) >= need;
}

static void compile_ops(Compiler *c) {
    const IrBlock *ir = c->ir;
    for (uint32_t i = 0; i < ir->n_ops; i++) {
        c->op = &ir->ops[i];
        c->use = &c->uses[i];
        if (c->op->op == IR_INSN) {
            c->insn = c->op->c;
            c->pc = (Gva)c->op->imm;
            continue;
        }
        const OpEntry *entry = &op_table[c->op->op];
        ra_op_begin(c);
        entry->fn(c, entry->arg);
        ra_op_end(c);
    }
}

static bool backend_compile(Backend *base, const IrBlock *ir, Block *block) {
    X86Backend *b = (X86Backend *)base;
    Compiler *c = &b->c;
    if (!has_room(b, bytes_of(ir))) {
        return false;
    }
    c->b = b;
    c->ir = ir;
    c->block = block;
    c->hot.p = b->hot;
    c->cold.p = b->cold;
    c->insn = 0;
    c->pc = ir->pc;
    block->patch[0] = block->patch[1] = block->counted[0] = block->counted[1] = NULL;
    ra_begin(c);
    step_emit_entry(c);
    exits_emit_entry(c);
    compile_ops(c);
    g_assert((size_t)(c->hot.p - b->hot) <= bytes_of(ir));
    g_assert((size_t)(c->cold.p - b->cold) <= bytes_of(ir));
    block->code = b->hot - b->code.write_delta;
    block->code_size = (uint32_t)(c->hot.p - b->hot);
    block->cold = b->cold - b->code.write_delta;
    block->cold_size = (uint32_t)(c->cold.p - b->cold);
    b->hot = (uint8_t *)(((uintptr_t)c->hot.p + BLOCK_ALIGN - 1) & ~(uintptr_t)(BLOCK_ALIGN - 1));
    b->cold = c->cold.p;
    return true;
}

static EnterResult backend_enter(Backend *base, Hart *hart, Block *block) {
    typedef EnterResult EnterFn(Hart * hart, const uint8_t *code);
    X86Backend *b = (X86Backend *)base;
    EnterFn *enter = (EnterFn *)(uintptr_t)(b->thunks.enter - b->code.write_delta);
    return enter(hart, block->entry);
}

static void backend_link(Backend *base, Block *from, unsigned slot, Block *to) {
    exits_link((X86Backend *)base, from, slot, to);
}

static void backend_unlink(Backend *base, Block *from, unsigned slot) {
    exits_unlink((X86Backend *)base, from, slot);
}

static void backend_flush(Backend *base) {
    X86Backend *b = (X86Backend *)base;
    b->hot = b->hot_start;
    b->cold = b->cold_start;
}

static uint64_t backend_code_bytes(const Backend *base) {
    const X86Backend *b = (const X86Backend *)base;
    return (uint64_t)(b->hot - b->hot_start) + (uint64_t)(b->cold - b->cold_start);
}

static void backend_free(Backend *base) {
    X86Backend *b = (X86Backend *)base;
    code_buffer_done(&b->code);
    g_free(b);
}

/* Half the buffer for each stream; the thunks come first in the cold one. */
static void divide_buffer(X86Backend *b) {
    uint8_t *base = b->code.base + b->code.write_delta;
    size_t half = (b->code.size / 2) & ~(size_t)4095;
    b->hot = b->hot_start = base;
    b->hot_end = b->cold = base + half;
    b->cold_end = base + b->code.size;
    Emit e = {b->cold};
    exits_make_thunks(b, &e);
    mem_make_thunks(b, &e);
    call_make_thunks(b, &e);
    observe_make_thunks(b, &e);
    stack_make_thunks(b, &e);
    b->cold = b->cold_start = e.p;
}

Backend *x86_backend_new(const X86Env *env, const X86Features *features, size_t size) {
    static const BackendOps ops = {
        .name = "x86_64",
        .free = backend_free,
        .compile = backend_compile,
        .enter = backend_enter,
        .link = backend_link,
        .unlink = backend_unlink,
        .flush = backend_flush,
        .code_bytes = backend_code_bytes,
        .dump = x86_dump,
    };
    X86Backend *b = g_new0(X86Backend, 1);
    b->base.ops = &ops;
    b->env = *env;
    b->features = *features;
    learn_operands(b);
    if (!code_buffer_init(&b->code, MAX(size, MIN_CODE_SIZE))) {
        g_free(b);
        return NULL;
    }
    divide_buffer(b);
    return &b->base;
}
