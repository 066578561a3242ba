/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/symbols/sysroot.h"

#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 40u
#define FILE_MAX ((off_t)1 << 30)

static char *host_path(const char *root, const GPtrArray *parts) {
    GString *s = g_string_new(root);
    for (guint i = 0; i < parts->len; i++)
        g_string_append_printf(s, "/%s", (char *)parts->pdata[i]);
    return g_string_free(s, FALSE);
}

/* Put the components of `path` before those that are left to do; the first of them is the last of the array. */
static void push_parts(GPtrArray *left, const char *path) {
    g_auto(GStrv) words = g_strsplit(path, "/", -1);
    for (guint i = g_strv_length(words); i-- > 0;)
        g_ptr_array_add(left, g_strdup(words[i]));
}

/* Steps to one component. False: it is a link too many. */
static bool step(const char *root, GPtrArray *at, GPtrArray *left, const char *name, unsigned *links) {
    if (!*name || !strcmp(name, "."))
        return true;
    if (!strcmp(name, "..")) {
        if (at->len)
            g_ptr_array_set_size(at, (gint)at->len - 1);
        return true;
    }
    g_ptr_array_add(at, g_strdup(name));
    g_autofree char *path = host_path(root, at);
    g_autofree char *target = g_file_read_link(path, NULL);
    if (!target)
        return true;
    g_ptr_array_set_size(at, *target == '/' ? 0 : (gint)at->len - 1);
    push_parts(left, target);
    return ++*links <= LINKS_MAX;
}

char *sysroot_find(const char *root, const char *path) {
    g_autoptr(GPtrArray) at = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) left = g_ptr_array_new_with_free_func(g_free);
    unsigned links = 0;
    struct stat st;
    push_parts(left, path);
    while (left->len) {
        g_autofree char *name = g_ptr_array_steal_index(left, left->len - 1);
        if (!step(root, at, left, name, &links))
            return NULL;
    }
    char *found = host_path(root, at);
    if (at->len && lstat(found, &st) == 0 && S_ISREG(st.st_mode))
        return found;
    g_free(found);
    return NULL;
}

char *sysroot_read(const char *root, const char *path, gsize *size) {
    struct stat st;
    char *data = NULL;
    g_autofree char *found = sysroot_find(root, path);
    bool fits = found && !stat(found, &st) && st.st_size <= FILE_MAX;
    return fits && g_file_get_contents(found, &data, size, NULL) ? data : NULL;
}
