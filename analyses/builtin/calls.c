/* SPDX-License-Identifier: GPL-2.0-or-later */
/* calls: the tree of calls with their arguments and results. */
#include "analyses/builtin/builtin.h"

static const RrOption options[] = {
    {"insns", RR_OPTION_TEXT, "", "N",
     "only calls that took at least so many instructions (1000; with symbol= 0)"},
    {"symbol", RR_OPTION_TEXT, "", "NAME", "only calls of this function"},
    FIRST_AND_LAST,
    {"storage", RR_OPTION_CHOICE, "chunks", "chunks|rows",
     "compressed column chunks, or plain rows (large, but readable by any program)"},
    {NULL},
};

static bool install(RrSelf *self) {
    return builtin_record(self, RR_RECORD_CALLS, options);
}

const RrPlugin calls_plugin = {
    .version = RR_PLUGIN_VERSION,
    .name = "calls",
    .help = "calls with arguments, results and who called",
    .options = options,
    .install = install,
};
