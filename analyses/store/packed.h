/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables that are written once and whole, and kept as compressed columns: NAME_packed has their chunks, and
 *
 *     CREATE VIRTUAL TABLE NAME USING packed(NAME, key, pc INTEGER, size INTEGER, name TEXT, …)
 *
 * reads them (vtab_packed.c). `key` is one of the columns, an INTEGER that is never NULL: rows are kept in its order.
 *
 * Layout of a chunk (streams.h):
 *
 *     u32 magic "PCK1"   u32 number of rows   u32 number of columns
 *     a stream for each column: u8 whether it has NULLs, then if so a bit for each row that is not one; of these, in order,
 *         varints: of an INTEGER the zigzag difference to the one before, of a TEXT its number in …
 *     … the last stream: strings, each with its zero
 */
#ifndef ANALYSES_STORE_PACKED_H
#define ANALYSES_STORE_PACKED_H

#include <zstd.h>

#include "analyses/store/store.h"

#define PACKED_ROWS 16384u /* of a chunk, at most */
#define PACKED_COLUMNS_MAX 32u

/* -- writing --------------------------------------------------------------------------------------------- */
typedef struct PackedWriter PackedWriter;
/* `types`: i or s for each column; `key`: which of them it is. The tables are there already. */
PackedWriter *packed_writer_new(Store *store, const char *table, const char *types, unsigned key,
                                GError **error);
/* In order of the key. types: those of the table, or n for NULL; strings are copied. */
bool packed_writer_add(PackedWriter *w, const char *types, const StoreValue *values, GError **error);
/* Nothing can be added after it. */
bool packed_writer_end(PackedWriter *w, GError **error);
void packed_writer_free(PackedWriter *w); /* NULL is allowed */

/* -- reading --------------------------------------------------------------------------------------------- */
typedef struct PackedChunk {
    uint32_t n, columns;
    int64_t *value[PACKED_COLUMNS_MAX];   /* by row */
    uint8_t *is_null[PACKED_COLUMNS_MAX]; /* by row; NULL: none is */
    const char **string;                  /* what the values of a TEXT are numbers of; n_strings of them */
    uint32_t n_strings;
    char *text; /* where they are */
} PackedChunk;

/* types as for the writer; NULL: it is damaged. */
PackedChunk *packed_chunk_open(const uint8_t *blob, size_t size, const char *types, ZSTD_DCtx *zstd,
                               GError **error);
void packed_chunk_free(PackedChunk *c);

#endif
