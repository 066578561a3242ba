/* SPDX-License-Identifier: GPL-2.0-or-later */
/* console: what the guest printed and what was typed, a row a line. */
#include <glib.h>

#include "analyses/builtin/builtin.h"
#include "analyses/builtin/lines.h"

typedef struct Console {
    RrTable *table;
    Lines *lines;
    int64_t rows;
} Console;

static const RrColumn columns[] = {{"id", RR_INTEGER},
                                   {"first_pos", RR_INTEGER},
                                   {"last_pos", RR_INTEGER},
                                   {"device", RR_TEXT},
                                   {"dir", RR_TEXT},
                                   {"text", RR_TEXT},
                                   {NULL}};

static void on_line(void *opaque, const Line *line) {
    Console *c = opaque;
    const RrValue values[] = {{{++c->rows}},
                              {{(int64_t)line->first_pos}},
                              {{(int64_t)line->last_pos}},
                              {.bytes = line->device},
                              {.bytes = line->to_guest ? "in" : "out"},
                              {.bytes = line->text}};
    rr_row(c->table, values);
}

static void on_console(RrSelf *self, const RrBytes *e) {
    const Console *c = rr_data(self);
    lines_add(c->lines, e->pos, e->source, e->to_guest, e->data, e->size);
}

static bool install(RrSelf *self) {
    Console *c = g_new0(Console, 1);
    rr_set_data(self, c);
    c->table = rr_plain_table(self, NULL, columns);
    c->lines = lines_new(on_line, c);
    return true;
}

static void end(RrSelf *self, bool complete) {
    const Console *c = rr_data(self);
    lines_end(c->lines);
}

static void uninstall(RrSelf *self) {
    Console *c = rr_data(self);
    lines_free(c->lines);
    g_free(c);
}

const RrPlugin console_plugin = {.version = RR_PLUGIN_VERSION,
                                 .name = "console",
                                 .help = "what the guest printed and what was typed, a row a line",
                                 .install = install,
                                 .end = end,
                                 .uninstall = uninstall,
                                 .console = on_console};
