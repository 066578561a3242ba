/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the observers of one replay share (registry.c has it). */
#ifndef ANALYSES_RUN_H
#define ANALYSES_RUN_H

#include "analyses/analysis.h"
#include "analyses/trackers/callstack.h"
#include "analyses/symbols/programs.h"
#include "analyses/store/store.h"
#include "analyses/trackers/syscall_track.h"
#include "analyses/trackers/tasks.h"
#include "analyses/trackers/tracer.h"

#define ROWS_UNKNOWN (-1) /* they are made when somebody asks for them */

/*
 * What several observers follow, once for the set, from when somebody asks for it: who runs where, system calls. Whoever
 * subscribes to the machine after that is told by it first.
 */
Tasks *analysis_set_tasks(AnalysisSet *set);
SyscallTrack *analysis_set_syscalls(AnalysisSet *set);
/* After the set's begin has come to its members. */
Programs *analysis_set_programs(AnalysisSet *set);
/* Likewise calls and functions. */
CallStacks *analysis_set_calls(AnalysisSet *set);
Tracer *analysis_set_tracer(AnalysisSet *set);
Machine *analysis_set_machine(AnalysisSet *set);
/* For whoever replays, to be told at the end: a line; the set's. */
void analysis_set_note(AnalysisSet *set, char *text);

/*
 * Rows of the analyses with few of them go through a queue, so that the guest's thread never waits for
 * SQLite: queued closures run in order on one thread.
 */
typedef struct RowQueue RowQueue;
typedef bool RowFn(void *opaque, const void *item, GError **error);
/* `item_size` bytes are copied per item; `fn` is called on the queue's thread. */
RowQueue *row_queue_new(size_t item_size, RowFn *fn, void *opaque);
/* At once, of items that have something of their own: after an error they are dropped, not written. */
void row_queue_set_drop(RowQueue *q, void (*drop)(const void *item));
void row_queue_push(RowQueue *q, const void *item);
/* Do not wait for more. */
void row_queue_flush(RowQueue *q);
/* Its thread neither works nor holds a lock from pause to resume, so that the process may fork. */
void row_queue_pause(RowQueue *q);
void row_queue_resume(RowQueue *q);
/* Wait for the end; the first error. Frees. */
bool row_queue_finish(RowQueue *q, GError **error);

#endif
