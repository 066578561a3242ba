/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IR interpreter, as a backend (tcg/backend.h) and as what the engine runs block tails with.
 *
 * A block is decoded once into InterpOps: variables become byte offsets from the hart (guest registers in place,
 * temporaries in hart->scratch), every variant of an operation has a code of its own, and each op carries the
 * address of the machine code that executes it (direct threading).
 */
#ifndef TCG_INTERP_INTERP_H
#define TCG_INTERP_INTERP_H

#include "tcg/arena.h"
#include "tcg/backend.h"
#include "tcg/ir/eval.h"

/* name, log2 of the bytes, signed, type in memory */
#define INTERP_LOADS(X)                                                                                      \
    X(U8, 0, 0, uint8_t)                                                                                     \
    X(U16, 1, 0, uint16_t)                                                                                   \
    X(U32, 2, 0, uint32_t)                                                                                   \
    X(U64, 3, 0, uint64_t)                                                                                   \
    X(S8, 0, 1, int8_t)                                                                                      \
    X(S16, 1, 1, int16_t)                                                                                    \
    X(S32, 2, 1, int32_t)                                                                                    \
    X(S64, 3, 1, int64_t)
#define INTERP_SIZES(X)                                                                                      \
    X(U8, 0, uint8_t)                                                                                        \
    X(U16, 1, uint16_t)                                                                                      \
    X(U32, 2, uint32_t)                                                                                      \
    X(U64, 3, uint64_t)

/* Every code, in the order of the loop's label table. Loads and sizes are indexed by (signed << 2 | size). */
/* clang-format off */
#define INTERP_CODES(X)                                                                                      \
    IR_EVAL_BINARY(INTERP_BINARY_CODES_##X)                                                                  \
    IR_EVAL_UNARY(INTERP_UNARY_CODES_##X)                                                                    \
    IR_EVAL_COND(INTERP_COND_CODES_##X)                                                                      \
    INTERP_LOADS(INTERP_LOAD_CODES_##X)                                                                      \
    INTERP_SIZES(INTERP_SIZE_CODES_##X)                                                                      \
    INTERP_CODE_##X(MOVI)                                                                                    \
    INTERP_CODE_##X(SHADD) INTERP_CODE_##X(SHADDUW) INTERP_CODE_##X(SEL_EQ) INTERP_CODE_##X(SEL_NE)          \
    INTERP_CODE_##X(LR) INTERP_CODE_##X(SC) INTERP_CODE_##X(AMO)                                             \
    INTERP_CODE_##X(CALL_PURE) INTERP_CODE_##X(CALL_FULL) INTERP_CODE_##X(TRACE)                             \
    INTERP_CODE_##X(COUNT_ADD) INTERP_CODE_##X(COUNT_STORE) INTERP_CODE_##X(LOWER) INTERP_CODE_##X(PROBE)    \
    INTERP_CODE_##X(STEP)                                                                                    \
    INTERP_CODE_##X(EXIT_TO) INTERP_CODE_##X(EXIT_JUMP) INTERP_CODE_##X(EXIT_LOOP) INTERP_CODE_##X(EXIT_PC)
/* clang-format on */

#define INTERP_CODE_ENUM(name) I_##name,
#define INTERP_BINARY_CODES_ENUM(name, expr) I_##name##_RR, I_##name##_RI,
#define INTERP_UNARY_CODES_ENUM(name, expr) I_##name,
#define INTERP_COND_CODES_ENUM(name, expr) I_SETC_##name##_RR, I_SETC_##name##_RI, I_EXIT_IF_##name,
#define INTERP_LOAD_CODES_ENUM(name, size, sign, type) I_LD_##name, I_LD_##name##_T,
#define INTERP_SIZE_CODES_ENUM(name, size, type) I_ST_##name, I_ST_##name##_T, I_LDH_##name, I_STH_##name,

typedef enum { INTERP_CODES(ENUM) INTERP_N_CODES } InterpCode;

/* AMO: the operation, in the bits of `mem` above the MemOp. */
#define INTERP_AMO_SHIFT 16

typedef struct InterpOp {
    const void *go;     /* label in interp_run() */
    uint16_t dst, a, b; /* variables: byte offsets in the hart */
    uint16_t c;         /* third variable, shift, exit slot; memory: trace slot; TRACE: words */
    int64_t imm;        /* also the helper's address */
    uint32_t mem;       /* MemOp; CALL: trace slot */
    uint16_t ctx;       /* memory: MemCtx */
    uint8_t insn;       /* index of the guest instruction in the block */
    uint8_t pc;         /* its offset from the block's pc / 2 */
} InterpOp;

/* The loop. With hart == NULL it only hands out its label table through *labels. */
EnterResult interp_run(Hart *hart, Block *block, const void *const **labels);

/* Make `block` executable by ops written to `to` (room for ir->n_ops). */
void interp_decode(const IrBlock *ir, const void *const *labels, InterpOp *to);

/* As compile(), but into a buffer that the next call overwrites: for blocks that run once. */
void interp_compile_once(Backend *b, const IrBlock *ir, Block *block);

#endif
