/* SPDX-License-Identifier: GPL-2.0-or-later */
/* regs: register values, at each change, every N steps, or at an address. */
#include "analyses/builtin/builtin.h"

static const RrOption options[] = {
    {"regs", RR_OPTION_TEXT, "x", "LIST",
     "names with + between them; x and f stand for all integer or FP registers"},
    {"every", RR_OPTION_TEXT, "", "N", "their values before every N-th step, not each change"},
    {"storage", RR_OPTION_CHOICE, "chunks", "chunks|rows",
     "compressed column chunks, or plain rows (large, but readable by any program)"},
    FIRST_AND_LAST,
    PC_OR_SYMBOL,
    {NULL},
};

static bool install(RrSelf *self) {
    return builtin_record(self, RR_RECORD_REGISTERS, options);
}

const RrPlugin regs_plugin = {
    .version = RR_PLUGIN_VERSION,
    .name = "regs",
    .help = "register values: each change, every N steps, or at an address",
    .options = options,
    .install = install,
};
