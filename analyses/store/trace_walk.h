/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chunks that a question to memtrace needs, one after the other: stored ones, or those of windows that are replayed. */
#ifndef ANALYSES_STORE_TRACE_WALK_H
#define ANALYSES_STORE_TRACE_WALK_H

#include "analyses/store/windows.h"

typedef struct TraceWalk {
    TraceTable *table;
    Windows *windows;
    int64_t pos[2];
    bool down, windowed;
    const IndexQuery *queries;
    size_t n_queries;
    int64_t low, high, at; /* of the table's chunks, or windows */
    bool inside;           /* a window, and of its chunks: */
    int64_t window_low, window_high, window_at;
    Window *window; /* held */
    int64_t window_id;
    int64_t chunk;  /* in `rows`: of the window or, without one, of the table; -1: none */
    int64_t row_id; /* number of the first row in `rows`, the same in any walk */
    ChunkRows rows;
} TraceWalk;

void trace_walk_init(TraceWalk *w, TraceTable *table, Windows *windows);
void trace_walk_done(TraceWalk *w);
/* Chunks with rows first..last that may have what the queries ask for; these must outlive the walk. */
void trace_walk_begin(TraceWalk *w, int64_t first, int64_t last, bool down, const IndexQuery *queries,
                      size_t n);
/* The next one, decoded into `rows`; *more false: there is none. */
bool trace_walk_next(TraceWalk *w, bool *more, GError **error);

#endif
