/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a query asks of memtrace or write: from SQLite's constraints to ranges, and from those to index
 * queries. */
#ifndef ANALYSES_STORE_WANT_H
#define ANALYSES_STORE_WANT_H

#include "analyses/store/index.h"
#include "analyses/store/sqlite.h"

enum {
    COLUMN_POS,
    COLUMN_SEQ,
    COLUMN_HART,
    COLUMN_SATP,
    COLUMN_PC,
    COLUMN_OP,
    COLUMN_VADDR,
    COLUMN_PADDR,
    COLUMN_SIZE,
    COLUMN_VALUE,
    COLUMN_PRIV,
    COLUMN_SYMBOL,
    COLUMN_COVERS,
    COLUMN_IS_WRITE
};

#define OP_LOADER MEM_OP_COUNT
/* What a query asks for, from its constraints. */
typedef struct Want {
    int64_t pos[2], paddr[2], vaddr[2]; /* inclusive */
    int64_t covers;
    uint32_t ops; /* bit per MemOpName, and OP_LOADER */
    bool has_covers, has_paddr, has_vaddr, down, none;
} Want;

/*
 * For xBestIndex of a table of so many rows; returns its result. The plan's letters (vtab.h): p pos, a paddr, v vaddr, o op,
 * c covers, w is_write; the comparison i: op IN.
 */
int want_plan(sqlite3_index_info *info, double rows);
/* For xFilter; `write`: of the table write. */
void want_parse(Want *w, bool write, int down, const char *plan, int argc, sqlite3_value **argv);
/* At most WANT_QUERIES. */
#define WANT_QUERIES 3
size_t want_queries(const Want *w, IndexQuery *queries);

#endif
