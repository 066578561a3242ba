/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine made by hand for unit tests of the ISA core: RAM, a ROM page, a device page, harts; no board, no
 * engine. */
#ifndef TESTS_UNIT_BARE_MACHINE_H
#define TESTS_UNIT_BARE_MACHINE_H

#include "core/csr.h"
#include "core/csr_bits.h"
#include "core/machine.h"
#include "core/mmu.h"
#include "core/trap.h"

#define BARE_RAM 0x80000000ull
#define BARE_RAM_SIZE (64 * PAGE_SIZE)
#define BARE_ROM 0x1000ull
#define BARE_DEVICE 0x10000000ull /* one 4-byte register, allowed sizes 4 */

/* The default CPU model; a test may change m->config.isa and reset the harts. */
Machine *bare_machine_new(unsigned n_harts);
void bare_machine_free(Machine *m);

/* The engine's place is taken by a fake that notes what was invalidated. */
typedef struct BareEngine {
    Engine engine;
    unsigned n_invalidated, n_flushed;
    uint32_t page, offset, size;
} BareEngine;
BareEngine *bare_engine(Machine *m);

/* CSR access by name in M-mode's rights whatever the privilege; asserts that it is legal. */
uint64_t bare_csr_read(Hart *h, const char *name);
void bare_csr_write(Hart *h, const char *name, uint64_t value);
/* As the hart's own instruction; false: illegal. */
bool bare_csr_legal(Hart *h, const char *name, bool writes);

uint64_t bare_ram_get(Machine *m, Gpa pa);
/* As if the loader wrote it: announced. */
void bare_ram_set(Machine *m, Gpa pa, uint64_t value);

/* What generated code does: the inline probe, else the slow path; exit is left for the caller to look at. */
uint64_t bare_load(Hart *h, Gva va, unsigned log2_size);
void bare_store(Hart *h, Gva va, uint64_t value, unsigned log2_size);
/* The exception that the hart noted, or -1; cleared. EXIT_REDO must not be pending. */
int bare_fault(Hart *h);

#endif
