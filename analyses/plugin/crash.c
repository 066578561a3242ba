/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plugin that crashes is named. The process ends with status 2 at once: what was written to the database is
 * not committed, and SQLite rolls it back when the file is opened next.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "analyses/plugin/private.h"

static const int watched[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
static struct sigaction former[G_N_ELEMENTS(watched)];
static bool watching;
static char stack[64 << 10]; /* the plugin may have used up its own */

typedef struct Line {
    char text[512];
    size_t n;
} Line;

/* Only what may be called in a signal handler. */
static void add(Line *line, const char *text) {
    size_t n = strnlen(text, sizeof line->text - line->n);
    memcpy(line->text + line->n, text, n);
    line->n += n;
}

static void add_number(Line *line, uint64_t value) {
    char digits[21];
    size_t at = sizeof digits;
    digits[--at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    add(line, digits + at);
}

static const char *signal_name(int number) {
    switch (number) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    case SIGABRT: return "SIGABRT";
    default: return "SIGTRAP";
    }
}

static void on_signal(int number) {
    const PluginHost *host = plugin_host();
    const char *callback;
    const Plugin *p = host ? plugin_current(host, &callback) : NULL;
    if (!p) { /* our own fault */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    Line line = {.n = 0};
    add(&line, "rr-emu: plugin ");
    add(&line, p->base);
    add(&line, " crashed (");
    add(&line, signal_name(number));
    add(&line, ") in its callback ");
    add(&line, callback);
    add(&line, " at pos ");
    add_number(&line, machine_pos(host->machine));
    add(&line, "\n");
    if (write(STDERR_FILENO, line.text, line.n) >= 0)
        _exit(2);
    _exit(2);
}

void plugin_crash_watch(void) {
    if (watching)
        return;
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < G_N_ELEMENTS(watched); i++)
        sigaction(watched[i], &action, &former[i]);
    watching = true;
}

void plugin_crash_unwatch(void) {
    if (!watching)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(watched); i++)
        sigaction(watched[i], &former[i], NULL);
    watching = false;
}
