/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls: the tree of calls with their arguments and results. A boot has tens of millions of them, so by default only
 * those are kept that took some instructions; whoever called them took more, so that the tree is whole.
 */
#include <string.h>

#include "analyses/filter.h"
#include "analyses/run.h"
#include "analyses/store/query.h"

#define INSNS_DEFAULT 1000u /* docs/sql.md names it too */

typedef struct CallRow {
    CallFrame frame; /* func is not valid later */
    CallEnd end;
    Gva pc;
    uint64_t satp;
    Pos met; /* it was called by then */
} CallRow;

typedef struct Calls {
    StoreStmt *insert;
    RowQueue *queue;
    char *table;
    GHashTable *only; /* addresses of functions; NULL: all */
    uint64_t insns;   /* at least */
    Pos first, last;
    int64_t rows;
} Calls;

static const char *const kinds[] = {
    [CALL_CALL] = "call", [CALL_TAIL] = "tail", [CALL_ROOT] = "root", [CALL_TRAP] = "trap"};

static bool insert_row(void *opaque, const void *item, GError **error) {
    Calls *x = opaque;
    const CallRow *r = item;
    const CallFrame *f = &r->frame;
    bool is_call = f->kind < CALL_ROOT;
    char types[] = "uusiuuuuuuuuuuuuuiiuuiuuu";
    StoreValue values[25] = {{.integer = (int64_t)f->id},
                             {.integer = (int64_t)f->parent},
                             {.bytes = kinds[f->kind]},
                             {.integer = f->hart},
                             {.integer = f->task},
                             {.integer = (int64_t)r->pc},
                             {.integer = (int64_t)f->call_pos},
                             {.integer = (int64_t)r->end.return_pos},
                             {.integer = (int64_t)f->call_pc}};
    for (unsigned i = 0; i < CALL_ARGS; i++)
        values[9 + i].integer = (int64_t)f->args[i];
    values[17].integer = (int64_t)r->end.result;
    values[18].integer = (int64_t)r->end.result1;
    values[19].integer = (int64_t)f->sp;
    values[20].integer = (int64_t)f->min_sp;
    values[21].integer = f->depth;
    values[22].integer = (int64_t)r->end.insns;
    values[23].integer = (int64_t)r->satp;
    values[24].integer = (int64_t)r->met;
    if (!f->parent)
        types[1] = 'n';
    if (!f->task)
        types[4] = 'n';
    if (r->end.return_pos == POS_NONE)
        types[7] = 'n';
    if (f->kind == CALL_ROOT)
        types[8] = 'n';
    memset(types + 9, is_call ? 'u' : 'n', CALL_ARGS);
    if (!r->end.has_result)
        types[17] = types[18] = 'n';
    x->rows++;
    return store_run_values(x->insert, types, values, error);
}

static void on_end(void *opaque, const CallEnd *end) {
    Calls *x = opaque;
    const CallFrame *f = end->frame;
    if (end->insns < x->insns || f->call_pos < x->first || f->call_pos > x->last ||
        (x->only && !g_hash_table_contains(x->only, &f->func->addr)))
        return;
    CallRow row = {*f, *end, f->func->addr, f->func->satp, f->call_pos + 1};
    row_queue_push(x->queue, &row);
}

static void ignore_begin(void *opaque, int n, const char *const *names) {}
static void ignore_end(void *opaque) {}

static void take_address(void *opaque, int n, const QueryValue *values) {
    g_hash_table_add(opaque, g_memdup2(&values[0].integer, sizeof values[0].integer));
}

static bool read_symbol(AnalysisRun *run, Calls *x, GError **error) {
    static const QueryOps ops = {ignore_begin, take_address, ignore_end};
    const char *name = analysis_run_option(run, "symbol");
    if (!*name)
        return true;
    g_autofree char *quoted = g_strescape(name, NULL);
    g_auto(GStrv) parts = g_strsplit(name, "'", -1);
    g_autofree char *text = g_strjoinv("''", parts);
    g_autofree char *sql = g_strdup_printf("SELECT addr FROM symbol WHERE name = '%s'", text);
    x->only = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    if (!store_query(store_handle(run->store), sql, &ops, x->only, error))
        return false;
    if (g_hash_table_size(x->only))
        return true;
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION,
                "--analysis calls: symbol=%s: there is no such symbol", quoted);
    return false;
}

static bool read_options(AnalysisRun *run, Calls *x, GError **error) {
    x->last = POS_NONE;
    x->insns = *analysis_run_option(run, "symbol") ? 0 : INSNS_DEFAULT;
    return filter_positions(run, &x->first, &x->last, error) &&
           filter_number(run, "insns", 0, UINT64_MAX, &x->insns, error) && read_symbol(run, x, error);
}

static bool calls_begin(AnalysisRun *run, GError **error) {
    Calls *x = run->state;
    x->table =
        strcmp(run->name, run->class->info.name) ? g_strconcat(run->name, "_call", NULL) : g_strdup("call");
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s\" VALUES (?1, ?2, ?3, ?4, ?5, symbol_at(?6, "
                                           "nullif(?24, 0), ?25), ?6, ?7, ?8, ?9, ?10, "
                                           "?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)",
                                           x->table);
    if (!read_options(run, x, error) || !store_exec_section(run->store, "call", x->table, error) ||
        !store_prepare(run->store, sql, &x->insert, error))
        return false;
    x->queue = row_queue_new(sizeof(CallRow), insert_row, x);
    call_stacks_watch(analysis_run_calls(run), on_end, x);
    return true;
}

static bool calls_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Calls *x = run->state;
    bool ok = row_queue_finish(x->queue, error);
    x->queue = NULL;
    *rows = x->rows;
    return ok && store_exec_section(run->store, "call finish", x->table, error);
}

static void calls_free(AnalysisRun *run) {
    Calls *x = run->state;
    row_queue_finish(x->queue, NULL);
    store_stmt_free(x->insert);
    if (x->only)
        g_hash_table_unref(x->only);
    g_free(x->table);
}

static const RrOption options[] = {
    {"insns", RR_OPTION_TEXT, "", "N",
     "only calls that took at least so many instructions (1000; with symbol= 0)"},
    {"symbol", RR_OPTION_TEXT, "", "NAME", "only calls of this function"},
    {"first", RR_OPTION_TEXT, "", "POS", "the first position to keep"},
    {"last", RR_OPTION_TEXT, "", "POS", "the last position to keep"},
    {NULL}};

const AnalysisClass calls_class = {
    .info = {"calls", "calls with arguments, results and who called", "call call_v", options},
    .state_size = sizeof(Calls),
    .begin = calls_begin,
    .end = calls_end,
    .free = calls_free,
};
