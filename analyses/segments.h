/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What observes a replay by several workers (replay/segments.h): plugins, and analyses that are plugins. The process that
 * leads calls segments_lead() before it begins them; they observe in workers, what they found is collected in the order of
 * the segments, merged, and then they end as ever.
 */
#ifndef ANALYSES_SEGMENTS_H
#define ANALYSES_SEGMENTS_H

#include <stdio.h>
#include "analyses/plugin/plugin.h"

/* Either may be NULL. */
typedef struct Observers {
    PluginHost *plugins;
    AnalysisSet *set;
} Observers;

/* The first that one process must run alone, because it has no merge function: its name; NULL: there is none. */
const char *segments_alone(const Observers *o);
/* Before begin: this process will not observe. */
void segments_lead(const Observers *o);
/* In a worker: begin to observe, all goes to `out`; then the segment is over. is_last: nothing comes after it. */
void segments_begin(const Observers *o, Pos from, FILE *out);
void segments_end(const Observers *o, Pos to, bool is_last);
/* In the process that leads: no thread works, or holds a lock, from pause to resume; what a worker wrote; it was all. */
void segments_pause(const Observers *o, bool pause);
bool segments_collect(const Observers *o, FILE *in, GError **error);
void segments_merge(const Observers *o);

#endif
