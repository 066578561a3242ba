/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/report.h"

#include "cli/ask.h"

#define BINS "300" /* columns of the strips of traps */

static void put_value(FILE *to, const QueryValue *v) {
    if (v->type == QUERY_INTEGER)
        fprintf(to, "%" G_GINT64_FORMAT, v->integer);
    else if (v->type == QUERY_TEXT)
        put_json_string(to, v->text);
    else
        fputs("null", to);
}

typedef struct Table {
    FILE *to;
    bool some;
} Table;

static void table_begin(void *opaque, int n, const char *const *names) {}
static void table_end(void *opaque) {}

static void table_row(void *opaque, int n, const QueryValue *v) {
    Table *t = opaque;
    fputs(t->some ? ",[" : "[", t->to);
    for (int i = 0; i < n; i++) {
        if (i)
            putc(',', t->to);
        put_value(t->to, &v[i]);
    }
    putc(']', t->to);
    t->some = true;
}

bool report_rows(Report *r, const char *name, const char *sql, GError **error) {
    static const QueryOps ops = {table_begin, table_row, table_end};
    Table t = {r->to, false};
    fprintf(r->to, ",\n\"%s\":[", name);
    bool ok = store_query(r->db, sql, &ops, &t, error);
    putc(']', r->to);
    return ok;
}

static bool report_meta(Report *r, GError **error) {
    return report_rows(r, "meta", "SELECT key, value FROM meta ORDER BY key", error) &&
           report_rows(r, "analyses", "SELECT name, args, complete, rows FROM analysis ORDER BY name", error);
}

/* The longest turns, when there are more than a page can show. */
static bool report_tasks(Report *r, GError **error) {
    return report_rows(
               r, "cpu",
               "SELECT hart, task_id, from_pos, to_pos FROM (SELECT * FROM cpu ORDER BY to_pos - from_pos "
               "DESC LIMIT 40000) ORDER BY from_pos",
               error) &&
           report_rows(r, "cpuRows", "SELECT count(*), count(DISTINCT hart) FROM cpu", error) &&
           report_rows(
               r, "tasks",
               "SELECT t.id, coalesce(nullif(t.name, ''), 'task ' || t.id), t.pid, sum(c.insns), count(*), "
               "sum(c.idle_ns) FROM task AS t JOIN cpu AS c ON c.task_id = t.id GROUP BY t.id ORDER BY 4 "
               "DESC",
               error);
}

static bool report_traps(Report *r, GError **error) {
    return report_rows(r, "trapNames",
                       "SELECT name, is_interrupt, count(*), max(return_pos - pos), cast(avg(return_pos - "
                       "pos) AS INTEGER) FROM trap "
                       "GROUP BY 1, 2 ORDER BY 2 DESC, 3 DESC LIMIT 16",
                       error) &&
           report_rows(r, "trapBins",
                       "SELECT name, is_interrupt, pos * " BINS
                       " / (SELECT max(1, cast(value AS INTEGER)) + 1 FROM "
                       "meta WHERE key = 'end_pos'), count(*) FROM trap GROUP BY 1, 2, 3",
                       error);
}

static bool report_syscalls(Report *r, GError **error) {
    return report_rows(
        r, "syscalls",
        "SELECT name, count(*), sum(result BETWEEN -4095 AND -1), sum(exit_pos - enter_pos) FROM syscall "
        "GROUP BY 1 ORDER BY 2 DESC LIMIT 20",
        error);
}

static bool report_blocks(Report *r, GError **error) {
    return report_rows(
        r, "blocks",
        "SELECT printf('0x%x', pc), symbol, insns, count, insns * count FROM block ORDER BY 5 DESC LIMIT 25",
        error);
}

static bool report_console(Report *r, GError **error) {
    return report_rows(r, "console", "SELECT first_pos, dir, text FROM console ORDER BY first_pos LIMIT 5000",
                       error);
}

static const ReportSection sections[] = {
    {"meta", report_meta},
    {"cpu", report_tasks},
    {"trap", report_traps},
    {"syscall", report_syscalls},
    {"call func cover", report_flame},
    {"func cover", report_functions},
    {"block", report_blocks},
    {"memtrace_chunk dma", report_memory},
    {"console", report_console},
};

static bool has_any(sqlite3 *db, const char *tables) {
    g_auto(GStrv) names = g_strsplit(tables, " ", -1);
    for (int i = 0; names[i]; i++)
        if (ask_has(db, names[i]))
            return true;
    return false;
}

bool report_write_data(Report *r, GError **error) {
    int64_t end = ask_integer(r->db, "SELECT cast(value AS INTEGER) FROM meta WHERE key = 'end_pos'", 0);
    r->end = CLAMP(end, 1, INT64_MAX - 1);
    fprintf(r->to, "{\"end\":%" G_GINT64_FORMAT ",\"bins\":" BINS, r->end);
    bool ok = true;
    for (size_t i = 0; ok && i < G_N_ELEMENTS(sections); i++)
        ok = !has_any(r->db, sections[i].tables) || sections[i].write(r, error);
    fputs("}", r->to);
    return ok;
}
