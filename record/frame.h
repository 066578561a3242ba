/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside record: the file header, frames, and the integers in them (docs/format.md).
 *
 * File header, 16 bytes:   "RREC\r\n\x1a\n", LE32 format version, LE32 machine-behaviour version
 * Frame, 24 bytes and the stored payload:
 *      0  LE32  0x4d524652 ("RFRM")
 *      4  u8    type
 *      5  u8    flags: bit 0 the payload is one zstd frame; others 0
 *      6  LE16  0
 *      8  LE32  raw length: of the payload once decompressed
 *     12  LE32  stored length: of the payload as it follows
 *     16  LE64  XXH64 of the stored payload, seeded with XXH64 of bytes 0..15 seeded with the frame's number
 * The number (0, 1, 2 …) is not stored: a frame that was moved, lost or repeated fails its check.
 */
#ifndef RECORD_FRAME_H
#define RECORD_FRAME_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REC_MAGIC "RREC\r\n\x1a\n"
#define REC_HEADER_SIZE 16u
#define FRAME_HEADER_SIZE 24u
#define FRAME_RAW_MAX (4u << 20) /* no frame is longer, decompressed or stored */

/*   number, NAME, "part of the file in rec_size_of()" */
#define FRAME_TYPES(X)                                                                                       \
    X(1, MANIFEST, "manifest")                                                                               \
    X(2, IMAGE, "images")                                                                                    \
    X(3, EVENTS, "events")                                                                                   \
    X(4, CHECKPOINTS, "checkpoints")                                                                         \
    X(5, CONSOLE, "console")                                                                                 \
    X(6, END, "end")

typedef enum {
#define X(number, name, part) FRAME_##name = number,
    FRAME_TYPES(X)
#undef X
        FRAME_TYPE_COUNT
} FrameType;

/* Append a whole frame to `out`, compressed at zstd's `level` unless that makes it longer. */
void frame_encode(GByteArray *out, FrameType type, uint32_t number, const uint8_t *raw, size_t size,
                  int level);
/* The header of a frame whose payload is stored as it is, and need not lie in one piece: `head`, then `body`. */
void frame_encode_header(uint8_t header[FRAME_HEADER_SIZE], FrameType type, uint32_t number,
                         const uint8_t *head, size_t head_size, const uint8_t *body, size_t body_size);

typedef struct Frame {
    uint8_t type;
    uint8_t *raw; /* owned by the caller: g_free */
    uint32_t size;
    uint32_t stored; /* bytes in the file, header included */
} Frame;
/*
 * Decode the frame at data[0..size). False with what is wrong in *what (static or owned by nobody): cut off,
 * damaged, or malformed. Nothing is trusted before the checksum holds.
 */
bool frame_decode(const uint8_t *data, size_t size, uint32_t number, Frame *to, const char **what);

/* Little-endian integers and LEB128 varints. */
void put_uint(GByteArray *out, uint64_t value, unsigned size);
void put_varint(GByteArray *out, uint64_t value);
void put_bytes(GByteArray *out, const void *data, size_t size);

/* A reader that sets `bad` instead of going past the end. */
typedef struct Bytes {
    const uint8_t *data;
    size_t size, at;
    bool bad;
} Bytes;
uint64_t get_uint(Bytes *b, unsigned size);
uint64_t get_varint(Bytes *b);
/* NULL (and bad) when fewer than n are left. */
const uint8_t *get_bytes(Bytes *b, uint64_t n);
static inline bool bytes_left(const Bytes *b) {
    return !b->bad && b->at < b->size;
}

#endif
