/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunks: what goes in as a raw trace comes out as the rows it stands for; damage is an error, never a crash.
 */
#include "analyses/store/chunk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "trace_synth.h"

static const CodeBlock *find_code(void *opaque, uint32_t id, GError **error) {
    Synth *s = opaque;
    if (id < s->code_blocks->len)
        return g_ptr_array_index(s->code_blocks, id);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "no block %u", id);
    return NULL;
}

static void check_row(const ChunkRows *got, uint32_t i, const SynthRow *want) {
    g_assert_cmpint((int64_t)got->pos[i], ==, want->pos);
    g_assert_cmpint(got->seq[i], ==, want->seq);
    g_assert_cmpint(got->op[i], ==, want->op);
    g_assert_cmphex(got->paddr[i], ==, (uint64_t)want->paddr);
    g_assert_cmpint(got->size[i], ==, want->size);
    g_assert_cmphex(got->value[i], ==, (uint64_t)want->value);
    if (want->hart < 0) {
        g_assert_cmpint(got->hart[i], ==, ROW_NO_CPU);
        return;
    }
    g_assert_cmpint(got->hart[i], ==, want->hart);
    g_assert_cmphex(got->satp[i], ==, (uint64_t)want->satp);
    g_assert_cmphex(got->pc[i], ==, (uint64_t)want->pc);
    g_assert_cmphex(got->vaddr[i], ==, (uint64_t)want->vaddr);
    g_assert_cmpint(got->priv[i], ==, want->priv);
}

static void encode_all(Synth *s, ChunkEncoder *e, ChunkResult *r) {
    GError *error = NULL;
    chunk_encoder_begin(e, s->words->len);
    g_assert_true(chunk_encoder_add(e, (uint64_t *)s->words->data, s->words->len, &error));
    chunk_encoder_end(e, r);
}

static void test_round_trip(gconstpointer regular) {
    GError *error = NULL;
    ChunkRows rows = {0};
    for (uint32_t seed = 1; seed <= 12; seed++) {
        Synth *s = synth_new(seed, 5 + seed * seed * 3, regular != NULL);
        ChunkEncoder *e = chunk_encoder_new(&s->source);
        ChunkDecoder *d = chunk_decoder_new(find_code, s);
        for (unsigned round = 0; round < 4; round++) { /* predictors must start afresh */
            ChunkResult r;
            g_array_set_size(s->words, 0);
            g_array_set_size(s->rows, 0);
            synth_run(s, round * 3000);
            encode_all(s, e, &r);
            g_assert_true(chunk_decode(d, r.blob.data, bytes_size(&r.blob), &rows, &error));
            g_assert_cmpuint(rows.n, ==, s->rows->len);
            g_assert_cmpuint(r.rows, ==, s->rows->len);
            for (uint32_t i = 0; i < rows.n; i++) {
                check_row(&rows, i, &g_array_index(s->rows, SynthRow, i));
                g_assert_cmpuint(rows.pos[i], >=, r.first_pos);
                g_assert_cmpuint(rows.pos[i], <=, r.last_pos);
            }
        }
        chunk_decoder_free(d);
        chunk_encoder_free(e);
        synth_free(s);
    }
    chunk_rows_done(&rows);
}

/* Every granule that is written is in the index, and nothing is that was not touched. */
static void test_touches(void) {
    Synth *s = synth_new(7, 40, false);
    ChunkEncoder *e = chunk_encoder_new(&s->source);
    ChunkResult r;
    synth_run(s, 4000);
    encode_all(s, e, &r);
    for (guint i = 0; i < s->rows->len; i++) {
        const SynthRow *row = &g_array_index(s->rows, SynthRow, i);
        uint64_t in_page = (uint64_t)row->paddr & (PAGE_SIZE - 1);
        uint64_t vpage = row->hart < 0 ? PAGE_NO_VADDR : (uint64_t)row->vaddr >> PAGE_BITS;
        bool touched = false, written = false;
        for (size_t j = 0; j < r.n_pages; j++) {
            const PageTouch *t = &r.pages[j];
            if (t->ppage != (uint64_t)row->paddr >> PAGE_BITS || t->vpage != vpage)
                continue;
            uint64_t last = in_page + (uint64_t)row->size - 1;
            touched |= t->lines >> (in_page >> 6) & 1 && t->lines >> (last >> 6) & 1;
            written |= t->written[in_page >> 9] >> (in_page >> 3 & 63) &
                       t->written[last >> 9] >> (last >> 3 & 63) & 1;
        }
        g_assert_true(touched);
        if (MEM_OPS_WRITE >> row->op & 1)
            g_assert_true(written);
    }
    chunk_encoder_free(e);
    synth_free(s);
}

/* Flip bytes, with the checksum made good again: an error or wrong rows, but no crash and no endless loop. */
static void test_damage(void) {
    Synth *s = synth_new(3, 60, false);
    ChunkEncoder *e = chunk_encoder_new(&s->source);
    ChunkDecoder *d = chunk_decoder_new(find_code, s);
    ChunkRows rows = {0};
    ChunkResult r;
    synth_run(s, 500);
    encode_all(s, e, &r);
    size_t size = bytes_size(&r.blob);
    uint8_t *copy = g_memdup2(r.blob.data, size);
    unsigned refused = 0;
    for (unsigned i = 0; i < 4000; i++) {
        GError *error = NULL;
        memcpy(copy, r.blob.data, size);
        unsigned n = 1 + i % 3;
        while (n--)
            copy[(unsigned)g_rand_int_range(s->rand, 0, (int32_t)(i % 2 ? size : CHUNK_HEADER))] ^=
                (uint8_t)(1u << i % 8);
        size_t use = i % 7 ? size : (size_t)g_rand_int_range(s->rand, 0, (int32_t)size);
        if (use > 8 && i % 5) {
            uint64_t sum = XXH3_64bits(copy, use - 8);
            memcpy(copy + use - 8, &sum, 8);
        }
        if (!chunk_decode(d, copy, use, &rows, &error)) {
            g_assert_nonnull(error);
            g_clear_error(&error);
            refused++;
        }
    }
    g_assert_cmpuint(refused, >, 2000);
    g_free(copy);
    chunk_rows_done(&rows);
    chunk_decoder_free(d);
    chunk_encoder_free(e);
    synth_free(s);
}

static void test_malformed_trace(void) {
    Synth *s = synth_new(3, 10, false);
    ChunkEncoder *e = chunk_encoder_new(&s->source);
    const uint64_t bad[][5] = {{TRACE_BLOCK},
                               {TRACE_SYNC | 1, 5},
                               {TRACE_SYNC, 0, 0, 0, TRACE_CUT | 1},
                               {TRACE_SYNC, 0, 0, 0, 9ull << 56},
                               {TRACE_SYNC, 0, 0, 0, TRACE_DMA}};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *error = NULL;
        chunk_encoder_begin(e, 5);
        g_assert_false(chunk_encoder_add(e, bad[i], i < 2 ? i + 1 : 5, &error));
        g_assert_nonnull(error);
        g_clear_error(&error);
    }
    chunk_encoder_free(e);
    synth_free(s);
}

static void test_code_segments(void) {
    Synth *s = synth_new(5, 300, false);
    Bytes out = {0};
    for (guint i = 0; i < s->code_blocks->len; i++)
        code_block_write(g_ptr_array_index(s->code_blocks, i), &out);
    Reader r = {out.data, out.at, false};
    for (guint i = 0; i < s->code_blocks->len; i++) {
        const CodeBlock *want = g_ptr_array_index(s->code_blocks, i);
        CodeBlock *got = code_block_read(&r);
        g_assert_nonnull(got);
        g_assert_cmphex(got->pc, ==, want->pc);
        g_assert_cmpmem(got->raw, 4u * got->n_insns, want->raw, 4u * want->n_insns);
        g_assert_cmpuint(got->simple, ==, want->simple);
        g_assert_cmpuint(got->n_mem, ==, want->n_mem);
        for (uint32_t k = 0; k < got->n_mem; k++) {
            g_assert_cmpuint(got->mem[k].pc_offset, ==, want->mem[k].pc_offset);
            g_assert_cmpuint(got->mem[k].addr_source, ==, want->mem[k].addr_source);
            g_assert_cmpint(got->mem[k].addr_offset, ==, want->mem[k].addr_offset);
            g_assert_cmpuint(got->mem[k].value_source, ==, want->mem[k].value_source);
        }
        code_block_free(got);
    }
    g_assert_true(r.at == r.end && !r.bad);
    for (unsigned i = 0; i < 5000; i++) { /* damaged entries are refused or read, but not past their end */
        size_t from = (size_t)g_rand_int_range(s->rand, 0, (int32_t)bytes_size(&out));
        out.data[from] ^= (uint8_t)g_rand_int(s->rand);
        Reader broken = {out.data + from / 2, out.at, false};
        code_block_free(code_block_read(&broken));
    }
    bytes_done(&out);
    synth_free(s);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/chunk/round-trip", NULL, test_round_trip);
    g_test_add_data_func("/chunk/round-trip-regular", "regular", test_round_trip);
    g_test_add_func("/chunk/touches", test_touches);
    g_test_add_func("/chunk/damage", test_damage);
    g_test_add_func("/chunk/malformed-trace", test_malformed_trace);
    g_test_add_func("/chunk/code-segments", test_code_segments);
    return g_test_run();
}
