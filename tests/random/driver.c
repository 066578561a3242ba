/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random guests (guest.h): each is recorded, and its recording replayed on both backends and perturbed,
 * comparing the state hash at close checkpoints and at the end.
 *
 *     driver [--first SEED] [--rounds N] [--seconds S] [--json FILE] [--keep FILE.rrec] [--verbose]
 *
 * A round is its seed: `--first SEED --rounds 1` repeats it. A mismatch is reported with the seed and the
 * first pos that differs, found by recording again with a checkpoint before every step.
 */
#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/replay.h"
#include "tcg/tcg.h"
#include "tests/random/guest.h"
#include "tests/random/report.h"
#include "tests/random/script.h"

#define LIMIT 120000u /* steps */

typedef struct Options {
    gint64 first, rounds, seconds;
    char *json, *keep;
    gboolean verbose;
} Options;

typedef struct Totals {
    uint64_t rounds, replays, steps, checkpoints, events, failed;
    uint64_t stops[STOP_DIVERGED + 1];
} Totals;

#ifdef __x86_64__
#define COMPILED BACKEND_X86_64
#else
#define COMPILED BACKEND_INTERP
#endif

typedef struct Engines {
    TcgBackend first, other;
    size_t cache; /* small now and then, so that it fills up */
} Engines;

static Engine *engine_of(Machine *m, TcgBackend backend, size_t cache) {
    TcgOptions options = {.backend = backend, .code_cache_size = cache};
    return tcg_engine_new(m, &options);
}
static Engine *new_engine(Machine *m, void *opaque) {
    const Engines *e = opaque;
    return engine_of(m, e->first, e->cache);
}
static Engine *new_other_engine(Machine *m, void *opaque) {
    const Engines *e = opaque;
    return engine_of(m, e->other, e->cache);
}

static size_t cache_size(Random *r) {
    return random_one_in(r, 4) ? 256u << 10 : 4u << 20;
}

/* Dies on errors that have nothing to do with determinism. */
static void must(bool good, GError *error) {
    if (good)
        return;
    fprintf(stderr, "random guests: %s\n", error->message);
    exit(2);
}

static void record(uint64_t seed, const char *path, Pos interval, Totals *totals) {
    Random r = {seed ^ 0x7ec04d};
    GError *error = NULL;
    MachineConfig config;
    RecWriter *w;
    Machine *m;
    Script script;
    random_guest_make(seed, &config);
    script_init(&script, seed, LIMIT, config.n_console);
    must(rec_writer_new(path, true, &config, "random guest", &w, &error), error);
    Pos close = 200 + random_below(&r, 4000);
    Nd *nd = nd_record_new(&script.base, w, interval ? interval : close);
    Hooks *hooks = hooks_new();
    must(machine_new(&config, nd, hooks, &m, &error), error);
    machine_set_engine(m, engine_of(m, random_one_in(&r, 4) ? BACKEND_INTERP : COMPILED, cache_size(&r)));
    must(machine_reset(m, &error), error);
    m->limit = LIMIT;
    machine_run(m);
    RecEnd end = {true,         m->pos, machine_time(m), machine_state_hash(m), m->stop,
                  m->stop_code, 0,      (char *)"end"};
    must(rec_writer_finish(w, &end, &error), error);
    totals->steps += m->pos;
    totals->stops[m->stop]++;
    machine_free(m);
    hooks_free(hooks);
    nd_record_free(nd);
    rec_writer_free(w);
    script_done(&script);
    machine_config_done(&config);
}

typedef struct Way {
    const char *name;
    TcgBackend backend;
    bool perturbed;
} Way;
static const Way ways[] = {
    {"replay on the compiling backend", COMPILED, false},
    {"replay on the interpreter", BACKEND_INTERP, false},
    {"perturbed replay", COMPILED, true},
};

static bool replay(uint64_t seed, const Rec *rec, const Way *way, GError **error) {
    Random r = {seed ^ 0x4e91a};
    Engines engines = {way->backend, way->backend == COMPILED ? BACKEND_INTERP : COMPILED, cache_size(&r)};
    ReplayOptions options = {.new_engine = new_engine,
                             .new_other_engine = new_other_engine,
                             .opaque = &engines,
                             .perturb = way->perturbed,
                             .perturb_seed = seed};
    Replay *replay;
    if (!replay_new(rec, &options, &replay, error))
        return false;
    bool good = replay_run_to(replay, POS_NONE, error);
    replay_free(replay);
    return good;
}

/* Say where it began: the checkpoints of a second recording are one step apart. */
static void explain(uint64_t seed, const char *path, const Way *way, const GError *coarse) {
    Totals unused = {0};
    GError *error = NULL;
    Rec *rec;
    record(seed, path, 1, &unused);
    must(rec_open(path, &rec, &error), error);
    if (replay(seed, rec, way, &error))
        printf("seed %" PRIu64 ": %s: %s (not with a checkpoint at every step)\n", seed, way->name,
               coarse->message);
    else
        printf("seed %" PRIu64 ": %s: %s\n", seed, way->name, error->message);
    fflush(stdout);
    g_clear_error(&error);
    rec_free(rec);
}

static bool round_of(uint64_t seed, const char *path, const Options *options, Totals *totals) {
    GError *error = NULL;
    Rec *rec;
    record(seed, path, 0, totals);
    must(rec_open(path, &rec, &error), error);
    totals->rounds++;
    totals->checkpoints += rec_n_checkpoints(rec);
    totals->events += rec_n_events(rec);
    if (options->verbose)
        printf("seed %" PRIu64 ": %u harts, %" PRIu64 " steps, stop %u, %zu events\n", seed,
               rec_config(rec)->n_harts, rec_end(rec)->pos, rec_end(rec)->stop, rec_n_events(rec));
    bool good = true;
    for (size_t i = 0; i < G_N_ELEMENTS(ways) && good; i++) {
        totals->replays++;
        good = replay(seed, rec, &ways[i], &error);
        if (!good)
            explain(seed, path, &ways[i], error);
    }
    g_clear_error(&error);
    rec_free(rec);
    totals->failed += !good;
    return good;
}

static void write_json(const Options *options, const Totals *t, double seconds) {
    g_autofree char *text =
        g_strdup_printf("{\"suite\": \"random guests\", \"rounds\": %" PRIu64 ", \"replays\": %" PRIu64
                        ", \"steps\": %" PRIu64 ", \"checkpoints\": %" PRIu64 ", \"events\": %" PRIu64
                        ", \"failed\": %" PRIu64 ", \"first\": %" PRIi64 ", \"seconds\": %.0f}\n",
                        t->rounds, t->replays, t->steps, t->checkpoints, t->events, t->failed,
                        (int64_t)options->first, seconds);
    report_write(options->json, text);
}

int main(int argc, char **argv) {
    Options o = {.first = 1, .rounds = 1000};
    const GOptionEntry entries[] = {
        {"first", 0, 0, G_OPTION_ARG_INT64, &o.first, "seed of the first round", "SEED"},
        {"rounds", 0, 0, G_OPTION_ARG_INT64, &o.rounds, "how many", "N"},
        {"seconds", 0, 0, G_OPTION_ARG_INT64, &o.seconds, "no new round after so long", "S"},
        {"json", 0, 0, G_OPTION_ARG_FILENAME, &o.json, "write a summary there", "FILE"},
        {"keep", 0, 0, G_OPTION_ARG_FILENAME, &o.keep, "the last recording stays there", "FILE"},
        {"verbose", 0, 0, G_OPTION_ARG_NONE, &o.verbose, "a line a round", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    GOptionContext *context = g_option_context_new(NULL);
    GError *error = NULL;
    g_option_context_add_main_entries(context, entries, NULL);
    must(g_option_context_parse(context, &argc, &argv, &error), error);
    g_option_context_free(context);
    g_autofree char *dir = g_dir_make_tmp("rr-random-XXXXXX", &error);
    must(dir != NULL, error);
    g_autofree char *path = o.keep ? g_strdup(o.keep) : g_build_filename(dir, "r.rrec", NULL);
    Totals t = {0};
    GTimer *timer = g_timer_new();
    for (gint64 i = 0; i < o.rounds && t.failed < 10; i++) {
        round_of((uint64_t)(o.first + i), path, &o, &t);
        if (o.seconds && g_timer_elapsed(timer, NULL) > (double)o.seconds)
            break;
    }
    double seconds = g_timer_elapsed(timer, NULL);
    g_timer_destroy(timer);
    if (!o.keep)
        g_unlink(path);
    g_rmdir(dir);
    write_json(&o, &t, seconds);
    printf("%" PRIu64 " rounds, %" PRIu64 " replays, %" PRIu64 " steps, %" PRIu64 " checkpoints, %" PRIu64
           " events, %" PRIu64 " failed, %.1f s; stops:",
           t.rounds, t.replays, t.steps, t.checkpoints, t.events, t.failed, seconds);
    for (unsigned i = 0; i <= STOP_DIVERGED; i++)
        printf(" %" PRIu64, t.stops[i]);
    printf("\n");
    return t.failed != 0;
}
