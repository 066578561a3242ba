/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packed tables: what goes in comes out, by any bound on the key, either way round; damage is an error, never a crash. */
#include "analyses/store/packed.h"

#include "analyses/store/sqlite.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define N 50000u /* rows: more than three chunks */

static Store *open_store(void) {
    Store *s;
    GError *error = NULL;
    g_assert_true(store_open(NULL, &s, &error));
    g_assert_true(store_exec(s,
                             "CREATE TABLE t_packed (id INTEGER PRIMARY KEY, first_key INTEGER, last_key "
                             "INTEGER, rows INTEGER, data BLOB); CREATE TABLE plain (k INTEGER, v INTEGER, "
                             "s TEXT)",
                             &error));
    return s;
}

/* The same rows in both tables; keys have the extremes, and many are equal. */
static void fill(Store *s) {
    GError *error = NULL;
    StoreStmt *insert;
    GRand *rand = g_rand_new_with_seed(3);
    g_assert_true(store_begin(s, &error) &&
                  store_prepare(s, "INSERT INTO plain VALUES (?, ?, ?)", &insert, &error));
    PackedWriter *w = packed_writer_new(s, "t", "iis", 0, &error);
    int64_t key = INT64_MIN;
    for (uint32_t i = 0; i < N; i++) {
        char text[16], types[] = "iis";
        g_snprintf(text, sizeof text, "s%d", g_rand_int_range(rand, 0, 900));
        StoreValue row[] = {
            {.integer = i == N - 1 ? INT64_MAX : key},
            {.integer = (int64_t)((uint64_t)g_rand_int(rand) << g_rand_int_range(rand, 0, 33))},
            {.bytes = i % 5 ? text : NULL}};
        if (i % 7 == 0)
            types[1] = 'n';
        g_assert_true(packed_writer_add(w, types, row, &error));
        g_assert_true(store_run_values(insert, types, row, &error));
        key = i == 0 ? -70000 : key + g_rand_int_range(rand, 0, 4);
    }
    g_assert_true(packed_writer_end(w, &error) && store_commit(s, &error));
    packed_writer_free(w);
    store_stmt_free(insert);
    g_rand_free(rand);
    g_assert_true(
        store_exec(s, "CREATE VIRTUAL TABLE t USING packed(t, k, k INTEGER, v INTEGER, s TEXT)", &error));
    g_assert_no_error(error);
}

static void test_round_trip(void) {
    static const char *const where[] = {"1",
                                        "k = -69000",
                                        "k BETWEEN -1000 AND 1000",
                                        "k < -69990 OR k > 0",
                                        "k >= 9223372036854775807",
                                        "k <= -9223372036854775808",
                                        "k > 9223372036854775807",
                                        "k IS NULL",
                                        "s = 's17' AND k > -60000",
                                        "k IN (-60000, -50000, 12, 9223372036854775807)",
                                        "k > 'text'",
                                        "k < 17.5"};
    Store *s = open_store();
    fill(s);
    for (size_t i = 0; i < G_N_ELEMENTS(where); i++) {
        g_autofree char *sql = g_strdup_printf(
            "SELECT count(*) FROM (SELECT k, v, s FROM t WHERE %s EXCEPT SELECT * FROM plain WHERE %s)",
            where[i], where[i]);
        g_assert_cmpint(store_get_int(s, sql, -1, ""), ==, 0);
        for (int down = 0; down < 2; down++) {
            const char *order = down ? "DESC" : "ASC";
            g_autofree char *sums =
                g_strdup_printf("WITH a AS (SELECT k, v, s FROM t WHERE %s ORDER BY k %s), b AS (SELECT * "
                                "FROM plain WHERE %s ORDER BY k %s) "
                                "SELECT (SELECT group_concat(k) FROM (SELECT k FROM a ORDER BY k %s)) IS "
                                "(SELECT group_concat(k) FROM (SELECT k FROM b ORDER BY k %s)) "
                                "AND (SELECT count(*) FROM a) = (SELECT count(*) FROM b)",
                                where[i], order, where[i], order, order, order);
            g_assert_cmpint(store_get_int(s, sums, -1, ""), ==, 1);
        }
    }
    g_assert_cmpint(
        store_get_int(s, "SELECT count(*) FROM plain AS p JOIN t ON t.k = p.k WHERE p.k % 100 = 0", -1, ""),
        ==,
        store_get_int(s, "SELECT count(*) FROM plain AS p JOIN plain AS t ON t.k = p.k WHERE p.k % 100 = 0",
                      -2, ""));
    store_close(s);
}

/* Any changed byte, or length, is found out by the check; with a check that is right it must not be believed all the same. */
static void test_damage(void) {
    Store *s = open_store();
    sqlite3_stmt *stmt;
    fill(s);
    g_assert_cmpint(
        sqlite3_prepare_v2(store_handle(s), "SELECT data FROM t_packed WHERE id = 1", -1, &stmt, NULL), ==,
        SQLITE_OK);
    g_assert_cmpint(sqlite3_step(stmt), ==, SQLITE_ROW);
    size_t size = (size_t)sqlite3_column_bytes(stmt, 0);
    g_autofree uint8_t *blob = g_memdup2(sqlite3_column_blob(stmt, 0), size);
    ZSTD_DCtx *zstd = ZSTD_createDCtx();
    for (size_t i = 0; i < size; i += i < 64 ? 1 : 997) {
        GError *error = NULL;
        blob[i] ^= 0x41;
        g_assert_null(packed_chunk_open(blob, size, "iis", zstd, &error));
        g_assert_nonnull(error);
        g_clear_error(&error);
        uint64_t check = XXH3_64bits(blob, size - 8), was;
        memcpy(&was, blob + size - 8, 8);
        memcpy(blob + size - 8, &check, 8);
        packed_chunk_free(packed_chunk_open(blob, size, "iis", zstd, NULL));
        memcpy(blob + size - 8, &was, 8);
        blob[i] ^= 0x41;
        g_assert_null(packed_chunk_open(blob, i, "iis", zstd, NULL));
    }
    g_assert_null(packed_chunk_open(blob, size, "ii", zstd, NULL));
    g_assert_null(packed_chunk_open(NULL, 0, "iis", zstd, NULL));
    PackedChunk *good = packed_chunk_open(blob, size, "iis", zstd, NULL);
    g_assert_nonnull(good);
    packed_chunk_free(good);
    ZSTD_freeDCtx(zstd);
    sqlite3_finalize(stmt);
    store_close(s);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/packed/round-trip", test_round_trip);
    g_test_add_func("/packed/damage", test_damage);
    return g_test_run();
}
