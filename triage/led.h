/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What led to a position of a recording: the calls that are open there. It is replayed from its beginning once more, with
 * calls and, where a folder has the guest's files, programs followed.
 */
#ifndef TRIAGE_LED_H
#define TRIAGE_LED_H

#include "analyses/trackers/callstack.h"
#include "replay/replay.h"

typedef struct LedCall {
    CallKind kind;
    Gva pc;        /* of the function */
    uint64_t satp; /* of the program that it is of, 0: of none */
    Pos pos;       /* of the call; the trap */
    Gva call_pc;   /* likewise; not of a CALL_ROOT */
    uint64_t call_satp;
} LedCall;

/*
 * The calls of the hart whose turn it is before step `pos`, innermost first (of LedCall; caller frees). `store` has the
 * symbols, in memory or otherwise not worth keeping: it gets what is known of programs up to behind that step. `sysroot`
 * may be NULL.
 */
GArray *led_to(const Rec *rec, const ReplayOptions *options, Store *store, const char *sysroot, Pos pos,
               GError **error);

#endif
