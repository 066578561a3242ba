/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An executable or shared library of the guest: where its parts lie, and its symbols for the database. */
#ifndef ANALYSES_PROGRAM_FILE_H
#define ANALYSES_PROGRAM_FILE_H

#include "analyses/store/store.h"

typedef struct ProgramPart {
    uint64_t addr, offset, file_size, size; /* addr: as linked */
    bool is_code;
} ProgramPart;

typedef struct ProgramFile {
    int64_t module;    /* its id in the table module */
    GArray *parts;     /* of ProgramPart: its loadable segments */
    GArray *functions; /* of uint64_t: where they begin, as linked, ascending */
    bool has_headers;
    uint64_t headers;  /* where its program headers lie, as linked */
    char *interpreter; /* path of the dynamic loader, or NULL */
    char *script;      /* not an ELF file: path of what runs it (#!), or NULL; all else is empty */
} ProgramFile;

/*
 * The guest's file `path` out of the folder `root`, its symbols into program_symbol and its lines into program_line: the
 * file's own, or where it has been stripped those of its debug file (debug_file.h). NULL: it is neither there, ELF of the guest's kind, nor
 * a script; or, with an error, the database failed.
 */
ProgramFile *program_file_new(Store *store, const char *root, const char *path, GError **error);
void program_file_free(void *f);

#endif
