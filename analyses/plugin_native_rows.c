/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The native plugin interface: tables. A row is packed on the guest's thread and written by a thread of its
 * own, in the order of making, which is that of (pos, seq).
 */
#include <string.h>

#include "analyses/plugin_native.h"
#include "analyses/run.h"

struct RrTable {
    RrSelf *self;
    char *name;
    unsigned n;     /* the plugin's columns */
    uint8_t *types; /* RrType */
    char *letters;  /* for store_run_values: pos and seq first */
    StoreStmt *insert;
};

typedef struct NativeRows {
    GPtrArray *tables;
    RowQueue *queue;
    int64_t n;
    bool open;     /* the transaction, and the row of `analysis`: made with the first table */
    GError *error; /* why a table could not be made */
    bool replaces; /* rows of a complete run */
} NativeRows;

/* A row in the queue: the table, pos, seq, the values; text and blobs behind them. */
typedef struct PackedRow {
    RrTable *table;
    StoreValue values[];
} PackedRow;

static bool write_row(void *opaque, const void *item, GError **error) {
    PackedRow *row = *(PackedRow *const *)item;
    bool ok = store_run_values(row->table->insert, row->table->letters, row->values, error);
    g_free(row);
    return ok;
}

/* -- begin and end --------------------------------------------------------------------------------------- */

static bool set_analysis(RrSelf *self, const char *sql, const char *types, const StoreValue *values,
                         GError **error) {
    StoreStmt *stmt;
    if (!store_prepare(self->plugin->host->store, sql, &stmt, error))
        return false;
    bool ok = store_run_values(stmt, types, values, error);
    store_stmt_free(stmt);
    return ok;
}

void native_rows_begin(RrSelf *self) {
    self->rows = g_new0(NativeRows, 1);
    self->rows->tables = g_ptr_array_new();
}

/* Who declares no table needs no database: that costs time, and space. */
static bool rows_open(RrSelf *self, GError **error) {
    PluginHost *host = self->plugin->host;
    NativeRows *rows = self->rows;
    if (rows->open)
        return true;
    if (!host->store && !(host->store = host->env.store(host->env.opaque, error)))
        return false;
    g_autofree char *words = g_strjoinv(",", self->plugin->words);
    g_autofree char *args = g_strconcat(self->plugin->base, *words ? "," : "", words, NULL);
    StoreValue values[] = {
        {.bytes = self->name}, {.bytes = args}, {.integer = (int64_t)machine_pos(host->machine)}};
    rows->replaces =
        store_get_int(host->store, "SELECT complete FROM analysis WHERE name = ?", 0, "s", self->name);
    if (!store_begin(host->store, error))
        return false;
    rows->open = true;
    return set_analysis(
        self,
        "INSERT INTO analysis (name, args, from_pos, complete, rows) VALUES (?, ?, ?, 0, 0) "
        "ON CONFLICT (name) DO UPDATE SET args = excluded.args, from_pos = excluded.from_pos, "
        "to_pos = NULL, complete = 0, rows = 0",
        "ssi", values, error);
}

bool native_rows_ready(RrSelf *self, GError **error) {
    if (!self->rows->error)
        return true;
    g_propagate_error(error, g_steal_pointer(&self->rows->error));
    return false;
}

bool native_rows_end(RrSelf *self, bool complete, GError **error) {
    NativeRows *rows = self->rows;
    PluginHost *host = self->plugin->host;
    GError *why = NULL;
    bool ok = !rows->queue || row_queue_finish(rows->queue, &why);
    rows->queue = NULL;
    if (!rows->open)
        return true;
    rows->open = false;
    StoreValue values[] = {{.integer = (int64_t)machine_pos(host->machine)},
                           {.integer = complete && ok},
                           {.integer = rows->n},
                           {.bytes = self->name}};
    ok = ok && set_analysis(self, "UPDATE analysis SET to_pos = ?, complete = ?, rows = ? WHERE name = ?",
                            "iiis", values, &why);
    /* As with the built-in analyses: half of it is worth keeping only where there is nothing better. */
    bool keep = complete || !rows->replaces;
    if (ok && keep && store_commit(host->store, &why))
        return true;
    store_rollback(host->store);
    if (why)
        g_propagate_error(error, why);
    return ok && !keep;
}

void native_rows_free(RrSelf *self) {
    NativeRows *rows = self->rows;
    if (!rows)
        return;
    if (rows->queue)
        row_queue_finish(rows->queue, NULL);
    for (guint i = 0; i < rows->tables->len; i++) {
        RrTable *t = g_ptr_array_index(rows->tables, i);
        store_stmt_free(t->insert);
        g_free(t->name);
        g_free(t->types);
        g_free(t->letters);
        g_free(t);
    }
    g_ptr_array_unref(rows->tables);
    g_clear_error(&rows->error);
    if (rows->open)
        store_rollback(self->plugin->host->store);
    g_free(rows);
}

/* -- tables ---------------------------------------------------------------------------------------------- */

static bool is_word(const char *name) {
    bool good = g_ascii_isalpha(*name);
    for (const char *p = name; *p; p++)
        good = good && (g_ascii_isalnum(*p) || *p == '_');
    return good;
}

static bool create(RrTable *t, const char *name, const RrColumn *columns, GError **error) {
    static const char *const sql_types[] = {
        [RR_INTEGER] = "INTEGER", [RR_ADDRESS] = "INTEGER", [RR_TEXT] = "TEXT", [RR_BLOB] = "BLOB"};
    Store *store = t->self->plugin->host->store;
    g_autoptr(GString) sql = g_string_new(NULL);
    g_autoptr(GString) view = g_string_new(NULL);
    g_autoptr(GString) insert = g_string_new(NULL);
    g_string_printf(sql,
                    "DROP VIEW IF EXISTS \"%s_v\"; DROP TABLE IF EXISTS \"%s\"; CREATE TABLE \"%s\" (pos "
                    "INTEGER, seq INTEGER",
                    name, name, name);
    g_string_printf(view, "CREATE VIEW \"%s_v\" AS SELECT pos, seq", name);
    g_string_printf(insert, "INSERT INTO \"%s\" VALUES (?, ?", name);
    for (unsigned i = 0; i < t->n; i++) {
        g_string_append_printf(sql, ", \"%s\" %s", columns[i].name, sql_types[columns[i].type]);
        if (columns[i].type == RR_ADDRESS)
            g_string_append_printf(view, ", printf('0x%%016x', \"%s\") AS \"%s\"", columns[i].name,
                                   columns[i].name);
        else
            g_string_append_printf(view, ", \"%s\"", columns[i].name);
        g_string_append(insert, ", ?");
    }
    g_string_append_printf(sql, ", PRIMARY KEY (pos, seq)) WITHOUT ROWID; %s FROM \"%s\"; ", view->str, name);
    for (unsigned i = 0; i < t->n; i++)
        if (columns[i].is_key)
            g_string_append_printf(sql, "CREATE INDEX \"%s_%s\" ON \"%s\" (\"%s\"); ", name, columns[i].name,
                                   name, columns[i].name);
    g_string_append_c(insert, ')');
    return store_exec(store, sql->str, error) && store_prepare(store, insert->str, &t->insert, error);
}

RrTable *rr_table(RrSelf *self, const char *suffix, const RrColumn *columns) {
    NativeRows *rows = self->rows;
    g_autofree char *name = suffix ? g_strconcat(self->name, "_", suffix, NULL) : g_strdup(self->name);
    GError *error = NULL;
    if (!self->installing)
        native_misuse(self, "rr_table() outside install");
    if (!is_word(name))
        native_misuse(self, "table '%s': expected letters, digits and _", name);
    for (guint i = 0; i < rows->tables->len; i++)
        if (!g_ascii_strcasecmp(((RrTable *)g_ptr_array_index(rows->tables, i))->name, name))
            native_misuse(self, "table '%s' is declared twice", name);
    RrTable *t = g_new0(RrTable, 1);
    t->self = self;
    t->name = g_strdup(name);
    while (columns[t->n].name)
        t->n++;
    t->types = g_new0(uint8_t, t->n + 1);
    t->letters = g_malloc0(t->n + 3);
    t->letters[0] = t->letters[1] = 'i';
    for (unsigned i = 0; i < t->n; i++) {
        if (!is_word(columns[i].name) || (unsigned)columns[i].type > RR_BLOB)
            native_misuse(self, "table '%s', column '%s': expected letters, digits and _, and a type", name,
                          columns[i].name);
        t->types[i] = (uint8_t)columns[i].type;
        t->letters[i + 2] = columns[i].type == RR_TEXT ? 's' : columns[i].type == RR_BLOB ? 'b' : 'i';
    }
    g_ptr_array_add(rows->tables, t);
    if (rows->error || !rows_open(self, &rows->error))
        return t; /* install will not be believed */
    if (!create(t, name, columns, &error))
        native_misuse(self, "%s", error->message);
    if (!rows->queue)
        rows->queue = row_queue_new(sizeof(PackedRow *), write_row, self);
    return t;
}

/* -- rows ------------------------------------------------------------------------------------------------ */

static size_t value_bytes(const RrTable *t, unsigned i, const RrValue *v) {
    if (t->types[i] == RR_TEXT && v->bytes)
        return strlen(v->bytes) + 1;
    return t->types[i] == RR_BLOB && v->bytes ? v->size : 0;
}

static uint32_t next_seq(RrSelf *self, Pos pos) {
    if (pos != self->row_pos)
        memset(self->row_next, 0, sizeof self->row_next);
    self->row_pos = pos;
    return self->seq_class + self->row_next[self->seq_class >> 20]++;
}

void rr_row(RrTable *t, const RrValue *values) {
    size_t size = sizeof(PackedRow) + (t->n + 2) * sizeof(StoreValue), at = size;
    Pos pos = native_pos(t->self);
    for (unsigned i = 0; i < t->n; i++)
        size += value_bytes(t, i, &values[i]);
    if (t->self->rows->error)
        return;
    PackedRow *row = g_malloc(size);
    row->table = t;
    row->values[0] = (StoreValue){.integer = (int64_t)pos};
    row->values[1] = (StoreValue){.integer = next_seq(t->self, pos)};
    for (unsigned i = 0; i < t->n; i++) {
        size_t n = value_bytes(t, i, &values[i]);
        StoreValue *to = &row->values[i + 2];
        *to = (StoreValue){.size = n};
        if (t->types[i] == RR_INTEGER || t->types[i] == RR_ADDRESS) {
            to->integer = values[i].integer;
        } else if (values[i].bytes) {
            to->bytes = (char *)row + at;
            if (n)
                memcpy((char *)row + at, values[i].bytes, n);
            at += n;
        }
    }
    t->self->rows->n++;
    row_queue_push(t->self->rows->queue, &row);
}
