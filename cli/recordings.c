/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The default folder: where `record` without -o writes and what the other commands take by default. */
#include "cli/cli.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char *recordings_folder(void) {
    const char *own = g_getenv("RR_EMU_DIR");
    return own && *own ? g_strdup(own) : g_build_filename(g_get_user_data_dir(), "rr-emu", NULL);
}

char *recordings_new_name(GError **error) {
    g_autofree char *folder = recordings_folder();
    if (g_mkdir_with_parents(folder, 0700)) {
        g_set_error(error, CLI_ERROR, 0, "%s: %s; set RR_EMU_DIR or give -o REC", folder, g_strerror(errno));
        return NULL;
    }
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *stamp = g_date_time_format(now, "%Y%m%d-%H%M%S");
    for (unsigned i = 0;; i++) {
        g_autofree char *name =
            i ? g_strdup_printf("%s-%u.rrec", stamp, i) : g_strdup_printf("%s.rrec", stamp);
        char *path = g_build_filename(folder, name, NULL);
        if (access(path, F_OK))
            return path;
        g_free(path);
    }
}

static int by_time(gconstpointer a, gconstpointer b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    GStatBuf s = {0}, t = {0};
    g_stat(x, &s);
    g_stat(y, &t);
    if (s.st_mtim.tv_sec != t.st_mtim.tv_sec)
        return s.st_mtim.tv_sec < t.st_mtim.tv_sec ? -1 : 1;
    if (s.st_mtim.tv_nsec != t.st_mtim.tv_nsec)
        return s.st_mtim.tv_nsec < t.st_mtim.tv_nsec ? -1 : 1;
    return strcmp(x, y);
}

GPtrArray *recordings_all(void) {
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = recordings_folder();
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (g_str_has_suffix(name, ".rrec"))
            g_ptr_array_add(all, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(all, by_time);
    return all;
}

char *recordings_newest(GError **error) {
    g_autoptr(GPtrArray) all = recordings_all();
    if (all->len)
        return g_strdup(all->pdata[all->len - 1]);
    g_autofree char *folder = recordings_folder();
    g_set_error(error, CLI_ERROR, 0, "no recording in %s; name one, or make one with 'rr-emu record'",
                folder);
    return NULL;
}

bool recording_open(Args *args, guint index, Rec **ret, char **path, GError **error) {
    g_autofree char *name = NULL;
    if (index < args->rest->len) {
        name = g_strdup(args->rest->pdata[index]);
    } else {
        name = recordings_newest(error);
        if (!name)
            return false;
        tell(args, "%s", name);
    }
    if (!rec_open(name, ret, error))
        return false;
    if (path)
        *path = g_steal_pointer(&name);
    return true;
}
