/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/ask.h"

typedef struct Row {
    AskFn *fn;
    void *opaque;
} Row;

static void ignore_begin(void *opaque, int n, const char *const *names) {}
static void ignore_end(void *opaque) {}

static void pass_row(void *opaque, int n, const QueryValue *values) {
    const Row *r = opaque;
    r->fn(r->opaque, values);
}

bool ask_rows(sqlite3 *db, const char *sql, AskFn *fn, void *opaque, GError **error) {
    static const QueryOps ops = {ignore_begin, pass_row, ignore_end};
    Row row = {fn, opaque};
    return store_query(db, sql, &ops, &row, error);
}

static void take_integer(void *opaque, const QueryValue *v) {
    if (v[0].type == QUERY_INTEGER)
        *(int64_t *)opaque = v[0].integer;
}

int64_t ask_integer(sqlite3 *db, const char *sql, int64_t fallback) {
    ask_rows(db, sql, take_integer, &fallback, NULL);
    return fallback;
}

static void take_text(void *opaque, const QueryValue *v) {
    if (v[0].type == QUERY_TEXT && !*(char **)opaque)
        *(char **)opaque = g_strdup(v[0].text);
}

char *ask_text(sqlite3 *db, const char *sql) {
    char *text = NULL;
    ask_rows(db, sql, take_text, &text, NULL);
    return text;
}

bool ask_has(sqlite3 *db, const char *table) {
    g_autofree char *sql =
        g_strdup_printf("SELECT 1 FROM sqlite_master WHERE name = '%s' AND type IN ('table', 'view')", table);
    return ask_integer(db, sql, 0) == 1;
}

void put_json_string(FILE *to, const char *text) {
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
    putc('"', to);
    for (const unsigned char *p = (const unsigned char *)valid; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(to, "\\%c", *p);
        else if (*p < 0x20 || *p == '<' || *p == 0x7f)
            fprintf(to, "\\u%04x", *p);
        else
            putc(*p, to);
    }
    putc('"', to);
}

/* -- guest time ---------------------------------------------------------------------------------------------- */

typedef struct Tick {
    int64_t pos, ns;
} Tick;

struct Clock {
    GArray *ticks; /* of Tick, by pos */
    unsigned shift;
};

static void add_tick(void *opaque, const QueryValue *v) {
    Clock *c = opaque;
    Tick t = {v[0].integer, v[1].integer};
    const Tick *last = c->ticks->len ? &g_array_index(c->ticks, Tick, c->ticks->len - 1) : NULL;
    if (!last || (t.pos > last->pos && t.ns >= last->ns))
        g_array_append_val(c->ticks, t);
}

Clock *clock_new(sqlite3 *db, GError **error) {
    static const char *const known[][2] = {{"checkpoint", "SELECT pos, time_ns FROM checkpoint"},
                                           {"cpu", "SELECT from_pos, from_ns FROM cpu"},
                                           {"trap", "SELECT pos, time_ns FROM trap"},
                                           {"irq", "SELECT pos, time_ns FROM irq"}};
    Clock *c = g_new0(Clock, 1);
    c->ticks = g_array_new(FALSE, FALSE, sizeof(Tick));
    c->shift =
        (unsigned)ask_integer(db, "SELECT cast(value AS INTEGER) FROM meta WHERE key = 'icount_shift'", 0);
    g_autoptr(GString) sql = g_string_new("SELECT 0, 0");
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (ask_has(db, known[i][0]))
            g_string_append_printf(sql, " UNION %s", known[i][1]);
    g_string_append(sql, " ORDER BY 1, 2");
    if (ask_rows(db, sql->str, add_tick, c, error))
        return c;
    clock_free(c);
    return NULL;
}

void clock_free(Clock *c) {
    g_array_unref(c->ticks);
    g_free(c);
}

int64_t clock_ns(const Clock *c, int64_t pos) {
    guint low = 0, high = c->ticks->len; /* the last tick at or before pos */
    while (high - low > 1) {
        guint middle = (low + high) / 2;
        *(g_array_index(c->ticks, Tick, middle).pos <= pos ? &low : &high) = middle;
    }
    const Tick *t = &g_array_index(c->ticks, Tick, low);
    int64_t ns = t->ns + (int64_t)((uint64_t)(pos - t->pos) << (c->shift & 63));
    return low + 1 < c->ticks->len ? MIN(ns, t[1].ns) : ns;
}
