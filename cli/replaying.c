/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/replaying.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/machine_args.h"

static Engine *engine_as_asked(Machine *m, void *opaque) {
    return tcg_engine_new(m, opaque);
}

static Engine *engine_other(Machine *m, void *opaque) {
    TcgOptions other = *(const TcgOptions *)opaque;
    other.backend = other.backend == BACKEND_INTERP ? BACKEND_AUTO : BACKEND_INTERP;
    return tcg_engine_new(m, &other);
}

bool replaying_options(const Args *args, TcgOptions *tcg, ReplayOptions *options, GError **error) {
    memset(tcg, 0, sizeof *tcg);
    memset(options, 0, sizeof *options);
    if (args->backend && !strcmp(args->backend, "interp"))
        tcg->backend = BACKEND_INTERP;
    else if (args->backend && !strcmp(args->backend, "x86_64"))
        tcg->backend = BACKEND_X86_64;
    else if (args->backend) {
        g_set_error(error, CLI_ERROR, 0, "--backend %s: expected x86_64 or interp", args->backend);
        return false;
    }
    if (args->dump && !machine_setup_dump(tcg, args->dump, error))
        return false;
    tcg->stats = args->stats;
    options->opaque = tcg;
    options->new_engine = engine_as_asked;
    options->new_other_engine = engine_other;
    options->perturb = args->perturb;
    options->perturb_seed = args->perturb_seed;
    return true;
}

static bool progress_wanted(const Args *args) {
    return !args->quiet && isatty(STDERR_FILENO);
}

static void progress_draw(void *opaque, Pos at, Pos end) {
    Progress *p = opaque;
    double seconds = (double)(g_get_monotonic_time() - p->began) / 1e6;
    if (seconds < 0.5 || !end)
        return;
    double rate = (double)(at - p->first) / seconds;
    double left = rate > 0 ? (double)(end - at) / rate : 0;
    g_autofree char *speed = human_count((uint64_t)rate);
    int cells = (int)(30 * (double)at / (double)end);
    fprintf(stderr, "\r[%.*s%*s] %3.0f%% %s steps/s, %.0f s left \033[K", cells,
            "##############################", 30 - cells, "", 100.0 * (double)at / (double)end, speed, left);
}

void replaying_show_progress(const Args *args, Progress *p, Replay *replay) {
    if (!progress_wanted(args))
        return;
    p->began = g_get_monotonic_time();
    p->first = machine_pos(replay_machine(replay));
    replay_set_progress(replay, progress_draw, p);
}

void replaying_clear_progress(const Args *args) {
    if (progress_wanted(args))
        fputs("\r\033[K", stderr);
}
