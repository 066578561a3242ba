/* SPDX-License-Identifier: GPL-2.0-or-later */
/* M: unprivileged spec chapter 13. */
#include "tcg/riscv/trans.h"

bool trans_mul(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_MUL); }
bool trans_mulh(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_MULH); }
bool trans_mulhsu(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_MULHSU); }
bool trans_mulhu(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_MULHU); }
bool trans_mulw(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_MULW); }
bool trans_div(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_DIV); }
bool trans_divu(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_DIVU); }
bool trans_rem(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_REM); }
bool trans_remu(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_REMU); }
bool trans_divw(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_DIVW); }
bool trans_divuw(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_DIVUW); }
bool trans_remw(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_REMW); }
bool trans_remuw(Trans *t, const InsnArgs *a) { return trans_op_reg(t, a, IR_REMUW); }
