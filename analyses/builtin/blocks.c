/* SPDX-License-Identifier: GPL-2.0-or-later */
/* blocks: how often blocks, edges between them and single instructions ran. */
#include "analyses/builtin/builtin.h"

static const RrOption options[] = {
    {"storage", RR_OPTION_CHOICE, "chunks", "chunks|rows",
     "compressed columns, or plain rows (larger, but readable by any program)"},
    {NULL},
};

static bool install(RrSelf *self) {
    return builtin_record(self, RR_RECORD_BLOCKS, options);
}

const RrPlugin blocks_plugin = {
    .version = RR_PLUGIN_VERSION,
    .name = "blocks",
    .help = "how often blocks, edges between them and single instructions ran",
    .options = options,
    .install = install,
};
