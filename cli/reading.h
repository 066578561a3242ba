/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening what the user names, a recording or a database, for questions. */
#ifndef CLI_READING_H
#define CLI_READING_H

#include "analyses/store/store.h"
#include "cli/args.h"
#include "cli/window_replay.h"

typedef struct Reading {
    sqlite3 *db;
    Store *store; /* a database in memory, of what the recording itself tells; NULL: `db` is a file's */
    WindowReplay *windows;
} Reading;

bool reading_is_database(const char *path);
/* With all functions and tables. `args` must outlive it. */
bool reading_open(const Args *args, const char *path, bool write, Reading *ret, GError **error);
void reading_close(Reading *r); /* also of one that could not be opened */
/* The name of a recording's database file, made if there is none. Caller frees. */
char *reading_file(const Args *args, const char *path, GError **error);
/* Add to "no such table: trap", said of `path`, what makes it. */
void reading_explain(const char *path, GError **error);

#endif
