/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init of a Linux guest that runs other programs: two that are linked at the same address, one that is moved and uses a
 * library, a script. Each says "at NAME ADDRESS" of functions that it calls. tests/cli/programs.sh builds them all from
 * here: PROGRAM names the functions, LIBRARY is the library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

#ifdef LIBRARY
__attribute__((noinline)) unsigned library_work(unsigned n) {
    volatile unsigned sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += i * i;
    return sum;
}
#elif defined PROGRAM
#define WORK PASTE(work_of_, PROGRAM)
unsigned library_work(unsigned n);
volatile unsigned result;

__attribute__((noinline)) unsigned WORK(unsigned n) {
    volatile unsigned sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += i ^ (ROUNDS);
    return sum;
}

int main(int argc, char **argv) {
    printf("at work_of_" TEXT(PROGRAM) " %p\n", (void *)WORK);
    fflush(stdout);
    if (argc > 1 && fork() == 0) { /* the child has its parent's program */
        result = WORK(ROUNDS + 1);
        _exit(0);
    }
    result = WORK(ROUNDS);
#ifdef USES_LIBRARY
    printf("at library_work %p\n", (void *)library_work);
    fflush(stdout);
    result = library_work(ROUNDS);
#endif
    while (wait(NULL) > 0)
        ;
    return 0;
}
#else
static void run(const char *path, char *arg) {
    if (fork() == 0) {
        execl(path, path, arg, NULL);
        _exit(127);
    }
}

int main(void) {
    run("/bin/one", NULL);
    run("/bin/two", NULL);
    while (wait(NULL) > 0)
        ;
    run("/bin/one", "fork"); /* and in what was the others' memory */
    wait(NULL);
    run("/bin/moved", NULL);
    wait(NULL);
    run("/bin/script", NULL);
    wait(NULL);
    reboot(RB_POWER_OFF);
    return 1;
}
#endif
