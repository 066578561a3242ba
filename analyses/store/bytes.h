/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growing byte streams and bounded readers: the bricks of the column format. Integers are LEB128 varints;
 * signed ones are zigzag first.
 */
#ifndef ANALYSES_STORE_BYTES_H
#define ANALYSES_STORE_BYTES_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A writer whose caller reserves room ahead (bytes_reserve) and then appends without checks. */
typedef struct Bytes {
    uint8_t *data, *at, *limit;
} Bytes;

static inline size_t bytes_size(const Bytes *b) {
    return (size_t)(b->at - b->data);
}
static inline void bytes_clear(Bytes *b) {
    b->at = b->data;
}
void bytes_done(Bytes *b);
void bytes_grow(Bytes *b, size_t room);
/* Make room for `room` more bytes. */
static inline void bytes_reserve(Bytes *b, size_t room) {
    if (G_UNLIKELY((size_t)(b->limit - b->at) < room))
        bytes_grow(b, room);
    g_assert(b->at);
}

static inline uint64_t zigzag(uint64_t v) {
    return v << 1 ^ (uint64_t)((int64_t)v >> 63);
}
static inline uint64_t unzigzag(uint64_t v) {
    return v >> 1 ^ (0 - (v & 1));
}

/* Room needed: 10 bytes. */
static inline void bytes_put_varint(Bytes *b, uint64_t v) {
    while (v >= 0x80) {
        *b->at++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *b->at++ = (uint8_t)v;
}
static inline void bytes_put_u8(Bytes *b, uint8_t v) {
    *b->at++ = v;
}
/* The low n <= 8 bytes of v, little-endian. Room needed: 8 bytes. */
static inline void bytes_put_low(Bytes *b, uint64_t v, unsigned n) {
    v = GUINT64_TO_LE(v);
    memcpy(b->at, &v, 8);
    b->at += n;
}
/* A count in bytes of 255 and a rest: short for the small gaps that it is made for. Room: v / 255 + 1. */
static inline void bytes_put_gap(Bytes *b, uint64_t v) {
    while (G_UNLIKELY(v >= 255)) {
        *b->at++ = 255;
        v -= 255;
    }
    *b->at++ = (uint8_t)v;
}
/* Bytes that hold v: 0 for 0, 8 at most. */
static inline unsigned bytes_needed(uint64_t v) {
    return v ? (unsigned)(71 - __builtin_clzll(v)) / 8 : 0;
}

void bytes_append(Bytes *b, const void *data, size_t n); /* reserves by itself */

/* A reader that returns 0 and sets `bad` rather than pass the end. */
typedef struct Reader {
    const uint8_t *at, *end;
    bool bad;
} Reader;

static inline uint8_t reader_u8(Reader *r) {
    if (G_UNLIKELY(r->at == r->end)) {
        r->bad = true;
        return 0;
    }
    return *r->at++;
}
static inline uint64_t reader_varint(Reader *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = reader_u8(r);
        v |= (uint64_t)(byte & 0x7f) << (shift & 63);
        if (!(byte & 0x80))
            return v;
    }
    r->bad = true;
    return 0;
}
static inline uint64_t reader_low(Reader *r, unsigned n) {
    uint64_t v = 0;
    if (G_UNLIKELY(n > 8 || (size_t)(r->end - r->at) < n)) {
        r->bad = true;
        return 0;
    }
    memcpy(&v, r->at, n);
    r->at += n;
    return GUINT64_FROM_LE(v);
}
static inline uint64_t reader_gap(Reader *r) {
    uint64_t v = 0;
    uint8_t byte;
    while ((byte = reader_u8(r)) == 255)
        v += 255;
    return v + byte;
}
static inline const uint8_t *reader_take(Reader *r, size_t n) {
    const uint8_t *p = r->at;
    if ((size_t)(r->end - r->at) < n) {
        r->bad = true;
        return NULL;
    }
    r->at += n;
    return p;
}

#endif
