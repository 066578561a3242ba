/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The chunks of a table of calls (NAME_chunk, call_chunk.h) and the functions they name (NAME_symbol), read as they are asked
 * for. A window is what all chunks have between two ids: windows do not overlap, and its rows are in order of id, and so of
 * call_pos.
 */
#ifndef ANALYSES_STORE_CALL_TABLE_H
#define ANALYSES_STORE_CALL_TABLE_H

#include "analyses/store/call_chunk.h"
#include "analyses/store/sqlite.h"

typedef struct CallTable CallTable;
typedef struct CallWindow CallWindow;

typedef struct CallRange {
    int64_t first_id, last_id, first_pos, last_pos; /* of the rows that are there */
} CallRange;

typedef struct CallSymbol {
    uint64_t pc;
    char *name; /* NULL: none */
} CallSymbol;

/* NULL: there are no such tables. */
CallTable *call_table_new(sqlite3 *db, const char *schema, const char *name);
void call_table_free(CallTable *t);
int64_t call_table_rows(CallTable *t);
/* Forget what somebody has changed since. False: the database failed. */
bool call_table_refresh(CallTable *t, GError **error);

guint call_table_count(const CallTable *t);
const CallRange *call_table_range(const CallTable *t, guint i);
/* How many windows begin at or before the id. */
guint call_table_upto(const CallTable *t, int64_t id);
/* How many functions there are; a number of at least that is damage. */
guint call_table_symbols(const CallTable *t);
const CallSymbol *call_table_symbol(const CallTable *t, guint i);

/* Windows other than the one that holds an id which have calls made by it: their numbers are appended, in order. */
bool call_table_called_by(CallTable *t, int64_t id, GArray *windows, GError **error);

/* The i-th window, to be given back; NULL: damage. */
CallWindow *call_table_window(CallTable *t, guint i, GError **error);
void call_window_unref(CallWindow *w);
uint32_t call_window_rows(const CallWindow *w);
/* Unpack a column, unless it is there. */
bool call_window_need(CallWindow *w, CallColumn column, GError **error);
/* After that. */
uint64_t call_window_value(const CallWindow *w, CallColumn column, uint32_t row);
/* The first row whose ID or POS is at least that; ids are always there. */
uint32_t call_window_seek(const CallWindow *w, CallColumn column, int64_t value);
/* The rows of the calls that `parent` made, in order: n of them. NULL: damage. */
const uint32_t *call_window_by_parent(CallWindow *w, int64_t parent, uint32_t *n, GError **error);

#endif
