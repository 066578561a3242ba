/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table symbol. Its rows are kept compressed in symbol_chunk, since a kernel has a hundred thousand of them, which every
 * new database gets:
 *
 *     first_id    of its rows, which have ids one after the other; the first row of the table has 1
 *     module_id   theirs
 *     rows, stamp their number; the check at the end of data
 *     data        u32 magic "SYM1"   u32 number of rows   streams (streams.h), a value of each for each row:
 *                 names, each with its zero   kinds, u8   varints: zigzag difference of the address to the one before   sizes
 */
#ifndef ANALYSES_STORE_SYMBOL_SET_H
#define ANALYSES_STORE_SYMBOL_SET_H

#include "analyses/store/sqlite.h"
#include "analyses/store/store.h"

#define SYMBOL_MAGIC "SYM1"
enum { SYMBOL_NAME, SYMBOL_KIND, SYMBOL_ADDR, SYMBOL_SIZE, SYMBOL_STREAMS };
#define SYMBOL_HEADER (8u + 8u * SYMBOL_STREAMS)
#define SYMBOL_NAME_MAX ((size_t)1 << 20)   /* what is longer is no name */
#define SYMBOL_NAMES_MAX ((size_t)16 << 20) /* bytes of a chunk's names, up to the last one */

/* X(what, text): u8 in a chunk */
#define SYMBOL_KINDS(X)                                                                                      \
    X(FUNC, "func")                                                                                          \
    X(OBJECT, "object")                                                                                      \
    X(LABEL, "label")

typedef enum SymbolKind {
#define X(what, text) SYMBOL_##what,
    SYMBOL_KINDS(X)
#undef X
        SYMBOL_N_KINDS
} SymbolKind;

typedef struct SymbolRow {
    uint64_t addr, size;
    const char *name;
    uint32_t part; /* chunk */
    SymbolKind kind;
} SymbolRow;

/* All rows as they were when they were read; counted. The row with id i is row[i - 1]. */
typedef struct SymbolSet SymbolSet;
SymbolSet *symbol_set_read(sqlite3 *db, const char *schema, const char *table, GError **error);
SymbolSet *symbol_set_ref(SymbolSet *s);
void symbol_set_unref(SymbolSet *s); /* NULL is allowed */
guint symbol_set_rows(const SymbolSet *s, const SymbolRow **first);
int64_t symbol_set_module(const SymbolSet *s, const SymbolRow *row);
const char *symbol_kind_text(SymbolKind kind);
/* The first row of that name, and the next one behind a row of that name, by id; NULL: there is none. */
const SymbolRow *symbol_set_named(SymbolSet *s, const char *name);
const SymbolRow *symbol_set_next_named(const SymbolSet *s, const SymbolRow *row);
/* The rows in order of address as SQLite compares it, signed, then id. */
const SymbolRow *symbol_set_by_addr(SymbolSet *s, guint i);

/* That of a connection's database, which is registered; NULL: it cannot be read. Caller unrefs. */
SymbolSet *store_symbol_set(sqlite3 *db);

/* What a connection has of one table: read when it is asked for, and again when somebody has changed it. */
typedef struct SymbolTable SymbolTable;
SymbolTable *symbol_table_new(sqlite3 *db, const char *schema, const char *name);
void symbol_table_free(SymbolTable *t); /* NULL is allowed */
/* Valid until the next call; NULL: the database failed, or is damaged. */
SymbolSet *symbol_table_set(SymbolTable *t, GError **error);

#endif
