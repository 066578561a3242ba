/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQLite as the program links it, or as a loadable extension is handed it. */
#ifndef ANALYSES_STORE_SQLITE_H
#define ANALYSES_STORE_SQLITE_H

#ifdef STORE_EXTENSION
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3
#else
#include <sqlite3.h>
#endif

#endif
