/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/symbol_set.h"

#include <string.h>

#include "analyses/analysis.h"
#include "analyses/store/streams.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAGIC 0x314d5953u
#define NONE UINT32_MAX

typedef struct Part {
    int64_t module;
    char *text; /* the names */
} Part;

struct SymbolSet {
    gatomicrefcount refs;
    GArray *rows;                   /* of SymbolRow */
    GArray *parts;                  /* of Part */
    uint32_t *order;                /* of address; NULL: not made yet, or is_ordered */
    bool is_ordered;                /* by id is by address */
    uint32_t *head, *next, n_heads; /* rows by the hash of their names, chained; NULL: not made yet */
};

static bool fail(GError **error, const char *what) {
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "%s", what);
    return false;
}

/* -- reading ------------------------------------------------------------------------------------------------ */
static SymbolSet *symbol_set_new(void) {
    SymbolSet *s = g_new0(SymbolSet, 1);
    g_atomic_ref_count_init(&s->refs);
    s->rows = g_array_new(FALSE, FALSE, sizeof(SymbolRow));
    s->parts = g_array_new(FALSE, FALSE, sizeof(Part));
    return s;
}

SymbolSet *symbol_set_ref(SymbolSet *s) {
    g_atomic_ref_count_inc(&s->refs);
    return s;
}

void symbol_set_unref(SymbolSet *s) {
    if (!s || !g_atomic_ref_count_dec(&s->refs))
        return;
    for (guint i = 0; i < s->parts->len; i++)
        g_free(g_array_index(s->parts, Part, i).text);
    g_array_unref(s->parts);
    g_array_unref(s->rows);
    g_free(s->order);
    g_free(s->head);
    g_free(s->next);
    g_free(s);
}

/* Each name ends before the next one, the last one where the text does. */
static bool read_rows(SymbolSet *s, uint32_t n, Reader *in) {
    const char *name = (const char *)in[SYMBOL_NAME].at, *end = (const char *)in[SYMBOL_NAME].end;
    uint32_t part = s->parts->len - 1;
    guint first = s->rows->len;
    uint64_t addr = 0;
    if (name == end || end[-1])
        return false;
    g_array_set_size(s->rows, first + n);
    SymbolRow *row = &g_array_index(s->rows, SymbolRow, first);
    for (uint32_t i = 0; i < n; i++) {
        if (name == end)
            return false;
        addr += unzigzag(reader_varint(&in[SYMBOL_ADDR]));
        row[i] = (SymbolRow){addr, reader_varint(&in[SYMBOL_SIZE]), name, part, reader_u8(&in[SYMBOL_KIND])};
        if (row[i].kind >= SYMBOL_N_KINDS)
            return false;
        name += strlen(name) + 1;
    }
    for (unsigned i = SYMBOL_KIND; i < SYMBOL_STREAMS; i++)
        if (in[i].bad || in[i].at != in[i].end)
            return false;
    return name == end;
}

static bool read_chunk(SymbolSet *s, int64_t module, const uint8_t *blob, size_t size, ZSTD_DCtx *zstd) {
    Bytes raw[SYMBOL_STREAMS] = {{0}};
    Reader r, in[SYMBOL_STREAMS];
    if (!blob || !streams_open(blob, size, SYMBOL_HEADER, MAGIC, &r))
        return false;
    uint32_t n = (uint32_t)reader_low(&r, 4);
    bool ok = streams_read(&r, zstd, raw, in, SYMBOL_STREAMS) && n > 0 &&
              n == (uint64_t)(in[SYMBOL_KIND].end - in[SYMBOL_KIND].at);
    Part part = {module, (char *)raw[SYMBOL_NAME].data};
    g_array_append_val(s->parts, part);
    ok = ok && read_rows(s, n, in);
    for (unsigned i = SYMBOL_KIND; i < SYMBOL_STREAMS; i++)
        bytes_done(&raw[i]);
    return ok;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *format, const char *schema, const char *table) {
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf(format, schema, table);
    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    return stmt;
}

SymbolSet *symbol_set_read(sqlite3 *db, const char *schema, const char *table, GError **error) {
    sqlite3_stmt *q = prepare(
        db, "SELECT first_id, module_id, data FROM \"%w\".\"%w_chunk\" ORDER BY first_id", schema, table);
    SymbolSet *s = symbol_set_new();
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    int result = SQLITE_ERROR;
    bool whole = true;
    while (whole && q && (result = sqlite3_step(q)) == SQLITE_ROW)
        whole = sqlite3_column_int64(q, 0) == (int64_t)s->rows->len + 1 &&
                read_chunk(s, sqlite3_column_int64(q, 1), sqlite3_column_blob(q, 2),
                           (size_t)sqlite3_column_bytes(q, 2), zstd);
    ZSTD_freeDCtx(zstd);
    if (!whole)
        fail(error, "a chunk of the table symbol is damaged");
    else if (result != SQLITE_DONE)
        fail(error, sqlite3_errmsg(db));
    sqlite3_finalize(q);
    if (whole && result == SQLITE_DONE)
        return s;
    symbol_set_unref(s);
    return NULL;
}

/* -- rows --------------------------------------------------------------------------------------------------- */
guint symbol_set_rows(const SymbolSet *s, const SymbolRow **first) {
    *first = s->rows->len ? &g_array_index(s->rows, SymbolRow, 0) : NULL;
    return s->rows->len;
}

int64_t symbol_set_module(const SymbolSet *s, const SymbolRow *row) {
    return g_array_index(s->parts, Part, row->part).module;
}

const char *symbol_kind_text(SymbolKind kind) {
    static const char *const text[] = {
#define X(what, text) text,
        SYMBOL_KINDS(X)
#undef X
    };
    return text[kind];
}

/* -- by name ------------------------------------------------------------------------------------------------ */
static uint32_t *head_of(const SymbolSet *s, const char *name) {
    return &s->head[XXH3_64bits(name, strlen(name)) & (s->n_heads - 1)];
}

static const SymbolRow *row_at(const SymbolSet *s, uint32_t i) {
    return i == NONE ? NULL : &g_array_index(s->rows, SymbolRow, i);
}

static const SymbolRow *same_name(const SymbolSet *s, uint32_t i, const char *name) {
    while (i != NONE && strcmp(row_at(s, i)->name, name) != 0)
        i = s->next[i];
    return row_at(s, i);
}

static void chain_names(SymbolSet *s) {
    if (s->head)
        return;
    for (s->n_heads = 1; s->n_heads < s->rows->len; s->n_heads *= 2)
        ;
    s->head = g_new(uint32_t, s->n_heads);
    s->next = g_new(uint32_t, s->rows->len);
    memset(s->head, 0xff, s->n_heads * sizeof *s->head);
    for (guint i = s->rows->len; i-- > 0;) {
        uint32_t *head = head_of(s, row_at(s, i)->name);
        s->next[i] = *head;
        *head = i;
    }
}

const SymbolRow *symbol_set_named(SymbolSet *s, const char *name) {
    chain_names(s);
    return same_name(s, *head_of(s, name), name);
}

const SymbolRow *symbol_set_next_named(const SymbolSet *s, const SymbolRow *row) {
    return same_name(s, s->next[row - row_at(s, 0)], row->name);
}

/* -- by address --------------------------------------------------------------------------------------------- */
static gint by_addr(gconstpointer a, gconstpointer b, gpointer opaque) {
    uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
    int64_t x = (int64_t)row_at(opaque, i)->addr, y = (int64_t)row_at(opaque, k)->addr;
    return x != y ? (x < y ? -1 : 1) : (i > k) - (i < k);
}

static void order_addrs(SymbolSet *s) {
    guint n = s->rows->len;
    s->is_ordered = true;
    for (guint i = 1; i < n && s->is_ordered; i++)
        s->is_ordered = (int64_t)row_at(s, i - 1)->addr <= (int64_t)row_at(s, i)->addr;
    if (s->is_ordered)
        return;
    s->order = g_new(uint32_t, n);
    for (guint i = 0; i < n; i++)
        s->order[i] = i;
    g_qsort_with_data(s->order, (gint)n, sizeof *s->order, by_addr, s);
}

const SymbolRow *symbol_set_by_addr(SymbolSet *s, guint i) {
    if (!s->order && !s->is_ordered)
        order_addrs(s);
    return row_at(s, s->order ? s->order[i] : i);
}

/* -- a connection's ----------------------------------------------------------------------------------------- */
struct SymbolTable {
    sqlite3 *db;
    char *schema, *name;
    SymbolSet *set; /* NULL: not read yet */
    int64_t stamp;  /* of all chunks: no other rows have the same */
};

SymbolTable *symbol_table_new(sqlite3 *db, const char *schema, const char *name) {
    SymbolTable *t = g_new0(SymbolTable, 1);
    t->db = db;
    t->schema = g_strdup(schema);
    t->name = g_strdup(name);
    return t;
}

void symbol_table_free(SymbolTable *t) {
    if (!t)
        return;
    symbol_set_unref(t->set);
    g_free(t->schema);
    g_free(t->name);
    g_free(t);
}

static int64_t stamp_of(const SymbolTable *t) {
    sqlite3_stmt *q = prepare(t->db, "SELECT first_id, stamp FROM \"%w\".\"%w_chunk\" ORDER BY first_id",
                              t->schema, t->name);
    uint64_t stamp = 0;
    while (q && sqlite3_step(q) == SQLITE_ROW)
        stamp = (stamp ^ (uint64_t)sqlite3_column_int64(q, 0) ^ (uint64_t)sqlite3_column_int64(q, 1)) *
                0x9e3779b97f4a7c15;
    sqlite3_finalize(q);
    return (int64_t)stamp;
}

SymbolSet *symbol_table_set(SymbolTable *t, GError **error) {
    int64_t stamp = stamp_of(t);
    if (!t->set || stamp != t->stamp) {
        symbol_set_unref(t->set);
        t->set = symbol_set_read(t->db, t->schema, t->name, error);
        t->stamp = stamp;
    }
    return t->set;
}
