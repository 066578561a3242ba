/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls: the tree of calls with their arguments and results. A boot has tens of millions of them, so by default only
 * those are kept that took some instructions; whoever called them took more, so that the tree is whole.
 */
#include <string.h>

#include "analyses/recorders/filter.h"
#include "analyses/recorders/named.h"
#include "analyses/recorders/recorder.h"
#include "analyses/store/call_store.h"

#define INSNS_DEFAULT 1000u /* docs/sql.md names it too */

typedef struct Item {
    CallRow row;
    const Func *func;
    bool ask; /* whether it is of the name */
} Item;

typedef struct Calls {
    RowQueue *queue;
    char *table;
    GHashTable *only; /* addresses of functions; NULL: all */
    Named *named;     /* further ones, of programs; or NULL */
    uint64_t insns;   /* at least */
    Pos first, last;
    bool as_rows;
    /* on the queue's thread */
    StoreStmt *insert;
    CallStore *store;
    int64_t rows;
} Calls;

/* -- rows ---------------------------------------------------------------------------------------------- */
/* The parameter of a column, and what FLAGS must have, or it is NULL. */
static const struct {
    uint8_t column, needs;
} parameters[] = {{CALL_COLUMN_ID, 0},
                  {CALL_COLUMN_PARENT, CALL_HAS_PARENT},
                  {CALL_COLUMN_FLAGS, 0},
                  {CALL_COLUMN_HART, 0},
                  {CALL_COLUMN_TASK, 0},
                  {CALL_COLUMN_POS, 0},
                  {CALL_COLUMN_RETURN, CALL_HAS_RETURN},
                  {CALL_COLUMN_PC, CALL_HAS_PC},
                  {CALL_COLUMN_A0, CALL_HAS_ARGS},
                  {CALL_COLUMN_A1, CALL_HAS_ARGS},
                  {CALL_COLUMN_A2, CALL_HAS_ARGS},
                  {CALL_COLUMN_A3, CALL_HAS_ARGS},
                  {CALL_COLUMN_A4, CALL_HAS_ARGS},
                  {CALL_COLUMN_A5, CALL_HAS_ARGS},
                  {CALL_COLUMN_A6, CALL_HAS_ARGS},
                  {CALL_COLUMN_A7, CALL_HAS_ARGS},
                  {CALL_COLUMN_RESULT, CALL_HAS_RESULT},
                  {CALL_COLUMN_RESULT1, CALL_HAS_RESULT},
                  {CALL_COLUMN_SP, 0},
                  {CALL_COLUMN_MIN_SP, 0},
                  {CALL_COLUMN_DEPTH, 0},
                  {CALL_COLUMN_INSNS, 0}};
#define PARAMETERS G_N_ELEMENTS(parameters)
/* ?23: the function, ?24: its satp */
static const char insert_sql[] =
    "INSERT INTO \"%s\" SELECT ?1, ?2, CASE ?3 & 3 WHEN 0 THEN 'call' WHEN 1 THEN 'tail' WHEN 2 THEN 'root' "
    "ELSE 'trap' END, ?4, nullif(?5, 0), symbol_at(?23, nullif(?24, 0), ?6 + 1), ?23, ?6, ?7, ?8, ?9, ?10, "
    "?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22";

static bool insert_row(Calls *x, const Item *item, GError **error) {
    char types[PARAMETERS + 3] = {0};
    StoreValue values[PARAMETERS + 2];
    uint64_t flags = item->row.v[CALL_COLUMN_FLAGS];
    for (size_t i = 0; i < PARAMETERS; i++) {
        types[i] = (flags & parameters[i].needs) == parameters[i].needs ? 'i' : 'n';
        values[i].integer = (int64_t)item->row.v[parameters[i].column];
    }
    types[PARAMETERS] = types[PARAMETERS + 1] = 'i';
    values[PARAMETERS].integer = (int64_t)item->func->addr;
    values[PARAMETERS + 1].integer = (int64_t)item->func->satp;
    return store_run_values(x->insert, types, values, error);
}

static bool add_row(void *opaque, const void *data, GError **error) {
    Calls *x = opaque;
    const Item *item = data;
    const Func *f = item->func;
    if (item->ask && !named_began(x->named, f->addr, f->satp, item->row.v[CALL_COLUMN_POS] + 1))
        return true;
    x->rows++;
    if (x->as_rows)
        return insert_row(x, item, error);
    CallFunction function = {f->number, f->addr, f->satp, item->row.v[CALL_COLUMN_POS] + 1};
    return call_store_add(x->store, &item->row, &function, error);
}

static uint64_t flags_of(const CallFrame *f, const CallEnd *end) {
    return f->kind | (end->parent ? CALL_HAS_PARENT : 0) | (f->kind != CALL_ROOT ? CALL_HAS_PC : 0) |
           (f->kind < CALL_ROOT ? CALL_HAS_ARGS : 0) | (end->return_pos != POS_NONE ? CALL_HAS_RETURN : 0) |
           (end->has_result ? CALL_HAS_RESULT : 0);
}

static void on_end(void *opaque, const CallEnd *end) {
    Calls *x = opaque;
    const CallFrame *f = end->frame;
    if (end->insns < x->insns || f->call_pos < x->first || f->call_pos > x->last)
        return;
    bool found = !x->only || g_hash_table_contains(x->only, &f->func->addr);
    if (!found && !(x->named && named_may_begin(x->named, f->func->addr)))
        return;
    Item item = {.func = f->func,
                 .ask = !found,
                 .row.v = {[CALL_COLUMN_ID] = f->id,
                           [CALL_COLUMN_FLAGS] = flags_of(f, end),
                           [CALL_COLUMN_PARENT] = end->parent,
                           [CALL_COLUMN_HART] = f->hart,
                           [CALL_COLUMN_TASK] = f->task,
                           [CALL_COLUMN_POS] = f->call_pos,
                           [CALL_COLUMN_RETURN] = end->return_pos,
                           [CALL_COLUMN_PC] = f->call_pc,
                           [CALL_COLUMN_RESULT] = end->result,
                           [CALL_COLUMN_RESULT1] = end->result1,
                           [CALL_COLUMN_SP] = f->sp,
                           [CALL_COLUMN_MIN_SP] = f->min_sp,
                           [CALL_COLUMN_DEPTH] = end->depth,
                           [CALL_COLUMN_INSNS] = end->insns}};
    memcpy(&item.row.v[CALL_COLUMN_A0], f->args, sizeof f->args);
    row_queue_push(x->queue, &item);
}

/* -- the analysis -------------------------------------------------------------------------------------- */
static bool read_symbol(Recorder *run, Calls *x, GError **error) {
    const char *name = recorder_setting(run, "symbol");
    if (!*name)
        return true;
    x->only = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    x->named = named_new(run, name);
    if (!named_fixed(run->store, name, x->only, error))
        return false;
    if (x->named || g_hash_table_size(x->only))
        return true;
    g_autofree char *quoted = g_strescape(name, NULL);
    return recorder_refuse(run, error,
                           "symbol=%s: there is no such symbol in the kernel or --symbols files (programs' "
                           "are known with --sysroot)",
                           quoted);
}

static bool read_options(Recorder *run, Calls *x, GError **error) {
    x->last = POS_NONE;
    x->insns = *recorder_setting(run, "symbol") ? 0 : INSNS_DEFAULT;
    return filter_positions(run, &x->first, &x->last, error) &&
           filter_number(run, "insns", 0, UINT64_MAX, &x->insns, error) && read_symbol(run, x, error);
}

/* What programs are followed, or were, may give a function's address other names later. */
static bool names_are_lasting(const Recorder *run) {
    return !analysis_set_follows(run->set) &&
           !store_get_int(run->store, "SELECT EXISTS (SELECT 1 FROM map WHERE satp IS NOT NULL)", 0, "");
}

static bool make_tables(Recorder *run, Calls *x, GError **error) {
    x->as_rows = !strcmp(recorder_setting(run, "storage"), "rows");
    if (!store_exec_section(run->store, "call drop", x->table, error) ||
        !store_exec_section(run->store, x->as_rows ? "call rows" : "call chunks", x->table, error))
        return false;
    g_autofree char *sql = g_strdup_printf(insert_sql, x->table);
    if (x->as_rows)
        return store_prepare(run->store, sql, &x->insert, error);
    x->store = call_store_new(run->store, x->table, names_are_lasting(run), error);
    return x->store != NULL;
}

static bool calls_begin(Recorder *run, GError **error) {
    Calls *x = run->state;
    x->table = recorder_table(run, "call");
    if (!read_options(run, x, error) || !make_tables(run, x, error))
        return false;
    x->queue = row_queue_new(sizeof(Item), add_row, x);
    call_stacks_watch(analysis_set_calls(run->set), x->insns, on_end, x);
    return true;
}

static bool calls_end(Recorder *run, int64_t *rows, GError **error) {
    Calls *x = run->state;
    bool ok = row_queue_finish(g_steal_pointer(&x->queue), error);
    if (x->named)
        named_tell(x->named, !g_hash_table_size(x->only));
    *rows = x->rows;
    return ok && (x->as_rows || call_store_end(x->store, error)) &&
           store_exec_section(run->store, x->as_rows ? "call rows finish" : "call chunks finish", x->table,
                              error) &&
           store_exec_section(run->store, "call view", x->table, error);
}

static void calls_free(Recorder *run) {
    Calls *x = run->state;
    row_queue_finish(g_steal_pointer(&x->queue), NULL);
    store_stmt_free(x->insert);
    call_store_free(x->store);
    if (x->only)
        g_hash_table_unref(x->only);
    named_free(x->named);
    g_free(x->table);
}

static const RecorderSetting settings[] = {{"insns", "N", ""},
                                           {"symbol", "NAME", ""},
                                           {"first", "POS", ""},
                                           {"last", "POS", ""},
                                           {"storage", "chunks|rows", "chunks"},
                                           {NULL}};
static const char *const tables[] = {"$_call", "$_call_v", NULL};

const RecorderClass calls_recorder = {
    .settings = settings,
    .tables = tables,
    .state_size = sizeof(Calls),
    .begin = calls_begin,
    .end = calls_end,
    .free = calls_free,
};
