/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init of a Linux guest whose processes, forks of one program, count their own calls: "calls PID FUNCTION COUNT".
 * Among them signal handlers, longjmp and a second thread. tests/cli/calls.sh compares.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline, noclone))

static unsigned long n_work, n_alarm, n_deep;
static volatile unsigned long sink;
static jmp_buf landing;

NOINLINE unsigned long work(unsigned long x) {
    __atomic_add_fetch(&n_work, 1, __ATOMIC_RELAXED);
    sink = x;
    return x * 3;
}

NOINLINE void on_alarm(int signal) {
    n_alarm++;
    work((unsigned long)signal);
}

#pragma GCC diagnostic ignored "-Winfinite-recursion" /* it ends by longjmp() */
NOINLINE int deep(int depth) {
    n_deep++;
    if (depth == 0)
        longjmp(landing, 1);
    return deep(depth - 1) + (int)sink;
}

static void *thread_main(void *unused) {
    for (unsigned i = 0; i < 1000; i++)
        work(i);
    return NULL;
}

static void child(unsigned number) {
    struct itimerval every_ms = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    pthread_t thread;
    n_work = 0;
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &every_ms, NULL);
    pthread_create(&thread, NULL, thread_main, NULL);
    for (unsigned long i = 0; i < 1000 * number || n_alarm < 3; i++)
        work(i);
    for (volatile int i = 0; i < 5; i++)
        if (!setjmp(landing))
            deep(3);
    setitimer(ITIMER_REAL, &never, NULL);
    for (unsigned i = 0; i < 4; i++)
        open(i % 2 ? "/init" : "/nothing", O_RDONLY);
    pthread_join(thread, NULL);
    char line[200];
    int n = snprintf(line, sizeof line, "calls %d work %lu\ncalls %d on_alarm %lu\ncalls %d deep %lu\n", getpid(), n_work,
                     getpid(), n_alarm, getpid(), n_deep);
    write(1, line, (size_t)n);
    _exit(0);
}

int main(void) {
    for (unsigned i = 1; i <= 3; i++)
        if (fork() == 0)
            child(i);
    while (wait(NULL) > 0)
        ;
    reboot(RB_POWER_OFF);
    return 1;
}
