/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the page of `rr-emu report` shows, as members of one JSON object. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdio.h>

#include "analyses/store/store.h"

typedef struct Report {
    sqlite3 *db;
    FILE *to;
    int64_t end; /* pos */
} Report;

typedef struct ReportSection {
    const char *tables; /* space-separated: one of them must be there */
    bool (*write)(Report *r, GError **error);
} ReportSection;

/* Write the members that the database has tables for; "{…}". */
bool report_write_data(Report *r, GError **error);

/* -- parts -------------------------------------------------------------------------------------------------- */
bool report_memory(Report *r, GError **error); /* report_memory.c */
bool report_flame(Report *r, GError **error);  /* report_flame.c */
bool report_functions(Report *r, GError **error);
/* ,"name":[[…],…] of a query: integers as numbers, text quoted. */
bool report_rows(Report *r, const char *name, const char *sql, GError **error);

#endif
