/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by hooks.c (subscribers) and hooks_trace.c (the raw trace). */
#ifndef CORE_HOOKS_PRIVATE_H
#define CORE_HOOKS_PRIVATE_H

#include <glib.h>
#include "core/hooks.h"

typedef struct Subscriber {
    const HookOps *ops;
    void *opaque;
} Subscriber;

/* Descriptors of traced blocks live in chunks that never move, so a consumer thread may read them without a
 * lock. */
#define TRACE_CHUNK_BITS 12
#define TRACE_CHUNKS 65536u

struct Hooks {
    GArray *subscribers; /* of Subscriber */
    uint32_t epoch;      /* of those that translate */
    uint32_t n_translate;
    Subscriber tracer; /* ops NULL: nobody traces */
    uint32_t wants;
    uint64_t *buffer; /* in use; NULL: none yet */
    Hart *hart;       /* holds the buffer's end in its trace_ptr */
    bool need_sync;
    GArray *dma; /* of uint64_t: TRACE_DMA records not appended yet */
    Pos dma_pos; /* position and class that dma_next counts in */
    uint32_t dma_class, dma_next;
    TraceBlock ***chunks;
    uint32_t n_blocks;
};

void hooks_trace_init(Hooks *h);
void hooks_trace_done(Hooks *h);
/* The tracer leaves: the running hart gives the buffer up. */
void hooks_trace_detach(Hooks *h);
/* The step at `pos` changed privilege, address space or flow: the next block header is at pos + 1. */
void hooks_trace_sync_after(Hooks *h, const Hart *hart, Pos pos);
void hooks_trace_dma(Hooks *h, Pos pos, const Device *device, bool is_write, Gpa pa, const uint8_t *data,
                     uint64_t size);

#endif
