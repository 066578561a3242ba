/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syscalls: the system calls that syscall_track.h finds, with their names and arguments in words. */
#include <string.h>

#include "analyses/run.h"

typedef struct Row {
    Syscall call;
    char *text;
} Row;

typedef struct Syscalls {
    AnalysisRun *run;
    StoreStmt *insert;
    RowQueue *queue;
    Tasks *tasks;
    GHashTable *texts; /* the task's id → SyscallText of its call */
    bool any;          /* whatever the guest is */
    int64_t rows;
} Syscalls;

static bool insert_row(void *opaque, const void *item, GError **error) {
    Syscalls *x = opaque;
    const Row *r = item;
    const Syscall *c = &r->call;
    char types[] = "iiiuuisuuuuuuiss";
    g_autofree char *text = r->text;
    if (c->exit == POS_NONE)
        types[4] = 'n';
    if (!c->has_result)
        types[13] = 'n';
    const StoreValue values[] = {{.integer = c->id},
                                 {.integer = c->hart},
                                 {.integer = c->task},
                                 {.integer = (int64_t)c->enter},
                                 {.integer = (int64_t)c->exit},
                                 {.integer = (int64_t)c->nr},
                                 {.bytes = syscall_name(c->nr)},
                                 {.integer = (int64_t)c->args[0]},
                                 {.integer = (int64_t)c->args[1]},
                                 {.integer = (int64_t)c->args[2]},
                                 {.integer = (int64_t)c->args[3]},
                                 {.integer = (int64_t)c->args[4]},
                                 {.integer = (int64_t)c->args[5]},
                                 {.integer = c->result},
                                 {.bytes = c->error},
                                 {.bytes = text}};
    x->rows++;
    return store_run_values(x->insert, types, values, error);
}

static bool is_wanted(const Syscalls *x) {
    return x->any || tasks_is_linux(x->tasks);
}

static void on_entered(void *opaque, const Syscall *s, const Hart *hart) {
    Syscalls *x = opaque;
    if (!is_wanted(x))
        return;
    SyscallText *text = g_hash_table_lookup(x->texts, GUINT_TO_POINTER(s->task));
    if (!text)
        g_hash_table_insert(x->texts, GUINT_TO_POINTER(s->task), text = g_new(SyscallText, 1));
    syscall_text_begin(text, s->nr, s->args, hart);
}

static void on_left(void *opaque, const Syscall *s, const Hart *hart) {
    Syscalls *x = opaque;
    if (!is_wanted(x))
        return;
    SyscallText *text = g_hash_table_lookup(x->texts, GUINT_TO_POINTER(s->task));
    Row r = {*s, syscall_text_end(text, s->new_program ? NULL : hart, s->has_result, s->result, s->error)};
    row_queue_push(x->queue, &r);
}

static const SyscallOps syscall_ops = {on_entered, on_left};

static bool syscalls_begin(AnalysisRun *run, GError **error) {
    Syscalls *x = run->state;
    g_autofree char *name = strcmp(run->name, run->class->info.name)
                                ? g_strconcat(run->name, "_syscall", NULL)
                                : g_strdup("syscall");
    g_autofree char *sql = g_strdup_printf(
        "INSERT INTO \"%s\" VALUES (?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", name);
    x->run = run;
    x->texts = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    x->any = !strcmp(analysis_run_option(run, "guest"), "any");
    if (!store_exec_section(run->store, "syscall", name, error) ||
        !store_prepare(run->store, sql, &x->insert, error))
        return false;
    x->queue = row_queue_new(sizeof(Row), insert_row, x);
    x->tasks = analysis_set_tasks(run->set);
    syscall_track_watch(analysis_set_syscalls(run->set), &syscall_ops, x);
    return true;
}

/* The calls that did not return have been told. */
static bool syscalls_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Syscalls *x = run->state;
    bool ok = row_queue_finish(x->queue, error);
    x->queue = NULL;
    *rows = x->rows;
    return ok;
}

static void syscalls_free(AnalysisRun *run) {
    Syscalls *x = run->state;
    row_queue_finish(x->queue, NULL);
    store_stmt_free(x->insert);
    g_clear_pointer(&x->texts, g_hash_table_unref);
}

static const RrOption options[] = {
    {"guest", RR_OPTION_CHOICE, "linux", "linux|any", "any: also of a guest that is not known to be Linux"},
    {NULL}};

const AnalysisClass syscalls_class = {
    .info = {"syscalls", "system calls of Linux: names, arguments, results, durations", "syscall syscall_v",
             options},
    .state_size = sizeof(Syscalls),
    .begin = syscalls_begin,
    .end = syscalls_end,
    .free = syscalls_free,
};
