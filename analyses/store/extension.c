/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loadable extension for sqlite3: .load rremu.so */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include "analyses/store/functions.h"

__attribute__((visibility("default"))) int sqlite3_rremu_init(sqlite3 *db, char **message,
                                                              const sqlite3_api_routines *api);

int sqlite3_rremu_init(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
    SQLITE_EXTENSION_INIT2(api)
    return store_register_all(db);
}
