/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is added to blocks so that they can be observed or counted, and the word that tells of a cut one. */
#ifndef TCG_INSTRUMENT_H
#define TCG_INSTRUMENT_H

#include "core/machine.h"
#include "tcg/ir/ir.h"

/* The descriptors that were registered (TraceBlock -> index), so that translating again registers nothing again. */
GHashTable *instrument_registry_new(void);
/*
 * Make the block leave a trace (core/trace.h): a TRACE header, and slots for its accesses if wants has
 * TRACE_WANT_MEM. bytes: the guest code from ir->pc on.
 */
void instrument_trace(Hooks *hooks, GHashTable *registry, uint32_t wants, const uint8_t *bytes, IrBlock *ir);
/* Count in hart->helper_insns each integer instruction that calls a helper. */
void instrument_count_helpers(IrBlock *ir);
/* TRACE_CUT: the last `left` instructions of the block just begun were not done. */
void instrument_cut(Machine *m, Hart *h, uint32_t left);

#endif
