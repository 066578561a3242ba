/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The symbols that a Linux kernel carries in itself (CONFIG_KALLSYMS), read out of its uncompressed image. */
#ifndef ANALYSES_KALLSYMS_H
#define ANALYSES_KALLSYMS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct KernelSymbol {
    uint64_t addr, size; /* up to the next symbol; 0 for the last one */
    uint32_t name;       /* where in text, ended by 0 */
    char type;           /* as nm shows it: T t D … */
} KernelSymbol;

typedef struct KernelSymbols {
    KernelSymbol *symbol; /* in order of address */
    uint32_t n;           /* 1 or more */
    char *text;
} KernelSymbols;

/* NULL: there are none. `image` may be any bytes: tables count only if they agree with each other. */
KernelSymbols *kallsyms_read(const uint8_t *image, size_t size);
void kallsyms_free(KernelSymbols *s); /* NULL is allowed */

#endif
