/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes: what an observer attaches to translated code. The engine shows each block to the observers when it
 * is translated (HookOps.translate); they choose where to be called and which counters generated code keeps
 * for them. Blocks without probes cost nothing. Probes see; no call here changes the guest.
 *
 * A block shown here is what the translator made, whose boundaries are its own choice and change from run to
 * run. What an analysis reports must not depend on them: attach to instructions, or join blocks by their
 * jumps.
 *
 * An instruction is observed once for each time that it begins, also if it then raises an exception; an
 * access once for each time that it was made. An instruction that the engine undoes and runs again as a block
 * of its own is shown as such a block (probe_block_is_again), where only its accesses can be attached to.
 */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include "core/types.h"

typedef struct Hart Hart;
typedef struct Machine Machine;
typedef struct ProbeBlock ProbeBlock;

enum { PROBE_READ = 1, PROBE_WRITE = 2 };

typedef struct ProbeInsn {
    Gva pc;
    uint32_t raw;   /* the instruction's bytes, little-endian */
    uint8_t len;    /* 2 or 4 */
    uint8_t access; /* PROBE_*: what it may do to memory */
} ProbeInsn;

/* An access that was made; valid during the callback. */
typedef struct ProbeAccess {
    Gva va;
    uint64_t value; /* zero-extended raw memory contents */
    uint8_t size;   /* log2 of the bytes; 6: a cache block of zeros (cbo.zero) */
    bool is_write;
    bool is_signed; /* what the instruction makes of the value */
    uint8_t ctx;    /* MemCtx of the access */
} ProbeAccess;

/*
 * Before the first effect of the block or the instruction: hart_pos(hart) is its step. hart->x[] and hart->pc
 * are exact if the call was attached with `regs`, all else in any case.
 */
typedef void ProbeFn(void *data, const Hart *hart);
/*
 * After an access. One that crosses a page is one access. Of an atomic memory operation the read comes first,
 * then the write; a failed sc makes none.
 */
typedef void ProbeMemFn(void *data, const Hart *hart, const ProbeAccess *access);

/* -- what a translate callback may ask and do, during that call only ------------------------------------- */
Gva probe_block_pc(const ProbeBlock *b);
/* Physical address of the first byte; an instruction that lies in two pages is a block of its own. */
Gpa probe_block_paddr(const ProbeBlock *b);
/* Where these bytes are in the host's memory. */
const uint8_t *probe_block_host(const ProbeBlock *b);
/* hart->flags it is specialised on. */
uint32_t probe_block_flags(const ProbeBlock *b);
unsigned probe_block_n_insns(const ProbeBlock *b);
const ProbeInsn *probe_block_insn(const ProbeBlock *b, unsigned i);
/* The one instruction was begun, and observed, in another block: only accesses are attached to. */
bool probe_block_is_again(const ProbeBlock *b);
/* Cleared memory that lives exactly as long as the block's code: for `data`. */
void *probe_block_alloc(ProbeBlock *b, size_t size);

#define PROBE_AT_BLOCK                                                                                       \
    UINT32_MAX /* for `insn`: when the block is entered, before its first instruction's probes */

typedef enum { PROBE_ADD, PROBE_STORE } ProbeOp;
/* As unsigned numbers. */
typedef enum { PROBE_EQ, PROBE_NE, PROBE_LT, PROBE_LE, PROBE_GT, PROBE_GE } ProbeCond;

/* What is attached to one place happens in the order of attaching. */
void probe_add_call(ProbeBlock *b, uint32_t insn, ProbeFn *fn, void *data, bool regs);
/* The same, only when the executing hart's counter compares so with `value`. */
void probe_add_call_if(ProbeBlock *b, uint32_t insn, ProbeCond cond, uint32_t counter, uint64_t value,
                       ProbeFn *fn, void *data, bool regs);
/* On the executing hart's counter. */
void probe_add_inline(ProbeBlock *b, uint32_t insn, ProbeOp op, uint32_t counter, uint64_t value);
/* For each of the instruction's accesses that `access` (PROBE_*) has. */
void probe_add_mem(ProbeBlock *b, uint32_t insn, unsigned access, ProbeMemFn *fn, void *data, bool regs);
void probe_add_mem_inline(ProbeBlock *b, uint32_t insn, unsigned access, ProbeOp op, uint32_t counter,
                          uint64_t value);

/* -- in callbacks ---------------------------------------------------------------------------------------- */
/* Where the access went. *is_ram: not a device. False: not known (cannot be for an access that was just
 * made). */
bool probe_access_paddr(const Hart *hart, const ProbeAccess *access, Gpa *pa, bool *is_ram);

/* -- counters: 64-bit words, each hart has its own copy of all of them ----------------------------------- */
#define SCOREBOARD_SIZE ((size_t)256 << 20) /* bytes a hart; memory is taken when they are touched */
#define COUNTER_OF_NOBODY ((uint32_t)(SCOREBOARD_SIZE - 8)) /* may be written to once there are others */
/*
 * Reserve `size` bytes (cleared, 8-byte aligned) in every hart's scoreboard; *counter is what the calls above
 * take, or the first of them. False: there is no room. They live as long as the machine.
 */
bool scoreboard_alloc(Machine *m, uint32_t size, uint32_t *counter);
/* The hart's copy; stable. Exact now; at other times when an observer is called after scoreboard_settle(). */
uint64_t *scoreboard_at(const Machine *m, uint32_t hart, uint32_t counter);
/* Add to counters what was left to be added later. Not needed in calls from translated code. */
void scoreboard_settle(const Machine *m);

#endif
