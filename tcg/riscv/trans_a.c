/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A and Zawrs: unprivileged spec chapter 14. Harts take turns: aq and rl order what is in order anyway. */
#include "tcg/riscv/trans.h"

static bool load_reserved(Trans *t, const InsnArgs *a, unsigned log2) {
    MemOp mem = trans_mem_op(t, MEM_LR, log2, MEM_SIGN);
    emit(t, IR_LR, trans_rd(t, a), trans_addr(a), IR_ZERO, 0)->mem = mem;
    return true;
}

static bool store_conditional(Trans *t, const InsnArgs *a, unsigned log2) {
    MemOp mem = trans_mem_op(t, MEM_SC, log2, 0);
    emit(t, IR_SC, trans_rd(t, a), trans_addr(a), IR_X(a->rs2), 0)->mem = mem;
    return true;
}

static bool amo(Trans *t, const InsnArgs *a, IrAmo kind, unsigned log2) {
    MemOp mem = trans_mem_op(t, MEM_AMO, log2, MEM_SIGN);
    IrOp *op = emit(t, IR_AMO, trans_rd(t, a), trans_addr(a), IR_X(a->rs2), 0);
    op->aux = kind;
    op->mem = mem;
    return true;
}

#define BOTH_SIZES(name, call, ...)                                                                          \
    TRANS(name##_w, call, ##__VA_ARGS__, 2)                                                                  \
    TRANS(name##_d, call, ##__VA_ARGS__, 3)

BOTH_SIZES(lr, load_reserved)
BOTH_SIZES(sc, store_conditional)
BOTH_SIZES(amoswap, amo, IR_AMO_SWAP)
BOTH_SIZES(amoadd, amo, IR_AMO_ADD)
BOTH_SIZES(amoxor, amo, IR_AMO_XOR)
BOTH_SIZES(amoand, amo, IR_AMO_AND)
BOTH_SIZES(amoor, amo, IR_AMO_OR)
BOTH_SIZES(amomin, amo, IR_AMO_MIN)
BOTH_SIZES(amomax, amo, IR_AMO_MAX)
BOTH_SIZES(amominu, amo, IR_AMO_MINU)
BOTH_SIZES(amomaxu, amo, IR_AMO_MAXU)

/* While this hart runs no other one writes: its turn ends, and it goes on in its next. */
static bool wait_on_reservation(Trans *t, const InsnArgs *a) {
    trans_call(t, HELPER_wrs, trans_const(t, t->insn), IR_ZERO, IR_ZERO);
    trans_end_loop(t);
    return true;
}

TRANS(wrs_nto, wait_on_reservation)
TRANS(wrs_sto, wait_on_reservation)
