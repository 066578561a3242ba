/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/lines.h"

#include "analyses/store/sorted.h"
#include "cli/ask.h"

typedef struct Group {
    int64_t program;
    GArray *rows;
} Group;

struct ByProgram {
    GArray *groups; /* of Group, by program */
    guint row_size;
};

static void group_clear(void *p) {
    g_array_unref(((Group *)p)->rows);
}

static ByProgram *by_program_new(guint row_size) {
    ByProgram *b = g_new0(ByProgram, 1);
    b->groups = g_array_new(FALSE, FALSE, sizeof(Group));
    b->row_size = row_size;
    g_array_set_clear_func(b->groups, group_clear);
    return b;
}

void by_program_free(ByProgram *b) {
    if (!b)
        return;
    g_array_unref(b->groups);
    g_free(b);
}

guint by_program_count(const ByProgram *b) {
    return b->groups->len;
}

const GArray *by_program_rows(const ByProgram *b, guint i, int64_t *program) {
    const Group *g = &g_array_index(b->groups, Group, i);
    *program = g->program;
    return g->rows;
}

const GArray *by_program_find(const ByProgram *b, int64_t program) {
    for (guint i = 0; i < b->groups->len; i++) {
        const Group *g = &g_array_index(b->groups, Group, i);
        if (g->program == program)
            return g->rows;
    }
    return NULL;
}

/* Rows come in order of programs. */
static GArray *group_for(ByProgram *b, int64_t program) {
    const Group *last = b->groups->len ? &g_array_index(b->groups, Group, b->groups->len - 1) : NULL;
    if (last && last->program == program)
        return last->rows;
    Group g = {program, g_array_new(FALSE, FALSE, b->row_size)};
    g_array_append_val(b->groups, g);
    return g.rows;
}

static ByProgram *read_rows(sqlite3 *db, const char *sql, AskFn *fn, guint row_size, GError **error) {
    ByProgram *b = by_program_new(row_size);
    if (ask_rows(db, sql, fn, b, error))
        return b;
    by_program_free(b);
    return NULL;
}

/* program, address, file, line */
static void add_line(void *opaque, const QueryValue *v) {
    Line l = {(uint64_t)v[1].integer, v[2].type == QUERY_TEXT ? g_intern_string(v[2].text) : NULL,
              v[3].integer};
    g_array_append_val(group_for(opaque, v[0].integer), l);
}

/* Perhaps a temporary one, which shadows the database's: --symbols. */
static bool has_table(sqlite3 *db, const char *name) {
    g_autofree char *sql = g_strdup_printf("SELECT 1 FROM sqlite_temp_master WHERE name = '%s'", name);
    return ask_has(db, name) || ask_integer(db, sql, 0);
}

ByProgram *lines_read(sqlite3 *db, GError **error) {
    static const char all[] = "SELECT 0 AS program, addr, file, line FROM line";
    static const char programs[] = "SELECT module_id, addr, file, line FROM program_line";
    bool has_all = has_table(db, "line"), has_programs = has_table(db, "program_line");
    if (!has_all && !has_programs)
        return by_program_new(sizeof(Line));
    g_autofree char *sql =
        g_strdup_printf("SELECT * FROM (%s%s%s) ORDER BY program, addr < 0, addr", has_all ? all : "",
                        has_all && has_programs ? " UNION ALL " : "", has_programs ? programs : "");
    return read_rows(db, sql, add_line, sizeof(Line), error);
}

const Line *lines_find(const ByProgram *lines, int64_t program, uint64_t addr) {
    const GArray *rows = by_program_find(lines, program);
    guint n = rows ? sorted_upto(rows, addr) : 0;
    const Line *l = n ? &g_array_index(rows, Line, n - 1) : NULL;
    return l && l->file ? l : NULL;
}

/* program, address, count */
static void add_count(void *opaque, const QueryValue *v) {
    Count c = {(uint64_t)v[1].integer, (uint64_t)v[2].integer};
    g_array_append_val(group_for(opaque, v[0].integer), c);
}

ByProgram *counts_read(sqlite3 *db, GError **error) {
    return read_rows(db,
                     "SELECT iif(m.base IS NULL, coalesce(m.id, 0), 0) AS program, coalesce(m.base, 0) + "
                     "offset AS pc, count FROM cover LEFT JOIN main.module AS m ON m.id = module_id "
                     "ORDER BY program, pc < 0, pc",
                     add_count, sizeof(Count), error);
}
