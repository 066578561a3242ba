/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside core: what machine.c, run.c, schedule.c, time.c and snapshot.c share.
 */
#ifndef CORE_SCHEDULE_H
#define CORE_SCHEDULE_H

#include "core/machine.h"

/* Hart 0 begins a turn at m->pos. */
void schedule_reset(Machine *m);
/*
 * The hart that takes the next step: the current one, or, when its turn is over, the next one in round that
 * is not waiting. NULL: all wait and nothing pending would wake one. Depends on the state alone.
 */
Hart *schedule_pick(Machine *m);
/* The current hart gave up the rest of its turn (pause, wrs). */
void schedule_yield(Machine *m);
/* The pos at which schedule_pick() must be asked again; POS_NONE with one hart. */
Pos schedule_turn_end(const Machine *m);

/* Call deadline() of every device whose time has come, by time, then by order of creation. */
void time_fire_deadlines(Machine *m);
/* Earliest guest time at which a device or a hart's timer has something to do; never in the past after
 * firing. */
Nsec time_next_deadline(Machine *m);
/* First pos at which the guest time is `when` or later, without idling. */
Pos time_to_pos(const Machine *m, Nsec when);

/* machine.c: the guest's own reset: everything but pos, time and RAM that no image covers. */
void machine_reset_by_guest(Machine *m);
/* machine.c: engine and TLBs forget everything. */
void machine_flush_caches(Machine *m);
/* snapshot.c: the pages remembered since the last snapshot. */
void snapshot_drop_base(Machine *m);

#endif
