/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/symbolizer.h"

#include "analyses/store/query.h"
#include "cli/database.h"

struct Symbolizer {
    Store *store;
};

Symbolizer *symbolizer_new(const Rec *rec, const GPtrArray *files, GError **error) {
    Symbolizer *s = g_new0(Symbolizer, 1);
    if (store_open(NULL, &s->store, error) && database_symbols(s->store, rec, files, error))
        return s;
    symbolizer_free(s);
    return NULL;
}

void symbolizer_free(Symbolizer *s) {
    g_clear_pointer(&s->store, store_close);
    g_free(s);
}

static void ignore_begin(void *opaque, int n, const char *const *names) {}
static void ignore_end(void *opaque) {}

static void take_text(void *opaque, int n, const QueryValue *values) {
    if (values[0].type == QUERY_TEXT)
        *(char **)opaque = g_strdup(values[0].text);
}

static void take_line(void *opaque, int n, const QueryValue *values) {
    SymbolizerLine *to = opaque;
    if (values[0].type != QUERY_TEXT || to->file)
        return;
    to->file = g_strdup(values[0].text);
    to->number = (unsigned)values[1].integer;
}

SymbolizerLine symbolizer_line(Symbolizer *s, uint64_t pc) {
    static const QueryOps ops = {ignore_begin, take_line, ignore_end};
    SymbolizerLine line = {0};
    g_autofree char *sql =
        g_strdup_printf("SELECT file, line FROM line WHERE addr <= %" G_GINT64_FORMAT " AND (addr < 0) = %d "
                        "ORDER BY addr DESC LIMIT 1",
                        (gint64)pc, (gint64)pc < 0);
    store_query(store_handle(s->store), sql, &ops, &line, NULL);
    return line;
}

static char *ask_name(Symbolizer *s, const char *sql) {
    static const QueryOps ops = {ignore_begin, take_text, ignore_end};
    char *name = NULL;
    if (!store_query(store_handle(s->store), sql, &ops, &name, NULL) || !name)
        name = g_strdup("");
    return name;
}

char *symbolizer_name(Symbolizer *s, uint64_t pc) {
    g_autofree char *sql = g_strdup_printf("SELECT sym(%" G_GINT64_FORMAT ")", (gint64)pc);
    return ask_name(s, sql);
}

char *symbolizer_name_at(Symbolizer *s, uint64_t pc, uint64_t satp, Pos pos) {
    g_autofree char *sql =
        g_strdup_printf("SELECT symbol_at(%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ")",
                        (gint64)pc, (gint64)satp, (gint64)pos);
    return ask_name(s, sql);
}

Store *symbolizer_store(Symbolizer *s) {
    return s->store;
}
