/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init of a Linux guest that tells who it is: each process and thread prints "task PID TID NAME CPU-NANOSECONDS" with
 * what the kernel says, right before it ends. tests/cli/tasks.sh compares.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void tell(void) {
    char name[16], line[96];
    struct timespec t;
    prctl(PR_GET_NAME, name);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    int n = snprintf(line, sizeof line, "task %d %ld %s %lld\n", getpid(), syscall(SYS_gettid), name,
                     t.tv_sec * 1000000000ll + t.tv_nsec);
    write(1, line, (size_t)n);
}

static void work(unsigned rounds) {
    volatile unsigned sum = 0;
    for (unsigned i = 0; i < rounds; i++)
        sum += i;
}

static void *thread_main(void *name) {
    prctl(PR_SET_NAME, name);
    work(300000);
    tell();
    return NULL;
}

static void child(unsigned i) {
    char name[16];
    pthread_t thread[2];
    snprintf(name, sizeof name, "child-%u", i);
    prctl(PR_SET_NAME, name);
    work(200000 * i);
    if (i == 2) {
        pthread_create(&thread[0], NULL, thread_main, "first");
        pthread_create(&thread[1], NULL, thread_main, "second");
        pthread_join(thread[0], NULL);
        pthread_join(thread[1], NULL);
    }
    tell();
    _exit(0);
}

/* "idle SECONDS": of all harts. */
static void sleep_a_while(void) {
    struct timespec ms700 = {0, 700000000};
    double up, idle;
    nanosleep(&ms700, NULL);
    FILE *f = fopen("/proc/uptime", "r");
    if (f && fscanf(f, "%lf %lf", &up, &idle) == 2)
        printf("idle %.2f\n", idle);
    fflush(stdout);
}

int main(void) {
    mkdir("/proc", 0755);
    mount("proc", "/proc", "proc", 0, NULL);
    for (unsigned i = 1; i <= 4; i++)
        if (fork() == 0)
            child(i);
    while (wait(NULL) > 0)
        ;
    for (unsigned i = 5; i <= 8; i++) { /* after the others: their structures are used again */
        if (fork() == 0)
            child(i);
        wait(NULL);
    }
    sleep_a_while();
    tell();
    reboot(RB_POWER_OFF);
    return 1;
}
