/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/functions.h"

int store_register_all(sqlite3 *db) {
    Connection *c = connection_new(db);
    int result = functions_register(c);
    if (result == SQLITE_OK)
        result = vtab_register(c);
    connection_unref(c);
    return result;
}
