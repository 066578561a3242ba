/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The native plugin interface: a replay by several workers (segments.h). A worker writes records to a stream that only
 * the process that it was forked from reads: rows, texts, pieces for merge, and at last where the plugin stands.
 * Pieces are kept until all segments are over, because workers begin with the plugin's memory.
 */
#include <string.h>

#include "analyses/plugin/native.h"

typedef enum { RECORD_ROWS, RECORD_TEXT, RECORD_PIECE, RECORD_END } RecordKind;

static void write_record(RrSelf *self, RecordKind kind, const void *data, size_t size) {
    const PluginHost *host = self->plugin->host;
    const SegmentRecord head = {(uint16_t)kind, !self->plugin->is_builtin ? 0 : 1,
                                (uint32_t)self->plugin->id - 1, size};
    fwrite(&head, sizeof head, 1, host->segment); /* the stream remembers its errors */
    if (size)
        fwrite(data, size, 1, host->segment);
}

bool native_is_parallel(const Plugin *p) {
    return ((const RrSelf *)p->state)->class->merge != NULL;
}

/* -- the worker ------------------------------------------------------------------------------------------ */

void native_segment_begin(Plugin *p, Pos from) {
    RrSelf *self = p->state;
    native_counts_reset(self);
    native_rows_divert(self);
    native_events_stop(self); /* what was followed between the segments */
    native_events_watch(self);
    native_events_begin(self);
    self->waits = true;
    NATIVE_CALL(self, segment_begin, POS_NONE, NULL, SEQ_STATE, from);
    self->waits = false;
}

void native_segment_end(Plugin *p, Pos to) {
    RrSelf *self = p->state;
    bool stopped = self->stopped;
    self->stopped = false; /* which concerns what happens in the machine */
    NATIVE_CALL(self, segment_end, POS_NONE, NULL, SEQ_REGS, to);
    native_rows_flush(self);
    NativeStand stand = {.stopped = stopped || self->stopped};
    memcpy(stand.counts, self->counts, sizeof stand.counts);
    write_record(self, RECORD_END, &stand, sizeof stand);
}

void native_segment_rows(RrSelf *self, const void *rows, size_t size) {
    write_record(self, RECORD_ROWS, rows, size);
}

void native_segment_text(RrSelf *self, const char *text) {
    write_record(self, RECORD_TEXT, text, strlen(text) + 1);
}

void rr_segment_put(RrSelf *self, const void *bytes, size_t size) {
    if (!self->plugin->host->segment)
        native_misuse(self, "rr_segment_put() outside a segment");
    write_record(self, RECORD_PIECE, bytes, size);
}

/* -- the process that leads ------------------------------------------------------------------------------ */

static void add_count(RrSelf *self, const NativeCount *more) {
    if (more->pos == POS_NONE)
        return;
    NativeCount *c = native_count_at(self, more->pos);
    for (size_t i = 0; i < G_N_ELEMENTS(c->next); i++)
        c->next[i] += more->next[i];
}

/* Rows at the segment's first position go on counting where those of the segment before ended. */
static void take_stand(RrSelf *self, const NativeStand *stand) {
    bool swap = stand->counts[0].pos > stand->counts[1].pos;
    add_count(self, &stand->counts[swap]);
    add_count(self, &stand->counts[!swap]);
    self->stopped = stand->stopped;
}

/* After rr_stop_observing() in one segment what later ones saw does not count. */
void native_collect_begin(Plugin *p) {
    RrSelf *self = p->state;
    self->deaf = self->stopped;
}

void native_collect(Plugin *p, const SegmentRecord *r, const void *data) {
    RrSelf *self = p->state;
    if (self->deaf)
        return;
    switch (r->kind) {
    case RECORD_ROWS: native_rows_take(self, data, r->size); return;
    case RECORD_TEXT: p->host->env.print(p->host->env.opaque, data); return;
    case RECORD_PIECE: g_ptr_array_add(self->pieces, g_bytes_new(data, r->size)); return;
    default: take_stand(self, data);
    }
}

void native_merge(Plugin *p) {
    RrSelf *self = p->state;
    bool stopped = self->stopped;
    self->stopped = false;
    for (guint i = 0; i < self->pieces->len; i++) {
        gsize size;
        const void *bytes = g_bytes_get_data(self->pieces->pdata[i], &size);
        NATIVE_CALL(self, merge, POS_NONE, NULL, SEQ_REGS, bytes, size);
    }
    self->stopped = stopped;
    g_ptr_array_set_size(self->pieces, 0);
}
