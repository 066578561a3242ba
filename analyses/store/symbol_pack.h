/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes rows of the table symbol (symbol_set.h). */
#ifndef ANALYSES_STORE_SYMBOL_PACK_H
#define ANALYSES_STORE_SYMBOL_PACK_H

#include "analyses/store/symbol_set.h"

/* The symbols of one module, behind those that are there. Inside a transaction. */
typedef struct SymbolWriter SymbolWriter;
SymbolWriter *symbol_writer_new(Store *store, int64_t module, GError **error);
/* The name is UTF-8; what is longer than SYMBOL_NAME_MAX is left out. */
bool symbol_writer_add(SymbolWriter *w, const char *name, uint64_t addr, uint64_t size, SymbolKind kind,
                       GError **error);
/* Nothing can be added after it. */
bool symbol_writer_end(SymbolWriter *w, GError **error);
void symbol_writer_free(SymbolWriter *w); /* NULL is allowed */

#endif
