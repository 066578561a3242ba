/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backward: drop pure operations whose result nobody reads. A guest register is read by everything that may leave
 * the block or look at the hart, so of two writes with nothing such between them the first one goes.
 */
#include "tcg/ir/ir.h"

#include <string.h>

typedef struct Live {
    uint64_t guest;            /* bit per guest register */
    uint8_t temp[IR_MAX_VARS]; /* by variable number */
} Live;

static bool is_live(const Live *l, IrVar v) {
    return v < IR_TEMP ? l->guest >> v & 1 : l->temp[v];
}

static void set_live(Live *l, IrVar v, bool live) {
    if (v < IR_TEMP) {
        l->guest = (l->guest & ~((uint64_t)1 << v)) | (uint64_t)live << v;
    } else {
        l->temp[v] = live;
    }
}

/* May the guest registers be looked at from here? */
static bool observes_registers(const IrOp *op) {
    unsigned flags = ir_op_flags(op->op);
    if (flags & IROP_CALL) {
        return ir_helpers[op->imm].flags & (HELPER_FAULTS | HELPER_REGS | HELPER_POS);
    }
    return flags & (IROP_MEM | IROP_EXIT | IROP_END | IROP_LOOK);
}

static void read_sources(Live *l, const IrOp *op) {
    for (const char *s = ir_op_operands(op->op); *s; s++) {
        switch (*s) {
        case 'a': set_live(l, op->a, true); break;
        case 'B':
            if (op->b == IR_IMM) {
                break;
            }
            /* fall through */
        case 'b': set_live(l, op->b, true); break;
        case 'c': set_live(l, op->c, true); break;
        default: break;
        }
    }
}

static bool writes_dst(const IrOp *op) {
    return ir_op_operands(op->op)[0] == 'D' && !(op->op == IR_CALL && op->aux);
}

void opt_dead(IrBlock *b) {
    Live live;
    live.guest = UINT64_MAX;
    memset(live.temp, 0, b->n_vars);
    uint32_t keep = b->n_ops; /* kept ops are gathered at the end of the array */
    for (uint32_t i = b->n_ops; i-- > 0;) {
        const IrOp *op = &b->ops[i];
        if (!(ir_op_flags(op->op) & IROP_MARK)) {
            bool pure = ir_op_flags(op->op) & IROP_PURE;
            if (pure && (!is_live(&live, op->dst) || (op->op == IR_MOV && op->a == op->dst))) {
                continue;
            }
            if (writes_dst(op)) {
                set_live(&live, op->dst, false);
            }
            if (observes_registers(op)) {
                live.guest = UINT64_MAX;
            }
            read_sources(&live, op);
        }
        if (--keep != i) {
            b->ops[keep] = *op;
        }
    }
    if (keep > 0) {
        memmove(b->ops, b->ops + keep, (b->n_ops - keep) * sizeof b->ops[0]);
        b->n_ops -= keep;
    }
}
