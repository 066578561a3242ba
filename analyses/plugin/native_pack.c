/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native plugin interface: rows, packed on the guest's thread, written by a thread of their own in the order of making. */
#include <string.h>

#include "analyses/plugin/native.h"
#include "analyses/run.h"

#define BATCH_SIZE 65536u

/* Behind it: a cell for each column (the number, or how many bytes), a Kind for each, then the bytes. */
typedef struct PackedRow {
    RrTable *table;
    RrPlace place;
    size_t size; /* of all of it */
} PackedRow;

typedef enum { KIND_NULL, KIND_VALUE, KIND_SYSTEM } Kind;

typedef struct RowBatch {
    size_t used, size;
    uint64_t cells[];
} RowBatch;

struct NativePack {
    RowQueue *queue;
    RowBatch *filling; /* NULL: none */
    RrSelf *diverted;  /* in a worker: whose rows they are, which go to the process that leads */
};

static size_t round_up(size_t n) {
    return (n + 7) & ~(size_t)7;
}

/* -- writing --------------------------------------------------------------------------------------------- */

static uint64_t *cells_of(const PackedRow *row) {
    return (uint64_t *)(void *)(row + 1);
}

static uint8_t *kinds_of(const PackedRow *row) {
    return (uint8_t *)(cells_of(row) + row->table->n);
}

/* symbol_at(address, satp, pos) */
static unsigned add_symbol(const RrTable *t, unsigned at, const PackedRow *row, uint64_t address, Kind kind) {
    t->params[at].integer = (int64_t)address;
    t->params[at + 1].integer = (int64_t)row->place.satp;
    t->params[at + 2].integer = (int64_t)row->place.pos;
    t->letters[at] = kind == KIND_NULL ? 'n' : 'i';
    t->letters[at + 1] = kind == KIND_SYSTEM ? 'n' : 'i';
    t->letters[at + 2] = 'i';
    return at + 3;
}

static bool write_row(const PackedRow *row, GError **error) {
    const RrTable *t = row->table;
    const uint64_t *cells = cells_of(row);
    const uint8_t *kinds = kinds_of(row), *bytes = kinds + round_up(t->n);
    unsigned at = 0;
    if (!t->is_plain) {
        t->params[at++].integer = (int64_t)row->place.pos;
        t->params[at++].integer = (int64_t)row->place.seq;
    }
    for (unsigned i = 0; i < t->n; i++) {
        if (t->types[i] == RR_SYMBOL) {
            at = add_symbol(t, at, row, cells[i], kinds[i]);
            continue;
        }
        bool is_text = t->types[i] == RR_TEXT, is_blob = t->types[i] == RR_BLOB;
        t->letters[at] = kinds[i] == KIND_NULL ? 'n' : is_text ? 's' : is_blob ? 'b' : 'i';
        if (is_text || is_blob) {
            t->params[at].bytes = bytes;
            t->params[at].size = cells[i];
            bytes += cells[i];
        } else {
            t->params[at].integer = (int64_t)cells[i];
        }
        at++;
    }
    return store_run_values(t->insert, t->letters, t->params, error);
}

static bool write_batch(void *opaque, const void *item, GError **error) {
    RowBatch *b = *(RowBatch *const *)item;
    bool ok = true;
    for (size_t at = 0; ok && at < b->used;) {
        const PackedRow *row = (const PackedRow *)(const void *)((const char *)b->cells + at);
        ok = write_row(row, error);
        at += row->size;
    }
    g_free(b);
    return ok;
}

static void drop_batch(const void *item) {
    g_free(*(RowBatch *const *)item);
}

/* -- packing --------------------------------------------------------------------------------------------- */

NativePack *native_pack_new(void) {
    NativePack *pack = g_new0(NativePack, 1);
    pack->queue = row_queue_new(sizeof(RowBatch *), write_batch, pack);
    row_queue_set_drop(pack->queue, drop_batch);
    return pack;
}

static void hand_over(NativePack *pack) {
    if (pack->filling && pack->diverted) {
        native_segment_rows(pack->diverted, pack->filling->cells, pack->filling->used);
        g_free(pack->filling);
    } else if (pack->filling) {
        row_queue_push(pack->queue, &pack->filling);
        row_queue_flush(pack->queue);
    }
    pack->filling = NULL;
}

bool native_pack_finish(NativePack *pack, GError **error) {
    if (!pack)
        return true;
    hand_over(pack);
    bool ok = row_queue_finish(pack->queue, error);
    g_free(pack);
    return ok;
}

static PackedRow *make_room(NativePack *pack, size_t size) {
    RowBatch *b = pack->filling;
    if (b && size > b->size - b->used) {
        hand_over(pack);
        b = NULL;
    }
    if (!b) {
        size_t room = MAX(size, BATCH_SIZE);
        b = pack->filling = g_malloc(sizeof *b + room);
        b->used = 0;
        b->size = room;
    }
    PackedRow *row = (PackedRow *)(void *)((char *)b->cells + b->used);
    b->used += size;
    return row;
}

void native_pack_declare(RrTable *t) {
    t->knows_null = t->self->class->version >= 3;
    t->fixed = sizeof(PackedRow) + t->n * sizeof(uint64_t) + round_up(t->n);
    t->made = g_malloc0(t->fixed);
    ((PackedRow *)t->made)->table = t;
}

/* The cell, and what it is; NULL is no bytes. */
static Kind pack_value(const RrTable *t, RrType type, const RrValue *v, uint64_t *cell) {
    bool is_bytes = type == RR_TEXT || type == RR_BLOB;
    if ((v->size == RR_NULL && t->knows_null) || (is_bytes && !v->bytes)) {
        *cell = 0;
        return KIND_NULL;
    }
    *cell = type == RR_TEXT ? strlen(v->bytes) + 1 : type == RR_BLOB ? v->size : (uint64_t)v->integer;
    return type == RR_SYMBOL && v->size == RR_SYSTEM ? KIND_SYSTEM : KIND_VALUE;
}

void native_pack_add(NativePack *pack, RrTable *t, const RrPlace *place, const RrValue *values) {
    PackedRow *made = t->made;
    uint64_t *cells = cells_of(made);
    uint8_t *kinds = kinds_of(made);
    size_t size = t->fixed;
    for (unsigned i = 0; i < t->n; i++) {
        kinds[i] = (uint8_t)pack_value(t, t->types[i], &values[i], &cells[i]);
        size += t->types[i] == RR_TEXT || t->types[i] == RR_BLOB ? cells[i] : 0;
    }
    made->place = *place;
    made->size = round_up(size);
    uint8_t *to = (uint8_t *)make_room(pack, made->size);
    memcpy(to, made, t->fixed);
    to += t->fixed;
    for (unsigned i = 0; i < t->n; i++)
        if ((t->types[i] == RR_TEXT || t->types[i] == RR_BLOB) && cells[i]) {
            memcpy(to, values[i].bytes, cells[i]);
            to += cells[i];
        }
}

/* -- segments -------------------------------------------------------------------------------------------- */

void native_pack_divert(NativePack *pack, RrSelf *self) {
    pack->filling = NULL; /* what was there is the other process's */
    pack->diverted = self;
}

void native_pack_flush(NativePack *pack) {
    hand_over(pack);
}

int64_t native_pack_take(NativePack *pack, const RrSelf *self, const void *rows, size_t size) {
    int64_t n = 0;
    hand_over(pack);
    RowBatch *b = pack->filling = g_malloc(sizeof *b + size);
    b->used = b->size = size;
    memcpy(b->cells, rows, size);
    for (size_t at = 0; at < size; n++) {
        PackedRow *row = (PackedRow *)(void *)((char *)b->cells + at);
        for (size_t i = 0; i < G_N_ELEMENTS(self->counts); i++)
            if (row->place.pos == self->counts[i].pos)
                row->place.seq += self->counts[i].next[MIN(row->place.seq, SEQ_REGS) >> 20];
        at += row->size;
    }
    return n;
}

void native_pack_pause(NativePack *pack, bool pause) {
    (pause ? row_queue_pause : row_queue_resume)(pack->queue);
}

/* -- places ---------------------------------------------------------------------------------------------- */

void native_counts_reset(RrSelf *self) {
    self->counts[0].pos = self->counts[1].pos = POS_NONE;
}

/* Instead of the earlier one; the other one stays while it is near. */
static NativeCount *new_count(RrSelf *self, Pos pos) {
    bool second = self->counts[1].pos + 1 < self->counts[0].pos + 1; /* POS_NONE is the earliest */
    NativeCount *c = &self->counts[second], *other = &self->counts[!second];
    if (other->pos > pos + 1)
        other->pos = POS_NONE;
    *c = (NativeCount){.pos = pos};
    return c;
}

NativeCount *native_count_at(RrSelf *self, Pos pos) {
    for (size_t i = 0; i < G_N_ELEMENTS(self->counts); i++)
        if (self->counts[i].pos == pos)
            return &self->counts[i];
    return new_count(self, pos);
}

uint32_t native_rows_at(RrSelf *self, Pos pos) {
    return native_count_at(self, pos)->next[self->seq_class >> 20];
}

void native_rows_skip(RrSelf *self, Pos pos, uint32_t n) {
    uint32_t *next = &native_count_at(self, pos)->next[self->seq_class >> 20];
    *next = MAX(*next, n);
}

uint32_t native_next_seq(RrSelf *self, Pos pos) {
    return self->seq_class + native_count_at(self, pos)->next[self->seq_class >> 20]++;
}
