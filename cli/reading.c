/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/reading.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyses/analysis.h"
#include "analyses/store/query.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/database.h"
#include "schema/version.h"

bool reading_is_database(const char *path) {
    char magic[16] = {0};
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(magic, 1, sizeof magic, f) : 0;
    if (f)
        fclose(f);
    return n == sizeof magic && !memcmp(magic, "SQLite format 3", 16);
}

bool reading_names_file(const char *word, bool first) {
    bool ends = g_str_has_suffix(word, ".rrec") || g_str_has_suffix(word, ".db");
    return ends ? !strpbrk(word, " \t\n;") : first && *word && !strpbrk(word, " \t\n;()'\"*");
}

static bool fill(Store *store, const Rec *rec, GError **error) {
    return database_import(store, rec, error) && database_symbols(store, rec, NULL, error);
}

/* REC.db with what the recording itself tells, for those who need a file. */
static bool make_file(const char *path, const Rec *rec, GError **error) {
    Store *store;
    if (!store_open(path, &store, error))
        return false;
    bool ok = fill(store, rec, error);
    store_close(store);
    return ok;
}

/*
 * A recording's database: REC.db when a replay has made it, else one made of what the recording itself tells: in memory
 * (*store, the caller's), or where REC.db belongs when a `file` is needed. Returns REC.db's name, or NULL on failure.
 */
static char *recording_db(const Args *args, const char *path, bool file, Store **store, GError **error) {
    g_autofree char *made = g_strconcat(path, ".db", NULL);
    Rec *rec;
    if (!rec_open(path, &rec, error))
        return NULL;
    DatabaseState state;
    bool ok = database_state(made, rec, &state, error);
    if (!ok) {
        /* said */
    } else if (state == DATABASE_OTHERS && file) {
        g_set_error(error, CLI_ERROR, 0,
                    "%s is another recording's; remove it, or replay %s with an analysis", made, path);
        ok = false;
    } else if (state == DATABASE_NONE && file) {
        ok = make_file(made, rec, error);
    } else if (state != DATABASE_OURS && store) {
        if (state == DATABASE_OTHERS)
            tell(args, "%s is another recording's: not used", made);
        ok = store_open(NULL, store, error) && fill(*store, rec, error);
    }
    rec_free(rec);
    return ok ? g_steal_pointer(&made) : NULL;
}

char *reading_file(const Args *args, const char *path, GError **error) {
    return recording_db(args, path, true, NULL, error);
}

static bool open_db(const Args *args, const char *path, bool write, Reading *r, GError **error) {
    if (reading_is_database(path))
        return store_open_query(path, write, &r->db, error);
    g_autofree char *made = recording_db(args, path, write, &r->store, error);
    if (!made)
        return false;
    if (!r->store)
        return store_open_query(made, write, &r->db, error);
    r->db = store_handle(r->store);
    return true;
}

bool reading_open(const Args *args, const char *path, bool write, Reading *ret, GError **error) {
    *ret = (Reading){0};
    if (!open_db(args, path, write, ret, error))
        return false;
    ret->windows = window_replay_new(args);
    database_set_functions(ret->db, window_replay_ops(ret->windows));
    return true;
}

bool reading_is_ours(const Reading *r, const char *path, GError **error) {
    int64_t version = store_version(r->db);
    if (version == RR_DB_SCHEMA_VERSION)
        return true;
    if (version < 0)
        g_set_error(error, CLI_ERROR, 0,
                    "%s: an SQLite database, but not one of rr-emu's; expected one that 'rr-emu replay' made",
                    path);
    else
        g_set_error(error, CLI_ERROR, 0,
                    "%s: schema version %" G_GINT64_FORMAT
                    ", this rr-emu reads %u; make it again with 'rr-emu replay'",
                    path, version, RR_DB_SCHEMA_VERSION);
    return false;
}

void reading_close(Reading *r) {
    if (r->store)
        store_close(r->store);
    else if (r->db)
        store_close_query(r->db);
    window_replay_free(r->windows);
    *r = (Reading){0};
}

/* The recording that a file is or, as REC.db, belongs to; "REC" if that is not there. */
static char *recording_of(const char *file) {
    char *rec = g_str_has_suffix(file, ".db") ? g_strndup(file, strlen(file) - 3) : g_strdup(file);
    if (!access(rec, F_OK))
        return rec;
    g_free(rec);
    return g_strdup("REC");
}

/* Of our tables, what is asked: not what they are kept in, nor the views with hex text. */
static const char listed_sql[] =
    "SELECT group_concat(name, ' ') FROM (SELECT DISTINCT CASE WHEN name LIKE '%\\_v' ESCAPE '\\' THEN "
    "substr(name, 1, length(name) - 2) ELSE name END AS name FROM sqlite_schema WHERE type IN ('table', "
    "'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT IN ('call_symbol') AND "
    "name NOT LIKE '%\\_chunk' ESCAPE '\\' AND name NOT LIKE '%\\_code' ESCAPE '\\' AND "
    "name NOT LIKE '%\\_index' ESCAPE '\\' AND name NOT LIKE '%\\_packed' ESCAPE '\\' ORDER BY 1)";

static void add_text(GError **error, char *text) {
    g_autofree char *message = g_strconcat((*error)->message, text, NULL);
    g_free((*error)->message);
    (*error)->message = g_steal_pointer(&message);
    g_free(text);
}

void reading_explain(sqlite3 *db, const char *first, GError **error) {
    g_autofree char *table = store_missing_table(*error);
    if (!table)
        return;
    AnalysisInfo info;
    for (size_t i = 0; analysis_info(i, &info); i++) {
        g_auto(GStrv) tables = g_strsplit(info.tables, " ", -1);
        if (!g_strv_contains((const gchar *const *)tables, table))
            continue;
        g_autofree char *rec = recording_of(first);
        add_text(error, g_strdup_printf("; make it with 'rr-emu replay %s --analysis %s'", rec, info.name));
        return;
    }
    g_autofree char *listed = db ? ask_text(db, listed_sql) : NULL;
    if (listed)
        add_text(error, g_strdup_printf("; there are %s; 'rr-emu analyses' tells what makes others", listed));
}
