/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/trace_walk.h"

#define WINDOW_ROW_BITS 32 /* of a row's number: which one of its window; the window is above */

void trace_walk_init(TraceWalk *w, TraceTable *table, Windows *windows) {
    *w = (TraceWalk){.table = table, .windows = windows, .chunk = -1};
}

static void leave_window(TraceWalk *w) {
    windows_unref(w->windows, w->window);
    w->window = NULL;
    w->chunk = -1;
}

void trace_walk_done(TraceWalk *w) {
    leave_window(w);
    chunk_rows_done(&w->rows);
}

void trace_walk_begin(TraceWalk *w, int64_t first, int64_t last, bool down, const IndexQuery *queries,
                      size_t n) {
    trace_table_refresh(w->table);
    w->windowed = trace_table_is_index(w->table);
    w->pos[0] = first;
    w->pos[1] = last;
    w->down = down;
    w->queries = queries;
    w->n_queries = n;
    trace_table_range(w->table, first, last, &w->low, &w->high);
    w->at = down ? w->high - 1 : w->low;
    w->inside = false;
}

/* Decode the chunk, unless it is the one of before. */
static bool load(TraceWalk *w, TraceTable *table, int64_t id, GError **error) {
    if (w->chunk == id)
        return true;
    w->chunk = -1;
    if (!trace_table_chunk(table, id, &w->rows, error))
        return false;
    w->chunk = id;
    w->row_id = w->window ? (w->window_id << WINDOW_ROW_BITS) + w->window->first_row[id]
                          : id * (int64_t)CHUNK_MAX_ROWS;
    return true;
}

static bool enter_window(TraceWalk *w, int64_t id, GError **error) {
    Window *window;
    if (!windows_get(w->windows, w->table, id, &window, error))
        return false;
    if (window == w->window)
        windows_unref(w->windows, window);
    else
        leave_window(w);
    w->window = window;
    w->window_id = id;
    trace_table_range(window->trace, w->pos[0], w->pos[1], &w->window_low, &w->window_high);
    w->window_at = w->down ? w->window_high - 1 : w->window_low;
    w->inside = true;
    return true;
}

/* The next chunk of the window that we are in; -1 behind its last one. */
static bool next_inside(TraceWalk *w, int64_t *id, GError **error) {
    if (!trace_table_next(w->window->trace, w->window_at, w->window_low, w->window_high, w->down, w->queries,
                          w->n_queries, id, error))
        return false;
    w->window_at = w->down ? *id - 1 : *id + 1;
    w->inside = *id >= 0;
    return true;
}

bool trace_walk_next(TraceWalk *w, bool *more, GError **error) {
    int64_t id;
    *more = false;
    for (;;) {
        if (w->inside) {
            if (!next_inside(w, &id, error))
                return false;
            if (id < 0)
                continue;
            return *more = load(w, w->window->trace, id, error);
        }
        if (!trace_table_next(w->table, w->at, w->low, w->high, w->down, w->queries, w->n_queries, &id,
                              error))
            return false;
        if (id < 0)
            return true;
        w->at = w->down ? id - 1 : id + 1;
        if (!w->windowed)
            return *more = load(w, w->table, id, error);
        if (!enter_window(w, id, error))
            return false;
    }
}
