/* SPDX-License-Identifier: GPL-2.0-or-later */
/* funcs: how often each function was called, and how many instructions it took, alone and with what it called. */
#include "analyses/builtin/builtin.h"

static bool install(RrSelf *self) {
    return builtin_record(self, RR_RECORD_FUNCTIONS, NULL);
}

const RrPlugin funcs_plugin = {
    .version = RR_PLUGIN_VERSION,
    .name = "funcs",
    .help = "functions: calls, instructions alone and with what they called",
    .install = install,
};
