/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `export`: a database in other programs' formats. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyses/analysis.h"
#include "cli/ask.h"
#include "cli/database.h"
#include "cli/export.h"
#include "cli/profile.h"
#include "cli/reading.h"

static const ExportFormat formats[] = {
    {"perfetto", "timeline of tasks, system calls, calls and interrupts",
     "cpu syscall call trap irq dma console", false, export_perfetto},
    {"callgrind", "instructions by function and line, and calls", profile_tables, false, export_callgrind},
    {"folded", "stacks for flame graphs", profile_tables, false, export_folded},
    {"lcov", "coverage by source line", "cover", false, export_lcov},
    {"drcov", "coverage by block", "block", false, export_drcov},
    {"csv", "the rows of SQL", "", false, export_csv},
    {"sqlite", "the rows of SQL, as the table rows of a new database", "", true, export_sqlite},
};

static const ExportFormat *format_find(const char *name, GError **error) {
    g_autoptr(GString) all = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (name && !strcmp(formats[i].name, name))
            return &formats[i];
        g_string_append_printf(all, "%s%s (%s)", i ? ", " : "", formats[i].name, formats[i].help);
    }
    if (name)
        g_set_error(error, CLI_ERROR, 0, "--format %s: expected one of %s", name, all->str);
    else
        g_set_error(error, CLI_ERROR, 0, "--format is needed: one of %s", all->str);
    return NULL;
}

/* Of the words, the one that names a file is exported; any other is SQL. */
static bool sort_words(const Args *args, const ExportFormat *f, const char **first, const char **sql,
                       GError **error) {
    *first = *sql = NULL;
    for (guint i = 0; i < args->rest->len; i++) {
        const char *word = args->rest->pdata[i];
        bool file = !access(word, F_OK), named = !file && reading_names_file(word, !*first && !*sql);
        if (file && !*first) {
            *first = word;
        } else if (!file && !named && !*f->tables && !*sql) {
            *sql = word;
        } else if (named) {
            g_set_error(error, CLI_ERROR, 0, "%s: no such file", word);
            return false;
        } else {
            g_set_error(error, CLI_ERROR, 0, "'%s': %s", word,
                        file         ? "expected one recording or database"
                        : *f->tables ? "no such file, and this format takes no SQL"
                                     : "expected one query");
            return false;
        }
    }
    if (!*f->tables && !*sql)
        return g_set_error(error, CLI_ERROR, 0,
                           "--format %s needs SQL: rr-emu export REC --format %s 'SELECT …'", f->name,
                           f->name),
               false;
    return true;
}

/* One of the tables that the format is made of must be there. */
static bool check_tables(sqlite3 *db, const ExportFormat *f, const char *first, GError **error) {
    g_auto(GStrv) tables = g_strsplit(f->tables, " ", -1);
    for (int i = 0; tables[i]; i++)
        if (ask_has(db, tables[i]))
            return true;
    if (!*f->tables)
        return true;
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "no such table: %s",
                tables[g_strv_length(tables) - 1]);
    reading_explain(db, first, error);
    return false;
}

static bool open_output(const Args *args, const ExportFormat *f, GError **error) {
    if (f->file && !args->output)
        return g_set_error(error, CLI_ERROR, 0, "--format %s needs -o FILE", f->name), false;
    if (f->file && !access(args->output, F_OK))
        return g_set_error(error, CLI_ERROR, 0, "-o %s: it exists; give another name or remove it",
                           args->output),
               false;
    if (args->output && !f->file && !freopen(args->output, "wb", stdout))
        return g_set_error(error, CLI_ERROR, 0, "-o %s: %s", args->output, g_strerror(errno)), false;
    return true;
}

static bool export(const Args *args, const ExportFormat *f, const char *first, const char *sql,
                   GError **error) {
    Reading r;
    bool ok = reading_open(args, first, f->file, &r, error) && reading_is_ours(&r, first, error) &&
              check_tables(r.db, f, first, error) &&
              (!args->symbols || database_add_symbols(r.db, args->symbols, error)) &&
              open_output(args, f, error);
    bool opened = ok && args->output;
    Export x = {r.db, stdout, args->output, sql, first};
    if (ok) {
        database_warn_partial(args, r.db, *f->tables ? f->tables : sql);
        ok = f->write(&x, error);
    }
    if (!ok && r.db && error && *error && !*f->tables)
        reading_explain(r.db, first, error);
    reading_close(&r);
    if (ok && fflush(stdout)) {
        g_set_error(error, CLI_ERROR, 0, "%s: %s", args->output ? args->output : "output", g_strerror(errno));
        ok = false;
    }
    if (!ok && opened && g_file_test(args->output, G_FILE_TEST_IS_REGULAR))
        unlink(args->output);
    if (!ok && opened && !freopen("/dev/null", "wb", stdout)) /* what it still holds would fail again */
        clearerr(stdout);
    return ok;
}

int cmd_export(const Command *self, Args *args, GError **error) {
    const char *first, *sql;
    const ExportFormat *f = format_find(args->format, error);
    if (!f || !sort_words(args, f, &first, &sql, error))
        return self->failed;
    g_autofree char *newest = first ? NULL : recordings_newest(error);
    if (newest)
        tell(args, "%s", newest);
    first = first ? first : newest;
    return first && export(args, f, first, sql, error) ? STATUS_OK : self->failed;
}
