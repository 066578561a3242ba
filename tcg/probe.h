/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what observers ask of a block (core/probe.h) to IR. Additions to counters are merged: the first
 * instruction of a stretch that adds to a counter adds for all of them, and what a cut block did not reach is
 * taken back. Whatever could look at the counters ends a stretch.
 */
#ifndef TCG_PROBE_H
#define TCG_PROBE_H

#include "core/machine.h"
#include "core/probe_block.h"
#include "tcg/arena.h"
#include "tcg/ir/ir.h"

typedef struct ProbeCall ProbeCall;
typedef void ProbeHelper(Hart *h, const ProbeCall *call, uint64_t a, uint64_t b, uint64_t c);

/*
 * What a PROBE op refers to. Backends call fn(hart, call, a, b, c), with pc and left stored; or direct(data, hart); or
 * direct_mem(data, hart, &hart->probe_access), which they have made `access` with the address a and, of b, the bytes that its
 * size says.
 */
struct ProbeCall {
    ProbeHelper *fn;
    ProbeFn *direct;        /* if not NULL: all that there is to call */
    ProbeMemFn *direct_mem; /* likewise */
    void *data;             /* of these */
    ProbeAccess access;
    bool regs;        /* x[] and pc are looked at */
    bool conditional; /* only if the counter <cond> value, which fits 32 bits sign-extended */
    uint8_t cond;     /* ProbeCond */
    uint8_t amo;      /* IrAmo */
    uint8_t
        follow; /* ProbeKind of a call or return that is followed in line (core/probe_stack.h), to a + value */
    MemOp mem;
    uint32_t counter;
    int32_t value;
    uint32_t n;
    ProbeRequest requests[];
};

/* The bytes of a register that the access concerns. */
static inline uint64_t probe_access_bytes(const ProbeAccess *access, uint64_t value) {
    return access->size >= 3 ? value : value & (((uint64_t)1 << (8u << access->size)) - 1);
}

/* One merged addition: when it is made and when it is due, each 2 * instruction, + 1 after the instruction's
 * access. */
typedef struct ProbeUndo {
    uint8_t made, due;
    uint32_t counter;
    int32_t value;
} ProbeUndo;

/* Memory for what belongs to blocks: two arenas, because a flush must spare the block at hand. */
typedef struct Probes {
    Arena arenas[2];
    unsigned current;
    Arena tail;   /* of the tail at hand */
    bool in_tail; /* allocate there */
    GArray *requests;
    GPtrArray *steps;
    IrOp *ops; /* IR_MAX_OPS: the block being written */
} Probes;

void probes_init(Probes *p);
void probes_done(Probes *p);
/* All blocks are gone, but for the one that is being made. */
void probes_flush(Probes *p);

/* What the observers are shown besides the IR. */
typedef struct ProbeCode {
    const uint8_t *bytes, *host;
    Gpa paddr;
    bool tail;  /* it will not be kept */
    bool again; /* it begins with an instruction whose beginning was observed */
} ProbeCode;

/* Show the block to the observers and insert what they ask for. False: blocks of before must not run any more. */
bool probe_instrument(Probes *p, Machine *m, const ProbeCode *code, IrBlock *ir);
/* A block was left at instruction `insn`, which began but did not complete. */
void probe_undo(const Hart *h, const ProbeUndo *undo, unsigned n, unsigned insn);

#endif
