/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/streams.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define STREAM_MAX ((size_t)64 << 20)
#define CHECK 8u

void streams_put(Bytes *blob, size_t sizes, ZSTD_CCtx *zstd, int level, const Bytes *stream) {
    size_t size = bytes_size(stream), bound = ZSTD_compressBound(size), stored = 0;
    bytes_reserve(blob, bound);
    if (size) {
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
        stored = ZSTD_compress2(zstd, blob->at, bound, stream->data, size);
        g_assert(!ZSTD_isError(stored));
    }
    blob->at += stored;
    Bytes entry = {.at = blob->data + sizes};
    bytes_put_low(&entry, size | (uint64_t)stored << 32, 8);
}

void streams_seal(Bytes *blob) {
    g_assert(blob->data);
    bytes_reserve(blob, CHECK);
    bytes_put_low(blob, XXH3_64bits(blob->data, bytes_size(blob)), CHECK);
}

bool streams_open(const uint8_t *blob, size_t size, size_t header, uint32_t magic, Reader *ret) {
    if (size < header + CHECK)
        return false;
    Reader r = {blob, blob + size - CHECK, false}, check = {r.end, blob + size, false};
    if (reader_low(&check, CHECK) != XXH3_64bits(blob, size - CHECK) || reader_low(&r, 4) != magic)
        return false;
    *ret = r;
    return true;
}

static bool read_one(Reader *r, ZSTD_DCtx *zstd, size_t size, size_t stored, Bytes *to) {
    const uint8_t *from = reader_take(r, stored);
    if (!from || size > STREAM_MAX || (size == 0) != (stored == 0))
        return false;
    bytes_clear(to);
    bytes_reserve(to, size + 1);
    return !size || ZSTD_decompressDCtx(zstd, to->data, size, from, stored) == size;
}

bool streams_read(Reader *r, ZSTD_DCtx *zstd, Bytes *raw, Reader *in, unsigned n) {
    const uint8_t *at = reader_take(r, 8 * (size_t)n);
    if (!at)
        return false;
    Reader sizes = {at, r->at, false};
    for (unsigned i = 0; i < n; i++) {
        size_t size = reader_low(&sizes, 4), stored = reader_low(&sizes, 4);
        if (!read_one(r, zstd, size, stored, &raw[i]))
            return false;
        in[i] = (Reader){raw[i].data, raw[i].data + size, false};
    }
    return r->at == r->end;
}

bool streams_read_one(const Reader *r, ZSTD_DCtx *zstd, Bytes *raw, Reader *in, unsigned i, unsigned n) {
    Reader from = *r, sizes;
    const uint8_t *at = reader_take(&from, 8 * (size_t)n);
    if (!at)
        return false;
    sizes = (Reader){at, from.at, false};
    for (unsigned k = 0;; k++) {
        size_t size = reader_low(&sizes, 4), stored = reader_low(&sizes, 4);
        if (k == i) {
            bool ok = read_one(&from, zstd, size, stored, raw);
            *in = ok ? (Reader){raw->data, raw->data + size, false} : (Reader){0};
            return ok;
        }
        if (!reader_take(&from, stored) && stored)
            return false;
    }
}
