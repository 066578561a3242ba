/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/builtin/lines.h"

#include <glib.h>

#define LINE_LIMIT 65536u /* a longer line becomes several */

typedef struct Open {
    uint32_t port;
    bool to_guest;
    uint64_t first, last;
    GString *text;
} Open;

struct Lines {
    LineFn *fn;
    void *opaque;
    GPtrArray *open; /* of Open, in order of appearance */
};

static void open_free(void *p) {
    Open *line = p;
    g_string_free(line->text, TRUE);
    g_free(line);
}

Lines *lines_new(LineFn *fn, void *opaque) {
    Lines *l = g_new0(Lines, 1);
    l->fn = fn;
    l->opaque = opaque;
    l->open = g_ptr_array_new_with_free_func(open_free);
    return l;
}

void lines_free(Lines *l) {
    if (!l)
        return;
    g_ptr_array_free(l->open, TRUE);
    g_free(l);
}

static Open *find_open(const Lines *l, uint32_t port, bool to_guest) {
    for (guint i = 0; i < l->open->len; i++) {
        Open *line = g_ptr_array_index(l->open, i);
        if (line->port == port && line->to_guest == to_guest)
            return line;
    }
    Open *line = g_new0(Open, 1);
    *line = (Open){port, to_guest, 0, 0, g_string_new(NULL)};
    g_ptr_array_add(l->open, line);
    return line;
}

/* The text without the carriage returns before its end; bytes that are no UTF-8 become U+FFFD. */
static void tell(const Lines *l, Open *line) {
    while (line->text->len && line->text->str[line->text->len - 1] == '\r')
        g_string_truncate(line->text, line->text->len - 1);
    g_autofree char *text = g_utf8_make_valid(line->text->str, (gssize)line->text->len);
    g_autofree char *device = line->port == 0 ? g_strdup("uart0") : g_strdup_printf("console%u", line->port);
    l->fn(l->opaque, &(Line){device, text, line->to_guest, line->first, line->last});
    g_string_truncate(line->text, 0);
}

static bool ends_line(const Open *line, uint8_t byte) {
    return byte == '\n' || (line->to_guest && byte == '\r') || line->text->len >= LINE_LIMIT;
}

void lines_add(Lines *l, uint64_t pos, uint32_t port, bool to_guest, const uint8_t *data, size_t size) {
    Open *line = find_open(l, port, to_guest);
    for (size_t i = 0; i < size; i++) {
        bool ends = ends_line(line, data[i]);
        if (!line->text->len)
            line->first = pos;
        line->last = pos;
        if (data[i] != '\n' && data[i] != 0)
            g_string_append_c(line->text, (char)data[i]);
        if (ends)
            tell(l, line);
    }
}

void lines_end(Lines *l) {
    for (guint i = 0; i < l->open->len; i++) {
        Open *line = g_ptr_array_index(l->open, i);
        if (line->text->len)
            tell(l, line);
    }
}
