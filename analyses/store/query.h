/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running SQL for those who print it: values without sqlite3's types. */
#ifndef ANALYSES_STORE_QUERY_H
#define ANALYSES_STORE_QUERY_H

#include <glib.h>
#include <stdbool.h>

#include "analyses/store/store.h"

typedef enum { QUERY_NULL, QUERY_INTEGER, QUERY_REAL, QUERY_TEXT, QUERY_BLOB } QueryType;

typedef struct QueryValue {
    QueryType type;
    int64_t integer;
    double real;
    const char *text;     /* QUERY_TEXT: NUL-terminated UTF-8, valid during the callback; else NULL */
    const uint8_t *bytes; /* QUERY_BLOB, likewise */
    size_t size;          /* of either */
} QueryValue;

typedef struct QueryOps {
    /* A statement that gives rows begins; names are valid during the callback. */
    void (*begin)(void *opaque, int n, const char *const *names);
    void (*row)(void *opaque, int n, const QueryValue *values);
    void (*end)(void *opaque);
} QueryOps;

/* Run every statement of `sql`. Stops at the first failure; the error is SQLite's message. */
bool store_query(sqlite3 *db, const char *sql, const QueryOps *ops, void *opaque, GError **error);
/* A connection for asking: read-only unless `write`; NULL path: in memory. Functions and tables are
 * registered. False also when the file is locked or no database. */
bool store_open_query(const char *path, bool write, sqlite3 **ret, GError **error);
/* ATTACH path AS name. */
bool store_attach(sqlite3 *db, const char *path, const char *name, GError **error);
void store_close_query(sqlite3 *db);
/* The name in "no such table: NAME", or NULL. Caller frees. */
char *store_missing_table(const GError *error);

#endif
