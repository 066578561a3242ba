/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tables block, edge and cover are made from (blocks.c), and how they are written. */
#ifndef ANALYSES_BLOCK_ROWS_H
#define ANALYSES_BLOCK_ROWS_H

#include "analyses/recorders/paths.h"
#include "analyses/store/store.h"

typedef struct Block {
    Gva pc;
    const uint8_t *code; /* its bytes */
    uint32_t size;       /* of them */
    uint64_t insns, count;
    Pos first, last;
    ProgramPlace place;
} Block;

/* X(what, text): in the order of their texts, which is that of rows */
#define EDGE_KINDS(X)                                                                                        \
    X(CALL, "call")                                                                                          \
    X(FALLTHROUGH, "fallthrough")                                                                            \
    X(JUMP, "jump")                                                                                          \
    X(OTHER, "other")                                                                                        \
    X(RETURN, "return")                                                                                      \
    X(TAKEN, "taken")                                                                                        \
    X(TRAP, "trap")                                                                                          \
    X(XRET, "xret")

typedef enum EdgeKind {
#define X(what, text) EDGE_##what,
    EDGE_KINDS(X)
#undef X
} EdgeKind;

/* Several may be one row. */
typedef struct BlockEdge {
    Gva src, dst;
    ProgramPlace from, to;
    EdgeKind kind;
    uint64_t count;
} BlockEdge;

/* How often the first instructions of a piece ran: so many of them, so often. */
typedef struct BlockStretch {
    const Piece *piece;
    uint16_t done;
    uint64_t count;
} BlockStretch;

typedef struct BlockRows {
    GStringChunk *bytes; /* of the blocks' code */
    GArray *blocks;      /* of Block, as they will be rows: by pc as SQL orders it */
    GArray *edges;       /* of BlockEdge, in any order */
    GArray *stretches;   /* of BlockStretch, likewise */
} BlockRows;

void block_rows_init(BlockRows *r);
void block_rows_done(BlockRows *r);
/* Into the tables PREFIXblock_packed …, which are there. written: how many rows. */
bool block_rows_store(const BlockRows *r, Store *store, const char *prefix, int64_t *written, GError **error);

#endif
