/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices live inside the deterministic world: a device is a function of its registers' accesses, guest time,
 * and bytes that came through the nd door. It has MMIO regions, deadlines, interrupt outputs and a state
 * section.
 */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include "core/state.h"
#include "core/types.h"

typedef struct Machine Machine;
typedef struct Device Device;

typedef struct DeviceOps {
    const char *type; /* "uart", "plic", "virtio-blk" … as tables show it */
    /* offset is inside the region and aligned to size; size is 1, 2, 4 or 8 and allowed by the region. */
    uint64_t (*read)(Device *d, Gpa offset, unsigned size);
    void (*write)(Device *d, Gpa offset, uint64_t value, unsigned size);
    void (*reset)(Device *d);
    /* A deadline that the device set came due, at exactly that guest time. */
    void (*deadline)(Device *d);
    /* An asynchronous event (console bytes, a frame) for this device. */
    void (*input)(Device *d, uint32_t source, const uint8_t *data, uint32_t size);
    /* Name of the register at an offset, for the mmio table; NULL if it has none. */
    const char *(*register_name)(const Device *d, Gpa offset);
    void (*free)(Device *d);
} DeviceOps;

struct Device {
    const DeviceOps *ops;
    const char *name; /* "uart0", "virtio3" … unique, static lifetime of the device */
    Machine *machine;
    Nsec when;       /* next deadline or NSEC_NEVER; the device's state section must hold or recompute it */
    int plic_source; /* PLIC input or -1 */
    Nsec
        submitted; /* for observers: when the request being worked on was submitted, NSEC_NEVER between requests */
};

/* An MMIO window. Access sizes outside [min_size, max_size] are access faults (as on QEMU). */
typedef struct MmioRegion {
    Gpa base;
    uint64_t size;
    uint8_t min_size, max_size;
    Device *device;
} MmioRegion;

/* Drive the device's interrupt line into the PLIC. */
void device_set_irq(Device *d, bool level);
/* Ask for (or, with NSEC_NEVER, cancel) a call of ops->deadline at guest time `when`. */
void device_set_deadline(Device *d, Nsec when);

/*
 * DMA: guest-physical RAM only; false if any byte is outside. Writes are announced (mmu_ram_written) and both
 * are reported to observers with the device's name.
 */
bool device_dma_read(Device *d, Gpa pa, void *to, uint64_t size);
bool device_dma_write(Device *d, Gpa pa, const void *from, uint64_t size);

#endif
