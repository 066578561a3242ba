/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a recording to the tables that are readable straight after `record`: meta, input, checkpoint, console. */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "analyses/store/store.h"
#include "record/rec.h"

bool database_import(Store *store, const Rec *rec, GError **error);
/* Fill module and symbol from --symbols FILE[@ADDR] (may be NULL) and from the recording's ELF images. */
bool database_symbols(Store *store, const Rec *rec, const GPtrArray *files, GError **error);

#endif
