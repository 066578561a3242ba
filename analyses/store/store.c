/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/store_private.h"

#include <stdarg.h>
#include <string.h>

#include "analyses/analysis.h"
#include "analyses/store/functions.h"
#include "schema/version.h"
#include "db_sql.h"

#define APPLICATION_ID 0x52524d55 /* "RRMU" */
#define BUSY_MS 3000

struct StoreStmt {
    Store *store;
    sqlite3_stmt *stmt;
};

bool store_fail(Store *s, GError **error, const char *what) {
    int code = sqlite3_errcode(s->db) & 0xff;
    const char *hint = "";
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        hint = "; another program is using it: close that, or write elsewhere with --db";
    else if (code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_PERM)
        hint = "; choose a writable file with --db";
    else if (code == SQLITE_FULL)
        hint = "; free some space, or write elsewhere with --db";
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "%s: %s%s%s%s", s->path, what, *what ? ": " : "",
                sqlite3_errmsg(s->db), hint);
    return false;
}

void store_lock(Store *s) {
    g_rec_mutex_lock(&s->lock);
}
void store_unlock(Store *s) {
    g_rec_mutex_unlock(&s->lock);
}

sqlite3 *store_handle(Store *s) {
    return s->db;
}

bool store_exec(Store *s, const char *sql, GError **error) {
    store_lock(s);
    bool ok = sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || store_fail(s, error, "");
    store_unlock(s);
    return ok;
}

bool store_drop(Store *s, const char *name, GError **error) {
    const char *sql = "SELECT count(*) FROM sqlite_schema WHERE name = ? COLLATE NOCASE AND type = ?";
    const char *type = store_get_int(s, sql, 0, "ss", name, "table")  ? "TABLE"
                       : store_get_int(s, sql, 0, "ss", name, "view") ? "VIEW"
                                                                      : NULL;
    g_autofree char *drop = g_strdup_printf("DROP %s \"%s\"", type, name);
    return !type || store_exec(s, drop, error);
}

bool store_exec_section(Store *s, const char *section, const char *name, GError **error) {
    g_autofree char *mark = g_strdup_printf("\n--- %s\n", section);
    const char *from = strstr(db_sql, mark);
    g_assert(from);
    from += strlen(mark);
    const char *to = strstr(from, "\n--- ");
    GString *sql = g_string_new_len(from, to ? to - from : (gssize)strlen(from));
    if (name)
        g_string_replace(sql, "$", name, 0);
    bool ok = store_exec(s, sql->str, error);
    g_string_free(sql, TRUE);
    return ok;
}

bool store_register(sqlite3 *db, GError **error) {
    if (store_register_all(db) == SQLITE_OK)
        return true;
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "%s", sqlite3_errmsg(db));
    return false;
}

/* -- opening ------------------------------------------------------------------------------------------- */
static int64_t pragma(Store *s, const char *name) {
    g_autofree char *sql = g_strdup_printf("PRAGMA %s", name);
    return store_get_int(s, sql, 0, "");
}

static int64_t number_of(sqlite3 *db, const char *sql) {
    sqlite3_stmt *s = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return number;
}

int64_t store_version(sqlite3 *db) {
    return number_of(db, "PRAGMA application_id") == APPLICATION_ID ? number_of(db, "PRAGMA user_version")
                                                                    : -1;
}

/* A new file, ours, or neither. */
static bool check_version(Store *s, GError **error) {
    int64_t id = pragma(s, "application_id");
    if (sqlite3_errcode(s->db) != SQLITE_OK) /* no database, damaged, or locked by its writer */
        return store_fail(s, error, "");
    int64_t version = pragma(s, "user_version");
    int64_t tables = store_get_int(s, "SELECT count(*) FROM sqlite_schema", 0, "");
    if (id != APPLICATION_ID && tables) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                    "%s: an SQLite database, but not one of rr-emu's; choose another file with --db",
                    s->path);
        return false;
    }
    if (tables && version != RR_DB_SCHEMA_VERSION) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                    "%s: schema version %" G_GINT64_FORMAT
                    ", this rr-emu writes %u; choose another file with --db",
                    s->path, version, RR_DB_SCHEMA_VERSION);
        return false;
    }
    return true;
}

static bool prepare_file(Store *s, GError **error) {
    g_autofree char *version = g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %u",
                                               APPLICATION_ID, RR_DB_SCHEMA_VERSION);
    g_autofree char *number = g_strdup_printf("%u", RR_DB_SCHEMA_VERSION);
    return check_version(s, error) &&
           store_exec(s,
                      "PRAGMA page_size = 16384; PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF;"
                      "PRAGMA cache_size = -16384",
                      error) &&
           store_begin(s, error) && store_exec(s, version, error) &&
           store_exec_section(s, "base", NULL, error) && store_set_meta(s, "schema_version", number, error) &&
           store_commit(s, error);
}

bool store_open(const char *path, Store **ret, GError **error) {
    Store *s = g_new0(Store, 1);
    s->path = g_strdup(path ? path : "the database in memory");
    g_rec_mutex_init(&s->lock);
    s->claimed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool ok = sqlite3_open_v2(path ? path : ":memory:", &s->db,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                              NULL) == SQLITE_OK;
    if (ok) {
        sqlite3_extended_result_codes(s->db, 0);
        sqlite3_busy_timeout(s->db, BUSY_MS);
        ok = store_register(s->db, error) && prepare_file(s, error);
    } else {
        store_fail(s, error, "");
    }
    if (!ok) {
        store_close(s);
        return false;
    }
    *ret = s;
    return true;
}

void store_close(Store *s) {
    if (!s)
        return;
    if (s->depth)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    if (s->recording)
        store_recording_free(s);
    sqlite3_close_v2(s->db);
    g_rec_mutex_clear(&s->lock);
    g_hash_table_unref(s->claimed);
    g_free(s->path);
    g_free(s);
}

bool store_claim(Store *s, const char *name) {
    return g_hash_table_add(s->claimed, g_ascii_strdown(name, -1));
}

/* -- transactions -------------------------------------------------------------------------------------- */
bool store_begin(Store *s, GError **error) {
    if (s->depth == 0 && !store_exec(s, "BEGIN IMMEDIATE", error))
        return false;
    s->depth++;
    return true;
}

bool store_commit(Store *s, GError **error) {
    g_assert(s->depth);
    if (s->doomed) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                    "%s: nothing was written, because something else in the same replay failed", s->path);
        return false;
    }
    if (s->depth == 1 && !store_exec(s, "COMMIT", error))
        return false;
    s->depth--;
    return true;
}

void store_rollback(Store *s) {
    g_assert(s->depth);
    s->doomed = --s->depth > 0;
    if (!s->doomed)
        store_exec(s, "ROLLBACK", NULL);
}

/* -- statements ---------------------------------------------------------------------------------------- */
bool store_prepare(Store *s, const char *sql, StoreStmt **ret, GError **error) {
    store_lock(s);
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) == SQLITE_OK;
    if (ok) {
        *ret = g_new(StoreStmt, 1);
        **ret = (StoreStmt){s, stmt};
    } else {
        store_fail(s, error, sql);
    }
    store_unlock(s);
    return ok;
}

void store_stmt_free(StoreStmt *stmt) {
    if (!stmt)
        return;
    store_lock(stmt->store);
    sqlite3_finalize(stmt->stmt);
    store_unlock(stmt->store);
    g_free(stmt);
}

static void bind_all(sqlite3_stmt *stmt, const char *types, va_list ap) {
    for (int i = 1; *types; i++, types++) {
        const void *blob;
        switch (*types) {
        case 'i': sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t)); break;
        case 'u': sqlite3_bind_int64(stmt, i, (int64_t)va_arg(ap, uint64_t)); break;
        case 's': sqlite3_bind_text(stmt, i, va_arg(ap, const char *), -1, SQLITE_STATIC); break;
        case 'b':
            blob = va_arg(ap, const void *);
            sqlite3_bind_blob64(stmt, i, blob ? blob : "", va_arg(ap, size_t), SQLITE_STATIC);
            break;
        default: g_assert(*types == 'n'); sqlite3_bind_null(stmt, i);
        }
    }
}

/*
 * Run what was bound. On some failures (SQLITE_FULL) SQLite ends the transaction by itself; what was written after that
 * would stay, alone.
 */
static bool step_once(StoreStmt *stmt, GError **error) {
    Store *s = stmt->store;
    bool ok = false;
    if (s->depth && sqlite3_get_autocommit(s->db)) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "%s: a failure ended the transaction",
                    s->path);
    } else {
        int result = sqlite3_step(stmt->stmt);
        ok = result == SQLITE_DONE || result == SQLITE_ROW || store_fail(s, error, "");
    }
    sqlite3_reset(stmt->stmt);
    return ok;
}

bool store_run(StoreStmt *stmt, GError **error, const char *types, ...) {
    va_list ap;
    store_lock(stmt->store);
    va_start(ap, types);
    bind_all(stmt->stmt, types, ap);
    va_end(ap);
    bool ok = step_once(stmt, error);
    sqlite3_clear_bindings(stmt->stmt);
    store_unlock(stmt->store);
    return ok;
}

const char *store_run_text(StoreStmt *stmt, const char *types, ...) {
    va_list ap;
    store_lock(stmt->store);
    sqlite3_reset(stmt->stmt);
    va_start(ap, types);
    bind_all(stmt->stmt, types, ap);
    va_end(ap);
    const char *text =
        sqlite3_step(stmt->stmt) == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt->stmt, 0) : NULL;
    store_unlock(stmt->store);
    return text;
}

/* All are bound each time: there is nothing to clear. */
bool store_run_values(StoreStmt *stmt, const char *types, const StoreValue *values, GError **error) {
    store_lock(stmt->store);
    for (int i = 0; types[i]; i++) {
        const StoreValue *v = &values[i];
        if (types[i] == 'i' || types[i] == 'u')
            sqlite3_bind_int64(stmt->stmt, i + 1, v->integer);
        else if (types[i] == 's' && v->bytes)
            sqlite3_bind_text(stmt->stmt, i + 1, v->bytes, (int)v->size - 1, SQLITE_STATIC);
        else if (types[i] == 'b' && v->bytes)
            sqlite3_bind_blob(stmt->stmt, i + 1, v->bytes, (int)v->size, SQLITE_STATIC);
        else
            sqlite3_bind_null(stmt->stmt, i + 1);
    }
    bool ok = step_once(stmt, error);
    store_unlock(stmt->store);
    return ok;
}

int64_t store_get_int(Store *s, const char *sql, int64_t fallback, const char *types, ...) {
    va_list ap;
    sqlite3_stmt *stmt = NULL;
    store_lock(s);
    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        va_start(ap, types);
        bind_all(stmt, types, ap);
        va_end(ap);
        if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
            fallback = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
    }
    store_unlock(s);
    return fallback;
}

bool store_set_meta(Store *s, const char *key, const char *value, GError **error) {
    StoreStmt *stmt;
    if (!store_prepare(s, "INSERT OR REPLACE INTO meta VALUES (?, ?)", &stmt, error))
        return false;
    bool ok = store_run(stmt, error, "ss", key, value);
    store_stmt_free(stmt);
    return ok;
}
