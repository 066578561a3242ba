/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual table of calls, out of the chunks of NAME_chunk (call_chunk.h). Constraints on id and call_pos choose the
 * windows, one on parent_id those that have such rows; those on the function are looked up once for each function, and only
 * that column is unpacked of rows that have others. Rows come in order of id, which is that of call_pos, either way
 * round.
 */
#include <string.h>

#include "analyses/store/call_table.h"
#include "analyses/store/vtab.h"
#include "core/types.h"

enum {
    COLUMN_ID,
    COLUMN_PARENT,
    COLUMN_KIND,
    COLUMN_HART,
    COLUMN_TASK,
    COLUMN_SYMBOL,
    COLUMN_PC,
    COLUMN_CALL_POS,
    COLUMN_RETURN_POS,
    COLUMN_CALL_PC,
    COLUMN_A0,
    COLUMN_RESULT = COLUMN_A0 + 8,
    COLUMN_RESULT1,
    COLUMN_SP,
    COLUMN_MIN_SP,
    COLUMN_DEPTH,
    COLUMN_INSNS
};

static const char declaration[] =
    "CREATE TABLE x(id INTEGER, parent_id INTEGER, kind TEXT, hart INTEGER, task_id INTEGER, symbol TEXT, "
    "pc INTEGER, call_pos INTEGER, return_pos INTEGER, call_pc INTEGER, a0 INTEGER, a1 INTEGER, a2 INTEGER, "
    "a3 INTEGER, a4 INTEGER, a5 INTEGER, a6 INTEGER, a7 INTEGER, result INTEGER, result1 INTEGER, sp "
    "INTEGER, "
    "min_sp INTEGER, depth INTEGER, insns INTEGER)";

typedef struct Vtab {
    sqlite3_vtab base;
    CallTable *table;
    int64_t rows;
} Vtab;

typedef struct Cursor {
    sqlite3_vtab_cursor base;
    int64_t id[2], pos[2], parent[2], pc[2];
    char *symbol; /* NULL: any */
    bool by_function, down, at_end;
    uint8_t *functions; /* by number: those that are wanted, of n_functions */
    guint n_functions;
    bool by_parent;
    GArray *windows;           /* guint: then those that may have some */
    int64_t window, n_windows; /* number, or the index in `windows` */
    CallWindow *rows;          /* NULL: none yet */
    int64_t at, first, end;    /* its rows: this one, those that may be wanted */
    const uint32_t *numbers;   /* theirs; NULL: they are rows of the window */
} Cursor;

/* -- tables -------------------------------------------------------------------------------------------- */
static int vtab_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                        char **message) {
    g_autofree char *name = g_strdup(argc > 3 ? argv[3] : argv[2]);
    CallTable *table = call_table_new(db, argv[1], name);
    int result = table ? sqlite3_declare_vtab(db, declaration) : SQLITE_ERROR;
    if (result != SQLITE_OK) {
        call_table_free(table);
        *message = sqlite3_mprintf("no such table: %s", argv[2]);
        return result;
    }
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    Vtab *t = g_new0(Vtab, 1);
    t->table = table;
    t->rows = call_table_rows(table);
    *ret = &t->base;
    return SQLITE_OK;
}

static int vtab_create(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                       char **message) {
    return vtab_connect(db, aux, argc, argv, ret, message);
}

static int vtab_disconnect(sqlite3_vtab *base) {
    Vtab *t = (Vtab *)base;
    call_table_free(t->table);
    g_free(t);
    return SQLITE_OK;
}

/* The letters: i id, q parent_id, p call_pos, c pc, s symbol. */
static const struct {
    char letter;
    double equal, bound; /* a row in so many fulfils it; 0: it is of no use */
} uses[] = {[COLUMN_ID] = {'i', 1e9, 4},
            [COLUMN_PARENT] = {'q', 1e8, 0},
            [COLUMN_CALL_POS] = {'p', 1e9, 4},
            [COLUMN_PC] = {'c', 200, 2},
            [COLUMN_SYMBOL] = {'s', 200, 0}};

static void use(VtabPlan *plan, int i, double *cost) {
    sqlite3_index_info *info = plan->info;
    int column = info->aConstraint[i].iColumn < 0 ? COLUMN_ID : info->aConstraint[i].iColumn;
    char compare = vtab_compare(info->aConstraint[i].op);
    if (column >= (int)G_N_ELEMENTS(uses) || !uses[column].letter || !compare || !info->aConstraint[i].usable)
        return;
    double selectivity = compare == '=' ? uses[column].equal : uses[column].bound;
    bool is_text = column == COLUMN_SYMBOL;
    if (selectivity == 0 || (is_text && strcmp(sqlite3_vtab_collation(info, i), "BINARY") != 0))
        return;
    vtab_plan_use(plan, i, uses[column].letter, compare, !is_text && vtab_exact(info, i), selectivity);
    /* To find the rows of a function each row is looked at, but not much of it. */
    *cost /= column == COLUMN_PC || is_text ? MIN(selectivity, 8) : selectivity;
}

static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    VtabPlan plan;
    double rows = (double)((Vtab *)base)->rows, cost = MAX(rows, 100);
    vtab_plan_begin(&plan, info, rows);
    for (int i = 0; i < info->nConstraint; i++)
        use(&plan, i, &cost);
    bool by_pos = info->nOrderBy && info->aOrderBy[0].iColumn == COLUMN_CALL_POS;
    bool by_rowid = info->nOrderBy && info->aOrderBy[0].iColumn < 0;
    vtab_plan_end(&plan, by_pos ? COLUMN_CALL_POS : by_rowid ? -1 : COLUMN_ID, by_rowid ? -1 : COLUMN_ID);
    info->estimatedCost = 20 + cost * 0.1;
    return SQLITE_OK;
}

/* -- walking ------------------------------------------------------------------------------------------- */
static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret) {
    Cursor *c = g_new0(Cursor, 1);
    c->windows = g_array_new(FALSE, FALSE, sizeof(guint));
    *ret = &c->base;
    return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    call_window_unref(c->rows);
    g_free(c->symbol);
    g_free(c->functions);
    g_array_unref(c->windows);
    g_free(c);
    return SQLITE_OK;
}

static CallTable *table_of(const Cursor *c) {
    return ((Vtab *)c->base.pVtab)->table;
}

static int64_t value(const Cursor *c, CallColumn column) {
    return (int64_t)call_window_value(c->rows, column, c->numbers ? c->numbers[c->at] : (uint32_t)c->at);
}

static bool has(const Cursor *c, unsigned flag) {
    return value(c, CALL_COLUMN_FLAGS) & flag;
}

static bool in_range(const int64_t range[2], int64_t x) {
    return x >= range[0] && x <= range[1];
}

static bool is_bounded(const int64_t range[2]) {
    return range[0] != INT64_MIN || range[1] != INT64_MAX;
}

static bool row_wanted(const Cursor *c) {
    if (c->by_parent &&
        !(in_range(c->id, value(c, CALL_COLUMN_ID)) && in_range(c->pos, value(c, CALL_COLUMN_POS))))
        return false;
    if (!c->by_function)
        return true;
    uint64_t function = (uint64_t)value(c, CALL_COLUMN_SYMBOL);
    return function >= c->n_functions || c->functions[function];
}

static bool seek_row(Cursor *c) {
    for (; c->at >= c->first && c->at < c->end; c->at += c->down ? -1 : 1)
        if (row_wanted(c))
            return true;
    return false;
}

/* The rows of the window from the first that is at least range[0] to before the first beyond range[1]. */
static bool narrow_rows(Cursor *c, CallColumn column, const int64_t range[2], GError **error) {
    if (!is_bounded(range))
        return true;
    if (!call_window_need(c->rows, column, error))
        return false;
    c->first = MAX(c->first, (int64_t)call_window_seek(c->rows, column, range[0]));
    if (range[1] < INT64_MAX)
        c->end = MIN(c->end, (int64_t)call_window_seek(c->rows, column, range[1] + 1));
    return true;
}

static bool narrow_to_parent(Cursor *c, GError **error) {
    uint32_t n = 0;
    c->numbers = call_window_by_parent(c->rows, c->parent[0], &n, error);
    c->end = n;
    return c->numbers && call_window_need(c->rows, CALL_COLUMN_POS, error);
}

static bool open_window(Cursor *c, guint window, GError **error) {
    call_window_unref(c->rows);
    c->numbers = NULL;
    c->rows = call_table_window(table_of(c), window, error);
    if (!c->rows)
        return false;
    c->first = 0;
    c->end = call_window_rows(c->rows);
    bool ok = c->by_parent ? narrow_to_parent(c, error)
                           : narrow_rows(c, CALL_COLUMN_ID, c->id, error) &&
                                 narrow_rows(c, CALL_COLUMN_POS, c->pos, error);
    c->at = c->down ? c->end - 1 : c->first;
    return ok && (!c->by_function || call_window_need(c->rows, CALL_COLUMN_SYMBOL, error));
}

/* The first wanted row of this window, or of one further on. */
static bool seek_window(Cursor *c, GError **error) {
    for (; c->window >= 0 && c->window < c->n_windows; c->window += c->down ? -1 : 1) {
        guint window = c->by_parent ? g_array_index(c->windows, guint, c->window) : (guint)c->window;
        if (window >=
            call_table_count(table_of(c))) /* somebody else has changed the table, and asked again */
            break;
        const CallRange *r = call_table_range(table_of(c), window);
        if (c->down ? r->last_id < c->id[0] || r->last_pos < c->pos[0]
                    : r->first_id > c->id[1] || r->first_pos > c->pos[1])
            break;
        if (r->last_id < c->id[0] || r->first_id > c->id[1] || r->last_pos < c->pos[0] ||
            r->first_pos > c->pos[1])
            continue;
        if (!open_window(c, window, error))
            return false;
        if (seek_row(c))
            return true;
    }
    c->at_end = true;
    return true;
}

/* -- what is wanted ------------------------------------------------------------------------------------ */
static void choose_functions(Cursor *c) {
    const CallTable *t = table_of(c);
    guint n = call_table_symbols(t);
    g_free(c->functions);
    c->functions = g_malloc(n + 1);
    c->n_functions = n;
    for (guint i = 0; i < n; i++) {
        const CallSymbol *y = call_table_symbol(t, i);
        c->functions[i] = in_range(c->pc, (int64_t)y->pc) && (!c->symbol || !g_strcmp0(c->symbol, y->name));
    }
}

/* The window that the call lies in, or would, and later ones. */
static bool choose_windows(Cursor *c, GError **error) {
    CallTable *t = table_of(c);
    int64_t parent = c->parent[0];
    guint own = call_table_upto(t, parent) - 1;
    g_array_set_size(c->windows, 0);
    if (parent > 0 && own < call_table_count(t) && call_table_range(t, own)->last_id > parent)
        g_array_append_val(c->windows, own);
    return parent <= 0 || call_table_called_by(t, parent, c->windows, error);
}

static int64_t *range_of(Cursor *c, char letter) {
    return letter == 'i' ? c->id : letter == 'p' ? c->pos : letter == 'q' ? c->parent : c->pc;
}

static void parse(Cursor *c, const char *plan, int argc, sqlite3_value **argv) {
    c->id[0] = c->pos[0] = c->parent[0] = c->pc[0] = INT64_MIN;
    c->id[1] = c->pos[1] = c->parent[1] = c->pc[1] = INT64_MAX;
    c->by_function = false;
    g_clear_pointer(&c->symbol, g_free);
    for (int i = 0; i < argc; i++) {
        c->by_function |= plan[2 * i] == 's' || plan[2 * i] == 'c';
        if (plan[2 * i] != 's') {
            c->at_end |= !vtab_narrow(range_of(c, plan[2 * i]), plan[2 * i + 1], argv[i]);
            continue;
        }
        const char *text = (const char *)sqlite3_value_text(argv[i]);
        c->at_end |= !text || (c->symbol && strcmp(c->symbol, text) != 0);
        g_free(c->symbol);
        c->symbol = g_strdup(text);
    }
}

static int cursor_result(Cursor *c, bool ok, GError *error) {
    return ok ? SQLITE_OK : vtab_error(&c->base.pVtab->zErrMsg, error);
}

static bool begin(Cursor *c, GError **error) {
    const CallTable *t = table_of(c);
    c->by_parent = is_bounded(c->parent);
    if (c->by_parent && !choose_windows(c, error))
        return false;
    if (c->by_function)
        choose_functions(c);
    c->n_windows = c->by_parent ? c->windows->len : call_table_count(t);
    if (c->by_parent)
        c->window = c->down ? c->n_windows - 1 : 0;
    else
        c->window = c->down ? (int64_t)call_table_upto(t, c->id[1]) - 1
                            : (int64_t)MAX(call_table_upto(t, c->id[0]), 1) - 1;
    return seek_window(c, error);
}

static int vtab_filter(sqlite3_vtab_cursor *base, int down, const char *plan, int argc,
                       sqlite3_value **argv) {
    Cursor *c = (Cursor *)base;
    GError *error = NULL;
    c->down = down;
    c->at_end = false;
    parse(c, plan, argc, argv);
    bool ok = c->at_end || (call_table_refresh(table_of(c), &error) && begin(c, &error));
    return cursor_result(c, ok, error);
}

static int vtab_next(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    GError *error = NULL;
    c->at += c->down ? -1 : 1;
    if (seek_row(c))
        return SQLITE_OK;
    c->window += c->down ? -1 : 1;
    return cursor_result(c, seek_window(c, &error), error);
}

static int vtab_eof(sqlite3_vtab_cursor *base) {
    return ((Cursor *)base)->at_end;
}

static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret) {
    *ret = value((Cursor *)base, CALL_COLUMN_ID);
    return SQLITE_OK;
}

/* -- columns ------------------------------------------------------------------------------------------- */
/* Which column it is, and what FLAGS must have or it is NULL. */
static const struct {
    uint8_t column, needs;
} columns[] = {[COLUMN_ID] = {CALL_COLUMN_ID, 0},
               [COLUMN_PARENT] = {CALL_COLUMN_PARENT, CALL_HAS_PARENT},
               [COLUMN_KIND] = {CALL_COLUMN_FLAGS, 0},
               [COLUMN_HART] = {CALL_COLUMN_HART, 0},
               [COLUMN_TASK] = {CALL_COLUMN_TASK, 0},
               [COLUMN_SYMBOL] = {CALL_COLUMN_SYMBOL, 0},
               [COLUMN_PC] = {CALL_COLUMN_SYMBOL, 0},
               [COLUMN_CALL_POS] = {CALL_COLUMN_POS, 0},
               [COLUMN_RETURN_POS] = {CALL_COLUMN_RETURN, CALL_HAS_RETURN},
               [COLUMN_CALL_PC] = {CALL_COLUMN_PC, CALL_HAS_PC},
               [COLUMN_A0] = {CALL_COLUMN_A0, CALL_HAS_ARGS},
               [COLUMN_A0 + 1] = {CALL_COLUMN_A1, CALL_HAS_ARGS},
               [COLUMN_A0 + 2] = {CALL_COLUMN_A2, CALL_HAS_ARGS},
               [COLUMN_A0 + 3] = {CALL_COLUMN_A3, CALL_HAS_ARGS},
               [COLUMN_A0 + 4] = {CALL_COLUMN_A4, CALL_HAS_ARGS},
               [COLUMN_A0 + 5] = {CALL_COLUMN_A5, CALL_HAS_ARGS},
               [COLUMN_A0 + 6] = {CALL_COLUMN_A6, CALL_HAS_ARGS},
               [COLUMN_A0 + 7] = {CALL_COLUMN_A7, CALL_HAS_ARGS},
               [COLUMN_RESULT] = {CALL_COLUMN_RESULT, CALL_HAS_RESULT},
               [COLUMN_RESULT1] = {CALL_COLUMN_RESULT1, CALL_HAS_RESULT},
               [COLUMN_SP] = {CALL_COLUMN_SP, 0},
               [COLUMN_MIN_SP] = {CALL_COLUMN_MIN_SP, 0},
               [COLUMN_DEPTH] = {CALL_COLUMN_DEPTH, 0},
               [COLUMN_INSNS] = {CALL_COLUMN_INSNS, 0}};

static void result_function(const Cursor *c, sqlite3_context *x, int column) {
    uint64_t i = (uint64_t)value(c, CALL_COLUMN_SYMBOL);
    if (i >= call_table_symbols(table_of(c))) {
        sqlite3_result_error(x, "a chunk of calls is damaged", -1);
        return;
    }
    const CallSymbol *y = call_table_symbol(table_of(c), (guint)i);
    if (column == COLUMN_PC)
        sqlite3_result_int64(x, (int64_t)y->pc);
    else if (y->name)
        sqlite3_result_text(x, y->name, -1, SQLITE_TRANSIENT);
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int column) {
    static const char *const kinds[] = {"call", "tail", "root", "trap"};
    const Cursor *c = (Cursor *)base;
    GError *error = NULL;
    unsigned needs = columns[column].needs;
    if (!call_window_need(c->rows, columns[column].column, &error) ||
        (needs && !call_window_need(c->rows, CALL_COLUMN_FLAGS, &error))) {
        sqlite3_result_error(x, error->message, -1);
        g_clear_error(&error);
    } else if (needs && !has(c, needs)) {
        sqlite3_result_null(x);
    } else if (column == COLUMN_KIND) {
        sqlite3_result_text(x, kinds[value(c, CALL_COLUMN_FLAGS) & CALL_KIND], -1, SQLITE_STATIC);
    } else if (column == COLUMN_SYMBOL || column == COLUMN_PC) {
        result_function(c, x, column);
    } else if (column != COLUMN_TASK || value(c, CALL_COLUMN_TASK)) {
        sqlite3_result_int64(x, value(c, columns[column].column));
    }
    return SQLITE_OK;
}

/* There is none before there are calls: unlike the others it is not eponymous. */
const sqlite3_module vtab_calls = {.iVersion = 0,
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
