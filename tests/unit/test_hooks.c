/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The raw trace's transport: buffers are handed over whole and in order, each begins with TRACE_SYNC, DMA
 * waits its turn. */
#include <string.h>

#include "core/machine.h"
#include "schema/seq.h"

typedef struct Consumer {
    GArray *words; /* everything handed over, in order */
    uint64_t *buffer;
    unsigned calls;
} Consumer;

static void consume(void *opaque, const uint64_t *words, size_t n, uint64_t **next) {
    Consumer *c = opaque;
    g_assert_true(words == c->buffer);
    g_assert_cmpuint(n, <=, TRACE_BUFFER_WORDS);
    if (n)
        g_assert_cmphex(TRACE_TAG(words[0]), ==, TRACE_SYNC);
    g_array_append_vals(c->words, words, (guint)n);
    g_free(c->buffer);
    c->buffer = *next = g_new(uint64_t, TRACE_BUFFER_WORDS);
    c->calls++;
}

static const HookOps ops = {.trace = consume};

typedef struct Fixture {
    Consumer c;
    Hooks *hooks;
    Machine machine;
    Hart *harts[2];
    Device device;
} Fixture;

/* Just enough of a machine for hooks: two harts and a device. */
static void fixture_init(Fixture *f) {
    memset(f, 0, sizeof *f);
    f->c.words = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    f->hooks = f->machine.hooks = hooks_new();
    f->machine.devices = g_ptr_array_new();
    g_ptr_array_add(f->machine.devices, NULL);
    g_ptr_array_add(f->machine.devices, &f->device);
    f->device.machine = &f->machine;
    for (unsigned i = 0; i < 2; i++) {
        f->harts[i] = g_new0(Hart, 1);
        f->harts[i]->id = i;
        f->harts[i]->machine = &f->machine;
        f->harts[i]->satp = 0x1000 + i;
        f->harts[i]->priv = PRIV_S;
    }
    hooks_subscribe(f->hooks, &ops, &f->c);
}

static void fixture_done(Fixture *f) {
    hooks_unsubscribe(f->hooks, &f->c);
    g_assert_null(f->harts[0]->trace_ptr);
    g_assert_null(f->harts[1]->trace_ptr);
    hooks_free(f->hooks);
    g_ptr_array_unref(f->machine.devices);
    g_free(f->harts[0]);
    g_free(f->harts[1]);
    g_free(f->c.buffer);
    g_array_unref(f->c.words);
}

static void begin(Fixture *f, unsigned hart, Pos pos) {
    f->machine.running = false;
    f->harts[hart]->horizon = pos;
    hooks_trace_begin(f->hooks, f->harts[hart]);
    f->machine.running = true;
}

static void end(Fixture *f, unsigned hart) {
    f->machine.running = false;
    hooks_trace_flush(f->hooks, f->harts[hart]);
}

static void block(Hart *h, uint64_t index) {
    *h->trace_ptr++ = TRACE_BLOCK | index;
}

static void check(const Fixture *f, const uint64_t *want, size_t n) {
    g_assert_cmpmem(f->c.words->data, f->c.words->len * sizeof(uint64_t), want, n * sizeof *want);
}

static void test_turns(void) {
    Fixture f;
    fixture_init(&f);
    begin(&f, 0, 10);
    block(f.harts[0], 1);
    begin(&f, 0, 20); /* the same turn goes on: pos follows from the blocks */
    block(f.harts[0], 2);
    hooks_trace_switch(f.hooks, f.harts[0], f.harts[1]);
    g_assert_null(f.harts[0]->trace_ptr);
    begin(&f, 1, 30);
    block(f.harts[1], 3);
    hooks_trap(f.hooks, &(TrapEvent){.pos = 33, .hart = f.harts[1]});
    block(f.harts[1], 4);
    hooks_trap_return(f.hooks, 40, f.harts[0], PRIV_S); /* another hart's: not in this stream */
    hooks_satp(f.hooks, 50, f.harts[1]);
    hooks_trace_resync(f.hooks);
    begin(&f, 1, 99);
    end(&f, 1);
    const uint64_t want[] = {
        TRACE_SYNC,
        10,
        0x1000,
        1,
        TRACE_BLOCK | 1,
        TRACE_BLOCK | 2,
        TRACE_SYNC | 1,
        30,
        0x1001,
        1,
        TRACE_BLOCK | 3,
        TRACE_SYNC | 1,
        34,
        0x1001,
        1,
        TRACE_BLOCK | 4,
        TRACE_SYNC | 1,
        51,
        0x1001,
        1,
        TRACE_SYNC | 1,
        99,
        0x1001,
        1,
    };
    check(&f, want, G_N_ELEMENTS(want));
    fixture_done(&f);
}

/* A full buffer changes nothing but where a TRACE_SYNC stands. */
static void test_full_buffers(void) {
    Fixture f;
    fixture_init(&f);
    begin(&f, 0, 0);
    Hart *h = f.harts[0];
    for (uint64_t i = 0; i < 3 * TRACE_BUFFER_WORDS; i++) {
        h->horizon = i; /* every block is one step */
        if (h->trace_ptr > h->trace_limit)
            hooks_trace_flush(f.hooks, h);
        block(h, i);
    }
    end(&f, 0);
    g_assert_cmpuint(f.c.calls, >, 3);
    const uint64_t *words = (const uint64_t *)(void *)f.c.words->data;
    uint64_t next = 0;
    for (guint i = 0; i < f.c.words->len; i++) {
        if (TRACE_TAG(words[i]) == TRACE_SYNC) {
            g_assert_cmpuint(words[i + 1], ==, next);
            i += 3;
        } else {
            g_assert_cmphex(words[i], ==, TRACE_BLOCK | next);
            next++;
        }
    }
    g_assert_cmpuint(next, ==, 3 * TRACE_BUFFER_WORDS);
    fixture_done(&f);
}

/* DMA inside a step comes after the step's block, numbered within its pos; long transfers are several
 * records. */
static void test_dma(void) {
    Fixture f;
    fixture_init(&f);
    g_autofree uint8_t *data = g_malloc(10000);
    for (unsigned i = 0; i < 10000; i++)
        data[i] = (uint8_t)(i * 7);
    begin(&f, 0, 5);
    hooks_dma(f.hooks, 5, &f.device, true, 0x80000000, data, 3);
    hooks_dma(f.hooks, 5, &f.device, false, 0x80000010, data, 9);
    block(f.harts[0], 1);
    f.machine.running = false;
    hooks_dma(f.hooks, 6, &f.device, true, 0x80002000, data, 10000);
    begin(&f, 0, 6);
    end(&f, 0);
    const uint64_t *w = (const uint64_t *)(void *)f.c.words->data;
    const uint64_t start[] = {
        TRACE_SYNC, 5, 0x1000, 1, TRACE_BLOCK | 1, TRACE_DMA | 1 | 1 << 16, 5, SEQ_DMA_STEP, 0x80000000, 3};
    g_assert_cmpmem(w, sizeof start, start, sizeof start);
    w += G_N_ELEMENTS(start);
    g_assert_cmphex(*w++, ==, 0x0e0700);
    const uint64_t second[] = {TRACE_DMA | 1, 5, SEQ_DMA_STEP + 1, 0x80000010, 9};
    g_assert_cmpmem(w, sizeof second, second, sizeof second);
    w += G_N_ELEMENTS(second) + 2;
    uint64_t done = 0;
    for (unsigned i = 0; done < 10000; i++) {
        const uint64_t n = MIN(10000 - done, 4096);
        const uint64_t part[] = {TRACE_DMA | 1 | 1 << 16, 6, SEQ_DMA + i, 0x80002000 + done, n};
        g_assert_cmpmem(w, sizeof part, part, sizeof part);
        g_assert_cmpmem(w + 5, n, data + done, n);
        w += 5 + (n + 7) / 8;
        done += n;
    }
    g_assert_true((const uint8_t *)w == (const uint8_t *)f.c.words->data + f.c.words->len * sizeof(uint64_t));
    fixture_done(&f);
}

static void test_blocks(void) {
    Hooks *h = hooks_new();
    uint8_t len[2] = {2, 4};
    uint32_t raw[2] = {0x0001, 0x13};
    TraceMem mem[1] = {{1, 1, TRACE_MEM_LOAD, 3}};
    const TraceBlock *first = NULL;
    for (unsigned i = 0; i < 10000; i++) {
        raw[1] = i;
        TraceBlock b = {0x1000 + i, 0, 2, 1, 4, len, raw, mem};
        g_assert_cmpuint(hooks_trace_add_block(h, &b), ==, i);
        first = i ? first : hooks_trace_block(h, 0);
    }
    g_assert_true(first == hooks_trace_block(h, 0));
    for (unsigned i = 0; i < 10000; i += 999) {
        g_assert_cmpuint(hooks_trace_block(h, i)->pc, ==, 0x1000 + i);
        g_assert_cmpuint(hooks_trace_block(h, i)->insn_raw[1], ==, i);
    }
    hooks_free(h);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hooks/turns", test_turns);
    g_test_add_func("/hooks/full-buffers", test_full_buffers);
    g_test_add_func("/hooks/dma", test_dma);
    g_test_add_func("/hooks/blocks", test_blocks);
    return g_test_run();
}
