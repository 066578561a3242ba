/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/lines.h"

#define LINE_LIMIT 65536u /* a longer line becomes several rows */

typedef struct Line {
    uint32_t port;
    bool to_guest;
    Pos first, last;
    GString *text;
} Line;

struct Lines {
    StoreStmt *insert;
    GPtrArray *open; /* of Line, in order of appearance */
    int64_t rows;
};

static void line_free(void *p) {
    Line *line = p;
    g_string_free(line->text, TRUE);
    g_free(line);
}

bool lines_new(Store *s, const char *table, Lines **ret, GError **error) {
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s\" VALUES (?, ?, ?, ?, ?, ?)", table);
    StoreStmt *insert;
    if (!store_prepare(s, sql, &insert, error))
        return false;
    *ret = g_new0(Lines, 1);
    (*ret)->insert = insert;
    (*ret)->open = g_ptr_array_new_with_free_func(line_free);
    return true;
}

void lines_free(Lines *l) {
    if (!l)
        return;
    store_stmt_free(l->insert);
    g_ptr_array_free(l->open, TRUE);
    g_free(l);
}

int64_t lines_rows(const Lines *l) {
    return l->rows;
}

static Line *line_find(Lines *l, uint32_t port, bool to_guest) {
    for (guint i = 0; i < l->open->len; i++) {
        Line *line = g_ptr_array_index(l->open, i);
        if (line->port == port && line->to_guest == to_guest)
            return line;
    }
    Line *line = g_new0(Line, 1);
    *line = (Line){port, to_guest, 0, 0, g_string_new(NULL)};
    g_ptr_array_add(l->open, line);
    return line;
}

/* The text without the carriage returns before its end; bytes that are no UTF-8 become U+FFFD. */
static bool line_write(Lines *l, Line *line, GError **error) {
    while (line->text->len && line->text->str[line->text->len - 1] == '\r')
        g_string_truncate(line->text, line->text->len - 1);
    g_autofree char *text = g_utf8_make_valid(line->text->str, (gssize)line->text->len);
    g_autofree char *device = line->port == 0 ? g_strdup("uart0") : g_strdup_printf("console%u", line->port);
    bool ok = store_run(l->insert, error, "iuusss", ++l->rows, line->first, line->last, device,
                        line->to_guest ? "in" : "out", text);
    g_string_truncate(line->text, 0);
    return ok;
}

static bool ends_line(const Line *line, uint8_t byte) {
    return byte == '\n' || (line->to_guest && byte == '\r') || line->text->len >= LINE_LIMIT;
}

bool lines_add(Lines *l, Pos pos, uint32_t port, bool to_guest, const uint8_t *data, uint32_t size,
               GError **error) {
    Line *line = line_find(l, port, to_guest);
    for (uint32_t i = 0; i < size; i++) {
        bool end = ends_line(line, data[i]);
        if (!line->text->len)
            line->first = pos;
        line->last = pos;
        if (data[i] != '\n' && data[i] != 0)
            g_string_append_c(line->text, (char)data[i]);
        if (end && !line_write(l, line, error))
            return false;
    }
    return true;
}

bool lines_end(Lines *l, GError **error) {
    for (guint i = 0; i < l->open->len; i++) {
        Line *line = g_ptr_array_index(l->open, i);
        if (line->text->len && !line_write(l, line, error))
            return false;
    }
    return true;
}
