/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rr-emu's own options (not the machine's): one table from which parsing, `rr-emu help` and the usage errors
 * derive. The machine's options, spelled as QEMU's, are in machine_args.h.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define CLI_ERROR (cli_error_quark())
GQuark cli_error_quark(void);

/* Which commands take an option: bits. */
enum {
    CMD_RUN = 1 << 0,
    CMD_RECORD = 1 << 1,
    CMD_REPLAY = 1 << 2,
    CMD_VERIFY = 1 << 3,
    CMD_INFO = 1 << 4,
    CMD_LIST = 1 << 5,
    CMD_RM = 1 << 6,
    CMD_SQL = 1 << 7,
    CMD_DIFF = 1 << 8,
    CMD_ANALYSES = 1 << 9,
    CMD_HELP = 1 << 10,
    CMD_EXPORT = 1 << 11,
    CMD_REPORT = 1 << 12,
    CMD_ALL = (1 << 13) - 1,
};

typedef struct Args {
    char *output; /* -o */
    bool force, stats, console, json, write, quiet, write_images, print_extension;
    uint64_t max_insns, checkpoint; /* steps; 0: none, the default */
    double timeout;                 /* seconds; 0: none */
    char *until, *fail;             /* regular expressions on console lines */
    char *db, *from, *to, *format, *idle, *dump, *backend, *sysroot;
    uint64_t jobs, segments; /* 0: not said */
    bool perturb;
    uint64_t perturb_seed;
    GPtrArray *analyses, *plugins, *symbols;
    GPtrArray *rest; /* everything that is not an option of ours, in order */
} Args;

void args_done(Args *args);
/*
 * Parse words[0..n) for the command with bit `command`. Words after a lone "--" and words that are no option of ours
 * go to rest; with `machine` set, unknown options do too (they are the machine's), otherwise they are refused.
 */
bool args_parse(Args *args, unsigned command, bool machine, char **words, int n, GError **error);
/* Whether rest has at most n words; the first one too many is named, with what was `expected`. */
bool args_at_most(const Args *args, guint n, const char *expected, GError **error);
/* Append the options of a command to a help text. */
void args_help(GString *to, unsigned command);
/* "  LEFT   help", the help on a line of its own if LEFT is wider than `width`. */
void help_line(GString *to, const char *left, int width, const char *help);

/* "10", "10k", "3M", "2G", "0x1000": powers of 1000 when decimal is set, else of 1024. */
bool parse_count(const char *text, bool decimal, uint64_t *ret);

#endif
