/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording's database as a file: whose it is, what of it is partial, what a replay will replace. */
#include "cli/database.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyses/analysis.h"
#include "analyses/symbols/program_file.h"
#include "analyses/store/query.h"
#include "cli/cli.h"

static void ignore_begin(void *opaque, int n, const char *const *names) {}
static void ignore_end(void *opaque) {}

static bool ask(sqlite3 *db, const char *sql, void (*row)(void *, int, const QueryValue *), void *opaque) {
    QueryOps ops = {ignore_begin, row, ignore_end};
    return store_query(db, sql, &ops, opaque, NULL);
}

static void take_text(void *opaque, int n, const QueryValue *values) {
    if (values[0].type == QUERY_TEXT && !*(char **)opaque)
        *(char **)opaque = g_strdup(values[0].text);
}

bool database_state(const char *path, const Rec *rec, DatabaseState *ret, GError **error) {
    struct stat st;
    sqlite3 *db;
    g_autofree char *id = NULL;
    if (stat(path, &st) < 0 || !st.st_size) {
        *ret = DATABASE_NONE;
        return true;
    }
    if (!store_open_query(path, false, &db, error))
        return false;
    GError *why = NULL;
    QueryOps ops = {ignore_begin, take_text, ignore_end};
    bool ok = store_query(db, "SELECT value FROM meta WHERE key = 'recording'", &ops, &id, &why);
    g_autofree char *missing = store_missing_table(why);
    store_close_query(db);
    if (!ok && !missing) {
        g_propagate_prefixed_error(error, why, "%s: ", path);
        return false;
    }
    g_clear_error(&why);
    *ret = !id ? DATABASE_NONE : !strcmp(id, rec_info(rec)->id_text) ? DATABASE_OURS : DATABASE_OTHERS;
    return true;
}

/* -- partial analyses --------------------------------------------------------------------------------------- */

typedef struct Partial {
    const Args *args;
    const char *sql;
} Partial;

/* `word` stands in `text` as an identifier of its own. */
static bool has_word(const char *text, const char *word) {
    g_autofree char *escaped = g_regex_escape_string(word, -1),
                    *pattern = g_strdup_printf("\\b%s\\b", escaped);
    return g_regex_match_simple(pattern, text, G_REGEX_CASELESS, 0);
}

/* The tables of an analysis are its own names, or with as=NAME the same with NAME (write becomes NAME_write). */
static bool asks_for(const char *sql, const char *name, const char *args) {
    g_auto(GStrv) words = g_strsplit(args, ",", 2);
    AnalysisInfo info;
    for (size_t i = 0; words[0] && analysis_info(i, &info); i++) {
        if (strcmp(info.name, words[0]))
            continue;
        g_auto(GStrv) tables = g_strsplit(info.tables, " ", -1);
        for (int k = 0; tables[k]; k++) {
            bool own = g_str_has_prefix(tables[k], info.name);
            g_autofree char *table = !strcmp(name, info.name) ? g_strdup(tables[k])
                                     : own ? g_strconcat(name, tables[k] + strlen(info.name), NULL)
                                           : g_strconcat(name, "_", tables[k], NULL);
            if (has_word(sql, table))
                return true;
        }
    }
    return false;
}

static void partial_row(void *opaque, int n, const QueryValue *v) {
    const Partial *p = opaque;
    if (v[0].type != QUERY_TEXT || v[1].type != QUERY_TEXT ||
        (p->sql && !asks_for(p->sql, v[0].text, v[1].text)))
        return;
    tell(p->args,
         "%s is partial: positions %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT "%s",
         v[0].text, v[2].integer, v[3].integer, v[5].integer,
         v[4].integer ? "" : ", of a replay that failed");
}

void database_warn_partial(const Args *args, sqlite3 *db, const char *sql) {
    Partial p = {args, sql};
    ask(db,
        "SELECT name, args, ifnull(from_pos, 0), ifnull(to_pos, 0), complete, cast(m.value AS INTEGER) FROM "
        "analysis, meta AS m "
        "WHERE m.key = 'end_pos' AND (from_pos > 0 OR to_pos < cast(m.value AS INTEGER) OR NOT complete)",
        partial_row, &p);
}

/* -- replacing ---------------------------------------------------------------------------------------------- */

static void take_integer(void *opaque, int n, const QueryValue *values) {
    *(int64_t *)opaque = values[0].integer;
}

void database_tell_replaced(const Args *args, sqlite3 *db, const char *spec) {
    g_auto(GStrv) words = g_strsplit(spec, ",", -1);
    const char *name = words[0] ? words[0] : "";
    for (int i = 1; words[0] && words[i]; i++)
        if (g_str_has_prefix(words[i], "as="))
            name = words[i] + 3;
    if (strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_") != strlen(name))
        return; /* no such name exists; adding it tells what is wrong */
    g_autofree char *sql = g_strdup_printf("SELECT ifnull(rows, -2) FROM analysis WHERE name = '%s'", name);
    int64_t rows = -1; /* there is no such analysis; -2: it is an index */
    ask(db, sql, take_integer, &rows);
    if (rows >= 0)
        tell(args, "%s: %" G_GINT64_FORMAT " rows of an earlier replay will be replaced", name, rows);
    else if (rows == -2)
        tell(args, "%s: the index of an earlier replay will be replaced", name);
}

/* -- symbols for one connection ----------------------------------------------------------------------------- */

static const char *const shadow_sql =
    "CREATE TEMP TABLE module AS SELECT * FROM extra.module UNION ALL "
    "SELECT id + (SELECT count(*) FROM extra.module), name, path, build_id, base, size FROM main.module;"
    "CREATE TEMP TABLE symbol AS SELECT * FROM extra.symbol UNION ALL "
    "SELECT id + (SELECT count(*) FROM extra.symbol), module_id + (SELECT count(*) FROM extra.module), name, "
    "addr, size, kind "
    "FROM main.symbol; CREATE TEMP TABLE line AS SELECT * FROM extra.line UNION ALL "
    "SELECT addr, file, line FROM main.line WHERE addr NOT IN (SELECT addr FROM extra.line); DETACH extra";

static bool read_symbols(const char *path, const GPtrArray *files, GError **error) {
    Store *store;
    if (!store_open(path, &store, error))
        return false;
    bool ok = true;
    for (guint i = 0; ok && i < files->len; i++)
        ok = store_add_symbols(store, files->pdata[i], error);
    store_close(store);
    return ok;
}

bool database_add_symbols(sqlite3 *db, const GPtrArray *files, GError **error) {
    static const QueryOps none = {ignore_begin, take_integer, ignore_end};
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("rr-emu-symbols-XXXXXX", &path, error);
    if (fd < 0)
        return false;
    close(fd);
    int64_t unused;
    bool ok = read_symbols(path, files, error) && store_attach(db, path, "extra", error) &&
              store_query(db, shadow_sql, &none, &unused, error);
    g_unlink(path);
    return ok;
}

static void take_path(void *opaque, int n, const QueryValue *values) {
    if (values[0].type == QUERY_TEXT)
        g_ptr_array_add(opaque, g_strdup(values[0].text));
}

static bool read_programs(const char *path, const char *sysroot, const GPtrArray *programs, GError **error) {
    Store *store;
    GError *why = NULL;
    if (!store_open(path, &store, error))
        return false;
    for (guint i = 0; !why && i < programs->len; i++)
        program_file_free(program_file_new(store, sysroot, programs->pdata[i], &why));
    store_close(store);
    if (!why)
        return true;
    g_propagate_error(error, why);
    return false;
}

bool database_add_sysroot(sqlite3 *db, const char *sysroot, GError **error) {
    static const QueryOps paths = {ignore_begin, take_path, ignore_end},
                          none = {ignore_begin, take_integer, ignore_end};
    g_autoptr(GPtrArray) programs = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *path = NULL;
    int64_t unused;
    store_query(db, "SELECT path FROM module WHERE base IS NULL ORDER BY id", &paths, programs, NULL);
    if (!g_file_test(sysroot, G_FILE_TEST_IS_DIR))
        return g_set_error(error, CLI_ERROR, 0, "--sysroot %s: not a folder", sysroot), false;
    if (!programs->len) {
        g_set_error(error, CLI_ERROR, 0,
                    "--sysroot %s: no replay has followed this guest's programs; run 'rr-emu replay REC "
                    "--sysroot %s' first",
                    sysroot, sysroot);
        return false;
    }
    int fd = g_file_open_tmp("rr-emu-programs-XXXXXX", &path, error);
    if (fd < 0)
        return false;
    close(fd);
    bool ok =
        read_programs(path, sysroot, programs, error) && store_attach(db, path, "programs", error) &&
        store_query(
            db,
            "CREATE TEMP TABLE program_symbol AS SELECT s.id, m.id AS module_id, s.name, addr, "
            "s.size, kind FROM programs.program_symbol AS s JOIN programs.module AS f ON f.id = "
            "module_id JOIN main.module AS m USING (path) WHERE m.base IS NULL "
            "UNION ALL SELECT s.id, module_id, s.name, addr, s.size, kind FROM main.program_symbol AS s JOIN "
            "main.module AS m ON m.id = module_id WHERE m.base IS NULL AND m.path IS NULL; "
            "CREATE TEMP TABLE program_line AS SELECT m.id AS module_id, addr, file, line FROM "
            "programs.program_line JOIN programs.module AS f ON f.id = module_id JOIN main.module AS "
            "m USING (path) WHERE m.base IS NULL; CREATE INDEX temp.program_line_addr ON "
            "program_line (module_id, addr); DETACH programs",
            &none, &unused, error);
    g_unlink(path);
    return ok;
}
