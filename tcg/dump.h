/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -d: the stages of translation on stderr, for people who debug the engine. Each does nothing if not asked for. */
#ifndef TCG_DUMP_H
#define TCG_DUMP_H

#include "tcg/backend.h"

/* TcgOptions.dump */
enum { DUMP_GUEST = 1, DUMP_IR = 2, DUMP_IR_OPT = 4, DUMP_HOST = 8 };

/* If `wanted` has `stage`. */
void dump_ir(unsigned wanted, unsigned stage, const IrBlock *ir);
void dump_guest(unsigned wanted, const Isa *isa, const uint8_t *bytes, const IrBlock *ir);
void dump_host(unsigned wanted, Backend *backend, const Block *b);

#endif
