/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the blobs of all compressed tables have in common:
 *
 *     header   the table's own fields; first 4 bytes of magic
 *     sizes    of each stream 4 bytes: how long it is; 4 bytes: how long it is stored
 *     streams  one after the other, each a zstd frame; nothing if it is empty
 *     check    8 bytes: XXH3 of all before
 *
 * Numbers are little-endian. A reader trusts no length.
 */
#ifndef ANALYSES_STORE_STREAMS_H
#define ANALYSES_STORE_STREAMS_H

#include <zstd.h>

#include "analyses/store/bytes.h"

/* Append the stream to the blob; the place of its sizes is `sizes` bytes from the blob's beginning, and has room. */
void streams_put(Bytes *blob, size_t sizes, ZSTD_CCtx *zstd, int level, const Bytes *stream);
/* Append the check. */
void streams_seal(Bytes *blob);

/*
 * Is the blob whole, of this kind, and at least `header` bytes, sizes included? If so `ret` reads from behind the magic
 * to the check.
 */
bool streams_open(const uint8_t *blob, size_t size, size_t header, uint32_t magic, Reader *ret);
/*
 * From the sizes on: unpack n streams into raw[0..n), which are kept by the caller and used again, and let in[0..n)
 * read them. False unless they end where the blob does.
 */
bool streams_read(Reader *r, ZSTD_DCtx *zstd, Bytes *raw, Reader *in, unsigned n);
/* The same of one of the n, the i-th alone; r stays where it is. */
bool streams_read_one(const Reader *r, ZSTD_DCtx *zstd, Bytes *raw, Reader *in, unsigned i, unsigned n);

#endif
