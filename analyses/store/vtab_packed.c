/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual tables of packed.h. A constraint on the key chooses chunks, and the rows in them; all else is for SQLite. What a
 * statement has unpacked stays there until it ends, so that a join may ask for single rows in any order.
 */
#include <string.h>

#include "analyses/store/packed.h"
#include "analyses/store/vtab.h"

typedef struct Vtab {
    sqlite3_vtab base;
    sqlite3 *db;
    char *table; /* quoted, with its schema */
    char *types;
    int key;
    int64_t rows;
} Vtab;

typedef struct Entry {
    int64_t id, first, last; /* keys */
    PackedChunk *chunk;      /* NULL: not unpacked yet */
} Entry;

typedef struct Cursor {
    sqlite3_vtab_cursor base;
    GArray *entries; /* of Entry, in order */
    sqlite3_stmt *data;
    ZSTD_DCtx *zstd;
    int64_t key[2];
    bool down, at_end;
    guint entry;
    int64_t row;
} Cursor;

/* -- tables ---------------------------------------------------------------------------------------------- */
static sqlite3_stmt *prepare(const Vtab *t, const char *format) {
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf(format, t->table);
    sqlite3_prepare_v2(t->db, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    return stmt;
}

static void vtab_free(Vtab *t) {
    sqlite3_free(t->table);
    g_free(t->types);
    g_free(t);
}

/* argv: module, schema, name, table, key, columns… */
static bool read_declaration(Vtab *t, int argc, const char *const *argv, GString *sql) {
    const unsigned n = argc < 6 ? 0 : (unsigned)argc - 5;
    if (n < 1 || n > PACKED_COLUMNS_MAX)
        return false;
    t->types = g_malloc0(n + 1);
    t->key = -1;
    g_string_assign(sql, "CREATE TABLE x(");
    for (unsigned i = 0; i < n; i++) {
        const char *column = argv[5 + i];
        size_t length = strcspn(column, " ");
        t->types[i] = strstr(column, "TEXT") ? 's' : 'i';
        if (length == strlen(argv[4]) && !strncmp(column, argv[4], length))
            t->key = (int)i;
        g_string_append_printf(sql, "%s%s", i ? ", " : "", column);
    }
    g_string_append_c(sql, ')');
    return t->key >= 0 && t->types[t->key] == 'i';
}

static int vtab_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                        char **message) {
    g_autoptr(GString) declaration = g_string_new(NULL);
    Vtab *t = g_new0(Vtab, 1);
    t->db = db;
    bool ok = read_declaration(t, argc, argv, declaration);
    t->table = ok ? sqlite3_mprintf("\"%w\".\"%w_packed\"", argv[1], argv[3]) : NULL;
    sqlite3_stmt *sum = ok ? prepare(t, "SELECT sum(rows) FROM %s") : NULL;
    int result = sum ? sqlite3_declare_vtab(db, declaration->str) : SQLITE_ERROR;
    if (result == SQLITE_OK) {
        sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
        t->rows = sqlite3_step(sum) == SQLITE_ROW ? sqlite3_column_int64(sum, 0) : 0;
        *ret = &t->base;
    } else {
        *message = sqlite3_mprintf("no such table: %s", argv[2]);
        vtab_free(t);
    }
    sqlite3_finalize(sum);
    return result;
}

static int vtab_disconnect(sqlite3_vtab *base) {
    vtab_free((Vtab *)base);
    return SQLITE_OK;
}

static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    const Vtab *t = (Vtab *)base;
    VtabPlan plan;
    vtab_plan_begin(&plan, info, (double)t->rows);
    for (int i = 0; i < info->nConstraint; i++) {
        char compare = vtab_compare(info->aConstraint[i].op);
        if (info->aConstraint[i].iColumn == t->key && compare && info->aConstraint[i].usable)
            vtab_plan_use(&plan, i, 'k', compare, vtab_exact(info, i), compare == '=' ? 1e5 : 4);
    }
    vtab_plan_end(&plan, t->key, -1);
    return SQLITE_OK;
}

/* -- walking --------------------------------------------------------------------------------------------- */
static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret) {
    Cursor *c = g_new0(Cursor, 1);
    c->zstd = ZSTD_createDCtx();
    *ret = &c->base;
    return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    for (guint i = 0; c->entries && i < c->entries->len; i++)
        packed_chunk_free(g_array_index(c->entries, Entry, i).chunk);
    if (c->entries)
        g_array_free(c->entries, TRUE);
    sqlite3_finalize(c->data);
    ZSTD_freeDCtx(c->zstd);
    g_free(c);
    return SQLITE_OK;
}

/* A statement sees one state of the database: what is in the entries stays true for the cursor's life. */
static bool read_entries(Cursor *c) {
    const Vtab *t = (Vtab *)c->base.pVtab;
    if (c->entries)
        return true;
    sqlite3_stmt *all = prepare(t, "SELECT id, first_key, last_key FROM %s ORDER BY id");
    c->data = prepare(t, "SELECT data FROM %s WHERE id = ?1");
    if (!all || !c->data) {
        sqlite3_finalize(all);
        return false;
    }
    c->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    while (sqlite3_step(all) == SQLITE_ROW) {
        Entry e = {sqlite3_column_int64(all, 0), sqlite3_column_int64(all, 1), sqlite3_column_int64(all, 2),
                   NULL};
        g_array_append_val(c->entries, e);
    }
    return sqlite3_finalize(all) == SQLITE_OK;
}

static PackedChunk *chunk_of(Cursor *c, Entry *e, GError **error) {
    const Vtab *t = (Vtab *)c->base.pVtab;
    if (e->chunk)
        return e->chunk;
    sqlite3_bind_int64(c->data, 1, e->id);
    if (sqlite3_step(c->data) == SQLITE_ROW)
        e->chunk = packed_chunk_open(sqlite3_column_blob(c->data, 0),
                                     (size_t)sqlite3_column_bytes(c->data, 0), t->types, c->zstd, error);
    sqlite3_reset(c->data);
    return e->chunk;
}

/* The first of n ascending keys that is at least, or above, `key`. */
static int64_t bound(const int64_t *keys, int64_t n, int64_t key, bool above) {
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (keys[middle] < key || (above && keys[middle] == key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int fail(Cursor *c, GError *error) {
    return vtab_error(&c->base.pVtab->zErrMsg, error);
}

/* From entry `i` on the next chunk that has a wanted row, and that row. */
static int seek(Cursor *c, int64_t i) {
    for (; i >= 0 && i < c->entries->len; i += c->down ? -1 : 1) {
        Entry *e = &g_array_index(c->entries, Entry, i);
        GError *error = NULL;
        if (e->last < c->key[0] || e->first > c->key[1])
            continue;
        const PackedChunk *chunk = chunk_of(c, e, &error);
        if (!chunk)
            return fail(c, error);
        const int64_t *keys = chunk->value[((Vtab *)c->base.pVtab)->key];
        c->row =
            c->down ? bound(keys, chunk->n, c->key[1], true) - 1 : bound(keys, chunk->n, c->key[0], false);
        c->entry = (guint)i;
        if (c->row >= 0 && c->row < chunk->n && keys[c->row] >= c->key[0] && keys[c->row] <= c->key[1])
            return SQLITE_OK;
    }
    c->at_end = true;
    return SQLITE_OK;
}

static int vtab_filter(sqlite3_vtab_cursor *base, int down, const char *plan, int argc,
                       sqlite3_value **argv) {
    Cursor *c = (Cursor *)base;
    c->down = down;
    c->at_end = false;
    c->key[0] = INT64_MIN;
    c->key[1] = INT64_MAX;
    for (int i = 0; i < argc; i++)
        c->at_end |= !vtab_narrow(c->key, plan[2 * i + 1], argv[i]);
    if (c->at_end)
        return SQLITE_OK;
    if (!read_entries(c))
        return SQLITE_ERROR;
    return seek(c, down ? (int64_t)c->entries->len - 1 : 0);
}

static const PackedChunk *here(const Cursor *c) {
    return g_array_index(c->entries, Entry, c->entry).chunk;
}

static int vtab_next(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    const PackedChunk *chunk = here(c);
    const int64_t *keys = chunk->value[((Vtab *)base->pVtab)->key];
    int step = c->down ? -1 : 1;
    c->row += step;
    if (c->row < 0 || c->row >= chunk->n)
        return seek(c, (int64_t)c->entry + step);
    c->at_end = keys[c->row] < c->key[0] || keys[c->row] > c->key[1];
    return SQLITE_OK;
}

static int vtab_eof(sqlite3_vtab_cursor *base) {
    return ((Cursor *)base)->at_end;
}

static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret) {
    const Cursor *c = (Cursor *)base;
    *ret = (int64_t)c->entry * PACKED_ROWS + c->row;
    return SQLITE_OK;
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int column) {
    const Cursor *c = (Cursor *)base;
    const PackedChunk *chunk = here(c);
    int64_t value = chunk->value[column][c->row];
    if (chunk->is_null[column] && chunk->is_null[column][c->row])
        return SQLITE_OK;
    if (((Vtab *)base->pVtab)->types[column] == 's')
        sqlite3_result_text(x, chunk->string[value], -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_int64(x, value);
    return SQLITE_OK;
}

const sqlite3_module vtab_packed = VTAB_MODULE(vtab_connect);
