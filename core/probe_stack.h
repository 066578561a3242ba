/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls and returns, followed in line: a stack of frames that is the observer's. Each hart has a place (PROBE_STACK_SIZE bytes
 * of its scoreboard), which says where the stack is that runs there. A call that is as expected pushes a frame, a return
 * that is pops one, with nothing but generated code; else the site's function is called, and does it. So functions
 * begin by taking over what the place says, and end by saying it anew.
 */
#ifndef CORE_PROBE_STACK_H
#define CORE_PROBE_STACK_H

#include "core/probe.h"

#define PROBE_ARGS 8u
#define PROBE_STACK_MAX (1u << 14) /* bytes: further below its caller's a callee's stack is another one */

/*
 * A tail is a call by a jump: it returns together with the frame below, if that returns there too. A root was not called, but
 * may return, by a site's function; from what is more nothing returns.
 */
enum { PROBE_FRAME_CALL, PROBE_FRAME_TAIL, PROBE_FRAME_ROOT, PROBE_FRAME_MORE };

typedef struct ProbeFrame ProbeFrame;
typedef struct ProbeFunction ProbeFunction;

struct ProbeFunction {
    uint64_t
        part; /* ProbeStack.part in which the outermost frame was last looked up; 0: none, frames have moved */
    ProbeFrame *outermost;       /* it, or one that is gone */
    uint64_t calls, self, total; /* instructions; total: of outermost calls */
    /* the observer's */
    Gva addr;        /* its first instruction */
    uint64_t satp;   /* of programs; 0: of the kernel, the firmware, or without paging */
    int64_t program; /* likewise, if it is known; or the kernel's module that has it */
    Pos first;       /* where it was first met */
    uint32_t number; /* 0, 1, … in the order of that */
};

struct ProbeFrame {
    ProbeFunction *func;
    uint64_t id;         /* 1, 2, … in order of call_pos */
    Gva ret;             /* where it will return */
    uint64_t sp, min_sp; /* before its first instruction; the lowest one, but of the top frame */
    Pos call_pos;
    Gva call_pc;
    uint64_t start, inner; /* on the stack's clock, in instructions: when it began; spent in calls */
    uint64_t args[PROBE_ARGS];
    uint32_t hart, task;
    uint32_t outer; /* there is no other call of the function below it */
    uint32_t kind;  /* PROBE_FRAME_*; in line only calls and tails return */
    /* the observer's */
    uint8_t from_priv, to_priv;
    uint32_t base, depth;
    uint64_t parent, saved_clock, satp;
    Gva epc;
};

typedef struct ProbeStack {
    ProbeFrame *top, *last; /* last: up to which there is room; NULL: nothing is done in line */
    uint64_t part;          /* of the stack, that runs: no other one ever has this number */
    uint64_t origin;        /* the hart's instructions when the stack's clock was 0 */
    uint64_t min_sp;        /* the top frame's */
    uint64_t *id;           /* the last one that was given */
    uint64_t least;         /* a call of at least so many instructions returns by the site's function */
    uint32_t hart, task;
} ProbeStack;
#define PROBE_STACK_SIZE ((uint32_t)sizeof(ProbeStack))

/* An instruction that calls, returns, or jumps to a function. The first member of the function's `data`. */
typedef struct ProbeSite {
    ProbeFn *fn;
    uint64_t place; /* of the ProbeStack */
    Gva pc, ret;    /* where it is; where the call returns to */
    /* calls: in line if the target is `target`, and, if it is of a program, satp is `satp` */
    Gva target;
    uint64_t satp;
    ProbeFunction *func; /* NULL: not in line */
    /* a jump, which is a tail unless it stays within the function: to one of `length` addresses from `inside` on */
    Gva inside;
    uint64_t length;
    /* what does not change */
    bool space; /* of a program */
    bool tail;  /* a jump, which returns to where ra says */
    bool keep;  /* a0 to a7 and min_sp, and `least` counts */
} ProbeSite;

/* Calls and tails. The target is the integer register `base` (0: site->target always) + offset, without its lowest bit. */
void probe_add_stack_call(ProbeBlock *b, uint32_t insn, ProbeSite *site, unsigned base, int32_t offset);
void probe_add_stack_return(ProbeBlock *b, uint32_t insn, ProbeSite *site, unsigned base, int32_t offset);
/* The 64-bit counter becomes the integer register's value + add, if that is lower. */
void probe_add_lower(ProbeBlock *b, uint32_t insn, unsigned reg, int32_t add, uint32_t counter);

#endif
