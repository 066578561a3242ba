/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The built-in analyses: plugins like anybody's (rr-plugin.h, and nothing else of rr-emu), which are linked in. registry.c
 * lists them, with their tables, whose SQL is in schema/db.sql.
 */
#ifndef ANALYSES_BUILTIN_BUILTIN_H
#define ANALYSES_BUILTIN_BUILTIN_H

#include "analyses/rr-plugin.h"

extern const RrPlugin checkpoint_plugin;
extern const RrPlugin console_plugin;
extern const RrPlugin dma_plugin;
extern const RrPlugin input_plugin;
extern const RrPlugin irq_plugin;
extern const RrPlugin mmio_plugin;
extern const RrPlugin syscalls_plugin;
extern const RrPlugin tasks_plugin;
extern const RrPlugin trap_plugin;

#endif
