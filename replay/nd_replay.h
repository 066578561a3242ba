/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outside world of a replay: every answer comes from the log, and every question is checked
 * against it.
 */
#ifndef REPLAY_ND_REPLAY_H
#define REPLAY_ND_REPLAY_H

#include "core/nd.h"
#include "record/rec.h"

typedef struct NdReplay NdReplay;

typedef void ReplayOutputFn(void *opaque, uint32_t port, const uint8_t *data, uint32_t size);

NdReplay *nd_replay_new(const Rec *rec, ReplayOutputFn *output, void *opaque);
void nd_replay_free(NdReplay *r);
Nd *nd_replay_nd(NdReplay *r);
/* Why the machine and the log disagree, or NULL. The first reason stays. */
const char *nd_replay_diverged(const NdReplay *r);
/* Note a disagreement that the caller found. */
void nd_replay_diverge(NdReplay *r, Pos pos, const char *format, ...) G_GNUC_PRINTF(3, 4);
size_t nd_replay_n_compared(const NdReplay *r);
/* All events were handed over. */
bool nd_replay_exhausted(const NdReplay *r);
/* Nobody hears the guest's output any more. */
void nd_replay_forget_output(NdReplay *r);
void nd_replay_mute(NdReplay *r, bool mute);

/* Where in the log a machine state stands; goes with a snapshot. */
typedef struct NdReplayMark {
    size_t event, checkpoint, compared;
} NdReplayMark;
NdReplayMark nd_replay_mark(const NdReplay *r);
void nd_replay_rewind(NdReplay *r, NdReplayMark mark);

#endif
