/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/analysis.h"

#include <string.h>

#include "analyses/programs.h"
#include "analyses/run.h"

static const AnalysisClass *const classes[] = {
    &memtrace_class, &trap_class, &console_class,  &input_class,  &checkpoint_class,
    &mmio_class,     &dma_class,  &irq_class,      &blocks_class, &tasks_class,
    &insn_class,     &regs_class, &syscalls_class, &funcs_class,  &calls_class,
};

struct AnalysisSet {
    Store *store;
    GPtrArray *runs; /* of AnalysisRun */
    Machine *machine;
    Tracer *tracer; /* from begin to end */
    Tasks *tasks;   /* likewise, if somebody asked for it */
    SyscallTrack *syscalls;
    Programs *programs; /* NULL: they are not followed */
    bool followed;      /* a transaction round the other one, for their rows */
    Functions *functions;
    CallStacks *calls; /* likewise */
    bool replaces;     /* a complete run of one of them is in the database */
    bool open;         /* the transaction */
    bool running;      /* all have begun, and the trackers too */
};

const AnalysisInfo *analysis_info(size_t i) {
    return i < G_N_ELEMENTS(classes) ? &classes[i]->info : NULL;
}

static bool refuse(GError **error, AnalysisError code, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool refuse(GError **error, AnalysisError code, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    GError *e = g_error_new_valist(ANALYSIS_ERROR, (int)code, format, ap);
    va_end(ap);
    g_propagate_error(error, e);
    return false;
}

static void run_free(void *p) {
    AnalysisRun *run = p;
    if (run->subscribed)
        hooks_unsubscribe(run->machine->hooks, run);
    if (run->begun)
        run->class->free(run);
    g_hash_table_unref(run->options);
    g_free(run->spec);
    g_free(run->name);
    g_free(run->state);
    g_free(run);
}

AnalysisSet *analysis_set_new(Store *store) {
    AnalysisSet *set = g_new0(AnalysisSet, 1);
    set->store = store;
    set->runs = g_ptr_array_new_with_free_func(run_free);
    return set;
}

/* Commit, or roll back, what is open. */
static bool end_transactions(AnalysisSet *set, bool keep, GError **error) {
    unsigned open = set->open + set->followed;
    set->open = set->followed = false;
    for (; open; open--) {
        keep = keep && store_commit(set->store, error);
        if (!keep)
            store_rollback(set->store);
    }
    return keep;
}

void analysis_set_free(AnalysisSet *set) {
    if (!set)
        return;
    if (set->tracer)
        tracer_end(set->tracer);
    g_ptr_array_free(set->runs, TRUE);
    tracer_free(set->tracer);
    call_stacks_free(set->calls);
    functions_free(set->functions);
    programs_free(set->programs);
    syscall_track_free(set->syscalls);
    tasks_free(set->tasks);
    end_transactions(set, false, NULL);
    g_free(set);
}

bool analysis_set_follow(AnalysisSet *set, Machine *m, const char *sysroot, GError **error) {
    if (!store_begin(set->store, error))
        return false;
    set->followed = true;
    set->programs = programs_new(m, set->store, sysroot);
    return programs_begin(set->programs, error);
}

bool analysis_set_follows(const AnalysisSet *set) {
    return set->programs != NULL;
}

Programs *analysis_set_programs(AnalysisSet *set) {
    return set->programs;
}

const char *analysis_run_option(const AnalysisRun *run, const char *option) {
    return g_hash_table_lookup(run->options, option);
}

void analysis_run_subscribe(AnalysisRun *run, const HookOps *ops) {
    hooks_subscribe(run->machine->hooks, ops, run);
    run->subscribed = true;
}

void analysis_run_trace(AnalysisRun *run, uint32_t wants, unsigned jobs, TraceJobFn *fn, void *opaque) {
    tracer_add(run->tracer, wants, jobs, fn, opaque);
}

Tasks *analysis_set_tasks(AnalysisSet *set) {
    if (set->tasks)
        return set->tasks;
    set->tasks = tasks_new(set->machine, set->store);
    if (set->running)
        tasks_begin(set->tasks);
    return set->tasks;
}

SyscallTrack *analysis_set_syscalls(AnalysisSet *set) {
    if (set->syscalls)
        return set->syscalls;
    set->syscalls = syscall_track_new(set->machine, analysis_set_tasks(set));
    if (set->running)
        syscall_track_begin(set->syscalls);
    return set->syscalls;
}

CallStacks *analysis_run_calls(AnalysisRun *run) {
    AnalysisSet *set = run->set;
    if (!set->calls) {
        set->functions = functions_new(set->store);
        set->calls = call_stacks_new(set->machine, set->functions, analysis_set_tasks(set), set->programs);
    }
    return set->calls;
}

/* -- specifications -----------------------------------------------------------------------------------------
 */
static const AnalysisClass *find_class(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        if (!strcmp(classes[i]->info.name, name))
            return classes[i];
    return NULL;
}

static char *class_names(void) {
    GString *s = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        g_string_append_printf(s, "%s%s", i ? ", " : "", classes[i]->info.name);
    return g_string_free(s, FALSE);
}

static char *option_names(const AnalysisInfo *info) {
    GString *s = g_string_new("as=NAME");
    for (size_t i = 0; i < info->n_options; i++)
        g_string_append_printf(s, ", %s=%s", info->options[i].name, info->options[i].values);
    return g_string_free(s, FALSE);
}

static const AnalysisOption *find_option(const AnalysisInfo *info, const char *name) {
    for (size_t i = 0; i < info->n_options; i++)
        if (!strcmp(info->options[i].name, name))
            return &info->options[i];
    return NULL;
}

static bool is_word(const char *name) {
    if (!g_ascii_isalpha(*name) || strlen(name) > 48 || !g_ascii_strncasecmp(name, "sqlite", 6))
        return false;
    return strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_") == strlen(name);
}

/* SQLite takes no notice of case in names. */
static bool lists(const char *tables, const char *name) {
    g_auto(GStrv) words = g_strsplit(tables, " ", -1);
    for (int i = 0; words[i]; i++)
        if (!g_ascii_strcasecmp(words[i], name))
            return true;
    return false;
}

bool analysis_name_is_free(const char *name) {
    if (!is_word(name) || lists("meta analysis loader module module_v symbol symbol_v line line_v write "
                                "checkpoint_v program_symbol map "
                                "space",
                                name))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(classes); i++)
        if (lists(classes[i]->info.name, name) || lists(classes[i]->info.tables, name))
            return false;
    return true;
}

static bool set_option(AnalysisRun *run, const char *word, GError **error) {
    const AnalysisInfo *info = &run->class->info;
    g_auto(GStrv) pair = g_strsplit(word, "=", 2);
    const AnalysisOption *o = pair[0] ? find_option(info, pair[0]) : NULL;
    if (pair[0] && pair[1] && !strcmp(pair[0], "as")) {
        if (strcmp(pair[1], info->name) != 0 && !analysis_name_is_free(pair[1]))
            return refuse(error, ANALYSIS_ERROR_OPTION,
                          "--analysis %s: as=%s: expected a new table name of letters, digits "
                          "and _",
                          info->name, pair[1]);
        g_free(run->name);
        run->name = g_strdup(pair[1]);
        return true;
    }
    if (!o || !pair[1]) {
        g_autofree char *names = option_names(info);
        return refuse(error, ANALYSIS_ERROR_OPTION, "--analysis %s: option '%s' is unknown; it takes %s",
                      info->name, word, names);
    }
    g_auto(GStrv) values = g_strsplit(o->values, "|", -1);
    if (!g_ascii_isupper(*o->values) && !g_strv_contains((const gchar *const *)values, pair[1]))
        return refuse(error, ANALYSIS_ERROR_OPTION, "--analysis %s: %s=%s: expected one of %s", info->name,
                      o->name, pair[1], o->values);
    g_hash_table_insert(run->options, g_strdup(o->name), g_strdup(pair[1]));
    return true;
}

bool analysis_set_add(AnalysisSet *set, const char *spec, GError **error) {
    g_auto(GStrv) words = g_strsplit(spec, ",", -1);
    const AnalysisClass *class = words[0] ? find_class(words[0]) : NULL;
    if (!class) {
        g_autofree char *names = class_names();
        return refuse(error, ANALYSIS_ERROR_UNKNOWN, "--analysis %s: unknown; there are %s", spec, names);
    }
    AnalysisRun *run = g_new0(AnalysisRun, 1);
    run->class = class;
    run->spec = g_strdup(spec);
    run->name = g_strdup(class->info.name);
    run->store = set->store;
    run->options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    run->state = g_malloc0(class->state_size);
    for (size_t i = 0; i < class->info.n_options; i++)
        g_hash_table_insert(run->options, g_strdup(class->info.options[i].name),
                            g_strdup(class->info.options[i].fallback));
    bool ok = true;
    for (char **word = words + 1; *word && ok; word++)
        ok = set_option(run, *word, error);
    for (guint i = 0; ok && i < set->runs->len; i++)
        if (!strcmp(((AnalysisRun *)g_ptr_array_index(set->runs, i))->name, run->name))
            ok = refuse(error, ANALYSIS_ERROR_OPTION,
                        "--analysis %s: '%s' is there already; give the second one as=NAME", spec, run->name);
    if (ok)
        g_ptr_array_add(set->runs, run);
    else
        run_free(run);
    return ok;
}

/* -- running ------------------------------------------------------------------------------------------- */
/* The row of `analysis`: there, with complete = 0, before anything else is written. */
static bool announce(AnalysisSet *set, AnalysisRun *run, Pos from, GError **error) {
    StoreStmt *stmt;
    if (store_get_int(set->store, "SELECT complete FROM analysis WHERE name = ?", 0, "s", run->name))
        set->replaces = true;
    if (!store_prepare(set->store,
                       "INSERT OR IGNORE INTO analysis (name, args, from_pos, complete, rows) "
                       "VALUES (?, ?, ?, 0, 0)",
                       &stmt, error))
        return false;
    bool ok = store_run(stmt, error, "ssu", run->name, run->spec, from);
    store_stmt_free(stmt);
    return ok;
}

static bool start(AnalysisSet *set, AnalysisRun *run, Pos from, GError **error) {
    StoreStmt *stmt;
    if (!store_prepare(set->store,
                       "UPDATE analysis SET args = ?, from_pos = ?, to_pos = NULL, complete = 0, rows = 0 "
                       "WHERE name = ?",
                       &stmt, error))
        return false;
    bool ok = store_run(stmt, error, "sus", run->spec, from, run->name);
    store_stmt_free(stmt);
    run->machine = set->machine;
    run->tracer = set->tracer;
    run->set = set;
    run->begun = true;
    return ok && run->class->begin(run, error);
}

bool analysis_set_begin(AnalysisSet *set, Machine *m, GError **error) {
    Pos from = machine_pos(m);
    set->machine = m;
    set->tracer = tracer_new();
    for (guint i = 0; i < set->runs->len; i++)
        if (!announce(set, g_ptr_array_index(set->runs, i), from, error))
            return false;
    if (!store_begin(set->store, error))
        return false;
    set->open = true;
    for (guint i = 0; i < set->runs->len; i++)
        if (!start(set, g_ptr_array_index(set->runs, i), from, error))
            return false;
    if (set->tasks)
        tasks_begin(set->tasks);
    if (set->calls)
        call_stacks_begin(set->calls);
    if (set->syscalls)
        syscall_track_begin(set->syscalls);
    if (tracer_wanted(set->tracer))
        tracer_begin(set->tracer, m);
    set->running = true;
    return true;
}

Pos analysis_set_next_position(const AnalysisSet *set, Pos at) {
    Pos next = POS_NONE;
    for (guint i = 0; i < set->runs->len; i++) {
        const AnalysisRun *run = g_ptr_array_index(set->runs, i);
        if (run->class->next_position)
            next = MIN(next, run->class->next_position(run, at));
    }
    return next;
}

void analysis_set_reached(AnalysisSet *set, Pos pos) {
    for (guint i = 0; i < set->runs->len; i++) {
        AnalysisRun *run = g_ptr_array_index(set->runs, i);
        if (run->class->next_position && run->class->next_position(run, pos) == pos)
            run->class->reached(run, pos);
    }
}

static bool finish(AnalysisRun *run, Pos to, bool complete, GError **error) {
    int64_t rows = 0;
    StoreStmt *stmt;
    if (!run->class->end(run, &rows, error) ||
        !store_prepare(run->store, "UPDATE analysis SET to_pos = ?, complete = ?, rows = ? WHERE name = ?",
                       &stmt, error))
        return false;
    bool ok = rows == ROWS_UNKNOWN ? store_run(stmt, error, "uins", to, (int64_t)complete, run->name)
                                   : store_run(stmt, error, "uiis", to, (int64_t)complete, rows, run->name);
    store_stmt_free(stmt);
    return ok;
}

bool analysis_set_end(AnalysisSet *set, Pos to_pos, bool complete, GError **error) {
    bool ok = set->open;
    set->running = false;
    if (set->tracer)
        tracer_end(set->tracer);
    if (set->calls)
        call_stacks_end(set->calls);
    if (set->programs)
        ok = programs_end(set->programs, ok ? error : NULL) && ok;
    if (set->syscalls)
        syscall_track_end(set->syscalls);
    if (set->tasks)
        tasks_end(set->tasks, to_pos);
    for (guint i = 0; i < set->runs->len; i++) {
        AnalysisRun *run = g_ptr_array_index(set->runs, i);
        if (run->subscribed)
            hooks_unsubscribe(set->machine->hooks, run);
        run->subscribed = false;
    }
    for (guint i = 0; ok && i < set->runs->len; i++)
        ok = finish(g_ptr_array_index(set->runs, i), to_pos, complete, error);
    for (guint i = 0; i < set->runs->len; i++) {
        AnalysisRun *run = g_ptr_array_index(set->runs, i);
        if (run->begun)
            run->class->free(run);
        run->begun = false;
    }
    g_clear_pointer(&set->tracer, tracer_free);
    g_clear_pointer(&set->calls, call_stacks_free);
    g_clear_pointer(&set->functions, functions_free);
    g_clear_pointer(&set->programs, programs_free);
    g_clear_pointer(&set->syscalls, syscall_track_free);
    g_clear_pointer(&set->tasks, tasks_free);
    /* What a run that went wrong has found is worth keeping only where there is nothing better. */
    if (end_transactions(set, ok && (complete || !set->replaces), error))
        return true;
    return ok && !complete;
}
