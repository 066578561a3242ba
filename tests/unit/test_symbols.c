/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table symbol: the same rows, by whatever they are asked for, as a plain table with indexes; what somebody changes is
 * seen; damage is an error, never a crash.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "analyses/store/symbol_list.h"
#include "analyses/store/symbol_pack.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define N 5000u /* symbols of a module */

static Store *open_store(void) {
    Store *s;
    GError *error = NULL;
    g_assert_true(store_open(NULL, &s, &error));
    g_assert_true(
        store_exec(s,
                   "CREATE TABLE plain (id INTEGER PRIMARY KEY, module_id INTEGER, name TEXT, addr INTEGER, "
                   "size INTEGER, kind TEXT); CREATE INDEX plain_addr ON plain (addr)",
                   &error));
    return s;
}

/* Module 1 in order of address, with equal ones; others in none. */
static uint64_t addr_of(GRand *rand, int64_t module, unsigned i) {
    if (module == 1)
        return 0xffffffff80000000u + i / 3 * 8;
    return i == 0   ? INT64_MAX
           : i == 1 ? (uint64_t)INT64_MIN
                    : (uint64_t)g_rand_int(rand) << g_rand_int_range(rand, 0, 33);
}

static void add_module(Store *s, int64_t module) {
    GError *error = NULL;
    StoreStmt *insert;
    GRand *rand = g_rand_new_with_seed((guint32)module);
    g_assert_true(store_begin(s, &error) &&
                  store_prepare(s,
                                "INSERT INTO plain (module_id, name, addr, size, kind) "
                                "VALUES (?, ?, ?, ?, ?)",
                                &insert, &error));
    SymbolWriter *w = symbol_writer_new(s, module, &error);
    for (unsigned i = 0; i < N; i++) {
        char name[32];
        SymbolKind kind = (SymbolKind)(i % SYMBOL_N_KINDS);
        uint64_t addr = addr_of(rand, module, i), size = i % 4 ? g_rand_int(rand) : UINT64_MAX;
        g_snprintf(name, sizeof name, "%s%d", i % 9 ? "" : "ü", g_rand_int_range(rand, 0, 900));
        g_assert_true(symbol_writer_add(w, name, addr, size, kind, &error));
        g_assert_true(store_run(insert, &error, "isuus", module, name, addr, size, symbol_kind_text(kind)));
    }
    g_assert_true(symbol_writer_end(w, &error) && store_commit(s, &error));
    symbol_writer_free(w);
    store_stmt_free(insert);
    g_rand_free(rand);
}

/* What a question about the table $ gives, of both. */
static void same(Store *s, const char *sql) {
    static const char *const table[] = {"symbol", "plain"};
    GString *of[2];
    for (unsigned i = 0; i < 2; i++) {
        g_auto(GStrv) parts = g_strsplit(sql, "$", -1);
        g_autofree char *text = g_strjoinv(table[i], parts);
        sqlite3_stmt *q;
        of[i] = g_string_new(NULL);
        g_assert_cmpint(sqlite3_prepare_v2(store_handle(s), text, -1, &q, NULL), ==, SQLITE_OK);
        while (sqlite3_step(q) == SQLITE_ROW)
            for (int c = 0; c < sqlite3_column_count(q); c++)
                g_string_append_printf(of[i], "%s ", (const char *)sqlite3_column_text(q, c));
        g_assert_cmpint(sqlite3_finalize(q), ==, SQLITE_OK);
    }
    if (strcmp(of[0]->str, of[1]->str))
        g_error("%s: %.200s\ninstead of %.200s", sql, of[0]->str, of[1]->str);
    for (unsigned i = 0; i < 2; i++)
        g_string_free(of[i], TRUE);
}

static void test_questions(void) {
    static const char *const where[] = {"1",
                                        "id = 77",
                                        "id IN (9999, 3, 10000, 10001, -1, 0)",
                                        "id BETWEEN 4990 AND 5010",
                                        "rowid > 9990 AND id <= 9223372036854775807",
                                        "id < -9223372036854775808",
                                        "id = 17.5 OR id = 18.0",
                                        "name = '17'",
                                        "name IN ('17', 'ü5', 'none', NULL)",
                                        "name = 17",
                                        "name = x'3137'",
                                        "name = 'Ü17' COLLATE NOCASE",
                                        "name = '17' AND id > 5000",
                                        "name LIKE '1%' AND kind = 'func'",
                                        "addr = 0xffffffff80000010",
                                        "addr > 0",
                                        "addr <= 9223372036854775807 AND addr > 0x100000000",
                                        "addr BETWEEN 0xffffffff80000010 AND 0xffffffff80000020",
                                        "addr >= 9223372036854775807",
                                        "addr < 17.5 AND size < 0",
                                        "addr IS NULL",
                                        "addr > 'text'",
                                        "module_id = 2 AND kind = 'object' AND addr < 0"};
    static const char *const order[] = {
        "id",       "id DESC",       "addr, id",     "addr DESC, id DESC", "addr, id DESC",
        "name, id", "addr DESC, id", "kind, id DESC"};
    Store *s = open_store();
    for (int64_t module = 1; module <= 2; module++) {
        add_module(s, module);
        for (size_t i = 0; i < G_N_ELEMENTS(where); i++)
            for (size_t k = 0; k < G_N_ELEMENTS(order); k++) {
                g_autofree char *sql =
                    g_strdup_printf("SELECT rowid, * FROM $ WHERE %s ORDER BY %s", where[i], order[k]);
                same(s, sql);
            }
    }
    same(s, "SELECT count(*), sum(b.id) FROM $ AS a JOIN $ AS b ON b.id = a.id + 1 WHERE a.id % 3");
    same(s, "SELECT count(*), sum(b.id) FROM $ AS a JOIN $ AS b USING (name) WHERE a.id < 200");
    same(s, "SELECT sum((SELECT id FROM $ AS b WHERE b.addr <= a.addr + 4 ORDER BY addr DESC, id DESC LIMIT "
            "1)) FROM $ AS a");
    store_close(s);
}

static int64_t ask(Store *s, const char *sql) {
    return store_get_int(s, sql, -1, "");
}

/* By this connection and another; undone; and what has gone. */
static void test_changes(void) {
    GError *error = NULL;
    Store *s, *other;
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "rr-symbols-XXXXXX", NULL);
    g_assert_cmpint(close(g_mkstemp(path)), ==, 0);
    g_assert_true(store_open(path, &s, &error));
    g_assert_true(store_exec(
        s, "CREATE TABLE plain (id INTEGER PRIMARY KEY, module_id, name, addr, size, kind)", &error));
    g_assert_true(store_open(path, &other, &error));
    for (int64_t n = 0; n <= 2 * N; n += N) {
        g_assert_cmpint(ask(s, "SELECT count(*) FROM symbol"), ==, n);
        g_assert_cmpint(ask(other, "SELECT count(*) FROM symbol"), ==, n);
        add_module(n ? s : other, 1);
    }
    g_assert_true(store_begin(s, &error) && store_clear_symbols(s, &error));
    g_assert_cmpint(ask(s, "SELECT count(*) FROM symbol"), ==, 0);
    g_assert_cmpint(ask(other, "SELECT count(*) FROM symbol"), ==, 3 * N);
    store_rollback(s);
    g_assert_cmpint(ask(s, "SELECT count(*) FROM symbol"), ==, 3 * N);
    store_close(other);
    store_close(s);
    g_unlink(path);
}

/* sym() goes by the symbols that a temporary table puts before them. */
static void test_shadow(void) {
    GError *error = NULL;
    Store *s = open_store();
    add_module(s, 1);
    g_assert_true(store_exec(
        s,
        "CREATE TEMP TABLE symbol AS SELECT *, 1 AS x FROM main.symbol WHERE addr = 0xffffffff80000010; "
        "UPDATE temp.symbol SET name = 'here'",
        &error));
    g_assert_cmpint(ask(s, "SELECT sym(0xffffffff80000010) = 'here' AND sym(0xffffffff80000000) IS NULL"), ==,
                    1);
    store_close(s);
}

/* Names that SymbolRow has are found in lists by the rules, whatever order they come in. */
static void test_list(void) {
    Store *s = open_store();
    add_module(s, 1);
    for (int64_t module = 1; module <= 2; module++) {
        SymbolSet *set = store_symbol_set(store_handle(s));
        GArray *fast = symbol_list_of(set), *slow = symbol_list_new(store_handle(s), "plain", "", 0);
        g_assert_cmpuint(fast->len, ==, slow->len);
        for (guint i = 0; i < fast->len; i++) {
            const Symbol *a = &g_array_index(fast, Symbol, i), *b = &g_array_index(slow, Symbol, i);
            g_assert_true(a->addr == b->addr && a->size == b->size && !strcmp(a->name, b->name));
        }
        g_array_unref(fast);
        g_array_unref(slow);
        symbol_set_unref(set);
        add_module(s, 2);
    }
    store_close(s);
}

/* Of names of one address, the function's: not a linker's mark, rather without _, the first one. */
static void test_aliases(void) {
    static const struct {
        const char *names, *best;
    } given[] = {{"efi_header_end _start_kernel", "_start_kernel"},
                 {"_start_kernel efi_header_end", "_start_kernel"},
                 {"__do_softirq __softirqentry_text_start _stext", "__do_softirq"},
                 {"_stext _start __init_begin", "_start"},
                 {"__foo foo a_end", "foo"},
                 {"b_end a_end", "a_end"},
                 {"two one", "one"}};
    Store *s = open_store();
    for (size_t i = 0; i < G_N_ELEMENTS(given); i++) {
        g_auto(GStrv) names = g_strsplit(given[i].names, " ", -1);
        g_assert_true(store_exec(s, "DELETE FROM plain", NULL));
        for (int k = 0; names[k]; k++) {
            g_autofree char *sql = g_strdup_printf(
                "INSERT INTO plain (module_id, name, addr, size) VALUES (1, '%s', 4096, 16)", names[k]);
            g_assert_true(store_exec(s, sql, NULL));
        }
        GArray *list = symbol_list_new(store_handle(s), "plain", "", 0);
        g_assert_cmpstr(symbol_list_find(list, 4100)->name, ==, given[i].best);
        g_array_unref(list);
    }
    store_close(s);
}

static void put_blob(Store *s, const uint8_t *blob, size_t size) {
    StoreStmt *put;
    int64_t stamp = 0;
    memcpy(&stamp, blob + (size < 8 ? 0 : size - 8), MIN(size, 8));
    g_assert_true(store_prepare(s, "UPDATE symbol_chunk SET data = ?, stamp = ?", &put, NULL));
    g_assert_true(store_run(put, NULL, "bi", blob, size, stamp));
    store_stmt_free(put);
}

/* Any changed byte, or length, is found out by the check; with a check that is right it must not be believed all the same. */
static void test_damage(void) {
    Store *s = open_store();
    sqlite3_stmt *q;
    add_module(s, 1);
    g_assert_cmpint(sqlite3_prepare_v2(store_handle(s), "SELECT data FROM symbol_chunk", -1, &q, NULL), ==,
                    SQLITE_OK);
    g_assert_cmpint(sqlite3_step(q), ==, SQLITE_ROW);
    size_t size = (size_t)sqlite3_column_bytes(q, 0);
    g_autofree uint8_t *blob = g_memdup2(sqlite3_column_blob(q, 0), size);
    sqlite3_finalize(q);
    for (size_t i = 0; i < size; i += i < 80 ? 1 : 97) {
        blob[i] ^= 0x41;
        put_blob(s, blob, size);
        g_assert_cmpint(ask(s, "SELECT count(*) FROM symbol"), ==, -1);
        uint64_t check = XXH3_64bits(blob, size - 8), was;
        memcpy(&was, blob + size - 8, 8);
        memcpy(blob + size - 8, &check, 8);
        put_blob(s, blob, size);
        ask(s, "SELECT sum(id) + sum(addr = 0) FROM symbol");
        ask(s, "SELECT sym(0xffffffff80000010)");
        memcpy(blob + size - 8, &was, 8);
        blob[i] ^= 0x41;
        put_blob(s, blob, i);
        g_assert_cmpint(ask(s, "SELECT count(*) FROM symbol"), ==, -1);
    }
    put_blob(s, blob, size);
    g_assert_cmpint(ask(s, "SELECT count(*) FROM symbol"), ==, N);
    g_assert_true(store_exec(s, "UPDATE symbol_chunk SET first_id = 2, stamp = 1", NULL));
    g_assert_cmpint(ask(s, "SELECT count(*) FROM symbol"), ==, -1);
    store_close(s);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/symbols/questions", test_questions);
    g_test_add_func("/symbols/changes", test_changes);
    g_test_add_func("/symbols/shadow", test_shadow);
    g_test_add_func("/symbols/list", test_list);
    g_test_add_func("/symbols/aliases", test_aliases);
    g_test_add_func("/symbols/damage", test_damage);
    return g_test_run();
}
