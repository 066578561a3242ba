/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tasks: the guest's tasks, and which of them had a hart from when to when. */
#include <string.h>

#include "analyses/run.h"

typedef struct TaskTable {
    Tasks *tasks;
    StoreStmt *insert_turn;
    RowQueue *queue;
    char *prefix;
    int64_t rows;
} TaskTable;

static bool insert_turn(void *opaque, const void *item, GError **error) {
    TaskTable *x = opaque;
    const TaskTurn *r = item;
    x->rows++;
    return store_run(x->insert_turn, error, "iiuuuuuu", (int64_t)r->hart, (int64_t)r->task->id, r->from_pos,
                     r->to_pos, r->from, r->to, r->insns, r->idle);
}

static void on_turn(void *opaque, const TaskTurn *turn) {
    row_queue_push(((TaskTable *)opaque)->queue, turn);
}

static bool insert_task(TaskTable *x, StoreStmt *insert, const Task *t, GError **error) {
    char types[] = "iiisuuuuuu";
    bool has_stack = t->has_stack, has_sp = t->min_sp != UINT64_MAX;
    if (!t->has_ids)
        types[1] = types[2] = 'n';
    if (!t->has_satp)
        types[4] = 'n';
    if (!has_stack)
        types[7] = types[8] = 'n';
    if (!has_sp)
        types[9] = 'n';
    g_autofree char *name = *t->name ? g_utf8_make_valid(t->name, -1) : NULL;
    const StoreValue values[] = {{.integer = t->id},
                                 {.integer = t->pid},
                                 {.integer = t->tid},
                                 {.bytes = name},
                                 {.integer = (int64_t)t->satp},
                                 {.integer = (int64_t)t->first_pos},
                                 {.integer = (int64_t)t->last_pos},
                                 {.integer = (int64_t)t->stack_base},
                                 {.integer = (int64_t)t->stack_size},
                                 {.integer = (int64_t)t->min_sp}};
    x->rows++;
    return store_run_values(insert, types, values, error);
}

static bool insert_tasks(AnalysisRun *run, GError **error) {
    TaskTable *x = run->state;
    StoreStmt *insert = NULL;
    g_autofree char *sql =
        g_strdup_printf("INSERT INTO \"%stask\" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", x->prefix);
    bool ok = store_prepare(run->store, sql, &insert, error);
    for (guint i = 0; ok && i < tasks_count(x->tasks); i++)
        ok = insert_task(x, insert, tasks_get(x->tasks, i), error);
    store_stmt_free(insert);
    return ok;
}

static const TaskOps task_ops = {.turn = on_turn};

static bool tasks_run_begin(AnalysisRun *run, GError **error) {
    TaskTable *x = run->state;
    x->prefix = strcmp(run->name, run->class->info.name) ? g_strconcat(run->name, "_", NULL) : g_strdup("");
    g_autofree char *sql =
        g_strdup_printf("INSERT INTO \"%scpu\" VALUES (?, ?, ?, ?, ?, ?, ?, ?)", x->prefix);
    if (!store_exec_section(run->store, "tasks", x->prefix, error) ||
        !store_prepare(run->store, sql, &x->insert_turn, error))
        return false;
    x->queue = row_queue_new(sizeof(TaskTurn), insert_turn, x);
    x->tasks = analysis_set_tasks(run->set);
    tasks_watch(x->tasks, &task_ops, x);
    if (!strcmp(analysis_run_option(run, "stacks"), "exact"))
        tasks_watch_stacks(x->tasks);
    return true;
}

static bool tasks_run_end(AnalysisRun *run, int64_t *rows, GError **error) {
    TaskTable *x = run->state;
    bool ok = row_queue_finish(x->queue, error);
    x->queue = NULL;
    ok = ok && insert_tasks(run, error);
    *rows = x->rows;
    return ok;
}

static void tasks_run_free(AnalysisRun *run) {
    TaskTable *x = run->state;
    row_queue_finish(x->queue, NULL);
    store_stmt_free(x->insert_turn);
    g_free(x->prefix);
}

static const RrOption options[] = {{"stacks", RR_OPTION_CHOICE, "exact", "exact|off",
                                    "follow how deep each task's kernel stack went (task.min_sp)"},
                                   {NULL}};

const AnalysisClass tasks_class = {
    .info = {"tasks", "tasks (Linux), else address spaces, and who had which hart when", "task task_v cpu",
             options},
    .state_size = sizeof(TaskTable),
    .begin = tasks_run_begin,
    .end = tasks_run_end,
    .free = tasks_run_free,
};
