/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/windows.h"

#include <string.h>

#include "analyses/analysis.h"

#define KEPT_BYTES ((int64_t)128 << 20) /* of chunks that nobody reads at the moment */

typedef struct Kept {
    Window window; /* first: a Window* is a Kept* */
    char *recording;
    Pos from, to;
    bool walks;
    sqlite3 *db; /* the replayer's */
    unsigned refs;
    int64_t bytes;
    uint64_t used;
} Kept;

struct Windows {
    StoreReplayer replayer; /* trace NULL: nobody */
    GPtrArray *kept;
    int64_t bytes;
    uint64_t clock;
};

Windows *windows_new(const StoreReplayer *replayer) {
    Windows *w = g_new0(Windows, 1);
    if (replayer)
        w->replayer = *replayer;
    w->kept = g_ptr_array_new();
    return w;
}

static void kept_free(Windows *w, Kept *k) {
    trace_table_free(k->window.trace);
    w->replayer.drop(w->replayer.opaque, k->db);
    w->bytes -= k->bytes;
    g_free(k->window.first_row);
    g_free(k->recording);
    g_free(k);
}

void windows_free(Windows *w) {
    for (guint i = 0; i < w->kept->len; i++)
        kept_free(w, w->kept->pdata[i]);
    g_ptr_array_unref(w->kept);
    g_free(w);
}

/* Forget those used longest ago until the rest fits. */
static void make_room(Windows *w) {
    while (w->bytes > KEPT_BYTES) {
        guint oldest = w->kept->len;
        for (guint i = 0; i < w->kept->len; i++) {
            const Kept *k = w->kept->pdata[i], *o = oldest < w->kept->len ? w->kept->pdata[oldest] : NULL;
            if (!k->refs && (!o || k->used < o->used))
                oldest = i;
        }
        if (oldest == w->kept->len)
            return;
        kept_free(w, g_ptr_array_steal_index_fast(w->kept, oldest));
    }
}

void windows_unref(Windows *w, Window *window) {
    if (window)
        ((Kept *)window)->refs--;
    make_room(w);
}

static Kept *find(const Windows *w, const StoreWindow *ask) {
    for (guint i = 0; i < w->kept->len; i++) {
        Kept *k = w->kept->pdata[i];
        if (k->from == ask->from && k->to == ask->to && k->walks == ask->walks &&
            !strcmp(k->recording, ask->recording))
            return k;
    }
    return NULL;
}

/* How many chunks there are, and of how many rows and bytes. */
static bool measure(Kept *k, GError **error) {
    sqlite3_stmt *s = NULL;
    GArray *first = g_array_new(FALSE, FALSE, sizeof(int64_t));
    int64_t rows = 0;
    int result =
        sqlite3_prepare_v2(k->db, "SELECT rows, length(data) FROM memtrace_chunk ORDER BY id", -1, &s, NULL);
    while (result == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
        g_array_append_val(first, rows);
        rows += sqlite3_column_int64(s, 0);
        k->bytes += sqlite3_column_int64(s, 1);
    }
    bool ok = result == SQLITE_OK && sqlite3_finalize(s) == SQLITE_OK;
    if (!ok)
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "a replayed window: %s",
                    sqlite3_errmsg(k->db));
    k->window.n_chunks = first->len;
    k->window.first_row = (int64_t *)(void *)g_array_free(first, FALSE);
    return ok;
}

static Kept *make(Windows *w, const StoreWindow *ask, GError **error) {
    sqlite3 *db = w->replayer.trace(w->replayer.opaque, ask, error);
    if (!db)
        return NULL;
    Kept *k = g_new0(Kept, 1);
    k->recording = g_strdup(ask->recording);
    k->from = ask->from;
    k->to = ask->to;
    k->walks = ask->walks;
    k->db = db;
    bool ok = trace_table_new(db, "main", "memtrace", &k->window.trace, error) && measure(k, error);
    w->bytes += k->bytes;
    if (ok) {
        g_ptr_array_add(w->kept, k);
        return k;
    }
    kept_free(w, k);
    return NULL;
}

static void ask_clear(StoreWindow *ask) {
    g_free(ask->recording);
    g_free(ask->path);
    g_free(ask->database);
}

bool windows_get(Windows *w, TraceTable *index, int64_t id, Window **ret, GError **error) {
    StoreWindow ask;
    if (!w->replayer.trace) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                    "%s was kept as an index only (storage=index), whose rows are made by replaying the "
                    "recording: ask with "
                    "'rr-emu sql REC \"SELECT …\"'",
                    trace_table_name(index));
        return false;
    }
    if (!trace_table_window(index, id, &ask, error))
        return false;
    Kept *k = find(w, &ask);
    if (!k)
        k = make(w, &ask, error);
    ask_clear(&ask);
    if (!k)
        return false;
    k->used = ++w->clock;
    k->refs++;
    *ret = &k->window;
    return true;
}
