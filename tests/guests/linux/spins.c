/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init of a Linux guest that works, in two functions below main, until a byte is typed; and says it. tests/cli/diff-linux.sh
 * types different bytes in two recordings.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <termios.h>
#include <unistd.h>

static volatile unsigned sum;

__attribute__((noinline)) void work(unsigned n) {
    for (unsigned i = 0; i < n; i++)
        sum += i * i;
}

__attribute__((noinline)) char wait_for_byte(unsigned n) {
    char byte = 0;
    while (read(0, &byte, 1) != 1)
        work(n);
    return byte;
}

int main(void) {
    struct termios t;
    tcgetattr(0, &t);
    t.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    tcsetattr(0, TCSANOW, &t);
    fcntl(0, F_SETFL, O_NONBLOCK);
    puts("waiting");
    char byte = wait_for_byte(5000000);
    printf("typed %c\n", byte);
    fflush(stdout);
    reboot(RB_POWER_OFF);
    return 1;
}
