/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The static blocks of one trace: from the engine's trace indices (many, as code is retranslated) to CodeBlocks
 * (one per content, numbered for the database). Lookups come from several threads.
 */
#ifndef ANALYSES_CODE_TABLE_H
#define ANALYSES_CODE_TABLE_H

#include "analyses/store/code.h"
#include "core/hooks.h"

typedef struct CodeTable CodeTable;
CodeTable *code_table_new(const Hooks *hooks);
void code_table_free(CodeTable *t);
const CodeBlock *code_table_find(CodeTable *t, uint32_t index);
/* By number; NULL past the last. Not while others look up. */
const CodeBlock *code_table_block(const CodeTable *t, uint32_t id);
/* The blob of a segment (code.h) into `out`; false past the last. Not while others look up. */
bool code_table_segment(const CodeTable *t, uint32_t segment, Bytes *out);

#endif
