/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init of a Linux guest that makes system calls and tells what each gave: "did NAME RESULT", RESULT being what came back
 * or -errno. tests/cli/syscalls.sh compares, and knows what the arguments look like in words.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char said[8192]; /* printed at the end: printing makes calls */

#define DO(name, ...)                                                                                        \
    ({                                                                                                       \
        long r_ = syscall(SYS_##name, ##__VA_ARGS__);                                                        \
        r_ = r_ == -1 ? -errno : r_;                                                                         \
        sprintf(said + strlen(said), "did " #name " %ld\n", r_);                                             \
        r_;                                                                                                  \
    })

static volatile int pipe_end;

static void handler(int signal) {
    if (signal == SIGUSR1)
        syscall(SYS_write, pipe_end, "!", 1); /* what the interrupted read waits for */
}

static void on(int signal, int flags) {
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
    sigaction(signal, &a, NULL);
}

static void alarm_in_ms(long ms) {
    struct itimerval t = {{0, 0}, {0, ms * 1000}};
    setitimer(ITIMER_REAL, &t, NULL);
}

static void files(void) {
    char buffer[64] = "";
    long fd = DO(openat, AT_FDCWD, "/hello \"there\"\n", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    DO(write, fd, "a\tb\\\001\377", 6);
    DO(lseek, fd, 2, SEEK_SET);
    DO(read, fd, buffer, sizeof buffer);
    DO(read, fd, buffer, sizeof buffer);
    DO(fchmod, fd, 0);
    DO(close, fd);
    DO(close, fd);
    DO(openat, AT_FDCWD, "/no/such/file", O_RDONLY | O_DIRECTORY, 0);
    DO(openat, 99, "x", O_WRONLY | O_APPEND | O_NONBLOCK, 0);
    DO(unlinkat, AT_FDCWD, NULL, 0);
    DO(mkdirat, AT_FDCWD, "/d", 0755);
    DO(chdir, "/d");
    DO(getcwd, buffer, sizeof buffer);
    DO(symlinkat, "to", AT_FDCWD, "link");
    DO(readlinkat, AT_FDCWD, "link", buffer, sizeof buffer);
}

static void memory(void) {
    long at = DO(mmap, NULL, 8192l, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    DO(mprotect, at, 4096, PROT_NONE);
    DO(write, 1, at, 3); /* EFAULT */
    strcpy((char *)at + 4096, "lazy");
    DO(munmap, at, 8192);
    DO(munmap, 1, 10);
}

/* Interrupted by a handler: once for good, once begun again. */
static void interrupts(void) {
    struct timespec long_time = {7, 5};
    int ends[2];
    char byte;
    on(SIGALRM, 0);
    alarm_in_ms(5);
    DO(nanosleep, &long_time, NULL);
    DO(pipe2, ends, O_CLOEXEC);
    on(SIGUSR1, SA_RESTART);
    pipe_end = ends[1];
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        struct timespec ms = {0, 20000000};
        nanosleep(&ms, NULL);
        kill(parent, SIGUSR1);
        _exit(0);
    }
    DO(read, ends[0], &byte, 1);
    DO(tgkill, getpid(), getpid(), SIGUSR1);
    waitpid(child, NULL, 0);
}

/* In pages that nothing else brings into memory, but the kernel when it looks. */
static const char unseen_path[65536] __attribute__((aligned(65536))) = "/init";
static const char unseen_word[65536] __attribute__((aligned(65536))) = "again";

static void programs(char *self) {
    char *args[] = {self, "again", NULL};
    int status;
    pid_t child = fork();
    if (child == 0) {
        syscall(SYS_execve, "/nothing", args, NULL);
        syscall(SYS_execve, self, args, NULL);
        _exit(1);
    }
    DO(wait4, child, &status, 0, NULL);
    child = fork();
    if (child == 0) {
        char *unseen[] = {(char *)unseen_path, (char *)unseen_word, NULL};
        syscall(SYS_execve, unseen_path, unseen, NULL);
        _exit(1);
    }
    DO(wait4, child, &status, 0, NULL);
    DO(wait4, -1, &status, WNOHANG, NULL);
}

int main(int argc, char **argv) {
    if (argc > 1 && !strcmp(argv[1], "again")) {
        syscall(SYS_write, 1, "again\n", 6);
        syscall(SYS_exit_group, 7);
    }
    DO(getpgid, 12345); /* marks the beginning */
    files();
    memory();
    interrupts();
    programs(argv[0]);
    DO(clock_gettime, CLOCK_MONOTONIC, NULL);
    DO(futex, NULL, 129, 1, NULL, NULL, 0);
    syscall(1000, 1, 2, 3, 0, 0, 0);
    DO(getpgid, 12345);
    fputs(said, stdout);
    fflush(stdout);
    reboot(RB_POWER_OFF);
    return 1;
}
