/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/reg_chunk.h"

#include "analyses/store/streams.h"

#define ZSTD_LEVEL 1
#define ROW_ROOM 16u /* bytes of a row in a stream, at most */

struct RegEncoder {
    Bytes streams[REG_STREAMS], blob;
    ZSTD_CCtx *zstd;
    size_t n_names;
    uint32_t seq, rows;
    int64_t first_pos, last_pos;
    uint64_t last[REG_HARTS][REG_MAX];
};

RegEncoder *reg_encoder_new(const char *const *names, size_t n, uint32_t seq) {
    RegEncoder *e = g_new0(RegEncoder, 1);
    g_assert(n <= REG_MAX);
    e->n_names = n;
    e->seq = seq;
    e->zstd = ZSTD_createCCtx();
    for (size_t i = 0; i < n; i++)
        bytes_append(&e->streams[REG_NAME], names[i], strlen(names[i]) + 1);
    for (unsigned i = REG_POS; i < REG_STREAMS; i++)
        bytes_reserve(&e->streams[i], ROW_ROOM * REG_CHUNK_ROWS);
    return e;
}

void reg_encoder_free(RegEncoder *e) {
    if (!e)
        return;
    for (unsigned i = 0; i < REG_STREAMS; i++)
        bytes_done(&e->streams[i]);
    bytes_done(&e->blob);
    ZSTD_freeCCtx(e->zstd);
    g_free(e);
}

static void begin(RegEncoder *e, int64_t pos) {
    for (unsigned i = REG_POS; i < REG_STREAMS; i++)
        bytes_clear(&e->streams[i]);
    memset(e->last, 0, sizeof e->last);
    e->first_pos = e->last_pos = pos;
}

void reg_encoder_add(RegEncoder *e, const RegRow *row) {
    g_assert(row->reg < e->n_names && e->rows < REG_CHUNK_ROWS);
    if (e->rows++ == 0)
        begin(e, row->pos);
    uint64_t *last = &e->last[row->hart][row->reg];
    bytes_put_varint(&e->streams[REG_POS], (uint64_t)(row->pos - e->last_pos));
    bytes_put_u8(&e->streams[REG_REG], row->reg);
    bytes_put_u8(&e->streams[REG_HART], row->hart);
    bytes_put_varint(&e->streams[REG_VALUE], zigzag(row->value - *last));
    *last = row->value;
    e->last_pos = row->pos;
}

uint32_t reg_encoder_rows(const RegEncoder *e) {
    return e->rows;
}

void reg_encoder_end(RegEncoder *e, Bytes *blob, int64_t *first_pos, int64_t *last_pos) {
    Bytes *b = &e->blob;
    bytes_clear(b);
    bytes_reserve(b, REG_HEADER + 8);
    bytes_put_low(b, REG_CHUNK_MAGIC | (uint64_t)e->rows << 32, 8);
    bytes_put_low(b, e->seq | (uint64_t)e->n_names << 32, 8);
    bytes_put_low(b, (uint64_t)e->first_pos, 8);
    size_t sizes = bytes_size(b);
    b->at += 8 * REG_STREAMS;
    for (unsigned i = 0; i < REG_STREAMS; i++)
        streams_put(b, sizes + 8 * (size_t)i, e->zstd, ZSTD_LEVEL, &e->streams[i]);
    streams_seal(b);
    *blob = *b;
    *first_pos = e->first_pos;
    *last_pos = e->last_pos;
    e->rows = 0;
}
