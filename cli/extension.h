/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where sqlite3's loadable extension with our virtual tables is. */
#ifndef CLI_EXTENSION_H
#define CLI_EXTENSION_H

#include <glib.h>

/* Installed, or beside the program in a build folder. Caller frees; NULL with error. */
char *extension_path(GError **error);

#endif
