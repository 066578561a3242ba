/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recording's file: writer and reader in one place (rec_write.c, rec_read.c, frame.c). The format is
 * described byte by byte in docs/format.md. Frames are zstd-compressed and checksummed and only ever
 * appended, so after a crash everything up to the last whole frame is good. A reader never trusts a length.
 */
#ifndef RECORD_REC_H
#define RECORD_REC_H

#include <glib.h>
#include "core/config.h"
#include "core/nd.h"

#define REC_ERROR (rec_error_quark())
GQuark rec_error_quark(void);
typedef enum { REC_ERROR_IO, REC_ERROR_FORMAT, REC_ERROR_VERSION, REC_ERROR_EXISTS } RecError;

/* How a recording ended. `complete` is false when the end frame is missing (crash): end_pos is then the last
 * safe pos. */
typedef struct RecEnd {
    bool complete;
    Pos pos;
    Nsec time;
    uint64_t hash;
    uint32_t stop; /* core StopReason */
    uint32_t code;
    int exit_status;
    char *text; /* "guest powered off", … */
} RecEnd;

typedef struct RecCheckpoint {
    Pos pos;
    Nsec time;
    uint64_t hash;
} RecCheckpoint;

/* What the manifest says beyond the machine configuration. Strings are owned. */
typedef struct RecInfo {
    uint8_t id[16];
    char *id_text; /* 32 hex digits */
    char *command; /* the command line */
    char *version; /* of the rr-emu that recorded */
    uint32_t behaviour;
    int64_t created_unix;
} RecInfo;

/* -- writing -- */
typedef struct RecWriter RecWriter;
/*
 * Creates path with mode 0600; an existing file is REC_ERROR_EXISTS unless force, and with force unless it is a
 * recording. Writes manifest and images. The file is the caller's once committed: until then the old one is in its place,
 * and rec_writer_free leaves nothing behind.
 */
bool rec_writer_new(const char *path, bool force, const MachineConfig *config, const char *command,
                    RecWriter **ret, GError **error);
/* Appends; buffered. I/O errors are sticky and reported by flush/finish. */
void rec_writer_event(RecWriter *w, const NdEvent *ev);
void rec_writer_checkpoint(RecWriter *w, const RecCheckpoint *c);
/* Console output for `info`/`console` without replay: text the guest printed, with its pos. */
void rec_writer_console(RecWriter *w, Pos pos, uint32_t port, const uint8_t *data, uint32_t size);
/* Keep the file: it takes the place of the one that force replaces. The first flush does the same. */
bool rec_writer_commit(RecWriter *w, GError **error);
/* Make everything so far durable as a frame. `pos`: the recording is complete up to here. */
bool rec_writer_flush(RecWriter *w, Pos pos, GError **error);
bool rec_writer_finish(RecWriter *w, const RecEnd *end, GError **error);
void rec_writer_free(RecWriter *w);
/* The first I/O error, or NULL. After one nd_record ends the run with ND_STOP_RECORD. */
const GError *rec_writer_error(const RecWriter *w);
/*
 * A decorator round `inner`: everything it hands over is appended to w. Checkpoints every `interval`
 * steps.
 */
Nd *nd_record_new(Nd *inner, RecWriter *w, Pos checkpoint_interval);
void nd_record_free(Nd *nd);

/* -- reading -- */
typedef struct Rec Rec;
bool rec_open(const char *path, Rec **ret, GError **error);
void rec_free(Rec *r);
const RecInfo *rec_info(const Rec *r);
const MachineConfig *rec_config(const Rec *r); /* images included */
const RecEnd *rec_end(const Rec *r);
size_t rec_n_events(const Rec *r);
/* Valid as long as r lives. */
const NdEvent *rec_event(const Rec *r, size_t i);
size_t rec_n_checkpoints(const Rec *r);
const RecCheckpoint *rec_checkpoint(const Rec *r, size_t i);
/* Console output chunks in order: pos, port, bytes. False past the end. */
bool rec_console(const Rec *r, size_t i, Pos *pos, uint32_t *port, const uint8_t **data, uint32_t *size);
/* Sizes in the file by part: "manifest" "images" "events" "checkpoints" "console"; 0 for unknown names. */
uint64_t rec_size_of(const Rec *r, const char *part);

#endif
