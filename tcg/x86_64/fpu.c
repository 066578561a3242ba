/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating point in line, where the host's result is provably RISC-V's: round to nearest even, no NaN, no
 * exception but "inexact" possible by what the result looks like. Everything else is the helper's, out of
 * line.
 *
 * Flags. A finite result excludes "invalid", "division by zero" and "overflow". A sum that is subnormal or
 * zero is exact; any other operation's result must have a biased exponent of at least 2, which excludes
 * "underflow" (tiny results may have been rounded up to the smallest normal number), or be zero or subnormal because a
 * factor, the dividend or the only operand is zero: that is exact too. There remains "inexact":
 * nothing to do when hart->fflags has it already; if not, the operation is done again with a clear MXCSR to
 * see.
 *
 * Operands come from the hart, where f registers are exact at every call, and results go there.
 * Single-precision operands must be NaN-boxed (unprivileged spec §21.2); others go to the helper.
 */
#include "core/fp.h"
#include "tcg/riscv/fpcall.h"
#include "tcg/x86_64/compiler.h"

/* Vector registers, which only these operations use. */
enum { XMM0 = RAX, XMM1 = RCX };
enum {
    S_LOAD = 0x10 | MAP_0F,
    S_STORE = 0x11 | MAP_0F,
    S_SQRT = 0x51 | MAP_0F,
    S_ADD = 0x58 | MAP_0F,
    S_MUL = 0x59 | MAP_0F,
    S_SUB = 0x5c | MAP_0F,
    S_DIV = 0x5e | MAP_0F,
    S_CVT = 0x5a | MAP_0F,
    S_FROM_INT = 0x2a | MAP_0F,
    S_TO_INT_TRUNCATE = 0x2c | MAP_0F,
    S_TO_INT = 0x2d | MAP_0F,
    S_UCOM = 0x2e | MAP_0F,
    S_XORPS = 0x57 | MAP_0F,
    S_MOV_TO_GPR = 0x7e | MAP_0F | P_66,
    S_MXCSR = 0xae | MAP_0F,
    MXCSR_LOAD = 2,
    MXCSR_STORE = 3,
    MXCSR_CLEAR = 0x1f80,
    MXCSR_INEXACT = 0x20,
};

/* What may be wrong with a result. */
typedef enum { CHECK_NONE, CHECK_FINITE, CHECK_NORMAL, CHECK_I32, CHECK_I64, CHECK_U32, CHECK_U64 } Check;

typedef struct Fpu {
    FpcOp op;
    FpFormat format; /* of the result, or of the operands where that is an integer */
    FpFormat source; /* of the operands */
    FpRound rm;
    unsigned n_float; /* leading operands that are f registers */
    bool inexact;     /* may be */
    Check check;
    HostReg d, t;     /* d: integer result; t: scratch */
    uint8_t *miss[8]; /* jumps to the helper */
    unsigned n_miss;
    uint8_t *small; /* jump to where results that are not normal numbers are looked at */
} Fpu;

static unsigned scalar(FpFormat f) {
    return f == FP_D ? P_F2 : P_F3;
}
static bool to_int(FpcOp op) {
    return op >= FPC_CVT_W_F && op <= FPC_CVT_LU_F;
}
static bool from_int(FpcOp op) {
    return op >= FPC_CVT_F_W && op <= FPC_CVT_F_LU;
}
static bool compares(FpcOp op) {
    return op == FPC_EQ || op == FPC_LT || op == FPC_LE;
}
static bool fused(FpcOp op) {
    return op >= FPC_MADD;
}

static void miss_if(Fpu *x, Emit *e, X86Cond cc) {
    g_assert(x->n_miss < G_N_ELEMENTS(x->miss));
    x->miss[x->n_miss++] = emit_jcc(e, cc);
}

/* -- which operations ------------------------------------------------------------------------------------ */

static bool plan_arithmetic(Fpu *x, unsigned n_float, Check check) {
    x->n_float = n_float;
    x->inexact = true;
    x->check = check;
    return x->rm == RM_RNE;
}

static bool plan_to_int(Fpu *x, Check check) {
    x->n_float = 1;
    x->inexact = true;
    x->check = check;
    return x->rm == RM_RTZ || x->rm == RM_RNE;
}

static bool plan_from_int(Fpu *x, bool wide) {
    x->n_float = 0;
    x->inexact = wide || x->format == FP_S;
    return x->rm == RM_RNE || !x->inexact;
}

static bool plan_float_to_float(Fpu *x, uint32_t code) {
    x->source = FPCALL_SOURCE(code);
    x->n_float = 1;
    if (x->format == FP_D && x->source == FP_S) {
        x->check = CHECK_FINITE;
        return true;
    }
    return x->format == FP_S && x->source == FP_D && plan_arithmetic(x, 1, CHECK_NORMAL);
}

static bool plan(Fpu *x, uint32_t code, const X86Features *features) {
    *x = (Fpu){.op = FPCALL_OP(code),
               .format = FPCALL_FORMAT(code),
               .source = FPCALL_FORMAT(code),
               .rm = FPCALL_RM(code)};
    if (x->format != FP_S && x->format != FP_D) {
        return false;
    }
    switch (x->op) {
    case FPC_ADD:
    case FPC_SUB: return plan_arithmetic(x, 2, CHECK_FINITE);
    case FPC_MUL:
    case FPC_DIV: return plan_arithmetic(x, 2, CHECK_NORMAL);
    case FPC_SQRT: return plan_arithmetic(x, 1, CHECK_NORMAL);
    case FPC_MADD:
    case FPC_MSUB:
    case FPC_NMSUB:
    case FPC_NMADD: return features->fma && plan_arithmetic(x, 3, CHECK_NORMAL);
    case FPC_EQ:
    case FPC_LT:
    case FPC_LE: x->n_float = 2; return true;
    case FPC_CVT_W_F: return plan_to_int(x, CHECK_I32);
    case FPC_CVT_WU_F: return plan_to_int(x, CHECK_U32);
    case FPC_CVT_L_F: return plan_to_int(x, CHECK_I64);
    case FPC_CVT_LU_F: return plan_to_int(x, CHECK_U64);
    case FPC_CVT_F_W:
    case FPC_CVT_F_WU: return plan_from_int(x, false);
    case FPC_CVT_F_L: return plan_from_int(x, true);
    case FPC_CVT_F_F: return plan_float_to_float(x, code);
    default: return false;
    }
}

/* Operands where they belong? */
static bool operands_fit(const Compiler *c, const Fpu *x) {
    const IrVar operands[] = {c->op->a, c->op->b, c->op->c};
    for (unsigned i = 0; i < x->n_float; i++) {
        if (operands[i] < 32 || operands[i] >= IR_TEMP) {
            return false;
        }
    }
    if (from_int(x->op) && c->op->a >= 32) {
        return false;
    }
    bool to_x = to_int(x->op) || compares(x->op);
    return c->op->aux == 0 && (to_x || (c->op->dst >= 32 && c->op->dst < IR_TEMP));
}

/* -- code ------------------------------------------------------------------------------------------------ */

static void check_boxes(Compiler *c, Fpu *x) {
    const IrVar operands[] = {c->op->a, c->op->b, c->op->c};
    for (unsigned i = 0; i < x->n_float && x->source == FP_S; i++) {
        Rm high = ra_home(c, operands[i]);
        high.disp += 4;
        emit_alu_imm(&c->hot, 0, ALU_CMP, high, -1);
        miss_if(x, &c->hot, CC_NE);
    }
}

static void compute_fused(Compiler *c, const Fpu *x, Emit *e) {
    static const uint8_t ops[] = {[FPC_MADD - FPC_MADD] = 0xa9,
                                  [FPC_MSUB - FPC_MADD] = 0xab,
                                  [FPC_NMSUB - FPC_MADD] = 0xad,
                                  [FPC_NMADD - FPC_MADD] = 0xaf};
    emit_rm(e, S_LOAD | scalar(x->format), XMM0, ra_home(c, c->op->a));
    emit_rm(e, S_LOAD | scalar(x->format), XMM1, ra_home(c, c->op->b));
    /* xmm0 = ±(xmm1 * xmm0) ± c, rounded once */
    unsigned w = x->format == FP_D ? W : 0;
    emit_vex(e, ops[x->op - FPC_MADD] | MAP_38 | P_66 | w, (HostReg)XMM0, (HostReg)XMM1,
             ra_home(c, c->op->c));
}

static void compute_from_int(Compiler *c, const Fpu *x, Emit *e) {
    Rm a = c->op->a == IR_ZERO ? rm_reg(x->t) : ra_peek_rm(c, c->op->a);
    unsigned w = x->op == FPC_CVT_F_W ? 0 : W;
    if (c->op->a == IR_ZERO) {
        emit_imm(e, x->t, 0);
    } else if (x->op == FPC_CVT_F_WU) {
        emit_rm(e, O_LOAD, x->t, a);
        a = rm_reg(x->t);
    }
    emit_rr(e, S_XORPS, XMM0, (HostReg)XMM0);
    emit_rm(e, S_FROM_INT | scalar(x->format) | w, XMM0, a);
}

/* xmm0, or d for integer results, from the operands. */
static void compute(Compiler *c, const Fpu *x, Emit *e) {
    static const unsigned ops[] = {
        [FPC_ADD] = S_ADD, [FPC_SUB] = S_SUB, [FPC_MUL] = S_MUL, [FPC_DIV] = S_DIV};
    if (fused(x->op)) {
        compute_fused(c, x, e);
    } else if (from_int(x->op)) {
        compute_from_int(c, x, e);
    } else if (to_int(x->op)) {
        unsigned op = x->rm == RM_RTZ ? S_TO_INT_TRUNCATE : S_TO_INT;
        emit_rm(e, op | scalar(x->format) | (x->check == CHECK_I32 ? 0 : W), x->d, ra_home(c, c->op->a));
    } else if (x->op == FPC_SQRT || x->op == FPC_CVT_F_F) {
        /* Loaded first, so as not to wait for what xmm0 was. */
        emit_rm(e, S_LOAD | scalar(x->source), XMM0, ra_home(c, c->op->a));
        emit_rm(e, (x->op == FPC_SQRT ? S_SQRT : S_CVT) | scalar(x->source), XMM0, rm_reg((HostReg)XMM0));
    } else {
        emit_rm(e, S_LOAD | scalar(x->format), XMM0, ra_home(c, c->op->a));
        emit_rm(e, ops[x->op] | scalar(x->format), XMM0, ra_home(c, c->op->b));
    }
}

/* A float result: its exponent says whether it may stay. t is left with the bits of a single. */
static void check_float(Fpu *x, Emit *e) {
    bool d = x->format == FP_D;
    unsigned w = d ? W : 0, max = d ? 0x7ff : 0xff;
    if (x->check == CHECK_NONE && d) {
        return;
    }
    emit_rr(e, S_MOV_TO_GPR | w, XMM0, x->t);
    if (x->check == CHECK_NONE) {
        return;
    }
    emit_rr(e, O_ADD | w, x->t, x->t);
    emit_shift_imm(e, w, SH_SHR, x->t, d ? 53 : 24);
    if (x->check == CHECK_FINITE) {
        emit_alu_imm(e, 0, ALU_CMP, rm_reg(x->t), (int32_t)max);
        miss_if(x, e, CC_E);
    } else {
        emit_alu_imm(e, 0, ALU_SUB, rm_reg(x->t), 2);
        emit_alu_imm(e, 0, ALU_CMP, rm_reg(x->t), (int32_t)max - 3);
        x->small = emit_jcc(e, CC_A);
    }
    if (!d) {
        emit_rr(e, S_MOV_TO_GPR, XMM0, x->t);
    }
}

static void check_integer(Fpu *x, Emit *e) {
    HostReg d = x->d;
    switch (x->check) {
    case CHECK_I32:
    case CHECK_I64: /* the host's answer to what does not fit is the smallest number */
        emit_alu_imm(e, x->check == CHECK_I32 ? 0 : W, ALU_CMP, rm_reg(d), 1);
        miss_if(x, e, CC_O);
        break;
    case CHECK_U32:
        emit_mov32(e, x->t, d);
        emit_cmp(e, W, d, rm_reg(x->t));
        miss_if(x, e, CC_NE);
        break;
    default:
        emit_test(e, W, d, d);
        miss_if(x, e, CC_S);
        break;
    }
    if (x->check == CHECK_I32 || x->check == CHECK_U32) {
        emit_rr(e, O_MOVSXD | W, d, d);
    }
}

static void store_float(Compiler *c, const Fpu *x) {
    Emit *e = &c->hot;
    if (x->format == FP_D) {
        emit_rm(e, S_STORE | P_F2, XMM0, ra_home(c, c->op->dst));
        return;
    }
    /* Boxed: the first leaves zeroes above, the second makes them ones. */
    emit_unary(e, 0, UN_NOT, rm_reg(x->t));
    emit_unary(e, W, UN_NOT, rm_reg(x->t));
    emit_store(e, ra_home(c, c->op->dst), x->t);
}

/* Without "inexact" in fflags: is it exact? `checks` is where the hot path goes on. */
static uint8_t *cold_inexact(Compiler *c, Fpu *x, uint8_t *clear, const uint8_t *checks) {
    Emit *e = &c->cold;
    Rm word = rm_mem(RSP, FRAME_VADDR);
    emit_label(clear, e->p);
    emit_store_imm(e, 2, word, MXCSR_CLEAR);
    emit_rm(e, S_MXCSR, MXCSR_LOAD, word);
    compute(c, x, e);
    emit_rm(e, S_MXCSR, MXCSR_STORE, word);
    emit_rm(e, 0xf6, 0, word);
    emit_u8(e, MXCSR_INEXACT);
    emit_jcc_to(e, CC_E, checks);
    return emit_jmp(e);
}

/* Not a normal number: t is its biased exponent - 2, or anything if infinite. `accepted`: where the hot path goes on. */
static void cold_small(Compiler *c, Fpu *x, const uint8_t *accepted) {
    Emit *e = &c->cold;
    const IrVar factors[] = {c->op->a, c->op->b};
    unsigned n = x->op == FPC_MUL || fused(x->op) ? 2 : 1, w = x->source == FP_D ? W : 0;
    uint8_t *zero[2];
    emit_label(x->small, e->p);
    emit_alu_imm(e, 0, ALU_CMP, rm_reg(x->t), -2);
    miss_if(x, e, CC_NE);
    for (unsigned i = 0; i < n; i++) {
        emit_rm(e, O_LOAD | w, x->t, ra_home(c, factors[i]));
        emit_rr(e, O_ADD | w, x->t, x->t);
        zero[i] = emit_jcc(e, CC_E);
    }
    x->miss[x->n_miss++] = emit_jmp(e);
    for (unsigned i = 0; i < n; i++) {
        emit_label(zero[i], e->p);
    }
    if (x->format == FP_S) {
        emit_rr(e, S_MOV_TO_GPR, XMM0, x->t);
    }
    emit_jmp_to(e, accepted);
}

static void cold_helper(Compiler *c, const Fpu *x) {
    Emit *e = &c->cold;
    uint32_t live = ra_live(c, false);
    for (unsigned i = 0; i < x->n_miss; i++) {
        emit_label(x->miss[i], e->p);
    }
    ra_cold_save(c, e, ra_live(c, true));
    call_cold(c);
    if (x->d == REG_NONE) {
        emit_store(e, ra_home(c, c->op->dst), RAX);
    } else {
        emit_mov(e, x->d, RAX);
    }
    ra_cold_restore(c, e, live);
    emit_jmp_to(e, c->hot.p);
}

static void emit_compare(Compiler *c, Fpu *x) {
    Emit *e = &c->hot;
    bool swap = x->op != FPC_EQ; /* b > a: the carry flag says nothing else than "less" */
    unsigned prefix = x->format == FP_D ? P_66 : 0;
    emit_rm(e, S_LOAD | scalar(x->format), XMM0, ra_home(c, swap ? c->op->b : c->op->a));
    emit_rm(e, S_UCOM | prefix, XMM0, ra_home(c, swap ? c->op->a : c->op->b));
    miss_if(x, e, CC_P);
    emit_setcc(e, x->op == FPC_EQ ? CC_E : x->op == FPC_LT ? CC_A : CC_AE, x->d);
    emit_rr(e, O_MOVZX8, x->d, x->d);
}

static void emit_operation(Compiler *c, Fpu *x) {
    Emit *e = &c->hot;
    uint8_t *clear = NULL;
    if (x->inexact) {
        emit_rm(e, 0xf6, 0, HART_RM(fflags));
        emit_u8(e, FP_NX);
        clear = emit_jcc(e, CC_E);
    }
    compute(c, x, e);
    const uint8_t *checks = e->p;
    if (to_int(x->op)) {
        check_integer(x, e);
    } else {
        check_float(x, e);
        const uint8_t *accepted = e->p;
        store_float(c, x);
        if (x->small) {
            cold_small(c, x, accepted);
        }
    }
    if (clear) {
        x->miss[x->n_miss++] = cold_inexact(c, x, clear, checks);
    }
}

bool fpu_emit_call(Compiler *c) {
    const IrOp *op = c->op;
    Fpu x;
    int64_t code = op->imm == HELPER_fp_fma ? c->fp_code : -1;
    if (op->imm == HELPER_fp_op && !ra_constant(c, op->c, &code)) {
        return false;
    }
    if (code < 0 || !plan(&x, (uint32_t)code, &c->b->features) || fused(x.op) != (op->imm == HELPER_fp_fma) ||
        !operands_fit(c, &x)) {
        return false;
    }
    /* A source in a local register must not become the destination: the cold path reads it. */
    bool to_x = to_int(x.op) || compares(x.op);
    x.t = ra_scratch(c);
    x.d = to_x ? ra_dst_apart(c) : REG_NONE;
    check_boxes(c, &x);
    if (compares(x.op)) {
        emit_compare(c, &x);
    } else {
        emit_operation(c, &x);
    }
    cold_helper(c, &x);
    if (to_x) {
        ra_finish(c, x.d);
    } else {
        ra_finish_stored(c);
    }
    return true;
}
