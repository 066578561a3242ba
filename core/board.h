/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The composition of QEMU's `virt`: which memory, devices and interrupts exist, and what a reset loads.
 * Called by machine.c only.
 */
#ifndef CORE_BOARD_H
#define CORE_BOARD_H

#include "core/machine.h"

/*
 * Part of machine_new(): m->config, nd, hooks and the harts exist. Adds the RAM blocks (machine_add_ram), the
 * devices with their regions and state sections, and sets m->reset_vector. Refuses impossible configurations
 * and images that do not fit.
 */
bool board_create(Machine *m, GError **error);
/*
 * Part of machine_reset(), after RAM-backed memory keeps its contents and before the harts are reset: loads
 * ROMs, kernel, initrd and device tree (their bytes are written again on a guest-requested reset).
 */
bool board_load(Machine *m, GError **error);

#endif
