/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `sql`: questions to a recording or its database. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyses/analysis.h"
#include "analyses/store/query.h"
#include "cli/database.h"
#include "cli/extension.h"
#include "cli/rows.h"

static bool is_sqlite(const char *path) {
    char magic[16] = {0};
    FILE *f = fopen(path, "rb");
    size_t n = f ? fread(magic, 1, sizeof magic, f) : 0;
    if (f)
        fclose(f);
    return n == sizeof magic && !memcmp(magic, "SQLite format 3", 16);
}

/* A recording's database: REC.db when a replay has made it, else one made here of what the recording itself tells. */
static bool open_recording_db(const char *path, bool write, Store **store, sqlite3 **db, GError **error) {
    g_autofree char *made = g_strconcat(path, ".db", NULL);
    if (!access(made, F_OK))
        return store_open_query(made, write, db, error);
    Rec *rec;
    if (!rec_open(path, &rec, error))
        return false;
    bool ok = store_open(NULL, store, error) && database_import(*store, rec, error) && database_symbols(*store, rec, NULL, error);
    rec_free(rec);
    if (ok)
        *db = store_handle(*store);
    return ok;
}

typedef struct Asked {
    GPtrArray *files; /* of char*, borrowed */
    GString *sql;
} Asked;

static void sort_words(const Args *args, Asked *asked) {
    asked->files = g_ptr_array_new();
    asked->sql = g_string_new(NULL);
    for (guint i = 0; i < args->rest->len; i++) {
        const char *word = args->rest->pdata[i];
        if (!access(word, F_OK))
            g_ptr_array_add(asked->files, (gpointer)word);
        else
            g_string_append_printf(asked->sql, "%s%s", asked->sql->len ? "; " : "", word);
    }
}

static void read_stdin(GString *sql) {
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, stdin)) > 0;)
        g_string_append_len(sql, chunk, (gssize)n);
}

/* "no such table: trap" → what makes it. */
static void explain_missing(const char *first, GError **error) {
    g_autofree char *table = store_missing_table(*error);
    if (!table)
        return;
    for (size_t i = 0; analysis_info(i); i++) {
        g_auto(GStrv) tables = g_strsplit(analysis_info(i)->tables, " ", -1);
        if (!g_strv_contains((const gchar *const *)tables, table))
            continue;
        g_autofree char *rec = g_str_has_suffix(first, ".db") ? g_strndup(first, strlen(first) - 3) : g_strdup(first);
        g_prefix_error(error, "make it with 'rr-emu replay %s --analysis %s': ", rec, analysis_info(i)->name);
        return;
    }
}

/* The shell is sqlite3's own, with our tables loaded. Only returns on failure. */
static bool exec_shell(const char *db, bool write, GError **error) {
    g_autofree char *extension = extension_path(error);
    if (!extension)
        return false;
    g_autofree char *load = g_strdup_printf(".load %s", extension);
    const char *argv[] = {"sqlite3", "-header", "-column", "-cmd", load, write ? db : "-readonly", write ? NULL : db, NULL};
    execvp(argv[0], (char **)argv);
    g_set_error(error, CLI_ERROR, 0, "sqlite3: %s; install Debian's package 'sqlite3' for the interactive shell, or give SQL", g_strerror(errno));
    return false;
}

static bool ask(Args *args, Asked *asked, const char *first, GError **error) {
    Rows *rows = rows_new(args->format ? args->format : "table");
    if (!rows) {
        g_set_error(error, CLI_ERROR, 0, "--format %s: expected table, csv, json or line", args->format);
        return false;
    }
    Store *store = NULL;
    sqlite3 *db = NULL;
    bool ok = is_sqlite(first) ? store_open_query(first, args->write, &db, error)
                               : open_recording_db(first, args->write, &store, &db, error);
    for (guint i = 1; ok && i < asked->files->len; i++) {
        g_autofree char *name = g_strdup_printf("db%u", i + 1), *made = g_strconcat(asked->files->pdata[i], ".db", NULL);
        ok = store_attach(db, is_sqlite(asked->files->pdata[i]) ? asked->files->pdata[i] : made, name, error);
    }
    if (ok)
        database_set_functions(db);
    ok = ok && store_query(db, asked->sql->str, &rows_ops, rows, error);
    if (!ok && error && *error)
        explain_missing(first, error);
    if (store)
        store_close(store);
    else if (db)
        store_close_query(db);
    rows_free(rows);
    return ok;
}

int cmd_sql(const Command *self, Args *args, GError **error) {
    if (args->print_extension) {
        g_autofree char *path = extension_path(error);
        return path ? puts(path), STATUS_OK : self->failed;
    }
    Asked asked;
    sort_words(args, &asked);
    g_autofree char *newest = asked.files->len ? NULL : recordings_newest(error);
    const char *first = asked.files->len ? asked.files->pdata[0] : newest;
    bool ok = first != NULL;
    if (newest)
        tell(args, "%s", newest);
    if (ok && !asked.sql->len && isatty(STDIN_FILENO)) {
        g_autofree char *made = is_sqlite(first) ? g_strdup(first) : g_strconcat(first, ".db", NULL);
        ok = exec_shell(made, args->write, error);
    } else if (ok) {
        if (!asked.sql->len)
            read_stdin(asked.sql);
        ok = ask(args, &asked, first, error);
    }
    g_ptr_array_unref(asked.files);
    g_string_free(asked.sql, TRUE);
    return ok ? STATUS_OK : self->failed;
}
