/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `replay` and `verify`. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyses/analysis.h"
#include "analyses/segments.h"
#include "analyses/store/query.h"
#include "analyses/store/store.h"
#include "cli/database.h"
#include "cli/plugins.h"
#include "cli/replaying.h"
#include "cli/stats.h"
#include "replay/segments.h"

#define JOBS_MAX 256u
#define SEGMENTS_MAX 65536u
#define SEGMENTS_EACH 8u /* a worker, so that none waits long for the last one */
#define SEGMENT_STEPS                                                                                        \
    ((Pos)4 << 20) /* at least, unless --segments says otherwise: forking and translating cost time */

static void print_output(void *opaque, uint32_t port, const uint8_t *data, uint32_t size) {
    if (port == 0)
        fwrite(data, 1, size, stdout);
}

/* Exit status and message of a replay that failed: a divergence is a result, anything else is not. */
static int failure_status(const GError *error) {
    return g_error_matches(error, REPLAY_ERROR, REPLAY_ERROR_DIVERGED) ? STATUS_DIFFERS : STATUS_FAILED;
}

typedef struct Job {
    Args *args;
    Rec *rec;
    char *path;
    TcgOptions tcg;
    Replay *replay;
    Store *store;
    AnalysisSet *set;
    Plugins *plugins;
    Progress progress;
    Pos from, to;
    bool is_worker;
} Job;

static void job_done(Job *j) {
    g_clear_pointer(&j->plugins, plugins_free);
    g_clear_pointer(&j->set, analysis_set_free);
    g_clear_pointer(&j->replay, replay_free);
    g_clear_pointer(&j->store, store_close);
    g_clear_pointer(&j->rec, rec_free);
    g_free(j->path);
}

static bool job_range(Job *j, const Args *args, GError **error) {
    j->from = 0;
    j->to = POS_NONE;
    if ((args->from && !position_parse(j->rec, args->from, &j->from, error)) ||
        (args->to && !position_parse(j->rec, args->to, &j->to, error)))
        return false;
    if (j->from <= j->to)
        return true;
    g_set_error(error, CLI_ERROR, 0, "--from %" G_GUINT64_FORMAT " is after --to %" G_GUINT64_FORMAT, j->from,
                j->to);
    return false;
}

static bool job_open(Job *j, Args *args, GError **error) {
    ReplayOptions options;
    if (!args_at_most(args, 1, "one recording", error))
        return false;
    if (args->jobs > JOBS_MAX) {
        g_set_error(error, CLI_ERROR, 0, "-j %" G_GUINT64_FORMAT ": expected at most %u workers", args->jobs,
                    JOBS_MAX);
        return false;
    }
    if (args->segments > SEGMENTS_MAX) {
        g_set_error(error, CLI_ERROR, 0, "--segments %" G_GUINT64_FORMAT ": expected at most %u",
                    args->segments, SEGMENTS_MAX);
        return false;
    }
    if (!recording_open(args, 0, &j->rec, &j->path, error) || !job_range(j, args, error) ||
        !replaying_options(args, &j->tcg, &options, error))
        return false;
    options.output = args->console ? print_output : NULL;
    return replay_new(j->rec, &options, &j->replay, error);
}

/* REC.db of a recording that REC has replaced is made anew; a --db of another recording is the user's to look after. */
static bool drop_others(const Job *j, const Args *args, const char *db, GError **error) {
    DatabaseState state;
    if (!database_state(db, j->rec, &state, error))
        return false;
    if (state != DATABASE_OTHERS)
        return true;
    if (args->db) {
        g_set_error(error, CLI_ERROR, 0, "--db %s: it is another recording's; give another name or remove it",
                    db);
        return false;
    }
    tell(args, "%s was another recording's; it is made anew", db);
    if (!unlink(db))
        return true;
    g_set_error(error, CLI_ERROR, 0, "%s: cannot remove it: %s", db, g_strerror(errno));
    return false;
}

static void tell_replaced(const Job *j) {
    const Args *args = j->args;
    sqlite3 *db = store_handle(j->store);
    PluginHost *host = j->plugins ? plugins_host(j->plugins) : NULL;
    for (guint i = 0; args->analyses && i < args->analyses->len; i++)
        database_tell_replaced(args, db, args->analyses->pdata[i]);
    for (guint i = 0; host && plugin_host_rows_name(host, i); i++)
        database_tell_replaced(args, db, plugin_host_rows_name(host, i));
}

/* For who finds the database without the recording beside it. */
static bool remember_path(const Job *j, GError **error) {
    g_autofree char *path = g_canonicalize_filename(j->path, NULL);
    return store_set_meta(j->store, "path", path, error);
}

static bool open_store(Job *j, GError **error) {
    const Args *args = j->args;
    g_autofree char *db = args->db ? g_strdup(args->db) : g_strconcat(j->path, ".db", NULL);
    if (!drop_others(j, args, db, error) || !store_open(db, &j->store, error) ||
        !database_import(j->store, j->rec, error) || !remember_path(j, error) ||
        !database_loaded(j->store, replay_machine(j->replay), error) ||
        !database_symbols(j->store, j->rec, args->symbols, error))
        return false;
    database_set_functions(store_handle(j->store), NULL); /* plain rows of insn show what disas() says */
    tell(args, "database %s", db);
    return true;
}

/* Where nothing looks at them, files that have no symbols are refused all the same. */
static bool check_symbols(const Job *j, GError **error) {
    Store *store = NULL;
    if (j->store || !j->args->symbols || !j->args->symbols->len)
        return true;
    bool ok = store_open(NULL, &store, error) && database_symbols(store, j->rec, j->args->symbols, error);
    g_clear_pointer(&store, store_close);
    return ok;
}

static Store *plugins_store(void *opaque, GError **error) {
    Job *j = opaque;
    if (!j->store) {
        if (!open_store(j, error))
            return NULL;
        tell_replaced(j);
    }
    return j->store;
}

/* Programs are followed from the recording's beginning on, wherever the analyses begin. */
static bool follow_programs(Job *j, GError **error) {
    const char *sysroot = database_sysroot(j->args, j->rec);
    return !sysroot || analysis_set_follow(j->set, replay_machine(j->replay), sysroot, error);
}

/* Without analyses too: what they share serves plugins. */
static AnalysisSet *plugins_set(void *opaque, GError **error) {
    Job *j = opaque;
    if (j->set)
        return j->set;
    if (!plugins_store(j, error))
        return NULL;
    j->set = analysis_set_new(j->store);
    return analysis_set_begin(j->set, replay_machine(j->replay), error) ? j->set : NULL;
}

static void ignore_begin(void *opaque, int n, const char *const *names) {}
static void ignore_end(void *opaque) {}

static void take_text(void *opaque, int n, const QueryValue *values) {
    if (values[0].type == QUERY_TEXT)
        *(char **)opaque = g_strdup(values[0].text);
}

/* What a function of the database says of an address in what the hart runs in U mode, or in a module of the kernel. */
static char *ask_program(const Job *j, const char *function, Gva pc) {
    static const QueryOps ops = {ignore_begin, take_text, ignore_end};
    const Machine *m = replay_machine(j->replay);
    const Hart *hart = m->harts[m->current];
    char *text = NULL;
    bool is_program = hart->priv == PRIV_U && j->set && analysis_set_follows(j->set);
    if (j->is_worker || (!is_program && !(j->set && pc >> 63))) /* the database is the leader's */
        return NULL;
    g_autofree char *sql =
        g_strdup_printf("SELECT %s(%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ")",
                        function, (gint64)pc, (gint64)hart->satp, (gint64)machine_pos(m));
    store_query(store_handle(j->store), sql, &ops, &text, NULL);
    return text;
}

static char *plugins_program_symbol(void *opaque, Gva pc) {
    return ask_program(opaque, "symbol_at", pc);
}

static char *plugins_program_line(void *opaque, Gva pc) {
    return ask_program(opaque, "line_at", pc);
}

static bool job_attach(Job *j, GError **error) {
    const Args *args = j->args;
    const PluginsJob job = {plugins_store, plugins_set, plugins_program_symbol, plugins_program_line, j};
    if (!plugins_load(args, j->rec, &job, &j->plugins, error))
        return false;
    if (!args->analyses && !args->sysroot && !(j->plugins && database_sysroot(args, j->rec)))
        return true;
    if (args->sysroot && !g_file_test(args->sysroot, G_FILE_TEST_IS_DIR))
        return g_set_error(error, CLI_ERROR, 0, "--sysroot %s: not a folder", args->sysroot), false;
    if (!open_store(j, error))
        return false;
    j->set = analysis_set_new(j->store);
    for (guint i = 0; args->analyses && i < args->analyses->len; i++)
        if (!analysis_set_add(j->set, args->analyses->pdata[i], error))
            return false;
    tell_replaced(j);
    return true;
}

/* To a position, stopping where plugins and analyses want to be called, up to `last`. */
static bool job_replay(Job *j, Pos last, Pos to, GError **error) {
    PluginHost *host = j->plugins ? plugins_host(j->plugins) : NULL;
    Pos at = machine_pos(replay_machine(j->replay));
    for (;; at++) {
        Pos plugin = host ? plugin_host_next_position(host, at) : POS_NONE;
        Pos analysis = j->set ? analysis_set_next_position(j->set, at) : POS_NONE;
        at = MIN(plugin, analysis);
        if (at > last)
            return replay_run_to(j->replay, to, error);
        if (!replay_run_to(j->replay, at, error))
            return false;
        if (plugin == at)
            plugin_host_reached(host, at);
        if (analysis == at)
            analysis_set_reached(j->set, at);
    }
}

/* -- by several workers ---------------------------------------------------------------------------------- */

static Observers observers(const Job *j) {
    return (Observers){j->plugins ? plugins_host(j->plugins) : NULL, j->set};
}

/* A new string: why one process must do it all; NULL: there is no reason. */
static char *reason_for_one(const Job *j) {
    const Observers o = observers(j);
    const char *alone = segments_alone(&o);
    if (alone)
        return g_strdup_printf("%s has no merge function", alone);
    if (j->set && analysis_set_follows(j->set))
        return g_strdup("programs are followed (--sysroot)");
    return j->args->dump ? g_strdup("-d prints the translator's stages") : NULL;
}

/* Into how many segments what is to be replayed from here is cut. */
static unsigned job_segments(const Job *j) {
    const Args *args = j->args;
    Pos from = machine_pos(replay_machine(j->replay)), last = MIN(j->to, rec_end(j->rec)->pos);
    if (args->jobs <= 1 || (!j->plugins && !j->set))
        return 1;
    g_autofree char *why = reason_for_one(j);
    if (why) {
        tell(args, "%s: one worker", why);
        return 1;
    }
    Pos n = args->segments ? args->segments : MIN((last - from) / SEGMENT_STEPS, args->jobs * SEGMENTS_EACH);
    return (unsigned)CLAMP(n, 1, MAX(last - from, 1));
}

static void pause_threads(void *opaque, bool pause) {
    const Job *j = opaque;
    const Observers o = observers(j);
    if (pause && j->plugins)
        plugins_before_fork(j->plugins);
    segments_pause(&o, pause);
}

static bool work(void *opaque, const Segment *segment, FILE *out, GError **error) {
    Job *j = opaque;
    const Observers o = observers(j);
    j->is_worker = true;
    segments_begin(&o, segment->from, out);
    bool good = job_replay(j, segment->to - !segment->is_last, segment->to, error);
    segments_end(&o, machine_pos(replay_machine(j->replay)), segment->is_last || !good);
    return good;
}

static bool take(void *opaque, const Segment *segment, FILE *in, GError **error) {
    const Observers o = observers(opaque);
    return segments_collect(&o, in, error);
}

static void merge(const Job *j) {
    const Observers o = observers(j);
    segments_merge(&o);
}

/* *lost: a worker died, or could not say what it found; then nothing of all this may be kept. */
static bool job_lead(Job *j, unsigned n, bool *lost, GError **error) {
    static const SegmentOps ops = {pause_threads, work, take};
    GError *why = NULL;
    bool good = replay_run_segments(j->replay, j->to, n, (unsigned)j->args->jobs, &ops, j, &why);
    *lost = !good && !g_error_matches(why, REPLAY_ERROR, REPLAY_ERROR_DIVERGED);
    if (!*lost)
        merge(j);
    if (why)
        g_propagate_error(error, why);
    return good;
}

static bool job_run(Job *j, GError **error) {
    bool lost = false;
    if (j->set && !follow_programs(j, error))
        return false;
    if (j->from && !replay_run_to(j->replay, j->from, error))
        return false;
    Machine *m = replay_machine(j->replay);
    unsigned segments = job_segments(j);
    const Observers o = observers(j);
    if (segments > 1)
        segments_lead(&o);
    if (j->set && !analysis_set_begin(j->set, m, error))
        return false;
    if (j->plugins && !plugin_host_begin(plugins_host(j->plugins), m, error))
        return false;
    bool good = segments > 1 ? job_lead(j, segments, &lost, error)
                             : job_replay(j, MIN(j->to, rec_end(j->rec)->pos), j->to, error);
    if (lost)
        return false;
    if (j->plugins)
        good = plugin_host_end(plugins_host(j->plugins), good, good ? error : NULL) && good;
    return j->set ? analysis_set_end(j->set, machine_pos(m), good, good ? error : NULL) && good : good;
}

static void say_notes(const Job *j) {
    const char *note;
    for (guint i = 0; j->set && (note = analysis_set_notes(j->set, i)); i++)
        say("%s", note);
}

int cmd_replay(const Command *self, Args *args, GError **error) {
    Job j = {.args = args};
    GError *why = NULL;
    int status = STATUS_FAILED;
    if (job_open(&j, args, &why) && job_attach(&j, &why) && check_symbols(&j, &why)) {
        replaying_show_progress(args, &j.progress, j.replay);
        bool good = job_run(&j, &why);
        fflush(stdout);
        replaying_clear_progress(args);
        say_notes(&j);
        if (good) {
            g_autofree char *steps = human_count(machine_pos(replay_machine(j.replay)));
            size_t n = replay_n_compared(j.replay);
            tell(args, "replayed to %s steps, %zu checkpoint%s", steps, n, n == 1 ? " agrees" : "s agree");
            status = STATUS_OK;
        }
        if (args->stats)
            stats_print(replay_machine(j.replay));
    }
    if (why) {
        status = failure_status(why);
        g_propagate_error(error, why);
    }
    job_done(&j);
    return status;
}

int cmd_verify(const Command *self, Args *args, GError **error) {
    return cmd_replay(self, args, error);
}
