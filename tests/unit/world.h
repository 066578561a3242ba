/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine without an engine in a small world: fixed clock and entropy, a disk of known blocks, output kept.
 */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "core/machine.h"

typedef struct World {
    Nd nd;
    MachineConfig config;
    Hooks *hooks;
    Machine *m;
    GString *output;  /* what the guest sent, all ports */
    unsigned fetches; /* of disk blocks */
    int fail;         /* errno for the next fetches; 0: they work */
} World;

/* A configuration to be changed before world_start(). */
World *world_new(void);
void world_free(World *w);
void world_image(World *w, ImageRole role, const void *bytes, size_t size);
/* Build and reset the machine; false with an error as machine_new() and machine_reset() say. */
bool world_start(World *w, GError **error);
/* Guest time passes, deadlines fire. */
void world_wait(World *w, Nsec ns);
uint64_t world_read(World *w, Gpa pa, unsigned size);
void world_write(World *w, Gpa pa, uint64_t value, unsigned size);
void world_input(World *w, unsigned port, const char *text);
/* The byte at `offset` of the disk that the world has. */
uint8_t world_disk_byte(uint64_t offset);
#define WORLD_CLOCK UINT64_C(1234567890123456789)

#endif
