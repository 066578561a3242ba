/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/tracer.h"

#include <string.h>

#define BUFFER_BYTES ((TRACE_BUFFER_WORDS + TRACE_RESERVE) * sizeof(uint64_t))

typedef struct Consumer {
    TraceJobFn *fn;
    void *opaque;
} Consumer;

struct Tracer {
    Machine *machine; /* NULL: not subscribed */
    GArray *consumers;
    uint32_t wants;
    unsigned jobs_max;
    TraceJob *filling;
    uint64_t n_jobs;
    GMutex lock; /* for what follows */
    GCond changed;
    GPtrArray *free;    /* of buffers */
    GPtrArray *buffers; /* all of them */
};

Tracer *tracer_new(void) {
    Tracer *t = g_new0(Tracer, 1);
    t->consumers = g_array_new(FALSE, FALSE, sizeof(Consumer));
    t->free = g_ptr_array_new();
    t->buffers = g_ptr_array_new_with_free_func(g_free);
    t->jobs_max = 1; /* the one being filled */
    g_mutex_init(&t->lock);
    g_cond_init(&t->changed);
    return t;
}

void tracer_free(Tracer *t) {
    if (!t)
        return;
    tracer_end(t);
    g_array_free(t->consumers, TRUE);
    g_ptr_array_free(t->free, TRUE);
    g_ptr_array_free(t->buffers, TRUE);
    g_mutex_clear(&t->lock);
    g_cond_clear(&t->changed);
    g_free(t);
}

void tracer_add(Tracer *t, uint32_t wants, unsigned jobs, TraceJobFn *fn, void *opaque) {
    Consumer c = {fn, opaque};
    g_array_append_val(t->consumers, c);
    t->wants |= wants;
    t->jobs_max = MAX(t->jobs_max, jobs + 1);
}

void trace_job_unref(TraceJob *job) {
    Tracer *t = job->tracer;
    if (!g_atomic_int_dec_and_test(&job->refs))
        return;
    g_mutex_lock(&t->lock);
    for (size_t i = 0; i < job->n; i++)
        g_ptr_array_add(t->free, job->pieces[i].words);
    g_cond_broadcast(&t->changed);
    g_mutex_unlock(&t->lock);
    g_free(job);
}

static uint64_t *take_buffer(Tracer *t) {
    uint64_t *buffer;
    g_mutex_lock(&t->lock);
    while (t->free->len == 0 && t->buffers->len >= TRACER_JOB_BUFFERS * t->jobs_max)
        g_cond_wait(&t->changed, &t->lock);
    if (t->free->len) {
        buffer = g_ptr_array_steal_index(t->free, t->free->len - 1);
    } else {
        buffer = g_malloc(BUFFER_BYTES);
        g_ptr_array_add(t->buffers, buffer);
    }
    g_mutex_unlock(&t->lock);
    return buffer;
}

static void dispatch(Tracer *t) {
    TraceJob *job = g_steal_pointer(&t->filling);
    if (!job)
        return;
    job->refs = (gint)t->consumers->len;
    for (guint i = 0; i < t->consumers->len; i++) {
        const Consumer *c = &g_array_index(t->consumers, Consumer, i);
        c->fn(c->opaque, job);
    }
}

/* A short piece is copied behind the last one, so that a flush does not cost a buffer. */
static bool append_piece(TraceJob *job, const uint64_t *words, size_t n) {
    TracePiece *last = job->n ? &job->pieces[job->n - 1] : NULL;
    if (!last || n > TRACE_BUFFER_WORDS / 8 || last->n + n > TRACE_BUFFER_WORDS)
        return false;
    memcpy(last->words + last->n, words, n * sizeof *words);
    last->n += n;
    return true;
}

static void on_trace(void *opaque, const uint64_t *words, size_t n, uint64_t **next) {
    Tracer *t = opaque;
    *next = (uint64_t *)words;
    if (n) {
        if (!t->filling) {
            t->filling = g_new0(TraceJob, 1);
            t->filling->id = t->n_jobs++;
            t->filling->tracer = t;
        }
        TraceJob *job = t->filling;
        job->words += n;
        if (!append_piece(job, words, n)) {
            job->pieces[job->n++] = (TracePiece){(uint64_t *)words, n};
            *next = NULL;
        }
        if (job->words >= TRACER_JOB_WORDS - TRACE_BUFFER_WORDS / 2 || job->n == TRACER_JOB_BUFFERS)
            dispatch(t);
    }
    if (!*next)
        *next = take_buffer(t);
}

static const HookOps tracer_hooks = {.trace = on_trace};

static void flush_engine(Machine *m) {
    if (m->engine)
        m->engine->ops->flush(m->engine);
}

void tracer_begin(Tracer *t, Machine *m) {
    if (!t->machine)
        hooks_subscribe(m->hooks, &tracer_hooks, t);
    t->machine = m;
    hooks_set_trace_wants(m->hooks, t->wants);
    flush_engine(m);
}

void tracer_end(Tracer *t) {
    if (!t->machine)
        return;
    hooks_unsubscribe(t->machine->hooks, t);
    flush_engine(t->machine); /* the code leaves a trace where there is no buffer any more */
    t->machine = NULL;
    dispatch(t);
}
