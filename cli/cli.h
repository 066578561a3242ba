/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands share: messages, exit statuses, where recordings live, positions. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <glib.h>
#include "cli/args.h"
#include "record/rec.h"

/* Exit statuses, CONTRACT: `run` and `record` give the guest's; the others 0, 1 (differs), 2 (could not). */
enum {
    STATUS_OK = 0,
    STATUS_DIFFERS = 1,
    STATUS_FAILED = 2,
    STATUS_ENDED = 124,     /* a limit ended the run; the recording is complete */
    STATUS_RR_FAILED = 125, /* run and record: rr-emu itself failed */
};

typedef struct Command {
    const char *name, *synopsis, *help;
    unsigned bit;
    bool machine; /* takes MACHINE: unknown options are the machine's */
    int failed;   /* status when the command itself fails: 125 or 2 */
    int (*run)(const struct Command *self, Args *args, GError **error);
} Command;

int cmd_run(const Command *self, Args *args, GError **error);
int cmd_replay(const Command *self, Args *args, GError **error);
int cmd_verify(const Command *self, Args *args, GError **error);
int cmd_info(const Command *self, Args *args, GError **error);
int cmd_list(const Command *self, Args *args, GError **error);
int cmd_rm(const Command *self, Args *args, GError **error);
int cmd_sql(const Command *self, Args *args, GError **error);
int cmd_export(const Command *self, Args *args, GError **error);
int cmd_report(const Command *self, Args *args, GError **error);
int cmd_diff(const Command *self, Args *args, GError **error);
int cmd_analyses(const Command *self, Args *args, GError **error);

/* The built-in analyses and their options, a line each (cmd_analyses.c). */
void analyses_help(GString *to);

/* "rr-emu: …\n" on stderr. */
void say(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* The same unless --quiet was given. */
void tell(const Args *args, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* -- recordings by name (recordings.c) ---------------------------------------------------------------------- */
/* $RR_EMU_DIR, else $XDG_DATA_HOME/rr-emu. Caller frees. */
char *recordings_folder(void);
/* A new file name in it; the folder is made. NULL with error. */
char *recordings_new_name(GError **error);
/* The newest recording's path, or NULL with error. */
char *recordings_newest(GError **error);
/* Paths of all, oldest first. */
GPtrArray *recordings_all(void);
/* Open args->rest[index], or the newest (named on stderr) when there is no such word. */
bool recording_open(Args *args, guint index, Rec **ret, char **path, GError **error);

/* -- positions (position.c) --------------------------------------------------------------------------------- */
/* POS of the command line: a step count, start, end, 42%, console:TEXT. */
bool position_parse(const Rec *rec, const char *text, Pos *ret, GError **error);

/* -- how a run ended (outcome.c) ---------------------------------------------------------------------------- */
int outcome_status(uint32_t stop, uint32_t code);
char *outcome_text(uint32_t stop, uint32_t code);         /* caller frees */
const char *outcome_reason(uint32_t stop, uint32_t code); /* one word for meta and --json */

/* "1.2 G", "34.5 k": for messages. Caller frees. */
char *human_count(uint64_t n);

#endif
