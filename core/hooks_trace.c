/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The raw trace's transport: one buffer that goes with the turn, and the registry of block descriptors.
 * Records of DMA wait in a side array until no block is open, because generated code may still have slots of
 * its block to fill.
 */
#include <string.h>

#include "core/hooks_private.h"
#include "core/machine.h"
#include "schema/seq.h"

#define DMA_HEADER 5u
#define DMA_BYTES 4096u /* of one record; longer transfers become several */
#define APPEND_MAX 64u

G_STATIC_ASSERT(DMA_HEADER + DMA_BYTES / 8 <= TRACE_RESERVE);

void hooks_trace_init(Hooks *h) {
    h->dma = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    h->chunks = g_new0(TraceBlock **, TRACE_CHUNKS);
    h->dma_pos = POS_NONE;
}

static void block_free(TraceBlock *b) {
    g_free(b->insn_len);
    g_free(b->insn_raw);
    g_free(b->mem);
    g_free(b);
}

void hooks_trace_done(Hooks *h) {
    for (uint32_t i = 0; i < h->n_blocks; i++)
        block_free(h->chunks[i >> TRACE_CHUNK_BITS][i & ((1u << TRACE_CHUNK_BITS) - 1)]);
    for (uint32_t i = 0; i < TRACE_CHUNKS && h->chunks[i]; i++)
        g_free(h->chunks[i]);
    g_free(h->chunks);
    g_array_unref(h->dma);
}

uint32_t hooks_trace_wants(const Hooks *h) {
    return h->wants;
}

void hooks_set_trace_wants(Hooks *h, uint32_t wants) {
    h->wants = wants;
}

uint32_t hooks_trace_add_block(Hooks *h, const TraceBlock *block) {
    uint32_t index = h->n_blocks, chunk = index >> TRACE_CHUNK_BITS;
    g_assert(chunk < TRACE_CHUNKS);
    TraceBlock *copy = g_new(TraceBlock, 1);
    *copy = *block;
    copy->insn_len = g_memdup2(block->insn_len, block->n_insns * sizeof *block->insn_len);
    copy->insn_raw = g_memdup2(block->insn_raw, block->n_insns * sizeof *block->insn_raw);
    copy->mem = g_memdup2(block->mem, block->n_mem * sizeof *block->mem);
    if (!h->chunks[chunk])
        __atomic_store_n(&h->chunks[chunk], g_new0(TraceBlock *, 1u << TRACE_CHUNK_BITS), __ATOMIC_RELEASE);
    __atomic_store_n(&h->chunks[chunk][index & ((1u << TRACE_CHUNK_BITS) - 1)], copy, __ATOMIC_RELEASE);
    h->n_blocks++;
    return index;
}

const TraceBlock *hooks_trace_block(const Hooks *h, uint32_t index) {
    TraceBlock **chunk = __atomic_load_n(&h->chunks[index >> TRACE_CHUNK_BITS], __ATOMIC_ACQUIRE);
    g_assert(chunk);
    return __atomic_load_n(&chunk[index & ((1u << TRACE_CHUNK_BITS) - 1)], __ATOMIC_ACQUIRE);
}

static void append(Hooks *h, const uint64_t *words, size_t n) {
    Hart *hart = h->hart;
    g_assert(hart->trace_ptr + n <= h->buffer + TRACE_BUFFER_WORDS);
    memcpy(hart->trace_ptr, words, n * sizeof *words);
    hart->trace_ptr += n;
}

static void append_sync(Hooks *h, const Hart *hart, Pos pos) {
    append(h, (uint64_t[]){TRACE_SYNC | hart->id, pos, hart->satp, hart->priv}, 4);
    h->need_sync = false;
}

static void set_buffer(Hooks *h, Hart *hart, uint64_t *buffer) {
    h->buffer = buffer;
    h->hart = hart;
    hart->trace_ptr = buffer;
    hart->trace_limit = buffer + TRACE_BUFFER_WORDS - TRACE_RESERVE;
    h->need_sync = true;
}

void hooks_trace_detach(Hooks *h) {
    if (h->hart)
        h->hart->trace_ptr = h->hart->trace_limit = NULL;
    h->hart = NULL;
    h->buffer = NULL;
    h->tracer = (Subscriber){0};
    h->wants = 0;
    g_array_set_size(h->dma, 0);
}

void hooks_trace_switch(Hooks *h, Hart *from, Hart *to) {
    if (h->hart != from || from == to)
        return;
    to->trace_ptr = from->trace_ptr;
    to->trace_limit = from->trace_limit;
    from->trace_ptr = from->trace_limit = NULL;
    h->hart = to;
    h->need_sync = true;
}

static void hand_over(Hooks *h, Hart *hart) {
    uint64_t *next = NULL;
    size_t n = h->buffer ? (size_t)(hart->trace_ptr - h->buffer) : 0;
    h->tracer.ops->trace(h->tracer.opaque, h->buffer, n, &next);
    g_assert(next);
    set_buffer(h, hart, next);
}

/* Whole records, so that each begins in the buffer that it ends in. */
static void append_dma(Hooks *h, Hart *hart) {
    const uint64_t *words = (const uint64_t *)(void *)h->dma->data;
    for (guint at = 0; at < h->dma->len;) {
        guint n = DMA_HEADER + (guint)((words[at + 4] + 7) / 8);
        if (hart->trace_ptr > hart->trace_limit) {
            hand_over(h, hart);
            append_sync(h, hart, hart_pos(hart));
        }
        append(h, words + at, n);
        at += n;
    }
    g_array_set_size(h->dma, 0);
}

void hooks_trace_begin(Hooks *h, Hart *hart) {
    if (!h->tracer.ops)
        return;
    if (!h->buffer)
        hand_over(h, hart);
    g_assert(h->hart == hart);
    if (h->need_sync)
        append_sync(h, hart, hart_pos(hart));
    if (h->dma->len)
        append_dma(h, hart);
    if (hart->trace_ptr > hart->trace_limit)
        hooks_trace_flush(h, hart);
    if (h->need_sync)
        append_sync(h, hart, hart_pos(hart));
}

void hooks_trace_flush(Hooks *h, Hart *hart) {
    if (!h->tracer.ops || !h->buffer)
        return;
    g_assert(h->hart == hart);
    if (!hart->machine->running && h->dma->len)
        append_dma(h, hart);
    hand_over(h, hart);
    if (hart->machine->running)
        append_sync(h, hart, hart_pos(hart));
}

void hooks_trace_append(Hooks *h, Hart *hart, const uint64_t *words, size_t n) {
    if (h->hart != hart)
        return;
    g_assert(n <= APPEND_MAX);
    append(h, words, n);
}

void hooks_trace_resync(Hooks *h) {
    h->need_sync = true;
}

void hooks_trace_moved(Hooks *h) {
    h->dma_pos = POS_NONE;
    hooks_trace_resync(h);
}

void hooks_trace_sync_after(Hooks *h, const Hart *hart, Pos pos) {
    if (h->hart && h->hart == hart)
        append_sync(h, hart, pos + 1);
}

static uint32_t device_index(const Device *device) {
    guint index = 0;
    g_ptr_array_find(device->machine->devices, device, &index);
    return index;
}

void hooks_trace_dma(Hooks *h, Pos pos, const Device *device, bool is_write, Gpa pa, const uint8_t *data,
                     uint64_t size) {
    uint32_t class = device->machine->running ? SEQ_DMA_STEP : SEQ_DMA;
    if (pos != h->dma_pos || class != h->dma_class) {
        h->dma_pos = pos;
        h->dma_class = class;
        h->dma_next = 0;
    }
    if (!h->tracer.ops) { /* who traces from here on numbers as if he had traced before */
        h->dma_next += (uint32_t)((size + DMA_BYTES - 1) / DMA_BYTES);
        return;
    }
    for (uint64_t done = 0; done < size;) {
        uint64_t n = MIN(size - done, DMA_BYTES);
        uint64_t header[DMA_HEADER] = {TRACE_DMA | device_index(device) | (uint64_t)is_write << 16, pos,
                                       class + h->dma_next++, pa + done, n};
        g_array_append_vals(h->dma, header, DMA_HEADER);
        guint at = h->dma->len;
        g_array_set_size(h->dma, at + (guint)((n + 7) / 8));
        uint64_t *words = &g_array_index(h->dma, uint64_t, at);
        words[(n - 1) / 8] = 0;
        memcpy(words, data + done, n);
        done += n;
    }
}
