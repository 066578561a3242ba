/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm.h"

#define TABLE(n) (TABLE_BASE + 4096ul * (n))
#define TABLES_SIZE 0x10000ul
#define DATA_PAGES (DATA_SIZE / 4096)
#define ADUE (1ul << 61)
enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_G = 32, PTE_A = 64, PTE_D = 128 };
enum { PMP_R = 1, PMP_W = 2, PMP_NAPOT = 0x18 };

uint64_t vm_offset;
static unsigned n_tables;
static uint8_t order[DATA_PAGES] = {0, 1, 2, 3};

static uint64_t new_table(void) {
    uint64_t at = TABLE(n_tables++);

    memset_words(at, 4096);
    return at;
}

static void map_page(unsigned levels, uint64_t va, uint64_t pa, uint64_t flags) {
    uint64_t table = TABLE(0);

    for (unsigned level = levels - 1; level > 0; level--) {
        uint64_t at = table + (va >> (12 + 9 * level) & 511) * 8;
        if (!read64(at))
            write64(at, new_table() >> 12 << 10 | PTE_V);
        table = read64(at) >> 10 << 12;
    }
    write64(table + (va >> 12 & 511) * 8, pa >> 12 << 10 | flags | PTE_V);
}

/* Canonical for so many levels, in either half, and such that neither code nor data leave it. */
static uint64_t random_offset(unsigned levels) {
    uint64_t offset = random64() & ((1ul << (11 + 9 * levels)) - 1) & ~0xfffful & ~(3ul << 30);

    return one_in(2) ? offset : offset | ~0ul << (11 + 9 * levels);
}

static void shuffle(void) {
    for (unsigned i = DATA_PAGES - 1; i > 0; i--) {
        unsigned k = below(i + 1);
        uint8_t page = order[i];
        order[i] = order[k];
        order[k] = page;
    }
}

void vm_on(unsigned priv) {
    unsigned levels = 3 + below(3);
    bool user = priv != PRIV_S;
    uint64_t ad = one_in(4) ? PTE_A * below(2) : PTE_A | PTE_D;

    csr_set(menvcfg, ADUE);
    /* Without Svadu they fault, an SC that has no reservation too or not (unprivileged §14.2 leaves it open). */
    if (!(csr_read(menvcfg) & ADUE))
        ad = PTE_A | PTE_D;
    n_tables = 0;
    new_table();
    shuffle();
    vm_offset = priv == PRIV_M ? 0 : random_offset(levels);
    map_page(levels, CODE_BASE + vm_offset, CODE_BASE, PTE_X | ad | (user ? PTE_U : 0));
    /* S mode reads U mode's pages too (SUM). */
    for (unsigned i = 0; i < DATA_PAGES; i++)
        map_page(levels, DATA_BASE + i * 4096 + vm_offset, DATA_BASE + order[i] * 4096ul,
                 PTE_R | PTE_W | ad | (user || one_in(2) ? PTE_U : 0) | (one_in(8) ? PTE_G : 0));
    csr_write(pmpaddr2, TABLE_BASE >> 2 | ((TABLES_SIZE >> 3) - 1));
    csr_set(pmpcfg0, (PMP_R | PMP_W | PMP_NAPOT) << 16);
    csr_write(satp, (uint64_t)(levels + 5) << 60 | (uint64_t)below(4) << 44 | TABLE(0) >> 12);
    __asm__ volatile("sfence.vma" ::: "memory");
}

void vm_off(void) {
    csr_write(satp, 0);
    __asm__ volatile("sfence.vma" ::: "memory");
    vm_offset = 0;
    for (unsigned i = 0; i < DATA_PAGES; i++)
        order[i] = (uint8_t)i;
}

uint64_t vm_data(uint64_t at) {
    unsigned page = (at - DATA_BASE) >> 12;

    return page < DATA_PAGES ? DATA_BASE + order[page] * 4096ul + (at & 0xfff) : at;
}
