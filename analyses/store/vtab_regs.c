/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual table regs: register values, out of the chunks of NAME_chunk (reg_chunk.h). Constraints on pos choose
 * the chunks, those on reg and hart the rows; rows come in order of (pos, seq), either way round.
 */
#include <string.h>

#include "analyses/store/functions.h"
#include "analyses/store/reg_chunk.h"
#include "analyses/store/vtab.h"

enum { COLUMN_POS, COLUMN_SEQ, COLUMN_HART, COLUMN_REG, COLUMN_VALUE };

static const char declaration[] =
    "CREATE TABLE x(pos INTEGER, seq INTEGER, hart INTEGER, reg TEXT, value INTEGER)";

typedef struct Vtab {
    sqlite3_vtab base;
    sqlite3 *db;
    char *table; /* quoted, with its schema */
    int64_t rows;
} Vtab;

typedef struct Cursor {
    sqlite3_vtab_cursor base;
    sqlite3_stmt *chunks; /* in order */
    int64_t pos[2], hart[2];
    char *reg; /* NULL: any */
    bool down, at_end;
    uint64_t regs[REG_MAX / 64]; /* of the chunk's, which are wanted */
    RegRows rows;
    int64_t chunk, at; /* row in the chunk */
} Cursor;

/* -- tables -------------------------------------------------------------------------------------------- */
static sqlite3_stmt *prepare(sqlite3 *db, const char *format, const char *table) {
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf(format, table);
    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    return stmt;
}

static int vtab_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                        char **message) {
    char *table = sqlite3_mprintf("\"%w\".\"%w_chunk\"", argv[1], argc > 3 ? argv[3] : "regs");
    sqlite3_stmt *sum = prepare(db, "SELECT sum(rows), max(data) IS NULL FROM %s", table);
    int result = sum ? sqlite3_declare_vtab(db, declaration) : SQLITE_ERROR;
    if (result != SQLITE_OK) {
        sqlite3_finalize(sum);
        sqlite3_free(table);
        *message = sqlite3_mprintf("no such table: %s", argv[2]);
        return result;
    }
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    Vtab *t = g_new0(Vtab, 1);
    t->db = db;
    t->table = table;
    t->rows = sqlite3_step(sum) == SQLITE_ROW ? sqlite3_column_int64(sum, 0) : 0;
    sqlite3_finalize(sum);
    *ret = &t->base;
    return SQLITE_OK;
}

static int vtab_disconnect(sqlite3_vtab *base) {
    Vtab *t = (Vtab *)base;
    sqlite3_free(t->table);
    g_free(t);
    return SQLITE_OK;
}

/* The letters: p pos, h hart, r reg. */
static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    VtabPlan plan;
    vtab_plan_begin(&plan, info, (double)((Vtab *)base)->rows);
    for (int i = 0; i < info->nConstraint; i++) {
        int of = info->aConstraint[i].iColumn;
        char column = of == COLUMN_POS ? 'p' : of == COLUMN_HART ? 'h' : of == COLUMN_REG ? 'r' : 0;
        char compare = vtab_compare(info->aConstraint[i].op);
        if (!column || !compare || !info->aConstraint[i].usable || (column == 'r' && compare != '='))
            continue;
        vtab_plan_use(&plan, i, column, compare, column != 'r' && vtab_exact(info, i),
                      column == 'p'   ? (compare == '=' ? 1e6 : 4)
                      : column == 'r' ? 30
                                      : 2);
    }
    vtab_plan_end(&plan, COLUMN_POS, COLUMN_SEQ);
    return SQLITE_OK;
}

/* -- walking ------------------------------------------------------------------------------------------- */
static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret) {
    Cursor *c = g_new0(Cursor, 1);
    *ret = &c->base;
    return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    sqlite3_finalize(c->chunks);
    reg_rows_done(&c->rows);
    g_free(c->reg);
    g_free(c);
    return SQLITE_OK;
}

static bool row_wanted(const Cursor *c, const RegRow *row) {
    return row->pos >= c->pos[0] && row->pos <= c->pos[1] && row->hart >= c->hart[0] &&
           row->hart <= c->hart[1] && c->regs[row->reg / 64] >> row->reg % 64 & 1;
}

static bool seek_row(Cursor *c) {
    for (; c->at >= 0 && c->at < c->rows.n; c->at += c->down ? -1 : 1)
        if (row_wanted(c, &c->rows.row[c->at]))
            return true;
    return false;
}

/* The next chunk that has a wanted row. */
static bool seek_chunk(Cursor *c, GError **error) {
    while (sqlite3_step(c->chunks) == SQLITE_ROW) {
        if (!reg_decode(sqlite3_column_blob(c->chunks, 0), (size_t)sqlite3_column_bytes(c->chunks, 0),
                        &c->rows, error))
            return false;
        c->chunk = sqlite3_column_int64(c->chunks, 1);
        memset(c->regs, 0, sizeof c->regs);
        for (uint32_t i = 0; i < c->rows.n_names; i++)
            if (!c->reg || !strcmp(c->reg, c->rows.name[i]))
                c->regs[i / 64] |= 1ull << i % 64;
        c->at = c->down ? (int64_t)c->rows.n - 1 : 0;
        if (seek_row(c))
            return true;
    }
    c->at_end = true;
    return true;
}

static int cursor_result(Cursor *c, bool ok, GError *error) {
    return ok ? SQLITE_OK : vtab_error(&c->base.pVtab->zErrMsg, error);
}

static void parse(Cursor *c, const char *plan, int argc, sqlite3_value **argv) {
    c->pos[0] = c->hart[0] = INT64_MIN;
    c->pos[1] = c->hart[1] = INT64_MAX;
    g_clear_pointer(&c->reg, g_free);
    for (int i = 0; i < argc; i++) {
        const char *text = (const char *)sqlite3_value_text(argv[i]);
        if (plan[2 * i] == 'r') {
            c->at_end |= !text || (c->reg && strcmp(c->reg, text) != 0);
            g_free(c->reg);
            c->reg = g_strdup(text);
        } else if (!vtab_narrow(plan[2 * i] == 'p' ? c->pos : c->hart, plan[2 * i + 1], argv[i])) {
            c->at_end = true;
        }
    }
}

static int vtab_filter(sqlite3_vtab_cursor *base, int down, const char *plan, int argc,
                       sqlite3_value **argv) {
    Cursor *c = (Cursor *)base;
    const Vtab *t = (Vtab *)base->pVtab;
    GError *error = NULL;
    c->down = down;
    c->at_end = false;
    parse(c, plan, argc, argv);
    if (c->at_end)
        return SQLITE_OK;
    sqlite3_finalize(c->chunks);
    c->chunks =
        prepare(t->db,
                down ? "SELECT data, id FROM %s WHERE first_pos <= ?2 AND last_pos >= ?1 ORDER BY id DESC"
                     : "SELECT data, id FROM %s WHERE first_pos <= ?2 AND last_pos >= ?1 ORDER BY id",
                t->table);
    if (!c->chunks)
        return SQLITE_ERROR;
    sqlite3_bind_int64(c->chunks, 1, c->pos[0]);
    sqlite3_bind_int64(c->chunks, 2, c->pos[1]);
    return cursor_result(c, seek_chunk(c, &error), error);
}

static int vtab_next(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    GError *error = NULL;
    c->at += c->down ? -1 : 1;
    bool ok = seek_row(c) || seek_chunk(c, &error);
    return cursor_result(c, ok, error);
}

static int vtab_eof(sqlite3_vtab_cursor *base) {
    return ((Cursor *)base)->at_end;
}

static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret) {
    const Cursor *c = (Cursor *)base;
    *ret = c->chunk * REG_CHUNK_ROWS + c->at;
    return SQLITE_OK;
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int column) {
    const Cursor *c = (Cursor *)base;
    const RegRow *row = &c->rows.row[c->at];
    switch (column) {
    case COLUMN_POS: sqlite3_result_int64(x, row->pos); break;
    case COLUMN_SEQ: sqlite3_result_int64(x, c->rows.seq[c->at]); break;
    case COLUMN_HART: sqlite3_result_int(x, row->hart); break;
    case COLUMN_REG: sqlite3_result_text(x, c->rows.name[row->reg], -1, SQLITE_TRANSIENT); break;
    case COLUMN_VALUE: sqlite3_result_int64(x, (int64_t)row->value); break;
    default: break;
    }
    return SQLITE_OK;
}

const sqlite3_module vtab_regs = VTAB_MODULE(vtab_connect);
