/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/window_replay.h"

#include <string.h>
#include <unistd.h>

#include "analyses/analysis.h"
#include "cli/replaying.h"

/* A recording that is replayed: forwards as far as was needed, with snapshots to go back to. */
typedef struct Session {
    char *id;
    Rec *rec;
    Replay *replay;
    Progress progress;
} Session;

struct WindowReplay {
    const Args *args;
    TcgOptions tcg;
    StoreReplayer ops;
    GPtrArray *sessions; /* of Session */
    GPtrArray *stores;   /* of Store: the traces handed out */
};

static void session_free(void *p) {
    Session *s = p;
    g_clear_pointer(&s->replay, replay_free);
    g_clear_pointer(&s->rec, rec_free);
    g_free(s->id);
    g_free(s);
}

/* -- which recording ---------------------------------------------------------------------------------------- */
/* REC beside REC.db, else where it was when the index was made. Why it is not that, in *why. */
static Rec *open_one(const char *path, const char *id, GString *why) {
    Rec *rec = NULL;
    g_autoptr(GError) error = NULL;
    if (access(path, F_OK))
        g_string_append_printf(why, "%s%s is not there", why->len ? ", " : "", path);
    else if (!rec_open(path, &rec, &error))
        g_string_append_printf(why, "%s%s", why->len ? ", " : "", error->message);
    else if (strcmp(rec_info(rec)->id_text, id) != 0)
        g_string_append_printf(why, "%s%s is recording %s", why->len ? ", " : "", path,
                               rec_info(rec)->id_text);
    else
        return rec;
    rec_free(rec);
    return NULL;
}

static Rec *find_recording(const StoreWindow *window, GError **error) {
    g_autoptr(GString) why = g_string_new(NULL);
    g_autofree char *beside = g_str_has_suffix(window->database, ".db")
                                  ? g_strndup(window->database, strlen(window->database) - 3)
                                  : NULL;
    Rec *rec = beside ? open_one(beside, window->recording, why) : NULL;
    if (!rec && window->path && g_strcmp0(window->path, beside) != 0)
        rec = open_one(window->path, window->recording, why);
    if (!rec)
        g_set_error(error, CLI_ERROR, 0,
                    "this memtrace is an index (storage=index), answered by replaying recording %s: %s; put "
                    "it there again",
                    window->recording, why->len ? why->str : "it is not known where that is");
    return rec;
}

static Session *session_of(WindowReplay *w, const StoreWindow *window, GError **error) {
    ReplayOptions options;
    for (guint i = 0; i < w->sessions->len; i++) {
        Session *s = w->sessions->pdata[i];
        if (!strcmp(s->id, window->recording))
            return s;
    }
    Session *s = g_new0(Session, 1);
    s->id = g_strdup(window->recording);
    bool ok = (s->rec = find_recording(window, error)) != NULL &&
              replaying_options(w->args, &w->tcg, &options, error);
    if (ok) {
        options.seekable = true;
        ok = replay_new(s->rec, &options, &s->replay, error);
    }
    if (!ok) {
        session_free(s);
        return NULL;
    }
    replaying_show_progress(w->args, &s->progress, s->replay);
    g_ptr_array_add(w->sessions, s);
    return s;
}

/* -- tracing ------------------------------------------------------------------------------------------------ */
/*
 * To a window's begin from before it: what devices do at that very position is numbered as it was in a replay that came by
 * there, which a snapshot does not know.
 */
static bool go_to(Replay *r, Pos to, GError **error) {
    return to == machine_pos(replay_machine(r)) ||
           (replay_seek(r, to ? to - 1 : 0, error) && replay_seek(r, to, error));
}

static bool trace_into(Session *s, const StoreWindow *window, Store *store, GError **error) {
    AnalysisSet *set = analysis_set_new(store);
    Machine *m = replay_machine(s->replay);
    bool ok = go_to(s->replay, window->from, error) &&
              analysis_set_add(set, window->walks ? "memtrace,ptw=yes" : "memtrace", error) &&
              analysis_set_begin(set, m, error);
    if (ok) {
        ok = replay_run_to(s->replay, window->to, error);
        ok = analysis_set_end(set, window->to, ok, ok ? error : NULL) && ok;
    }
    analysis_set_free(set);
    return ok;
}

static sqlite3 *trace(void *opaque, const StoreWindow *window, GError **error) {
    WindowReplay *w = opaque;
    Session *s = session_of(w, window, error);
    Store *store = NULL;
    if (!s || !store_open(NULL, &store, error))
        return NULL;
    bool ok = trace_into(s, window, store, error);
    replaying_clear_progress(w->args);
    if (!ok) {
        store_close(store);
        return NULL;
    }
    g_ptr_array_add(w->stores, store);
    return store_handle(store);
}

static void drop(void *opaque, sqlite3 *db) {
    WindowReplay *w = opaque;
    for (guint i = 0; i < w->stores->len; i++)
        if (store_handle(w->stores->pdata[i]) == db) {
            store_close(g_ptr_array_steal_index_fast(w->stores, i));
            return;
        }
    g_assert_not_reached();
}

WindowReplay *window_replay_new(const Args *args) {
    WindowReplay *w = g_new0(WindowReplay, 1);
    w->args = args;
    w->ops = (StoreReplayer){trace, drop, w};
    w->sessions = g_ptr_array_new_with_free_func(session_free);
    w->stores = g_ptr_array_new();
    return w;
}

void window_replay_free(WindowReplay *w) {
    if (!w)
        return;
    g_assert(!w->stores->len);
    g_ptr_array_unref(w->stores);
    g_ptr_array_unref(w->sessions);
    g_free(w);
}

const StoreReplayer *window_replay_ops(const WindowReplay *w) {
    return &w->ops;
}
