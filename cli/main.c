/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands, one table: dispatch, help and completion derive from it. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
    {"export", "[REC|DB] [SQL]", "a database in other programs' formats", CMD_EXPORT, false, STATUS_FAILED,
     cmd_export},
    {"report", "[REC|DB]", "one page of pictures: tasks, functions, memory, console", CMD_REPORT, false,
     STATUS_FAILED, cmd_report},
    {"diff", "A B", "the first divergence of two recordings", CMD_DIFF, false, STATUS_FAILED, cmd_diff},
    {"analyses", "[NAME|FILE.so]…", "the built-in analyses, those only, or plugins: their options and tables",
     CMD_ANALYSES, false, STATUS_FAILED, cmd_analyses},
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

static void print_command(const Command *c) {
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "rr-emu %s %s\n%s\n\nOptions:\n", c->name, c->synopsis, c->help);
    args_help(text, c->bit);
    if (c->bit == CMD_REPLAY) {
        g_string_append(text,
                        "\nAnalyses, and what they take ('rr-emu analyses' describes their tables too):\n");
        analyses_help(text);
    }
    if (c->machine) {
        g_string_append(text, "\nMACHINE, as qemu-system-riscv64 spells it:\n");
        machine_args_help(text);
    }
    fputs(text->str, stdout);
}

static int cmd_help(const Command *self, Args *args, GError **error) {
    if (!args_at_most(args, 1, "one command", error))
        return self->failed;
    if (!args->rest->len)
        return print_overview(), STATUS_OK;
    const char *name = args->rest->pdata[0];
    const Command *c = command_find(name);
    if (c)
        return print_command(c), STATUS_OK;
    g_set_error(error, CLI_ERROR, 0, "no command '%s'; 'rr-emu help' lists them", name);
    return self->failed;
}

/* A descriptor that the caller closed would be given to a file of ours, and what is printed would go into that. */
static void open_standard(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

static bool flush_output(void) {
    if (!fflush(stdout) && !ferror(stdout))
        return true;
    say("standard output: %s", errno ? g_strerror(errno) : "cannot write");
    return false;
}

static bool asks_for_help(int argc, char **argv) {
    for (int i = 2; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-help") || (i == 2 && !strcmp(argv[i], "-h")))
            return true;
    return false;
}

static int command_run(const Command *c, int argc, char **argv) {
    Args args;
    GError *error = NULL;
    int status = c->failed;
    if (args_parse(&args, c->bit, c->machine, argv, argc, &error))
        status = c->run(c, &args, &error);
    if (error) {
        say("%s", error->message);
        g_error_free(error);
    }
    args_done(&args);
    return status;
}

int main(int argc, char **argv) {
    open_standard();
    setlocale(LC_CTYPE, "");
    const char *word = argc < 2 ? "" : argv[1];
    const Command *c = command_find(word);
    int status = STATUS_OK;
    if (argc < 2 || !strcmp(word, "--help") || !strcmp(word, "-h")) {
        print_overview();
        status = argc < 2 ? STATUS_FAILED : STATUS_OK;
    } else if (!strcmp(word, "--version")) {
        printf("rr-emu %s (format %u, behaviour %u, schema %u)\n", RR_VERSION, RREC_FORMAT_VERSION,
               RR_BEHAVIOUR_VERSION, RR_DB_SCHEMA_VERSION);
    } else if (!c) {
        say("no command '%s'; 'rr-emu help' lists them", word);
        status = STATUS_FAILED;
    } else if (asks_for_help(argc, argv)) {
        print_command(c);
    } else {
        status = command_run(c, argc - 2, argv + 2);
    }
    return flush_output() ? status : c ? c->failed : STATUS_FAILED;
}
