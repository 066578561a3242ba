/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native plugin interface: tables. */
#include <string.h>

#include "analyses/plugin/native.h"
#include "analyses/run.h"

typedef struct NativeRows {
    GPtrArray *tables;
    NativePack *pack;
    GHashTable *names; /* of tables, in lower case */
    int64_t n;         /* or ROWS_UNKNOWN */
    bool open;         /* the transaction, and the row of `analysis`: made with the first table */
    GError *error;     /* why a table could not be made */
    bool replaces;     /* rows of a complete run */
} NativeRows;

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
    self->rows->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static bool refuse_name(const RrSelf *self, const char *what, const char *name, GError **error) {
    const Plugin *p = self->plugin;
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION,
                "%s %s: %s '%s' is there already; give this one as=NAME", p->option, p->file, what, name);
    return false;
}

/* Who declares no table needs no database: that costs time, and space. */
static bool rows_open(RrSelf *self, GError **error) {
    PluginHost *host = self->plugin->host;
    NativeRows *rows = self->rows;
    if (rows->open)
        return true;
    if (!host->store && !(host->store = host->env.store(host->env.opaque, error)))
        return false;
    if (self->plugin->is_builtin) /* the set opens and closes for all of them */
        return true;
    g_autofree char *words = g_strjoinv(",", self->plugin->words);
    g_autofree char *args = g_strconcat(self->plugin->base, *words ? "," : "", words, NULL);
    StoreValue values[] = {
        {.bytes = self->name}, {.bytes = args}, {.integer = (int64_t)machine_pos(host->machine)}};
    rows->replaces =
        store_get_int(host->store, "SELECT complete FROM analysis WHERE name = ?", 0, "s", self->name);
    if (!native_claim_name(self->plugin, host->store))
        return refuse_name(self, "the analysis", self->name, error);
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

bool native_rows_open(RrSelf *self) {
    return !self->rows->error && rows_open(self, &self->rows->error);
}

void native_rows_fail(RrSelf *self, GError *error) {
    if (self->rows->error)
        g_error_free(error); /* the first one tells */
    else
        self->rows->error = error;
}

void native_rows_add(RrSelf *self, int64_t n) {
    NativeRows *rows = self->rows;
    rows->n = n == ROWS_UNKNOWN || rows->n == ROWS_UNKNOWN ? ROWS_UNKNOWN : rows->n + n;
}

bool native_rows_ready(RrSelf *self, GError **error) {
    if (!self->rows->error)
        return true;
    g_propagate_error(error, g_steal_pointer(&self->rows->error));
    return false;
}

bool native_rows_end(RrSelf *self, bool complete, GError *failure, GError **error) {
    NativeRows *rows = self->rows;
    PluginHost *host = self->plugin->host;
    GError *why = failure;
    bool ok = native_pack_finish(g_steal_pointer(&rows->pack), why ? NULL : &why) && !failure;
    if (!rows->open) {
        if (why)
            g_propagate_error(error, why);
        return ok;
    }
    rows->open = false;
    StoreValue values[] = {{.integer = (int64_t)machine_pos(host->machine)},
                           {.integer = complete && ok},
                           {.integer = rows->n},
                           {.bytes = self->name}};
    ok = ok && set_analysis(self, "UPDATE analysis SET to_pos = ?, complete = ?, rows = ? WHERE name = ?",
                            rows->n == ROWS_UNKNOWN ? "iins" : "iiis", values, &why);
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
    native_pack_finish(rows->pack, NULL);
    for (guint i = 0; i < rows->tables->len; i++) {
        RrTable *t = g_ptr_array_index(rows->tables, i);
        store_stmt_free(t->insert);
        g_free(t->name);
        g_free(t->types);
        g_free(t->made);
        g_free(t->letters);
        g_free(t->params);
        g_free(t);
    }
    g_ptr_array_unref(rows->tables);
    g_hash_table_unref(rows->names);
    g_clear_error(&rows->error);
    if (rows->open)
        store_rollback(self->plugin->host->store);
    g_free(rows);
}

int64_t native_rows_count(const Plugin *p) {
    return ((const RrSelf *)p->state)->rows->n;
}

/* -- tables ---------------------------------------------------------------------------------------------- */

static bool is_word(const char *name) {
    bool good = g_ascii_isalpha(*name);
    for (const char *p = name; *p; p++)
        good = good && (g_ascii_isalnum(*p) || *p == '_');
    return good;
}

void native_rows_claim(RrSelf *self, const char *name) {
    if (!is_word(name))
        native_misuse(self, "table '%s': expected letters, digits and _", name);
    if (!g_hash_table_add(self->rows->names, g_ascii_strdown(name, -1)))
        native_misuse(self, "table '%s' is declared twice", name);
}

bool native_rows_reserve(RrSelf *self, const char *name, GError **error) {
    const Plugin *p = self->plugin;
    bool is_own = p->is_builtin && !strcmp(self->name, self->class->name);
    return ((is_own || !analysis_name_is_taken(name)) && store_claim(p->host->store, name)) ||
           refuse_name(self, "the table or view", name, error);
}

bool native_claim_name(const Plugin *p, Store *store) {
    g_autofree char *row = g_strconcat("analysis ", native_name(p), NULL);
    return store_claim(store, row);
}

/* pos and seq, then the plugin's. */
static void add_columns(GString *sql, const RrTable *t, const RrColumn *columns,
                        void (*add)(GString *, const RrColumn *)) {
    static const RrColumn place[] = {{"pos", RR_INTEGER, false}, {"seq", RR_INTEGER, false}};
    for (unsigned i = 0; i < G_N_ELEMENTS(place) && !t->is_plain; i++) {
        g_string_append(sql, i ? ", " : "");
        add(sql, &place[i]);
    }
    for (unsigned i = 0; i < t->n; i++) {
        g_string_append(sql, t->is_plain && !i ? "" : ", ");
        add(sql, &columns[i]);
    }
}

static void add_name(GString *sql, const RrColumn *c) {
    g_string_append_printf(sql, "\"%s\"", c->name);
}

static void add_type(GString *sql, const RrColumn *c) {
    static const char *const types[] = {[RR_INTEGER] = "INTEGER",
                                        [RR_ADDRESS] = "INTEGER",
                                        [RR_TEXT] = "TEXT",
                                        [RR_BLOB] = "BLOB",
                                        [RR_SYMBOL] = "TEXT"};
    g_string_append_printf(sql, "\"%s\" %s", c->name, types[c->type]);
}

static void add_shown(GString *sql, const RrColumn *c) {
    if (c->type == RR_ADDRESS)
        g_string_append_printf(sql, "iif(\"%s\" IS NULL, NULL, printf('0x%%016x', \"%s\")) AS \"%s\"",
                               c->name, c->name, c->name);
    else
        add_name(sql, c);
}

/* A built-in's is what schema/db.sql says, in the section of that name. */
static bool create(const RrTable *t, const char *section, const RrColumn *columns, GError **error) {
    Store *store = t->self->plugin->host->store;
    if (t->self->plugin->is_builtin)
        return store_exec_section(store, section, t->name, error);
    g_autofree char *view = g_strconcat(t->name, "_v", NULL);
    g_autoptr(GString) sql = g_string_new(NULL);
    if (!store_drop(store, view, error) || !store_drop(store, t->name, error))
        return false;
    g_string_printf(sql, "CREATE TABLE \"%s\" (", t->name);
    add_columns(sql, t, columns, add_type);
    g_string_append_printf(sql, "%s; CREATE VIEW \"%s_v\" AS SELECT ",
                           t->is_plain ? ")" : ", PRIMARY KEY (pos, seq)) WITHOUT ROWID", t->name);
    add_columns(sql, t, columns, add_shown);
    g_string_append_printf(sql, " FROM \"%s\"; ", t->name);
    for (unsigned i = 0; i < t->n; i++)
        if (columns[i].is_key)
            g_string_append_printf(sql, "CREATE INDEX \"%s_%s\" ON \"%s\" (\"%s\"); ", t->name,
                                   columns[i].name, t->name, columns[i].name);
    return store_exec(store, sql->str, error);
}

static bool prepare(RrTable *t, const RrColumn *columns, GError **error) {
    g_autoptr(GString) sql = g_string_new(NULL);
    g_string_printf(sql, "INSERT INTO \"%s\" (", t->name);
    add_columns(sql, t, columns, add_name);
    g_string_append_printf(sql, ") VALUES (%s", t->is_plain ? "" : "?, ?");
    t->n_params = t->is_plain ? 0 : 2;
    for (unsigned i = 0; i < t->n; i++) {
        bool is_symbol = columns[i].type == RR_SYMBOL;
        g_string_append(sql, t->is_plain && !i ? "" : ", ");
        g_string_append(sql, is_symbol ? "symbol_at(?, ?, ?)" : "?");
        t->n_params += is_symbol ? 3 : 1;
    }
    g_string_append_c(sql, ')');
    t->letters = g_malloc0(t->n_params + 1);
    memset(t->letters, 'i', t->n_params);
    t->params = g_new0(StoreValue, t->n_params + 1);
    return store_prepare(t->self->plugin->host->store, sql->str, &t->insert, error);
}

/* NAME, NAME_suffix; of a built-in under its own name, just the suffix. */
static char *table_name(const RrSelf *self, const char *suffix) {
    if (!suffix)
        return g_strdup(self->name);
    if (self->plugin->is_builtin && !strcmp(self->name, self->class->name))
        return g_strdup(suffix);
    return g_strconcat(self->name, "_", suffix, NULL);
}

static RrTable *new_table(RrSelf *self, char *name, const RrColumn *columns, bool is_plain) {
    RrTable *t = g_new0(RrTable, 1);
    t->self = self;
    t->name = name;
    t->is_plain = is_plain;
    while (columns[t->n].name)
        t->n++;
    t->types = g_new0(uint8_t, t->n + 1);
    for (unsigned i = 0; i < t->n; i++) {
        if (!is_word(columns[i].name) || (unsigned)columns[i].type > RR_SYMBOL)
            native_misuse(self, "table '%s', column '%s': expected letters, digits and _, and a type", name,
                          columns[i].name);
        t->types[i] = (uint8_t)columns[i].type;
    }
    native_pack_declare(t);
    return t;
}

static bool reserve_both(RrSelf *self, const char *name, const char *view) {
    GError *error = NULL;
    if (native_rows_reserve(self, name, &error) && native_rows_reserve(self, view, &error))
        return true;
    native_rows_fail(self, error);
    return false;
}

static RrTable *declare(RrSelf *self, const char *suffix, const RrColumn *columns, bool is_plain) {
    NativeRows *rows = self->rows;
    char *name = table_name(self, suffix);
    g_autofree char *view = g_strconcat(name, "_v", NULL);
    GError *error = NULL;
    if (!self->installing)
        native_misuse(self, "rr_table() outside install");
    native_rows_claim(self, name);
    native_rows_claim(self, view);
    RrTable *t = new_table(self, name, columns, is_plain);
    if (!t->n && is_plain)
        native_misuse(self, "table '%s' has no columns", name);
    g_ptr_array_add(rows->tables, t);
    if (!native_rows_open(self) || !reserve_both(self, name, view))
        return t; /* install will not be believed */
    if (!create(t, suffix ? suffix : self->class->name, columns, &error) || !prepare(t, columns, &error))
        native_misuse(self, "%s", error->message);
    if (!rows->pack)
        rows->pack = native_pack_new();
    return t;
}

RrTable *rr_table(RrSelf *self, const char *suffix, const RrColumn *columns) {
    return declare(self, suffix, columns, false);
}

RrTable *rr_plain_table(RrSelf *self, const char *suffix, const RrColumn *columns) {
    return declare(self, suffix, columns, true);
}

/* -- rows ------------------------------------------------------------------------------------------------ */

static RrPlace place_now(RrSelf *self) {
    const PluginHost *host = self->plugin->host;
    const Hart *hart = host->hart || host->machine->n_harts ? plugin_hart(host) : NULL;
    return (RrPlace){.pos = native_pos(self), .satp = hart ? hart->satp : 0};
}

RrPlace rr_place(RrSelf *self) {
    RrPlace place = place_now(self);
    place.seq = native_next_seq(self, place.pos);
    return place;
}

void rr_row_at(RrTable *t, const RrPlace *place, const RrValue *values) {
    NativeRows *rows = t->self->rows;
    if (place->seq > UINT32_MAX)
        native_misuse(t->self, "rr_row_at() with a place that rr_place() did not give");
    if (rows->error)
        return;
    rows->n++;
    native_pack_add(rows->pack, t, place, values);
}

void rr_row(RrTable *t, const RrValue *values) {
    RrPlace place = t->is_plain ? place_now(t->self) : rr_place(t->self);
    rr_row_at(t, &place, values);
}

/* -- segments -------------------------------------------------------------------------------------------- */

void native_rows_divert(RrSelf *self) {
    if (self->rows->pack)
        native_pack_divert(self->rows->pack, self);
}

void native_rows_flush(RrSelf *self) {
    if (self->rows->pack)
        native_pack_flush(self->rows->pack);
}

void native_rows_take(RrSelf *self, const void *rows, size_t size) {
    self->rows->n += native_pack_take(self->rows->pack, self, rows, size);
}

void native_rows_pause(RrSelf *self, bool pause) {
    if (self->rows->pack)
        native_pack_pause(self->rows->pack, pause);
}
