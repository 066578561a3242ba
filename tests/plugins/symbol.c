/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The symbol and the source line of an address, each time that a program gets there. */
#include <rr-plugin.h>

static const RrOption options[] = {{"address", RR_OPTION_INT, "0", NULL, "where"}, {0}};
static const RrColumn columns[] = {
    {"name", RR_TEXT, false}, {"file", RR_TEXT, false}, {"line", RR_INTEGER, false}, {0}};
static RrTable *table;

static void on_insn(RrSelf *self, const RrHart *hart, void *data) {
    char name[64], file[256];
    if (rr_priv(hart) || !rr_symbol(self, rr_pc(hart), name, sizeof name))
        return;
    unsigned line = rr_line(self, rr_pc(hart), file, sizeof file);
    rr_row(table, (RrValue[]){{.bytes = name}, {.bytes = file}, {.integer = line}});
}

static void translate(RrSelf *self, RrBlock *block) {
    for (size_t i = 0; i < rr_block_insns(block); i++)
        if (rr_block_insn(block, i).pc == (uint64_t)rr_option_int(self, "address"))
            rr_on_insn(block, i, on_insn, NULL);
}

static bool install(RrSelf *self) {
    table = rr_table(self, NULL, columns);
    return true;
}

RR_EXPORT const RrPlugin rr_plugin = {.version = RR_PLUGIN_VERSION,
                                      .name = "names",
                                      .help = "the symbol of an address",
                                      .options = options,
                                      .install = install,
                                      .translate = translate};
