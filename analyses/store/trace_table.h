/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a stored trace: the tables NAME_chunk, NAME_code and NAME_index of one schema of a connection. */
#ifndef ANALYSES_STORE_TRACE_TABLE_H
#define ANALYSES_STORE_TRACE_TABLE_H

#include "analyses/store/index.h"
#include "analyses/store/runs.h"
#include "analyses/store/sqlite.h"
#include "analyses/store/store.h"

typedef struct TraceTable TraceTable;

/* False without an error when the schema has no such trace. */
bool trace_table_new(sqlite3 *db, const char *schema, const char *name, TraceTable **ret, GError **error);
void trace_table_free(TraceTable *t);
/* Before a query: forget what was read if the database has been written since. */
void trace_table_refresh(TraceTable *t);
const char *trace_table_name(const TraceTable *t);
/* How many there are; of an index, roughly. */
int64_t trace_table_rows(TraceTable *t);
/* Its chunks are windows, whose rows only a replay has (storage=index). As of the last refresh. */
bool trace_table_is_index(const TraceTable *t);
/* What to replay for one of them. */
bool trace_table_window(TraceTable *t, int64_t id, StoreWindow *ret, GError **error);

/* Chunks that may hold rows with first <= pos <= last; ids [*from, *to), empty if from >= to. */
void trace_table_range(TraceTable *t, int64_t first, int64_t last, int64_t *from, int64_t *to);

/*
 * The next chunk at or after `from` (at or before it if `down`) and inside [low, high) that may have what the
 * queries ask for, all of them; *ret = -1 if none.
 */
bool trace_table_next(TraceTable *t, int64_t from, int64_t low, int64_t high, bool down,
                      const IndexQuery *queries, size_t n, int64_t *ret, GError **error);

/* Decode a chunk. */
bool trace_table_chunk(TraceTable *t, int64_t id, ChunkRows *rows, GError **error);
/* The same of an instruction trace. */
bool trace_table_runs(TraceTable *t, int64_t id, Runs *runs, GError **error);
/* The instruction at pc as far as it ran: its bytes. */
bool trace_table_insn(TraceTable *t, uint64_t pc, uint32_t *insn);

#endif
