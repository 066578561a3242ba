/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Source lines and execution counts of addresses, read once. Addresses are ordered as unsigned numbers. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "analyses/store/store.h"

typedef struct Line {
    uint64_t addr;    /* to before the next one's */
    const char *file; /* interned; NULL: no line */
    int64_t line;
} Line;

typedef struct Count {
    uint64_t pc, count;
    const char *module; /* interned; "" for none */
} Count;

/* GArray of Line; empty when no module has line numbers. */
GArray *lines_read(sqlite3 *db, GError **error);
/* The line of an address, or NULL. */
const Line *lines_find(const GArray *lines, uint64_t addr);
/* GArray of Count: the table cover, by pc. */
GArray *counts_read(sqlite3 *db, GError **error);

#endif
