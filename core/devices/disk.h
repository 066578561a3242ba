/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk as the guest sees it: an image outside, read block by block through nd, and over it everything that
 * was read or written so far. The image is never written.
 */
#ifndef CORE_DEVICES_DISK_H
#define CORE_DEVICES_DISK_H

#include "core/machine.h"

#define DISK_SECTOR 512u
#define DISK_BLOCK 4096u

typedef struct Disk Disk;

Disk *disk_new(Machine *m, uint32_t drive, uint64_t sectors);
void disk_free(Disk *d);
/* False: the host failed to read the image. [sector, sector + size/512) must be on the disk. */
bool disk_read(Disk *d, uint64_t sector, uint8_t *to, uint32_t size);
bool disk_write(Disk *d, uint64_t sector, const uint8_t *from, uint32_t size);
void disk_save(const Disk *d, GByteArray *out);
/* Eight bytes that stand for what disk_save() would append: only blocks written since the last time are read.
 */
void disk_digest(Disk *d, GByteArray *out);
bool disk_load(Disk *d, StateReader *r);

/*
 * The blocks of DISK_BLOCK bytes that the guest wrote (the last one of a disk may be shorter), in ascending
 * order: how many, and each. Zero for a drive that no device has.
 */
typedef void (*DiskBlockFunc)(void *opaque, uint64_t block, const uint8_t *data, uint32_t size);
uint64_t disk_visit_written(const Machine *m, uint32_t drive, DiskBlockFunc visit, void *opaque);

#endif
