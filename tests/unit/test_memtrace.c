/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memtrace analysis end to end: a made-up guest's trace through the hooks into a database, asked in SQL.
 */
#include <sqlite3.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "analyses/analysis.h"
#include "analyses/store/query.h"
#include "analyses/store/store.h"
#include "core/machine.h"
#include "trace_synth.h"

typedef struct Rig {
    Synth *synth;
    Machine machine;
    Hart *hart;
    char *path;
    Store *store;
} Rig;

static void rig_init(Rig *r, uint32_t seed, unsigned n_blocks) {
    *r = (Rig){.synth = synth_new(seed, n_blocks, false)};
    r->machine.hooks = hooks_new();
    r->machine.running = true;
    r->machine.blocks[0] =
        (RamBlock){.name = "ram", .base = SYNTH_RAM_BASE, .size = SYNTH_RAM_SIZE, .host = r->synth->ram};
    r->machine.n_blocks = 1;
    r->hart = g_aligned_alloc0(1, sizeof(Hart), 64);
    r->hart->machine = &r->machine;
    r->machine.harts[0] = r->hart;
    for (guint i = 0; i < r->synth->code->len; i++)
        hooks_trace_add_block(r->machine.hooks, g_ptr_array_index(r->synth->code, i));
    r->path = g_strdup_printf("%s/rr-test-%d-%u.db", g_get_tmp_dir(), (int)getpid(), seed);
    g_unlink(r->path);
    GError *error = NULL;
    g_assert_true(store_open(r->path, &r->store, &error));
}

static void rig_done(Rig *r) {
    store_close(r->store);
    hooks_free(r->machine.hooks);
    g_aligned_free(r->hart);
    synth_free(r->synth);
    g_unlink(r->path);
    g_free(r->path);
}

/* Let the guest run and put its words where generated code would. */
static void rig_run(Rig *r, unsigned batches) {
    Hooks *hooks = r->machine.hooks;
    for (unsigned i = 0; i < batches; i++) {
        g_array_set_size(r->synth->words, 0);
        r->hart->horizon = r->synth->pos;
        hooks_trace_begin(hooks, r->hart);
        synth_run(r->synth, 20);
        memcpy(r->hart->trace_ptr, r->synth->words->data, r->synth->words->len * 8);
        r->hart->trace_ptr += r->synth->words->len;
        r->hart->horizon = r->synth->pos;
        if (r->hart->trace_ptr > r->hart->trace_limit || i % 100 == 99)
            hooks_trace_flush(hooks, r->hart);
    }
    r->hart->horizon = r->synth->pos;
    hooks_trace_flush(hooks, r->hart);
}

static void rig_trace(Rig *r, const char *spec, unsigned batches) {
    GError *error = NULL;
    AnalysisSet *set = analysis_set_new(r->store);
    g_assert_true(analysis_set_add(set, spec, &error));
    g_assert_true(analysis_set_begin(set, &r->machine, &error));
    rig_run(r, batches);
    if (!analysis_set_end(set, r->synth->pos, true, &error))
        g_error("%s", error->message);
    analysis_set_free(set);
}

static sqlite3_stmt *prepare(Rig *r, const char *sql) {
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(store_handle(r->store), sql, -1, &s, NULL) != SQLITE_OK)
        g_error("%s: %s", sql, sqlite3_errmsg(store_handle(r->store)));
    return s;
}

static int64_t get_int(Rig *r, const char *sql) {
    sqlite3_stmt *s = prepare(r, sql);
    if (sqlite3_step(s) != SQLITE_ROW)
        g_error("%s: %s", sql, sqlite3_errmsg(store_handle(r->store)));
    int64_t v = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return v;
}

static const char *const privs[] = {"U", "S", "?", "M"};

static void check_row(sqlite3_stmt *s, const SynthRow *row) {
    g_assert_cmpint(sqlite3_column_int64(s, 0), ==, row->pos);
    g_assert_cmpint(sqlite3_column_int64(s, 1), ==, row->seq);
    g_assert_cmpstr((const char *)sqlite3_column_text(s, 5), ==, mem_op_names[row->op]);
    g_assert_cmpint(sqlite3_column_int64(s, 7), ==, row->paddr);
    g_assert_cmpint(sqlite3_column_int64(s, 8), ==, row->size);
    g_assert_cmpint(sqlite3_column_int64(s, 9), ==, row->value);
    const int cpu_only[] = {2, 3, 4, 6, 10};
    for (size_t i = 0; i < G_N_ELEMENTS(cpu_only); i++)
        g_assert_cmpint(sqlite3_column_type(s, cpu_only[i]) == SQLITE_NULL, ==, row->hart < 0);
    if (row->hart < 0)
        return;
    g_assert_cmpint(sqlite3_column_int64(s, 2), ==, row->hart);
    g_assert_cmpint(sqlite3_column_int64(s, 3), ==, row->satp);
    g_assert_cmpint(sqlite3_column_int64(s, 4), ==, row->pc);
    g_assert_cmpint(sqlite3_column_int64(s, 6), ==, row->vaddr);
    g_assert_cmpstr((const char *)sqlite3_column_text(s, 10), ==, privs[row->priv]);
}

static void check_scan(Rig *r, const char *sql, bool down) {
    sqlite3_stmt *s = prepare(r, sql);
    guint n = r->synth->rows->len;
    for (guint i = 0; i < n; i++) {
        g_assert_cmpint(sqlite3_step(s), ==, SQLITE_ROW);
        check_row(s, &g_array_index(r->synth->rows, SynthRow, down ? n - 1 - i : i));
    }
    g_assert_cmpint(sqlite3_step(s), ==, SQLITE_DONE);
    sqlite3_finalize(s);
}

static void test_scan(void) {
    Rig r;
    rig_init(&r, 11, 60);
    rig_trace(&r, "memtrace", 9000);
    g_assert_cmpint(get_int(&r, "SELECT count(*) FROM memtrace_chunk"), >, 3);
    check_scan(&r, "SELECT * FROM memtrace", false);
    check_scan(&r, "SELECT * FROM memtrace ORDER BY pos DESC, seq DESC", true);
    g_assert_cmpint(get_int(&r, "SELECT complete FROM analysis WHERE name = 'memtrace'"), ==, 1);
    g_assert_cmpint(get_int(&r, "SELECT rows FROM analysis WHERE name = 'memtrace'"), ==, r.synth->rows->len);
    g_assert_cmpint(get_int(&r, "SELECT count(*) FROM memtrace_v WHERE pc LIKE '0x%'"), >, 100);
    rig_done(&r);
}

static void test_storage_rows(void) {
    Rig r;
    rig_init(&r, 12, 60);
    rig_trace(&r, "memtrace,storage=rows", 300);
    check_scan(&r, "SELECT * FROM memtrace", false);
    g_assert_cmpint(
        get_int(&r, "SELECT count(*) FROM write"), ==,
        get_int(&r, "SELECT count(*) FROM memtrace WHERE op IN ('store','sc','amo_store','dma_write')"));
    /* The other storage, and back, under the same name. */
    g_array_set_size(r.synth->rows, 0);
    rig_trace(&r, "memtrace", 300);
    check_scan(&r, "SELECT * FROM memtrace", false);
    g_array_set_size(r.synth->rows, 0);
    rig_trace(&r, "memtrace,storage=rows", 50);
    check_scan(&r, "SELECT * FROM memtrace", false);
    rig_done(&r);
}

/* Either side of OR goes its own way through the index; a row that both find is one row. */
static void test_or(void) {
    Rig r;
    rig_init(&r, 21, 60);
    rig_trace(&r, "memtrace", 2000);
    const char *tables[] = {"memtrace", "write"};
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        const char *where =
            "SELECT count(*) FROM %s WHERE %spos < 900 OR %spaddr = (SELECT paddr FROM memtrace LIMIT 1)";
        g_autofree char *fast = g_strdup_printf(where, tables[i], "", "");
        g_autofree char *slow = g_strdup_printf(where, tables[i], "+", "+");
        g_assert_cmpint(get_int(&r, slow), >, 10);
        g_assert_cmpint(get_int(&r, fast), ==, get_int(&r, slow));
    }
    rig_done(&r);
}

static void test_instances(void) {
    Rig r;
    rig_init(&r, 13, 60);
    rig_trace(&r, "memtrace", 100);
    GArray *first = r.synth->rows;
    r.synth->rows = g_array_new(FALSE, FALSE, sizeof(SynthRow));
    rig_trace(&r, "memtrace,as=mt", 200);
    check_scan(&r, "SELECT * FROM mt", false);
    g_assert_cmpint(get_int(&r, "SELECT count(*) FROM mt_write WHERE pos >= 0"), ==,
                    get_int(&r, "SELECT count(*) FROM mt WHERE is_write = 1"));
    GArray *second = r.synth->rows;
    r.synth->rows = first;
    check_scan(&r, "SELECT * FROM memtrace", false);
    g_array_free(second, TRUE);
    rig_done(&r);
}

/* The same WHERE over the virtual table and over a plain copy. */
static void compare(Rig *r, const char *where) {
    const char *columns = "pos, seq, hart, satp, pc, op, vaddr, paddr, size, value, priv";
    g_autofree char *from = g_strdup_printf("SELECT %s FROM memtrace WHERE %s", columns, where);
    g_autofree char *plain = g_strdup_printf("SELECT %s FROM copy WHERE %s", columns, where);
    sqlite3_stmt *a = prepare(r, from), *b = prepare(r, plain);
    for (;;) {
        int ra = sqlite3_step(a), rb = sqlite3_step(b);
        if (ra != rb)
            g_error("%s: %d %d %s", where, ra, rb, sqlite3_errmsg(store_handle(r->store)));
        if (ra != SQLITE_ROW)
            break;
        for (int i = 0; i < 11; i++)
            if (g_strcmp0((const char *)sqlite3_column_text(a, i), (const char *)sqlite3_column_text(b, i)))
                g_error("%s: column %d: %s, expected %s", where, i, sqlite3_column_text(a, i),
                        sqlite3_column_text(b, i));
    }
    sqlite3_finalize(a);
    sqlite3_finalize(b);
}

static char *random_clause(Rig *r) {
    Synth *s = r->synth;
    const SynthRow *row =
        &g_array_index(s->rows, SynthRow, (guint)g_rand_int_range(s->rand, 0, (gint)s->rows->len));
    const char *ops[] = {"=", "<", "<=", ">", ">="};
    const char *op = ops[g_rand_int_range(s->rand, 0, 5)];
    int64_t wide = g_rand_int_range(s->rand, 0, 3) * 4000;
    switch (g_rand_int_range(s->rand, 0, 11)) {
    case 0: return g_strdup_printf("pos %s %" G_GINT64_FORMAT, op, row->pos);
    case 1: return g_strdup_printf("paddr %s %" G_GINT64_FORMAT, op, row->paddr);
    case 2: return g_strdup_printf("vaddr %s %" G_GINT64_FORMAT, op, row->vaddr);
    case 3:
        return g_strdup_printf("paddr BETWEEN %" G_GINT64_FORMAT " AND %" G_GINT64_FORMAT, row->paddr - wide,
                               row->paddr + wide);
    case 4:
        return g_strdup_printf("pos BETWEEN %" G_GINT64_FORMAT " AND %" G_GINT64_FORMAT, row->pos - wide,
                               row->pos);
    case 5: return g_strdup_printf("op = '%s'", mem_op_names[row->op]);
    case 6: return g_strdup("op IN ('store', 'sc', 'dma_write', 'nothing')");
    case 7:
        return g_strdup_printf("vaddr BETWEEN %" G_GINT64_FORMAT " AND %" G_GINT64_FORMAT, row->vaddr,
                               row->vaddr + wide);
    case 8: return g_strdup_printf("pos < %" G_GINT64_FORMAT ".5", row->pos);
    case 9: return g_strdup_printf("value %s %" G_GINT64_FORMAT, op, row->value);
    default: return g_strdup_printf("paddr IN (%" G_GINT64_FORMAT ", 5, NULL)", row->paddr);
    }
}

static void test_constraints(void) {
    static const char *const orders[] = {" ORDER BY pos, seq, paddr",
                                         " ORDER BY pos DESC, seq DESC, paddr DESC"};
    Rig r;
    GError *error = NULL;
    rig_init(&r, 14, 60);
    rig_trace(&r, "memtrace", 1500);
    g_assert_true(store_exec(r.store,
                             "CREATE TEMP TABLE copy AS SELECT * FROM memtrace;"
                             "CREATE INDEX copy_pos ON copy(pos); CREATE INDEX copy_paddr ON copy(paddr)",
                             &error));
    for (unsigned i = 0; i < 300; i++) {
        GString *where = g_string_new(NULL);
        for (unsigned n = 1 + i % 3; n; n--) {
            g_autofree char *clause = random_clause(&r);
            g_string_append_printf(where, "%s%s", where->len ? " AND " : "", clause);
        }
        g_string_append(where, orders[i % 2]);
        if (i % 5)
            g_string_append_printf(where, " LIMIT %u", i % 7 * 10 + 1);
        compare(&r, where->str);
        g_string_free(where, TRUE);
    }
    compare(&r, "pos IS NULL");
    compare(&r, "pos > NULL");
    compare(&r, "vaddr IS NULL ORDER BY pos, seq, paddr");
    rig_done(&r);
}

/* Who last wrote this address before P: by brute force over the rows, and by the index. */
static void test_last_writer(void) {
    Rig r;
    GError *error = NULL;
    rig_init(&r, 15, 60);
    g_assert_true(store_add_loader(r.store, SYNTH_RAM_BASE, 0x2004, "kernel", &error));
    rig_trace(&r, "memtrace", 1500);
    sqlite3_stmt *s = prepare(&r, "SELECT pos, seq, op, paddr FROM write WHERE covers = ?1 AND pos < ?2 "
                                  "ORDER BY pos DESC LIMIT 1");
    for (unsigned i = 0; i < 400; i++) {
        const SynthRow *rows = (SynthRow *)r.synth->rows->data, *found = NULL;
        guint k = (guint)g_rand_int_range(r.synth->rand, 0, (gint)r.synth->rows->len);
        int64_t address = rows[k].paddr + g_rand_int_range(r.synth->rand, -9, 9), before = rows[k].pos;
        for (guint j = 0; j < r.synth->rows->len && rows[j].pos < before; j++)
            if ((MEM_OPS_WRITE >> rows[j].op & 1) && rows[j].paddr <= address &&
                rows[j].paddr + rows[j].size > address)
                found = &rows[j];
        sqlite3_reset(s);
        sqlite3_bind_int64(s, 1, address);
        sqlite3_bind_int64(s, 2, before);
        int result = sqlite3_step(s);
        if (!found && address >= SYNTH_RAM_BASE && address < SYNTH_RAM_BASE + 0x2004) {
            g_assert_cmpint(result, ==, SQLITE_ROW);
            g_assert_cmpint(sqlite3_column_int64(s, 0), ==, -1);
            g_assert_cmpint(sqlite3_column_int64(s, 3), ==, address & ~7);
            continue;
        }
        g_assert_cmpint(result, ==, found ? SQLITE_ROW : SQLITE_DONE);
        if (found)
            g_assert_cmpint(sqlite3_column_int64(s, 0), ==, found->pos);
    }
    sqlite3_finalize(s);
    int64_t granules = (0x2004 + 7) / 8;
    g_assert_cmpint(get_int(&r, "SELECT count(*) FROM write WHERE pos = -1"), ==, granules);
    g_assert_cmpint(get_int(&r, "SELECT count(*) FROM write"), ==,
                    granules + get_int(&r, "SELECT count(*) FROM memtrace WHERE is_write = 1"));
    g_assert_cmpint(
        get_int(&r,
                "SELECT count(*) FROM write WHERE op = 'loader' AND paddr BETWEEN 0x80000010 AND 0x80000027"),
        ==, 3);
    g_assert_cmpint(get_int(&r, "SELECT paddr FROM write WHERE paddr >= 0x80000011 AND pos < 0 LIMIT 1"), ==,
                    0x80000018);
    g_assert_cmpint(
        get_int(&r, "SELECT count(*) FROM (SELECT pos, lag(pos) OVER () AS p FROM write) WHERE p > pos"), ==,
        0);
    rig_done(&r);
}

static void fail_query(Rig *r, const char *sql, const char *expected) {
    sqlite3_stmt *s = NULL;
    int result = sqlite3_prepare_v2(store_handle(r->store), sql, -1, &s, NULL);
    while (result == SQLITE_OK || result == SQLITE_ROW)
        result = sqlite3_step(s);
    g_assert_cmpint(result, !=, SQLITE_DONE);
    if (!strstr(sqlite3_errmsg(store_handle(r->store)), expected))
        g_error("%s: %s, expected %s", sql, sqlite3_errmsg(store_handle(r->store)), expected);
    sqlite3_finalize(s);
}

static void test_damage(void) {
    Rig r;
    GError *error = NULL;
    rig_init(&r, 16, 40);
    fail_query(&r, "SELECT * FROM memtrace", "no such table: memtrace");
    fail_query(&r, "SELECT * FROM write", "no such table: write");
    rig_trace(&r, "memtrace", 100);
    g_assert_true(store_exec(r.store, "UPDATE memtrace_chunk SET data = substr(data, 1, 400)", &error));
    fail_query(&r, "SELECT * FROM memtrace", "damaged");
    g_assert_true(store_exec(r.store, "UPDATE memtrace_chunk SET data = NULL", &error));
    fail_query(&r, "SELECT * FROM memtrace", "missing");
    g_assert_true(store_exec(r.store, "UPDATE memtrace_index SET data = x'0123'", &error));
    fail_query(&r, "SELECT * FROM memtrace WHERE paddr = 0x80000000", "damaged");
    g_assert_true(store_exec(r.store, "DELETE FROM memtrace_index; DELETE FROM memtrace_code", &error));
    fail_query(&r, "SELECT * FROM memtrace WHERE paddr = 0x80000000", "missing");
    rig_done(&r);
}

/* A run that fails leaves the good rows of before; its own are kept where there were none. */
static void test_failed_run(void) {
    Rig r;
    GError *error = NULL;
    rig_init(&r, 17, 40);
    for (unsigned round = 0; round < 3; round++) {
        AnalysisSet *set = analysis_set_new(r.store);
        g_assert_true(analysis_set_add(set, "memtrace", &error));
        g_assert_true(analysis_set_begin(set, &r.machine, &error));
        g_array_set_size(r.synth->rows, 0);
        rig_run(&r, round == 2 ? 20 : 30);
        g_assert_true(analysis_set_end(set, r.synth->pos, round == 1, &error));
        analysis_set_free(set);
        if (round == 2)
            break;
        g_assert_cmpint(get_int(&r, "SELECT complete FROM analysis"), ==, round);
        g_assert_cmpint(get_int(&r, "SELECT count(*) FROM memtrace"), ==, r.synth->rows->len);
    }
    g_assert_cmpint(get_int(&r, "SELECT complete FROM analysis"), ==, 1);
    g_assert_cmpint(get_int(&r, "SELECT count(*) = rows FROM memtrace, analysis"), ==, 1);
    g_assert_cmpint(get_int(&r, "SELECT count(*) FROM memtrace"), !=, r.synth->rows->len);
    /* Nobody ended it: as if killed. */
    AnalysisSet *set = analysis_set_new(r.store);
    g_assert_true(analysis_set_add(set, "memtrace", &error));
    g_assert_true(analysis_set_begin(set, &r.machine, &error));
    rig_run(&r, 10);
    analysis_set_free(set);
    g_assert_cmpint(get_int(&r, "SELECT complete FROM analysis"), ==, 1);
    g_assert_cmpint(get_int(&r, "SELECT count(*) = rows FROM memtrace, analysis"), ==, 1);
    rig_done(&r);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/memtrace/scan", test_scan);
    g_test_add_func("/memtrace/storage-rows", test_storage_rows);
    g_test_add_func("/memtrace/instances", test_instances);
    g_test_add_func("/memtrace/or", test_or);
    g_test_add_func("/memtrace/constraints", test_constraints);
    g_test_add_func("/memtrace/last-writer", test_last_writer);
    g_test_add_func("/memtrace/damage", test_damage);
    g_test_add_func("/memtrace/failed-run", test_failed_run);
    return g_test_run();
}
