/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host disassembly of a block for -d. */
#include "tcg/x86_64/compiler.h"

#include <capstone/capstone.h>
#include <inttypes.h>

void x86_disassemble(GString *to, const uint8_t *code, size_t size) {
    csh handle;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) {
        g_string_append(to, "(no disassembler)\n");
        return;
    }
    cs_insn *insn = cs_malloc(handle);
    uint64_t address = (uintptr_t)code;
    while (size > 0) {
        if (cs_disasm_iter(handle, &code, &size, &address, insn)) {
            g_string_append_printf(to, "  %" PRIx64 "  %s %s\n", insn->address, insn->mnemonic, insn->op_str);
        } else {
            g_string_append_printf(to, "  %" PRIx64 "  .byte 0x%02x\n", address, *code);
            code++, size--, address++;
        }
    }
    cs_free(insn, 1);
    cs_close(&handle);
}

void x86_dump(Backend *b, const Block *block, GString *to) {
    x86_disassemble(to, block->code, block->code_size);
    g_string_append(to, "  -- cold\n");
    x86_disassemble(to, block->cold, block->cold_size);
}
