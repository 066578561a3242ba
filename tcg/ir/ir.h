/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block in intermediate form: a straight line of operations over variables, with exits but no internal labels.
 *
 * Variables: 0 is the constant zero (x0), never a destination; 1..31 are x1..x31, 32..63 are f0..f31, and from
 * IR_TEMP on temporaries that live within the block. Guest registers must be exact in the hart at every IROP_MEM,
 * IROP_CALL (unless the helper says otherwise) and exit; where they live in between is the backend's business.
 */
#ifndef TCG_IR_IR_H
#define TCG_IR_IR_H

#include <glib.h>
#include "core/mmu.h"
#include "core/types.h"
#include "tcg/ir/helpers.h"
#include "tcg/ir/ops.h"

typedef uint16_t IrVar;
#define IR_ZERO 0
#define IR_X(n) ((IrVar)(n))
#define IR_F(n) ((IrVar)(32 + (n)))
#define IR_TEMP 64
#define IR_MAX_VARS 1024
#define IR_IMM 0xffff /* in operand b: the second source is imm */
#define IR_NONE 0xfffe

typedef struct IrOp {
    uint8_t op; /* IrOpcode */
    uint8_t aux;
    IrVar dst, a, b, c;
    uint16_t slot; /* LD ST LR SC AMO, CALL of cbo_zero: trace slot; 0: not traced */
    uint32_t mem;  /* LD ST LR SC AMO: MemOp */
    int64_t imm;
} IrOp;

#define IR_MAX_OPS 2048
#define BLOCK_MAX_INSNS 64

typedef struct IrBlock {
    Gva pc;
    uint32_t flags; /* hart->flags it is specialised on */
    uint32_t
        exit_flags;   /* hart->flags when it ends: the same, unless it made FS dirty, or for FLAG_GOES_ON */
    uint16_t n_insns; /* steps when it runs to its end */
    uint16_t n_vars;
    uint32_t n_ops;
    uint16_t bytes;       /* guest bytes covered */
    uint16_t trace_words; /* 0: not instrumented */
    uint16_t fp_insns;
    bool probed;     /* observers were shown it */
    uint16_t n_undo; /* merged additions to counters (tcg/probe.h) */
    const struct ProbeUndo *undo;
    const struct BlockSteps *steps; /* NULL: none (tcg/steps.h) */
    IrOp ops[IR_MAX_OPS];
} IrBlock;

void ir_init(IrBlock *b, Gva pc, uint32_t flags);
IrVar ir_temp(IrBlock *b);
/* Append an op; returns it for fields that the short forms do not set. Aborts (our bug) when full. */
IrOp *ir_emit(IrBlock *b, IrOpcode op, IrVar dst, IrVar a, IrVar bvar, int64_t imm);
/* Room for one more guest instruction (at least 64 ops and temps)? */
bool ir_has_room(const IrBlock *b);

const char *ir_op_name(IrOpcode op);
const char *ir_op_operands(IrOpcode op);
unsigned ir_op_flags(IrOpcode op);
const char *ir_cond_name(IrCond c);
/* One op, or the whole block one op a line, as -d prints it. */
void ir_print_op(GString *to, const IrOp *op);
void ir_print(GString *to, const IrBlock *b);
/*
 * Invariants: operands match the table, temporaries are written before they are read, INSN marks are in order,
 * exactly one IROP_END, at the end, exit slots used once. False with *why (static or g_malloc'ed into err).
 */
bool ir_check(const IrBlock *b, GString *why);

/* The pipeline's passes, in tcg/opt/, one file each; each may be turned off by name (-d nopt=NAME). */
void opt_fold(IrBlock *b); /* constants and copies forward, algebraic identities */
void opt_dead(IrBlock *b); /* pure operations whose result nobody reads, overwritten guest registers */

#endif
