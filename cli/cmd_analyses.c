/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `analyses`: what can be attached to a replay. */
#include "cli/cli.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "analyses/analysis.h"
#include "analyses/plugin/plugin.h"

static void add_text(JsonBuilder *b, const char *name, const char *value) {
    json_builder_set_member_name(b, name);
    json_builder_add_string_value(b, value);
}

static void add_info(JsonBuilder *b, const AnalysisInfo *info) {
    g_auto(GStrv) tables = g_strsplit(info->tables, " ", -1);
    json_builder_begin_object(b);
    add_text(b, "name", info->name);
    add_text(b, "help", info->help);
    json_builder_set_member_name(b, "tables");
    json_builder_begin_array(b);
    for (int i = 0; tables[i]; i++)
        json_builder_add_string_value(b, tables[i]);
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

static void print_info(const AnalysisInfo *info) {
    AnalysisOption o;
    printf("%-10s %s\n           tables: %s\n", info->name, info->help, info->tables);
    for (size_t k = 0; analysis_option(info, k, &o); k++)
        printf("           %s=%s (default %s): %s\n", o.name, o.values, *o.fallback ? o.fallback : "none",
               o.help);
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
