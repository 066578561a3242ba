/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/opt/passes.h"

const OptPass opt_passes[] = {
    {"fold", opt_fold},
    {"dead", opt_dead},
    {NULL, NULL},
};
