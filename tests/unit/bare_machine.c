/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bare_machine.h"

#include <string.h>

#include "core/memory.h"

static uint64_t device_read(Device *d, Gpa offset, unsigned size) {
    return 0x12345678 + offset;
}
static void device_write(Device *d, Gpa offset, uint64_t value, unsigned size) {
    d->when = value;
}

static const DeviceOps device_ops = {.type = "test", .read = device_read, .write = device_write};

static void engine_invalidate(Engine *e, uint32_t page, uint32_t offset, uint32_t size) {
    BareEngine *b = (BareEngine *)e;
    b->n_invalidated++;
    b->page = page;
    b->offset = offset;
    b->size = size;
}

static void engine_flush(Engine *e) {
    ((BareEngine *)e)->n_flushed++;
}

static const EngineOps engine_ops = {
    .name = "test", .invalidate_code = engine_invalidate, .flush = engine_flush};

Machine *bare_machine_new(unsigned n_harts) {
    Machine *m = g_new0(Machine, 1);
    machine_config_init(&m->config);
    m->config.n_harts = m->n_harts = n_harts;
    m->hooks = hooks_new();
    machine_add_ram(m, "mrom", BARE_ROM, PAGE_SIZE, true);
    m->ram = machine_add_ram(m, "ram", BARE_RAM, BARE_RAM_SIZE, false);
    m->page_flags = g_new0(uint8_t, m->n_pages + 1);
    Device *d = g_new0(Device, 1);
    d->ops = &device_ops;
    d->name = "test0";
    d->machine = m;
    machine_add_region(m, BARE_DEVICE, PAGE_SIZE, 4, 4, d);
    BareEngine *e = g_new0(BareEngine, 1);
    e->engine.ops = &engine_ops;
    m->engine = &e->engine;
    mmu_init(m);
    for (unsigned i = 0; i < n_harts; i++) {
        m->harts[i] = hart_new(m, i);
        hart_reset(m->harts[i], BARE_RAM);
        m->harts[i]->horizon = 1000;
        m->harts[i]->budget = 1000;
    }
    return m;
}

void bare_machine_free(Machine *m) {
    g_free(m->regions[0].device);
    g_free(m->engine);
    for (unsigned i = 0; i < m->n_harts; i++)
        hart_free(m->harts[i]);
    mmu_done(m);
    memory_free(m);
    hooks_free(m->hooks);
    machine_config_done(&m->config);
    g_free(m->page_flags);
    g_free(m);
}

BareEngine *bare_engine(Machine *m) {
    return (BareEngine *)m->engine;
}

static unsigned number_of(const char *name) {
    int csr = csr_number(name);
    g_assert_cmpint(csr, >=, 0);
    return (unsigned)csr;
}

uint64_t bare_csr_read(Hart *h, const char *name) {
    uint64_t value = 0;
    g_assert_true(csr_peek(h, number_of(name), &value));
    return value;
}

void bare_csr_write(Hart *h, const char *name, uint64_t value) {
    uint8_t priv = h->priv;
    h->priv = PRIV_M;
    g_assert_true(csr_access(h, number_of(name), 1, false, true, value, NULL));
    h->priv = priv;
    hart_update_flags(h);
}

bool bare_csr_legal(Hart *h, const char *name, bool writes) {
    uint64_t old = 0;
    return csr_access(h, number_of(name), 2, true, writes, 0, &old);
}

uint64_t bare_ram_get(Machine *m, Gpa pa) {
    uint64_t value;
    memcpy(&value, machine_ram_ptr(m, pa, sizeof value), sizeof value);
    return GUINT64_FROM_LE(value);
}

void bare_ram_set(Machine *m, Gpa pa, uint64_t value) {
    value = GUINT64_TO_LE(value);
    g_assert_true(machine_ram_write(m, pa, &value, sizeof value));
}

static MemOp make_op(const Hart *h, unsigned log2_size, MemKind kind) {
    return log2_size | (h->flags >> FLAG_CTX_SHIFT & 7) << MEM_CTX_SHIFT | (uint32_t)kind << MEM_KIND_SHIFT;
}

static TlbEntry *probe(Hart *h, Gva va) {
    return &h->tlb[h->flags >> FLAG_CTX_SHIFT & 7][(va >> PAGE_BITS) % TLB_ENTRIES];
}

uint64_t bare_load(Hart *h, Gva va, unsigned log2_size) {
    TlbEntry *e = probe(h, va);
    uint64_t size = 1u << log2_size, value = 0;
    if ((va & (PAGE_MASK | (size - 1))) == e->read) {
        memcpy(&value, (const void *)(uintptr_t)(va + e->addend), size);
        return GUINT64_FROM_LE(value);
    }
    MemOp op = make_op(h, log2_size, MEM_LOAD);
    value = mmu_load(h, va, op);
    if (h->exit != EXIT_REDO)
        return value;
    h->exit = EXIT_NONE;
    return mmu_load(h, va, op | MEM_LAST);
}

void bare_store(Hart *h, Gva va, uint64_t value, unsigned log2_size) {
    TlbEntry *e = probe(h, va);
    uint64_t size = 1u << log2_size, le = GUINT64_TO_LE(value);
    if ((va & (PAGE_MASK | (size - 1))) == e->write) {
        memcpy((void *)(uintptr_t)(va + e->addend), &le, size);
        return;
    }
    MemOp op = make_op(h, log2_size, MEM_STORE);
    mmu_store(h, va, value, op);
    if (h->exit != EXIT_REDO)
        return;
    h->exit = EXIT_NONE;
    mmu_store(h, va, value, op | MEM_LAST);
}

int bare_fault(Hart *h) {
    g_assert_cmpint(h->exit, !=, EXIT_REDO);
    int cause = h->exit == EXIT_FAULT ? (int)h->exc_cause : -1;
    h->exit = EXIT_NONE;
    return cause;
}
