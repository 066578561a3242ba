/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kill -9 while recording: a child records a random guest, flushes the recording at each of its checkpoints
 * and then says up to which pos it is written; it is killed at a random moment. What it said must be in the
 * file, and must replay.
 *
 *     kill_record [KILLS [FIRST-SEED [JSON]]]
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replay/replay.h"
#include "tcg/tcg.h"
#include "tests/random/guest.h"
#include "tests/random/report.h"
#include "tests/random/script.h"

#define LIMIT 400000u
#define MOMENT_US 40000u /* the latest kill */

/* -- the child --------------------------------------------------------------------------------------------
 */

/* Round the recorder: after each checkpoint everything is made durable, and reported. */
typedef struct Reporter {
    Nd base;
    Nd *recorder;
    RecWriter *writer;
    int to;
} Reporter;

static Pos reporter_next_pos(Nd *nd) {
    Nd *r = ((Reporter *)nd)->recorder;
    return r->ops->next_pos(r);
}
static bool reporter_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    Nd *r = ((Reporter *)nd)->recorder;
    return r->ops->poll(r, pos, now, ev);
}
static bool reporter_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    Nd *r = ((Reporter *)nd)->recorder;
    return r->ops->idle(r, pos, now, deadline, ev);
}
static bool reporter_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                           uint32_t size, int *err) {
    Nd *r = ((Reporter *)nd)->recorder;
    return r->ops->fetch(r, pos, now, kind, source, arg, to, size, err);
}
static void reporter_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                            uint32_t size) {
    Nd *r = ((Reporter *)nd)->recorder;
    r->ops->output(r, pos, now, kind, source, data, size);
}
static Pos reporter_next_checkpoint(Nd *nd, Pos pos) {
    Nd *r = ((Reporter *)nd)->recorder;
    return r->ops->next_checkpoint(r, pos);
}

static bool reporter_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    Reporter *r = (Reporter *)nd;
    if (!r->recorder->ops->checkpoint(r->recorder, pos, now, hash) || !rec_writer_flush(r->writer, pos, NULL))
        _exit(2);
    if (write(r->to, &pos, sizeof pos) != sizeof pos)
        _exit(2);
    return true;
}

static const NdOps reporter_ops = {reporter_next_pos,       reporter_poll,   reporter_idle,
                                   reporter_fetch,          reporter_output, reporter_checkpoint,
                                   reporter_next_checkpoint};

static Engine *new_engine(Machine *m, void *opaque) {
    TcgOptions options = {.code_cache_size = 4u << 20};
    return tcg_engine_new(m, &options);
}

_Noreturn static void child(uint64_t seed, const char *path, int to) {
    MachineConfig config;
    RecWriter *w;
    Machine *m;
    Script script;
    random_guest_make(seed, &config);
    script_init(&script, seed, LIMIT, config.n_console);
    if (!rec_writer_new(path, true, &config, "random guest", &w, NULL))
        _exit(2);
    Reporter reporter = {{&reporter_ops}, nd_record_new(&script.base, w, 500 + seed % 3000), w, to};
    if (!machine_new(&config, &reporter.base, hooks_new(), &m, NULL))
        _exit(2);
    machine_set_engine(m, new_engine(m, NULL));
    if (!machine_reset(m, NULL))
        _exit(2);
    m->limit = LIMIT;
    machine_run(m);
    RecEnd end = {true,         m->pos, machine_time(m), machine_state_hash(m), m->stop,
                  m->stop_code, 0,      (char *)"end"};
    _exit(rec_writer_finish(w, &end, NULL) ? 0 : 2);
}

/* -- the parent -------------------------------------------------------------------------------------------
 */

typedef struct Totals {
    unsigned kills, ended, nothing, failed;
} Totals;

/* What the child said last: POS_NONE if nothing. */
static Pos last_report(int from) {
    Pos pos, last = POS_NONE;
    while (read(from, &pos, sizeof pos) == sizeof pos)
        last = pos;
    return last;
}

static bool check(uint64_t seed, const char *path, Pos reported, Totals *t) {
    GError *error = NULL;
    Rec *rec = NULL;
    Replay *replay = NULL;
    ReplayOptions options = {.new_engine = new_engine};
    bool good = rec_open(path, &rec, &error);
    if (!good && reported == POS_NONE) { /* killed before the manifest was whole */
        t->nothing++;
        g_clear_error(&error);
        return true;
    }
    if (good && reported != POS_NONE && rec_end(rec)->pos < reported) {
        g_set_error(&error, REPLAY_ERROR, 0,
                    "the recording ends at pos %" PRIu64 ", but %" PRIu64 " was reported written",
                    rec_end(rec)->pos, reported);
        good = false;
    }
    if (good && (reported != POS_NONE || rec_n_events(rec)))
        good = replay_new(rec, &options, &replay, &error) && replay_run_to(replay, POS_NONE, &error);
    if (!good)
        printf("seed %" PRIu64 ": %s\n", seed, error->message);
    t->failed += !good;
    g_clear_error(&error);
    replay_free(replay);
    rec_free(rec);
    return good;
}

static void kill_one(uint64_t seed, const char *path, Totals *t) {
    Random r = {seed * 77};
    int fds[2], status;
    if (pipe(fds) < 0)
        g_error("pipe: %s", g_strerror(errno));
    g_unlink(path);
    pid_t pid = fork();
    if (pid < 0)
        g_error("fork: %s", g_strerror(errno));
    if (pid == 0) {
        close(fds[0]);
        child(seed, path, fds[1]);
    }
    close(fds[1]);
    g_usleep(random_below(&r, 1 + random_below(&r, MOMENT_US)));
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    WIFSIGNALED(status) ? t->kills++ : t->ended++;
    if (WIFEXITED(status) && WEXITSTATUS(status))
        g_error("seed %" PRIu64 ": the recorder failed", seed);
    Pos reported = last_report(fds[0]);
    close(fds[0]);
    check(seed, path, reported, t);
}

int main(int argc, char **argv) {
    unsigned kills = argc > 1 ? (unsigned)atoi(argv[1]) : 100;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    Totals t = {0};
    g_autofree char *dir = g_dir_make_tmp("rr-kill-XXXXXX", NULL),
                    *path = g_build_filename(dir, "r.rrec", NULL);
    while (t.kills < kills && t.ended < 20 * kills)
        kill_one(seed++, path, &t);
    g_unlink(path);
    g_rmdir(dir);
    printf("%u kills, %u of them before anything was reported; %u ended first; %u failed\n", t.kills,
           t.nothing, t.ended, t.failed);
    if (argc > 3) {
        g_autofree char *text = g_strdup_printf(
            "{\"suite\": \"kills of the recorder\", \"kills\": %u, \"failed\": %u}\n", t.kills, t.failed);
        report_write(argv[3], text);
    }
    return t.failed != 0;
}
