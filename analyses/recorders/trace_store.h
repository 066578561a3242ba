/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of a trace that is kept as chunks: NAME_chunk, NAME_code, NAME_index (analyses/store/). */
#ifndef ANALYSES_TRACE_STORE_H
#define ANALYSES_TRACE_STORE_H

#include "analyses/recorders/code_table.h"
#include "analyses/recorders/recorder.h"
#include "analyses/store/index.h"

/* Make the empty tables, where a former run's were, and the statement that adds a chunk to them. */
bool trace_store_make(Recorder *run, StoreStmt **insert, GError **error);
/* Add a chunk; ids are 0, 1, 2 …, in any order. `touched`: index_write_touched() of its pages. */
bool trace_store_chunk(StoreStmt *insert, uint64_t id, const ChunkResult *r, const Bytes *touched,
                       GError **error);
/* IndexStoreFn, with the run. */
bool trace_store_node(void *run, unsigned level, uint64_t group, const Bytes *blob, GError **error);
bool trace_store_code(Recorder *run, CodeTable *code, GError **error);

#endif
