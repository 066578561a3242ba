/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/call_chunk.h"

#include "analyses/store/streams.h"

#define ZSTD_LEVEL (-3) /* 1: a fifth smaller, twice the time */
#define ROW_ROOM 10u    /* bytes of a row in a column, at most */
#define RADIX 2048u

struct CallEncoder {
    Bytes column, blob;
    ZSTD_CCtx *zstd;
    const CallRow *order[2][CALL_CHUNK_ROWS];
};

CallEncoder *call_encoder_new(void) {
    CallEncoder *e = g_new0(CallEncoder, 1);
    e->zstd = ZSTD_createCCtx();
    bytes_reserve(&e->column, ROW_ROOM * CALL_CHUNK_ROWS);
    return e;
}

void call_encoder_free(CallEncoder *e) {
    if (!e)
        return;
    bytes_done(&e->column);
    bytes_done(&e->blob);
    ZSTD_freeCCtx(e->zstd);
    g_free(e);
}

/* By the digit of the id above `base`, those of equal digits as they were. */
static void sort_digit(const CallRow **from, const CallRow **to, uint32_t n, uint64_t base, unsigned shift) {
    uint32_t at[RADIX + 1] = {0};
    for (uint32_t i = 0; i < n; i++)
        at[((from[i]->v[CALL_COLUMN_ID] - base) >> shift) % RADIX + 1]++;
    for (uint32_t i = 1; i < RADIX; i++)
        at[i] += at[i - 1];
    for (uint32_t i = 0; i < n; i++)
        to[at[((from[i]->v[CALL_COLUMN_ID] - base) >> shift) % RADIX]++] = from[i];
}

static const CallRow *const *sort(CallEncoder *e, const CallRow *rows, uint32_t n) {
    uint64_t low = UINT64_MAX, high = 0;
    unsigned k = 0;
    for (uint32_t i = 0; i < n; i++) {
        e->order[0][i] = &rows[i];
        low = MIN(low, rows[i].v[CALL_COLUMN_ID]);
        high = MAX(high, rows[i].v[CALL_COLUMN_ID]);
    }
    for (unsigned shift = 0; shift < 64 && (high - low) >> shift; shift += 11, k ^= 1)
        sort_digit(e->order[k], e->order[k ^ 1], n, low, shift);
    return e->order[k];
}

static void put_column(CallEncoder *e, const CallRow *const *rows, uint32_t n, unsigned column) {
    const CallCode *code = &call_codes[column];
    Bytes *to = &e->column;
    uint64_t last = 0;
    bytes_clear(to);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *v = rows[i]->v;
        if ((v[CALL_COLUMN_FLAGS] & code->needs) != code->needs)
            continue;
        if (code->base == CALL_COLUMN_NOTHING)
            bytes_put_varint(to, v[column]);
        else
            bytes_put_varint(to, zigzag(v[column] - (code->base < CALL_COLUMNS ? v[code->base] : last)));
        if (code->base == CALL_COLUMN_PREVIOUS)
            last = v[column];
    }
}

void call_encoder_make(CallEncoder *e, const CallRow *rows, uint32_t n, Bytes *blob) {
    Bytes *b = &e->blob;
    g_assert(n <= CALL_CHUNK_ROWS);
    const CallRow *const *sorted = sort(e, rows, n);
    bytes_clear(b);
    bytes_reserve(b, CALL_HEADER + 8);
    bytes_put_low(b, CALL_CHUNK_MAGIC | (uint64_t)n << 32, 8);
    size_t sizes = bytes_size(b);
    b->at += 8 * CALL_COLUMNS;
    for (unsigned i = 0; i < CALL_COLUMNS; i++) {
        put_column(e, sorted, n, i);
        streams_put(b, sizes + 8 * (size_t)i, e->zstd, ZSTD_LEVEL, &e->column);
    }
    streams_seal(b);
    *blob = *b;
}
