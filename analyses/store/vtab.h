/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual tables, and what they share. */
#ifndef ANALYSES_STORE_VTAB_H
#define ANALYSES_STORE_VTAB_H

#include <glib.h>
#include <stdbool.h>
#include "analyses/store/sqlite.h"

extern const sqlite3_module vtab_memtrace, vtab_write, vtab_insn, vtab_packed, vtab_regs, vtab_calls,
    vtab_symbols;

/* For xBestIndex: the comparison as a letter (= < l > g), 0 for one that is of no use. */
char vtab_compare(int op);
/*
 * For xBestIndex: what the cursor is told. idxStr gets two letters per argument, a column's and the comparison's; idxNum
 * is 1 for downwards, if the rows come in the wanted order by themselves. `rows`: how many are expected.
 */
typedef struct VtabPlan {
    sqlite3_index_info *info;
    double rows;
    GString *letters;
} VtabPlan;
void vtab_plan_begin(VtabPlan *p, sqlite3_index_info *info, double rows);
/* Constraint i goes to the cursor. omit: SQLite need not look again. A row in `selectivity` fulfils it. */
void vtab_plan_use(VtabPlan *p, int i, char column, char compare, bool omit, double selectivity);
/* first, second: what the rows are ordered by, as in vtab_orders(). */
void vtab_plan_end(VtabPlan *p, int first, int second);

/* ORDER BY first or first, second (a column's number, -1: there is none), both the same way round. */
bool vtab_orders(const sqlite3_index_info *info, int first, int second);
/* We compare constraint i exactly as SQLite would, which need not do so again. */
bool vtab_exact(sqlite3_index_info *info, int i);
/* For xFilter: narrow the inclusive range; false: nothing is left. */
bool vtab_narrow(int64_t range[2], char compare, sqlite3_value *v);
/* Takes the error, which may be NULL; returns SQLITE_ERROR. */
int vtab_error(char **to, GError *error);
const char *vtab_priv(unsigned priv);

/* xCreate == xConnect: eponymous, and CREATE VIRTUAL TABLE works too. */
#define VTAB_MODULE(connect)                                                                                 \
    {                                                                                                        \
        .iVersion = 0, .xCreate = connect, .xConnect = connect, .xBestIndex = vtab_best_index,               \
        .xDisconnect = vtab_disconnect, .xDestroy = vtab_disconnect, .xOpen = vtab_open,                     \
        .xClose = vtab_close, .xFilter = vtab_filter, .xNext = vtab_next, .xEof = vtab_eof,                  \
        .xColumn = vtab_column, .xRowid = vtab_rowid                                                         \
    }

#endif
