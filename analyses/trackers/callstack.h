/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls: a shadow stack for each thread of control, which follows jumps that link, and returns, by the hints that
 * the ISA gives (unprivileged spec, "Return-address stack prediction hints").
 *
 * A return belongs to the latest call that it returns behind, with the stack pointer that it had. One that belongs to no
 * call leaves the functions whose frames it frees (longjmp), or goes to another stack: to the call there that it belongs to.
 * A jump to where a function begins is a tail call: it returns together with its caller. What a trap runs is a tree of its
 * own on top of what it interrupted, and costs that nothing. Linux tasks have their own stacks (tasks.h), else harts.
 */
#ifndef ANALYSES_CALLSTACK_H
#define ANALYSES_CALLSTACK_H

#include "analyses/trackers/functions.h"
#include "analyses/symbols/programs.h"
#include "analyses/trackers/tasks.h"
#include "core/probe_stack.h"

#define CALL_ARGS PROBE_ARGS

/* ROOT: what was not called: where the observation or a program began, a signal handler. TRAP: a trap's handler. */
typedef enum {
    CALL_CALL = PROBE_FRAME_CALL,
    CALL_TAIL = PROBE_FRAME_TAIL,
    CALL_ROOT = PROBE_FRAME_ROOT,
    CALL_TRAP = PROBE_FRAME_MORE
} CallKind;

/* Kept in line by generated code too. */
typedef ProbeFunction Func;
typedef ProbeFrame CallFrame;

typedef struct CallEnd {
    const CallFrame *frame;
    Pos return_pos; /* POS_NONE: it did not return */
    bool has_result;
    uint64_t result, result1, insns;
    uint64_t parent; /* its id; 0: none */
    uint32_t depth;
} CallEnd;

typedef void CallFn(void *opaque, const CallEnd *end);
typedef struct CallStacks CallStacks;

/* `functions`, `tasks` and `programs`, which may be NULL, must outlive it. */
CallStacks *call_stacks_new(Machine *m, const Functions *functions, Tasks *tasks, const Programs *programs);
void call_stacks_free(CallStacks *c);
/* Before the machine runs on. `fn` is told of every call of at least so many instructions when it ends; arguments and min_sp are
 * only kept for that. */
void call_stacks_watch(CallStacks *c, uint64_t insns, CallFn *fn, void *opaque);
void call_stacks_begin(CallStacks *c);
/* Everything ends. Functions live on. */
void call_stacks_end(CallStacks *c);
/* The calls that are open on a hart, innermost first, those that a trap interrupted too. */
void call_stacks_open(CallStacks *c, const Hart *hart, void (*fn)(void *opaque, const CallFrame *frame),
                      void *opaque);
void call_stacks_each(const CallStacks *c, void (*fn)(void *opaque, const Func *f), void *opaque);

#endif
