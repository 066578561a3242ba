/* SPDX-License-Identifier: GPL-2.0-or-later */
/* console: what the guest printed and what was typed, a row a line. */
#include "analyses/run.h"
#include "analyses/store/lines.h"

typedef struct Console {
    Lines *lines;
    GError *error;
} Console;

static void on_console(void *opaque, Pos pos, uint32_t port, bool to_guest, const uint8_t *data,
                       uint32_t size) {
    Console *c = ((AnalysisRun *)opaque)->state;
    if (!c->error)
        lines_add(c->lines, pos, port, to_guest, data, size, &c->error);
}

static const HookOps console_hooks = {.console = on_console};

static bool console_begin(AnalysisRun *run, GError **error) {
    Console *c = run->state;
    if (!store_exec_section(run->store, "console", run->name, error) ||
        !lines_new(run->store, run->name, &c->lines, error))
        return false;
    analysis_run_subscribe(run, &console_hooks);
    return true;
}

static bool console_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Console *c = run->state;
    if (c->error)
        g_propagate_error(error, g_steal_pointer(&c->error));
    else if (lines_end(c->lines, error)) {
        *rows = lines_rows(c->lines);
        return true;
    }
    return false;
}

static void console_free(AnalysisRun *run) {
    Console *c = run->state;
    lines_free(c->lines);
    g_clear_error(&c->error);
}

const AnalysisClass console_class = {
    .info = {"console", "what the guest printed and what was typed, a row a line", "console"},
    .state_size = sizeof(Console),
    .begin = console_begin,
    .end = console_end,
    .free = console_free,
};
