/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/dump.h"

#include <inttypes.h>
#include <string.h>

#include "tcg/riscv/translate.h"

void dump_ir(unsigned wanted, unsigned stage, const IrBlock *ir) {
    if (wanted & stage) {
        g_autoptr(GString) text = g_string_new(NULL);
        ir_print(text, ir);
        g_printerr("%s: %s", stage == DUMP_IR ? "ir" : "optimised", text->str);
    }
}

void dump_guest(unsigned wanted, const Isa *isa, const uint8_t *bytes, const IrBlock *ir) {
    if (!(wanted & DUMP_GUEST)) {
        return;
    }
    for (uint32_t i = 0; i < ir->n_ops; i++) {
        const IrOp *op = &ir->ops[i];
        if (op->op == IR_INSN) {
            uint32_t raw = 0;
            memcpy(&raw, bytes + ((Gva)op->imm - ir->pc), op->aux);
            raw = GUINT32_FROM_LE(raw);
            g_autofree char *text = riscv_disassemble(isa, (Gva)op->imm, raw);
            g_printerr("guest: 0x%" PRIx64 ": %0*" PRIx32 " %s\n", (Gva)op->imm, 2 * op->aux, raw, text);
        }
    }
}

void dump_host(unsigned wanted, Backend *backend, const Block *b) {
    if ((wanted & DUMP_HOST) && backend->ops->dump) {
        g_autoptr(GString) text = g_string_new(NULL);
        backend->ops->dump(backend, b, text);
        g_printerr("host: 0x%" PRIx64 ":\n%s", b->pc, text->str);
    }
}
