/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/ir/helpers.h"

const IrHelperInfo ir_helpers[IR_N_HELPERS] = {
#define H(name, flags) [HELPER_##name] = {#name, helper_##name, flags},
    IR_HELPERS(H)
#undef H
};
