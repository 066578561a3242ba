/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunks of register values: what goes in comes out; damage is an error, never a crash. */
#include "analyses/store/reg_chunk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static const char *const names[] = {"ra", "sp", "mstatus"};

static void fill(RegEncoder *e, GRand *rand, RegRow *rows, unsigned n) {
    int64_t pos = -1;
    for (unsigned i = 0; i < n; i++) {
        pos += g_rand_int_range(rand, 0, i % 5 ? 3 : 100000);
        rows[i] = (RegRow){.pos = pos, .reg = (uint8_t)(i % 3), .hart = (uint8_t)(i % 7)};
        rows[i].value = (uint64_t)g_rand_int(rand) << (i % 33);
        reg_encoder_add(e, &rows[i]);
    }
}

static void test_round_trip(void) {
    GRand *rand = g_rand_new_with_seed(5);
    RegEncoder *e = reg_encoder_new(names, G_N_ELEMENTS(names), 1000);
    RegRow *want = g_new(RegRow, 5000);
    RegRows got = {0};
    for (unsigned n = 1; n <= 5000; n = n * 3 + 1) {
        Bytes blob;
        int64_t first, last;
        GError *error = NULL;
        uint32_t seq = 1000;
        fill(e, rand, want, n);
        g_assert_cmpuint(reg_encoder_rows(e), ==, n);
        reg_encoder_end(e, &blob, &first, &last);
        g_assert_true(reg_decode(blob.data, bytes_size(&blob), &got, &error));
        g_assert_cmpuint(got.n, ==, n);
        g_assert_cmpint(first, ==, want[0].pos);
        g_assert_cmpint(last, ==, want[n - 1].pos);
        for (unsigned i = 0; i < n; i++) {
            seq = i && want[i].pos == want[i - 1].pos ? seq + 1 : 1000;
            g_assert_cmpint(got.row[i].pos, ==, want[i].pos);
            g_assert_cmpuint(got.row[i].value, ==, want[i].value);
            g_assert_cmpuint(got.row[i].hart, ==, want[i].hart);
            g_assert_cmpstr(got.name[got.row[i].reg], ==, names[want[i].reg]);
            g_assert_cmpuint(got.seq[i], ==, seq);
        }
    }
    reg_rows_done(&got);
    reg_encoder_free(e);
    g_free(want);
    g_rand_free(rand);
}

static void test_damage(void) {
    GRand *rand = g_rand_new_with_seed(6);
    RegEncoder *e = reg_encoder_new(names, G_N_ELEMENTS(names), 0);
    g_autofree RegRow *want = g_new(RegRow, 300);
    RegRows got = {0};
    Bytes blob;
    int64_t first, last;
    unsigned refused = 0;
    fill(e, rand, want, 300);
    reg_encoder_end(e, &blob, &first, &last);
    size_t size = bytes_size(&blob);
    g_autofree uint8_t *copy = g_malloc(size);
    for (unsigned i = 0; i < 4000; i++) {
        GError *error = NULL;
        memcpy(copy, blob.data, size);
        copy[g_rand_int_range(rand, 0, (int32_t)(i % 2 ? size : REG_HEADER))] ^= (uint8_t)(1u << i % 8);
        size_t use = i % 7 ? size : (size_t)g_rand_int_range(rand, 0, (int32_t)size);
        if (use > 8 && i % 5) {
            uint64_t sum = XXH3_64bits(copy, use - 8);
            memcpy(copy + use - 8, &sum, 8);
        }
        if (!reg_decode(copy, use, &got, &error)) {
            g_assert_nonnull(error);
            g_clear_error(&error);
            refused++;
        }
    }
    g_assert_cmpuint(refused, >, 1500);
    reg_rows_done(&got);
    reg_encoder_free(e);
    g_rand_free(rand);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/regs/round-trip", test_round_trip);
    g_test_add_func("/regs/damage", test_damage);
    return g_test_run();
}
