/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual table of symbol_set.h:
 *
 *     CREATE VIRTUAL TABLE symbol USING symbols
 *
 * Constraints on id, name and addr, and ORDER BY of id or addr, are looked up; all else is for SQLite. Rows are unpacked once
 * for a connection.
 */
#include <string.h>

#include "analyses/store/functions.h"
#include "analyses/store/symbol_set.h"
#include "analyses/store/vtab.h"

static const char declaration[] =
    "CREATE TABLE x(id INTEGER, module_id INTEGER, name TEXT, addr INTEGER, size "
    "INTEGER, kind TEXT)";
enum { COLUMN_ID, COLUMN_MODULE, COLUMN_NAME, COLUMN_ADDR, COLUMN_SIZE, COLUMN_KIND };

#define ROWS_USUAL 100000 /* nobody has counted them yet */
#define BY_ADDR 2         /* of idxNum, beside the direction */

typedef struct Vtab {
    sqlite3_vtab base;
    SymbolTable *table;
    bool is_own; /* not the connection's */
} Vtab;

typedef struct Cursor {
    sqlite3_vtab_cursor base;
    SymbolSet *set;       /* NULL: not asked yet; a statement sees one state of the database */
    const SymbolRow *row; /* NULL: at the end */
    bool by_name, by_addr, down;
    guint at, from, to; /* of [from, to), by id or by address */
} Cursor;

/* -- tables ------------------------------------------------------------------------------------------------- */
static int vtab_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                        char **message) {
    int result = sqlite3_declare_vtab(db, declaration);
    if (result != SQLITE_OK)
        return result;
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    Vtab *t = g_new0(Vtab, 1);
    t->is_own = strcmp(argv[1], "main") || strcmp(argv[2], "symbol");
    t->table = t->is_own ? symbol_table_new(db, argv[1], argv[2]) : connection_symbol_table(aux);
    *ret = &t->base;
    return SQLITE_OK;
}

/* By CREATE VIRTUAL TABLE alone. */
static int vtab_create(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                       char **message) {
    return vtab_connect(db, aux, argc, argv, ret, message);
}

static int vtab_disconnect(sqlite3_vtab *base) {
    Vtab *t = (Vtab *)base;
    if (t->is_own)
        symbol_table_free(t->table);
    g_free(t);
    return SQLITE_OK;
}

/* What a column's constraint is worth: the best one is used, with others of its column. */
static int worth(sqlite3_index_info *info, int i) {
    int column = info->aConstraint[i].iColumn;
    char compare = vtab_compare(info->aConstraint[i].op);
    if (!info->aConstraint[i].usable || !compare)
        return 0;
    if (column == COLUMN_NAME)
        return compare == '=' && !strcmp(sqlite3_vtab_collation(info, i), "BINARY") ? 5 : 0;
    if (column < 0 || column == COLUMN_ID)
        return compare == '=' ? 6 : 2;
    return column != COLUMN_ADDR ? 0 : compare == '=' ? 4 : 1;
}

static int column_of(const sqlite3_index_info *info, int i) {
    return info->aConstraint[i].iColumn < 0 ? COLUMN_ID : info->aConstraint[i].iColumn;
}

static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    VtabPlan plan;
    int best = -1;
    for (int i = 0; i < info->nConstraint; i++)
        if (worth(info, i) > (best < 0 ? 0 : worth(info, best)))
            best = i;
    int column = best < 0 ? vtab_orders(info, COLUMN_ADDR, COLUMN_ID) ? COLUMN_ADDR : COLUMN_ID
                          : column_of(info, best);
    vtab_plan_begin(&plan, info, ROWS_USUAL);
    for (int i = 0; i < info->nConstraint; i++)
        if (worth(info, i) && column_of(info, i) == column) {
            char compare = vtab_compare(info->aConstraint[i].op);
            vtab_plan_use(&plan, i, column == COLUMN_NAME ? 'n' : 'k', compare,
                          column != COLUMN_NAME && vtab_exact(info, i), compare == '=' ? ROWS_USUAL : 4);
        }
    bool by_addr = column == COLUMN_ADDR;
    vtab_plan_end(&plan, by_addr ? COLUMN_ADDR : COLUMN_ID, by_addr ? COLUMN_ID : -1);
    if (column == COLUMN_NAME && info->idxNum) /* only upwards */
        info->idxNum = info->orderByConsumed = 0;
    info->idxNum |= by_addr ? BY_ADDR : 0;
    return SQLITE_OK;
}

/* -- walking ------------------------------------------------------------------------------------------------ */
static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret) {
    Cursor *c = g_new0(Cursor, 1);
    *ret = &c->base;
    return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base) {
    symbol_set_unref(((Cursor *)base)->set);
    g_free(base);
    return SQLITE_OK;
}

/* Row i in the cursor's order. */
static const SymbolRow *row_in_order(const Cursor *c, guint i) {
    const SymbolRow *first;
    symbol_set_rows(c->set, &first);
    return c->by_addr ? symbol_set_by_addr(c->set, i) : first + i;
}

/* How many rows have a key below, or up to, `key`. */
static guint rows_below(const Cursor *c, guint n, int64_t key, bool upto) {
    guint low = 0;
    if (!c->by_addr)
        return key <= 0 ? 0 : (uint64_t)key - !upto > n ? n : (guint)((uint64_t)key - !upto);
    for (guint high = n; low < high;) {
        guint middle = low + (high - low) / 2;
        int64_t at = (int64_t)row_in_order(c, middle)->addr;
        if (at < key || (upto && at == key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void find_range(Cursor *c, const int64_t key[2]) {
    const SymbolRow *first;
    guint n = symbol_set_rows(c->set, &first);
    c->from = rows_below(c, n, key[0], false);
    c->to = rows_below(c, n, key[1], true);
    c->at = c->down ? c->to - 1 : c->from;
    c->row = c->from < c->to ? row_in_order(c, c->at) : NULL;
}

static bool get_set(Cursor *c, GError **error) {
    SymbolSet *set = c->set ? c->set : symbol_table_set(((Vtab *)c->base.pVtab)->table, error);
    if (set && !c->set)
        c->set = symbol_set_ref(set);
    return set != NULL;
}

static int vtab_filter(sqlite3_vtab_cursor *base, int number, const char *plan, int argc,
                       sqlite3_value **argv) {
    Cursor *c = (Cursor *)base;
    GError *error = NULL;
    int64_t key[2] = {INT64_MIN, INT64_MAX};
    bool none = false;
    if (!get_set(c, &error))
        return vtab_error(&base->pVtab->zErrMsg, error);
    c->down = number & 1;
    c->by_addr = number & BY_ADDR;
    c->by_name = argc && plan[0] == 'n';
    c->row = NULL;
    if (c->by_name) {
        const char *name = (const char *)sqlite3_value_text(argv[0]);
        c->row = name ? symbol_set_named(c->set, name) : NULL;
        return SQLITE_OK;
    }
    for (int i = 0; i < argc; i++)
        none |= !vtab_narrow(key, plan[2 * i + 1], argv[i]);
    if (!none)
        find_range(c, key);
    return SQLITE_OK;
}

static int vtab_next(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    if (c->by_name) {
        c->row = symbol_set_next_named(c->set, c->row);
        return SQLITE_OK;
    }
    bool last = c->at == (c->down ? c->from : c->to - 1);
    c->at += c->down ? -1u : 1u;
    c->row = last ? NULL : row_in_order(c, c->at);
    return SQLITE_OK;
}

static int vtab_eof(sqlite3_vtab_cursor *base) {
    return ((Cursor *)base)->row == NULL;
}

static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret) {
    const Cursor *c = (Cursor *)base;
    const SymbolRow *first;
    symbol_set_rows(c->set, &first);
    *ret = c->row - first + 1;
    return SQLITE_OK;
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int column) {
    const Cursor *c = (Cursor *)base;
    sqlite3_int64 id;
    switch (column) {
    case COLUMN_ID:
        vtab_rowid(base, &id);
        sqlite3_result_int64(x, id);
        break;
    case COLUMN_MODULE: sqlite3_result_int64(x, symbol_set_module(c->set, c->row)); break;
    case COLUMN_NAME: sqlite3_result_text(x, c->row->name, -1, SQLITE_TRANSIENT); break;
    case COLUMN_ADDR: sqlite3_result_int64(x, (int64_t)c->row->addr); break;
    case COLUMN_SIZE: sqlite3_result_int64(x, (int64_t)c->row->size); break;
    default: sqlite3_result_text(x, symbol_kind_text(c->row->kind), -1, SQLITE_STATIC);
    }
    return SQLITE_OK;
}

/* Not eponymous: the database says where it is. */
const sqlite3_module vtab_symbols = {.iVersion = 0,
                                     .xCreate = vtab_create,
                                     .xConnect = vtab_connect,
                                     .xBestIndex = vtab_best_index,
                                     .xDisconnect = vtab_disconnect,
                                     .xDestroy = vtab_disconnect,
                                     .xOpen = vtab_open,
                                     .xClose = vtab_close,
                                     .xFilter = vtab_filter,
                                     .xNext = vtab_next,
                                     .xEof = vtab_eof,
                                     .xColumn = vtab_column,
                                     .xRowid = vtab_rowid};
