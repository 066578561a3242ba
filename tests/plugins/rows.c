/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows that cannot be written, a table declared twice, a plugin that leaves: what becomes of the rows of before. */
#include <stdlib.h>

#include <rr-plugin.h>

static const RrColumn columns[] = {{"vaddr", RR_ADDRESS, false}, {0}};
static const RrOption options[] = {{"fail", RR_OPTION_BOOL, "off", NULL, "rows with the same seq"},
                                   {"leave", RR_OPTION_BOOL, "off", NULL, "exit() after a few rows"},
                                   {"twice", RR_OPTION_BOOL, "off", NULL, "declare the table twice"},
                                   {"limit", RR_OPTION_INT, "10", NULL, "rows"},
#ifdef BAD_OPTION
                                   {"bad", RR_OPTION_INT, "ten", NULL, "its fallback is no number"},
#endif
                                   {0}};
static RrTable *table;
static int64_t n;

static bool install(RrSelf *self) {
    table = rr_table(self, NULL, columns);
    if (rr_option_bool(self, "twice"))
        rr_table(self, NULL, columns);
    return true;
}

/* The seq of one kind of callback has room for 2^20 rows at a pos; one more collides with the next kind's. */
static void on_insn(RrSelf *self, const RrHart *hart, void *data) {
    for (int i = 0; n == 3 && rr_option_bool(self, "fail") && i <= 1 << 20; i++)
        rr_row(table, (RrValue[]){{.integer = i}});
}

static void on_access(RrSelf *self, const RrHart *hart, const RrAccess *access, void *data) {
    if (n++ < rr_option_int(self, "limit"))
        rr_row(table, (RrValue[]){{.integer = (int64_t)access->vaddr}});
    if (n == 5 && rr_option_bool(self, "leave"))
        exit(3);
}

static void translate(RrSelf *self, RrBlock *block) {
    for (size_t i = 0; i < rr_block_insns(block); i++) {
        RrInsn insn = rr_block_insn(block, i);
        if (!insn.may_load && !insn.may_store)
            continue;
        rr_on_insn(block, i, on_insn, NULL);
        rr_on_access(block, i, RR_ACCESSES, on_access, NULL);
    }
}

RR_EXPORT const RrPlugin rr_plugin = {.version = RR_PLUGIN_VERSION,
                                      .name = "few",
                                      .help = "the first accesses",
                                      .options = options,
                                      .install = install,
                                      .translate = translate};
