/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's files as a folder of the host's, for symbols only. Paths are the guest's word: symbolic links and ".." are
 * followed as the guest would, and never lead out of the folder.
 */
#ifndef ANALYSES_SYSROOT_H
#define ANALYSES_SYSROOT_H

#include <glib.h>
#include <stdbool.h>

/* The host's path of a regular file; NULL: there is none. Caller frees. Relative paths begin at the root. */
char *sysroot_find(const char *root, const char *path);
/* Its bytes; NULL too when it is larger than 1 GiB, since the guest says what is read. Caller frees. */
char *sysroot_read(const char *root, const char *path, gsize *size);

#endif
