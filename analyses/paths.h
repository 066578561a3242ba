/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks out of the raw trace, whatever the translator made: a block runs from where a control transfer or a
 * trap led to the next control transfer. A path is the sequence of translated pieces that one execution of a
 * block went through; different paths may be the same block, which is for the reader to join (blocks.c).
 */
#ifndef ANALYSES_PATHS_H
#define ANALYSES_PATHS_H

#include "analyses/tracer.h"
#include "analyses/transfer.h"
#include "core/hooks.h"

typedef struct Path Path;
struct Path {
    uint64_t count;   /* executions up to a control transfer */
    uint64_t partial; /* executions that a trap, or the trace's end, ended here */
    Pos first, last;  /* of those, the pos of their first instructions */
    Path *parent;     /* the pieces before; NULL: none */
    uint32_t piece;   /* TraceBlock */
    uint16_t done;    /* how many of its instructions retired */
    uint8_t end;      /* Transfer of the last one */
    uint32_t id;
    /* successors, the first two; others are in a table */
    uint32_t next_piece[2];
    uint64_t next_count[2];
    uint64_t child_key; /* the last child looked up */
    Path *child;
};

typedef struct Paths Paths;
Paths *paths_new(const Hooks *hooks);
void paths_free(Paths *p);
void paths_add(Paths *p, const TraceJob *job);
/* What is unfinished becomes partial. */
void paths_end(Paths *p);
/* Every path that was executed, in no order that means anything. */
typedef void PathFn(void *opaque, const Path *path);
void paths_each(const Paths *p, PathFn *fn, void *opaque);
/* Every pair of a path and the piece with which the next execution began. */
typedef void PathEdgeFn(void *opaque, const Path *from, uint32_t piece, bool is_trap, uint64_t count);
void paths_each_edge(const Paths *p, PathEdgeFn *fn, void *opaque);
const TraceBlock *paths_piece(const Paths *p, uint32_t piece);

#endif
