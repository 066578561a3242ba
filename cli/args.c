/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* OPT_REFUSED: users expect it there; the help says why it is not. */
typedef enum { OPT_FLAG, OPT_STRING, OPT_LIST, OPT_COUNT, OPT_SECONDS, OPT_PERTURB, OPT_REFUSED } OptionKind;

typedef struct Option {
    const char *name, *argument, *help;
    OptionKind kind;
    size_t offset;
    unsigned commands;
} Option;

#define AT(field) offsetof(Args, field)

static const Option options[] = {
    {"-o", "REC", "write the recording to REC (default: a new name in the recordings folder)", OPT_STRING,
     AT(output), CMD_RECORD},
    {"-o", "FILE", "write to FILE (default: stdout)", OPT_STRING, AT(output), CMD_EXPORT},
    {"-o", "FILE", "write the page to FILE (default: REC.html)", OPT_STRING, AT(output), CMD_REPORT},
    {"--force", NULL, "replace an existing recording", OPT_FLAG, AT(force), CMD_RECORD},
    {"--max-insns", "N", "end after N steps (k, M, G allowed)", OPT_COUNT, AT(max_insns),
     CMD_RUN | CMD_RECORD},
    {"--timeout", "S", "end after S seconds of host time", OPT_SECONDS, AT(timeout), CMD_RUN | CMD_RECORD},
    {"--until", "REGEX", "end with status 0 when a console line matches", OPT_STRING, AT(until),
     CMD_RUN | CMD_RECORD},
    {"--fail", "REGEX", "end with status 1 when a console line matches", OPT_STRING, AT(fail),
     CMD_RUN | CMD_RECORD},
    {"--idle", "wait|skip", "what an idle guest does with real time", OPT_STRING, AT(idle),
     CMD_RUN | CMD_RECORD},
    {"--checkpoint", "N", "compare state every N steps (default 128M)", OPT_COUNT, AT(checkpoint),
     CMD_RECORD},
    {"--write-images", NULL, "after a clean end, put the guest's disk writes into the images", OPT_FLAG,
     AT(write_images), CMD_RUN | CMD_RECORD},
    {"--stats", NULL, "print what the engine did", OPT_FLAG, AT(stats), CMD_RUN | CMD_RECORD | CMD_REPLAY},
    {"--analysis", "NAME[,key=value]…", "attach a built-in analysis (rr-emu analyses lists them)", OPT_LIST,
     AT(analyses), CMD_REPLAY},
    {"--plugin", "FILE.so[,key=value]…", "attach a plugin", OPT_LIST, AT(plugins), CMD_REPLAY},
    {"--db", "FILE", "the database to write (default: REC.db)", OPT_STRING, AT(db), CMD_REPLAY},
    {"--from", "POS", "analyse from this position", OPT_STRING, AT(from), CMD_REPLAY},
    {"--to", "POS", "stop at this position", OPT_STRING, AT(to), CMD_REPLAY},
    {"-j", "N", "worker processes, each with a segment of the run (what cannot be merged runs in one)",
     OPT_COUNT, AT(jobs), CMD_REPLAY | CMD_VERIFY},
    {"--segments", "N", "how many segments -j cuts the run into (default: what fits its length)", OPT_COUNT,
     AT(segments), CMD_REPLAY},
    {"--console", NULL, "print the guest's console", OPT_FLAG, AT(console), CMD_REPLAY},
    {"--perturb", "SEED", "disturb everything that must not matter, at random", OPT_PERTURB, AT(perturb_seed),
     CMD_REPLAY},
    {"--backend", "x86_64|interp", "what executes the translated code", OPT_STRING, AT(backend),
     CMD_REPLAY | CMD_VERIFY | CMD_DIFF},
    {"-d", "guest,ir,opt,host,nopt=PASS", "print the translator's stages to stderr, turn a pass off",
     OPT_STRING, AT(dump), CMD_RUN | CMD_RECORD | CMD_REPLAY},
    {"--json", NULL, "machine-readable output", OPT_FLAG, AT(json),
     CMD_INFO | CMD_DIFF | CMD_LIST | CMD_ANALYSES},
    {"--format", "table|csv|json|line", "how rows are printed", OPT_STRING, AT(format), CMD_SQL},
    {"--format", "perfetto|callgrind|folded|lcov|drcov|csv|sqlite", "what is written; the last two take SQL",
     OPT_STRING, AT(format), CMD_EXPORT},
    {"--write", NULL, "open the database for writing", OPT_FLAG, AT(write), CMD_SQL},
    {"--print-extension", NULL, "print the path of the sqlite3 extension", OPT_FLAG, AT(print_extension),
     CMD_SQL},
    {"--symbols", "FILE[@ADDR]", "take symbols from this ELF file", OPT_LIST, AT(symbols),
     CMD_REPLAY | CMD_SQL | CMD_DIFF | CMD_EXPORT | CMD_REPORT},
    {"--symbols", "FILE[@ADDR]", "keep this ELF file in the recording, for its symbols", OPT_LIST,
     AT(symbols), CMD_RECORD},
    {"--sysroot", "DIR", "the folder that has the guest's files: symbols of Linux programs come from there",
     OPT_STRING, AT(sysroot), CMD_REPLAY | CMD_SQL | CMD_DIFF},
    {"--sysroot", "DIR", "replay takes symbols of Linux programs from this folder by default", OPT_STRING,
     AT(sysroot), CMD_RECORD},
    {"--quiet", NULL, "say nothing but errors", OPT_FLAG, AT(quiet), CMD_ALL},
};

GQuark cli_error_quark(void) {
    return g_quark_from_static_string("rr-emu-cli");
}

bool parse_count(const char *text, bool decimal, uint64_t *ret) {
    if (!text || text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    uint64_t value = strtoull(text, &end, hex ? 16 : 10); /* 010 is ten */
    if (errno)
        return false;
    static const char suffixes[] = "kMGT";
    if (*end) {
        const char *at = strchr(suffixes, *end == 'K' ? 'k' : *end == 'm' ? 'M' : *end == 'g' ? 'G' : *end);
        if (!at || end[1])
            return false;
        for (const char *s = suffixes; s <= at; s++)
            if (__builtin_mul_overflow(value, decimal ? 1000u : 1024u, &value))
                return false;
    }
    *ret = value;
    return true;
}

static bool bad_value(const Option *o, const char *value, const char *expected, GError **error) {
    g_set_error(error, CLI_ERROR, 0, "%s: '%s' is not %s", o->name, value, expected);
    return false;
}

static bool option_store(Args *args, const Option *o, const char *value, GError **error) {
    char *field = (char *)args + o->offset;
    if (o->argument && !*value)
        return bad_value(o, value, o->argument, error);
    switch (o->kind) {
    case OPT_REFUSED: return g_set_error(error, CLI_ERROR, 0, "%s: %s", o->name, o->help), false;
    case OPT_FLAG: *(bool *)field = true; return true;
    case OPT_STRING:
        g_free(*(char **)field);
        *(char **)field = g_strdup(value);
        return true;
    case OPT_LIST: {
        GPtrArray **list = (GPtrArray **)field;
        if (!*list)
            *list = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(*list, g_strdup(value));
        return true;
    }
    case OPT_PERTURB:
        args->perturb = true;
        return parse_count(value, true, (uint64_t *)field) ||
               bad_value(o, value, "a number (k, M, G allowed)", error);
    case OPT_COUNT:
        return (parse_count(value, true, (uint64_t *)field) && *(uint64_t *)field > 0) ||
               bad_value(o, value, "a number above 0 (k, M, G allowed)", error);
    case OPT_SECONDS: {
        char *end;
        double seconds = g_ascii_strtod(value, &end);
        if (*end || end == value || !(seconds > 0))
            return bad_value(o, value, "a number of seconds above 0", error);
        *(double *)field = seconds;
        return true;
    }
    }
    g_assert_not_reached();
}

/* The option that `word` names, "--name=value" split; NULL if it is none of this command's. */
static const Option *option_find(const char *word, unsigned command, const char **inline_value) {
    *inline_value = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        const Option *o = &options[i];
        size_t n = strlen(o->name);
        if (!(o->commands & command) || strncmp(word, o->name, n))
            continue;
        bool is_long = o->name[1] == '-';
        if (!word[n])
            return o;
        if (is_long && word[n] == '=' && o->argument)
            return *inline_value = word + n + 1, o;
        if (!is_long && o->kind == OPT_COUNT && g_ascii_isdigit(word[n])) /* -j4 */
            return *inline_value = word + n, o;
    }
    return NULL;
}

bool args_parse(Args *args, unsigned command, bool machine, char **words, int n, GError **error) {
    memset(args, 0, sizeof *args);
    args->rest = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < n; i++) {
        if (!machine && !strcmp(words[i], "--")) {
            for (i++; i < n; i++)
                g_ptr_array_add(args->rest, g_strdup(words[i]));
            break;
        }
        const char *value;
        const Option *o = option_find(words[i], command, &value);
        if (!o) {
            bool comment = g_str_has_prefix(words[i], "--") && g_ascii_isspace(words[i][2]); /* SQL's */
            if (!machine && words[i][0] == '-' && words[i][1] && !comment) {
                g_set_error(error, CLI_ERROR, 0, "unknown option '%s': 'rr-emu help' lists the options",
                            words[i]);
                return false;
            }
            g_ptr_array_add(args->rest, g_strdup(words[i]));
            continue;
        }
        if (o->argument && !value) {
            if (i + 1 >= n) {
                g_set_error(error, CLI_ERROR, 0, "%s needs a value: %s %s", o->name, o->name, o->argument);
                return false;
            }
            value = words[++i];
        }
        if (!option_store(args, o, value, error))
            return false;
    }
    return true;
}

bool args_at_most(const Args *args, guint n, const char *expected, GError **error) {
    if (args->rest->len <= n)
        return true;
    g_set_error(error, CLI_ERROR, 0, "'%s': expected %s", (const char *)args->rest->pdata[n], expected);
    return false;
}

void args_done(Args *args) {
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        char *field = (char *)args + options[i].offset;
        if (options[i].kind == OPT_STRING)
            g_clear_pointer((char **)field, g_free);
        else if (options[i].kind == OPT_LIST)
            g_clear_pointer((GPtrArray **)field, g_ptr_array_unref);
    }
    g_clear_pointer(&args->rest, g_ptr_array_unref);
}

void help_line(GString *to, const char *left, int width, const char *help) {
    glong n = g_utf8_strlen(left, -1);
    if (n <= width)
        g_string_append_printf(to, "  %s%*s %s\n", left, (int)(width - n), "", help);
    else
        g_string_append_printf(to, "  %s\n  %*s %s\n", left, width, "", help);
}

void args_help(GString *to, unsigned command) {
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        const Option *o = &options[i];
        if (!(o->commands & command) || o->kind == OPT_REFUSED)
            continue;
        g_autofree char *left =
            g_strdup_printf("%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        help_line(to, left, 28, o->help);
    }
}
