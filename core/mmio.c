/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device registers: which region an address belongs to, and the calls of its device. */
#include "core/machine.h"

void machine_add_region(Machine *m, Gpa base, uint64_t size, unsigned min_size, unsigned max_size,
                        Device *d) {
    g_assert(m->n_regions < G_N_ELEMENTS(m->regions));
    uint32_t at = m->n_regions++;
    for (; at > 0 && m->regions[at - 1].base > base; at--)
        m->regions[at] = m->regions[at - 1];
    m->regions[at] = (MmioRegion){base, size, (uint8_t)min_size, (uint8_t)max_size, d};
    g_assert(at == 0 || m->regions[at - 1].base + m->regions[at - 1].size <= base);
    g_assert(at + 1 == m->n_regions || base + size <= m->regions[at + 1].base);
}

const MmioRegion *machine_mmio_region(const Machine *m, Gpa pa) {
    uint32_t low = 0, high = m->n_regions;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (pa < m->regions[mid].base)
            high = mid;
        else if (pa - m->regions[mid].base >= m->regions[mid].size)
            low = mid + 1;
        else
            return &m->regions[mid];
    }
    return NULL;
}

static const MmioRegion *region_for_access(const Machine *m, Gpa pa, unsigned size) {
    const MmioRegion *r = machine_mmio_region(m, pa);
    if (!r || size < r->min_size || size > r->max_size || (pa & (size - 1)) ||
        size > r->size - (pa - r->base))
        return NULL;
    return r;
}

/*
 * A write may change interrupts, deadlines or the machine's fate: the run loop looks after this step. Reads change no
 * more than interrupt lines, and those ask for attention themselves: guests that wait for a register in a loop, or read
 * the time, go on at once.
 */
static void access_done(Machine *m, const MmioRegion *r, Gpa pa, bool is_write, unsigned size,
                        uint64_t value) {
    Hart *h = m->harts[m->current];
    if (is_write)
        h->attention |= ATTN_IRQ;
    hooks_mmio(m->hooks, machine_pos(m), h, r->device, pa - r->base, is_write, size, value);
}

bool machine_mmio_read(Machine *m, Gpa pa, unsigned size, uint64_t *value) {
    const MmioRegion *r = region_for_access(m, pa, size);
    if (!r)
        return false;
    *value = r->device->ops->read(r->device, pa - r->base, size);
    access_done(m, r, pa, false, size, *value);
    return true;
}

bool machine_mmio_write(Machine *m, Gpa pa, uint64_t value, unsigned size) {
    const MmioRegion *r = region_for_access(m, pa, size);
    if (!r)
        return false;
    if (size < 8)
        value &= ((uint64_t)1 << (8 * size)) - 1;
    r->device->ops->write(r->device, pa - r->base, value, size);
    access_done(m, r, pa, true, size, value);
    return true;
}
