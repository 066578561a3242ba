/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/packed.h"

#include "analyses/store/streams.h"

#define ZSTD_LEVEL 1
#define MAGIC "PCK1"

typedef struct Column {
    Bytes values; /* as stored, without what says which rows are NULL */
    uint8_t present[PACKED_ROWS / 8];
    bool has_null;
    int64_t last;
} Column;

struct PackedWriter {
    StoreStmt *insert;
    char *types;
    unsigned n_columns, key;
    Column column[PACKED_COLUMNS_MAX];
    uint32_t n; /* rows in the chunk at hand */
    int64_t id, first, last;
    GHashTable *numbers; /* of strings, into `text` by copies of theirs */
    Bytes text, stream, blob;
    ZSTD_CCtx *zstd;
};

PackedWriter *packed_writer_new(Store *store, const char *table, const char *types, unsigned key,
                                GError **error) {
    PackedWriter *w = g_new0(PackedWriter, 1);
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s_packed\" VALUES (?, ?, ?, ?, ?)", table);
    w->types = g_strdup(types);
    w->n_columns = (unsigned)strlen(types);
    w->key = key;
    g_assert(w->n_columns <= PACKED_COLUMNS_MAX && types[key] == 'i');
    w->numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    w->zstd = ZSTD_createCCtx();
    if (store_prepare(store, sql, &w->insert, error))
        return w;
    packed_writer_free(w);
    return NULL;
}

void packed_writer_free(PackedWriter *w) {
    if (!w)
        return;
    store_stmt_free(w->insert);
    for (unsigned i = 0; i < w->n_columns; i++)
        bytes_done(&w->column[i].values);
    bytes_done(&w->text);
    bytes_done(&w->stream);
    bytes_done(&w->blob);
    g_hash_table_unref(w->numbers);
    ZSTD_freeCCtx(w->zstd);
    g_free(w->types);
    g_free(w);
}

static void put_column(PackedWriter *w, unsigned i) {
    Column *c = &w->column[i];
    bytes_clear(&w->stream);
    bytes_reserve(&w->stream, 1);
    bytes_put_u8(&w->stream, c->has_null);
    if (c->has_null)
        bytes_append(&w->stream, c->present, (w->n + 7) / 8);
    bytes_append(&w->stream, c->values.data, bytes_size(&c->values));
    streams_put(&w->blob, 12 + 8 * i, w->zstd, ZSTD_LEVEL, &w->stream);
    bytes_clear(&c->values);
    memset(c->present, 0, sizeof c->present);
    c->has_null = false;
    c->last = 0;
}

static bool flush(PackedWriter *w, GError **error) {
    if (!w->n)
        return true;
    bytes_clear(&w->blob);
    bytes_append(&w->blob, MAGIC, 4);
    bytes_reserve(&w->blob, 16 + 8 * (w->n_columns + 1));
    bytes_put_low(&w->blob, w->n, 4);
    bytes_put_low(&w->blob, w->n_columns, 4);
    memset(w->blob.at, 0, 8 * (w->n_columns + 1));
    w->blob.at += 8 * (w->n_columns + 1);
    for (unsigned i = 0; i < w->n_columns; i++)
        put_column(w, i);
    streams_put(&w->blob, 12 + 8 * w->n_columns, w->zstd, ZSTD_LEVEL, &w->text);
    streams_seal(&w->blob);
    bytes_clear(&w->text);
    g_hash_table_remove_all(w->numbers);
    uint32_t n = w->n;
    w->n = 0;
    return store_run(w->insert, error, "iiiib", w->id++, w->first, w->last, (int64_t)n, w->blob.data,
                     bytes_size(&w->blob));
}

static uint64_t string_number(PackedWriter *w, const char *text) {
    gpointer number;
    if (g_hash_table_lookup_extended(w->numbers, text, NULL, &number))
        return GPOINTER_TO_UINT(number);
    guint next = g_hash_table_size(w->numbers);
    g_hash_table_insert(w->numbers, g_strdup(text), GUINT_TO_POINTER(next));
    bytes_append(&w->text, text, strlen(text) + 1);
    return next;
}

static void add_value(PackedWriter *w, Column *c, char type, const StoreValue *v) {
    if (type == 'n' || (type == 's' && !v->bytes)) {
        c->has_null = true;
        return;
    }
    c->present[w->n / 8] |= (uint8_t)(1u << w->n % 8);
    bytes_reserve(&c->values, 10);
    if (type == 's') {
        bytes_put_varint(&c->values, string_number(w, v->bytes));
        return;
    }
    bytes_put_varint(&c->values, zigzag((uint64_t)v->integer - (uint64_t)c->last));
    c->last = v->integer;
}

bool packed_writer_add(PackedWriter *w, const char *types, const StoreValue *values, GError **error) {
    int64_t key = values[w->key].integer;
    if (w->n == 0)
        w->first = key;
    g_assert(types[w->key] != 'n' && (w->n == 0 || key >= w->last));
    w->last = key;
    for (unsigned i = 0; i < w->n_columns; i++) {
        g_assert(types[i] == 'n' || (types[i] == 's') == (w->types[i] == 's'));
        add_value(w, &w->column[i], types[i], &values[i]);
    }
    return ++w->n < PACKED_ROWS || flush(w, error);
}

bool packed_writer_end(PackedWriter *w, GError **error) {
    return flush(w, error);
}
