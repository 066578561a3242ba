/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running a recording again: a machine whose outside world is the log. */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <glib.h>
#include "core/machine.h"
#include "record/rec.h"

#define REPLAY_ERROR (replay_error_quark())
GQuark replay_error_quark(void);
typedef enum {
    REPLAY_ERROR_DIVERGED,
    REPLAY_ERROR_RANGE,
    REPLAY_ERROR_MACHINE,
    REPLAY_ERROR_WORKER
} ReplayError;

typedef struct Replay Replay;

/* Makes an engine for a machine: lets the caller choose backend and options without replay knowing tcg. */
typedef Engine *ReplayEngineFn(Machine *m, void *opaque);

typedef struct ReplayOptions {
    ReplayEngineFn *new_engine;
    void *opaque;
    ReplayEngineFn *new_other_engine; /* perturb switches between the two; may be NULL */
    bool seekable;                    /* keep snapshots on the way, so that replay_seek() can go backwards */
    bool perturb;
    uint64_t perturb_seed;
    /* Guest output, as it happens; may be NULL. */
    void (*output)(void *opaque, uint32_t port, const uint8_t *data, uint32_t size);
} ReplayOptions;

/* The machine at pos 0. `rec` must outlive the replay. */
bool replay_new(const Rec *rec, const ReplayOptions *options, Replay **ret, GError **error);
void replay_free(Replay *r);
Machine *replay_machine(Replay *r);
/*
 * Run to exactly `to` (POS_NONE: the recording's end), comparing every checkpoint on the way and, at the end,
 * how it ended and the final hash. REPLAY_ERROR_DIVERGED: the message has pos, expected, got and the last
 * events.
 */
bool replay_run_to(Replay *r, Pos to, GError **error);
/*
 * Go to a position; backwards (from the nearest snapshot) only if `seekable`. Observers stay attached; they
 * see the steps between the snapshot and `to` again.
 */
bool replay_seek(Replay *r, Pos to, GError **error);
/* In a process that was forked while the machine stood: an engine of its own, for memory of code may be shared with the parent;
 * no output and no progress. Nothing else of the parent's is touched by replaying. */
void replay_forked(Replay *r);
/* The recording's last position. */
Pos replay_end(const Replay *r);
/* Checkpoints compared so far. */
size_t replay_n_compared(const Replay *r);
/* Progress callback, called on the guest's thread some times a second. */
void replay_set_progress(Replay *r, void (*fn)(void *opaque, Pos at, Pos end), void *opaque);

#endif
