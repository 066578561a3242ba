/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flattened device tree that the firmware and the kernel are handed. */
#ifndef CORE_DEVICETREE_H
#define CORE_DEVICETREE_H

#include "core/machine.h"

/* What /chosen says beyond the machine itself. */
typedef struct FdtChosen {
    const char *bootargs;         /* NULL: none */
    Gpa initrd_start, initrd_end; /* equal: none */
    uint8_t rng_seed[32];
} FdtChosen;

/* The tree of the machine. Never fails: sizes are bounded by the configuration. */
GBytes *fdt_build(const Machine *m, const FdtChosen *chosen);
/* The user's own tree (-dtb) with /chosen completed. Fails if it is not a valid device tree. */
bool fdt_adapt(const MachineImage *image, const FdtChosen *chosen, GBytes **ret, GError **error);

#endif
