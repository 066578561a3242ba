/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/packed.h"

#include "analyses/analysis.h"
#include "analyses/store/streams.h"

#define MAGIC 0x314b4350u

void packed_chunk_free(PackedChunk *c) {
    if (!c)
        return;
    for (uint32_t i = 0; i < c->columns; i++) {
        g_free(c->value[i]);
        g_free(c->is_null[i]);
    }
    g_free(c->string);
    g_free(c->text);
    g_free(c);
}

static bool read_strings(PackedChunk *c, const Reader *in) {
    size_t size = (size_t)(in->end - in->at);
    c->text = g_memdup2(in->at, size);
    if (size && c->text[size - 1])
        return false;
    for (size_t i = 0; i < size; i++)
        c->n_strings += !c->text[i];
    c->string = g_new(const char *, c->n_strings);
    const char *at = c->text;
    for (uint32_t i = 0; i < c->n_strings; i++, at += strlen(at) + 1)
        c->string[i] = at;
    return true;
}

static bool read_nulls(PackedChunk *c, unsigned column, Reader *in) {
    const uint8_t *bits = reader_take(in, (c->n + 7) / 8);
    if (!bits)
        return false;
    c->is_null[column] = g_new(uint8_t, c->n);
    for (uint32_t i = 0; i < c->n; i++)
        c->is_null[column][i] = !(bits[i / 8] >> i % 8 & 1);
    return true;
}

static bool read_column(PackedChunk *c, unsigned column, char type, Reader *in) {
    uint64_t last = 0;
    c->value[column] = g_new0(int64_t, c->n);
    if (reader_u8(in) && !read_nulls(c, column, in))
        return false;
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->is_null[column] && c->is_null[column][i])
            continue;
        uint64_t v = reader_varint(in);
        last = type == 's' ? v : last + unzigzag(v);
        c->value[column][i] = (int64_t)last;
        if (type == 's' && v >= c->n_strings)
            return false;
    }
    return !in->bad && in->at == in->end;
}

static bool read_chunk(PackedChunk *c, Reader *r, const char *types, ZSTD_DCtx *zstd) {
    Bytes raw[PACKED_COLUMNS_MAX + 1] = {{0}};
    Reader in[PACKED_COLUMNS_MAX + 1];
    bool ok = streams_read(r, zstd, raw, in, c->columns + 1) && read_strings(c, &in[c->columns]);
    for (unsigned i = 0; ok && i < c->columns; i++)
        ok = read_column(c, i, types[i], &in[i]);
    for (unsigned i = 0; i <= c->columns; i++)
        bytes_done(&raw[i]);
    return ok;
}

PackedChunk *packed_chunk_open(const uint8_t *blob, size_t size, const char *types, ZSTD_DCtx *zstd,
                               GError **error) {
    Reader r;
    PackedChunk *c = g_new0(PackedChunk, 1);
    bool ok = blob && streams_open(blob, size, 12, MAGIC, &r);
    if (ok) {
        c->n = (uint32_t)reader_low(&r, 4);
        uint64_t columns = reader_low(&r, 4);
        ok = c->n >= 1 && c->n <= PACKED_ROWS && columns == strlen(types) && columns <= PACKED_COLUMNS_MAX;
        c->columns = ok ? (uint32_t)columns : 0;
    }
    if (ok && read_chunk(c, &r, types, zstd))
        return c;
    packed_chunk_free(c);
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "a chunk of a packed table is damaged");
    return NULL;
}
