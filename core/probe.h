/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes: what an observer attaches to translated code. The engine shows each block to the observers when it is
 * translated (HookOps.translate); they choose where to be called and which counters generated code keeps for them. Blocks
 * without probes cost nothing. Probes see; no call here changes the guest.
 *
 * A block shown here is what the translator made, whose boundaries are its own choice and change from run to run.
 * What an analysis reports must not depend on them: attach to instructions, or join blocks by their jumps.
 */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include "core/types.h"

typedef struct Hart Hart;
typedef struct ProbeBlock ProbeBlock;

typedef struct ProbeInsn {
    Gva pc;
    uint32_t raw; /* the instruction's bytes, little-endian */
    uint8_t len;  /* 2 or 4 */
} ProbeInsn;

enum { PROBE_READ = 1, PROBE_WRITE = 2 };

/*
 * Before the block's or the instruction's first effect; hart_pos(hart) is its step and hart->pc its address. The
 * hart's x[] and f[] are exact only if the probe was attached with regs.
 */
typedef void ProbeFn(void *data, const Hart *hart);
/* After an access was made. size: log2 of the bytes; value: zero-extended raw memory contents. */
typedef void ProbeMemFn(void *data, const Hart *hart, Gva va, uint64_t value, uint8_t size, bool is_write);

/* -- what a translate callback may ask and do, during that call only ------------------------------------------ */
Gva probe_block_pc(const ProbeBlock *b);
Gpa probe_block_paddr(const ProbeBlock *b);
uint32_t probe_block_flags(const ProbeBlock *b); /* hart->flags it is specialised on */
unsigned probe_block_n_insns(const ProbeBlock *b);
const ProbeInsn *probe_block_insn(const ProbeBlock *b, unsigned i);
/* May the instruction load or store? PROBE_READ | PROBE_WRITE. */
unsigned probe_insn_access(const ProbeBlock *b, unsigned i);

#define PROBE_AT_BLOCK UINT32_MAX /* for `insn`: once when the block is entered, before its first instruction */

/* Call fn(data, hart) each time. `data` must outlive the engine's code: until the observer has flushed it. */
void probe_add_call(ProbeBlock *b, unsigned insn, ProbeFn *fn, void *data, bool regs);
void probe_add_mem(ProbeBlock *b, unsigned insn, unsigned access, ProbeMemFn *fn, void *data, bool regs);
/*
 * Inline operation on the executing hart's counter at byte `offset` (a multiple of 8) of its scoreboard: add `value`, or
 * store it. An instruction's operation takes effect when the instruction begins, also if it then faults.
 */
typedef enum { PROBE_ADD, PROBE_STORE } ProbeOp;
void probe_add_inline(ProbeBlock *b, unsigned insn, ProbeOp op, uint32_t offset, uint64_t value);
/* The same for every access of an instruction. */
void probe_add_mem_inline(ProbeBlock *b, unsigned insn, unsigned access, ProbeOp op, uint32_t offset, uint64_t value);
/* Call only when the counter compares so with `value` (IrCond's order: EQ NE LT GE LTU GEU, plus ALWAYS NEVER). */
typedef enum { PROBE_EQ, PROBE_NE, PROBE_LT, PROBE_GE, PROBE_LTU, PROBE_GEU, PROBE_ALWAYS, PROBE_NEVER } ProbeCond;
void probe_add_call_if(ProbeBlock *b, unsigned insn, ProbeFn *fn, void *data, bool regs, ProbeCond cond, uint32_t offset,
                       uint64_t value);

#endif
