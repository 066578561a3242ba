/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands, one table: dispatch, help and completion derive from it. */
#include "cli/cli.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli/machine_args.h"
#include "schema/version.h"

static int cmd_help(const Command *self, Args *args, GError **error);

static const Command commands[] = {
    {"run", "[MACHINE]", "run a machine, record nothing", CMD_RUN, true, STATUS_RR_FAILED, cmd_run},
    {"record", "[-o REC] [MACHINE]", "run a machine and keep what came from outside", CMD_RECORD, true,
     STATUS_RR_FAILED, cmd_run},
    {"replay", "[REC]", "run a recording again, with analyses", CMD_REPLAY, false, STATUS_FAILED, cmd_replay},
    {"verify", "[REC]", "replay all of it and compare every checkpoint", CMD_VERIFY, false, STATUS_FAILED,
     cmd_verify},
    {"info", "[REC]", "what a recording holds", CMD_INFO, false, STATUS_FAILED, cmd_info},
    {"list", "", "recordings in the default folder", CMD_LIST, false, STATUS_FAILED, cmd_list},
    {"rm", "REC…", "remove recordings and their databases", CMD_RM, false, STATUS_FAILED, cmd_rm},
    {"sql", "[REC|DB]… [SQL]", "ask a recording or its database", CMD_SQL, false, STATUS_FAILED, cmd_sql},
    {"diff", "A B", "the first divergence of two recordings", CMD_DIFF, false, STATUS_FAILED, cmd_diff},
    {"analyses", "", "the built-in analyses, their options and tables", CMD_ANALYSES, false, STATUS_FAILED,
     cmd_analyses},
    {"help", "[COMMAND]", "this text, or a command's options", CMD_HELP, false, STATUS_FAILED, cmd_help},
};

void say(const char *format, ...) {
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "rr-emu: %s\n", text);
}

void tell(const Args *args, const char *format, ...) {
    if (args->quiet)
        return;
    va_list list;
    va_start(list, format);
    g_autofree char *text = g_strdup_vprintf(format, list);
    va_end(list);
    fprintf(stderr, "rr-emu: %s\n", text);
}

static const Command *command_find(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static void print_overview(void) {
    puts("Run a RISC-V machine once; replay it exactly, as often as you like, and ask in SQL what it "
         "did.\n\nCommands:");
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *left = g_strdup_printf("rr-emu %-9s %s", commands[i].name, commands[i].synopsis);
        help_line(text, left, 37, commands[i].help);
    }
    help_line(text, "rr-emu --version", 37, "the release, and the versions of what it reads and writes");
    fputs(text->str, stdout);
    puts("\nMACHINE is spelled as for qemu-system-riscv64. 'rr-emu help COMMAND' lists a command's options.");
}

static int cmd_help(const Command *self, Args *args, GError **error) {
    if (!args->rest->len)
        return print_overview(), STATUS_OK;
    const char *name = args->rest->pdata[0];
    const Command *c = command_find(name);
    if (!c) {
        g_set_error(error, CLI_ERROR, 0, "no command '%s'; 'rr-emu help' lists them", name);
        return self->failed;
    }
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "rr-emu %s %s\n%s\n\nOptions:\n", c->name, c->synopsis, c->help);
    args_help(text, c->bit);
    if (c->machine) {
        g_string_append(text, "\nMACHINE, as qemu-system-riscv64 spells it:\n");
        machine_args_help(text);
    }
    fputs(text->str, stdout);
    return STATUS_OK;
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, "");
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return print_overview(), argc < 2 ? STATUS_FAILED : STATUS_OK;
    if (!strcmp(argv[1], "--version"))
        return printf("rr-emu %s (format %u, behaviour %u, schema %u)\n", RR_VERSION, RREC_FORMAT_VERSION,
                      RR_BEHAVIOUR_VERSION, RR_DB_SCHEMA_VERSION),
               STATUS_OK;
    const Command *c = command_find(argv[1]);
    if (!c)
        return say("no command '%s'; 'rr-emu help' lists them", argv[1]), STATUS_FAILED;
    for (int i = 2; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-help") || (i == 2 && !strcmp(argv[i], "-h"))) {
            Args help = {.rest = g_ptr_array_new()};
            g_ptr_array_add(help.rest, (gpointer)c->name);
            return cmd_help(c, &help, NULL);
        }
    Args args;
    GError *error = NULL;
    int status = c->failed;
    if (args_parse(&args, c->bit, c->machine, argv + 2, argc - 2, &error))
        status = c->run(c, &args, &error);
    if (error) {
        say("%s", error->message);
        g_error_free(error);
    }
    args_done(&args);
    return status;
}
