/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the pure operations compute, as expressions over uint64_t a and b: said once, for the interpreter and for
 * constant folding. The table of operations is ops.h.
 */
#ifndef TCG_IR_EVAL_H
#define TCG_IR_EVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tcg/ir/ops.h"

__extension__ typedef __int128 IrInt128;
__extension__ typedef unsigned __int128 IrUint128;

static inline uint64_t eval_sext32(uint64_t a) {
    return (uint64_t)(int64_t)(int32_t)a;
}
static inline uint64_t eval_rol(uint64_t a, uint64_t n) {
    return a << (n & 63) | a >> (-n & 63);
}
static inline uint64_t eval_rolw(uint64_t a, uint64_t n) {
    uint32_t w = (uint32_t)a;
    return eval_sext32(w << (n & 31) | w >> (-n & 31));
}

/* Division: unprivileged spec §13.2, table of results for zero divisors and overflow. */
static inline uint64_t eval_div(uint64_t a, uint64_t b) {
    if (b == 0) {
        return UINT64_MAX;
    }
    return b == UINT64_MAX ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}
static inline uint64_t eval_rem(uint64_t a, uint64_t b) {
    if (b == 0) {
        return a;
    }
    return b == UINT64_MAX ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}
static inline uint64_t eval_divu(uint64_t a, uint64_t b) {
    return b ? a / b : UINT64_MAX;
}
static inline uint64_t eval_remu(uint64_t a, uint64_t b) {
    return b ? a % b : a;
}

static inline uint64_t eval_clz(uint64_t a) {
    return a ? (uint64_t)__builtin_clzll(a) : 64;
}
static inline uint64_t eval_ctz(uint64_t a) {
    return a ? (uint64_t)__builtin_ctzll(a) : 64;
}
static inline uint64_t eval_clzw(uint32_t a) {
    return a ? (uint64_t)__builtin_clz(a) : 32;
}
static inline uint64_t eval_ctzw(uint32_t a) {
    return a ? (uint64_t)__builtin_ctz(a) : 32;
}

/* clang-format off */
#define IR_EVAL_BINARY(X)                                                                                    \
    X(ADD, a + b)                                                                                            \
    X(SUB, a - b)                                                                                            \
    X(AND, a & b)                                                                                            \
    X(OR, a | b)                                                                                             \
    X(XOR, a ^ b)                                                                                            \
    X(ANDN, a & ~b)                                                                                          \
    X(ORN, a | ~b)                                                                                           \
    X(XNOR, ~(a ^ b))                                                                                        \
    X(SHL, a << (b & 63))                                                                                    \
    X(SHR, a >> (b & 63))                                                                                    \
    X(SAR, (uint64_t)((int64_t)a >> (b & 63)))                                                               \
    X(ROL, eval_rol(a, b))                                                                                   \
    X(ROR, eval_rol(a, -b))                                                                                  \
    X(ADDW, eval_sext32(a + b))                                                                              \
    X(SUBW, eval_sext32(a - b))                                                                              \
    X(SHLW, eval_sext32((uint32_t)a << (b & 31)))                                                            \
    X(SHRW, eval_sext32((uint32_t)a >> (b & 31)))                                                            \
    X(SARW, (uint64_t)(int64_t)((int32_t)a >> (b & 31)))                                                     \
    X(ROLW, eval_rolw(a, b))                                                                                 \
    X(RORW, eval_rolw(a, -b))                                                                                \
    X(MUL, a * b)                                                                                            \
    X(MULH, (uint64_t)(((IrInt128)(int64_t)a * (int64_t)b) >> 64))                                           \
    X(MULHU, (uint64_t)(((IrUint128)a * b) >> 64))                                                           \
    X(MULHSU, (uint64_t)(((IrInt128)(int64_t)a * (IrInt128)b) >> 64))                                        \
    X(MULW, eval_sext32(a * b))                                                                              \
    X(DIV, eval_div(a, b))                                                                                   \
    X(DIVU, eval_divu(a, b))                                                                                 \
    X(REM, eval_rem(a, b))                                                                                   \
    X(REMU, eval_remu(a, b))                                                                                 \
    X(DIVW, eval_sext32(eval_div(eval_sext32(a), eval_sext32(b))))                                           \
    X(DIVUW, eval_sext32((uint32_t)b ? (uint32_t)a / (uint32_t)b : UINT32_MAX))                              \
    X(REMW, eval_sext32(eval_rem(eval_sext32(a), eval_sext32(b))))                                           \
    X(REMUW, eval_sext32((uint32_t)b ? (uint32_t)a % (uint32_t)b : (uint32_t)a))                             \
    X(MINS, (int64_t)a < (int64_t)b ? a : b)                                                                 \
    X(MAXS, (int64_t)a > (int64_t)b ? a : b)                                                                 \
    X(MINU, a < b ? a : b)                                                                                   \
    X(MAXU, a > b ? a : b)

#define IR_EVAL_UNARY(X)                                                                                     \
    X(MOV, a)                                                                                                \
    X(SEXT8, (uint64_t)(int64_t)(int8_t)a)                                                                   \
    X(SEXT16, (uint64_t)(int64_t)(int16_t)a)                                                                 \
    X(SEXT32, eval_sext32(a))                                                                                \
    X(ZEXT8, (uint8_t)a)                                                                                     \
    X(ZEXT16, (uint16_t)a)                                                                                   \
    X(ZEXT32, (uint32_t)a)                                                                                   \
    X(BSWAP, __builtin_bswap64(a))                                                                           \
    X(CLZ, eval_clz(a))                                                                                      \
    X(CTZ, eval_ctz(a))                                                                                      \
    X(CPOP, (uint64_t)__builtin_popcountll(a))                                                               \
    X(CLZW, eval_clzw((uint32_t)a))                                                                          \
    X(CTZW, eval_ctzw((uint32_t)a))                                                                          \
    X(CPOPW, (uint64_t)__builtin_popcount((uint32_t)a))

/* IrCond as comparisons of a and b. */
#define IR_EVAL_COND(X)                                                                                      \
    X(EQ, a == b)                                                                                            \
    X(NE, a != b)                                                                                            \
    X(LT, (int64_t)a < (int64_t)b)                                                                           \
    X(GE, (int64_t)a >= (int64_t)b)                                                                          \
    X(LTU, a < b)                                                                                            \
    X(GEU, a >= b)

/* IrAmo: the new memory contents, for w on sign-extended operands (truncated by the store). */
#define IR_EVAL_AMO(X)                                                                                       \
    X(SWAP, b)                                                                                               \
    X(ADD, a + b)                                                                                            \
    X(XOR, a ^ b)                                                                                            \
    X(AND, a & b)                                                                                            \
    X(OR, a | b)                                                                                             \
    X(MIN, (int64_t)a < (int64_t)b ? a : b)                                                                  \
    X(MAX, (int64_t)a > (int64_t)b ? a : b)                                                                  \
    X(MINU, a < b ? a : b)                                                                                   \
    X(MAXU, a > b ? a : b)
/* clang-format on */

static inline uint64_t ir_eval_binary(IrOpcode op, uint64_t a, uint64_t b) {
    switch (op) {
#define X(name, expr)                                                                                        \
    case IR_##name: return expr;
        IR_EVAL_BINARY(X)
#undef X
    default: return 0;
    }
}

static inline uint64_t ir_eval_unary(IrOpcode op, uint64_t a) {
    switch (op) {
#define X(name, expr)                                                                                        \
    case IR_##name: return expr;
        IR_EVAL_UNARY(X)
#undef X
    default: return 0;
    }
}

static inline bool ir_eval_cond(IrCond cond, uint64_t a, uint64_t b) {
    switch (cond) {
#define X(name, expr)                                                                                        \
    case IR_##name: return expr;
        IR_EVAL_COND(X)
#undef X
    default: return false;
    }
}

static inline uint64_t ir_eval_amo(IrAmo amo, uint64_t a, uint64_t b) {
    switch (amo) {
#define X(name, expr)                                                                                        \
    case IR_AMO_##name: return expr;
        IR_EVAL_AMO(X)
#undef X
    default: return 0;
    }
}

#endif
