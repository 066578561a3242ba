/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest bytes to IR: decode (from the tables insn*.decode) and one trans_<insn> per instruction.
 */
#ifndef TCG_RISCV_TRANSLATE_H
#define TCG_RISCV_TRANSLATE_H

#include "core/hart.h"
#include "tcg/ir/ir.h"

/* Why a block ended; for statistics and tests. */
typedef enum { BLOCK_END_JUMP, BLOCK_END_LIMIT, BLOCK_END_PAGE, BLOCK_END_SYSTEM, BLOCK_END_FAULT } BlockEnd;

/*
 * What the translator may see: the code bytes and what the block is specialised on; never the hart.
 * bytes[0..avail) are those from pc to the end of the page (avail >= 2). When the first instruction crosses
 * the page, `avail` covers its 4 bytes and max_insns is 1.
 */
typedef struct TranslateInput {
    Gva pc;
    uint32_t flags; /* hart->flags */
    const Isa *isa;
    const uint8_t *bytes;
    uint32_t avail;
    uint32_t max_insns; /* >= 1 */
    /* Bit per 2 bytes of the page, or NULL: instructions that make a block of their own, as the last of a tail does. */
    const uint64_t *alone;
    bool tail; /* a block that will not be cached: ends with EXIT_LOOP even where a jump could be linked */
} TranslateInput;

/* Always produces at least one instruction (an illegal one raises when it runs). Trace descriptors not
 * included. */
BlockEnd riscv_translate(const TranslateInput *in, IrBlock *out);

/* Disassembly in the ISA manual's syntax, from the same tables; `pc` for branch targets. Caller frees. */
char *riscv_disassemble(const Isa *isa, Gva pc, uint32_t insn);
/* 2 or 4. */
static inline unsigned riscv_insn_length(uint16_t first_parcel) {
    return (first_parcel & 3) == 3 ? 4 : 2;
}

#endif
