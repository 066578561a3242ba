/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The static blocks of one trace, analysed when they are first seen. A block's id is its index in the trace:
 * the engine registers a block once, however often it is translated. Lookups come from several threads.
 */
#ifndef ANALYSES_CODE_TABLE_H
#define ANALYSES_CODE_TABLE_H

#include "analyses/store/code.h"
#include "core/hooks.h"

typedef struct CodeTable CodeTable;
CodeTable *code_table_new(const Hooks *hooks);
void code_table_free(CodeTable *t);
const CodeBlock *code_table_find(CodeTable *t, uint32_t id);
/* The blob of a segment (code.h) into `out`; false past the last block that was looked up. */
bool code_table_segment(CodeTable *t, uint32_t segment, Bytes *out);

#endif
