/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printing the rows of a query: table, csv, json, line. */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include "analyses/store/query.h"

typedef struct Rows Rows;
/* NULL for an unknown format. */
Rows *rows_new(const char *format);
void rows_free(Rows *r);
extern const QueryOps rows_ops; /* opaque: Rows */

#endif
