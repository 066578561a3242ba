/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recorders: what happens too often for callbacks, rr-emu records by itself, from raw traces and by following the code. A
 * plugin asks for one by rr_record() (rr-plugin.h, plugin/native_record.c); the built-in analyses of these tables do so too.
 */
#ifndef ANALYSES_RECORDER_H
#define ANALYSES_RECORDER_H

#include "analyses/run.h"

typedef struct Recorder Recorder;

/* What rr_record() takes of a recorder; values in capitals are any text, which begin checks. */
typedef struct RecorderSetting {
    const char *name, *values, *fallback;
} RecorderSetting;

typedef struct RecorderClass {
    const RecorderSetting *settings; /* NULL ends the list */
    const char *const *tables; /* likewise, with $ for its name: which nobody else of the plugin may use */
    size_t state_size;         /* of the zeroed Recorder.state */
    /* Make the tables (inside the set's transaction) and subscribe. */
    bool (*begin)(Recorder *run, GError **error);
    /* Unsubscribed already: write what is left; the number of rows, or ROWS_UNKNOWN. */
    bool (*end)(Recorder *run, int64_t *rows, GError **error);
    /* Whatever happened before, also instead of end. */
    void (*free)(Recorder *run);
    /* May be NULL: the first position at or after `at` at which it wants `reached`; POS_NONE: none. */
    Pos (*next_position)(const Recorder *run, Pos at);
    void (*reached)(Recorder *run, Pos pos);
} RecorderClass;

struct Recorder {
    const RecorderClass *class;
    char *who;       /* "--analysis NAME", "--plugin FILE": what errors begin with */
    char *name;      /* of the tables */
    bool is_default; /* an analysis under its own name: its tables have theirs, `block`, not `NAME_block` */
    GHashTable *settings; /* by name, defaults included */
    Store *store;
    Machine *machine;
    AnalysisSet *set;
    void *state;
    bool subscribed, begun;
};

/* False, with an error that begins with who it is. */
bool recorder_refuse(const Recorder *run, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The name of one of its tables: `table`, or NAME_table. Caller frees. */
char *recorder_table(const Recorder *run, const char *table);
/* The value of one of its settings. */
const char *recorder_setting(const Recorder *run, const char *option);
void recorder_subscribe(Recorder *run, const HookOps *ops);
/* In begin: `fn` gets every job of the trace, with what TRACE_WANT_* `wants`; at most `jobs` are held at a
 * time. */
void recorder_trace(Recorder *run, uint32_t wants, unsigned jobs, TraceJobFn *fn, void *opaque);

extern const RecorderClass accesses_recorder;
extern const RecorderClass blocks_recorder;
extern const RecorderClass calls_recorder;
extern const RecorderClass functions_recorder;
extern const RecorderClass instructions_recorder;
extern const RecorderClass registers_recorder;

#endif
