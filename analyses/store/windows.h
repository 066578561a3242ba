/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of memtrace,storage=index: windows of a recording that are replayed when somebody asks for their rows, and kept for the
 * next question. Who replays is registered with the connection (store.h, StoreReplayer).
 */
#ifndef ANALYSES_STORE_WINDOWS_H
#define ANALYSES_STORE_WINDOWS_H

#include "analyses/store/store.h"
#include "analyses/store/trace_table.h"

/* The trace of one window. A row's number within it depends on nothing but the recording. */
typedef struct Window {
    TraceTable *trace;
    int64_t n_chunks;
    int64_t *first_row; /* per chunk: rows before it */
} Window;

typedef struct Windows Windows; /* those of a connection */
/* `replayer` NULL: every window is refused. */
Windows *windows_new(const StoreReplayer *replayer);
void windows_free(Windows *w);
/* The rows of the window `id` of an index; until windows_unref(), and longer if there is room. */
bool windows_get(Windows *w, TraceTable *index, int64_t id, Window **ret, GError **error);
void windows_unref(Windows *w, Window *window); /* NULL is allowed */

#endif
