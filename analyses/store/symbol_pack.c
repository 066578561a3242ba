/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/symbol_pack.h"

#include "analyses/store/streams.h"

#define ZSTD_LEVEL 1

struct SymbolWriter {
    StoreStmt *insert;
    int64_t module, first_id;
    uint32_t n; /* rows in the chunk at hand */
    uint64_t last;
    Bytes stream[SYMBOL_STREAMS], blob;
    ZSTD_CCtx *zstd;
};

SymbolWriter *symbol_writer_new(Store *store, int64_t module, GError **error) {
    SymbolWriter *w = g_new0(SymbolWriter, 1);
    w->module = module;
    w->first_id = 1 + store_get_int(store, "SELECT sum(rows) FROM symbol_chunk", 0, "");
    w->zstd = ZSTD_createCCtx();
    if (store_prepare(store, "INSERT INTO symbol_chunk VALUES (?, ?, ?, ?, ?)", &w->insert, error))
        return w;
    symbol_writer_free(w);
    return NULL;
}

void symbol_writer_free(SymbolWriter *w) {
    if (!w)
        return;
    store_stmt_free(w->insert);
    for (unsigned i = 0; i < SYMBOL_STREAMS; i++)
        bytes_done(&w->stream[i]);
    bytes_done(&w->blob);
    ZSTD_freeCCtx(w->zstd);
    g_free(w);
}

static bool flush(SymbolWriter *w, GError **error) {
    uint32_t n = w->n;
    int64_t id = w->first_id, stamp;
    if (!n)
        return true;
    bytes_clear(&w->blob);
    bytes_append(&w->blob, SYMBOL_MAGIC, 4);
    bytes_reserve(&w->blob, SYMBOL_HEADER);
    bytes_put_low(&w->blob, n, 4);
    memset(w->blob.at, 0, 8 * SYMBOL_STREAMS);
    w->blob.at += 8 * SYMBOL_STREAMS;
    for (unsigned i = 0; i < SYMBOL_STREAMS; i++) {
        streams_put(&w->blob, 8 + 8 * i, w->zstd, ZSTD_LEVEL, &w->stream[i]);
        bytes_clear(&w->stream[i]);
    }
    streams_seal(&w->blob);
    memcpy(&stamp, w->blob.at - sizeof stamp, sizeof stamp);
    w->first_id += n;
    w->n = 0;
    w->last = 0;
    return store_run(w->insert, error, "iiiib", id, w->module, (int64_t)n, stamp, w->blob.data,
                     bytes_size(&w->blob));
}

bool symbol_writer_add(SymbolWriter *w, const char *name, uint64_t addr, uint64_t size, SymbolKind kind,
                       GError **error) {
    size_t length = strlen(name);
    if (length > SYMBOL_NAME_MAX)
        return true;
    bytes_append(&w->stream[SYMBOL_NAME], name, length + 1);
    for (unsigned i = SYMBOL_KIND; i < SYMBOL_STREAMS; i++)
        bytes_reserve(&w->stream[i], 10);
    bytes_put_u8(&w->stream[SYMBOL_KIND], kind);
    bytes_put_varint(&w->stream[SYMBOL_ADDR], zigzag(addr - w->last));
    bytes_put_varint(&w->stream[SYMBOL_SIZE], size);
    w->last = addr;
    w->n++;
    return bytes_size(&w->stream[SYMBOL_NAME]) < SYMBOL_NAMES_MAX || flush(w, error);
}

bool symbol_writer_end(SymbolWriter *w, GError **error) {
    return flush(w, error);
}
