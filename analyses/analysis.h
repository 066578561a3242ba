/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registry of built-in analyses and how a driver runs them: open a database, begin each analysis on a
 * machine that stands at the start position, run the machine, end. Encoding and SQLite work on threads of
 * their own.
 */
#ifndef ANALYSES_ANALYSIS_H
#define ANALYSES_ANALYSIS_H

#include <glib.h>
#include "core/machine.h"

#define ANALYSIS_ERROR (analysis_error_quark())
GQuark analysis_error_quark(void);
typedef enum { ANALYSIS_ERROR_UNKNOWN, ANALYSIS_ERROR_OPTION, ANALYSIS_ERROR_STORE } AnalysisError;

typedef struct RrOption RrOption; /* analyses/rr-plugin.h */

typedef struct AnalysisInfo {
    const char *name, *help;
    const char *tables;      /* space-separated */
    const RrOption *options; /* NULL: none */
} AnalysisInfo;

/* "storage", "chunks|rows", "chunks", "how rows are kept". Values in capitals stand for any text ("POS"),
 * which the analysis checks when it begins. */
typedef struct AnalysisOption {
    const char *name, *values, *fallback, *help;
} AnalysisOption;

/* i-th built-in; false past the last. */
bool analysis_info(size_t i, AnalysisInfo *ret);
/* Its k-th option; false past the last. */
bool analysis_option(const AnalysisInfo *info, size_t k, AnalysisOption *ret);

/* Whether somebody's tables may be called NAME and NAME_…: plain words, and no table of a database's own or a built-in's. */
bool analysis_name_is_free(const char *name);
/* Is it that of a table or view which rr-emu makes? */
bool analysis_name_is_taken(const char *name);

typedef struct AnalysisSet AnalysisSet; /* the analyses of one replay, with their database */
typedef struct PluginHost PluginHost;   /* analyses/plugin/plugin.h */
typedef struct Store Store;             /* analyses/store/store.h */

/* spec: "memtrace,storage=rows,as=mt". Unknown names and options are refused by name, with what exists. */
bool analysis_set_add(AnalysisSet *set, const char *spec, GError **error);
AnalysisSet *analysis_set_new(Store *store);
void analysis_set_free(AnalysisSet *set);
/*
 * Before begin, while the machine stands where the recording begins: follow the guest's programs from here on, whose files
 * are in the folder, for their symbols (programs.h).
 */
bool analysis_set_follow(AnalysisSet *set, Machine *m, const char *sysroot, GError **error);
bool analysis_set_follows(const AnalysisSet *set);
/* In a worker of a parallel replay: what the set follows by itself must not reach the database. */
void analysis_set_segment(AnalysisSet *set);
/* For a replay by several workers (segments.h): the analyses, which are plugins. */
PluginHost *analysis_set_host(AnalysisSet *set);
/* Subscribe to the machine's hooks; the machine stands at from_pos. */
bool analysis_set_begin(AnalysisSet *set, Machine *m, GError **error);
/* After begin: the first position at or after `at` at which one wants the state of before that step (POS_NONE:
 * none); the driver stops the machine there and calls reached. */
Pos analysis_set_next_position(const AnalysisSet *set, Pos at);
void analysis_set_reached(AnalysisSet *set, Pos pos);
/* After the end: the i-th line that an observer has for the user; NULL past the last. */
const char *analysis_set_notes(const AnalysisSet *set, guint i);
/* After the last step: what several observers follow comes to its end; analysis_set_end() does it too. */
void analysis_set_quiet(AnalysisSet *set);
/* Drain threads, commit; `complete` when the replay went well. Rows of a failed run never replace good ones.
 */
bool analysis_set_end(AnalysisSet *set, Pos to_pos, bool complete, GError **error);

#endif
