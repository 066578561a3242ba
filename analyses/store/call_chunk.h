/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of one window of ids, as compressed columns that are unpacked one at a time.
 *
 * Layout of the blob, integers little-endian:
 *
 *     u32 magic "CLG1"   u32 number of rows
 *     CALL_COLUMNS times u32 size, u32 stored size
 *     the columns' zstd frames (stored size 0: empty)
 *     u64 XXH3 of everything before
 *
 * Rows are in order of id. A column has a varint for each row whose flags have what it needs (CALL_NEEDS): the value itself, or
 * the zigzag difference to another one: the same column's of the last row that had it (0 at first), or another column's
 * of the same row.
 */
#ifndef ANALYSES_STORE_CALL_CHUNK_H
#define ANALYSES_STORE_CALL_CHUNK_H

#include <glib.h>
#include <zstd.h>

#include "analyses/store/bytes.h"

#define CALL_CHUNK_MAGIC 0x31474c43u
#define CALL_CHUNK_ROWS 4096u

/* The column FLAGS: the CallKind (callstack.h) and what else the row has. */
enum {
    CALL_KIND = 3,
    CALL_HAS_PARENT = 4,
    CALL_HAS_PC = 8,
    CALL_HAS_ARGS = 16,
    CALL_HAS_RETURN = 32,
    CALL_HAS_RESULT = 64
};

/* X(column, what it is the difference to, what must be in FLAGS) */
#define CALL_TABLE(X)                                                                                        \
    X(ID, PREVIOUS, 0)                                                                                       \
    X(FLAGS, NOTHING, 0)                                                                                     \
    X(PARENT, ID, CALL_HAS_PARENT)                                                                           \
    X(HART, NOTHING, 0)                                                                                      \
    X(TASK, PREVIOUS, 0)                                                                                     \
    X(SYMBOL, NOTHING, 0) /* number in NAME_symbol */                                                        \
    X(POS, PREVIOUS, 0)                                                                                      \
    X(RETURN, POS, CALL_HAS_RETURN)                                                                          \
    X(PC, PREVIOUS, CALL_HAS_PC) /* where it is called */                                                    \
    X(A0, PREVIOUS, CALL_HAS_ARGS)                                                                           \
    X(A1, PREVIOUS, CALL_HAS_ARGS)                                                                           \
    X(A2, PREVIOUS, CALL_HAS_ARGS)                                                                           \
    X(A3, PREVIOUS, CALL_HAS_ARGS)                                                                           \
    X(A4, PREVIOUS, CALL_HAS_ARGS)                                                                           \
    X(A5, PREVIOUS, CALL_HAS_ARGS)                                                                           \
    X(A6, PREVIOUS, CALL_HAS_ARGS)                                                                           \
    X(A7, PREVIOUS, CALL_HAS_ARGS)                                                                           \
    X(RESULT, ZERO, CALL_HAS_RESULT)                                                                         \
    X(RESULT1, PREVIOUS, CALL_HAS_RESULT)                                                                    \
    X(SP, PREVIOUS, 0)                                                                                       \
    X(MIN_SP, SP, 0)                                                                                         \
    X(DEPTH, PREVIOUS, 0)                                                                                    \
    X(INSNS, NOTHING, 0)

typedef enum {
#define CALL_COLUMN(name, base, needs) CALL_COLUMN_##name,
    CALL_TABLE(CALL_COLUMN)
#undef CALL_COLUMN
        CALL_COLUMNS,
    /* only as what a column is the difference to; NOTHING: it is no difference */
    CALL_COLUMN_NOTHING,
    CALL_COLUMN_ZERO,
    CALL_COLUMN_PREVIOUS
} CallColumn;
#define CALL_HEADER (8 + 8 * CALL_COLUMNS)

typedef struct CallCode {
    uint8_t base, needs; /* CallColumn; CALL_HAS_* */
} CallCode;
extern const CallCode call_codes[CALL_COLUMNS];

/* By CallColumn; what FLAGS does not have is 0. */
typedef struct CallRow {
    uint64_t v[CALL_COLUMNS];
} CallRow;

typedef struct CallEncoder CallEncoder;
CallEncoder *call_encoder_new(void);
void call_encoder_free(CallEncoder *e);
/* n <= CALL_CHUNK_ROWS rows in any order. The blob is the encoder's, valid until the next call. */
void call_encoder_make(CallEncoder *e, const CallRow *rows, uint32_t n, Bytes *blob);

typedef struct CallRows {
    uint32_t n;
    Bytes blob;
    uint64_t *column[CALL_COLUMNS]; /* of n values; NULL: not unpacked yet */
} CallRows;
void call_rows_done(CallRows *r);
/* `rows` is new, or done. The blob is copied. Malformed input is a GError, here or below. */
bool call_rows_open(CallRows *rows, const uint8_t *blob, size_t size, GError **error);
/* Unpack a column, unless it is there, and those that it refers to. */
bool call_rows_need(CallRows *rows, ZSTD_DCtx *zstd, CallColumn column, GError **error);

#endif
