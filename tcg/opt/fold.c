/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forward propagation of constants and copies, and the algebraic identities they uncover. One walk over the block;
 * what is known of a variable holds until it, or the variable it is a copy of, is written again.
 */
#include "tcg/ir/eval.h"
#include "tcg/ir/ir.h"

typedef enum { KNOWN_NOTHING = 0, KNOWN_CONST, KNOWN_COPY } Known;

typedef struct Value {
    uint16_t version; /* counts writes of this variable */
    uint8_t known;
    IrVar source;            /* KNOWN_COPY: equals this one … */
    uint16_t source_version; /* … as long as it has this version */
    uint64_t constant;
} Value;

typedef struct Fold {
    Value v
        [IR_MAX_VARS]; /* of these the block's n_vars are set and used: clearing all would cost more than the pass */
} Fold;

/* NOLINTBEGIN(clang-analyzer-core.*): no operand is above n_vars (tcg/ir/check.c) */

static bool get_const(const Fold *f, IrVar v, uint64_t *value) {
    if (v == IR_ZERO) {
        *value = 0;
        return true;
    }
    if (f->v[v].known != KNOWN_CONST) {
        return false;
    }
    *value = f->v[v].constant;
    return true;
}

/* The variable that v is a copy of, or v. */
static IrVar resolve(const Fold *f, IrVar v) {
    const Value *value = &f->v[v];
    uint64_t constant;
    if (v != IR_ZERO && get_const(f, v, &constant) && constant == 0) {
        return IR_ZERO;
    }
    if (value->known == KNOWN_COPY && f->v[value->source].version == value->source_version) {
        return value->source;
    }
    return v;
}

static void forget(Fold *f, IrVar v) {
    f->v[v].version++;
    f->v[v].known = KNOWN_NOTHING;
}

/* NOLINTEND(clang-analyzer-core.*) */

static void learn_const(Fold *f, IrVar v, uint64_t constant) {
    forget(f, v);
    f->v[v].known = KNOWN_CONST;
    f->v[v].constant = constant;
}

static void learn_copy(Fold *f, IrVar v, IrVar source) {
    forget(f, v);
    if (source != v) {
        f->v[v].known = KNOWN_COPY;
        f->v[v].source = source;
        f->v[v].source_version = f->v[source].version;
    }
}

static void make_const(IrOp *op, uint64_t value) {
    *op = (IrOp){.op = IR_MOVI, .dst = op->dst, .imm = (int64_t)value};
}

static void make_mov(IrOp *op, IrVar source) {
    if (source == IR_ZERO) {
        make_const(op, 0);
    } else {
        *op = (IrOp){.op = IR_MOV, .dst = op->dst, .a = source};
    }
}

static bool fits_imm(uint64_t value) {
    return (int64_t)value == (int32_t)value;
}

/* Operations whose second source may be an immediate. */
static bool takes_imm(const IrOp *op) {
    return ir_op_operands(op->op)[2] == 'B';
}

/*
 * dst = a <op> constant: the cases in which it is simpler than that. The "w" forms are absent: with a neutral
 * constant they still sign-extend.
 */
static bool simplify_imm(IrOp *op, uint64_t c) {
    switch (op->op) {
    case IR_ADD:
    case IR_SUB:
    case IR_OR:
    case IR_XOR:
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR:
        if (c == 0) {
            make_mov(op, op->a);
            return true;
        }
        return false;
    case IR_AND:
        if (c == UINT64_MAX) {
            make_mov(op, op->a);
            return true;
        }
        if (c == 0) {
            make_const(op, 0);
            return true;
        }
        return false;
    case IR_ADDW:
    case IR_SUBW:
    case IR_SHLW:
    case IR_SARW:
        if (c == 0) {
            *op = (IrOp){.op = IR_SEXT32, .dst = op->dst, .a = op->a};
            return true;
        }
        return false;
    default: return false;
    }
}

/* dst = a <op> a. */
static bool simplify_same(IrOp *op) {
    switch (op->op) {
    case IR_SUB:
    case IR_XOR: make_const(op, 0); return true;
    case IR_AND:
    case IR_OR: make_mov(op, op->a); return true;
    default: return false;
    }
}

static void fold_unary(const Fold *f, IrOp *op) {
    uint64_t a;
    if (get_const(f, op->a, &a)) {
        make_const(op, ir_eval_unary(op->op, a));
    }
}

static void fold_binary(const Fold *f, IrOp *op) {
    uint64_t a, b;
    bool b_is_imm = op->b == IR_IMM;
    bool a_const = get_const(f, op->a, &a);
    bool b_const = true;
    if (b_is_imm) {
        b = (uint64_t)op->imm;
    } else {
        b_const = get_const(f, op->b, &b);
    }
    if (a_const && b_const) {
        make_const(op, ir_eval_binary(op->op, a, b));
        return;
    }
    if (a_const && !b_const && (ir_op_flags(op->op) & IROP_COMM) && takes_imm(op)) {
        IrVar swapped = op->a;
        op->a = op->b;
        op->b = swapped;
        b = a;
        b_const = true;
    }
    if (!b_const) {
        if (op->a == op->b) {
            simplify_same(op);
        }
        return;
    }
    if (simplify_imm(op, b)) {
        return;
    }
    if (takes_imm(op) && fits_imm(b)) {
        op->b = IR_IMM;
        op->imm = (int64_t)b;
    }
}

static void fold_setc(const Fold *f, IrOp *op) {
    uint64_t a, b = (uint64_t)op->imm;
    bool b_const = op->b == IR_IMM || get_const(f, op->b, &b);
    if (b_const && get_const(f, op->a, &a)) {
        make_const(op, ir_eval_cond(op->aux, a, b));
    } else if (b_const && op->b != IR_IMM && fits_imm(b)) {
        op->b = IR_IMM;
        op->imm = (int64_t)b;
    }
}

static void fold_sel(const Fold *f, IrOp *op) {
    uint64_t a;
    if (get_const(f, op->a, &a)) {
        make_mov(op, (a == 0) == (op->aux == IR_EQ) ? op->b : op->c);
    } else if (op->b == op->c) {
        make_mov(op, op->b);
    }
}

static void fold_shadd(const Fold *f, IrOp *op) {
    uint64_t a, b;
    if (get_const(f, op->a, &a) && get_const(f, op->b, &b)) {
        a = op->op == IR_SHADDUW ? (uint32_t)a : a;
        make_const(op, (a << op->aux) + b);
    }
}

/* Addresses: a known base goes into the displacement. */
static void fold_address(const Fold *f, IrOp *op) {
    uint64_t a;
    if (op->a != IR_ZERO && get_const(f, op->a, &a) && fits_imm(a + (uint64_t)op->imm)) {
        op->a = IR_ZERO;
        op->imm = (int64_t)(a + (uint64_t)op->imm);
    }
}

static void fold_op(const Fold *f, IrOp *op) {
    switch (op->op) {
    case IR_SETC: fold_setc(f, op); break;
    case IR_SEL: fold_sel(f, op); break;
    case IR_SHADD:
    case IR_SHADDUW: fold_shadd(f, op); break;
    case IR_LDH: break;
    case IR_MOVI: break;
    default:
        if (ir_op_flags(op->op) & IROP_MEM) {
            fold_address(f, op);
        } else if ((ir_op_flags(op->op) & IROP_PURE)) {
            if (ir_op_operands(op->op)[2] == '\0') {
                fold_unary(f, op);
            } else {
                fold_binary(f, op);
            }
        }
        break;
    }
}

static void resolve_sources(const Fold *f, IrOp *op) {
    for (const char *s = ir_op_operands(op->op); *s; s++) {
        switch (*s) {
        case 'a': op->a = resolve(f, op->a); break;
        case 'B':
            if (op->b == IR_IMM) {
                break;
            }
            /* fall through */
        case 'b': op->b = resolve(f, op->b); break;
        case 'c': op->c = resolve(f, op->c); break;
        default: break;
        }
    }
}

static void learn(Fold *f, const IrOp *op) {
    if (op->op == IR_CALL) {
        if (ir_helpers[op->imm].flags & HELPER_REGS) {
            for (IrVar v = 1; v < IR_TEMP; v++) {
                forget(f, v);
            }
        }
        if (!op->aux) {
            forget(f, op->dst);
        }
    } else if (op->op == IR_MOVI) {
        learn_const(f, op->dst, (uint64_t)op->imm);
    } else if (op->op == IR_MOV) {
        learn_copy(f, op->dst, op->a);
    } else if (ir_op_operands(op->op)[0] == 'D') {
        forget(f, op->dst);
    }
}

void opt_fold(IrBlock *b) {
    Fold f;
    for (IrVar v = 0; v < b->n_vars; v++) {
        f.v[v].version = 0;
        f.v[v].known = KNOWN_NOTHING;
    }
    for (uint32_t i = 0; i < b->n_ops; i++) {
        IrOp *op = &b->ops[i];
        if (op->op == IR_INSN) {
            continue;
        }
        resolve_sources(&f, op);
        fold_op(&f, op);
        learn(&f, op);
    }
}
