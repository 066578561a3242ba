/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside core: what machine.c and snapshot.c need of memory.c beyond machine.h. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include "core/machine.h"

/* All blocks back to zeros, giving their pages back to the host. Caches are the caller's business. */
void memory_clear(Machine *m);
void memory_free(Machine *m);

#endif
