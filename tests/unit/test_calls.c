/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunks of calls: what goes in comes out, in order of id; damage is an error, never a crash. */
#include "analyses/store/call_chunk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static void fill(GRand *rand, CallRow *rows, uint32_t n) {
    uint64_t id = (uint64_t)g_rand_int(rand) << (n % 30);
    for (uint32_t i = 0; i < n; i++) {
        CallRow *row = &rows[i];
        for (unsigned k = 0; k < CALL_COLUMNS; k++)
            row->v[k] = (uint64_t)g_rand_int(rand) << g_rand_int_range(rand, 0, 33);
        row->v[CALL_COLUMN_ID] = id += (uint64_t)g_rand_int_range(rand, 1, i % 9 ? 5 : 1000000);
        row->v[CALL_COLUMN_FLAGS] = (uint64_t)g_rand_int_range(rand, 0, 128);
        for (unsigned k = 0; k < CALL_COLUMNS; k++)
            if ((row->v[CALL_COLUMN_FLAGS] & call_codes[k].needs) != call_codes[k].needs)
                row->v[k] = 0;
    }
}

static void shuffle(GRand *rand, CallRow *rows, uint32_t n) {
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = (uint32_t)g_rand_int_range(rand, 0, (int32_t)i);
        CallRow row = rows[i - 1];
        rows[i - 1] = rows[k];
        rows[k] = row;
    }
}

static void test_round_trip(void) {
    GRand *rand = g_rand_new_with_seed(5);
    CallEncoder *e = call_encoder_new();
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    g_autofree CallRow *want = g_new(CallRow, CALL_CHUNK_ROWS), *mixed = g_new(CallRow, CALL_CHUNK_ROWS);
    for (uint32_t n = 1; n <= CALL_CHUNK_ROWS; n = n < 4000 ? MIN(n * 3 + 1, CALL_CHUNK_ROWS) : n + 1) {
        Bytes blob;
        CallRows got = {0};
        GError *error = NULL;
        fill(rand, want, n);
        memcpy(mixed, want, n * sizeof *want);
        shuffle(rand, mixed, n);
        call_encoder_make(e, mixed, n, &blob);
        g_assert_true(call_rows_open(&got, blob.data, bytes_size(&blob), &error));
        g_assert_cmpuint(got.n, ==, n);
        for (unsigned k = CALL_COLUMNS; k-- > 0;) {
            g_assert_true(call_rows_need(&got, zstd, k, &error));
            for (uint32_t i = 0; i < n; i++)
                g_assert_cmpuint(got.column[k][i], ==, want[i].v[k]);
        }
        call_rows_done(&got);
    }
    ZSTD_freeDCtx(zstd);
    call_encoder_free(e);
    g_rand_free(rand);
}

static bool read_all(const uint8_t *blob, size_t size, ZSTD_DCtx *zstd, GError **error) {
    CallRows rows = {0};
    bool ok = call_rows_open(&rows, blob, size, error);
    for (unsigned k = 0; ok && k < CALL_COLUMNS; k++)
        ok = call_rows_need(&rows, zstd, k, error);
    call_rows_done(&rows);
    return ok;
}

static void test_damage(void) {
    GRand *rand = g_rand_new_with_seed(6);
    CallEncoder *e = call_encoder_new();
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    g_autofree CallRow *rows = g_new(CallRow, 300);
    Bytes blob;
    unsigned refused = 0;
    fill(rand, rows, 300);
    call_encoder_make(e, rows, 300, &blob);
    size_t size = bytes_size(&blob);
    g_autofree uint8_t *copy = g_malloc(size);
    for (unsigned i = 0; i < 4000; i++) {
        GError *error = NULL;
        memcpy(copy, blob.data, size);
        copy[g_rand_int_range(rand, 0, (int32_t)(i % 2 ? size : CALL_HEADER))] ^= (uint8_t)(1u << i % 8);
        size_t use = i % 7 ? size : (size_t)g_rand_int_range(rand, 0, (int32_t)size);
        if (use > 8 && i % 5) {
            uint64_t sum = XXH3_64bits(copy, use - 8);
            memcpy(copy + use - 8, &sum, 8);
        }
        if (!read_all(copy, use, zstd, &error)) {
            g_assert_nonnull(error);
            g_clear_error(&error);
            refused++;
        }
    }
    g_assert_cmpuint(refused, >, 1500);
    ZSTD_freeDCtx(zstd);
    call_encoder_free(e);
    g_rand_free(rand);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/calls/round-trip", test_round_trip);
    g_test_add_func("/calls/damage", test_damage);
    return g_test_run();
}
