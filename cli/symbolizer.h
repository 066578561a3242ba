/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of addresses for messages, from the symbols that a database of the recording would have. */
#ifndef CLI_SYMBOLIZER_H
#define CLI_SYMBOLIZER_H

#include "analyses/store/store.h"
#include "record/rec.h"

typedef struct Symbolizer Symbolizer;
/* files: --symbols, may be NULL. Without any symbol names are empty. */
Symbolizer *symbolizer_new(const Rec *rec, const GPtrArray *files, GError **error);
void symbolizer_free(Symbolizer *s);
/* "name+0x10", or "". Caller frees. */
char *symbolizer_name(Symbolizer *s, uint64_t pc);
/* The same in the address space of `satp` before step `pos`: of a program, once the store knows where those lie. */
char *symbolizer_name_at(Symbolizer *s, uint64_t pc, uint64_t satp, Pos pos);
/* The symbols; the symbolizer's. */
Store *symbolizer_store(Symbolizer *s);

typedef struct SymbolizerLine {
    char *file; /* NULL: not known. Caller frees. */
    unsigned number;
} SymbolizerLine;
SymbolizerLine symbolizer_line(Symbolizer *s, uint64_t pc);

#endif
