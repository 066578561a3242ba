/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Column chunks and the blocks they name, hostile behind good checksums. The input: 4 bytes each for rows and
 * blocks run; then per stream 2 bytes length and its contents; what is left are entries of static blocks.
 */
#include <zstd.h>

#include "analyses/store/chunk.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const CodeBlock *find_code(void *opaque, uint32_t id, GError **error) {
    GPtrArray *blocks = opaque;
    if (blocks->len)
        return blocks->pdata[id % blocks->len];
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "no block %u", id);
    return NULL;
}

static void put(GByteArray *to, uint64_t value, unsigned size) {
    value = GUINT64_TO_LE(value);
    g_byte_array_append(to, (const uint8_t *)&value, size);
}

static GByteArray *make_blob(Reader *r) {
    GByteArray *head = g_byte_array_new();
    g_autoptr(GByteArray) streams = g_byte_array_new();
    put(head, CHUNK_MAGIC, 4);
    put(head, reader_low(r, 3), 4);
    put(head, reader_low(r, 3), 4);
    put(head, reader_u8(r) & 7, 4);
    put(head, reader_low(r, 2), 8);
    put(head, 0, 8);
    for (unsigned i = 0; i < CHUNK_STREAMS; i++) {
        size_t wanted = reader_low(r, 2), n = MIN(wanted, (size_t)(r->end - r->at));
        uint8_t packed[0x10200];
        size_t stored = n ? ZSTD_compress(packed, sizeof packed, r->at, n, 1) : 0;
        r->at += n;
        put(head, n, 4);
        put(head, stored, 4);
        g_byte_array_append(streams, packed, (guint)stored);
    }
    g_byte_array_append(head, streams->data, streams->len);
    put(head, XXH3_64bits(head->data, head->len), 8);
    return head;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Reader r = {data, data + size, false};
    g_autoptr(GByteArray) blob = make_blob(&r);
    g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func((GDestroyNotify)code_block_free);
    r.bad = false;
    while (r.at < r.end && blocks->len < 64) {
        CodeBlock *b = code_block_read(&r);
        if (!b)
            break;
        b->id = blocks->len;
        g_ptr_array_add(blocks, b);
    }
    ChunkDecoder *d = chunk_decoder_new(find_code, blocks);
    ChunkRows rows = {0};
    GError *error = NULL;
    volatile uint64_t sum = 0; /* read it all */
    if (chunk_decode(d, blob->data, blob->len, &rows, &error))
        for (uint32_t i = 0; i < rows.n; i++)
            sum += rows.pos[i] + rows.pc[i] + rows.vaddr[i] + rows.paddr[i] + rows.value[i] + rows.op[i];
    (void)sum;
    g_clear_error(&error);
    chunk_rows_done(&rows);
    chunk_decoder_free(d);
    return 0;
}
