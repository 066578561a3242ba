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
/* A word that is meant as a file, although there is none: by how it ends, or because it can hardly be SQL and comes `first`. */
bool reading_names_file(const char *word, bool first);
/* With all functions and tables. `args` must outlive it. */
bool reading_open(const Args *args, const char *path, bool write, Reading *ret, GError **error);
/* A database that rr-emu made, of this version; other SQLite files can only be asked in SQL. */
bool reading_is_ours(const Reading *r, const char *path, GError **error);
void reading_close(Reading *r); /* also of one that could not be opened */
/* The name of a recording's database file, made if there is none. Caller frees. */
char *reading_file(const Args *args, const char *path, GError **error);
/* Add to "no such table: trap", said of `path`, what makes it, or which ones there are; `db` may be NULL. */
void reading_explain(sqlite3 *db, const char *path, GError **error);

#endif
