/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads lines "PC WORD" in hexadecimal, writes each instruction's disassembly: the decode tests' hands. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tcg/riscv/translate.h"

int main(void) {
    Isa isa;
    memset(&isa, true, sizeof(isa));
    uint64_t pc;
    uint32_t insn;
    while (scanf("%" SCNx64 " %" SCNx32, &pc, &insn) == 2) {
        g_autofree char *text = riscv_disassemble(&isa, pc, insn);
        puts(text);
    }
    return 0;
}
