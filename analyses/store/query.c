/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/query.h"

#include <sqlite3.h>
#include <string.h>

#include "analyses/analysis.h"

#define BUSY_MS 1000

static bool fail(sqlite3 *db, GError **error, const char *what) {
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "%s%s%s", what, *what ? ": " : "",
                sqlite3_errmsg(db));
    return false;
}

static QueryValue column_value(sqlite3_stmt *s, int i) {
    QueryValue v = {0};
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_INTEGER:
        v.type = QUERY_INTEGER;
        v.integer = sqlite3_column_int64(s, i);
        break;
    case SQLITE_FLOAT:
        v.type = QUERY_REAL;
        v.real = sqlite3_column_double(s, i);
        break;
    case SQLITE_TEXT:
        v.type = QUERY_TEXT;
        v.text = (const char *)sqlite3_column_text(s, i);
        v.size = (size_t)sqlite3_column_bytes(s, i);
        break;
    case SQLITE_BLOB:
        v.type = QUERY_BLOB;
        v.bytes = sqlite3_column_blob(s, i);
        v.size = (size_t)sqlite3_column_bytes(s, i);
        break;
    default: v.type = QUERY_NULL;
    }
    return v;
}

static bool run_statement(sqlite3 *db, sqlite3_stmt *s, const QueryOps *ops, void *opaque, GError **error) {
    int n = sqlite3_column_count(s);
    const char **names = g_new(const char *, (gsize)n + 1);
    QueryValue *values = g_new(QueryValue, (gsize)n + 1);
    for (int i = 0; i < n; i++)
        names[i] = sqlite3_column_name(s, i);
    if (n)
        ops->begin(opaque, n, names);
    int result;
    while ((result = sqlite3_step(s)) == SQLITE_ROW) {
        for (int i = 0; i < n; i++)
            values[i] = column_value(s, i);
        ops->row(opaque, n, values);
    }
    if (n)
        ops->end(opaque);
    g_free(names);
    g_free(values);
    return result == SQLITE_DONE || fail(db, error, "");
}

bool store_query(sqlite3 *db, const char *sql, const QueryOps *ops, void *opaque, GError **error) {
    while (*sql) {
        sqlite3_stmt *s = NULL;
        const char *tail;
        if (sqlite3_prepare_v2(db, sql, -1, &s, &tail) != SQLITE_OK)
            return fail(db, error, "");
        bool ok = !s || run_statement(db, s, ops, opaque, error);
        sqlite3_finalize(s);
        if (!ok)
            return false;
        sql = tail;
    }
    return true;
}

/* sqlite3_open reads nothing: a file that is locked, or no database, would be found out by whichever question is first. */
static bool is_readable(sqlite3 *db, const char *path, GError **error) {
    if (sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) == SQLITE_OK)
        return true;
    if (sqlite3_errcode(db) != SQLITE_BUSY)
        return fail(db, error, path);
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                "%s: %s; another program, perhaps a replay, is writing it: ask again when that has ended",
                path, sqlite3_errmsg(db));
    return false;
}

static bool open_connection(const char *path, int flags, sqlite3 **ret, GError **error) {
    sqlite3 *db;
    bool ok = sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK || fail(db, error, path);
    if (ok)
        sqlite3_busy_timeout(db, BUSY_MS);
    if (!ok || !store_register(db, error) || !is_readable(db, path, error)) {
        sqlite3_close(db);
        return false;
    }
    *ret = db;
    return true;
}

/* A writer was killed: what it had begun must be undone before anybody reads, and a reader may not do that. */
static void roll_back_killed(const char *path) {
    sqlite3 *db;
    g_autofree char *journal = g_strconcat(path, "-journal", NULL);
    if (g_file_test(journal, G_FILE_TEST_EXISTS) && open_connection(path, SQLITE_OPEN_READWRITE, &db, NULL))
        sqlite3_close(db);
}

bool store_open_query(const char *path, bool write, sqlite3 **ret, GError **error) {
    if (!path || write)
        return open_connection(path ? path : ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, ret,
                               error);
    roll_back_killed(path);
    return open_connection(path, SQLITE_OPEN_READONLY, ret, error);
}

bool store_attach(sqlite3 *db, const char *path, const char *name, GError **error) {
    char *sql = sqlite3_mprintf("ATTACH %Q AS \"%w\"", path, name);
    int result = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return result == SQLITE_OK || fail(db, error, path);
}

void store_close_query(sqlite3 *db) {
    sqlite3_close_v2(db);
}

char *store_missing_table(const GError *error) {
    const char *prefix = "no such table: ", *at = error ? strstr(error->message, prefix) : NULL;
    if (!at)
        return NULL;
    at += strlen(prefix);
    const char *dot = strchr(at, '.');
    return g_strdup(dot ? dot + 1 : at);
}
