/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register values of one window of pos, as compressed columns.
 *
 * Layout of the blob, integers little-endian:
 *
 *     u32 magic "RMG1"   u32 number of rows   u32 first seq of a step   u32 number of registers
 *     u64 pos of the first row
 *     REG_STREAMS times u32 size, u32 stored size
 *     the streams' zstd frames (stored size 0: empty stream)
 *     u64 XXH3 of everything before
 *
 * Streams:
 *
 *     NAME   the registers' names, each with a 0 behind
 *     POS    varint per row: steps since the row before
 *     REG    u8 per row: number in NAME
 *     HART   u8 per row
 *     VALUE  varint per row: zigzag difference to the last value of that register of that hart, 0 at first
 */
#ifndef ANALYSES_STORE_REG_CHUNK_H
#define ANALYSES_STORE_REG_CHUNK_H

#include <glib.h>
#include "analyses/store/bytes.h"
#include "core/types.h"

#define REG_CHUNK_MAGIC 0x31474d52u
#define REG_CHUNK_ROWS 65536u /* of a full chunk */
#define REG_MAX 256u          /* registers of a chunk */
#define REG_HARTS 256u

typedef enum { REG_NAME, REG_POS, REG_REG, REG_HART, REG_VALUE, REG_STREAMS } RegStream;
#define REG_HEADER (24 + 8 * REG_STREAMS)

typedef struct RegRow {
    int64_t pos;
    uint64_t value;
    uint8_t reg, hart;
} RegRow;

typedef struct RegEncoder RegEncoder;
/* names: what RegRow.reg counts; copied. seq: of a step's first row, later ones count up. */
RegEncoder *reg_encoder_new(const char *const *names, size_t n, uint32_t seq);
void reg_encoder_free(RegEncoder *e);
/* In order of pos; at most REG_CHUNK_ROWS, and all rows of a step belong into one chunk or its seq begins anew. */
void reg_encoder_add(RegEncoder *e, const RegRow *row);
uint32_t reg_encoder_rows(const RegEncoder *e);
/* The blob, the encoder's, valid until the next row. */
void reg_encoder_end(RegEncoder *e, Bytes *blob, int64_t *first_pos, int64_t *last_pos);

typedef struct RegRows {
    RegRow *row;
    uint32_t *seq;
    const char *name[REG_MAX];
    uint32_t n, n_names;
    size_t room;
    Bytes raw[REG_STREAMS];
} RegRows;
void reg_rows_done(RegRows *r);
/* `rows` is reused. Malformed input is a GError. */
bool reg_decode(const uint8_t *blob, size_t size, RegRows *rows, GError **error);

#endif
