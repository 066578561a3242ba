/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols sorted by address, to find the one that covers an address. */
#ifndef ANALYSES_STORE_SYMBOL_LIST_H
#define ANALYSES_STORE_SYMBOL_LIST_H

#include "analyses/store/sqlite.h"
#include "analyses/store/symbol_set.h"

typedef struct Symbol {
    uint64_t addr, size; /* size 0: not known */
    const char *name;
} Symbol;

/*
 * Those of a table with columns addr, size and name; `where` may be "" or a condition with ?1, the module. Of several at an
 * address the last one counts: one with a size, and one that does not begin with _ (memcpy, not __pi_memcpy).
 */
GArray *symbol_list_new(sqlite3 *db, const char *table, const char *where, int64_t module);
/* The same of the table symbol: the names are the set's. */
GArray *symbol_list_of(const SymbolSet *set);
/* NULL: none covers it. */
const Symbol *symbol_list_find(const GArray *list, uint64_t addr);
/* "name" or "name+0x12"; false: none covers it. */
bool symbol_list_text(const GArray *list, uint64_t addr, char *to, size_t size);

#endif
