/* SPDX-License-Identifier: GPL-2.0-or-later */
/* console: what the guest printed and what was typed, a row a line. */
#include <glib.h>

#include "analyses/builtin/builtin.h"
#include "analyses/builtin/lines.h"

typedef struct Console {
    RrTable *table;
    Lines *lines;
    int64_t rows;
    bool is_worker;
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

/* A worker's bytes, which follow: a line may go on in another segment. */
typedef struct Piece {
    uint64_t pos;
    uint32_t source;
    bool to_guest;
} Piece;

static void put_piece(RrSelf *self, const RrBytes *e) {
    const Piece piece = {e->pos, e->source, e->to_guest};
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new((guint)(sizeof piece + e->size));
    g_byte_array_append(bytes, (const guint8 *)&piece, sizeof piece);
    g_byte_array_append(bytes, e->data, (guint)e->size);
    rr_segment_put(self, bytes->data, bytes->len);
}

static void on_console(RrSelf *self, const RrBytes *e) {
    const Console *c = rr_data(self);
    if (c->is_worker)
        put_piece(self, e);
    else
        lines_add(c->lines, e->pos, e->source, e->to_guest, e->data, e->size);
}

static void segment_begin(RrSelf *self, uint64_t from_pos) {
    ((Console *)rr_data(self))->is_worker = true;
}

static void merge(RrSelf *self, const void *bytes, size_t size) {
    const Console *c = rr_data(self);
    const Piece *piece = bytes;
    lines_add(c->lines, piece->pos, piece->source, piece->to_guest, (const uint8_t *)(piece + 1),
              size - sizeof *piece);
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
                                 .console = on_console,
                                 .segment_begin = segment_begin,
                                 .merge = merge};
