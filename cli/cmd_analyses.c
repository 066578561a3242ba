/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `analyses`: what can be attached to a replay. */
#include "cli/cli.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "analyses/analysis.h"
#include "analyses/plugin/plugin.h"
#include "analyses/tables.h"

static void add_text(JsonBuilder *b, const char *name, const char *value) {
    json_builder_set_member_name(b, name);
    json_builder_add_string_value(b, value);
}

static void add_words(JsonBuilder *b, const char *name, const char *text, const char *between) {
    g_auto(GStrv) words = g_strsplit(text, between, -1);
    json_builder_set_member_name(b, name);
    json_builder_begin_array(b);
    for (int i = 0; words[i]; i++)
        json_builder_add_string_value(b, words[i]);
    json_builder_end_array(b);
}

/* columns, keys and, by column, values; views have none. */
static void add_table(JsonBuilder *b, const TableInfo *t) {
    json_builder_begin_object(b);
    add_text(b, "name", t->name);
    add_words(b, "columns", t->columns, ", ");
    add_words(b, "keys", t->keys, ", ");
    json_builder_set_member_name(b, "values");
    json_builder_begin_object(b);
    for (const TableEnum *e = t->enums; e->column; e++)
        add_words(b, e->column, e->values, "|");
    json_builder_end_object(b);
    json_builder_end_object(b);
}

static void add_info(JsonBuilder *b, const AnalysisInfo *info) {
    g_auto(GStrv) tables = g_strsplit(info->tables, " ", -1);
    json_builder_begin_object(b);
    add_text(b, "name", info->name);
    add_text(b, "help", info->help);
    add_words(b, "tables", info->tables, " ");
    json_builder_set_member_name(b, "schema");
    json_builder_begin_array(b);
    for (int i = 0; tables[i]; i++)
        if (table_info(tables[i]))
            add_table(b, table_info(tables[i]));
    json_builder_end_array(b);
    json_builder_set_member_name(b, "options");
    json_builder_begin_array(b);
    AnalysisOption o;
    for (size_t k = 0; analysis_option(info, k, &o); k++) {
        json_builder_begin_object(b);
        add_text(b, "name", o.name);
        add_text(b, "values", o.values);
        add_text(b, "default", o.fallback);
        add_text(b, "help", o.help);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
    json_builder_end_object(b);
}

static int print_json(void) {
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_array(b);
    AnalysisInfo info;
    for (size_t i = 0; analysis_info(i, &info); i++)
        add_info(b, &info);
    json_builder_end_array(b);
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    g_autofree char *text = json_to_string(root, TRUE);
    return puts(text), STATUS_OK;
}

static void print_words(void *opaque, const char *text) {
    fputs(text, stderr);
}

static void describe(GString *to, const AnalysisInfo *info) {
    AnalysisOption o;
    g_string_append_printf(to, "%-10s %s\n", info->name, info->help);
    for (size_t k = 0; analysis_option(info, k, &o); k++)
        g_string_append_printf(to, "           %s=%s (default %s): %s\n", o.name, o.values,
                               *o.fallback ? o.fallback : "none", o.help);
}

void analyses_help(GString *to) {
    AnalysisInfo info;
    for (size_t i = 0; analysis_info(i, &info); i++)
        describe(to, &info);
}

/* Tables by their columns, which a table's view NAME_v has as text. */
static void print_table(const char *name) {
    const TableInfo *t = table_info(name);
    if (!t)
        return;
    printf("           %s(%s)\n               keys: %s\n", t->name, t->columns, t->keys);
    for (const TableEnum *e = t->enums; e->column; e++) {
        g_auto(GStrv) values = g_strsplit(e->values, "|", -1);
        g_autofree char *list = g_strjoinv(", ", values);
        printf("               %s: %s\n", e->column, list);
    }
}

static void print_info(const AnalysisInfo *info) {
    g_autoptr(GString) text = g_string_new(NULL);
    describe(text, info);
    printf("%s           tables: %s\n", text->str, info->tables);
    g_auto(GStrv) tables = g_strsplit(info->tables, " ", -1);
    for (int i = 0; tables[i]; i++)
        print_table(tables[i]);
}

static bool print_named(const char *name) {
    AnalysisInfo info;
    for (size_t i = 0; analysis_info(i, &info); i++)
        if (!strcmp(info.name, name))
            return print_info(&info), true;
    return false;
}

/* Plugins, given as files, say what they take. */
static bool print_these(const Args *args, GError **error) {
    PluginHost *host = plugin_host_new(&(PluginEnv){.print = print_words});
    bool ok = true;
    for (guint i = 0; ok && i < args->rest->len; i++)
        if (!print_named(args->rest->pdata[i]))
            ok = plugin_host_add(host, args->rest->pdata[i], error);
    char *text;
    for (guint i = 0; ok && (text = plugin_host_describe(host, i)); i++) {
        fputs(text, stdout);
        g_free(text);
    }
    plugin_host_free(host);
    return ok;
}

int cmd_analyses(const Command *self, Args *args, GError **error) {
    if (args->rest->len)
        return print_these(args, error) ? STATUS_OK : self->failed;
    if (args->json)
        return print_json();
    AnalysisInfo info;
    for (size_t i = 0; analysis_info(i, &info); i++)
        print_info(&info);
    return STATUS_OK;
}
