/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker hands over two things: what was found, in a file that has no name and that the leader opened, so that
 * nobody waits for a reader; and through a pipe its verdict, a byte and the text of an error. The pipe's end of
 * file is the worker's death, whatever the cause.
 */
#include "replay/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first byte of a verdict. */
enum { VERDICT_GOOD = 'g', VERDICT_DIVERGED = 'd', VERDICT_FAILED = 'f' };
enum { STATUS_LOST = 2 };

/* Segments begun and not collected, a file each: behind a slow one the others wait. */
#define UNCOLLECTED_MAX 256u

typedef struct Worker {
    Segment segment;
    pid_t pid; /* 0: not running (any more) */
    int found, verdict_fd;
    GString *verdict;
    int status; /* waitpid's; -1: not known */
} Worker;

typedef struct Leader {
    Replay *replay;
    const SegmentOps *ops;
    void *opaque;
    Worker *workers; /* by segment */
    unsigned n, started, collected, running, most;
    GError *error; /* the first, by segment */
} Leader;

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(GError **error, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error_literal(error, REPLAY_ERROR, REPLAY_ERROR_WORKER, text);
    return false;
}

/* -- the worker ------------------------------------------------------------------------------------------ */

static bool write_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t n = write(fd, data, size);
        if (n <= 0 && errno != EINTR)
            return false;
        data += MAX(n, 0);
        size -= (size_t)MAX(n, 0);
    }
    return true;
}

static bool work(const Leader *l, const Worker *w, GError **error) {
    FILE *out = fdopen(w->found, "w");
    if (!out)
        return fail(error, "cannot write what was found: %s", g_strerror(errno));
    bool good = l->ops->work(l->opaque, &w->segment, out, error);
    bool kept = !ferror(out);
    errno = 0; /* what failed before is over: its reason is not known any more */
    if (fclose(out) == 0 && kept)
        return good;
    g_clear_error(error);
    return fail(error, "what the segment from pos %" PRIu64 " found cannot be kept in %s: %s",
                w->segment.from, g_get_tmp_dir(), errno ? g_strerror(errno) : "a write failed");
}

static void worker_main(const Leader *l, const Worker *w, int verdict, pid_t leader) G_GNUC_NORETURN;
static void worker_main(const Leader *l, const Worker *w, int verdict, pid_t leader) {
    GError *error = NULL;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != leader)
        _Exit(STATUS_LOST);
    replay_forked(l->replay);
    bool good = work(l, w, &error);
    bool diverged = g_error_matches(error, REPLAY_ERROR, REPLAY_ERROR_DIVERGED);
    const char kind = good ? VERDICT_GOOD : diverged ? VERDICT_DIVERGED : VERDICT_FAILED;
    const char *text = error ? error->message : "";
    fflush(NULL); /* what an observer printed by itself */
    _Exit(write_all(verdict, &kind, 1) && write_all(verdict, text, strlen(text)) ? 0 : STATUS_LOST);
}

/* -- the leader ------------------------------------------------------------------------------------------ */

static int open_nameless(GError **error) {
    g_autofree char *name = NULL;
    int fd = g_file_open_tmp("rr-emu-XXXXXX", &name, error);
    if (fd >= 0)
        unlink(name);
    return fd;
}

static bool start(Leader *l, Worker *w, GError **error) {
    int ends[2];
    pid_t leader = getpid();
    if ((w->found = open_nameless(error)) < 0)
        return false;
    if (pipe2(ends, O_CLOEXEC))
        return fail(error, "cannot make a pipe to a worker: %s", g_strerror(errno));
    fflush(NULL); /* or the worker would print it once more */
    l->ops->pause(l->opaque, true);
    w->pid = fork();
    if (!w->pid)
        worker_main(l, w, ends[1], leader);
    int why = errno;
    l->ops->pause(l->opaque, false);
    close(ends[1]);
    w->verdict_fd = ends[0];
    w->verdict = g_string_new(NULL);
    if (w->pid < 0) {
        w->pid = 0;
        return fail(error, "cannot start a worker: %s", g_strerror(why));
    }
    l->started++;
    l->running++;
    return true;
}

static void reap(Leader *l, Worker *w) {
    pid_t pid;
    while ((pid = waitpid(w->pid, &w->status, 0)) < 0 && errno == EINTR)
        ;
    if (pid < 0)
        w->status = -1;
    w->pid = 0;
    l->running--;
    close(w->verdict_fd);
    w->verdict_fd = -1;
}

/* Something came from the worker; at the end of it, it is gone. */
static void hear(Leader *l, Worker *w) {
    char text[4096];
    ssize_t n = read(w->verdict_fd, text, sizeof text);
    if (n > 0)
        g_string_append_len(w->verdict, text, n);
    else if (n == 0 || errno != EINTR)
        reap(l, w);
}

/* Hear those who have something to say; wait: until one has. */
static void listen_all(Leader *l, bool wait) {
    g_autofree struct pollfd *fds = g_new0(struct pollfd, l->running);
    g_autofree Worker **who = g_new0(Worker *, l->running);
    nfds_t n = 0;
    for (unsigned i = l->collected; i < l->started; i++)
        if (l->workers[i].pid) {
            fds[n] = (struct pollfd){.fd = l->workers[i].verdict_fd, .events = POLLIN};
            who[n++] = &l->workers[i];
        }
    if (poll(fds, n, wait ? -1 : 0) <= 0)
        return;
    for (nfds_t i = 0; i < n; i++)
        if (fds[i].revents)
            hear(l, who[i]);
}

static void lost(const Worker *w, GError **error) {
    g_autoptr(GString) how = g_string_new(NULL);
    if (w->status != -1 && WIFSIGNALED(w->status))
        g_string_printf(how, "was killed by signal %d (%s)", WTERMSIG(w->status),
                        g_strsignal(WTERMSIG(w->status)));
    else
        g_string_printf(how, "ended with status %d", w->status == -1 ? -1 : WEXITSTATUS(w->status));
    fail(error,
         "the worker of the segment from pos %" PRIu64 " to pos %" PRIu64 " %s: nothing of it is known",
         w->segment.from, w->segment.to, how->str);
}

static bool collect_one(Leader *l, Worker *w, GError **error) {
    if (!w->verdict->len)
        return lost(w, error), false;
    lseek(w->found, 0, SEEK_SET);
    FILE *in = fdopen(w->found, "r");
    if (!in)
        return fail(error, "cannot read what a worker found: %s", g_strerror(errno));
    w->found = -1;
    bool good = l->ops->collect(l->opaque, &w->segment, in, error);
    fclose(in);
    if (!good || *w->verdict->str == VERDICT_GOOD)
        return good;
    g_set_error_literal(error, REPLAY_ERROR,
                        *w->verdict->str == VERDICT_DIVERGED ? REPLAY_ERROR_DIVERGED : REPLAY_ERROR_WORKER,
                        w->verdict->str + 1);
    return false;
}

/* What is complete, up to the first that is not. */
static bool collect(Leader *l) {
    while (!l->error && l->collected < l->started && !l->workers[l->collected].pid)
        collect_one(l, &l->workers[l->collected++], &l->error);
    return !l->error;
}

static void worker_done(Leader *l, Worker *w) {
    if (w->pid) {
        kill(w->pid, SIGKILL);
        reap(l, w);
    }
    if (w->found >= 0)
        close(w->found);
    if (w->verdict_fd >= 0)
        close(w->verdict_fd);
    if (w->verdict)
        g_string_free(w->verdict, TRUE);
}

static Worker *plan(Pos from, Pos to, unsigned n) {
    Worker *workers = g_new0(Worker, n);
    for (unsigned i = 0; i < n; i++) {
        Segment *s = &workers[i].segment;
        workers[i].found = workers[i].verdict_fd = -1;
        *s = (Segment){.number = i, .is_last = i == n - 1, .from = from, .to = to};
        from = s->to = s->is_last ? to : from + (to - from) / (n - i);
    }
    return workers;
}

/* One segment: its worker, then itself. False: no further one. */
static bool lead(Leader *l, Worker *w, GError **error) {
    listen_all(l, false);
    while (collect(l) && (l->running == l->most || l->started - l->collected >= UNCOLLECTED_MAX))
        listen_all(l, true);
    return !l->error && start(l, w, error) && replay_run_to(l->replay, w->segment.to, error);
}

bool replay_run_segments(Replay *r, Pos to, unsigned n, unsigned workers, const SegmentOps *ops, void *opaque,
                         GError **error) {
    Pos from = machine_pos(replay_machine(r)), end = replay_end(r);
    Leader l = {.replay = r, .ops = ops, .opaque = opaque, .n = n, .most = workers};
    GError *own = NULL; /* the leader's, which comes after those of the workers before */
    g_assert(n && workers);
    l.workers = plan(from, MIN(to, end), n);
    for (unsigned i = 0; i < n && lead(&l, &l.workers[i], &own); i++)
        ;
    while (collect(&l) && l.running)
        listen_all(&l, true);
    for (unsigned i = 0; i < n; i++)
        worker_done(&l, &l.workers[i]);
    g_free(l.workers);
    /* Where a worker diverged the leader did too, and says it as a replay without workers would. */
    bool is_own = own && (!l.error || g_error_matches(l.error, REPLAY_ERROR, REPLAY_ERROR_DIVERGED));
    bool good = !own && !l.error;
    g_clear_error(is_own ? &l.error : &own);
    if (is_own)
        g_propagate_error(error, own);
    else if (l.error)
        g_propagate_error(error, l.error);
    return good;
}
