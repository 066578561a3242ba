/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/reg_chunk.h"

#include "analyses/analysis.h"
#include "analyses/store/streams.h"

void reg_rows_done(RegRows *r) {
    for (unsigned i = 0; i < REG_STREAMS; i++)
        bytes_done(&r->raw[i]);
    g_free(r->row);
    g_free(r->seq);
    *r = (RegRows){0};
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

static bool read_chunk(const uint8_t *blob, size_t size, RegRows *rows) {
    Reader r, in[REG_STREAMS];
    if (!streams_open(blob, size, REG_HEADER, REG_CHUNK_MAGIC, &r))
        return false;
    uint64_t n = reader_low(&r, 4);
    uint32_t seq = (uint32_t)reader_low(&r, 4);
    uint64_t n_names = reader_low(&r, 4), pos = reader_low(&r, 8);
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    bool is_unpacked = streams_read(&r, zstd, rows->raw, in, REG_STREAMS);
    ZSTD_freeDCtx(zstd);
    return is_unpacked && read_names(&in[REG_NAME], rows, n_names) &&
           read_rows(in, rows, n, seq, (int64_t)pos);
}

bool reg_decode(const uint8_t *blob, size_t size, RegRows *rows, GError **error) {
    rows->n = 0;
    if (read_chunk(blob, size, rows))
        return true;
    rows->n = 0;
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "a chunk of register values is damaged");
    return false;
}
