/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ways out of a database, for other programs: one function a format. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include <stdio.h>

#include "analyses/store/store.h"

typedef struct Export {
    sqlite3 *db;
    FILE *to;         /* except for `file` formats */
    const char *path; /* of the output; NULL: stdout */
    const char *sql;  /* NULL: none was given */
    const char *name; /* what is exported: the user's word */
} Export;

typedef struct ExportFormat {
    const char *name, *help;
    const char *tables; /* space-separated: one of them must be there; "" for those that take SQL */
    bool file;          /* makes the file itself */
    bool (*write)(Export *x, GError **error);
} ExportFormat;

bool export_perfetto(Export *x, GError **error);  /* export_events.c */
bool export_callgrind(Export *x, GError **error); /* export_profile.c */
bool export_folded(Export *x, GError **error);
bool export_lcov(Export *x, GError **error); /* export_cover.c */
bool export_drcov(Export *x, GError **error);
bool export_csv(Export *x, GError **error); /* export_rows.c */
bool export_sqlite(Export *x, GError **error);

#endif
