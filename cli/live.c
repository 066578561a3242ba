/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/term.h"

#define LIVE_OUT_SIZE 4096
#define LIVE_LINE_MAX 4096
#define PROMPT_NS 100000000u /* an unfinished line that stood for so long in guest time is one: a prompt */

typedef struct LiveOutput {
    uint8_t bytes[LIVE_OUT_SIZE];
    size_t n;
    GString *line; /* the console line so far, for --until and --fail */
    Nsec last;     /* when its last byte came */
    bool fresh;    /* it was not looked at since */
} LiveOutput;

typedef struct Live {
    Nd nd;
    const LiveConfig *config;
    Term *term;
    LiveOutput out[LIVE_MAX_PORTS];
    bool open[LIVE_MAX_PORTS]; /* the port's input can still deliver */
    bool closing[LIVE_MAX_PORTS];
    bool escape;      /* Ctrl-A was the last byte */
    uint64_t started; /* CLOCK_MONOTONIC ns */
    uint64_t next_poll;
    GRegex *until, *fail;
    uint32_t stop; /* NdStopReason to deliver, 0: none */
    bool stopped;
    bool hangup; /* SIGHUP is ours */
    int rng_fd;
    uint64_t seed; /* -seed: the generator's state */
    uint8_t payload[256];
} Live;

/* Signals arrive asynchronously: the one piece of process-wide state, because the kernel has no other place. */
static volatile sig_atomic_t live_signal;

static void on_signal(int number) {
    live_signal = number;
}

static uint64_t monotonic_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void live_config_init(LiveConfig *c) {
    memset(c, 0, sizeof *c);
    for (int i = 0; i < LIVE_MAX_PORTS; i++)
        c->ports[i].in_fd = c->ports[i].out_fd = -1;
    for (int i = 0; i < LIVE_MAX_DRIVES; i++)
        c->drive_fds[i] = -1;
}

void live_config_done(LiveConfig *c) {
    for (int i = 0; i < LIVE_MAX_DRIVES; i++)
        if (c->drive_fds[i] >= 0)
            close(c->drive_fds[i]);
    for (int i = 0; i < LIVE_MAX_PORTS; i++) {
        if (c->ports[i].in_fd > 2)
            close(c->ports[i].in_fd);
        if (c->ports[i].out_fd > 2 && c->ports[i].out_fd != c->ports[i].in_fd)
            close(c->ports[i].out_fd);
    }
    g_free(c->rng_path);
    g_free(c->until);
    g_free(c->fail);
}

/* -- output ------------------------------------------------------------------------------------------------- */

static void port_flush(Live *l, unsigned port) {
    LiveOutput *o = &l->out[port];
    size_t done = 0;
    int fd = l->config->ports[port].out_fd;
    while (fd >= 0 && done < o->n) {
        ssize_t w = write(fd, o->bytes + done, o->n - done);
        if (w > 0)
            done += (size_t)w;
        else if (w < 0 && errno == EAGAIN && !live_signal)
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        else if (w < 0 && (errno != EINTR || live_signal))
            break; /* the reader is gone, or stands still and we are to end; the guest must not notice */
    }
    o->n = 0;
}

void live_flush(Nd *nd) {
    for (unsigned i = 0; i < LIVE_MAX_PORTS; i++)
        port_flush((Live *)nd, i);
}

static void line_match(Live *l, GString *line) {
    if (!g_utf8_validate(line->str, (gssize)line->len, NULL)) {
        g_autofree char *valid = g_utf8_make_valid(line->str, (gssize)line->len);
        g_string_assign(line, valid);
    }
    if (l->fail && g_regex_match(l->fail, line->str, 0, NULL) && !l->stop)
        l->stop = ND_STOP_FAIL;
    if (l->until && g_regex_match(l->until, line->str, 0, NULL) && !l->stop)
        l->stop = ND_STOP_UNTIL;
}

static void prompts_match(Live *l, Nsec now) {
    for (unsigned i = 0; (l->until || l->fail) && i < LIVE_MAX_PORTS; i++) {
        LiveOutput *o = &l->out[i];
        if (!o->fresh || now - o->last < PROMPT_NS)
            continue;
        o->fresh = false;
        line_match(l, o->line);
    }
}

static void live_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                        uint32_t size) {
    Live *l = (Live *)nd;
    if (kind != ND_CONSOLE || source >= LIVE_MAX_PORTS)
        return;
    LiveOutput *o = &l->out[source];
    for (uint32_t i = 0; i < size; i++) {
        o->bytes[o->n++] = data[i];
        if (o->n == LIVE_OUT_SIZE)
            port_flush(l, source);
        if (!l->until && !l->fail)
            continue;
        o->last = now;
        o->fresh = data[i] != '\n' && o->line->len < LIVE_LINE_MAX;
        if (!o->fresh) {
            line_match(l, o->line);
            g_string_truncate(o->line, 0);
        } else if (data[i] != '\r') {
            g_string_append_c(o->line, (char)data[i]);
        }
    }
}

/* -- input -------------------------------------------------------------------------------------------------- */

static void escape_help(void) {
    static const char text[] = "\r\n"
                               "rr-emu: Ctrl-A h  this help\r\n"
                               "rr-emu: Ctrl-A x  end the run\r\n"
                               "rr-emu: Ctrl-A Ctrl-A  send Ctrl-A to the guest\r\n"
                               "rr-emu: there is no monitor: record, replay and ask the database\r\n";
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
}

/*
 * Ctrl-A as in QEMU: x quits, Ctrl-A again is itself; what else follows is dropped with it and gets the help, because
 * it was meant for something. Returns bytes kept.
 */
static size_t take_escapes(Live *l, uint8_t *bytes, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!l->escape) {
            if (bytes[i] == 1)
                l->escape = true;
            else
                bytes[kept++] = bytes[i];
            continue;
        }
        l->escape = false;
        if (bytes[i] == 'x')
            l->stop = ND_STOP_QUIT;
        else if (bytes[i] == 1)
            bytes[kept++] = 1;
        else
            escape_help();
    }
    return kept;
}

static bool port_read(Live *l, unsigned port, NdEvent *ev) {
    const LivePort *p = &l->config->ports[port];
    if (poll(&(struct pollfd){.fd = p->in_fd, .events = POLLIN}, 1, 0) <= 0)
        return false;
    ssize_t n = read(p->in_fd, l->payload, sizeof l->payload);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        l->open[port] = false;
        *ev = (NdEvent){.kind = ND_CLOSE, .source = port};
        return true;
    }
    size_t kept = p->mux && l->term ? take_escapes(l, l->payload, (size_t)n) : (size_t)n;
    *ev = (NdEvent){.kind = ND_CONSOLE, .source = port, .payload = l->payload, .size = (uint32_t)kept};
    return kept > 0;
}

static bool stop_event(Live *l, NdEvent *ev) {
    if (live_signal)
        l->stop = live_signal == SIGINT ? ND_STOP_SIGINT : ND_STOP_SIGTERM;
    if (!l->stop && l->config->timeout > 0 && monotonic_ns() - l->started >= l->config->timeout * 1e9)
        l->stop = ND_STOP_TIMEOUT;
    if (!l->stop || l->stopped)
        return false;
    l->stopped = true;
    memcpy(l->payload, (uint8_t[]){(uint8_t)l->stop, 0, 0, 0}, 4);
    *ev = (NdEvent){.kind = ND_STOP, .payload = l->payload, .size = 4};
    return true;
}

static bool any_event(Live *l, NdEvent *ev) {
    if (stop_event(l, ev))
        return true;
    for (unsigned i = 0; i < LIVE_MAX_PORTS; i++)
        if (l->open[i] && port_read(l, i, ev))
            return true;
    return stop_event(l, ev);
}

static bool live_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    Live *l = (Live *)nd;
    /* The run loop stops often where timers are short; the host is asked a thousand times a second. */
    uint64_t clock = monotonic_ns();
    if (clock < l->next_poll && !l->stop)
        return false;
    prompts_match(l, now);
    if (!any_event(l, ev)) {
        l->next_poll = clock + 1000000;
        live_flush(nd);
        return false;
    }
    ev->pos = pos;
    ev->time = now;
    return true;
}

static bool wants_wait(const Live *l) {
    if (l->config->idle_skip)
        return false;
    for (unsigned i = 0; i < LIVE_MAX_PORTS; i++)
        if (l->open[i])
            return true;
    return l->config->idle_wait;
}

static bool live_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    Live *l = (Live *)nd;
    uint64_t began = monotonic_ns();
    bool wait = wants_wait(l);
    if (!wait && began < l->next_poll && !l->stop && deadline != NSEC_NEVER)
        return false;
    live_flush(nd);
    for (;;) {
        uint64_t elapsed = monotonic_ns() - began;
        prompts_match(l, wait ? now + elapsed : deadline);
        if (any_event(l, ev)) {
            ev->pos = pos;
            ev->time = now + (wait ? elapsed : 0);
            if (ev->time > deadline)
                ev->time = deadline;
            return true;
        }
        wait = wants_wait(l);
        if (!wait || (deadline != NSEC_NEVER && elapsed >= deadline - now))
            break;
        struct pollfd fds[LIVE_MAX_PORTS];
        nfds_t n = 0;
        for (unsigned i = 0; i < LIVE_MAX_PORTS; i++)
            if (l->open[i])
                fds[n++] = (struct pollfd){.fd = l->config->ports[i].in_fd, .events = POLLIN};
        /* At most 100 ms, so that --timeout and signals that arrive just before the call are seen. */
        uint64_t left = deadline == NSEC_NEVER ? 100000000 : MIN(deadline - now - elapsed, 100000000);
        struct timespec limit = {.tv_sec = 0, .tv_nsec = (long)MIN(left, 999999999)};
        ppoll(fds, n, &limit, NULL);
    }
    l->next_poll = monotonic_ns() + 1000000;
    return false;
}

/* -- synchronous requests ----------------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t seeded_next(Live *l) {
    uint64_t z = l->seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool fetch_entropy(Live *l, uint8_t *to, uint32_t size, int *err) {
    for (uint32_t i = 0; l->config->seeded && i < size; i += 8)
        for (uint64_t word = seeded_next(l), k = 0; k < 8 && i + k < size; k++)
            to[i + k] = (uint8_t)(word >> (8 * k));
    if (l->config->seeded)
        return true;
    for (uint32_t done = 0; done < size;) {
        ssize_t n =
            l->rng_fd >= 0 ? read(l->rng_fd, to + done, size - done) : getrandom(to + done, size - done, 0);
        if (n == 0 || (n < 0 && errno != EINTR))
            return *err = n ? errno : EIO, false;
        done += n > 0 ? (uint32_t)n : 0;
    }
    return true;
}

static bool fetch_block(Live *l, uint32_t drive, uint64_t block, uint8_t *to, uint32_t size, int *err) {
    int fd = drive < LIVE_MAX_DRIVES ? l->config->drive_fds[drive] : -1;
    if (fd < 0)
        return *err = ENXIO, false;
    for (uint32_t done = 0; done < size;) {
        ssize_t n = pread(fd, to + done, size - done, (off_t)(block * 4096 + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return *err = errno, false;
        if (n == 0) { /* the last block of an image whose size is no multiple of 4096 */
            memset(to + done, 0, size - done);
            break;
        }
        done += (uint32_t)n;
    }
    return true;
}

static bool fetch_clock(Live *l, uint8_t *to, uint32_t size, int *err) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    uint64_t ns =
        l->config->rtc_fixed ? l->config->rtc_ns : (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    for (uint32_t i = 0; i < size; i++)
        to[i] = i < 8 ? (uint8_t)(ns >> (8 * i)) : 0;
    return true;
}

static bool live_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                       uint32_t size, int *err) {
    Live *l = (Live *)nd;
    switch (kind) {
    case ND_ENTROPY: return fetch_entropy(l, to, size, err);
    case ND_CLOCK: return fetch_clock(l, to, size, err);
    case ND_BLOCK: return fetch_block(l, source, arg, to, size, err);
    default: return *err = ENOSYS, false;
    }
}

static Pos live_next_pos(Nd *nd) {
    return POS_NONE;
}
static bool live_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    return true;
}
static Pos live_next_checkpoint(Nd *nd, Pos pos) {
    return POS_NONE;
}

static const NdOps live_ops = {
    .next_pos = live_next_pos,
    .poll = live_poll,
    .idle = live_idle,
    .fetch = live_fetch,
    .output = live_output,
    .checkpoint = live_checkpoint,
    .next_checkpoint = live_next_checkpoint,
};

static bool compile_regex(const char *option, const char *text, GRegex **ret, GError **error) {
    if (!text)
        return true;
    GError *why = NULL;
    *ret = g_regex_new(text, G_REGEX_OPTIMIZE, 0, &why);
    if (*ret)
        return true;
    g_set_error(error, CLI_ERROR, 0, "%s: not a regular expression: %s", option, why->message);
    g_error_free(why);
    return false;
}

static void install_signals(Live *l) {
    struct sigaction action = {.sa_handler = on_signal};
    live_signal = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    /* The terminal is gone, or the connection to it: what was recorded is kept. nohup's wish is respected. */
    struct sigaction hangup;
    l->hangup = !sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler != SIG_IGN;
    if (l->hangup)
        sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void live_free(Nd *nd) {
    Live *l = (Live *)nd;
    live_flush(nd);
    term_free(l->term);
    for (unsigned i = 0; i < LIVE_MAX_PORTS; i++)
        g_string_free(l->out[i].line, TRUE);
    g_clear_pointer(&l->until, g_regex_unref);
    g_clear_pointer(&l->fail, g_regex_unref);
    if (l->rng_fd >= 0)
        close(l->rng_fd);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (l->hangup)
        signal(SIGHUP, SIG_DFL);
    g_free(l);
}

bool live_new(const LiveConfig *config, Nd **ret, GError **error) {
    Live *l = g_new0(Live, 1);
    l->nd.ops = &live_ops;
    l->config = config;
    l->rng_fd = -1;
    l->seed = config->seed;
    l->started = monotonic_ns();
    for (unsigned i = 0; i < LIVE_MAX_PORTS; i++) {
        l->out[i].line = g_string_new(NULL);
        l->open[i] = config->ports[i].in_fd >= 0;
    }
    bool ok = compile_regex("--until", config->until, &l->until, error) &&
              compile_regex("--fail", config->fail, &l->fail, error);
    if (ok && config->rng_path && (l->rng_fd = open(config->rng_path, O_RDONLY | O_CLOEXEC)) < 0) {
        g_set_error(error, CLI_ERROR, 0, "-object rng-random: %s: %s", config->rng_path, g_strerror(errno));
        ok = false;
    }
    if (!ok) {
        live_free(&l->nd);
        return false;
    }
    for (unsigned i = 0; i < LIVE_MAX_PORTS && !l->term; i++)
        if (config->ports[i].in_fd >= 0)
            l->term = term_new(config->ports[i].in_fd, config->ports[i].signals);
    install_signals(l);
    *ret = &l->nd;
    return true;
}
