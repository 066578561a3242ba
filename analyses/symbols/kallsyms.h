/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The symbols that a Linux kernel carries in itself (CONFIG_KALLSYMS), read out of its uncompressed image. */
#ifndef ANALYSES_KALLSYMS_H
#define ANALYSES_KALLSYMS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct KernelSymbol {
    char *name;
    uint64_t addr, size; /* up to the next symbol; 0 for the last one */
    char type;           /* as nm shows it: T t D … */
} KernelSymbol;

/*
 * GArray of KernelSymbol in order of address, with a clear function; NULL if there are none. `image` may be any bytes:
 * tables count only if they agree with each other.
 */
GArray *kallsyms_read(const uint8_t *image, size_t size);

#endif
