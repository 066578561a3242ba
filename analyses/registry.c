/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/analysis.h"

#include <string.h>

#include "analyses/builtin/builtin.h"
#include "analyses/plugin/private.h"
#include "analyses/symbols/programs.h"
#include "analyses/run.h"

/* A built-in: a plugin, and its tables' and views' names. */
typedef struct Builtin {
    const RrPlugin *plugin;
    const char *tables;
} Builtin;

static const Builtin builtins[] = {
    {&memtrace_plugin, "memtrace memtrace_v write"},
    {&trap_plugin, "trap trap_v"},
    {&console_plugin, "console"},
    {&input_plugin, "input"},
    {&checkpoint_plugin, "checkpoint checkpoint_v"},
    {&mmio_plugin, "mmio mmio_v"},
    {&dma_plugin, "dma dma_v"},
    {&irq_plugin, "irq"},
    {&blocks_plugin, "block block_v edge edge_v cover cover_v"},
    {&tasks_plugin, "task task_v cpu"},
    {&insn_plugin, "insn insn_v"},
    {&regs_plugin, "regs regs_v"},
    {&syscalls_plugin, "syscall syscall_v"},
    {&funcs_plugin, "func func_v"},
    {&calls_plugin, "call call_v"},
};

/* One that a set runs: a plugin of the set's host. */
typedef struct Member {
    AnalysisInfo info;
    char *spec; /* as given, but for the name, which is the plugin's own */
    Plugin *plugin;
} Member;

struct AnalysisSet {
    Store *store;
    PluginHost *host;
    GPtrArray *members; /* of Member, in the order given */
    Machine *machine;
    Tracer *tracer; /* from begin to end */
    Tasks *tasks;   /* likewise, if somebody asked for it */
    SyscallTrack *syscalls;
    Programs *programs;
    bool follows;  /* the guest's programs, not only modules of its kernel */
    bool followed; /* a transaction round the other one, for their rows */
    Functions *functions;
    CallStacks *calls; /* likewise */
    bool replaces;     /* a complete run of one of them is in the database */
    bool open;         /* the transaction */
    bool running;      /* from begin on */
    GPtrArray *notes;  /* of char* */
    GPtrArray *made;   /* names of the rows of `analysis` that this run made */
    bool refused;      /* nothing has run: an option was wrong */
    bool in_worker;    /* which must not touch the database */
    bool quiet;        /* … and have come to their end */
    GError *error;     /* why something of what they say is missing */
};

static AnalysisInfo info_of(const Builtin *b) {
    return (AnalysisInfo){b->plugin->name, b->plugin->help, b->tables, b->plugin->options};
}

bool analysis_info(size_t i, AnalysisInfo *ret) {
    if (i >= G_N_ELEMENTS(builtins))
        return false;
    *ret = info_of(&builtins[i]);
    return true;
}

bool analysis_option(const AnalysisInfo *info, size_t k, AnalysisOption *ret) {
    for (size_t i = 0; info->options && info->options[i].name; i++) {
        const RrOption *o = &info->options[i];
        if (i < k)
            continue;
        *ret = (AnalysisOption){o->name, o->choices, o->fallback, o->help};
        return true;
    }
    return false;
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

/* Its plugin is the host's. */
static void member_free(void *p) {
    Member *m = p;
    g_free(m->spec);
    g_free(m);
}

static Member *member_at(const AnalysisSet *set, guint i) {
    return g_ptr_array_index(set->members, i);
}

static const char *member_name(const Member *m) {
    return native_name(m->plugin);
}

static Store *host_store(void *opaque, GError **error) {
    return ((AnalysisSet *)opaque)->store;
}

static AnalysisSet *host_set(void *opaque, GError **error) {
    return opaque;
}

AnalysisSet *analysis_set_new(Store *store) {
    AnalysisSet *set = g_new0(AnalysisSet, 1);
    set->store = store;
    set->made = g_ptr_array_new_with_free_func(g_free);
    set->notes = g_ptr_array_new_with_free_func(g_free);
    set->members = g_ptr_array_new_with_free_func(member_free);
    set->host = plugin_host_new_linked(&(PluginEnv){.store = host_store, .set = host_set, .opaque = set});
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

/* Of an analysis that never ran the database says nothing. */
static void forget_made(AnalysisSet *set) {
    StoreStmt *stmt;
    if (!store_prepare(set->store, "DELETE FROM analysis WHERE name = ?", &stmt, NULL))
        return;
    for (guint i = 0; i < set->made->len; i++)
        store_run(stmt, NULL, "s", (const char *)set->made->pdata[i]);
    store_stmt_free(stmt);
}

void analysis_set_free(AnalysisSet *set) {
    if (!set)
        return;
    if (set->tracer)
        tracer_end(set->tracer);
    plugin_host_free(set->host);
    g_ptr_array_free(set->members, TRUE);
    tracer_free(set->tracer);
    call_stacks_free(set->calls);
    functions_free(set->functions);
    programs_free(set->programs);
    syscall_track_free(set->syscalls);
    tasks_free(set->tasks);
    end_transactions(set, false, NULL);
    if (set->refused)
        forget_made(set);
    g_ptr_array_free(set->made, TRUE);
    g_ptr_array_free(set->notes, TRUE);
    g_clear_error(&set->error);
    g_free(set);
}

bool analysis_set_follow(AnalysisSet *set, Machine *m, const char *sysroot, GError **error) {
    if (!store_begin(set->store, error))
        return false;
    set->followed = set->follows = true;
    set->programs = programs_new(m, set->store, sysroot);
    return programs_begin(set->programs, error);
}

bool analysis_set_follows(const AnalysisSet *set) {
    return set->follows;
}

void analysis_set_segment(AnalysisSet *set) {
    set->in_worker = true;
    if (set->programs)
        programs_quiet(set->programs);
}

void analysis_set_note(AnalysisSet *set, char *text) {
    g_ptr_array_add(set->notes, text);
}

const char *analysis_set_notes(const AnalysisSet *set, guint i) {
    return i < set->notes->len ? set->notes->pdata[i] : NULL;
}

Programs *analysis_set_programs(AnalysisSet *set) {
    return set->programs;
}

PluginHost *analysis_set_host(AnalysisSet *set) {
    return set->host;
}

Tracer *analysis_set_tracer(AnalysisSet *set) {
    return set->tracer;
}

Machine *analysis_set_machine(AnalysisSet *set) {
    return set->machine;
}

Tasks *analysis_set_tasks(AnalysisSet *set) {
    if (set->tasks)
        return set->tasks;
    set->tasks = tasks_new(set->machine, set->store);
    tasks_begin(set->tasks);
    return set->tasks;
}

SyscallTrack *analysis_set_syscalls(AnalysisSet *set) {
    if (set->syscalls)
        return set->syscalls;
    set->syscalls = syscall_track_new(set->machine, analysis_set_tasks(set));
    syscall_track_begin(set->syscalls);
    return set->syscalls;
}

CallStacks *analysis_set_calls(AnalysisSet *set) {
    if (!set->calls) {
        set->functions = functions_new(set->store);
        set->calls = call_stacks_new(set->machine, set->functions, analysis_set_tasks(set), set->programs);
        call_stacks_begin(set->calls);
    }
    return set->calls;
}

/* -- specifications ----------------------------------------------------------------------------------------- */
/* `call` is `calls` and `traps` is `trap`: nobody remembers which of them is named in the plural. */
static bool same_noun(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    const char *longer = n > m ? a : b;
    return !strncmp(a, b, MIN(n, m)) &&
           (n == m || (MAX(n, m) == MIN(n, m) + 1 && longer[MAX(n, m) - 1] == 's'));
}

static const Builtin *find_builtin(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(builtins); i++)
        if (same_noun(info_of(&builtins[i]).name, name))
            return &builtins[i];
    return NULL;
}

static char *builtin_names(void) {
    GString *s = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(builtins); i++)
        g_string_append_printf(s, "%s%s", i ? ", " : "", info_of(&builtins[i]).name);
    return g_string_free(s, FALSE);
}

static char *option_names(const AnalysisInfo *info) {
    GString *s = g_string_new("as=NAME");
    AnalysisOption o;
    for (size_t i = 0; analysis_option(info, i, &o); i++)
        g_string_append_printf(s, ", %s=%s", o.name, o.values);
    return g_string_free(s, FALSE);
}

static bool find_option(const AnalysisInfo *info, const char *name, AnalysisOption *ret) {
    for (size_t i = 0; analysis_option(info, i, ret); i++)
        if (!strcmp(ret->name, name))
            return true;
    return false;
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

bool analysis_name_is_taken(const char *name) {
    if (lists("meta analysis loader module module_v symbol symbol_v line line_v write "
              "checkpoint_v program_symbol program_line map "
              "space",
              name))
        return true;
    AnalysisInfo info;
    for (size_t i = 0; analysis_info(i, &info); i++)
        if (lists(info.name, name) || lists(info.tables, name))
            return true;
    return false;
}

bool analysis_name_is_free(const char *name) {
    return is_word(name) && !analysis_name_is_taken(name);
}

static bool set_option(const Member *m, const char *word, GError **error) {
    const AnalysisInfo *info = &m->info;
    AnalysisOption o;
    g_auto(GStrv) pair = g_strsplit(word, "=", 2);
    if (pair[0] && pair[1] && !strcmp(pair[0], "as")) {
        if (strcmp(pair[1], info->name) != 0 && !analysis_name_is_free(pair[1]))
            return refuse(error, ANALYSIS_ERROR_OPTION,
                          "--analysis %s: as=%s: expected a new table name of letters, digits "
                          "and _",
                          info->name, pair[1]);
        native_set_name(m->plugin, pair[1]);
        return true;
    }
    if (!pair[0] || !pair[1] || !find_option(info, pair[0], &o)) {
        g_autofree char *names = option_names(info);
        return refuse(error, ANALYSIS_ERROR_OPTION, "--analysis %s: option '%s' is unknown; it takes %s",
                      info->name, word, names);
    }
    g_auto(GStrv) values = g_strsplit(o.values, "|", -1);
    if (!g_ascii_isupper(*o.values) && !g_strv_contains((const gchar *const *)values, pair[1]))
        return refuse(error, ANALYSIS_ERROR_OPTION, "--analysis %s: %s=%s: expected one of %s", info->name,
                      o.name, pair[1], o.values);
    native_set_option(m->plugin, o.name, pair[1]);
    return true;
}

static Member *member_new(AnalysisSet *set, const Builtin *b, const char *spec) {
    Member *m = g_new0(Member, 1);
    m->info = info_of(b);
    m->spec = g_strconcat(b->plugin->name, strchr(spec, ','), NULL);
    m->plugin = plugin_new_linked(set->host, b->plugin);
    return m;
}

bool analysis_set_add(AnalysisSet *set, const char *spec, GError **error) {
    g_auto(GStrv) words = g_strsplit(spec, ",", -1);
    const Builtin *builtin = words[0] ? find_builtin(words[0]) : NULL;
    if (!builtin) {
        g_autofree char *names = builtin_names();
        return refuse(error, ANALYSIS_ERROR_UNKNOWN, "--analysis %s: unknown; there are %s", spec, names);
    }
    Member *m = member_new(set, builtin, spec);
    bool ok = true;
    for (char **word = words + 1; *word && ok; word++)
        ok = set_option(m, *word, error);
    for (guint i = 0; ok && i < set->members->len; i++)
        if (!strcmp(member_name(member_at(set, i)), member_name(m)))
            ok = refuse(error, ANALYSIS_ERROR_OPTION,
                        "--analysis %s: '%s' is there already; give the second one as=NAME", spec,
                        member_name(m));
    if (!ok) {
        g_clear_pointer(&m->plugin, plugin_free);
        member_free(m);
        return false;
    }
    g_ptr_array_add(set->members, m);
    plugin_host_add_linked(set->host, m->plugin);
    return true;
}

/* -- running ------------------------------------------------------------------------------------------- */
/* The row of `analysis`: there, with complete = 0, before anything else is written. */
static bool announce(AnalysisSet *set, const Member *m, Pos from, GError **error) {
    StoreStmt *stmt;
    native_claim_name(m->plugin, set->store); /* a set's names differ */
    if (store_get_int(set->store, "SELECT complete FROM analysis WHERE name = ?", 0, "s", member_name(m)))
        set->replaces = true;
    if (!store_prepare(set->store,
                       "INSERT OR IGNORE INTO analysis (name, args, from_pos, complete, rows) "
                       "VALUES (?, ?, ?, 0, 0)",
                       &stmt, error))
        return false;
    if (!store_get_int(set->store, "SELECT count(*) FROM analysis WHERE name = ?", 0, "s", member_name(m)))
        g_ptr_array_add(set->made, g_strdup(member_name(m)));
    bool ok = store_run(stmt, error, "ssu", member_name(m), m->spec, from);
    store_stmt_free(stmt);
    return ok;
}

static bool start(AnalysisSet *set, const Member *m, Pos from, GError **error) {
    StoreStmt *stmt;
    if (!store_prepare(set->store,
                       "UPDATE analysis SET args = ?, from_pos = ?, to_pos = NULL, complete = 0, rows = 0 "
                       "WHERE name = ?",
                       &stmt, error))
        return false;
    bool ok = store_run(stmt, error, "sus", m->spec, from, member_name(m));
    store_stmt_free(stmt);
    return ok;
}

bool analysis_set_begin(AnalysisSet *set, Machine *m, GError **error) {
    Pos from = machine_pos(m);
    set->machine = m;
    set->tracer = tracer_new();
    for (guint i = 0; i < set->members->len; i++)
        if (!announce(set, member_at(set, i), from, error))
            return false;
    if (!store_begin(set->store, error))
        return false;
    set->open = true;
    if (!set->programs) {
        set->programs = programs_new(m, set->store, NULL);
        if (!programs_begin(set->programs, error))
            return false;
    }
    for (guint i = 0; i < set->members->len; i++)
        if (!start(set, member_at(set, i), from, error))
            return false;
    set->running = true;
    set->refused = !plugin_host_begin(set->host, m, error);
    return !set->refused;
}

Pos analysis_set_next_position(const AnalysisSet *set, Pos at) {
    return plugin_host_next_position(set->host, at);
}

void analysis_set_reached(AnalysisSet *set, Pos pos) {
    plugin_host_reached(set->host, pos);
}

static bool finish(AnalysisSet *set, const Member *m, Pos to, bool complete, GError **error) {
    int64_t rows = native_rows_count(m->plugin);
    StoreStmt *stmt;
    if (!store_prepare(set->store, "UPDATE analysis SET to_pos = ?, complete = ?, rows = ? WHERE name = ?",
                       &stmt, error))
        return false;
    const char *name = member_name(m);
    bool ok = rows == ROWS_UNKNOWN ? store_run(stmt, error, "uins", to, (int64_t)complete, name)
                                   : store_run(stmt, error, "uiis", to, (int64_t)complete, rows, name);
    store_stmt_free(stmt);
    return ok;
}

void analysis_set_quiet(AnalysisSet *set) {
    if (!set->running || set->quiet)
        return;
    set->quiet = true;
    plugin_host_quiet(set->host);
    tracer_end(set->tracer);
    if (set->calls)
        call_stacks_end(set->calls);
    if (set->programs && !set->in_worker)
        programs_end(set->programs, &set->error);
    if (set->syscalls)
        syscall_track_end(set->syscalls);
    if (set->tasks)
        tasks_end(set->tasks, machine_pos(set->machine));
}

bool analysis_set_end(AnalysisSet *set, Pos to_pos, bool complete, GError **error) {
    analysis_set_quiet(set);
    bool ok = set->open && !set->error;
    if (set->error)
        g_propagate_error(error, g_steal_pointer(&set->error));
    ok = plugin_host_end(set->host, complete, ok ? error : NULL) && ok;
    for (guint i = 0; ok && i < set->members->len; i++)
        ok = finish(set, member_at(set, i), to_pos, complete, error);
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
