/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/replay.h"

#include <inttypes.h>

#include "replay/nd_replay.h"
#include "replay/perturb.h"

#define PROGRESS_STEPS ((Pos)1 << 22)
#define SNAPSHOTS 16u /* a seekable replay keeps about so many, evenly spread */

GQuark replay_error_quark(void) {
    return g_quark_from_static_string("replay-error-quark");
}

typedef struct SeekPoint {
    Snapshot *snapshot;
    NdReplayMark mark;
} SeekPoint;

struct Replay {
    const Rec *rec;
    ReplayOptions options;
    NdReplay *nd;
    Hooks *hooks;
    Machine *machine;
    Perturb perturb;
    GArray *points; /* of SeekPoint, by pos */
    Pos next_point;
    void (*progress)(void *opaque, Pos at, Pos end);
    void *progress_opaque;
};

static void point_clear(gpointer point) {
    snapshot_free(((SeekPoint *)point)->snapshot);
}

static bool diverged(const Replay *r, GError **error) {
    const char *why = nd_replay_diverged(r->nd);
    if (why)
        g_set_error_literal(error, REPLAY_ERROR, REPLAY_ERROR_DIVERGED, why);
    return why != NULL;
}

static Pos point_distance(const Replay *r) {
    return rec_end(r->rec)->pos / SNAPSHOTS + 1;
}

static void keep_point(Replay *r) {
    Machine *m = r->machine;
    if (!r->options.seekable || m->pos < r->next_point)
        return;
    SeekPoint point = {snapshot_take(m), nd_replay_mark(r->nd)};
    g_array_append_val(r->points, point);
    r->next_point = m->pos + point_distance(r);
}

/* Killed or out of disk space between the images and the first event. */
static bool started(const Rec *rec, GError **error) {
    const RecEnd *end = rec_end(rec);
    if (end->complete || end->pos || rec_n_events(rec))
        return true;
    g_set_error(error, REPLAY_ERROR, REPLAY_ERROR_RANGE,
                "the recording breaks off before the machine's first step: there is nothing to replay");
    return false;
}

bool replay_new(const Rec *rec, const ReplayOptions *options, Replay **ret, GError **error) {
    if (!started(rec, error))
        return false;
    Replay *r = g_new0(Replay, 1);
    r->rec = rec;
    r->options = *options;
    r->nd = nd_replay_new(rec, options->output, options->opaque);
    r->hooks = hooks_new();
    r->points = g_array_new(FALSE, FALSE, sizeof(SeekPoint));
    g_array_set_clear_func(r->points, point_clear);
    perturb_init(&r->perturb, options->perturb_seed, rec_end(rec)->pos);
    bool good = machine_new(rec_config(rec), nd_replay_nd(r->nd), r->hooks, &r->machine, error);
    if (good) {
        machine_set_engine(r->machine, options->new_engine(r->machine, options->opaque));
        good = machine_reset(r->machine, error) && !diverged(r, error);
    }
    if (!good) {
        replay_free(r);
        return false;
    }
    keep_point(r);
    *ret = r;
    return true;
}

void replay_free(Replay *r) {
    if (!r)
        return;
    g_array_unref(r->points);
    machine_free(r->machine);
    hooks_free(r->hooks);
    nd_replay_free(r->nd);
    g_free(r);
}

Machine *replay_machine(Replay *r) {
    return r->machine;
}
Pos replay_end(const Replay *r) {
    return rec_end(r->rec)->pos;
}
size_t replay_n_compared(const Replay *r) {
    return nd_replay_n_compared(r->nd);
}

void replay_set_progress(Replay *r, void (*fn)(void *opaque, Pos at, Pos end), void *opaque) {
    r->progress = fn;
    r->progress_opaque = opaque;
}

void replay_forked(Replay *r) {
    nd_replay_forget_output(r->nd);
    r->progress = NULL;
    machine_set_engine(r->machine, NULL);
    machine_set_engine(r->machine, r->options.new_engine(r->machine, r->options.opaque));
}

/* Between two stretches: nothing of this may be seen by the guest. */
static void between(Replay *r, Pos to) {
    keep_point(r);
    if (r->options.perturb)
        perturb_apply(&r->perturb, r->machine, r->nd, &r->options);
    if (r->progress)
        r->progress(r->progress_opaque, r->machine->pos, MIN(to, rec_end(r->rec)->pos));
}

/* Run until the machine stops by itself or stands at `to`, in stretches. */
static void run_stretches(Replay *r, Pos to) {
    Machine *m = r->machine;
    for (;;) {
        Pos step = r->options.perturb ? perturb_next_distance(&r->perturb) : PROGRESS_STEPS;
        m->limit = to - m->pos < step ? to : m->pos + step;
        machine_run(m);
        if (m->stop != STOP_LIMIT || m->pos >= to)
            return;
        m->stop = STOP_NONE;
        between(r, to);
    }
}

/* The end of a whole replay: how, where and in which state the recording ended. */
static void compare_end(Replay *r) {
    const RecEnd *end = rec_end(r->rec);
    Machine *m = r->machine;
    uint64_t hash = machine_state_hash(m);
    if (m->stop != end->stop || m->stop_code != end->code)
        nd_replay_diverge(
            r->nd, m->pos,
            "the machine stopped for reason %d code %u, expected reason %u code %u at pos %" PRIu64, m->stop,
            m->stop_code, end->stop, end->code, end->pos);
    else if (m->pos != end->pos || machine_time(m) != end->time)
        nd_replay_diverge(r->nd, m->pos,
                          "the machine stopped at guest time %" PRIu64 ", expected pos %" PRIu64
                          " and time %" PRIu64,
                          machine_time(m), end->pos, end->time);
    else if (hash != end->hash)
        nd_replay_diverge(r->nd, m->pos, "final state hash %016" PRIx64 ", expected %016" PRIx64, hash,
                          end->hash);
    else if (!nd_replay_exhausted(r->nd))
        nd_replay_diverge(r->nd, m->pos, "the recording has events that the machine did not take");
}

bool replay_run_to(Replay *r, Pos to, GError **error) {
    const RecEnd *end = rec_end(r->rec);
    Machine *m = r->machine;
    bool whole = to == POS_NONE || to == end->pos;
    if (!whole && (to > end->pos || to < m->pos)) {
        g_set_error(error, REPLAY_ERROR, REPLAY_ERROR_RANGE,
                    "position %" PRIu64 ": expected one from %" PRIu64 " to %" PRIu64, to, m->pos, end->pos);
        return false;
    }
    /* A whole recording's machine stops by itself, unless a limit ended it; one step more would be a
     * divergence. */
    bool by_itself = whole && end->complete && end->stop != STOP_LIMIT;
    run_stretches(r, whole ? end->pos + by_itself : to);
    if (m->stop != STOP_DIVERGED && whole && end->complete)
        compare_end(r);
    else if (m->stop != STOP_DIVERGED && m->stop != STOP_LIMIT && m->pos != (whole ? end->pos : to))
        nd_replay_diverge(r->nd, m->pos,
                          "the machine stopped for reason %d, expected it to go on to pos %" PRIu64, m->stop,
                          whole ? end->pos : to);
    if (m->stop == STOP_LIMIT && !whole)
        m->stop = STOP_NONE;
    return !diverged(r, error);
}

static const SeekPoint *nearest_point(const Replay *r, Pos to) {
    const SeekPoint *best = NULL;
    for (guint i = 0; i < r->points->len; i++) {
        const SeekPoint *p = &g_array_index(r->points, SeekPoint, i);
        if (snapshot_pos(p->snapshot) <= to)
            best = p;
    }
    return best;
}

bool replay_seek(Replay *r, Pos to, GError **error) {
    if (to < r->machine->pos) {
        const SeekPoint *p = nearest_point(r, to);
        if (!p) {
            g_set_error(error, REPLAY_ERROR, REPLAY_ERROR_RANGE,
                        "position %" PRIu64 " lies before %" PRIu64 ": this replay keeps no "
                        "snapshots to go back",
                        to, r->machine->pos);
            return false;
        }
        nd_replay_rewind(r->nd, p->mark);
        snapshot_restore(r->machine, p->snapshot);
    }
    return to == r->machine->pos || replay_run_to(r, to, error);
}
