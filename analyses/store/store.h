/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The database: the only user of sqlite3. Schema from schema/db.sql; docs/sql.md is its manual.
 *
 * Calls on one Store may come from several threads: each takes the store's lock. What a replay writes is one
 * transaction (store_begin … store_commit): whatever ends the process before the commit, the file shows the
 * state of before. Bulk data is written without fsync: a kill loses nothing, a power cut may.
 */
#ifndef ANALYSES_STORE_STORE_H
#define ANALYSES_STORE_STORE_H

#include <glib.h>
#include "core/types.h"

typedef struct Store Store;
typedef struct sqlite3 sqlite3;

/* Open or create for writing, with the base tables; NULL path: in memory. Another schema version is refused.
 */
bool store_open(const char *path, Store **ret, GError **error);
void store_close(Store *s); /* rolls back what was not committed */
sqlite3 *store_handle(Store *s);
/* The schema version of a database of rr-emu's; negative: it is somebody else's. */
int64_t store_version(sqlite3 *db);
/* A name, of a table or whatever, whose second claim is false as long as the database is open; as SQLite, whatever its case. */
bool store_claim(Store *s, const char *name);
bool store_set_meta(Store *s, const char *key, const char *value, GError **error);

/*
 * Pairs: begin, then commit or rollback; they nest, and only the outermost pair reaches the file. One rollback inside
 * undoes all of it: commits fail from then on. A commit that failed is followed by a rollback.
 */
bool store_begin(Store *s, GError **error);
bool store_commit(Store *s, GError **error);
void store_rollback(Store *s);

/* -- statements ---------------------------------------------------------------------------------------------
 */
/* Run SQL that gives no rows. */
bool store_exec(Store *s, const char *sql, GError **error);
/* Drop the table or view `name` if there is one. Eponymous tables have no entry and cannot be dropped. */
bool store_drop(Store *s, const char *name, GError **error);
/* Run the section of schema/db.sql, with $ replaced by `name` (may be NULL). */
bool store_exec_section(Store *s, const char *section, const char *name, GError **error);

typedef struct StoreStmt StoreStmt;
bool store_prepare(Store *s, const char *sql, StoreStmt **ret, GError **error);
void store_stmt_free(StoreStmt *stmt);
/*
 * Bind and run once; `types` has a letter a parameter: i int64_t, u uint64_t (its bits), s const char *
 * (NULL: NULL), b const void * and size_t, n nothing (NULL).
 */
bool store_run(StoreStmt *stmt, GError **error, const char *types, ...);
/* The same with the values in an array. */
typedef struct StoreValue {
    int64_t integer;   /* i u */
    const void *bytes; /* s b */
    size_t size;       /* b; s: with its 0, or 0: not counted */
} StoreValue;
bool store_run_values(StoreStmt *stmt, const char *types, const StoreValue *values, GError **error);
/* The first column of the first row as text, valid until the statement is used again; NULL: NULL, no row, or failure. */
const char *store_run_text(StoreStmt *stmt, const char *types, ...);
/* First column of the first row as an integer; `fallback` if there is none or on failure. Types as in
 * store_run. */
int64_t store_get_int(Store *s, const char *sql, int64_t fallback, const char *types, ...);

/* -- what a recording tells by itself (meta input checkpoint console) ---------------------------------- */
/* Between begin and end, in order of pos; begin deletes what was there. */
bool store_recording_begin(Store *s, GError **error);
void store_add_checkpoint(Store *s, Pos pos, Nsec time, uint64_t hash);
/* kind: NdKind. Console input makes console rows too. */
void store_add_input(Store *s, Pos pos, uint32_t seq, Nsec time, uint32_t kind, uint32_t source,
                     const uint8_t *payload, uint32_t size);
void store_add_console(Store *s, Pos pos, uint32_t port, bool to_guest, const uint8_t *data, uint32_t size);
/* Ends the unfinished console lines and commits; reports the first failure since begin. */
bool store_recording_end(Store *s, GError **error);

/* An image the loader placed: guest memory at pos -1, for the table `write`. Any time; first forget the
 * former ones. */
bool store_clear_loader(Store *s, GError **error);
bool store_add_loader(Store *s, Gpa paddr, uint64_t size, const char *name, GError **error);

/* -- symbols ------------------------------------------------------------------------------------------------
 */
/* Forget all modules and symbols. */
bool store_clear_symbols(Store *s, GError **error);
/*
 * All of them anew, in one transaction: begin forgets those of before, end notes in `meta`
 * where they come from (any text), so that the next one can ask whether they are there already. In between, and when end
 * fails, store_rollback() undoes it.
 */
bool store_symbols_begin(Store *s, GError **error);
bool store_symbols_end(Store *s, const char *source, GError **error);
bool store_has_symbols(Store *s, const char *source);
#define STORE_AS_LINKED UINT64_MAX
/* Adds the module and its functions and objects; its first loadable segment lies at `addr`, or everything STORE_AS_LINKED. */
bool store_add_elf(Store *s, const char *name, const char *path, const uint8_t *elf, size_t size,
                   uint64_t addr, GError **error);
/* The same from the symbols that an uncompressed Linux kernel carries in itself; nothing if it has none. */
bool store_add_kallsyms(Store *s, const char *name, const char *path, const uint8_t *image, size_t size,
                        GError **error);
/* `spec`: FILE[@ADDR]. */
bool store_split_symbols(const char *spec, char **path, uint64_t *addr, GError **error);
bool store_add_symbols(Store *s, const char *spec, GError **error);

/* -- any connection -----------------------------------------------------------------------------------------
 */
/* Register rr-emu's functions (hex64, u64lt, sym, disas, time_ns) and virtual tables on any connection. */
bool store_register(sqlite3 *db, GError **error);
/* What disas() calls: returns a new string or NULL. Without one it shows the instruction's bytes. */
typedef char *StoreDisassembler(uint64_t pc, uint32_t insn);

/* Of a recording, the positions of one window of memtrace,storage=index. */
typedef struct StoreWindow {
    char *recording, *path, *database; /* id; where it was, or NULL; the file that holds the index, or "" */
    Pos from, to;                      /* from a replay that stops at `from` to one that stops at `to` */
    bool walks;                        /* ptw=yes */
} StoreWindow;
/* Makes their rows, on the thread that asks. */
typedef struct StoreReplayer {
    /* A connection whose main schema has memtrace of them, as chunks; the replayer's, to be dropped. NULL on failure. */
    sqlite3 *(*trace)(void *opaque, const StoreWindow *window, GError **error);
    void (*drop)(void *opaque, sqlite3 *trace);
    void *opaque;
} StoreReplayer;
/* What a program that has an engine adds to a connection; `replayer` may be NULL, and must outlive the connection. */
void store_set_functions(sqlite3 *db, StoreDisassembler *fn, const StoreReplayer *replayer);

#endif
