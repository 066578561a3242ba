/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The optimiser's pipeline: passes in the order in which they run, ended by a NULL name. */
#ifndef TCG_OPT_PASSES_H
#define TCG_OPT_PASSES_H

#include "tcg/ir/ir.h"

typedef struct OptPass {
    const char *name;
    void (*run)(IrBlock *b);
} OptPass;

extern const OptPass opt_passes[];

#endif
