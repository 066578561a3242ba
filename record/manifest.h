/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside record: the manifest frame, which says what machine was recorded, by whom, and with which images. */
#ifndef RECORD_MANIFEST_H
#define RECORD_MANIFEST_H

#include "record/rec.h"

typedef struct ImageEntry {
    ImageRole role;
    Gpa addr;
    uint64_t size, hash; /* XXH64 of the bytes, seed 0 */
    char *name;
} ImageEntry;

/* Image entries are taken from config->images. */
void manifest_encode(GByteArray *out, const RecInfo *info, const MachineConfig *config);
/*
 * `info` and `config` are filled as far as the bytes go (both to be freed by the caller in any case; config
 * is initialised here, without images) and *images gets the table, of ImageEntry. False: *what says what is
 * wrong.
 */
bool manifest_decode(const uint8_t *data, size_t size, RecInfo *info, MachineConfig *config, GArray *images,
                     const char **what);
uint64_t image_hash(GBytes *data);
void rec_info_clear(RecInfo *info);
void image_entry_clear(ImageEntry *entry);

#endif
