/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database itself, and the analyses with few rows. usage: test_store docs/sql.md */
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyses/analysis.h"
#include "analyses/store/query.h"
#include "analyses/store/symbol_pack.h"
#include "core/machine.h"
#include "schema/nd_kinds.h"
#include "schema/seq.h"

static const char *manual;

static char *temporary(const char *name) {
    char *path = g_strdup_printf("%s/rr-store-%d-%s", g_get_tmp_dir(), (int)getpid(), name);
    g_unlink(path);
    return path;
}

/* All rows of a query as text: columns with |, rows with newline. */
static char *ask(sqlite3 *db, const char *sql) {
    GString *out = g_string_new(NULL);
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        g_error("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(s) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            const char *text = (const char *)sqlite3_column_text(s, i);
            g_string_append_printf(out, "%s%s", i ? "|" : "", text ? text : "NULL");
        }
        g_string_append_c(out, '\n');
    }
    sqlite3_finalize(s);
    return g_string_free(out, FALSE);
}

static void expect(Store *s, const char *sql, const char *expected) {
    g_autofree char *got = ask(store_handle(s), sql);
    g_assert_cmpstr(got, ==, expected);
}

static void test_functions(void) {
    GError *error = NULL;
    Store *s;
    g_assert_true(store_open(NULL, &s, &error));
    expect(s, "SELECT hex64(-1), hex64(NULL), u64lt(1, -1), u64lt(-1, 1), u64lt(NULL, 1)",
           "0xffffffffffffffff|NULL|1|0|NULL\n");
    SymbolWriter *w = symbol_writer_new(s, 1, &error);
    g_assert_true(symbol_writer_add(w, "low", 0x1000, 16, SYMBOL_FUNC, &error) &&
                  symbol_writer_add(w, "high", 0xffffffff80000000, 0, SYMBOL_FUNC, &error) &&
                  symbol_writer_add(w, "label", 0x1000, 0, SYMBOL_LABEL, &error) &&
                  symbol_writer_end(w, &error));
    symbol_writer_free(w);
    expect(
        s,
        "SELECT sym(0x1000), sym(0x1008), sym(0x1010), sym(0), sym(0xffffffff80000004), sym(-1), sym(NULL)",
        "low|low+0x8|NULL|NULL|high+0x4|NULL|NULL\n");
    g_assert_true(store_set_meta(s, "icount_shift", "1", &error));
    g_assert_true(store_exec(s, "INSERT INTO checkpoint VALUES (100, 5000, 1), (200, 5100, 1)", &error));
    expect(s, "SELECT time_ns(10), time_ns(100), time_ns(120), time_ns(190), time_ns(NULL)",
           "20|5000|5040|5100|NULL\n");
    expect(s, "SELECT disas(0x1000)", "NULL\n");
    store_close(s);
}

static void test_recording(void) {
    GError *error = NULL;
    Store *s;
    g_assert_true(store_open(NULL, &s, &error));
    for (int twice = 0; twice < 2; twice++) {
        g_assert_true(store_recording_begin(s, &error));
        store_add_console(s, 10, 0, false, (const uint8_t *)"one\r\ntw", 7);
        store_add_console(s, 20, 0, false, (const uint8_t *)"o\n\xff?", 4);
        store_add_input(s, 15, 0, 1500, ND_CONSOLE, 0, (const uint8_t *)"ls\r", 3);
        store_add_input(s, 15, 1, 1500, ND_ENTROPY, 2, (const uint8_t *)"abcd", 4);
        store_add_checkpoint(s, 100, 10000, 0xfedcba9876543210u);
        g_assert_true(store_recording_end(s, &error));
    }
    expect(s, "SELECT * FROM console",
           "1|10|10|uart0|out|one\n2|10|20|uart0|out|two\n3|15|15|uart0|in|ls\n4|20|20|uart0|out|"
           "\xef\xbf\xbd?\n");
    expect(s, "SELECT pos, seq, time_ns, kind, source, size, hex(payload) FROM input",
           "15|0|1500|console|0|3|6C730D\n15|1|1500|entropy|2|4|61626364\n");
    expect(s, "SELECT pos, hex64(hash) FROM checkpoint", "100|0xfedcba9876543210\n");
    expect(s, "SELECT hash FROM checkpoint_v", "0xfedcba9876543210\n");
    store_close(s);
}

static void refuse(const char *path, const char *expected) {
    GError *error = NULL;
    Store *s;
    g_assert_false(store_open(path, &s, &error));
    if (!strstr(error->message, expected) || !strstr(error->message, "--db"))
        g_error("%s, expected %s", error->message, expected);
    g_clear_error(&error);
}

static void test_refused_files(void) {
    GError *error = NULL;
    sqlite3 *db;
    Store *s;
    g_autofree char *path = temporary("refused.db");
    refuse("/nonexistent/folder/x.db", "unable to open");
    g_assert_true(
        g_file_set_contents(path,
                            "this is text, long enough to be looked at as the header of a database file, "
                            "which it is not, whatever its name may say about it",
                            -1, &error));
    Store *text = NULL;
    g_assert_false(store_open(path, &text, &error));
    g_assert_nonnull(strstr(error->message, "not a database"));
    g_clear_error(&error);
    g_unlink(path);
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    sqlite3_exec(db, "CREATE TABLE x(y)", NULL, NULL, NULL);
    sqlite3_close(db);
    refuse(path, "not one of rr-emu's");
    g_unlink(path);
    g_assert_true(store_open(path, &s, &error));
    g_assert_true(store_exec(s, "PRAGMA user_version = 99", &error));
    store_close(s);
    refuse(path, "schema version 99");
    g_unlink(path);
}

static void test_locked(void) {
    GError *error = NULL;
    Store *s;
    sqlite3 *db;
    g_autofree char *path = temporary("locked.db");
    g_assert_true(store_open(path, &s, &error));
    store_close(s);
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), ==, SQLITE_OK);
    refuse(path, "locked");
    sqlite3_close(db);
    g_unlink(path);
}

/* -- a machine that only has hooks ----------------------------------------------------------------------- */
typedef struct Rig {
    Machine machine;
    Hart *harts[2];
    Store *store;
} Rig;

static void rig_init(Rig *r, const char *path) {
    static const Isa isa = {.s = true};
    GError *error = NULL;
    *r = (Rig){.machine = {.hooks = hooks_new()}};
    for (uint32_t i = 0; i < 2; i++) {
        r->harts[i] = g_aligned_alloc0(1, sizeof(Hart), 64);
        r->harts[i]->machine = &r->machine;
        r->harts[i]->id = i;
        r->harts[i]->isa = &isa;
        r->machine.harts[i] = r->harts[i];
    }
    g_assert_true(store_open(path, &r->store, &error));
}

static void rig_done(Rig *r) {
    store_close(r->store);
    hooks_free(r->machine.hooks);
    g_aligned_free(r->harts[0]);
    g_aligned_free(r->harts[1]);
}

static AnalysisSet *rig_begin(Rig *r, const char *spec) {
    GError *error = NULL;
    AnalysisSet *set = analysis_set_new(r->store);
    g_assert_true(analysis_set_add(set, spec, &error));
    g_assert_true(analysis_set_begin(set, &r->machine, &error));
    return set;
}

static void rig_end(Rig *r, AnalysisSet *set, Pos to) {
    GError *error = NULL;
    if (!analysis_set_end(set, to, true, &error))
        g_error("%s", error->message);
    analysis_set_free(set);
}

static void trap(Rig *r, Pos pos, unsigned hart, bool irq, uint64_t cause, Gva epc, uint64_t sp,
                 uint64_t satp) {
    r->harts[hart]->x[2] = sp;
    r->harts[hart]->satp = satp;
    TrapEvent ev = {pos, r->harts[hart], irq, cause, epc, 0x123, irq ? PRIV_S : PRIV_U, PRIV_S};
    hooks_trap(r->machine.hooks, &ev);
}

static void come_back(Rig *r, Pos pos, unsigned hart, Gva pc, uint64_t sp, uint64_t satp) {
    r->harts[hart]->x[2] = sp;
    r->harts[hart]->satp = satp;
    r->harts[hart]->pc = pc;
    hooks_trap_return(r->machine.hooks, pos, r->harts[hart], PRIV_S);
}

static void test_traps(void) {
    Rig r;
    rig_init(&r, NULL);
    AnalysisSet *set = rig_begin(&r, "trap");
    trap(&r, 10, 0, false, EXC_ECALL_U, 0x1000, 0x7000, 1);   /* task 1 calls, and sleeps in the kernel */
    trap(&r, 20, 0, false, EXC_LOAD_PAGE, 0x1000, 0x8000, 2); /* task 2 faults */
    trap(&r, 22, 0, true, IRQ_STI, 0xffffffff80001000u, 0xffff0000, 2); /* and is interrupted there */
    come_back(&r, 25, 0, 0xffffffff80001000u, 0xffff0000, 2);
    come_back(&r, 30, 0, 0x1000, 0x8000, 2);
    come_back(&r, 40, 1, 0x1004, 0x7000, 1); /* task 1 returns on the other hart, behind the ecall */
    trap(&r, 50, 0, false, EXC_ECALL_U, 0x2000, 0x7000, 1); /* exec: returns elsewhere */
    come_back(&r, 60, 0, 0x9000, 0x6000, 1);
    rig_end(&r, set, 100);
    expect(
        r.store,
        "SELECT pos, hart, is_interrupt, cause, name, hex64(epc), from_priv, to_priv, return_pos FROM trap",
        "10|0|0|8|ecall from U|0x0000000000001000|U|S|41\n"
        "20|0|0|13|load page fault|0x0000000000001000|U|S|31\n"
        "22|0|1|5|S timer interrupt|0xffffffff80001000|S|S|26\n"
        "50|0|0|8|ecall from U|0x0000000000002000|U|S|NULL\n");
    expect(r.store, "SELECT epc, tval FROM trap_v WHERE pos = 22", "0xffffffff80001000|0x123\n");
    expect(r.store, "SELECT name, from_pos, to_pos, complete, rows FROM analysis", "trap|0|100|1|4\n");
    rig_done(&r);
}

static void test_events(void) {
    Rig r;
    rig_init(&r, NULL);
    AnalysisSet *set = analysis_set_new(r.store);
    GError *error = NULL;
    g_assert_true(analysis_set_add(set, "console,as=screen", &error));
    g_assert_true(analysis_set_add(set, "input", &error));
    g_assert_true(analysis_set_add(set, "checkpoint", &error));
    g_assert_true(analysis_set_begin(set, &r.machine, &error));
    hooks_console(r.machine.hooks, 5, 0, false, (const uint8_t *)"hi\nyou", 6);
    for (unsigned i = 0; i < 3; i++) {
        NdEvent ev = {7 + i / 2, 700, ND_CLOCK, 0, (const uint8_t *)"12345678", 8};
        hooks_input(r.machine.hooks, &ev);
    }
    hooks_checkpoint(r.machine.hooks, 8, 800, 42);
    rig_end(&r, set, 9);
    expect(r.store, "SELECT first_pos, dir, text FROM screen", "5|out|hi\n5|out|you\n");
    expect(r.store, "SELECT pos, seq, kind FROM input", "7|0|clock\n7|1|clock\n8|0|clock\n");
    expect(r.store, "SELECT * FROM checkpoint", "8|800|42\n");
    rig_done(&r);
}

static void refuse_spec(AnalysisSet *set, const char *spec, const char *expected) {
    GError *error = NULL;
    g_assert_false(analysis_set_add(set, spec, &error));
    if (!strstr(error->message, expected))
        g_error("%s, expected %s", error->message, expected);
    g_clear_error(&error);
}

static void test_specs(void) {
    GError *error = NULL;
    Rig r;
    rig_init(&r, NULL);
    AnalysisSet *set = analysis_set_new(r.store);
    refuse_spec(set, "memtrce", "there are memtrace, trap");
    refuse_spec(set, "", "unknown");
    refuse_spec(set, "memtrace,storage=paper", "chunks|rows");
    refuse_spec(set, "memtrace,colour=red", "storage=");
    refuse_spec(set, "memtrace,storage", "storage=");
    refuse_spec(set, "trap,as=x;y", "letters");
    refuse_spec(set, "trap,as=meta", "new table name");
    refuse_spec(set, "trap,as=console", "new table name");
    g_assert_true(analysis_set_add(set, "trap,as=t2", &error));
    refuse_spec(set, "trap,as=t2", "as=NAME");
    analysis_set_free(set);
    rig_done(&r);
}

/* Killed in the middle of a re-run: the file still has the rows of before, and says so. */
static void test_kill(void) {
    g_autofree char *path = temporary("killed.db");
    Rig r;
    rig_init(&r, path);
    AnalysisSet *set = rig_begin(&r, "trap");
    trap(&r, 10, 0, false, EXC_ECALL_U, 0x1000, 0x7000, 1);
    rig_end(&r, set, 20);
    rig_done(&r);
    pid_t child = fork();
    if (child == 0) {
        rig_init(&r, path);
        rig_begin(&r, "trap");
        for (Pos pos = 0; pos < 100000; pos++)
            trap(&r, pos, 0, false, EXC_ECALL_U, 0x1000, pos, 1);
        raise(SIGKILL);
    }
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status));
    rig_init(&r, path);
    expect(r.store, "SELECT complete, rows, (SELECT count(*) FROM trap) FROM analysis", "1|1|1\n");
    rig_done(&r);
    g_unlink(path);
}

/* Our own program as an ELF with symbols, which says that it is for RISC-V. */
static void test_symbols(void) {
    GError *error = NULL;
    Store *s;
    g_autofree char *exe = NULL, *path = temporary("exe"), *spec = g_strconcat(path, "@0x40000000", NULL);
    gsize size;
    g_assert_true(g_file_get_contents("/proc/self/exe", &exe, &size, &error));
    memcpy(exe + 18, "\xf3\0", 2); /* e_machine: EM_RISCV */
    g_assert_true(g_file_set_contents(path, exe, (gssize)size, &error));
    g_assert_true(store_open(NULL, &s, &error));
    g_assert_true(store_symbols_begin(s, &error));
    g_assert_true(store_add_symbols(s, spec, &error));
    g_assert_false(store_has_symbols(s, spec));
    g_assert_true(store_symbols_end(s, spec, &error));
    g_assert_true(store_has_symbols(s, spec));
    g_assert_false(store_has_symbols(s, path));
    g_assert_true(store_symbols_begin(s, &error)); /* others instead, which cannot be read */
    expect(s, "SELECT count(*) FROM symbol", "0\n");
    store_rollback(s);
    g_assert_true(store_has_symbols(s, spec));
    g_unlink(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *module = ask(store_handle(s), "SELECT id, name, base FROM module");
    g_autofree char *expected = g_strdup_printf("1|%s|1073741824\n", name);
    g_assert_cmpstr(module, ==, expected);
    expect(s, "SELECT count(*) FROM symbol WHERE name = 'main' AND kind = 'func' AND addr > 0x40000000",
           "1\n");
    expect(s, "SELECT sym(addr), sym(addr + 2) FROM symbol WHERE name = 'main'", "main|main+0x2\n");
    g_assert_true(store_clear_symbols(s, &error));
    expect(s, "SELECT count(*) FROM symbol", "0\n");
    g_assert_false(store_add_symbols(s, manual, &error));
    g_assert_nonnull(strstr(error->message, "not a 64-bit ELF"));
    g_clear_error(&error);
    g_assert_false(store_add_symbols(s, "/nonexistent@0x10", &error));
    g_clear_error(&error);
    g_assert_false(store_add_symbols(s, "/proc/self/exe@0x10z", &error));
    g_clear_error(&error);
    GRand *rand = g_rand_new_with_seed(1);
    for (unsigned i = 0; i < 200; i++) { /* damaged ELFs: symbols, or an error */
        g_autofree char *copy = g_memdup2(exe, size);
        for (unsigned k = 0; k < 8; k++)
            copy[g_rand_int_range(rand, i % 2 ? 16 : 0, i % 2 ? (gint32)size : 64)] = (char)g_rand_int(rand);
        if (!store_add_elf(s, "damaged", NULL, (uint8_t *)copy, i % 3 ? size : size / 2, STORE_AS_LINKED,
                           &error))
            g_clear_error(&error);
        g_assert_true(store_clear_symbols(s, &error));
    }
    g_rand_free(rand);
    store_close(s);
}

/* -- the manual's examples ------------------------------------------------------------------------------- */
static void count_row(void *opaque, int n, const QueryValue *values) {
    ++*(unsigned *)opaque;
}
static void no_begin(void *opaque, int n, const char *const *names) {}
static void no_end(void *opaque) {}

static void test_manual(void) {
    static const QueryOps ops = {no_begin, count_row, no_end};
    GError *error = NULL;
    Rig r;
    g_autofree char *text = NULL;
    unsigned examples = 0, rows = 0;
    g_assert_true(g_file_get_contents(manual, &text, NULL, &error));
    rig_init(&r, NULL);
    rig_end(&r, rig_begin(&r, "memtrace"), 0);
    for (const char *const *name = (const char *const[]){"insn", "regs", "mmio", "dma", "irq", "blocks",
                                                         "tasks", "syscalls", "funcs", "calls", NULL};
         *name; name++)
        rig_end(&r, rig_begin(&r, *name), 0);
    AnalysisSet *set = rig_begin(&r, "trap");
    trap(&r, 10, 0, true, IRQ_STI, 0x1000, 0x7000, 1);
    come_back(&r, 30, 0, 0x1000, 0x7000, 1);
    rig_end(&r, set, 100);
    for (char *at = text; (at = strstr(at, "```sql\n")); examples++) {
        char *end = strstr(at + 7, "```");
        g_assert_nonnull(end);
        g_autofree char *sql = g_strndup(at + 7, (gsize)(end - at - 7));
        if (!store_query(store_handle(r.store), sql, &ops, &rows, &error))
            g_error("%s: %s", sql, error->message);
        at = end + 3;
    }
    g_assert_cmpuint(examples, >=, 10);
    g_assert_cmpuint(rows, >=, 3);
    rig_done(&r);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    manual = argc > 1 ? argv[1] : "docs/sql.md";
    g_test_add_func("/store/functions", test_functions);
    g_test_add_func("/store/recording", test_recording);
    g_test_add_func("/store/refused-files", test_refused_files);
    g_test_add_func("/store/locked", test_locked);
    g_test_add_func("/store/traps", test_traps);
    g_test_add_func("/store/events", test_events);
    g_test_add_func("/store/specs", test_specs);
    g_test_add_func("/store/kill", test_kill);
    g_test_add_func("/store/symbols", test_symbols);
    g_test_add_func("/store/manual", test_manual);
    return g_test_run();
}
