/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Perturbation: between randomly chosen positions of a replay, drop caches, shrink blocks, switch engines,
 * leave for a while and come back by a snapshot. All of it must be invisible, so the hashes must not change.
 */
#ifndef REPLAY_PERTURB_H
#define REPLAY_PERTURB_H

#include "replay/nd_replay.h"
#include "replay/replay.h"

typedef struct Perturb {
    uint64_t random;
    Pos end;           /* no excursion goes beyond */
    bool other_engine; /* the second engine runs now */
} Perturb;

void perturb_init(Perturb *p, uint64_t seed, Pos end);
/* How far to run before the next perturbation, >= 1. */
Pos perturb_next_distance(Perturb *p);
/* Do one thing to the machine, which stands between two runs. */
void perturb_apply(Perturb *p, Machine *m, NdReplay *nd, const ReplayOptions *options);

#endif
