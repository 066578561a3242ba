/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to a database whose answers are used, not printed. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <stdio.h>

#include "analyses/store/query.h"

typedef void AskFn(void *opaque, const QueryValue *values);
/* `fn` for each row. */
bool ask_rows(sqlite3 *db, const char *sql, AskFn *fn, void *opaque, GError **error);
/* Is there a table or view of this name? */
bool ask_has(sqlite3 *db, const char *table);
/* The first column of the first row; `fallback` if there is none, or on failure. */
int64_t ask_integer(sqlite3 *db, const char *sql, int64_t fallback);
char *ask_text(sqlite3 *db, const char *sql); /* NULL likewise; caller frees */

/* Quoted, as JSON has it, and safe inside a <script>. */
void put_json_string(FILE *to, const char *text);

/* -- guest time of any pos, exact wherever some table knows it ---------------------------------------------- */
typedef struct Clock Clock;
Clock *clock_new(sqlite3 *db, GError **error);
void clock_free(Clock *c);
int64_t clock_ns(const Clock *c, int64_t pos);

#endif
