/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter's loop: one function, because the labels that ops carry live only inside it. Whatever can go
 * wrong (slow paths, atomics) is in functions of its own.
 */
#include "tcg/interp/interp.h"

#include <string.h>

#include "tcg/instrument.h"
#include "tcg/probe.h"
#include "tcg/steps.h"

#define REG(field) (*(uint64_t *)((char *)h + op->field))

/* Guest memory is little-endian: a value of `size` bytes as the host has it, from memory's order or to it. */
static inline uint64_t guest_order(uint64_t value, unsigned size) {
    return G_BYTE_ORDER == G_LITTLE_ENDIAN ? value : __builtin_bswap64(value) >> (64 - 8 * size);
}

static inline void *host_address(const TlbEntry *e, Gva va) {
    return (void *)(uintptr_t)(va + e->addend);
}

static inline bool tlb_hit(uint64_t tag, Gva va, unsigned size) {
    return (va & (PAGE_MASK | (size - 1))) == tag;
}

static inline TlbEntry *tlb_entry(Hart *h, const InterpOp *op, Gva va) {
    return &h->tlb[op->ctx][(va >> PAGE_BITS) & (TLB_ENTRIES - 1)];
}

/* What slow paths and helpers find in the hart: where we are, exactly. */
static inline void store_position(Hart *h, const Block *block, const InterpOp *op) {
    h->pc = block->pc + 2u * op->pc;
    h->left = block->n_insns - op->insn;
}

static uint64_t G_GNUC_NO_INLINE load_slow(Hart *h, const Block *block, const InterpOp *op, Gva va) {
    store_position(h, block, op);
    return mmu_load(h, va, op->mem);
}

static void G_GNUC_NO_INLINE store_slow(Hart *h, const Block *block, const InterpOp *op, Gva va,
                                        uint64_t value) {
    store_position(h, block, op);
    mmu_store(h, va, value, op->mem);
}

static void trace_access(uint64_t *slot, Gva va, uint64_t loc, uint64_t value, unsigned size) {
    slot[0] = va; /* NOLINT(clang-analyzer-core.*): only blocks that have a record come here */
    slot[1] = loc;
    slot[2] = size == 8 ? value : value & (((uint64_t)1 << 8 * size) - 1);
}

static uint64_t load_host(const void *p, unsigned size) {
    if (size == 4) {
        uint32_t w;
        memcpy(&w, p, 4);
        return eval_sext32(guest_order(w, 4));
    }
    uint64_t d;
    memcpy(&d, p, 8);
    return guest_order(d, 8);
}

static void store_host(void *p, uint64_t value, unsigned size) {
    value = guest_order(size == 4 ? (uint32_t)value : value, size);
    memcpy(p, &value, size);
}

/* Host address for writing `size` aligned bytes, or NULL with hart->exit set. */
static void *rmw_address(Hart *h, const Block *block, const InterpOp *op, Gva va, unsigned size) {
    TlbEntry *e = tlb_entry(h, op, va);
    if (tlb_hit(e->write, va, size)) {
        h->mem_loc = va + e->addend;
        return host_address(e, va);
    }
    store_position(h, block, op);
    return mmu_rmw(h, va, op->mem & ((1u << INTERP_AMO_SHIFT) - 1));
}

static bool exec_lr(Hart *h, const Block *block, const InterpOp *op, uint64_t *record) {
    Gva va = REG(a) + (uint64_t)op->imm;
    unsigned size = MEM_SIZE(op->mem);
    TlbEntry *e = tlb_entry(h, op, va);
    uint64_t value;
    if (tlb_hit(e->read, va, size)) {
        h->mem_loc = va + e->addend;
        value = load_host(host_address(e, va), size);
    } else {
        value = load_slow(h, block, op, va);
        if (h->exit) {
            return false;
        }
        value = size == 4 ? eval_sext32(value) : value;
    }
    h->res_addr = va;
    h->res_value = value;
    h->res_size = (uint8_t)size;
    REG(dst) = value;
    if (op->c) {
        trace_access(record + op->c, va, h->mem_loc, value, size);
    }
    return true;
}

static bool exec_sc(Hart *h, const Block *block, const InterpOp *op, uint64_t *record) {
    Gva va = REG(a) + (uint64_t)op->imm;
    uint64_t value = REG(b);
    unsigned size = MEM_SIZE(op->mem);
    bool done = false;
    /* A misaligned address is an exception with and without a reservation (unprivileged spec §14.2). */
    if ((h->res_size == size && h->res_addr == va) || va & (size - 1)) {
        void *p = rmw_address(h, block, op, va, size);
        if (!p) {
            return false;
        }
        uint64_t expected = size == 4 ? eval_sext32(h->res_value) : h->res_value;
        done = load_host(p, size) == expected;
        if (done) {
            store_host(p, value, size);
        }
    }
    h->res_size = 0;
    REG(dst) = !done;
    if (op->c) {
        trace_access(record + op->c, va, h->mem_loc, value, size);
        record[op->c + 3] = done;
    }
    return true;
}

static bool exec_amo(Hart *h, const Block *block, const InterpOp *op, uint64_t *record) {
    Gva va = REG(a) + (uint64_t)op->imm;
    unsigned size = MEM_SIZE(op->mem);
    void *p = rmw_address(h, block, op, va, size);
    if (!p) {
        return false;
    }
    uint64_t operand = size == 4 ? eval_sext32(REG(b)) : REG(b);
    uint64_t old = load_host(p, size);
    uint64_t value = ir_eval_amo((IrAmo)(op->mem >> INTERP_AMO_SHIFT), old, operand);
    store_host(p, value, size);
    REG(dst) = old;
    if (op->c) {
        trace_access(record + op->c, va, h->mem_loc, old, size);
        record[op->c + 3] = size == 4 ? (uint32_t)value : value;
    }
    return true;
}

static void G_GNUC_NO_INLINE run_probe(Hart *h, const Block *block, const InterpOp *op) {
    const ProbeCall *call = (const ProbeCall *)(intptr_t)op->imm;
    if (call->conditional) {
        if (!probe_cond_holds(call->cond, *hart_counter(h, call->counter), (uint64_t)(int64_t)call->value)) {
            return;
        }
    }
    store_position(h, block, op);
    if (call->direct) {
        call->direct(call->data, h);
    } else if (call->direct_mem) {
        h->probe_access = call->access;
        h->probe_access.va = REG(a);
        h->probe_access.value = probe_access_bytes(&call->access, REG(b));
        call->direct_mem(call->data, h, &h->probe_access);
    } else {
        call->fn(h, call, REG(a), REG(b), REG(c));
    }
}

/* A side exit in the middle of a block: the rest was not done. */
static void G_GNUC_NO_INLINE refund(Hart *h, const Block *block, const InterpOp *op) {
    uint32_t left = block->n_insns - op->insn - 1u;
    h->budget += left;
    if (block->trace_words) {
        h->left = 0;
        instrument_cut(h->machine, h, left);
    }
}

/* The block linked to exit `slot`, if the link holds now: one to another page does while that page is mapped so. */
static inline Block *linked(const Hart *h, const Block *block, unsigned slot) {
    Block *to = block->to[slot];
    if (to && ((to->pc ^ block->pc) & PAGE_MASK) &&
        h->itlb[(to->pc >> PAGE_BITS) & (ITLB_ENTRIES - 1)] != to->page_id) {
        return NULL;
    }
    return to;
}

#define LEAVE(pc_value, reason_value)                                                                        \
    do {                                                                                                     \
        h->pc = (pc_value);                                                                                  \
        return (EnterResult){block, (reason_value)};                                                         \
    } while (0)
#define LEAVE_IF_EXIT()                                                                                      \
    do {                                                                                                     \
        if (G_UNLIKELY(h->exit)) {                                                                           \
            return (EnterResult){block, ENTER_HELPER};                                                       \
        }                                                                                                    \
    } while (0)
#define NEXT()                                                                                               \
    do {                                                                                                     \
        op++;                                                                                                \
        goto * op->go;                                                                                       \
    } while (0)

/* The label table, in the order of INTERP_CODES. */
#define INTERP_CODE_LABEL(name) &&L_##name,
#define INTERP_BINARY_CODES_LABEL(name, expr) &&L_##name##_RR, &&L_##name##_RI,
#define INTERP_UNARY_CODES_LABEL(name, expr) &&L_##name,
#define INTERP_COND_CODES_LABEL(name, expr) &&L_SETC_##name##_RR, &&L_SETC_##name##_RI, &&L_EXIT_IF_##name,
#define INTERP_LOAD_CODES_LABEL(name, size, sign, type) &&L_LD_##name, &&L_LD_##name##_T,
#define INTERP_SIZE_CODES_LABEL(name, size, type)                                                            \
    &&L_ST_##name, &&L_ST_##name##_T, &&L_LDH_##name, &&L_STH_##name,

EnterResult interp_run(Hart *h, Block *block, const void *const **labels) {
    static const void *const label_table[INTERP_N_CODES] = {INTERP_CODES(LABEL)};
    if (!h) {
        *labels = label_table;
        return (EnterResult){NULL, ENTER_LOOP};
    }
    const InterpOp *op;
    uint64_t *record = NULL;
    unsigned slot;

enter_block:
    if (G_UNLIKELY(h->budget < block->n_insns)) {
        h->pc = block->pc;
        return (EnterResult){NULL, ENTER_BUDGET};
    }
    if (G_UNLIKELY(block->trace_words && h->trace_ptr > h->trace_limit)) {
        h->pc = block->pc;
        return (EnterResult){NULL, ENTER_TRACE};
    }
    if (G_UNLIKELY(block->steps)) {
        h->left = 0;
        steps_enter(h, block->steps);
    }
    h->budget -= block->n_insns;
    op = (const InterpOp *)block->interp;
    goto * op->go;

#define BINARY(name, expr)                                                                                   \
    L_##name##_RR : {                                                                                        \
        uint64_t a = REG(a), b = REG(b);                                                                     \
        REG(dst) = (expr);                                                                                   \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_##name##_RI : {                                                                                        \
        uint64_t a = REG(a), b = (uint64_t)op->imm;                                                          \
        REG(dst) = (expr);                                                                                   \
        NEXT();                                                                                              \
    }
    IR_EVAL_BINARY(BINARY)

#define UNARY(name, expr)                                                                                    \
    L_##name : {                                                                                             \
        uint64_t a = REG(a);                                                                                 \
        REG(dst) = (expr);                                                                                   \
        NEXT();                                                                                              \
    }
    IR_EVAL_UNARY(UNARY)

#define COND(name, expr)                                                                                     \
    L_SETC_##name##_RR : {                                                                                   \
        uint64_t a = REG(a), b = REG(b);                                                                     \
        REG(dst) = (expr);                                                                                   \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_SETC_##name##_RI : {                                                                                   \
        uint64_t a = REG(a), b = (uint64_t)op->imm;                                                          \
        REG(dst) = (expr);                                                                                   \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_EXIT_IF_##name : {                                                                                     \
        uint64_t a = REG(a), b = REG(b);                                                                     \
        if (expr) {                                                                                          \
            goto side_exit;                                                                                  \
        }                                                                                                    \
        NEXT();                                                                                              \
    }
    IR_EVAL_COND(COND)

/* Loads: inline through the TLB, else the slow path; the _T forms leave a trace record. */
#define LOAD(name, log2, sign, type)                                                                         \
    L_LD_##name : {                                                                                          \
        Gva va = REG(a) + (uint64_t)op->imm;                                                                 \
        const TlbEntry *e = tlb_entry(h, op, va);                                                            \
        if (G_LIKELY(tlb_hit(e->read, va, sizeof(type)))) {                                                  \
            type value;                                                                                      \
            memcpy(&value, host_address(e, va), sizeof(type));                                               \
            value = (type)guest_order((uint64_t)value, sizeof(type));                                        \
            REG(dst) = (uint64_t)(int64_t)value;                                                             \
            NEXT();                                                                                          \
        }                                                                                                    \
        uint64_t value = load_slow(h, block, op, va);                                                        \
        LEAVE_IF_EXIT();                                                                                     \
        REG(dst) = (uint64_t)(int64_t)(type)value;                                                           \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_LD_##name##_T : {                                                                                      \
        Gva va = REG(a) + (uint64_t)op->imm;                                                                 \
        const TlbEntry *e = tlb_entry(h, op, va);                                                            \
        type value;                                                                                          \
        if (G_LIKELY(tlb_hit(e->read, va, sizeof(type)))) {                                                  \
            h->mem_loc = va + e->addend;                                                                     \
            memcpy(&value, host_address(e, va), sizeof(type));                                               \
            value = (type)guest_order((uint64_t)value, sizeof(type));                                        \
        } else {                                                                                             \
            value = (type)load_slow(h, block, op, va);                                                       \
            LEAVE_IF_EXIT();                                                                                 \
        }                                                                                                    \
        trace_access(record + op->c, va, h->mem_loc, (uint64_t)value, sizeof(type));                         \
        REG(dst) = (uint64_t)(int64_t)value;                                                                 \
        NEXT();                                                                                              \
    }
    INTERP_LOADS(LOAD)

#define SIZED(name, log2, type)                                                                              \
    L_ST_##name : {                                                                                          \
        Gva va = REG(a) + (uint64_t)op->imm;                                                                 \
        const TlbEntry *e = tlb_entry(h, op, va);                                                            \
        if (G_LIKELY(tlb_hit(e->write, va, sizeof(type)))) {                                                 \
            type value = (type)guest_order((type)REG(b), sizeof(type));                                      \
            memcpy(host_address(e, va), &value, sizeof(type));                                               \
            NEXT();                                                                                          \
        }                                                                                                    \
        store_slow(h, block, op, va, REG(b));                                                                \
        LEAVE_IF_EXIT();                                                                                     \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_ST_##name##_T : {                                                                                      \
        Gva va = REG(a) + (uint64_t)op->imm;                                                                 \
        const TlbEntry *e = tlb_entry(h, op, va);                                                            \
        if (G_LIKELY(tlb_hit(e->write, va, sizeof(type)))) {                                                 \
            type value = (type)guest_order((type)REG(b), sizeof(type));                                      \
            memcpy(host_address(e, va), &value, sizeof(type));                                               \
            h->mem_loc = va + e->addend;                                                                     \
        } else {                                                                                             \
            store_slow(h, block, op, va, REG(b));                                                            \
            LEAVE_IF_EXIT();                                                                                 \
        }                                                                                                    \
        trace_access(record + op->c, va, h->mem_loc, REG(b), sizeof(type));                                  \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_LDH_##name : {                                                                                         \
        type value;                                                                                          \
        memcpy(&value, (const char *)h + op->imm, sizeof(type));                                             \
        REG(dst) = value;                                                                                    \
        NEXT();                                                                                              \
    }                                                                                                        \
    L_STH_##name : {                                                                                         \
        type value = (type)REG(a);                                                                           \
        memcpy((char *)h + op->imm, &value, sizeof(type));                                                   \
        NEXT();                                                                                              \
    }
    INTERP_SIZES(SIZED)

L_MOVI:
    REG(dst) = (uint64_t)op->imm;
    NEXT();
L_SHADD:
    REG(dst) = (REG(a) << op->c) + REG(b);
    NEXT();
L_SHADDUW:
    REG(dst) = ((uint64_t)(uint32_t)REG(a) << op->c) + REG(b);
    NEXT();
L_SEL_EQ:
    REG(dst) = REG(a) == 0 ? REG(b) : REG(c);
    NEXT();
L_SEL_NE:
    REG(dst) = REG(a) != 0 ? REG(b) : REG(c);
    NEXT();

L_LR:
    if (!exec_lr(h, block, op, record)) {
        return (EnterResult){block, ENTER_HELPER};
    }
    NEXT();
L_SC:
    if (!exec_sc(h, block, op, record)) {
        return (EnterResult){block, ENTER_HELPER};
    }
    NEXT();
L_AMO:
    if (!exec_amo(h, block, op, record)) {
        return (EnterResult){block, ENTER_HELPER};
    }
    NEXT();

L_CALL_PURE : {
    uint64_t result = ((IrHelperFn *)(intptr_t)op->imm)(h, REG(a), REG(b), REG(c));
    if (op->dst) {
        REG(dst) = result;
    }
    NEXT();
}
L_CALL_FULL : {
    uint64_t a = REG(a);
    store_position(h, block, op);
    uint64_t result = ((IrHelperFn *)(intptr_t)op->imm)(h, a, REG(b), REG(c));
    LEAVE_IF_EXIT();
    if (op->mem) { /* cbo.zero, traced */
        trace_access(record + op->mem, a & ~(uint64_t)63, h->mem_loc, 0, 8);
    }
    if (op->dst) {
        REG(dst) = result;
    }
    NEXT();
}

L_COUNT_ADD:
    *hart_counter(h, op->mem) += (uint64_t)op->imm;
    NEXT();
L_COUNT_STORE:
    *hart_counter(h, op->mem) = (uint64_t)op->imm;
    NEXT();
L_LOWER : {
    uint64_t *counter = hart_counter(h, op->mem);
    *counter = MIN(*counter, REG(a) + (uint64_t)op->imm);
    NEXT();
}
L_PROBE:
    run_probe(h, block, op);
    NEXT();
L_STEP:
    steps_leave(h, block->steps);
    NEXT();

L_TRACE:
    record = h->trace_ptr;
    record[0] = TRACE_BLOCK | (uint32_t)op->imm;
    h->trace_ptr += op->c;
    NEXT();

side_exit:
    if (G_UNLIKELY(op->insn + 1u < block->n_insns)) {
        refund(h, block, op);
    }
L_EXIT_TO:
    slot = op->c;
    {
        Block *to = linked(h, block, slot);
        if (G_LIKELY(to)) {
            block = to;
            goto enter_block;
        }
    }
    LEAVE((Gva)op->imm, slot ? ENTER_LINK1 : ENTER_LINK0);

L_EXIT_JUMP : {
    Gva pc = REG(a);
    Block *to = block->single ? NULL : jump_cache_find(h, pc);
    if (G_LIKELY(to)) {
        block = to;
        goto enter_block;
    }
    LEAVE(pc, ENTER_LOOKUP);
}
L_EXIT_LOOP:
    LEAVE((Gva)op->imm, ENTER_LOOP);
L_EXIT_PC:
    return (EnterResult){block, ENTER_LOOP};
}
