/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a recording to the tables that are readable straight after `record`, and symbols. */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "analyses/store/store.h"
#include "core/machine.h"
#include "record/rec.h"

/* Fill meta, input, checkpoint and console. */
bool database_import(Store *store, const Rec *rec, GError **error);
/* Fill loader (what wrote memory at pos -1) from a machine at its start. */
bool database_loaded(Store *store, const Machine *m, GError **error);
/* Fill module and symbol from --symbols FILE[@ADDR] (may be NULL) and from the recording's ELF images. */
bool database_symbols(Store *store, const Rec *rec, const GPtrArray *files, GError **error);
/* disas() for a connection. */
void database_set_functions(sqlite3 *db);

#endif
