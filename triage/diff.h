/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where do two recordings of the same machine part? Checkpoint hashes bracket the place, replaying both sides narrows
 * it to one step; no trace is written or compared.
 */
#ifndef TRIAGE_DIFF_H
#define TRIAGE_DIFF_H

#include <glib.h>
#include "replay/replay.h"

#define DIFF_ERROR (diff_error_quark())
GQuark diff_error_quark(void);

typedef enum {
    DIFF_SAME,    /* same states to the end, and the same end */
    DIFF_INPUT,   /* something from outside came at another pos, or was another thing */
    DIFF_CONTROL, /* the step led to different next instructions */
    DIFF_DATA,    /* same instruction, different registers or memory */
    DIFF_LENGTH,  /* one recording is the other's beginning */
} DiffKind;

/* One value that differs after the step: a field of a state section, or a memory byte. */
typedef struct DiffValue {
    char *name; /* "hart0 a0", "hart0 mstatus", "uart0 rx_count", "memory 0x80001000" */
    uint64_t a, b;
} DiffValue;

typedef struct DiffSide {
    Gva pc, next_pc; /* the step at pos, and where it led */
    uint64_t satp, next_satp;
    uint32_t hart;
    uint8_t code[4]; /* bytes at pc as far as they are mapped */
    unsigned code_size;
    const NdEvent *event; /* DIFF_INPUT: this side's event that the other has not; NULL if none */
} DiffSide;

typedef struct DiffResult {
    DiffKind kind;
    Pos pos; /* the states at pos are equal, at pos + 1 they are not (DIFF_LENGTH: the shorter one's end) */
    Nsec time;
    DiffSide a, b;
    GArray *values;    /* of DiffValue, at most DIFF_MAX_VALUES */
    uint64_t n_memory; /* differing bytes of RAM in all */
} DiffResult;

#define DIFF_MAX_VALUES 64

/*
 * Compare. The recordings must have the same machine configuration and images; otherwise DIFF_ERROR says what differs.
 * `options` makes engines for both sides. The result borrows events from the recordings.
 */
bool diff_recordings(const Rec *a, const Rec *b, const ReplayOptions *options, DiffResult *ret,
                     GError **error);
void diff_result_done(DiffResult *r);
const char *diff_kind_name(DiffKind kind);

#endif
