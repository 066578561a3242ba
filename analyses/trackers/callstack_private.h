/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What callstack.c and callstack_sites.c share: the stacks, and the instructions that call and return. */
#ifndef ANALYSES_CALLSTACK_PRIVATE_H
#define ANALYSES_CALLSTACK_PRIVATE_H

#include "analyses/trackers/callstack.h"

#define RA 1u
#define SP 2u
#define A0 10u

/* One stack of a thread. The part from `base` on is what runs since the last ROOT or TRAP. */
typedef struct Fiber {
    CallFrame *frames;
    guint n, size, base;
    uint64_t clock; /* instructions since the base began, while another fiber runs */
    Gva resume_pc;  /* where a trap interrupted it, to run another fiber; 0: it left by itself */
    uint64_t resume_sp;
} Fiber;

typedef struct Thread {
    GPtrArray *fibers;
    Fiber *current;
    bool shared; /* two harts seemed to run it at once: nothing in line */
} Thread;

typedef struct Watcher {
    uint64_t insns;
    CallFn *fn;
    void *opaque;
} Watcher;

struct CallStacks {
    Machine *machine;
    const Functions *functions;
    Tasks *tasks;
    const Programs *programs;
    GHashTable *funcs;   /* Func → itself */
    GHashTable *threads; /* Linux: Task; else the hart → Thread */
    Thread *running[MACHINE_MAX_HARTS];
    uint64_t origin[MACHINE_MAX_HARTS];    /* the hart's instructions when its fiber's clock was 0 */
    ProbeStack *places[MACHINE_MAX_HARTS]; /* what generated code knows and changes */
    uint32_t place;                        /* of the scoreboard */
    bool in_line;                          /* they are on the scoreboard */
    GArray *watchers;
    uint64_t least; /* a call of fewer instructions interests no watcher */
    uint64_t n_calls;
    bool subscribed;
};

static inline uint64_t space_of(const Hart *hart) {
    return hart->priv == PRIV_U ? hart->satp : 0;
}

/* Or the kernel's module that has the function. */
static inline int64_t program_of(const CallStacks *c, const Hart *hart, Gva addr) {
    if (hart->priv == PRIV_U)
        return programs_on(c->programs, hart);
    return addr >> 63 ? programs_place(c->programs, hart, addr).module : 0;
}

/* Whoever looks at the hart's stack, or changes it, takes over before what was done in line, and hands back afterwards. */
void stacks_take_over(CallStacks *c, const Hart *hart);
void stacks_hand_back(CallStacks *c, const Hart *hart);

/* In callbacks of the hart whose turn it is. */
Func *stacks_function(CallStacks *c, Gva addr, uint64_t satp, int64_t program);
/* The instruction at pc calls, or, if kind is TAIL, jumps to the function. */
void stacks_begin_call(CallStacks *c, const Hart *hart, Func *func, CallKind kind, Gva pc, Gva ret,
                       bool args);
/* It returns to `target`. plain: it does nothing else. */
void stacks_end_call(CallStacks *c, const Hart *hart, Gva target, bool plain);
/* Functions that jump to each other in turn: those since this one began end. */
bool stacks_is_loop(CallStacks *c, const Hart *hart, const Func *func);
/* Attach to the block what calls, returns, and lowers the stack pointer (callstack_sites.c). */
void stacks_attach(CallStacks *c, ProbeBlock *b);

#endif
