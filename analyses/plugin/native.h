/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native plugin interface: what its parts share. native.c: life and counters; _events.c: what happens;
 * _questions.c: what may be asked; _code.c: translated code; _rows.c: tables; _pack.c: rows on their way to them;
 * _segments.c: a replay by several workers; _record.c: what rr-emu records by itself. */
#ifndef ANALYSES_PLUGIN_NATIVE_H
#define ANALYSES_PLUGIN_NATIVE_H

#include <stdio.h>

#define RR_API __attribute__((visibility("default")))
#include "analyses/plugin/private.h"
#include "analyses/rr-plugin.h"
#include "analyses/trackers/submissions.h"
#include "analyses/trackers/syscall_track.h"
#include "schema/seq.h"

/* Rows at a position so far, by class. */
typedef struct NativeCount {
    Pos pos; /* POS_NONE: there is none */
    uint32_t next[16];
} NativeCount;

struct RrSelf {
    Plugin *plugin;
    RrPlugin class_copy; /* members of later versions than its own are NULL */
    const RrPlugin *class;
    char *name;          /* of its tables */
    GHashTable *options; /* of char *, fallbacks included */
    void *data;
    bool subscribed, installing, stopped;
    bool waits;           /* positions can be asked for: nothing runs */
    char *refusal;        /* rr_refuse */
    GPtrArray *registers; /* of Reg: what rr_find_register gave */
    HookOps hooks;        /* what it needs to be told */
    uint32_t flow;        /* counter: 1 when the hart's next instruction begins a basic block */
    uint32_t seq_class;   /* of rows made in the callback at hand */
    Pos event_pos;        /* of the event being told; POS_NONE: the machine knows */
    NativeCount
        counts[2]; /* of the last two: a task's turn is told in the step before the one at which it ends */
    GArray *positions; /* of NativePosition */
    struct NativeRows *rows;
    Submissions *submissions; /* these three: NULL unless it wants them */
    Tasks *tasks;             /* the set's */
    SyscallTrack *syscalls;
    GPtrArray *tasks_told; /* of RrTask or NULL, by id */
    bool deaf;             /* what the segment at hand saw does not count */
    GPtrArray *pieces;     /* of GBytes: what workers put, for merge */
    GPtrArray *recorders;  /* of Recorder: rr_record */
};

typedef struct NativePosition {
    Pos pos;
    void (*fn)(RrSelf *self, uint64_t pos);
} NativePosition;

struct RrBlock {
    RrSelf *self;
    ProbeBlock *probe;
    struct NativeCall *entry; /* the first rr_on_basic_block(); NULL: there was none */
};

/* Where a plugin's worker ended: as the members of RrSelf. */
typedef struct NativeStand {
    NativeCount counts[2];
    bool stopped;
} NativeStand;

/* Where the callback at hand is. */
Pos native_pos(const RrSelf *self);
static inline const RrHart *native_view(const Hart *h) {
    return (const RrHart *)h;
}

/* After a trap was taken the hart is at the next step already: the event says which step it was. */
#define NATIVE_CALL(self, member, at, hart, class_of_rows, ...)                                              \
    do {                                                                                                     \
        if (!(self)->stopped && (self)->class->member) {                                                     \
            PluginFrame former_ = plugin_enter((self)->plugin, #member, hart);                               \
            (self)->seq_class = (class_of_rows);                                                             \
            (self)->event_pos = (at);                                                                        \
            (self)->class->member(self, __VA_ARGS__);                                                        \
            (self)->event_pos = POS_NONE;                                                                    \
            plugin_leave((self)->plugin, former_);                                                           \
        }                                                                                                    \
    } while (0)

/* _events.c: before install; then (who leads does not: its workers do), to be told of tasks; after install (who leads only
 * follows what its workers cannot know of the time before theirs); the machine tells nothing any more; before the set's
 * trackers go; at last. */
bool native_events_prepare(RrSelf *self, GError **error);
void native_events_watch(RrSelf *self);
void native_events_begin(RrSelf *self);
void native_events_follow(RrSelf *self);
void native_events_stop(RrSelf *self);
void native_events_end(RrSelf *self);
void native_events_free(RrSelf *self);

/* _code.c */
void native_on_translate(void *opaque, ProbeBlock *b);
/* Nothing but where basic blocks begin. */
void native_follow_blocks(void *opaque, ProbeBlock *b);
/* Call it a new basic block from here on. */
void native_flow_break(const RrSelf *self, uint32_t hart);

/* _record.c: the machine tells them nothing any more; positions, as of a PluginKind; write what is left; at last. */
void native_records_quiet(RrSelf *self);
Pos native_records_next(const RrSelf *self, Pos pos);
void native_records_reached(RrSelf *self, Pos pos);
bool native_records_end(RrSelf *self, GError **error);
void native_records_free(RrSelf *self);

/* _rows.c */
void native_rows_begin(RrSelf *self);
/* There is a database, and its transaction is open; false: native_rows_ready() says why. */
bool native_rows_open(RrSelf *self);
/* Nothing that install did counts. */
void native_rows_fail(RrSelf *self, GError *error);
/* The name of a table is nobody else's of the plugin. */
void native_rows_claim(RrSelf *self, const char *name);
/* … nor anybody else's in this database, which is open. */
bool native_rows_reserve(RrSelf *self, const char *name, GError **error);
/* So many more were written; ROWS_UNKNOWN. */
void native_rows_add(RrSelf *self, int64_t n);
/* The tables that install declared are there. */
bool native_rows_ready(RrSelf *self, GError **error);
/* Write what is left; failure (or NULL), which it takes: what else was not written. Rows of a run that failed are marked so, and never replace those of one that did not. */
bool native_rows_end(RrSelf *self, bool complete, GError *failure, GError **error);
void native_rows_free(RrSelf *self);
/* Rows as native_segment_rows() got them. */
void native_rows_take(RrSelf *self, const void *rows, size_t size);
/* In a worker: rows go to native_segment_rows() from here on; all that are there do now. */
void native_rows_divert(RrSelf *self);
void native_rows_flush(RrSelf *self);
/* Nobody works at the rows, and no lock is held for them, from pause to resume. */
void native_rows_pause(RrSelf *self, bool pause);

/* _segments.c: see private.h's PluginKind. */
bool native_is_parallel(const Plugin *p);
void native_segment_begin(Plugin *p, Pos from);
void native_segment_end(Plugin *p, Pos to);
void native_segment_rows(RrSelf *self, const void *rows, size_t size);
void native_segment_text(RrSelf *self, const char *text);
void native_collect_begin(Plugin *p);
void native_collect(Plugin *p, const SegmentRecord *r, const void *data);
void native_merge(Plugin *p);

/* _pack.c: rows are packed into batches on the guest's thread and unpacked by one that writes them. */
struct RrTable {
    RrSelf *self;
    char *name;
    bool is_plain;  /* without pos and seq */
    unsigned n;     /* the plugin's columns */
    uint8_t *types; /* RrType */
    StoreStmt *insert;
    /* _pack.c: the row being packed, what of it has a fixed size, and that. */
    void *made;
    size_t fixed;
    bool knows_null; /* RR_NULL */
    /* The writer's: parameters of `insert`, with their letters (store_run_values). */
    unsigned n_params;
    char *letters;
    StoreValue *params;
};
typedef struct NativePack NativePack;
void native_pack_declare(RrTable *t); /* its columns are known */
NativePack *native_pack_new(void);
/* As native_rows_…(). take: with rows at the instance's last position numbered anew; how many there were. */
void native_pack_divert(NativePack *pack, RrSelf *self);
void native_pack_flush(NativePack *pack);
int64_t native_pack_take(NativePack *pack, const RrSelf *self, const void *rows, size_t size);
void native_pack_pause(NativePack *pack, bool pause);
/* Write what is left; the first error. Frees. NULL is allowed. */
bool native_pack_finish(NativePack *pack, GError **error);
void native_pack_add(NativePack *pack, RrTable *t, const RrPlace *place, const RrValue *values);
/* The seq of the next row in the callback at hand. */
uint32_t native_next_seq(RrSelf *self, Pos pos);
/* None yet; at a position. */
void native_counts_reset(RrSelf *self);
NativeCount *native_count_at(RrSelf *self, Pos pos);
/* How many rows the class of the callback at hand has there so far; there are to be that many at least. */
uint32_t native_rows_at(RrSelf *self, Pos pos);
void native_rows_skip(RrSelf *self, Pos pos, uint32_t n);

/* native.c: ends the program unless rr_counter_new() gave it. */
void native_check_counter(const RrSelf *self, RrCounter counter);

/* A fault of the plugin's, not the user's: says so and ends the program. */
void native_misuse(const RrSelf *self, const char *format, ...) G_GNUC_PRINTF(2, 3) G_GNUC_NORETURN;

#endif
