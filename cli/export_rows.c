/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of a query: CSV (RFC 4180), and a database of its own without anything of rr-emu's in it. */
#include "cli/export.h"

#include <string.h>

#include "cli/ask.h"
#include "cli/rows.h"

bool export_csv(Export *x, GError **error) {
    Rows *rows = rows_new("csv");
    bool ok = store_query(x->db, x->sql, &rows_ops, rows, error);
    rows_free(rows);
    return ok;
}

static void ignore(void *opaque, const QueryValue *values) {}

bool export_sqlite(Export *x, GError **error) {
    /* A statement inside a CREATE TABLE can only be a SELECT; the one closing bracket ends the query. */
    g_autofree char *bare = g_strchomp(g_strdup(x->sql));
    while (g_str_has_suffix(bare, ";"))
        bare[strlen(bare) - 1] = 0, g_strchomp(bare);
    g_autofree char *sql = g_strdup_printf("CREATE TABLE out.rows AS SELECT * FROM (%s\n)", bare);
    return store_attach(x->db, x->path, "out", error) && ask_rows(x->db, sql, ignore, NULL, error) &&
           ask_rows(x->db, "DETACH out", ignore, NULL, error);
}
