/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What machine to build: the command line's meaning, free of files and of the host. A recording's manifest
 * holds exactly this; replay builds the same machine from it. Owned strings are g_malloc'ed.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <glib.h>
#include "core/isa.h"
#include "core/types.h"

#define MACHINE_MAX_HARTS 8
#define MACHINE_VIRTIO_SLOTS 8

typedef enum {
    IMAGE_BIOS,
    IMAGE_KERNEL,
    IMAGE_INITRD,
    IMAGE_DTB,
    IMAGE_PFLASH0,
    IMAGE_PFLASH1,
    IMAGE_LOADER,
    IMAGE_SYMBOLS, /* for observers: an ELF file; addr: where its first segment lies, IMAGE_AS_LINKED: not moved */
    IMAGE_SYSROOT, /* likewise: no bytes; its name is a folder of the host that recorded */
    IMAGE_ROLES
} ImageRole;

#define IMAGE_AS_LINKED UINT64_MAX

/* Bytes the loader puts into the machine; the last two roles are not its business. The bytes are shared and read-only. */
typedef struct MachineImage {
    ImageRole role;
    char *name;   /* path as given, for messages and `info` */
    GBytes *data; /* never NULL */
    Gpa addr;     /* IMAGE_LOADER, IMAGE_SYMBOLS: where; else unused */
} MachineImage;

typedef enum {
    VIRTIO_NONE = 0,
    VIRTIO_NET = 1,
    VIRTIO_BLK = 2,
    VIRTIO_CONSOLE = 3,
    VIRTIO_RNG = 4
} VirtioKind;

typedef struct VirtioSlotConfig {
    VirtioKind kind;  /* VIRTIO_NONE: an empty transport */
    char *id;         /* drive/chardev/netdev id, for messages */
    uint32_t drive;   /* VIRTIO_BLK: drive number as used by nd (ND_BLOCK source) */
    uint64_t sectors; /* VIRTIO_BLK: capacity in 512-byte sectors */
    bool readonly;
    uint8_t mac[6]; /* VIRTIO_NET */
} VirtioSlotConfig;

typedef struct MachineConfig {
    Isa isa;
    uint32_t n_harts;
    uint64_t ram_size;      /* bytes, multiple of PAGE_SIZE */
    uint32_t icount_shift;  /* one step is 2^shift ns */
    uint64_t schedule_seed; /* SMP turns */
    uint64_t rtc_base_ns;   /* set from ND_CLOCK at start; UINT64_MAX: ask nd */
    bool aclint;
    bool no_reboot;     /* a guest reset request ends the run */
    char *append;       /* kernel command line, may be NULL */
    GPtrArray *images;  /* of MachineImage* */
    bool virtio_legacy; /* virtio-mmio version 1, as QEMU's force-legacy=true; default true */
    /* Slot i is at 0x10001000 + 0x1000 * i with PLIC source 1 + i. QEMU fills from slot 7 downwards. */
    VirtioSlotConfig virtio[MACHINE_VIRTIO_SLOTS];
    uint32_t n_console; /* console ports: 0 = UART, then virtio consoles from slot 7 down */
} MachineConfig;

void machine_config_init(MachineConfig *c); /* -M virt -cpu rv64 -m 128M -smp 1 */
void machine_config_done(MachineConfig *c);
/* `to` is not initialised before; images' bytes are shared. */
void machine_config_copy(MachineConfig *to, const MachineConfig *from);
MachineImage *machine_image_new(ImageRole role, const char *name, GBytes *data, Gpa addr);
void machine_image_free(MachineImage *image);
/* First image of a role or NULL. */
const MachineImage *machine_config_image(const MachineConfig *c, ImageRole role);
const char *image_role_name(ImageRole role);

#endif
