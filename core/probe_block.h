/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block as it is shown to observers, and what they asked for: filled in and read by the engine. */
#ifndef CORE_PROBE_BLOCK_H
#define CORE_PROBE_BLOCK_H

#include <glib.h>
#include "core/probe.h"
#include "core/probe_step.h"

typedef enum {
    PROBE_DO_CALL,
    PROBE_DO_CALL_IF,
    PROBE_DO_STACK_CALL,
    PROBE_DO_STACK_RETURN,
    PROBE_DO_LOWER,
    PROBE_DO_INLINE,
    PROBE_DO_MEM,
    PROBE_DO_MEM_INLINE
} ProbeKind;

typedef struct ProbeRequest {
    uint8_t kind;     /* ProbeKind */
    uint8_t op;       /* ProbeCond or ProbeOp */
    uint8_t access;   /* PROBE_* */
    bool regs;        /* the call looks at x[] and pc */
    uint32_t insn;    /* or PROBE_AT_BLOCK */
    uint32_t counter; /* byte offset in the scoreboard */
    uint64_t value;
    union {
        ProbeFn *call;
        ProbeMemFn *mem;
    } fn;
    void *data;
    uint8_t base; /* PROBE_DO_STACK_*, PROBE_DO_LOWER: register; `value` is added to it */
} ProbeRequest;

struct ProbeBlock {
    Gva pc;
    Gpa paddr;
    const uint8_t *host;
    uint32_t flags;
    unsigned n_insns;
    const ProbeInsn *insns;
    bool again;
    GArray *requests; /* of ProbeRequest, in the order of asking */
    GPtrArray *steps; /* of ProbeStep */
    void *(*alloc)(void *opaque, size_t size);
    void *opaque;
};

/*
 * Take out of the requests what needs no code: additions that every instruction makes. False: such code was made
 * already, and this block wants it otherwise: all blocks must be made anew before any runs.
 */
bool scoreboard_derive(Machine *m, ProbeBlock *b);
/* The engine is about to run code for the observers of now (hooks_translate_epoch()). */
void scoreboard_new_epoch(Machine *m);

/* Does the condition hold? */
static inline bool probe_cond_holds(ProbeCond cond, uint64_t a, uint64_t b) {
    switch (cond) {
    case PROBE_EQ: return a == b;
    case PROBE_NE: return a != b;
    case PROBE_LT: return a < b;
    case PROBE_LE: return a <= b;
    case PROBE_GT: return a > b;
    default: return a >= b;
    }
}

#endif
