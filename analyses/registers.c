/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/registers.h"

#include <string.h>

#include "core/csr.h"

bool register_find(const char *name, Reg *ret) {
    for (unsigned i = 0; i < 32; i++) {
        bool is_x = !strcmp(name, hart_x_name(i)), is_f = !strcmp(name, hart_f_name(i));
        if (is_x || is_f) {
            *ret = (Reg){is_x ? hart_x_name(i) : hart_f_name(i), is_x ? REG_X : REG_F, (uint16_t)i};
            return true;
        }
    }
    if (!strcmp(name, "pc") || !strcmp(name, "priv")) {
        *ret = name[1] == 'c' ? (Reg){"pc", REG_PC, 0} : (Reg){"priv", REG_PRIV, 0};
        return true;
    }
    int csr = csr_number(name);
    if (csr >= 0)
        *ret = (Reg){csr_name((unsigned)csr), REG_CSR, (uint16_t)csr};
    return csr >= 0;
}

bool register_read(const Hart *h, const Reg *reg, uint64_t *ret) {
    switch (reg->kind) {
    case REG_X: *ret = h->x[reg->number]; return true;
    case REG_F: *ret = h->f[reg->number]; return true;
    case REG_PC: *ret = h->pc; return true;
    case REG_PRIV: *ret = h->priv; return true;
    default: return csr_peek(h, reg->number, ret);
    }
}
