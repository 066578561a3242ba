/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memtrace,storage=index: of each window of positions only which pages were accessed, told by the MMU's slow paths
 * (mmu_note_touched), so the replay goes on at nearly its own speed. A window is a row of NAME_chunk without rows and data;
 * who asks for its rows has it replayed (store/windows.h).
 */
#ifndef ANALYSES_MEMTRACE_INDEX_H
#define ANALYSES_MEMTRACE_INDEX_H

#include "analyses/recorders/trace_store.h"

typedef struct MemIndex MemIndex;

/* The machine stands at the first window's begin; each has `window` steps. `insert` adds a chunk; `walks`: what the walker writes counts too. */
MemIndex *mem_index_new(Machine *m, Pos window, StoreStmt *insert, IndexBuilder *builder, bool walks);
void mem_index_free(MemIndex *x); /* NULL is allowed */
/* A hart or a device accessed [pa, pa+size); virtual address `va`, unless there is none. */
void mem_index_touch(MemIndex *x, Gva va, Gpa pa, TouchKind kind);
void mem_index_dma(MemIndex *x, Gpa pa, uint64_t size, bool is_write);
/* Where the window ends: the machine is to be stopped there, and the window closed. */
Pos mem_index_next(const MemIndex *x);
void mem_index_close(MemIndex *x);
/* The end of the observation; the first error, also of those that close met. */
bool mem_index_end(MemIndex *x, GError **error);

#endif
