/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instrumentation (core/trace.h). The block's record begins where trace_ptr stands at its head; its address
 * is kept in the frame, because slow paths may append further words while the block runs.
 */
#include "tcg/x86_64/compiler.h"

void op_trace(Compiler *c, unsigned arg) {
    Emit *e = &c->hot;
    HostReg record = ra_scratch(c), word = ra_scratch(c);
    emit_load(e, record, HART_RM(trace_ptr));
    emit_cmp(e, W, record, HART_RM(trace_limit));
    uint8_t *full = emit_jcc(e, CC_A);
    emit_store(e, rm_mem(RSP, FRAME_TRACE), record);
    emit_imm(e, word, TRACE_BLOCK | (uint32_t)c->op->imm);
    emit_store(e, rm_mem(record, 0), word);
    emit_alu_imm(e, W, ALU_ADD, HART_RM(trace_ptr), 8 * c->ir->trace_words);
    emit_label(full, c->cold.p);
    exits_emit_leave(c, ENTER_TRACE, c->ir->pc, 0);
}

Rm trace_word(const Compiler *c, HostReg record, unsigned i) {
    return rm_mem(record, 8 * (c->op->slot + (int)i));
}
