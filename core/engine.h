/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What core needs of whatever executes guest code. core consumes this interface; tcg/ implements it (x86-64 host
 * code, or IR interpretation). An engine holds caches only: dropping all of them at any moment is invisible.
 */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include "core/types.h"

typedef struct Engine Engine;
typedef struct Hart Hart;

typedef struct EngineStats {
    uint64_t blocks_translated, insns_translated, host_bytes, cache_flushes;
    uint64_t steps_total;  /* steps executed by this engine */
    uint64_t steps_interp; /* of those, by interpreting IR (block tails, single MMIO instructions) */
    uint64_t
        helper_insns; /* executed integer instructions that called a helper (slow-path memory excepted) */
} EngineStats;

typedef struct EngineOps {
    const char *name; /* "x86_64", "interp" */
    void (*free)(Engine *e);
    /*
     * Run `hart` from hart->pc until hart->budget is 0, or earlier when something needs the run loop:
     * hart->attention is set (WFI, CSR or device effects that may change interrupts, deadlines or the
     * schedule, guest reset, machine stop). Exceptions are taken inside (trap_take_exception), each one step.
     * On return the hart's state is complete in memory and hart->left is 0.
     */
    void (*run)(Engine *e, Hart *hart);
    /* Guest memory [host page index, byte range] that holds translated code was written: drop what overlaps. */
    void (*invalidate_code)(Engine *e, uint32_t page, uint32_t offset, uint32_t size);
    /* Drop everything (configuration change, perturbation, full cache, instrumentation change). */
    void (*flush)(Engine *e);
    /* At most n guest instructions per block from now on (perturbation; 0 = default). */
    void (*set_block_limit)(Engine *e, unsigned n);
    void (*get_stats)(Engine *e, EngineStats *stats);
    /*
     * May these bytes of a PAGE_CODE page have become code? If not, writing them needs no invalidate_code and may
     * happen in the middle of a block. NULL: any may.
     */
    bool (*has_code)(const Engine *e, uint32_t page, uint32_t offset, uint32_t size);
} EngineOps;

struct Engine {
    const EngineOps *ops;
};

#endif
