/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/call_chunk.h"

#include "analyses/analysis.h"
#include "analyses/store/streams.h"

#define CALL_CODE(name, base, needs) [CALL_COLUMN_##name] = {CALL_COLUMN_##base, needs},
const CallCode call_codes[CALL_COLUMNS] = {CALL_TABLE(CALL_CODE)};
#undef CALL_CODE

void call_rows_done(CallRows *r) {
    bytes_done(&r->blob);
    for (unsigned i = 0; i < CALL_COLUMNS; i++)
        g_free(r->column[i]);
    *r = (CallRows){0};
}

static bool fail(GError **error) {
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "a chunk of calls is damaged");
    return false;
}

bool call_rows_open(CallRows *rows, const uint8_t *blob, size_t size, GError **error) {
    Reader r;
    if (!blob || !streams_open(blob, size, CALL_HEADER, CALL_CHUNK_MAGIC, &r))
        return fail(error);
    rows->n = (uint32_t)reader_low(&r, 4);
    if (rows->n == 0 || rows->n > CALL_CHUNK_ROWS)
        return fail(error);
    bytes_append(&rows->blob, blob, size);
    return true;
}

static bool read_column(const CallRows *rows, Reader *in, unsigned column, uint64_t *to) {
    const CallCode *code = &call_codes[column];
    const uint64_t *flags = rows->column[CALL_COLUMN_FLAGS];
    const uint64_t *base = code->base < CALL_COLUMNS ? rows->column[code->base] : NULL;
    const uint64_t needs = flags ? code->needs : 0; /* who has needs has read the flags before */
    uint64_t last = 0;
    for (uint32_t i = 0; i < rows->n; i++) {
        if (needs && (flags[i] & needs) != needs) {
            to[i] = 0;
            continue;
        }
        uint64_t v = reader_varint(in);
        to[i] = code->base == CALL_COLUMN_NOTHING ? v : unzigzag(v) + (base ? base[i] : last);
        if (code->base == CALL_COLUMN_PREVIOUS)
            last = to[i];
    }
    return !in->bad && in->at == in->end;
}

bool call_rows_need(CallRows *rows, ZSTD_DCtx *zstd, CallColumn column, GError **error) {
    const CallCode *code = &call_codes[column];
    if (rows->column[column])
        return true;
    if ((code->needs && !call_rows_need(rows, zstd, CALL_COLUMN_FLAGS, error)) ||
        (code->base < CALL_COLUMNS && !call_rows_need(rows, zstd, code->base, error)))
        return false;
    Bytes raw = {0};
    Reader in, sizes = {rows->blob.data + 8, rows->blob.at - 8, false};
    uint64_t *values = g_new(uint64_t, rows->n);
    bool ok = streams_read_one(&sizes, zstd, &raw, &in, column, CALL_COLUMNS) &&
              read_column(rows, &in, column, values);
    bytes_done(&raw);
    if (!ok) {
        g_free(values);
        return fail(error);
    }
    rows->column[column] = values;
    return true;
}
