/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random programs out of the table of instructions. */
#ifndef GEN_H
#define GEN_H

#include "guest.h"

typedef enum { INSN_PLAIN, INSN_MEMORY, INSN_LR, INSN_SC, INSN_BRANCH, INSN_JALR, INSN_CSR, INSN_ECALL, INSN_SYSTEM } InsnKind;

#define ENTRY_SEGMENTS 8
typedef struct InsnEntry {
    uint32_t mask, match;
    uint8_t kind, length, access, imm_signed, fenced;
    struct {
        uint8_t at, width, fixed; /* width 3: x8 to x15; 0: the register is `fixed` */
    } base;
    uint64_t needs[3]; /* each not 0: one of these extensions */
    struct {
        uint32_t mask, value; /* words that belong to another instruction */
    } avoid[2];
    uint8_t n_segments;
    struct {
        uint8_t at, width, low;
    } imm[ENTRY_SEGMENTS];
} InsnEntry;

extern const InsnEntry *gen_entries[512]; /* those that params.extensions allows */
extern unsigned gen_n_entries;
void gen_init(void);

/*
 * A program is a row of units: an instruction with what it needs to be useful (a base register that points into the
 * data, a target). Control flow goes forward, or round a loop of few rounds, so every program ends: in an environment
 * call at CODE_BASE + end or after it.
 */
#define GEN_UNITS 48
#define GEN_BYTES 2048
typedef struct Program {
    uint16_t code[GEN_BYTES / 2] __attribute__((aligned(8)));
    unsigned size; /* bytes, the closing calls included */
    unsigned end;
    unsigned n_units;
    uint16_t unit_at[GEN_UNITS + 8];
} Program;

/* For that privilege; cut after `limit` units if it is not 0. */
void gen_program(Program *p, unsigned priv, uint64_t limit);
/* A place in the data that programs read and write: 256 bytes round a page boundary and such. */
#define GEN_WINDOWS 3
extern const struct GenWindow {
    uint64_t base, size;
} gen_windows[GEN_WINDOWS];
uint64_t gen_address(unsigned access);

#endif
