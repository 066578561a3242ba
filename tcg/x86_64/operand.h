/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources of an op in the forms that x86 instructions take. */
#ifndef TCG_X86_64_OPERAND_H
#define TCG_X86_64_OPERAND_H

#include "tcg/x86_64/compiler.h"

/* Operand b: a sign-extended 32-bit constant, or a register or memory. */
typedef struct Source {
    bool is_imm;
    int32_t imm;
    Rm rm;
} Source;

/* A variable as register or memory; x0 as a register that holds zero. */
Rm operand_rm(Compiler *c, IrVar v);
/* Operand b; a constant that is too long is loaded into a scratch register. */
Source operand_source(Compiler *c);
/* d = rm, as 64 (W) or 32 bits; nothing if it is there already. */
void operand_load(Emit *e, unsigned w, HostReg d, Rm rm);

#endif
