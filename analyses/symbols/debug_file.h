/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where what was stripped from a program of the guest lies: in a file of its own, found by the program's build id
 * (usr/lib/debug/.build-id/xx/yyy.debug) or by the name and checksum that it carries (.gnu_debuglink), which is looked for
 * beside the program, in .debug there, and under usr/lib/debug.
 */
#ifndef ANALYSES_DEBUG_FILE_H
#define ANALYSES_DEBUG_FILE_H

#include <glib.h>
#include <libelf.h>

/*
 * The bytes of the debug file of `elf`, the guest's file `path` in the folder `root`; NULL: there is none, or it is another
 * build's. build_id: in hex, or NULL. Caller frees.
 */
char *debug_file_read(const char *root, const char *path, Elf *elf, const char *build_id, gsize *size);

#endif
