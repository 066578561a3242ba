/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which instructions keep reaching devices. An access to a device is only made as the last of its block; in the middle of
 * one it is undone, and the instruction is interpreted alone. One that does nothing else (it waits for a register, reads
 * the time, writes to a console) is better translated as a block of its own, which may reach devices.
 */
#ifndef TCG_DEVICE_SITES_H
#define TCG_DEVICE_SITES_H

#include <glib.h>
#include "core/types.h"

enum { DEVICE_SITES = 256 };

typedef struct DeviceSites {
    struct {
        Gva pc;
        Pos pos; /* of its last access */
        unsigned score;
    } seen[DEVICE_SITES];
    GHashTable *pages; /* host page index -> bit per 2 bytes of it */
} DeviceSites;

void device_sites_init(DeviceSites *s);
void device_sites_done(DeviceSites *s);
void device_sites_clear(DeviceSites *s);
/* The instruction at pc reaches a device: has it lately done so often? */
bool device_sites_is_hot(DeviceSites *s, Gva pc, Pos pos);
void device_sites_add(DeviceSites *s, uint32_t page, uint32_t offset);
/* Those in a host page, a bit per 2 bytes, or NULL. */
const uint64_t *device_sites_of(const DeviceSites *s, uint32_t page);

#endif
