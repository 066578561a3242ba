/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/term.h"

#include <glib.h>
#include <termios.h>
#include <unistd.h>

struct Term {
    int fd;
    struct termios saved;
};

Term *term_new(int fd, bool signals) {
    struct termios now;
    if (!isatty(fd) || tcgetattr(fd, &now))
        return NULL;
    Term *t = g_new0(Term, 1);
    t->fd = fd;
    t->saved = now;
    /* As QEMU's stdio: no echo, no line editing; output processing stays. */
    now.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    now.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | (signals ? 0 : ISIG));
    now.c_cflag = (now.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    tcsetattr(fd, TCSANOW, &now);
    return t;
}

void term_free(Term *t) {
    if (!t)
        return;
    tcsetattr(t->fd, TCSANOW, &t->saved);
    g_free(t);
}
