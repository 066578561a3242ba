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
#include "cli/reading.h"
#include "cli/rows.h"

typedef struct Asked {
    GPtrArray *files; /* of char*, borrowed */
    GString *sql;
} Asked;

static bool sort_words(const Args *args, Asked *asked, GError **error) {
    asked->files = g_ptr_array_new();
    asked->sql = g_string_new(NULL);
    for (guint i = 0; i < args->rest->len; i++) {
        const char *word = args->rest->pdata[i];
        if (!access(word, F_OK))
            g_ptr_array_add(asked->files, (gpointer)word);
        else if (reading_names_file(word, !asked->files->len && !asked->sql->len))
            return g_set_error(error, CLI_ERROR, 0, "%s: no such file", word), false;
        else
            g_string_append_printf(asked->sql, "%s%s", asked->sql->len ? "; " : "", word);
    }
    return true;
}

static void read_stdin(GString *sql) {
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, stdin)) > 0;)
        g_string_append_len(sql, chunk, (gssize)n);
}

static bool warn_shell(const Args *args, const char *path, GError **error) {
    sqlite3 *db;
    if (!store_open_query(path, false, &db, error))
        return false;
    database_warn_partial(args, db, NULL);
    store_close_query(db);
    return true;
}

/* The shell is given a file and nothing else. */
static bool shell_takes(const Args *args, const Asked *asked, GError **error) {
    const char *option = args->format    ? "--format"
                         : args->symbols ? "--symbols"
                         : args->sysroot ? "--sysroot"
                                         : NULL;
    if (!option && asked->files->len <= 1)
        return true;
    g_set_error(error, CLI_ERROR, 0, "%s: the interactive shell does not take it; give SQL",
                option ? option : (const char *)asked->files->pdata[1]);
    return false;
}

/* The shell is sqlite3's own, with our tables loaded. Only returns on failure. */
static bool exec_shell(const Args *args, const char *first, GError **error) {
    g_autofree char *extension = extension_path(error);
    g_autofree char *db = !extension                   ? NULL
                          : reading_is_database(first) ? g_strdup(first)
                                                       : reading_file(args, first, error);
    if (!db || !warn_shell(args, db, error))
        return false;
    g_autofree char *load = g_strdup_printf(".load \"%s\"", extension);
    const char *argv[] = {"sqlite3",
                          "-header",
                          "-column",
                          "-cmd",
                          load,
                          args->write ? db : "-readonly",
                          args->write ? NULL : db,
                          NULL};
    execvp(argv[0], (char **)argv);
    g_set_error(error, CLI_ERROR, 0,
                "sqlite3: %s; install Debian's package 'sqlite3' for the interactive shell, or give SQL",
                g_strerror(errno));
    return false;
}

/* The database of a further recording, which a replay must have made. Caller frees. */
static char *further_db(const char *path, GError **error) {
    g_autofree char *made = g_strconcat(path, ".db", NULL);
    DatabaseState state;
    Rec *rec;
    if (!rec_open(path, &rec, error))
        return NULL;
    bool ok = database_state(made, rec, &state, error);
    rec_free(rec);
    if (ok && state == DATABASE_OURS)
        return g_steal_pointer(&made);
    if (ok)
        g_set_error(error, CLI_ERROR, 0,
                    "%s has no database%s; make it with 'rr-emu replay %s --analysis NAME'", path,
                    state == DATABASE_OTHERS ? " of its own" : " yet", path);
    return NULL;
}

/* A further recording or database, as schema db2, db3 … */
static bool attach(sqlite3 *db, const char *path, guint number, GError **error) {
    g_autofree char *name = g_strdup_printf("db%u", number),
                    *file = reading_is_database(path) ? g_strdup(path) : further_db(path, error);
    return file && store_attach(db, file, name, error);
}

/* What to do about SQLite's message. */
static void explain(const Args *args, sqlite3 *db, const char *first, GError **error) {
    reading_explain(db, first, error);
    if (!args->write && strstr((*error)->message, "readonly database"))
        g_prefix_error(error, "without --write, %s is only read: ", first);
}

static bool ask(Args *args, Asked *asked, const char *first, GError **error) {
    Rows *rows = rows_new(args->format ? args->format : "table");
    if (!rows) {
        g_set_error(error, CLI_ERROR, 0, "--format %s: expected table, csv, json or line", args->format);
        return false;
    }
    Reading reading = {0};
    bool ok = reading_open(args, first, args->write, &reading, error);
    sqlite3 *db = reading.db;
    for (guint i = 1; ok && i < asked->files->len; i++)
        ok = attach(db, asked->files->pdata[i], i + 1, error);
    ok = ok && (!args->symbols || database_add_symbols(db, args->symbols, error)) &&
         (!args->sysroot || database_add_sysroot(db, args->sysroot, error));
    if (ok) {
        database_warn_partial(args, db, asked->sql->str);
    }
    ok = ok && store_query(db, asked->sql->str, &rows_ops, rows, error);
    if (!ok && error && *error)
        explain(args, db, first, error);
    reading_close(&reading);
    rows_free(rows);
    return ok;
}

int cmd_sql(const Command *self, Args *args, GError **error) {
    if (args->print_extension) {
        g_autofree char *path = extension_path(error);
        return path ? puts(path), STATUS_OK : self->failed;
    }
    Asked asked;
    bool ok = sort_words(args, &asked, error);
    g_autofree char *newest = !ok || asked.files->len ? NULL : recordings_newest(error);
    const char *first = asked.files->len ? asked.files->pdata[0] : newest;
    ok = ok && first != NULL;
    if (newest)
        tell(args, "%s", newest);
    if (ok && !asked.sql->len && isatty(STDIN_FILENO)) {
        ok = shell_takes(args, &asked, error) && exec_shell(args, first, error);
    } else if (ok) {
        if (!asked.sql->len)
            read_stdin(asked.sql);
        ok = ask(args, &asked, first, error);
    }
    g_ptr_array_unref(asked.files);
    g_string_free(asked.sql, TRUE);
    return ok ? STATUS_OK : self->failed;
}
