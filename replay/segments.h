/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment-parallel replay. The calling process leads: it replays, with nothing attached that is dear, and at each
 * segment's start it forks a worker, which has the machine in its memory (copied as it is written), observes the
 * segment and ends. What workers found is collected in the order of the segments.
 *
 * The caller leads, and no process of its own does, because what comes after the replay asks the machine as it is
 * at the end: that is the leader's. Workers are processes, so an observer's state begins each segment as it was
 * when the replay began, and needs no locks.
 */
#ifndef REPLAY_SEGMENTS_H
#define REPLAY_SEGMENTS_H

#include <stdio.h>
#include "replay/replay.h"

/* Steps from <= pos < to; what belongs before step `to` but happens in no step is the earlier segment's. */
typedef struct Segment {
    unsigned number; /* from 0 */
    bool is_last;
    Pos from, to;
} Segment;

typedef struct SegmentOps {
    /* Leader, round each fork: true before it, false after it. No other thread works or holds a lock in between. */
    void (*pause)(void *opaque, bool pause);
    /* Worker, whose machine stands at `from`: replay the segment, write what was found to `out`. */
    bool (*work)(void *opaque, const Segment *segment, FILE *out, GError **error);
    /* Leader: what `work` wrote, also if it failed with an error, but not if the worker died. */
    bool (*collect)(void *opaque, const Segment *segment, FILE *in, GError **error);
} SegmentOps;

/*
 * Replay from where the machine stands to `to` (POS_NONE: the end) in n segments of equal length, at most `workers`
 * of them at a time. The machine then stands at `to`. The error is the first one in the order of the segments: a
 * worker's, as its `work` had it, or REPLAY_ERROR_WORKER, which names the segment of a worker that died. Results of
 * segments after a failed one are dropped. No worker outlives this call, nor the calling process.
 */
bool replay_run_segments(Replay *r, Pos to, unsigned n, unsigned workers, const SegmentOps *ops, void *opaque,
                         GError **error);

#endif
