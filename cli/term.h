/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw mode of a terminal, restored at the end. */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>

typedef struct Term Term;
/* NULL when fd is no terminal (nothing to do). */
Term *term_new(int fd, bool signals);
void term_free(Term *t); /* restores; NULL is fine */

#endif
