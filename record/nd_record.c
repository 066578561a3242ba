/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder: what the inner world hands over goes into the log on its way to the machine. How often the
 * log reaches the file depends on the host's clock, which is allowed here: nothing that the guest sees
 * depends on it.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "record/rec.h"

#define FLUSH_NS 500000000u
/* Before a wait that may be long, so that little is lost if the program is killed in it. */
#define LONG_WAIT_NS 100000000u
#define FLUSH_BEFORE_WAIT_NS 50000000u /* on average: */
#define FLUSH_BURST_NS 200000000u      /* what follows a pause is written at once */

typedef struct NdRecord {
    Nd base;
    Nd *inner;
    RecWriter *writer;
    Pos interval, next_checkpoint;
    uint64_t last_flush, next_wait_flush; /* host monotonic ns */
    bool failed;                          /* the writer's error was turned into a stop */
    /* An event that came during an idle wait too late to be delivered in it: the next poll has it. */
    bool held;
    NdEvent held_event;
    uint8_t *held_payload;
} NdRecord;

static uint64_t host_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void flush_now_and_then(NdRecord *r, Pos pos) {
    uint64_t now = host_ns();
    if (now - r->last_flush < FLUSH_NS)
        return;
    r->last_flush = now;
    rec_writer_flush(r->writer, pos, NULL); /* the error stays in the writer */
}

/* A wait may last for hours, so what led to it is written before, unless waits follow each other too fast. */
static void flush_before_wait(NdRecord *r, Pos pos) {
    uint64_t now = host_ns();
    if (now < r->next_wait_flush)
        return;
    r->next_wait_flush = MAX(r->next_wait_flush, now - MIN(now, FLUSH_BURST_NS)) + FLUSH_BEFORE_WAIT_NS;
    r->last_flush = now;
    rec_writer_flush(r->writer, pos, NULL);
}

/* The log cannot be written any more: what follows could not be replayed, so the run ends here. */
static bool writer_failure(NdRecord *r, Pos pos, Nsec now, NdEvent *ev) {
    static const uint8_t payload[4] = {ND_STOP_RECORD};
    if (r->failed || !rec_writer_error(r->writer))
        return false;
    r->failed = true;
    *ev = (NdEvent){pos, now, ND_STOP, 0, payload, sizeof payload};
    return true;
}

static Pos record_next_pos(Nd *nd) {
    NdRecord *r = (NdRecord *)nd;
    return r->inner->ops->next_pos(r->inner);
}

static bool record_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    NdRecord *r = (NdRecord *)nd;
    flush_now_and_then(r, pos);
    if (writer_failure(r, pos, now, ev))
        return true;
    if (r->held)
        *ev = r->held_event;
    else if (!r->inner->ops->poll(r->inner, pos, now, ev))
        return false;
    r->held = false;
    ev->pos = pos;
    ev->time = now;
    rec_writer_event(r->writer, ev);
    return true;
}

static void hold(NdRecord *r, const NdEvent *ev) {
    g_free(r->held_payload);
    r->held_payload = g_memdup2(ev->payload, ev->size);
    r->held_event = *ev;
    r->held_event.payload = r->held_payload;
    r->held = true;
}

/*
 * An event of an idle wait is stamped strictly between now and the deadline. So the log alone tells a
 * replayer what came in a wait, and what came after the wait had ended with its deadline and is to be polled.
 */
static bool record_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    NdRecord *r = (NdRecord *)nd;
    if (deadline - now >= LONG_WAIT_NS)
        flush_before_wait(r, pos);
    else
        flush_now_and_then(r, pos);
    if (!r->inner->ops->idle(r->inner, pos, now, deadline, ev))
        return false;
    if (deadline - now < 2) {
        hold(r, ev);
        return false;
    }
    ev->pos = pos;
    ev->time = MAX(MIN(ev->time, deadline - 1), now + 1);
    rec_writer_event(r->writer, ev);
    return true;
}

static void log_answer(NdRecord *r, NdEvent ev, bool with_block, uint64_t block, const uint8_t *data) {
    g_autofree uint8_t *payload = g_malloc(ev.size + 1u);
    uint32_t at = 0;
    if (with_block)
        for (; at < 8; at++)
            payload[at] = (uint8_t)(block >> (8 * at));
    memcpy(payload + at, data, ev.size - at);
    ev.payload = payload;
    rec_writer_event(r->writer, &ev);
}

static bool record_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                         uint32_t size, int *err) {
    NdRecord *r = (NdRecord *)nd;
    bool good = r->inner->ops->fetch(r->inner, pos, now, kind, source, arg, to, size, err);
    if (good) {
        bool block = kind == ND_BLOCK;
        log_answer(r, (NdEvent){pos, now, kind, source, NULL, size + (block ? 8 : 0)}, block, arg, to);
    } else {
        uint32_t code = (uint32_t)*err;
        const uint8_t bytes[4] = {(uint8_t)code, (uint8_t)(code >> 8), (uint8_t)(code >> 16),
                                  (uint8_t)(code >> 24)};
        /* The event names the sector of 512 bytes that the refused block starts with. */
        log_answer(r, (NdEvent){pos, now, ND_IOERROR, source, NULL, 12}, true,
                   kind == ND_BLOCK ? arg * 8 : arg, bytes);
    }
    return good;
}

static void record_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                          uint32_t size) {
    NdRecord *r = (NdRecord *)nd;
    if (kind == ND_CONSOLE)
        rec_writer_console(r->writer, pos, source, data, size);
    r->inner->ops->output(r->inner, pos, now, kind, source, data, size);
}

static bool record_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    NdRecord *r = (NdRecord *)nd;
    rec_writer_checkpoint(r->writer, &(RecCheckpoint){pos, now, hash});
    if (pos > POS_NONE - r->interval)
        r->next_checkpoint = POS_NONE;
    else
        r->next_checkpoint = pos + r->interval;
    return true;
}

static Pos record_next_checkpoint(Nd *nd, Pos pos) {
    return ((NdRecord *)nd)->next_checkpoint;
}

static const NdOps record_ops = {
    .next_pos = record_next_pos,
    .poll = record_poll,
    .idle = record_idle,
    .fetch = record_fetch,
    .output = record_output,
    .checkpoint = record_checkpoint,
    .next_checkpoint = record_next_checkpoint,
};

Nd *nd_record_new(Nd *inner, RecWriter *w, Pos checkpoint_interval) {
    g_assert(checkpoint_interval > 0);
    NdRecord *r = g_new0(NdRecord, 1);
    r->base.ops = &record_ops;
    r->inner = inner;
    r->writer = w;
    r->interval = checkpoint_interval;
    r->last_flush = host_ns();
    return &r->base;
}

void nd_record_free(Nd *nd) {
    NdRecord *r = (NdRecord *)nd;
    if (r)
        g_free(r->held_payload);
    g_free(r);
}
