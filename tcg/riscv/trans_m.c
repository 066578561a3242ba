/* SPDX-License-Identifier: GPL-2.0-or-later */
/* M: unprivileged spec chapter 13. */
#include "tcg/riscv/trans.h"

TRANS(mul, trans_op_reg, IR_MUL)
TRANS(mulh, trans_op_reg, IR_MULH)
TRANS(mulhsu, trans_op_reg, IR_MULHSU)
TRANS(mulhu, trans_op_reg, IR_MULHU)
TRANS(mulw, trans_op_reg, IR_MULW)
TRANS(div, trans_op_reg, IR_DIV)
TRANS(divu, trans_op_reg, IR_DIVU)
TRANS(rem, trans_op_reg, IR_REM)
TRANS(remu, trans_op_reg, IR_REMU)
TRANS(divw, trans_op_reg, IR_DIVW)
TRANS(divuw, trans_op_reg, IR_DIVUW)
TRANS(remw, trans_op_reg, IR_REMW)
TRANS(remuw, trans_op_reg, IR_REMUW)
