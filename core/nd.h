/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one door for the outside world (DESIGN §3). The machine asks; a live host, a recorder or a replayer
 * answers; nothing below this interface knows which. Everything it hands over is bytes with a position.
 *
 * Two kinds of traffic:
 *   asynchronous  console bytes, network frames, stop requests: the run loop calls poll() at a horizon and
 *                 delivers what it gets exactly there; a replayer knows beforehand where the next one is due.
 *   synchronous   entropy, clock, disk blocks: the machine needs the answer to go on with this very step.
 *
 * Implementations: cli/ (live), record/ (decorates any other), replay/ (from the log).
 */
#ifndef CORE_ND_H
#define CORE_ND_H

#include "core/types.h"
#include "schema/nd_kinds.h"

typedef struct NdEvent {
    Pos pos;   /* applies before step pos */
    Nsec time; /* guest time at which it came (later than pos's own time only after an idle wait) */
    NdKind kind;
    uint32_t source;
    const uint8_t *payload; /* valid until the next call into the same Nd */
    uint32_t size;
} NdEvent;

typedef struct Nd Nd;
typedef struct NdOps {
    /*
     * The first position at which poll() may return something; a live host answers POS_NONE ("you will have
     * to ask"), a replayer the next event's pos. The run loop never runs past it.
     */
    Pos (*next_pos)(Nd *nd);
    /*
     * An event due at (pos, now), if there is one: fills *ev and returns true. Called repeatedly until false.
     * A live host stamps what it has with pos and now.
     */
    bool (*poll)(Nd *nd, Pos pos, Nsec now, NdEvent *ev);
    /*
     * All harts wait. Returns true with *ev when an event comes before `deadline` (guest time; NSEC_NEVER:
     * none): ev->time >= now tells when (the recorder makes it later than now and earlier than the deadline).
     * Returns false when the deadline comes first, or when no source can ever deliver any more. A live host
     * waits in real time or skips; a replayer looks into the log.
     */
    bool (*idle)(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev);
    /*
     * Answer a synchronous request: exactly `size` bytes into `to`. False = host error *err (errno value),
     * which is itself an event. `arg` is the kind's own: BLOCK: block number of 4096 bytes; others 0.
     */
    bool (*fetch)(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                  uint32_t size, int *err);
    /* The guest sent bytes out (console, network frame). Never fails towards the guest. */
    void (*output)(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                   uint32_t size);
    /* A checkpoint's state hash was computed. False: it differs from the recorded one (replay): stop. */
    bool (*checkpoint)(Nd *nd, Pos pos, Nsec now, uint64_t hash);
    /* The next position at which a checkpoint must be taken, >= pos. */
    Pos (*next_checkpoint)(Nd *nd, Pos pos);
} NdOps;

struct Nd {
    const NdOps *ops;
};

/* Payload of ND_STOP. Part of the file format. */
typedef enum {
    ND_STOP_TIMEOUT = 1,
    ND_STOP_SIGINT = 2,
    ND_STOP_SIGTERM = 3,
    ND_STOP_QUIT = 4, /* Ctrl-A x */
    ND_STOP_MAX_INSNS = 5,
    ND_STOP_UNTIL = 6,  /* --until matched */
    ND_STOP_FAIL = 7,   /* --fail matched */
    ND_STOP_RECORD = 8, /* the recording cannot be written any more (never in a log) */
} NdStopReason;

#endif
