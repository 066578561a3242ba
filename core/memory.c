/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RAM-like memory. Host pages of all blocks are numbered through in the order in which the blocks were added.
 * The bytes are anonymous mappings, so that guest memory nobody touched costs nothing.
 */
#include "core/memory.h"

#include <string.h>
#include <sys/mman.h>

#include "core/mmu.h"

RamBlock *machine_add_ram(Machine *m, const char *name, Gpa base, uint64_t size, bool readonly) {
    g_assert(m->n_blocks < G_N_ELEMENTS(m->blocks));
    g_assert(size && !(size & ~PAGE_MASK) && !(base & ~PAGE_MASK));
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED)
        return NULL;
    RamBlock *b = &m->blocks[m->n_blocks++];
    *b = (RamBlock){name, base, size, host, m->n_pages, readonly};
    m->n_pages += size >> PAGE_BITS;
    return b;
}

/* Zeros everywhere, and no page resident. */
void memory_clear(Machine *m) {
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        RamBlock *b = &m->blocks[i];
        if (madvise(b->host, b->size, MADV_DONTNEED))
            memset(b->host, 0, b->size); /* as good, but resident */
    }
    /* Every page may differ from its hash and from the last snapshot now. */
    for (uint32_t p = 0; p < m->n_pages; p++)
        if (m->page_hash[p] || (m->page_copy && m->page_copy[p]))
            m->page_flags[p] |= PAGE_DIRTY;
}

void memory_free(Machine *m) {
    for (uint32_t i = 0; i < m->n_blocks; i++)
        munmap(m->blocks[i].host, m->blocks[i].size);
    m->n_blocks = 0;
}

const RamBlock *machine_ram_block(const Machine *m, Gpa pa) {
    if (m->ram && pa - m->ram->base < m->ram->size)
        return m->ram;
    for (uint32_t i = 0; i < m->n_blocks; i++)
        if (pa - m->blocks[i].base < m->blocks[i].size)
            return &m->blocks[i];
    return NULL;
}

uint8_t *machine_ram_ptr(const Machine *m, Gpa pa, uint64_t size) {
    const RamBlock *b = machine_ram_block(m, pa);
    if (!b || size > b->size - (pa - b->base))
        return NULL;
    return b->host + (pa - b->base);
}

uint32_t machine_page_index(const Machine *m, Gpa pa) {
    const RamBlock *b = machine_ram_block(m, pa);
    return b ? b->first_page + (uint32_t)((pa - b->base) >> PAGE_BITS) : UINT32_MAX;
}

static const RamBlock *block_of_page(const Machine *m, uint32_t page) {
    g_assert(page < m->n_pages);
    const RamBlock *b = &m->blocks[m->n_blocks - 1];
    while (page < b->first_page)
        b--;
    return b;
}

Gpa machine_page_address(const Machine *m, uint32_t page) {
    const RamBlock *b = block_of_page(m, page);
    return b->base + ((Gpa)(page - b->first_page) << PAGE_BITS);
}

uint8_t *machine_page_host(const Machine *m, uint32_t page) {
    const RamBlock *b = block_of_page(m, page);
    return b->host + ((uint64_t)(page - b->first_page) << PAGE_BITS);
}

bool machine_ram_write(Machine *m, Gpa pa, const void *from, uint64_t size) {
    const RamBlock *b = machine_ram_block(m, pa);
    uint8_t *to = machine_ram_ptr(m, pa, size);
    if (!to || (b->readonly && !m->in_reset))
        return false;
    for (uint64_t done = 0; done < size;) {
        uint32_t offset = (uint32_t)((pa + done) & ~PAGE_MASK);
        uint32_t n = (uint32_t)MIN(size - done, PAGE_SIZE - offset);
        mmu_ram_written(m, machine_page_index(m, pa + done), offset, n);
        memcpy(to + done, (const uint8_t *)from + done, n);
        done += n;
    }
    return true;
}

bool device_dma_read(Device *d, Gpa pa, void *to, uint64_t size) {
    const uint8_t *from = machine_ram_ptr(d->machine, pa, size);
    if (!from)
        return false;
    memcpy(to, from, size);
    hooks_dma(d->machine->hooks, machine_pos(d->machine), d, false, pa, to, size);
    return true;
}

bool device_dma_write(Device *d, Gpa pa, const void *from, uint64_t size) {
    if (!machine_ram_write(d->machine, pa, from, size))
        return false;
    hooks_dma(d->machine->hooks, machine_pos(d->machine), d, true, pa, from, size);
    return true;
}
