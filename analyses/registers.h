/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hart's registers by name: ABI names, CSRs, pc and priv. */
#ifndef ANALYSES_REGISTERS_H
#define ANALYSES_REGISTERS_H

#include "core/hart.h"

typedef enum { REG_X, REG_F, REG_CSR, REG_PC, REG_PRIV } RegKind;

typedef struct Reg {
    const char *name; /* static */
    uint8_t kind;
    uint16_t number;
} Reg;

/* False: there is no such register. */
bool register_find(const char *name, Reg *ret);
/* Now, without side effects; false: this hart has no such CSR. */
bool register_read(const Hart *h, const Reg *reg, uint64_t *ret);

#endif
