/* SPDX-License-Identifier: GPL-2.0-or-later */
/* insn: every instruction that retired. */
#include "analyses/builtin/builtin.h"

static const RrOption options[] = {
    {"storage", RR_OPTION_CHOICE, "chunks", "chunks|rows",
     "compressed column chunks, or plain rows (large, but readable by any program)"},
    FIRST_AND_LAST,
    PC_OR_SYMBOL,
    {NULL},
};

static bool install(RrSelf *self) {
    return builtin_record(self, RR_RECORD_INSTRUCTIONS, options);
}

const RrPlugin insn_plugin = {
    .version = RR_PLUGIN_VERSION,
    .name = "insn",
    .help = "every instruction that retired",
    .options = options,
    .install = install,
};
