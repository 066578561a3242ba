/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/recorders/trace_store.h"

bool trace_store_make(Recorder *run, StoreStmt **insert, GError **error) {
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s_chunk\" VALUES (?, ?, ?, ?, ?, ?)", run->name);
    return store_drop(run->store, run->name, error) &&
           store_exec_section(run->store, "trace drop", run->name, error) &&
           store_exec_section(run->store, "trace chunks", run->name, error) &&
           store_prepare(run->store, sql, insert, error);
}

bool trace_store_chunk(StoreStmt *insert, uint64_t id, const ChunkResult *r, const Bytes *touched,
                       GError **error) {
    return store_run(insert, error, "uuuubb", id, r->first_pos, r->last_pos, (uint64_t)r->rows, touched->data,
                     bytes_size(touched), r->blob.data, bytes_size(&r->blob));
}

bool trace_store_node(void *opaque, unsigned level, uint64_t group, const Bytes *blob, GError **error) {
    Recorder *run = opaque;
    StoreStmt *stmt;
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s_index\" VALUES (?, ?, ?)", run->name);
    if (!store_prepare(run->store, sql, &stmt, error))
        return false;
    bool ok = store_run(stmt, error, "iub", (int64_t)level, group, blob->data, bytes_size(blob));
    store_stmt_free(stmt);
    return ok;
}

bool trace_store_code(Recorder *run, CodeTable *code, GError **error) {
    StoreStmt *stmt;
    Bytes blob = {0};
    bool ok = true;
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s_code\" VALUES (?, ?)", run->name);
    if (!store_prepare(run->store, sql, &stmt, error))
        return false;
    for (uint32_t i = 0; ok && code_table_segment(code, i, &blob); i++)
        ok = store_run(stmt, error, "ib", (int64_t)i, blob.data, bytes_size(&blob));
    store_stmt_free(stmt);
    bytes_done(&blob);
    return ok;
}
