/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw trace (core/trace.h) for several analyses: the guest's thread fills buffers, a few of them make a
 * job, and each consumer gets every job, in order. There are so many buffers and no more: the guest waits
 * when consumers are behind.
 */
#ifndef ANALYSES_TRACER_H
#define ANALYSES_TRACER_H

#include <glib.h>
#include "core/machine.h"

#define TRACER_JOB_WORDS (12u * TRACE_BUFFER_WORDS) /* about 400,000 accesses */
#define TRACER_JOB_BUFFERS 16u

typedef struct Tracer Tracer;

typedef struct TracePiece {
    uint64_t *words;
    size_t n;
} TracePiece;

typedef struct TraceJob {
    uint64_t id; /* 0, 1, 2 … */
    size_t n, words;
    TracePiece
        pieces[TRACER_JOB_BUFFERS]; /* each begins with TRACE_SYNC; a block's words lie in one of them */
    Tracer *tracer;
    gint refs;
} TraceJob;

/* On the guest's thread. The job is the callee's to unref when it has read it, on whichever thread. */
typedef void TraceJobFn(void *opaque, TraceJob *job);

Tracer *tracer_new(void);
void tracer_free(Tracer *t); /* no job is in use any more */
/* Before the tracer_begin that counts for it. `jobs`: how many the consumer may hold. */
void tracer_add(Tracer *t, uint32_t wants, unsigned jobs, TraceJobFn *fn, void *opaque);
/* Subscribe to the machine's trace, and make the engine leave one. Again after tracer_add(), before the machine runs. */
void tracer_begin(Tracer *t, Machine *m);
/* Unsubscribe; the last job goes to the consumers. */
void tracer_end(Tracer *t);
void trace_job_unref(TraceJob *job);

#endif
