/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of a test, for docs/conformance.py. */
#ifndef TESTS_RANDOM_REPORT_H
#define TESTS_RANDOM_REPORT_H

#include <glib.h>

/* path may be NULL: nobody wants to know. The folder is made. */
static inline void report_write(const char *path, const char *json) {
    if (!path)
        return;
    g_autofree char *folder = g_path_get_dirname(path);
    g_mkdir_with_parents(folder, 0777);
    g_file_set_contents(path, json, -1, NULL);
}

#endif
