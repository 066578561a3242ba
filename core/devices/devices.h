/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of the virt board. Each *_create() makes one device, registers its MMIO region and its state
 * section with the machine, which owns it from then on. Called by board.c during machine_new() only. Register
 * layouts, reset values and access sizes are those of QEMU's virt.
 */
#ifndef CORE_DEVICES_DEVICES_H
#define CORE_DEVICES_DEVICES_H

#include "core/machine.h"

/* nd source of ND_ENTROPY for the device tree's rng-seed; virtio-rng uses its slot number. */
#define ENTROPY_SOURCE_BOARD MACHINE_VIRTIO_SLOTS

/* Fill in the common part; `name` must live as long as the device. plic_source -1: no interrupt. */
void device_init(Device *d, Machine *m, const DeviceOps *ops, const char *name, int plic_source);
/* Bytes that the guest sent out of console port `port`: to the outside world and to observers. */
void device_console_output(Device *d, uint32_t port, const uint8_t *data, uint32_t size);
/* Register name from a sparse table of n pairs; NULL if no register starts at the offset. */
typedef struct RegisterName {
    uint32_t offset;
    const char *name;
} RegisterName;
const char *register_name_find(const RegisterName *table, size_t n, Gpa offset);

/* SiFive test finisher: 0x5555 power off, 0x3333 | code << 16 fail, 0x7777 reset. */
void finisher_create(Machine *m, Gpa base);
/* CLINT, or ACLINT's MSWI and MTIMER: the same registers. Their state is in the harts. */
void aclint_create(Machine *m, Gpa base);
/* ACLINT SSWI, with aclint=on only. */
void sswi_create(Machine *m, Gpa base);
/* Goldfish real-time clock. */
Device *rtc_create(Machine *m, Gpa base, int source);
/* Wall clock at guest time 0, ns since 1970. A second call (guest-requested reset) is ignored: the clock runs
 * on. */
void rtc_set_base(Device *d, uint64_t base_ns);
bool rtc_has_base(const Device *d);
/* SiFive PLIC with an M and an S context per hart. Sets m->plic. */
void plic_create(Machine *m, Gpa base, uint64_t size);
/* 16550A; console port 0. Sets m->consoles[0]. */
void uart_create(Machine *m, Gpa base, int source);
/* A virtio-mmio slot with the device that m->config.virtio[slot] asks for, or none. Fails for an unknown
 * kind. */
bool virtio_create(Machine *m, unsigned slot, Gpa base, int source, GError **error);

#endif
