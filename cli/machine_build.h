/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MACHINE is parsed in two steps because QEMU's options may come in any order: first each option leaves its value in
 * the Collected lists (machine_args.c), then backends, devices and images are made from them, in the order of build().
 * Private to machine_*.c.
 */
#ifndef CLI_MACHINE_BUILD_H
#define CLI_MACHINE_BUILD_H

#include "cli/machine_args.h"

typedef struct Collected {
    MachineSetup *s;
    char *bios, *kernel, *initrd, *dtb, *append, *serial, *nic;
    char *pflash[2];
    GPtrArray *drives, *devices, *chardevs, *objects, *netdevs; /* of char* */
    bool nographic, nodefaults, snapshot;
} Collected;

/* machine_ports.c: a character backend, in -serial's words, becomes port `number` of the live world. */
bool build_port(Collected *c, unsigned number, const char *text, GError **error);
/* machine_devices.c: what one -drive, -object or -device says; drives before the devices that name them. */
bool build_drive(Collected *c, const char *text, GError **error);
bool build_object(Collected *c, const char *text, GError **error);
bool build_device(Collected *c, const char *text, GError **error);
/* machine_images.c: reads a file into the configuration; `option` is named in errors. */
bool build_image(MachineConfig *config, ImageRole role, const char *option, const char *path, Gpa addr,
                 GError **error);
/* machine_images.c: firmware, kernel, initrd, device tree, flash, and the command line. */
bool build_images(Collected *c, GError **error);

#endif
