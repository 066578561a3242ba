/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memtrace: every access of the guest to memory. */
#include "analyses/builtin/builtin.h"

static const RrOption options[] = {
    {"ptw", RR_OPTION_CHOICE, "no", "no|yes",
     "also what the page-table walker writes: accessed and dirty bits"},
    {"storage", RR_OPTION_CHOICE, "chunks", "chunks|rows|index",
     "compressed column chunks; plain rows (large, but readable by any program); or only which pages were "
     "accessed when: a question replays the recording where it must"},
    {"window", RR_OPTION_TEXT, "16M", "STEPS", "storage=index: the unit of what is kept and replayed"},
    {NULL},
};

static bool install(RrSelf *self) {
    return builtin_record(self, RR_RECORD_ACCESSES, options);
}

const RrPlugin memtrace_plugin = {
    .version = RR_PLUGIN_VERSION,
    .name = "memtrace",
    .help = "every load and store, of CPU and devices, with addresses and value",
    .options = options,
    .install = install,
};
