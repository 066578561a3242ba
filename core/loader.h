/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting images into guest memory: ELF executables, the Linux Image format, raw binaries. */
#ifndef CORE_LOADER_H
#define CORE_LOADER_H

#include "core/machine.h"

typedef struct LoadedImage {
    Gpa low;   /* first byte loaded */
    Gpa high;  /* first byte after what the image occupies, its zero-filled part included */
    Gpa entry; /* ELF: its entry point; else low */
    bool is_elf;
} LoadedImage;

/*
 * Load an executable image (firmware, kernel, loader file): ELF segments go to their physical addresses,
 * anything else to raw_at as it is. Refuses, saying what it found: other machines' or 32-bit ELF files,
 * malformed ones, compressed kernels, and what does not fit into memory.
 */
bool loader_load_executable(Machine *m, const MachineImage *image, Gpa raw_at, LoadedImage *ret,
                            GError **error);
/* Load bytes (initrd, device tree, flash contents) to `at`; all of [at, limit) is available to them. */
bool loader_load_bytes(Machine *m, const MachineImage *image, Gpa at, Gpa limit, GError **error);

/* Write bytes of the machine's own (static name) and note them in m->loads. False, nothing done: not in
 * memory. */
bool loader_write(Machine *m, const char *name, Gpa at, const void *bytes, uint64_t size);

#endif
