/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/extension.h"

#include <unistd.h>

#include "cli/args.h"

char *extension_path(GError **error) {
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = program ? g_path_get_dirname(program) : g_strdup(".");
    char *places[] = {
        g_build_filename(folder, "..", "analyses", "rremu.so", NULL),
        g_strdup(EXTENSION_FOLDER "/rremu.so"),
    };
    char *found = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        if (!found && !access(places[i], R_OK))
            found = g_canonicalize_filename(places[i], NULL);
        g_free(places[i]);
    }
    if (!found)
        g_set_error(error, CLI_ERROR, 0, "the sqlite3 extension rremu.so is neither beside %s nor in %s",
                    folder, EXTENSION_FOLDER);
    return found;
}
