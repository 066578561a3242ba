/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --stats: what the engine and the memory system did, on stderr. */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include "core/machine.h"

void stats_print(const Machine *m);

#endif
