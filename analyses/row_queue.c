/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/run.h"

#define BATCH_BYTES 65536u
#define BATCHES_MAX 256u /* the guest waits beyond */
#define SPARES_MAX 16u

typedef struct Batch {
    size_t n;
    uint8_t items[];
} Batch;

struct RowQueue {
    size_t item_size;
    RowFn *fn;
    void (*drop)(const void *item); /* NULL: nothing to be done */
    void *opaque;
    GThread *thread; /* NULL: the host gave none, and whoever pushes does the work */
    GMutex lock;
    GCond changed;
    GQueue batches;
    GQueue spares; /* empty ones, whose memory the host has given already */
    size_t batch;  /* items */
    Batch *filling;
    bool finishing, paused;
    bool rests; /* the thread waits for something to do; not so before its first wait */
    GError *error;
};

static void run_batch(RowQueue *q, const Batch *b) {
    for (size_t i = 0; i < b->n; i++) {
        const uint8_t *item = b->items + i * q->item_size;
        if (!q->error)
            q->fn(q->opaque, item, &q->error);
        else if (q->drop)
            q->drop(item);
    }
}

static gpointer queue_thread(gpointer data) {
    RowQueue *q = data;
    g_mutex_lock(&q->lock);
    for (;;) {
        Batch *b = q->paused ? NULL : g_queue_pop_head(&q->batches);
        if (b) {
            g_cond_broadcast(&q->changed);
            g_mutex_unlock(&q->lock);
            run_batch(q, b);
            g_mutex_lock(&q->lock);
            if (q->spares.length < SPARES_MAX)
                g_queue_push_head(&q->spares, b);
            else
                g_free(b);
        } else if (q->finishing) {
            break;
        } else {
            q->rests = true;
            g_cond_broadcast(&q->changed);
            g_cond_wait(&q->changed, &q->lock);
            q->rests = false;
        }
    }
    g_mutex_unlock(&q->lock);
    return NULL;
}

/* Locked. */
static Batch *take_batch(RowQueue *q) {
    Batch *b = g_queue_pop_head(&q->spares);
    if (!b)
        b = g_malloc(sizeof(Batch) + q->batch * q->item_size);
    b->n = 0;
    return b;
}

RowQueue *row_queue_new(size_t item_size, RowFn *fn, void *opaque) {
    RowQueue *q = g_new0(RowQueue, 1);
    q->item_size = item_size;
    q->fn = fn;
    q->opaque = opaque;
    g_mutex_init(&q->lock);
    g_cond_init(&q->changed);
    q->batch = MAX(BATCH_BYTES / item_size, 1);
    q->filling = take_batch(q);
    q->thread = g_thread_try_new("rows", queue_thread, q, NULL);
    return q;
}

void row_queue_set_drop(RowQueue *q, void (*drop)(const void *item)) {
    q->drop = drop;
}

static void hand_over(RowQueue *q) {
    if (!q->thread) {
        run_batch(q, q->filling);
        q->filling->n = 0;
        return;
    }
    g_mutex_lock(&q->lock);
    while (q->batches.length >= BATCHES_MAX)
        g_cond_wait(&q->changed, &q->lock);
    g_queue_push_tail(&q->batches, q->filling);
    q->filling = take_batch(q);
    g_cond_broadcast(&q->changed);
    g_mutex_unlock(&q->lock);
}

void row_queue_push(RowQueue *q, const void *item) {
    memcpy(q->filling->items + q->filling->n++ * q->item_size, item, q->item_size);
    if (q->filling->n == q->batch)
        hand_over(q);
}

void row_queue_flush(RowQueue *q) {
    hand_over(q);
}

void row_queue_pause(RowQueue *q) {
    g_mutex_lock(&q->lock);
    q->paused = true;
    while (q->thread && !q->rests)
        g_cond_wait(&q->changed, &q->lock);
    g_mutex_unlock(&q->lock);
}

void row_queue_resume(RowQueue *q) {
    g_mutex_lock(&q->lock);
    q->paused = false;
    g_cond_broadcast(&q->changed);
    g_mutex_unlock(&q->lock);
}

bool row_queue_finish(RowQueue *q, GError **error) {
    if (!q)
        return true;
    hand_over(q);
    g_mutex_lock(&q->lock);
    q->finishing = true;
    g_cond_broadcast(&q->changed);
    g_mutex_unlock(&q->lock);
    if (q->thread)
        g_thread_join(q->thread);
    bool ok = !q->error;
    if (!ok)
        g_propagate_error(error, q->error);
    g_free(q->filling);
    g_queue_clear_full(&q->spares, g_free);
    g_mutex_clear(&q->lock);
    g_cond_clear(&q->changed);
    g_free(q);
    return ok;
}
