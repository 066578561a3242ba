/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The built-in analyses: plugins like anybody's (rr-plugin.h, and nothing else of rr-emu), which are linked in. registry.c
 * lists them, with their tables, whose SQL is in schema/db.sql.
 */
#ifndef ANALYSES_BUILTIN_BUILTIN_H
#define ANALYSES_BUILTIN_BUILTIN_H

#include "analyses/rr-plugin.h"

extern const RrPlugin blocks_plugin;
extern const RrPlugin calls_plugin;
extern const RrPlugin checkpoint_plugin;
extern const RrPlugin console_plugin;
extern const RrPlugin dma_plugin;
extern const RrPlugin input_plugin;
extern const RrPlugin irq_plugin;
extern const RrPlugin mmio_plugin;
extern const RrPlugin syscalls_plugin;
extern const RrPlugin tasks_plugin;
extern const RrPlugin trap_plugin;
extern const RrPlugin funcs_plugin;
extern const RrPlugin insn_plugin;
extern const RrPlugin memtrace_plugin;
extern const RrPlugin regs_plugin;

/* merge of those whose rows are all that they find: there is nothing to merge. */
static inline void builtin_merge_nothing(RrSelf *self, const void *bytes, size_t size) {}

/* In install: rr_record() under the plugin's own name, whose settings are the plugin's options (NULL: none). */
bool builtin_record(RrSelf *self, RrRecording what, const RrOption *options);

/* Options that several take. */
#define FIRST_AND_LAST                                                                                       \
    {"first", RR_OPTION_TEXT, "", "POS", "the first position to keep"}, {                                    \
        "last", RR_OPTION_TEXT, "", "POS", "the last position to keep"                                       \
    }
#define PC_OR_SYMBOL                                                                                         \
    {"pc", RR_OPTION_TEXT, "", "LOW-HIGH", "only instructions at these addresses (or one address)"}, {       \
        "symbol", RR_OPTION_TEXT, "", "NAME", "only instructions of this function"                           \
    }

#endif
