/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the floating-point trans functions share. */
#ifndef TCG_RISCV_TRANS_FP_H
#define TCG_RISCV_TRANS_FP_H

#include "tcg/riscv/fpcall.h"
#include "tcg/riscv/trans.h"

/* mstatus.FS is not Off (privileged spec §3.1.6.6). */
bool fp_usable(const Trans *t);
/* Also resolve a dynamic rounding mode in *rm; false for a reserved one, whether static or in frm. */
bool fp_begin(Trans *t, unsigned *rm);
/* After the instruction's ops (a load may fault): count it; the block's first change sets FS to Dirty. */
void fp_done(Trans *t, bool changes_state);
/* The call of helper_fp_op and what belongs to it. True. */
bool fp_call(Trans *t, uint32_t code, IrVar dst, IrVar a, IrVar b);
/* Operations that do not round, with an f register as destination, or an x register. */
bool fp_binary(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f);
bool fp_compare(Trans *t, const InsnArgs *a, FpcOp op, FpFormat f);

#endif
