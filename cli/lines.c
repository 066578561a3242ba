/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/lines.h"

#include "analyses/store/sorted.h"
#include "cli/ask.h"

static void add_line(void *opaque, const QueryValue *v) {
    Line l = {(uint64_t)v[0].integer, v[1].type == QUERY_TEXT ? g_intern_string(v[1].text) : NULL,
              v[2].integer};
    g_array_append_val((GArray *)opaque, l);
}

GArray *lines_read(sqlite3 *db, GError **error) {
    GArray *lines = g_array_new(FALSE, FALSE, sizeof(Line));
    /* Shadowed by a temporary one when --symbols is given. */
    bool has =
        ask_has(db, "line") || ask_integer(db, "SELECT 1 FROM sqlite_temp_master WHERE name = 'line'", 0);
    if (!has ||
        ask_rows(db, "SELECT addr, file, line FROM line ORDER BY addr < 0, addr", add_line, lines, error))
        return lines;
    g_array_unref(lines);
    return NULL;
}

const Line *lines_find(const GArray *lines, uint64_t addr) {
    guint n = sorted_upto(lines, addr);
    const Line *l = n ? &g_array_index(lines, Line, n - 1) : NULL;
    return l && l->file ? l : NULL;
}

static void add_count(void *opaque, const QueryValue *v) {
    Count c = {(uint64_t)v[0].integer, (uint64_t)v[1].integer,
               v[2].type == QUERY_TEXT ? g_intern_string(v[2].text) : ""};
    g_array_append_val((GArray *)opaque, c);
}

GArray *counts_read(sqlite3 *db, GError **error) {
    GArray *counts = g_array_new(FALSE, FALSE, sizeof(Count));
    if (ask_rows(db,
                 "SELECT coalesce(m.base, 0) + offset AS pc, count, m.name FROM cover "
                 "LEFT JOIN main.module AS m ON m.id = module_id ORDER BY pc < 0, pc",
                 add_count, counts, error))
        return counts;
    g_array_unref(counts);
    return NULL;
}
