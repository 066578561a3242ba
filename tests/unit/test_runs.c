/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs: each access of the made-up guest was made by an instruction that is there; filters keep what they say; damage is
 * an error, never a crash. */
#include "analyses/store/runs.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "trace_synth.h"

static const CodeBlock *find_code(void *opaque, uint32_t id) {
    return g_ptr_array_index(((Synth *)opaque)->code_blocks, id);
}

static const CodeBlock *find_code_by_id(void *opaque, uint32_t id, GError **error) {
    Synth *s = opaque;
    if (id < s->code_blocks->len)
        return g_ptr_array_index(s->code_blocks, id);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "no block %u", id);
    return NULL;
}

typedef struct Row {
    uint64_t pos, pc;
    uint32_t raw, hart, priv, unused; /* no padding: compared as bytes */
} Row;

static void encode(Synth *s, const RunFilter *filter, ChunkResult *r, RunEncoder **e) {
    GError *error = NULL;
    *e = run_encoder_new(find_code, s, filter);
    run_encoder_begin(*e, s->words->len);
    g_assert_true(run_encoder_add(*e, (uint64_t *)s->words->data, s->words->len, &error));
    run_encoder_end(*e, r);
}

static GArray *expand(const Runs *runs) {
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(Row));
    for (uint32_t i = 0; i < runs->n; i++) {
        const Run *run = &runs->run[i];
        const RunBlock *b = &runs->blocks[run->block];
        for (uint32_t k = 0; k < run->n; k++) {
            uint32_t at = b->at + run->first + k;
            Row row = {run->pos + k, b->pc + runs->offset[at], runs->raw[at], run->hart, b->priv};
            g_array_append_val(rows, row);
        }
    }
    return rows;
}

static GArray *trace(Synth *s, const RunFilter *filter) {
    GError *error = NULL;
    ChunkResult r;
    RunEncoder *e;
    Runs runs = {0};
    encode(s, filter, &r, &e);
    RunDecoder *d = run_decoder_new(find_code_by_id, s);
    g_assert_true(run_decode(d, r.blob.data, bytes_size(&r.blob), &runs, &error));
    GArray *rows = expand(&runs);
    g_assert_cmpuint(rows->len, ==, r.rows);
    for (guint i = 0; i < rows->len; i++) {
        const Row *row = &g_array_index(rows, Row, i);
        bool touched = false;
        g_assert_true(row->pos >= r.first_pos && row->pos <= r.last_pos);
        for (size_t k = 0; k < r.n_pages && !touched; k++)
            touched = r.pages[k].vpage == row->pc >> PAGE_BITS &&
                      r.pages[k].written[(row->pc & (PAGE_SIZE - 1)) >> 9] >> (row->pc >> 3 & 63) & 1;
        g_assert_true(touched);
    }
    runs_done(&runs);
    run_decoder_free(d);
    run_encoder_free(e);
    return rows;
}

static const Row *find_row(const GArray *rows, uint64_t pos) {
    for (guint low = 0, high = rows->len; low < high;) {
        guint middle = (low + high) / 2;
        const Row *row = &g_array_index(rows, Row, middle);
        if (row->pos == pos)
            return row;
        if (row->pos < pos)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void test_round_trip(gconstpointer regular) {
    for (uint32_t seed = 1; seed <= 8; seed++) {
        Synth *s = synth_new(seed, 5 + seed * seed * 3, regular != NULL);
        synth_run(s, 3000);
        GArray *rows = trace(s, &RUN_FILTER_ALL);
        for (guint i = 0; i < s->rows->len; i++) {
            const SynthRow *want = &g_array_index(s->rows, SynthRow, i);
            const Row *got = want->hart < 0 ? NULL : find_row(rows, (uint64_t)want->pos);
            if (want->hart < 0)
                continue;
            g_assert_nonnull(got);
            g_assert_cmphex(got->pc, ==, (uint64_t)want->pc);
            g_assert_cmpint(got->hart, ==, want->hart);
            g_assert_cmpint(got->priv, ==, want->priv);
        }
        g_array_free(rows, TRUE);
        synth_free(s);
    }
}

static void test_filters(void) {
    Synth *s = synth_new(9, 80, false);
    synth_run(s, 3000);
    GArray *all = trace(s, &RUN_FILTER_ALL);
    for (unsigned i = 0; i < 60; i++) {
        const Row *a = &g_array_index(all, Row, (guint)g_rand_int_range(s->rand, 0, (int)all->len));
        const Row *b = &g_array_index(all, Row, (guint)g_rand_int_range(s->rand, 0, (int)all->len));
        RunFilter f = RUN_FILTER_ALL;
        if (i % 3 != 0) {
            f.first = MIN(a->pos, b->pos);
            f.last = MAX(a->pos, b->pos) - i % 2;
        }
        if (i % 3 != 1) {
            f.low = MIN(a->pc, b->pc);
            f.high = MAX(a->pc, b->pc);
        }
        GArray *some = trace(s, &f);
        guint k = 0;
        for (guint j = 0; j < all->len; j++) {
            const Row *want = &g_array_index(all, Row, j);
            if (want->pos < f.first || want->pos > f.last || want->pc < f.low || want->pc > f.high)
                continue;
            g_assert_cmpuint(k, <, some->len);
            g_assert_cmpmem(want, sizeof *want, &g_array_index(some, Row, k), sizeof *want);
            k++;
        }
        g_assert_cmpuint(k, ==, some->len);
        g_array_free(some, TRUE);
    }
    g_array_free(all, TRUE);
    synth_free(s);
}

/* Flip bytes, with the checksum made good again: an error or wrong rows, but no crash and no endless loop. */
static void test_damage(void) {
    Synth *s = synth_new(3, 60, false);
    ChunkResult r;
    RunEncoder *e;
    Runs runs = {0};
    unsigned refused = 0;
    synth_run(s, 500);
    encode(s, &RUN_FILTER_ALL, &r, &e);
    RunDecoder *d = run_decoder_new(find_code_by_id, s);
    size_t size = bytes_size(&r.blob);
    uint8_t *copy = g_memdup2(r.blob.data, size);
    for (unsigned i = 0; i < 4000; i++) {
        GError *error = NULL;
        memcpy(copy, r.blob.data, size);
        for (unsigned n = 1 + i % 3; n; n--)
            copy[(unsigned)g_rand_int_range(s->rand, 0, (int32_t)(i % 2 ? size : RUNS_HEADER))] ^=
                (uint8_t)(1u << i % 8);
        size_t use = i % 7 ? size : (size_t)g_rand_int_range(s->rand, 0, (int32_t)size);
        if (use > 8 && i % 5) {
            uint64_t sum = XXH3_64bits(copy, use - 8);
            memcpy(copy + use - 8, &sum, 8);
        }
        if (run_decode(d, copy, use, &runs, &error)) {
            g_array_free(expand(&runs), TRUE);
        } else {
            g_assert_nonnull(error);
            g_clear_error(&error);
            refused++;
        }
    }
    g_assert_cmpuint(refused, >, 1500);
    g_free(copy);
    runs_done(&runs);
    run_decoder_free(d);
    run_encoder_free(e);
    synth_free(s);
}

static void test_malformed_trace(void) {
    Synth *s = synth_new(3, 10, false);
    RunEncoder *e = run_encoder_new(find_code, s, &RUN_FILTER_ALL);
    const uint64_t bad[][5] = {{TRACE_BLOCK},
                               {TRACE_SYNC | 1, 5},
                               {TRACE_SYNC, 0, 0, 0, TRACE_SPLIT | 1},
                               {TRACE_SYNC, 0, 0, 0, 9ull << 56},
                               {TRACE_SYNC, 0, 0, 0, TRACE_DMA}};
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        GError *error = NULL;
        run_encoder_begin(e, 5);
        g_assert_false(run_encoder_add(e, bad[i], i < 2 ? i + 1 : 5, &error));
        g_assert_nonnull(error);
        g_clear_error(&error);
    }
    run_encoder_free(e);
    synth_free(s);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/runs/round-trip", NULL, test_round_trip);
    g_test_add_data_func("/runs/round-trip-regular", "regular", test_round_trip);
    g_test_add_func("/runs/filters", test_filters);
    g_test_add_func("/runs/damage", test_damage);
    g_test_add_func("/runs/malformed-trace", test_malformed_trace);
    return g_test_run();
}
