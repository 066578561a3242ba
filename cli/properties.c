/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/properties.h"

#include <string.h>

#include "cli/args.h"

/* The words between commas; two commas are one that is meant (file names). */
static GPtrArray *split_words(const char *text) {
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    GString *word = g_string_new(NULL);
    for (; *text; text++) {
        if (*text == ',' && *++text != ',') {
            g_ptr_array_add(words, g_string_free(word, FALSE));
            word = g_string_new(NULL);
            text--;
        } else {
            g_string_append_c(word, *text);
        }
    }
    g_ptr_array_add(words, g_string_free(word, FALSE));
    return words;
}

Properties *properties_new(const char *text) {
    Properties *p = g_new0(Properties, 1);
    p->keys = g_ptr_array_new_with_free_func(g_free);
    p->values = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) words = split_words(text);
    for (guint i = 0; i < words->len && *text; i++) {
        const char *word = words->pdata[i], *eq = strchr(word, '=');
        if (!eq && i == 0) {
            p->first = g_strdup(word);
            continue;
        }
        g_ptr_array_add(p->keys, eq ? g_strndup(word, (gsize)(eq - word)) : g_strdup(word));
        g_ptr_array_add(p->values, g_strdup(eq ? eq + 1 : "on"));
    }
    return p;
}

void properties_free(Properties *p) {
    g_free(p->first);
    g_ptr_array_unref(p->keys);
    g_ptr_array_unref(p->values);
    g_free(p);
}
char *properties_take(Properties *p, const char *key) {
    for (guint i = 0; i < p->keys->len; i++) {
        if (strcmp(p->keys->pdata[i], key))
            continue;
        char *value = g_strdup(p->values->pdata[i]);
        g_ptr_array_remove_index(p->keys, i);
        g_ptr_array_remove_index(p->values, i);
        return value;
    }
    return NULL;
}

bool properties_finish(const Properties *p, const char *option, const char *supported, GError **error) {
    if (!p->keys->len)
        return true;
    g_set_error(error, CLI_ERROR, 0, "%s: property '%s=%s' is not supported; supported: %s", option,
                (char *)p->keys->pdata[0], (char *)p->values->pdata[0], supported);
    return false;
}

bool parse_on_off(const char *option, const char *key, const char *value, bool *ret, GError **error) {
    if (!strcmp(value, "on") || !strcmp(value, "true") || !strcmp(value, "yes"))
        *ret = true;
    else if (!strcmp(value, "off") || !strcmp(value, "false") || !strcmp(value, "no"))
        *ret = false;
    else {
        g_set_error(error, CLI_ERROR, 0, "%s: %s=%s: expected on or off", option, key, value);
        return false;
    }
    return true;
}

bool refuse(const char *option, const char *value, const char *supported, GError **error) {
    g_set_error(error, CLI_ERROR, 0, "%s: '%s' is not supported; supported: %s", option, value, supported);
    return false;
}
