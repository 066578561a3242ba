/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source lines and execution counts of addresses, read once. A program's (--sysroot) are kept apart, under its module's id,
 * at addresses as linked; all others under 0, at the addresses where they ran. Addresses are ordered as unsigned numbers.
 */
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
} Count;

typedef struct ByProgram ByProgram;

/* Of Line; nothing when no module has line numbers. */
ByProgram *lines_read(sqlite3 *db, GError **error);
/* The line of an address, or NULL. */
const Line *lines_find(const ByProgram *lines, int64_t program, uint64_t addr);
/* Of Count: the table cover. */
ByProgram *counts_read(sqlite3 *db, GError **error);

void by_program_free(ByProgram *b);
guint by_program_count(const ByProgram *b);
/* The i-th one's rows, and whose they are; in order of ids. */
const GArray *by_program_rows(const ByProgram *b, guint i, int64_t *program);
/* NULL: it has none. */
const GArray *by_program_find(const ByProgram *b, int64_t program);

#endif
