/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/frame.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>
#include <zstd_errors.h>

#define FRAME_MAGIC 0x4d524652u
#define FLAG_ZSTD 1u

void put_uint(GByteArray *out, uint64_t value, unsigned size) {
    uint8_t bytes[8];
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    g_byte_array_append(out, bytes, size);
}

void put_varint(GByteArray *out, uint64_t value) {
    uint8_t bytes[10];
    unsigned n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    g_byte_array_append(out, bytes, n);
}

void put_bytes(GByteArray *out, const void *data, size_t size) {
    if (size)
        g_byte_array_append(out, data, (guint)size);
}

const uint8_t *get_bytes(Bytes *b, uint64_t n) {
    if (b->bad || n > b->size - b->at) {
        b->bad = true;
        return NULL;
    }
    const uint8_t *at = b->data + b->at;
    b->at += n;
    return at;
}

uint64_t get_uint(Bytes *b, unsigned size) {
    const uint8_t *at = get_bytes(b, size);
    uint64_t value = 0;
    for (unsigned i = 0; at && i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

uint64_t get_varint(Bytes *b) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t *at = get_bytes(b, 1);
        if (!at)
            return 0;
        uint64_t bits = *at & 0x7f;
        if (bits << shift >> shift != bits)
            break;
        value |= bits << shift;
        if (!(*at & 0x80))
            return value;
    }
    b->bad = true;
    return 0;
}

static uint64_t frame_check(const uint8_t *header, uint32_t number, const uint8_t *payload, size_t size) {
    return XXH64(payload, size, XXH64(header, 16, number));
}

/* All of the header but its last field, the check. */
static void put_header(uint8_t *header, FrameType type, uint8_t flags, size_t size, size_t stored) {
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    put_uint(bytes, FRAME_MAGIC, 4);
    put_uint(bytes, type, 1);
    put_uint(bytes, flags, 1);
    put_uint(bytes, 0, 2);
    put_uint(bytes, size, 4);
    put_uint(bytes, stored, 4);
    memcpy(header, bytes->data, bytes->len);
}

static void put_check(uint8_t *header, uint64_t check) {
    check = GUINT64_TO_LE(check);
    memcpy(header + 16, &check, sizeof check);
}

void frame_encode(GByteArray *out, FrameType type, uint32_t number, const uint8_t *raw, size_t size,
                  int level) {
    g_assert(size <= FRAME_RAW_MAX);
    guint start = out->len;
    size_t bound = ZSTD_compressBound(size);
    g_byte_array_set_size(out, start + FRAME_HEADER_SIZE + (guint)bound);
    uint8_t *header = out->data + start, *payload = header + FRAME_HEADER_SIZE;
    size_t stored = ZSTD_compress(payload, bound, raw, size, level);
    uint8_t flags = FLAG_ZSTD;
    if (ZSTD_isError(stored) || stored >= size) {
        if (size)
            memcpy(payload, raw, size);
        stored = size;
        flags = 0;
    }
    put_header(header, type, flags, size, stored);
    put_check(header, frame_check(header, number, payload, stored));
    g_byte_array_set_size(out, start + FRAME_HEADER_SIZE + (guint)stored);
}

void frame_encode_header(uint8_t header[FRAME_HEADER_SIZE], FrameType type, uint32_t number,
                         const uint8_t *head, size_t head_size, const uint8_t *body, size_t body_size) {
    XXH64_state_t state;
    size_t size = head_size + body_size;
    g_assert(size <= FRAME_RAW_MAX);
    put_header(header, type, 0, size, size);
    XXH64_reset(&state, XXH64(header, 16, number));
    XXH64_update(&state, head, head_size);
    XXH64_update(&state, body, body_size);
    put_check(header, XXH64_digest(&state));
}

static bool fail(const char **what, const char *why) {
    *what = why;
    return false;
}

bool frame_decode(const uint8_t *data, size_t size, uint32_t number, Frame *to, const char **what) {
    Bytes b = {data, size, 0, false};
    uint32_t magic = (uint32_t)get_uint(&b, 4);
    uint8_t type = (uint8_t)get_uint(&b, 1), flags = (uint8_t)get_uint(&b, 1);
    uint32_t zero = (uint32_t)get_uint(&b, 2);
    uint32_t raw_size = (uint32_t)get_uint(&b, 4), stored = (uint32_t)get_uint(&b, 4);
    uint64_t check = get_uint(&b, 8);
    if (b.bad)
        return fail(what, "the file ends inside a frame's header");
    g_assert(data); /* size is not 0 */
    if (magic != FRAME_MAGIC || zero || (flags & ~FLAG_ZSTD) || !type || type >= FRAME_TYPE_COUNT)
        return fail(what, "expected a frame's header");
    if (raw_size > FRAME_RAW_MAX || stored > FRAME_RAW_MAX || (!(flags & FLAG_ZSTD) && raw_size != stored))
        return fail(what, "a frame's length is impossible");
    const uint8_t *payload = get_bytes(&b, stored);
    if (!payload)
        return fail(what, "the file ends inside a frame");
    if (check != frame_check(data, number, payload, stored))
        return fail(what, "a frame's checksum does not match its contents");
    g_autofree uint8_t *raw = g_malloc(raw_size + 1u);
    if (flags & FLAG_ZSTD) {
        size_t n = ZSTD_decompress(raw, raw_size, payload, stored);
        if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation)
            g_error("out of memory"); /* as g_malloc() does: this is not the recording's fault */
        if (ZSTD_isError(n) || n != raw_size)
            return fail(what, "a frame does not decompress to its length");
    } else if (raw_size) {
        memcpy(raw, payload, raw_size);
    }
    *to = (Frame){type, g_steal_pointer(&raw), raw_size, FRAME_HEADER_SIZE + stored};
    return true;
}
