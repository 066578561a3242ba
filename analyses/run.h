/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a built-in analysis is made of (registry.c drives it). */
#ifndef ANALYSES_RUN_H
#define ANALYSES_RUN_H

#include "analyses/analysis.h"
#include "analyses/callstack.h"
#include "analyses/programs.h"
#include "analyses/rr-plugin.h"
#include "analyses/store/store.h"
#include "analyses/syscall_track.h"
#include "analyses/tasks.h"
#include "analyses/tracer.h"

typedef struct AnalysisRun AnalysisRun;

#define ROWS_UNKNOWN (-1) /* they are made when somebody asks for them */

typedef struct AnalysisClass {
    AnalysisInfo info;
    size_t state_size; /* of the zeroed AnalysisRun.state */
    /* Make the tables (inside the set's transaction) and subscribe. */
    bool (*begin)(AnalysisRun *run, GError **error);
    /* Unsubscribed already: write what is left; the number of rows, or ROWS_UNKNOWN. */
    bool (*end)(AnalysisRun *run, int64_t *rows, GError **error);
    /* Whatever happened before, also instead of end. */
    void (*free)(AnalysisRun *run);
    /* May be NULL: the first position at or after `at` at which it wants `reached`; POS_NONE: none. */
    Pos (*next_position)(const AnalysisRun *run, Pos at);
    void (*reached)(AnalysisRun *run, Pos pos);
} AnalysisClass;

struct AnalysisRun {
    const AnalysisClass *class;
    char *spec, *name;   /* as given; the name of the tables */
    GHashTable *options; /* by name, defaults included */
    Store *store;
    Machine *machine;
    Tracer *tracer; /* the set's */
    AnalysisSet *set;
    void *state;
    bool subscribed, begun;
};

/* The value of one of the analysis' options. */
const char *analysis_run_option(const AnalysisRun *run, const char *option);
void analysis_run_subscribe(AnalysisRun *run, const HookOps *ops);
/* In begin: `fn` gets every job of the trace, with what TRACE_WANT_* `wants`; at most `jobs` are held at a
 * time. */
void analysis_run_trace(AnalysisRun *run, uint32_t wants, unsigned jobs, TraceJobFn *fn, void *opaque);

/*
 * What several observers follow, once for the set: who runs where, and system calls. Asked for in begin it is begun
 * once all analyses are, later on at once: whoever subscribes to the machine after that is told by it first.
 */
Tasks *analysis_set_tasks(AnalysisSet *set);
SyscallTrack *analysis_set_syscalls(AnalysisSet *set);
/* NULL: they are not followed. */
Programs *analysis_set_programs(AnalysisSet *set);
/* In begin: calls and functions; likewise. */
CallStacks *analysis_run_calls(AnalysisRun *run);

/*
 * Rows of the analyses with few of them go through a queue, so that the guest's thread never waits for
 * SQLite: queued closures run in order on one thread.
 */
typedef struct RowQueue RowQueue;
typedef bool RowFn(void *opaque, const void *item, GError **error);
/* `item_size` bytes are copied per item; `fn` is called on the queue's thread. */
RowQueue *row_queue_new(size_t item_size, RowFn *fn, void *opaque);
void row_queue_push(RowQueue *q, const void *item);
/* Do not wait for more. */
void row_queue_flush(RowQueue *q);
/* Its thread neither works nor holds a lock from pause to resume, so that the process may fork. */
void row_queue_pause(RowQueue *q);
void row_queue_resume(RowQueue *q);
/* Wait for the end; the first error. Frees. */
bool row_queue_finish(RowQueue *q, GError **error);

/* seq of the next `n` rows at `pos` (schema/seq.h). */
typedef struct RowSeq {
    Pos pos;
    uint32_t class, used;
} RowSeq;

static inline int64_t row_seq_next(RowSeq *s, Pos pos, uint32_t class, uint32_t n) {
    if (s->pos != pos || s->class != class)
        *s = (RowSeq){pos, class, 0};
    s->used += n;
    return class + (s->used - n);
}

extern const AnalysisClass blocks_class;
extern const AnalysisClass calls_class;
extern const AnalysisClass funcs_class;
extern const AnalysisClass insn_class;
extern const AnalysisClass memtrace_class;
extern const AnalysisClass regs_class;

#endif
