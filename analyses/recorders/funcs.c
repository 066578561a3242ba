/* SPDX-License-Identifier: GPL-2.0-or-later */
/* funcs: how often each function was called, and how many instructions it took, alone and with what it called. */
#include "analyses/recorders/recorder.h"

typedef struct Funcs {
    CallStacks *calls;
    char *table;
    int64_t rows;
} Funcs;

typedef struct Insertion {
    StoreStmt *insert;
    int64_t rows;
    GError *error;
} Insertion;

static void insert_func(void *opaque, const Func *f) {
    Insertion *x = opaque;
    if (x->error || !(f->calls || f->self))
        return;
    x->rows++;
    store_run(x->insert, &x->error, "uuuuuu", f->addr, f->calls, f->self, f->total, f->satp, f->first);
}

static bool funcs_begin(Recorder *run, GError **error) {
    Funcs *x = run->state;
    x->table = recorder_table(run, "func");
    x->calls = analysis_set_calls(run->set);
    return store_exec_section(run->store, "func", x->table, error);
}

static bool funcs_end(Recorder *run, int64_t *rows, GError **error) {
    Funcs *x = run->state;
    Insertion to = {0};
    g_autofree char *sql =
        g_strdup_printf("INSERT INTO \"%s\" SELECT coalesce(program_at(?1, nullif(?5, 0), ?6), m.id), "
                        "symbol_at(?1, nullif(?5, 0), ?6), ?1, ?2, ?3, ?4, nullif(?5, 0) FROM (SELECT 1) "
                        "LEFT JOIN module AS m "
                        "ON ?1 BETWEEN m.base AND m.base + m.size - 1 ORDER BY m.id LIMIT 1",
                        x->table);
    if (!store_prepare(run->store, sql, &to.insert, error))
        return false;
    call_stacks_each(x->calls, insert_func, &to);
    store_stmt_free(to.insert);
    *rows = to.rows;
    if (to.error)
        g_propagate_error(error, to.error);
    return !to.error;
}

static void funcs_free(Recorder *run) {
    g_free(((Funcs *)run->state)->table);
}

static const RecorderSetting settings[] = {{NULL}};
static const char *const tables[] = {"$_func", "$_func_v", NULL};

const RecorderClass functions_recorder = {
    .settings = settings,
    .tables = tables,
    .state_size = sizeof(Funcs),
    .begin = funcs_begin,
    .end = funcs_end,
    .free = funcs_free,
};
