/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/call_table.h"

#include "analyses/analysis.h"
#include "analyses/store/sorted.h"

#define KEPT_MAX ((size_t)96 << 20) /* bytes */

typedef struct Entry {
    CallRange range;
    int64_t number;
    CallWindow *window; /* kept, or NULL */
    GList *link;        /* then: in `kept` */
} Entry;

/* A window that has calls made by one of before it. */
typedef struct Caller {
    uint64_t parent;
    guint window;
} Caller;

struct CallTable {
    sqlite3 *db;
    char *schema, *name;
    sqlite3_stmt *chunks; /* of a window */
    GArray *entries;      /* of Entry, in order */
    GArray *symbols;      /* of CallSymbol */
    GArray *callers;      /* of Caller, sorted; NULL: nobody has asked */
    GQueue kept;          /* numbers of entries whose window is kept, the latest first */
    size_t bytes;         /* of those windows */
    ZSTD_DCtx *zstd;
    int changes, version; /* of the connection and the file */
    bool refreshed;
};

/* Usually one part; what ended much later than the others is in more. */
struct CallWindow {
    unsigned refs;
    bool kept;
    CallTable *table; /* outlives it */
    size_t bytes;
    GArray *parts; /* of CallRows */
    uint32_t n;
    uint32_t *order;     /* row → part * CALL_CHUNK_ROWS + row of the part; NULL: there is one part */
    uint32_t *by_parent; /* rows in order of parent, then of id; NULL: nobody has asked */
};

static sqlite3_stmt *prepare(const CallTable *t, const char *format) {
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf(format, t->schema, t->name);
    sqlite3_prepare_v2(t->db, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    return stmt;
}

static bool fail(const CallTable *t, const char *what, GError **error) {
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "%s.%s: %s", t->schema, t->name, what);
    return false;
}

/* -- windows ------------------------------------------------------------------------------------------- */
static void part_done(void *p) {
    call_rows_done(p);
}

void call_window_unref(CallWindow *w) {
    if (!w || --w->refs)
        return;
    g_array_free(w->parts, TRUE);
    g_free(w->order);
    g_free(w->by_parent);
    g_free(w);
}

uint32_t call_window_rows(const CallWindow *w) {
    return w->n;
}

static CallRows *part_at(const CallWindow *w, guint i) {
    return &g_array_index(w->parts, CallRows, i);
}

static void grow(CallWindow *w, size_t bytes) {
    w->bytes += bytes;
    if (w->kept)
        w->table->bytes += bytes;
}

bool call_window_need(CallWindow *w, CallColumn column, GError **error) {
    for (guint i = 0; i < w->parts->len; i++) {
        CallRows *rows = part_at(w, i);
        if (rows->column[column])
            continue;
        if (!call_rows_need(rows, w->table->zstd, column, error))
            return false;
        grow(w, rows->n * sizeof(uint64_t));
    }
    return true;
}

uint64_t call_window_value(const CallWindow *w, CallColumn column, uint32_t row) {
    uint32_t at = w->order ? w->order[row] : row;
    return part_at(w, at / CALL_CHUNK_ROWS)->column[column][at % CALL_CHUNK_ROWS];
}

uint32_t call_window_seek(const CallWindow *w, CallColumn column, int64_t value) {
    uint32_t low = 0, high = w->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((int64_t)call_window_value(w, column, middle) < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static gint compare_rows(gconstpointer a, gconstpointer b, gpointer window) {
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    const CallWindow *w = window;
    uint64_t x = part_at(w, i / CALL_CHUNK_ROWS)->column[CALL_COLUMN_ID][i % CALL_CHUNK_ROWS];
    uint64_t y = part_at(w, k / CALL_CHUNK_ROWS)->column[CALL_COLUMN_ID][k % CALL_CHUNK_ROWS];
    return x < y ? -1 : x > y;
}

static gint compare_parents(gconstpointer a, gconstpointer b, gpointer window) {
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    int64_t x = (int64_t)call_window_value(window, CALL_COLUMN_PARENT, i);
    int64_t y = (int64_t)call_window_value(window, CALL_COLUMN_PARENT, k);
    return x != y ? (x < y ? -1 : 1) : i < k ? -1 : i > k;
}

/* How many of by_parent have a parent below that. */
static uint32_t upto_parent(const CallWindow *w, int64_t parent) {
    uint32_t low = 0, high = w->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((int64_t)call_window_value(w, CALL_COLUMN_PARENT, w->by_parent[middle]) < parent)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const uint32_t *call_window_by_parent(CallWindow *w, int64_t parent, uint32_t *n, GError **error) {
    if (!call_window_need(w, CALL_COLUMN_PARENT, error))
        return NULL;
    if (!w->by_parent) {
        w->by_parent = g_new(uint32_t, w->n);
        grow(w, w->n * sizeof *w->by_parent);
        for (uint32_t i = 0; i < w->n; i++)
            w->by_parent[i] = i;
        g_qsort_with_data(w->by_parent, (gint)w->n, sizeof *w->by_parent, compare_parents, w);
    }
    uint32_t first = upto_parent(w, parent);
    for (*n = 0; first + *n < w->n; ++*n)
        if ((int64_t)call_window_value(w, CALL_COLUMN_PARENT, w->by_parent[first + *n]) != parent)
            break;
    return w->by_parent + first;
}

static void merge(CallWindow *w) {
    uint32_t at = 0;
    if (w->parts->len < 2)
        return;
    w->order = g_new(uint32_t, w->n);
    for (guint i = 0; i < w->parts->len; i++)
        for (uint32_t k = 0; k < part_at(w, i)->n; k++)
            w->order[at++] = i * CALL_CHUNK_ROWS + k;
    g_qsort_with_data(w->order, (gint)w->n, sizeof *w->order, compare_rows, w);
}

static CallWindow *read_window(CallTable *t, int64_t number, GError **error) {
    CallWindow *w = g_new0(CallWindow, 1);
    bool ok = true;
    int result = SQLITE_OK;
    w->refs = 1;
    w->table = t;
    w->parts = g_array_new(FALSE, FALSE, sizeof(CallRows));
    g_array_set_clear_func(w->parts, part_done);
    sqlite3_bind_int64(t->chunks, 1, number);
    while (ok && (result = sqlite3_step(t->chunks)) == SQLITE_ROW) {
        CallRows rows = {0};
        ok = w->parts->len < UINT32_MAX / CALL_CHUNK_ROWS &&
             call_rows_open(&rows, sqlite3_column_blob(t->chunks, 0),
                            (size_t)sqlite3_column_bytes(t->chunks, 0), error);
        w->n += rows.n;
        grow(w, bytes_size(&rows.blob));
        g_array_append_val(w->parts, rows);
    }
    if (ok && result != SQLITE_DONE)
        ok = fail(t, sqlite3_errmsg(t->db), error);
    sqlite3_reset(t->chunks);
    if (ok && call_window_need(w, CALL_COLUMN_ID, error)) {
        merge(w);
        return w;
    }
    call_window_unref(w);
    return NULL;
}

static Entry *entry_at(const CallTable *t, guint i) {
    return &g_array_index(t->entries, Entry, i);
}

static void keep(CallTable *t, guint i) {
    Entry *e = entry_at(t, i);
    g_queue_push_head(&t->kept, GUINT_TO_POINTER(i));
    e->link = t->kept.head;
    e->window->kept = true;
    t->bytes += e->window->bytes;
}

/* The window lives on where somebody has it. */
static void drop_last(CallTable *t) {
    Entry *e = entry_at(t, GPOINTER_TO_UINT(g_queue_pop_tail(&t->kept)));
    t->bytes -= e->window->bytes;
    e->window->kept = false;
    g_clear_pointer(&e->window, call_window_unref);
}

CallWindow *call_table_window(CallTable *t, guint i, GError **error) {
    Entry *e = entry_at(t, i);
    if (!e->window) {
        while (t->bytes > KEPT_MAX && t->kept.length)
            drop_last(t);
        if (!(e->window = read_window(t, e->number, error)))
            return NULL;
        keep(t, i);
    } else if (t->kept.head != e->link) {
        g_queue_unlink(&t->kept, e->link);
        g_queue_push_head_link(&t->kept, e->link);
    }
    e->window->refs++;
    return e->window;
}

/* -- who calls ----------------------------------------------------------------------------------------- */
static gint compare_callers(gconstpointer a, gconstpointer b) {
    const Caller *x = a, *y = b;
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    return x->window < y->window ? -1 : x->window > y->window;
}

static bool add_callers(CallTable *t, guint i, GArray *callers, GError **error) {
    CallWindow *w = call_table_window(t, i, error);
    int64_t first = call_table_range(t, i)->first_id, last = 0;
    bool ok = w && call_window_need(w, CALL_COLUMN_PARENT, error);
    for (uint32_t k = 0; ok && k < w->n; k++) {
        int64_t parent = (int64_t)call_window_value(w, CALL_COLUMN_PARENT, k);
        Caller caller = {(uint64_t)parent, i};
        if (parent > 0 && parent < first && parent != last)
            g_array_append_val(callers, caller);
        last = parent;
    }
    call_window_unref(w);
    return ok;
}

bool call_table_called_by(CallTable *t, int64_t id, GArray *windows, GError **error) {
    if (!t->callers) {
        GArray *callers = g_array_new(FALSE, FALSE, sizeof(Caller));
        for (guint i = 0; i < t->entries->len; i++)
            if (!add_callers(t, i, callers, error)) {
                g_array_unref(callers);
                return false;
            }
        g_array_sort(callers, compare_callers);
        t->callers = callers;
    }
    const Caller *c = &g_array_index(t->callers, Caller, 0);
    for (guint i = sorted_upto(t->callers, (uint64_t)id - 1), last = UINT32_MAX;
         i < t->callers->len && c[i].parent == (uint64_t)id; i++) {
        if (c[i].window != last)
            g_array_append_val(windows, c[i].window);
        last = c[i].window;
    }
    return true;
}

/* -- the table ----------------------------------------------------------------------------------------- */
static void symbol_done(void *p) {
    g_free(((CallSymbol *)p)->name);
}

static void forget(CallTable *t) {
    while (t->kept.length)
        drop_last(t);
    g_array_set_size(t->entries, 0);
    g_array_set_size(t->symbols, 0);
    g_clear_pointer(&t->callers, g_array_unref);
}

CallTable *call_table_new(sqlite3 *db, const char *schema, const char *name) {
    CallTable *t = g_new0(CallTable, 1);
    t->db = db;
    t->schema = g_strdup(schema);
    t->name = g_strdup(name);
    t->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    t->symbols = g_array_new(FALSE, FALSE, sizeof(CallSymbol));
    g_array_set_clear_func(t->symbols, symbol_done);
    t->zstd = ZSTD_createDCtx();
    t->chunks = prepare(t, "SELECT data FROM \"%w\".\"%w_chunk\" WHERE win = ? ORDER BY id");
    sqlite3_stmt *symbols = prepare(t, "SELECT id, pc, name FROM \"%w\".\"%w_symbol\"");
    bool ok = t->chunks && symbols;
    sqlite3_finalize(symbols);
    if (ok)
        return t;
    call_table_free(t);
    return NULL;
}

void call_table_free(CallTable *t) {
    if (!t)
        return;
    forget(t);
    sqlite3_finalize(t->chunks);
    g_array_free(t->entries, TRUE);
    g_array_free(t->symbols, TRUE);
    ZSTD_freeDCtx(t->zstd);
    g_free(t->schema);
    g_free(t->name);
    g_free(t);
}

int64_t call_table_rows(CallTable *t) {
    sqlite3_stmt *sum = prepare(t, "SELECT sum(rows) FROM \"%w\".\"%w_chunk\"");
    int64_t rows = sum && sqlite3_step(sum) == SQLITE_ROW ? sqlite3_column_int64(sum, 0) : 0;
    sqlite3_finalize(sum);
    return rows;
}

/* The parts of a window follow each other. */
static bool read_entries(CallTable *t) {
    sqlite3_stmt *s =
        prepare(t, "SELECT win, min(first_id), max(last_id), min(first_pos), max(last_pos) FROM "
                   "\"%w\".\"%w_chunk\" GROUP BY win ORDER BY win");
    int result = SQLITE_ERROR;
    while (s && (result = sqlite3_step(s)) == SQLITE_ROW) {
        Entry e = {.number = sqlite3_column_int64(s, 0),
                   .range = {sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2),
                             sqlite3_column_int64(s, 3), sqlite3_column_int64(s, 4)}};
        g_array_append_val(t->entries, e);
    }
    sqlite3_finalize(s);
    return result == SQLITE_DONE;
}

static bool read_symbols(CallTable *t) {
    sqlite3_stmt *s = prepare(t, "SELECT pc, name FROM \"%w\".\"%w_symbol\" ORDER BY id");
    int result = SQLITE_ERROR;
    while (s && (result = sqlite3_step(s)) == SQLITE_ROW) {
        CallSymbol y = {(uint64_t)sqlite3_column_int64(s, 0),
                        g_strdup((const char *)sqlite3_column_text(s, 1))};
        g_array_append_val(t->symbols, y);
    }
    sqlite3_finalize(s);
    return result == SQLITE_DONE;
}

bool call_table_refresh(CallTable *t, GError **error) {
    int changes = sqlite3_total_changes(t->db), version = 0;
    sqlite3_file_control(t->db, t->schema, SQLITE_FCNTL_DATA_VERSION, &version);
    if (t->refreshed && changes == t->changes && version == t->version)
        return true;
    forget(t);
    t->changes = changes;
    t->version = version;
    t->refreshed = read_entries(t) && read_symbols(t);
    return t->refreshed || fail(t, sqlite3_errmsg(t->db), error);
}

guint call_table_count(const CallTable *t) {
    return t->entries->len;
}

const CallRange *call_table_range(const CallTable *t, guint i) {
    return &entry_at(t, i)->range;
}

guint call_table_upto(const CallTable *t, int64_t id) {
    guint low = 0, high = t->entries->len;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (entry_at(t, middle)->range.first_id <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

guint call_table_symbols(const CallTable *t) {
    return t->symbols->len;
}

const CallSymbol *call_table_symbol(const CallTable *t, guint i) {
    return &g_array_index(t->symbols, CallSymbol, i);
}
