/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/call_store.h"

#include "analyses/store/sorted.h"
#include "analyses/store/store_private.h"

#define LATE_MAX 65536u
#define UNKNOWN UINT32_MAX

struct CallStore {
    Store *store;
    StoreStmt *insert_chunk, *insert_symbol;
    sqlite3_stmt *name;
    CallEncoder *encoder;
    CallRow *rows; /* of the window at hand */
    uint32_t n;
    GArray *starts; /* uint64_t: behind the last id of each window; sorted */
    GArray *late;   /* of CallRow: they belong to windows of before */
    uint64_t chunks;
    /* functions */
    bool always;
    GHashTable *names; /* "pc name" → number in the table; the keys are ours */
    GArray *numbers;   /* uint32_t, by the function's number */
    GString *key;
};

CallStore *call_store_new(Store *store, const char *table, bool always, GError **error) {
    CallStore *s = g_new0(CallStore, 1);
    s->store = store;
    s->always = always;
    s->encoder = call_encoder_new();
    s->rows = g_new(CallRow, CALL_CHUNK_ROWS);
    s->starts = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    s->late = g_array_new(FALSE, FALSE, sizeof(CallRow));
    s->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    s->numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    s->key = g_string_new(NULL);
    g_autofree char *chunk =
        g_strdup_printf("INSERT INTO \"%s_chunk\" VALUES (?, ?, ?, ?, ?, ?, ?, ?)", table);
    g_autofree char *symbol =
        g_strdup_printf("INSERT INTO \"%s_symbol\" VALUES (?, ?, nullif(?, ''))", table);
    const char *name = "SELECT symbol_at(?1, nullif(?2, 0), ?3)";
    bool ok = store_prepare(store, chunk, &s->insert_chunk, error) &&
              store_prepare(store, symbol, &s->insert_symbol, error) &&
              (sqlite3_prepare_v2(store->db, name, -1, &s->name, NULL) == SQLITE_OK ||
               store_fail(store, error, name));
    if (ok)
        return s;
    call_store_free(s);
    return NULL;
}

void call_store_free(CallStore *s) {
    if (!s)
        return;
    store_stmt_free(s->insert_chunk);
    store_stmt_free(s->insert_symbol);
    sqlite3_finalize(s->name);
    call_encoder_free(s->encoder);
    g_free(s->rows);
    g_array_unref(s->starts);
    g_array_unref(s->late);
    g_hash_table_unref(s->names);
    g_array_unref(s->numbers);
    g_string_free(s->key, TRUE);
    g_free(s);
}

/* -- functions ----------------------------------------------------------------------------------------- */
/* s->key is "pc name" afterwards; returns the name in it. */
static const char *find_name(CallStore *s, const CallFunction *f) {
    g_string_printf(s->key, "%" G_GUINT64_FORMAT " ", f->pc);
    size_t at = s->key->len;
    store_lock(s->store);
    sqlite3_bind_int64(s->name, 1, (int64_t)f->pc);
    sqlite3_bind_int64(s->name, 2, (int64_t)f->satp);
    sqlite3_bind_int64(s->name, 3, (int64_t)f->pos);
    if (sqlite3_step(s->name) == SQLITE_ROW && sqlite3_column_text(s->name, 0))
        g_string_append(s->key, (const char *)sqlite3_column_text(s->name, 0));
    sqlite3_reset(s->name);
    store_unlock(s->store);
    return s->key->str + at;
}

static bool make_number(CallStore *s, const CallFunction *f, uint32_t *ret, GError **error) {
    gpointer found;
    const char *name = find_name(s, f);
    if (g_hash_table_lookup_extended(s->names, s->key->str, NULL, &found)) {
        *ret = GPOINTER_TO_UINT(found);
        return true;
    }
    *ret = g_hash_table_size(s->names);
    g_hash_table_insert(s->names, g_strdup(s->key->str), GUINT_TO_POINTER(*ret));
    return store_run(s->insert_symbol, error, "uus", (uint64_t)*ret, f->pc, name);
}

static bool function_number(CallStore *s, const CallFunction *f, uint32_t *ret, GError **error) {
    const uint32_t unknown = UNKNOWN;
    if (f->satp && !s->always)
        return make_number(s, f, ret, error);
    while (s->numbers->len <= f->number)
        g_array_append_val(s->numbers, unknown);
    uint32_t *known = &g_array_index(s->numbers, uint32_t, f->number);
    bool ok = *known != UNKNOWN || make_number(s, f, known, error);
    *ret = *known;
    return ok;
}

/* -- windows ------------------------------------------------------------------------------------------- */
static bool put_chunk(CallStore *s, uint64_t window, const CallRow *rows, uint32_t n, GError **error) {
    Bytes blob;
    uint64_t id[2] = {UINT64_MAX, 0}, pos[2] = {UINT64_MAX, 0};
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *v = rows[i].v;
        id[0] = MIN(id[0], v[CALL_COLUMN_ID]);
        id[1] = MAX(id[1], v[CALL_COLUMN_ID]);
        pos[0] = MIN(pos[0], v[CALL_COLUMN_POS]);
        pos[1] = MAX(pos[1], v[CALL_COLUMN_POS]);
    }
    call_encoder_make(s->encoder, rows, n, &blob);
    return store_run(s->insert_chunk, error, "uuuuuuub", s->chunks++, window, id[0], id[1], pos[0], pos[1],
                     (uint64_t)n, blob.data, bytes_size(&blob));
}

static bool end_window(CallStore *s, GError **error) {
    uint64_t start = 0;
    if (!s->n)
        return true;
    for (uint32_t i = 0; i < s->n; i++)
        start = MAX(start, s->rows[i].v[CALL_COLUMN_ID] + 1);
    bool ok = put_chunk(s, s->starts->len, s->rows, s->n, error);
    g_array_append_val(s->starts, start);
    s->n = 0;
    return ok;
}

static gint compare_ids(gconstpointer a, gconstpointer b) {
    const CallRow *p = a, *q = b;
    uint64_t x = p->v[CALL_COLUMN_ID], y = q->v[CALL_COLUMN_ID];
    return x < y ? -1 : x > y;
}

/* Into their windows. */
static bool put_late(CallStore *s, GError **error) {
    bool ok = true;
    g_array_sort(s->late, compare_ids);
    for (guint from = 0, to; ok && from < s->late->len; from = to) {
        const CallRow *rows = &g_array_index(s->late, CallRow, 0);
        guint window = sorted_upto(s->starts, rows[from].v[CALL_COLUMN_ID]);
        uint64_t end = g_array_index(s->starts, uint64_t, window);
        for (to = from; to < s->late->len && to - from < CALL_CHUNK_ROWS && rows[to].v[CALL_COLUMN_ID] < end;)
            to++;
        ok = put_chunk(s, window, rows + from, to - from, error);
    }
    g_array_set_size(s->late, 0);
    return ok;
}

bool call_store_add(CallStore *s, const CallRow *row, const CallFunction *function, GError **error) {
    uint32_t number;
    if (!function_number(s, function, &number, error))
        return false;
    CallRow *to = &s->rows[s->n];
    *to = *row;
    to->v[CALL_COLUMN_SYMBOL] = number;
    if (s->starts->len && row->v[CALL_COLUMN_ID] < g_array_index(s->starts, uint64_t, s->starts->len - 1)) {
        g_array_append_vals(s->late, to, 1);
        return s->late->len < LATE_MAX || put_late(s, error);
    }
    return ++s->n < CALL_CHUNK_ROWS || end_window(s, error);
}

bool call_store_end(CallStore *s, GError **error) {
    return end_window(s, error) && put_late(s, error);
}
