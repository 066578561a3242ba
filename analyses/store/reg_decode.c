/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/reg_chunk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include "analyses/analysis.h"

#define STREAM_MAX ((size_t)1 << 24)

void reg_rows_done(RegRows *r) {
    for (unsigned i = 0; i < REG_STREAMS; i++)
        bytes_done(&r->raw[i]);
    g_free(r->row);
    g_free(r->seq);
    *r = (RegRows){0};
}

static bool read_streams(Reader *blob, RegRows *rows, Reader in[REG_STREAMS]) {
    Reader sizes = {blob->at, blob->at + 8 * REG_STREAMS, false};
    blob->at = sizes.end;
    for (unsigned i = 0; i < REG_STREAMS; i++) {
        size_t size = reader_low(&sizes, 4), stored = reader_low(&sizes, 4);
        const uint8_t *from = reader_take(blob, stored);
        if (!from || size > STREAM_MAX || (size == 0) != (stored == 0))
            return false;
        bytes_clear(&rows->raw[i]);
        bytes_reserve(&rows->raw[i], size + 1);
        if (size && ZSTD_decompress(rows->raw[i].data, size, from, stored) != size)
            return false;
        in[i] = (Reader){rows->raw[i].data, rows->raw[i].data + size, false};
    }
    return blob->at == blob->end;
}

static bool read_names(Reader *in, RegRows *rows, uint64_t n) {
    if (n > REG_MAX)
        return false;
    for (rows->n_names = 0; rows->n_names < n; rows->n_names++) {
        const uint8_t *end = memchr(in->at, 0, (size_t)(in->end - in->at));
        if (!end)
            return false;
        rows->name[rows->n_names] = (const char *)in->at;
        in->at = end + 1;
    }
    return true;
}

static bool read_rows(Reader in[REG_STREAMS], RegRows *rows, uint64_t n, uint32_t seq, int64_t pos) {
    g_autofree uint64_t *last = g_new0(uint64_t, (size_t)REG_HARTS * REG_MAX);
    if (n > REG_CHUNK_ROWS)
        return false;
    if (n > rows->room) {
        rows->room = REG_CHUNK_ROWS;
        rows->row = g_renew(RegRow, rows->row, rows->room);
        rows->seq = g_renew(uint32_t, rows->seq, rows->room);
    }
    for (uint64_t i = 0; i < n; i++) {
        RegRow *row = &rows->row[i];
        uint64_t step = reader_varint(&in[REG_POS]);
        pos = (int64_t)((uint64_t)pos + step);
        row->reg = reader_u8(&in[REG_REG]);
        row->hart = reader_u8(&in[REG_HART]);
        if (row->reg >= rows->n_names)
            return false;
        uint64_t *value = &last[row->hart * REG_MAX + row->reg];
        row->value = *value += unzigzag(reader_varint(&in[REG_VALUE]));
        row->pos = pos;
        rows->seq[i] = i && step == 0 ? rows->seq[i - 1] + 1 : seq;
    }
    rows->n = (uint32_t)n;
    return !in[REG_POS].bad && !in[REG_REG].bad && !in[REG_HART].bad && !in[REG_VALUE].bad;
}

bool reg_decode(const uint8_t *blob, size_t size, RegRows *rows, GError **error) {
    Reader r = {blob, blob + size, false}, in[REG_STREAMS];
    rows->n = 0;
    if (size >= REG_HEADER + 8) {
        Reader sum = {blob + size - 8, blob + size, false};
        bool good =
            reader_low(&sum, 8) == XXH3_64bits(blob, size - 8) && reader_low(&r, 4) == REG_CHUNK_MAGIC;
        uint64_t n = reader_low(&r, 4);
        uint32_t seq = (uint32_t)reader_low(&r, 4);
        uint64_t n_names = reader_low(&r, 4), pos = reader_low(&r, 8);
        r.end -= 8;
        if (good && read_streams(&r, rows, in) && read_names(&in[REG_NAME], rows, n_names) &&
            read_rows(in, rows, n, seq, (int64_t)pos))
            return true;
    }
    rows->n = 0;
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "a chunk of register values is damaged");
    return false;
}
