/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database: the only user of sqlite3. Schema from schema/db.sql; docs/sql.md is its manual. */
#ifndef ANALYSES_STORE_STORE_H
#define ANALYSES_STORE_STORE_H

#include <glib.h>
#include "core/types.h"

typedef struct Store Store;
typedef struct sqlite3 sqlite3;

/* Open or create for writing. */
bool store_open(const char *path, Store **ret, GError **error);
void store_close(Store *s);
bool store_set_meta(Store *s, const char *key, const char *value, GError **error);
sqlite3 *store_handle(Store *s);

/* Register rr-emu's functions (hex64, u64lt, sym, disas, time_ns) and virtual tables on any connection. */
bool store_register(sqlite3 *db, GError **error);

#endif
