/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two machines of the same configuration, field by field. */
#ifndef TRIAGE_COMPARE_H
#define TRIAGE_COMPARE_H

#include <glib.h>
#include "core/machine.h"

/*
 * Append the values that differ to `values` (of DiffValue, up to DIFF_MAX_VALUES): registers first, then other state,
 * then memory. Returns the number of RAM bytes that differ. Computes both state hashes.
 */
uint64_t compare_machines(Machine *a, Machine *b, GArray *values);

#endif
