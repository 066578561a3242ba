/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of addresses for messages, from the symbols that a database of the recording would have. */
#ifndef CLI_SYMBOLIZER_H
#define CLI_SYMBOLIZER_H

#include "record/rec.h"

typedef struct Symbolizer Symbolizer;
/* files: --symbols, may be NULL. Without any symbol names are empty. */
Symbolizer *symbolizer_new(const Rec *rec, const GPtrArray *files, GError **error);
void symbolizer_free(Symbolizer *s);
/* "name+0x10", or "". Caller frees. */
char *symbolizer_name(Symbolizer *s, uint64_t pc);

typedef struct SymbolizerLine {
    char *file; /* NULL: not known. Caller frees. */
    unsigned number;
} SymbolizerLine;
SymbolizerLine symbolizer_line(Symbolizer *s, uint64_t pc);

#endif
