/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that rr-emu records by itself, for a plugin that has a table of its own too; and what is wrong to ask for. */
#include <string.h>

#include <rr-plugin.h>

static const RrOption options[] = {
    {"storage", RR_OPTION_TEXT, "chunks", NULL, "how rows are kept"},
    {"regs", RR_OPTION_TEXT, "x", NULL, "which registers"},
    {"only", RR_OPTION_BOOL, "off", NULL, "accesses only"},
    {"wrong", RR_OPTION_CHOICE, "no", "no|setting|value|suffix|twice|table|late", "a fault of the plugin's"},
    {0}};
static const RrColumn columns[] = {{"epc", RR_ADDRESS, false}, {0}};
static RrTable *table;

static bool is_wrong(const RrSelf *self, const char *how) {
    return !strcmp(rr_option_text(self, "wrong"), how);
}

static bool install(RrSelf *self) {
    const RrSetting kept[] = {{"storage", rr_option_text(self, "storage")}, {0}};
    const RrSetting regs[] = {kept[0], {"regs", rr_option_text(self, "regs")}, {0}};
    const RrSetting calls[] = {kept[0], {"insns", "0"}, {0}};
    const RrSetting unknown[] = {{"colour", "blue"}, {0}};
    if (is_wrong(self, "setting"))
        rr_record(self, RR_RECORD_BLOCKS, NULL, unknown);
    if (is_wrong(self, "value"))
        rr_record(self, RR_RECORD_BLOCKS, NULL, (const RrSetting[]){{"storage", NULL}, {0}});
    if (is_wrong(self, "suffix"))
        rr_record(self, RR_RECORD_ACCESSES, "a \"b", NULL);
    if (is_wrong(self, "table"))
        rr_table(self, "mem_write", columns);
    if (is_wrong(self, "twice"))
        rr_record(self, RR_RECORD_INSTRUCTIONS, "mem", NULL);
    table = rr_table(self, NULL, columns);
    rr_record(self, RR_RECORD_ACCESSES, "mem", kept); /* what it says is known to rr-emu, too */
    return rr_option_bool(self, "only") || (rr_record(self, RR_RECORD_INSTRUCTIONS, "insn", kept) &&
                                            rr_record(self, RR_RECORD_REGISTERS, "regs", regs) &&
                                            rr_record(self, RR_RECORD_BLOCKS, NULL, kept) &&
                                            rr_record(self, RR_RECORD_FUNCTIONS, NULL, NULL) &&
                                            rr_record(self, RR_RECORD_CALLS, NULL, calls));
}

static void trap(RrSelf *self, const RrTrap *event) {
    RrValue row[] = {{.integer = (int64_t)event->epc}};
    if (is_wrong(self, "late"))
        rr_record(self, RR_RECORD_CALLS, NULL, NULL);
    rr_row(table, row);
}

#ifdef MERGE
static void merge(RrSelf *self, const void *bytes, size_t size) {}
#endif

RR_EXPORT const RrPlugin rr_plugin = {.version = RR_PLUGIN_VERSION,
                                      .name = "rec",
                                      .help = "what rr-emu records by itself",
                                      .options = options,
                                      .install = install,
#ifdef MERGE
                                      .merge = merge,
#endif
                                      .trap = trap};
