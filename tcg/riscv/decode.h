/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instruction words to instructions: what decodegen.py makes of the decode tables. A compressed instruction
 * has an id of its own, and the arguments and the translation function of the 32-bit instruction that it
 * stands for.
 */
#ifndef TCG_RISCV_DECODE_H
#define TCG_RISCV_DECODE_H

#include <glib.h>
#include "core/isa.h"
#include "tcg/riscv/insns.h"

/* The operands; an instruction sets those that its format has, the others are 0. */
typedef struct InsnArgs {
    uint8_t rd, rs1, rs2, rs3, rm, aq, rl, fm, pred, succ, rnum;
    uint16_t csr;
    int64_t imm;
} InsnArgs;

typedef enum {
    ARG_rd,
    ARG_rs1,
    ARG_rs2,
    ARG_rs3,
    ARG_rm,
    ARG_aq,
    ARG_rl,
    ARG_fm,
    ARG_pred,
    ARG_succ,
    ARG_rnum,
    ARG_csr,
    ARG_imm,
} InsnArg;

/* Bits [at, at + width) of the instruction are bits [low, …) of an argument; compact: of the register's
 * number - 8. */
typedef struct InsnField {
    uint8_t arg, at, width, low, compact;
} InsnField;

typedef struct Trans Trans;
typedef bool TransFn(Trans *t, const InsnArgs *a);

typedef struct InsnInfo {
    const char *name;
    const char *syntax; /* a letter an operand, see disas.c; of the expansion */
    TransFn *trans;
    InsnId base; /* what it expands to; itself for a 32-bit instruction */
    uint32_t mask, match;
    const InsnField *fields; /* in the instruction's own encoding */
    uint8_t n_fields;
} InsnInfo;

extern const InsnInfo riscv_insns[INSN_COUNT];

/* Another spelling: applies when every test holds (argument = value, or = another argument). */
typedef struct InsnAlias {
    const char *name, *syntax;
    InsnId base;
    uint8_t n_tests;
    struct {
        InsnArg arg;
        bool is_arg;
        int value;
    } tests[4];
} InsnAlias;

extern const InsnAlias riscv_aliases[];
extern const size_t riscv_n_aliases;

/*
 * Decode an instruction word: 32 bits, or a 16-bit parcel in the low half (the rest is ignored). INSN_illegal
 * when the configuration has no such instruction; `args` is then unspecified.
 */
InsnId riscv_decode(const Isa *isa, uint32_t insn, InsnArgs *args);
int64_t riscv_insn_arg(const InsnArgs *args, InsnArg which);

#endif
