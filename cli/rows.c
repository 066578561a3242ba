/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct RowFormat {
    const char *name;
    void (*begin)(Rows *r);
    void (*row)(Rows *r, const QueryValue *values);
    void (*end)(Rows *r);
} RowFormat;

struct Rows {
    const RowFormat *format;
    int n;
    char **names;
    uint64_t count;
    GPtrArray *cells; /* table: of char*, row by row, the names first */
};

static char *value_text(const QueryValue *v) {
    switch (v->type) {
    case QUERY_INTEGER: return g_strdup_printf("%" G_GINT64_FORMAT, v->integer);
    case QUERY_REAL: return g_strdup_printf("%.15g", v->real);
    case QUERY_TEXT: return g_strndup(v->text, v->size);
    case QUERY_BLOB: {
        GString *hex = g_string_new(NULL);
        for (size_t i = 0; i < v->size; i++)
            g_string_append_printf(hex, "%02x", v->bytes[i]);
        return g_string_free(hex, FALSE);
    }
    case QUERY_NULL: break;
    }
    return g_strdup("");
}

/* -- table: columns as wide as their widest cell, those of numbers to the right ------------------------------ */

/* Rows whose widths are measured before anything is printed; a longer result is aligned window by window. */
#define TABLE_WINDOW 10000

typedef struct Column {
    glong width;
    bool is_text; /* to the left: not all of its cells are numbers */
} Column;

static void table_begin(Rows *r) {
    r->cells = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < r->n; i++)
        g_ptr_array_add(r->cells, g_strdup(r->names[i]));
}

static void table_rule(const Column *columns, int n) {
    for (int k = 0; k < n; k++) {
        g_autofree char *rule = g_strnfill((gsize)columns[k].width, '-');
        printf("%s%s", rule, k == n - 1 ? "\n" : "  ");
    }
}

static bool is_number(const char *cell) {
    return strspn(cell, "-0123456789.") == strlen(cell);
}

static void table_measure(const Rows *r, Column *columns) {
    guint n = (guint)r->n, names = r->count <= TABLE_WINDOW ? n : 0;
    for (guint i = 0; i < r->cells->len; i++) {
        const char *cell = r->cells->pdata[i];
        Column *c = &columns[i % n];
        c->width = MAX(c->width, g_utf8_strlen(cell, -1));
        c->is_text |= i >= names && !is_number(cell);
    }
}

static void table_flush(Rows *r) {
    g_autofree Column *columns = g_new0(Column, (gsize)r->n);
    guint n = (guint)r->n, names = r->count <= TABLE_WINDOW ? n : 0;
    table_measure(r, columns);
    for (guint i = 0; i < r->cells->len; i++) {
        const char *cell = r->cells->pdata[i];
        const Column *c = &columns[i % n];
        int pad = (int)(c->width - g_utf8_strlen(cell, -1));
        bool last = i % n == n - 1, right = i >= names && !c->is_text;
        printf("%*s%s%*s%s", right ? pad : 0, "", cell, right || last ? 0 : pad, "", last ? "\n" : "  ");
        if (names && i == n - 1)
            table_rule(columns, r->n);
    }
    g_ptr_array_set_size(r->cells, 0);
}

/* A cell stays in its column, and what a guest printed cannot speak to the terminal of whoever asks. */
static char *plain(char *text) {
    for (char *p = text; *p; p++)
        if (g_ascii_iscntrl(*p))
            *p = ' ';
    return text;
}

static void table_row(Rows *r, const QueryValue *values) {
    for (int i = 0; i < r->n; i++)
        g_ptr_array_add(r->cells, plain(value_text(&values[i])));
    if (r->count % TABLE_WINDOW == 0)
        table_flush(r);
}

static void table_end(Rows *r) {
    table_flush(r);
    g_clear_pointer(&r->cells, g_ptr_array_unref);
}

/* -- csv: RFC 4180 ------------------------------------------------------------------------------------------ */

static void csv_cell(const char *text, bool last) {
    if (strpbrk(text, ",\"\r\n")) {
        putchar('"');
        for (; *text; text++) {
            if (*text == '"')
                putchar('"');
            putchar(*text);
        }
        putchar('"');
    } else {
        fputs(text, stdout);
    }
    fputs(last ? "\n" : ",", stdout);
}

static void csv_begin(Rows *r) {
    for (int i = 0; i < r->n; i++)
        csv_cell(r->names[i], i == r->n - 1);
}

static void csv_row(Rows *r, const QueryValue *values) {
    for (int i = 0; i < r->n; i++) {
        g_autofree char *text = value_text(&values[i]);
        csv_cell(text, i == r->n - 1);
    }
}

/* -- json: an array of objects; integers beyond 2^53 as strings --------------------------------------------- */

static void json_string(const char *text) {
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    putchar('"');
    for (const unsigned char *p = (const unsigned char *)valid; *p; p++) {
        if (*p == '"' || *p == '\\')
            printf("\\%c", *p);
        else if (*p < 0x20)
            printf("\\u%04x", *p);
        else
            putchar(*p);
    }
    putchar('"');
}

static void json_begin(Rows *r) {
    fputs("[", stdout);
}

static void json_row(Rows *r, const QueryValue *values) {
    fputs(r->count > 1 ? ",\n{" : "\n{", stdout);
    for (int i = 0; i < r->n; i++) {
        const QueryValue *v = &values[i];
        g_autofree char *text = value_text(v);
        bool exact = v->integer >= -(1ll << 53) && v->integer <= 1ll << 53;
        fputs(i ? ", " : "", stdout);
        json_string(r->names[i]);
        fputs(": ", stdout);
        if (v->type == QUERY_NULL)
            fputs("null", stdout);
        else if ((v->type == QUERY_REAL && isfinite(v->real)) || (v->type == QUERY_INTEGER && exact))
            fputs(text, stdout);
        else
            json_string(text);
    }
    fputs("}", stdout);
}

static void json_end(Rows *r) {
    puts("\n]");
}

/* -- line --------------------------------------------------------------------------------------------------- */

static void line_row(Rows *r, const QueryValue *values) {
    int width = 0;
    for (int i = 0; i < r->n; i++)
        width = MAX(width, (int)strlen(r->names[i]));
    if (r->count > 1)
        puts("");
    for (int i = 0; i < r->n; i++) {
        g_autofree char *text = value_text(&values[i]);
        printf("%*s = %s\n", width, r->names[i], text);
    }
}

static const RowFormat formats[] = {
    {"table", table_begin, table_row, table_end},
    {"csv", csv_begin, csv_row, NULL},
    {"json", json_begin, json_row, json_end},
    {"line", NULL, line_row, NULL},
};

static void rows_begin(void *opaque, int n, const char *const *names) {
    Rows *r = opaque;
    g_strfreev(r->names);
    r->names = g_new0(char *, (gsize)n + 1);
    for (int i = 0; i < n; i++)
        r->names[i] = g_strdup(names[i]);
    r->n = n;
    r->count = 0;
    if (r->format->begin)
        r->format->begin(r);
}

static void rows_row(void *opaque, int n, const QueryValue *values) {
    Rows *r = opaque;
    r->count++;
    r->format->row(r, values);
}

static void rows_end(void *opaque) {
    Rows *r = opaque;
    if (r->format->end)
        r->format->end(r);
}

const QueryOps rows_ops = {.begin = rows_begin, .row = rows_row, .end = rows_end};

Rows *rows_new(const char *format) {
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (!strcmp(formats[i].name, format)) {
            Rows *r = g_new0(Rows, 1);
            r->format = &formats[i];
            return r;
        }
    return NULL;
}

void rows_free(Rows *r) {
    g_strfreev(r->names);
    g_clear_pointer(&r->cells, g_ptr_array_unref);
    g_free(r);
}
