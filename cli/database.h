/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a recording to the tables that are readable straight after `record`, and symbols. */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "analyses/store/store.h"
#include "cli/args.h"
#include "core/machine.h"
#include "record/rec.h"

/* Fill meta, input, checkpoint and console. */
bool database_import(Store *store, const Rec *rec, GError **error);
/* Fill loader (what wrote memory at pos -1) from a machine at its start. */
bool database_loaded(Store *store, const Machine *m, GError **error);
/* Fill module and symbol from --symbols FILE[@ADDR] (may be NULL) and from the recording's images, unless they are there
 * already. */
bool database_symbols(Store *store, const Rec *rec, const GPtrArray *files, GError **error);
/* Of the guest's kind: an initial ramdisk may be any other, and no reason to refuse the recording. */
bool database_is_elf(GBytes *data);
/* The folder that has the guest's files: --sysroot, or the recording's if it is there; NULL: none. */
const char *database_sysroot(const Args *args, const Rec *rec);
/* Take the symbols of the guest's programs that a replay has seen from the folder, for this connection only. */
bool database_add_sysroot(sqlite3 *db, const char *sysroot, GError **error);
/* What a connection of a program that has an engine can do more: disas(), and with a `replayer` (may be NULL, must outlive
 * the connection) the rows of memtrace,storage=index. */
void database_set_functions(sqlite3 *db, const StoreReplayer *replayer);

/* -- database files (database_file.c) ----------------------------------------------------------------------- */
typedef enum {
    DATABASE_NONE,   /* no file, or nothing in it yet */
    DATABASE_OURS,   /* of this recording */
    DATABASE_OTHERS, /* of another recording: its rows mean nothing here */
} DatabaseState;
/* Whether the file at `path` is the database of `rec`. False: there is one, and it cannot be read. */
bool database_state(const char *path, const Rec *rec, DatabaseState *ret, GError **error);
/* Tell which analyses that `sql` asks (NULL: any) cover a part of the recording only. */
void database_warn_partial(const Args *args, sqlite3 *db, const char *sql);
/* Tell that the rows of the analysis `spec` ("NAME,key=value") will be replaced, if it has some. */
void database_tell_replaced(const Args *args, sqlite3 *db, const char *spec);
/* Put the symbols of `files` before those of the database, for this connection only. */
bool database_add_symbols(sqlite3 *db, const GPtrArray *files, GError **error);

#endif
