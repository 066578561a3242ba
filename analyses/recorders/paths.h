/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks out of what the translator made, whatever that was: a block runs from where a control transfer or a trap
 * led to the next control transfer. A path is the sequence of translated pieces that one execution of a block went
 * through; different paths may be the same block, which is for the reader to join (blocks.c).
 */
#ifndef ANALYSES_PATHS_H
#define ANALYSES_PATHS_H

#include "analyses/symbols/programs.h"
#include "analyses/trackers/transfer.h"
#include "core/hooks.h"

/* Translated code: pieces of the same instructions of the same file at the same address are one. */
typedef struct Piece {
    Gva pc;
    uint16_t n_insns;
    const uint8_t *insn_len;
    const uint32_t *insn_raw;
    ProgramPlace place;
} Piece;

typedef struct Path Path;
struct Path {
    uint64_t count;   /* executions up to a control transfer */
    uint64_t partial; /* executions that a trap, or the end, ended here */
    Pos first, last; /* of those, the pos of their first instructions; first: POS_NONE if there is none yet */
    const Path *parent; /* the pieces before; NULL: none */
    const Path *root;   /* the first of those; itself, if there are none */
    const Piece *piece;
    Pos first_partial, last_partial;
    uint16_t done; /* how many of its instructions retired */
    uint8_t end;   /* Transfer of the last one */
    uint32_t id;
    uint64_t insns; /* of all pieces */
};

typedef struct Paths Paths;
/* `programs` may be NULL. NULL: no room for what each hart needs. */
Paths *paths_new(Machine *m, const Programs *programs);
void paths_free(Paths *p);
/* For the subscriber's hooks of these names. */
void paths_translate(Paths *p, ProbeBlock *b);
void paths_trap(Paths *p, const TrapEvent *ev);
/* The harts begin anew: what they were at is over, and nothing is known of before. */
void paths_reset(Paths *p);
/* What is unfinished becomes partial; `count`, `first` and `last` are right from here on. False: there was no room to count. */
bool paths_end(Paths *p);
/* Every path that was executed, in no order that means anything. */
typedef void PathFn(void *opaque, const Path *path);
void paths_each(const Paths *p, PathFn *fn, void *opaque);
/* Every pair of a path and the piece with which the next execution began. */
typedef void PathEdgeFn(void *opaque, const Path *from, const Piece *piece, bool is_trap, uint64_t count);
void paths_each_edge(const Paths *p, PathEdgeFn *fn, void *opaque);

#endif
