/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/devices/disk.h"

#define XXH_INLINE_ALL
#include <string.h>
#include <xxhash.h>

/* A block that was read from the image or written. */
typedef struct DiskBlock {
    uint64_t number;
    uint64_t digest; /* what it counts in the disk's; 0 until it was computed */
    bool written;
    bool stale; /* in the disk's list of blocks whose digest is to be computed again */
    uint8_t data[DISK_BLOCK];
} DiskBlock;

struct Disk {
    Machine *machine;
    uint32_t drive;
    uint64_t sectors;
    GTree *blocks;    /* DiskBlock by number: in order, so that state does not depend on history */
    GPtrArray *stale; /* DiskBlock: new or changed since the digest was last asked for */
    uint64_t digest;  /* sum over the blocks */
};

static gint compare_numbers(gconstpointer a, gconstpointer b, gpointer unused) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static GTree *blocks_new(void) {
    return g_tree_new_full(compare_numbers, NULL, NULL, g_free);
}

Disk *disk_new(Machine *m, uint32_t drive, uint64_t sectors) {
    Disk *d = g_new0(Disk, 1);

    d->machine = m;
    d->drive = drive;
    d->sectors = sectors;
    d->blocks = blocks_new();
    d->stale = g_ptr_array_new();
    return d;
}

void disk_free(Disk *d) {
    g_tree_unref(d->blocks);
    g_ptr_array_unref(d->stale);
    g_free(d);
}

static uint32_t block_size(const Disk *d, uint64_t number) {
    uint64_t end = d->sectors * DISK_SECTOR, start = number * DISK_BLOCK;

    g_assert(start < end);
    return (uint32_t)MIN(DISK_BLOCK, end - start);
}

static void block_changed(Disk *d, DiskBlock *b) {
    if (!b->stale)
        g_ptr_array_add(d->stale, b);
    b->stale = true;
}

/* The block, read from the image if this is its first use and its former contents matter. NULL: the host
 * failed. */
static DiskBlock *block_get(Disk *d, uint64_t number, bool need_contents) {
    DiskBlock *b = g_tree_lookup(d->blocks, &number);
    Machine *m = d->machine;
    int err = 0;

    if (b != NULL)
        return b;
    b = g_new0(DiskBlock, 1);
    b->number = number;
    if (need_contents && !m->nd->ops->fetch(m->nd, machine_pos(m), machine_time(m), ND_BLOCK, d->drive,
                                            number, b->data, block_size(d, number), &err)) {
        g_free(b);
        return NULL;
    }
    g_tree_insert(d->blocks, &b->number, b);
    block_changed(d, b);
    return b;
}

/* Walk the blocks under [sector, sector + size/512). */
static bool disk_copy(Disk *d, uint64_t sector, uint8_t *bytes, uint32_t size, bool is_write) {
    uint64_t at = sector * DISK_SECTOR;

    g_assert(sector <= d->sectors && size <= (d->sectors - sector) * DISK_SECTOR);
    for (uint32_t part; size != 0; at += part, bytes += part, size -= part) {
        uint64_t number = at / DISK_BLOCK;
        uint32_t offset = at % DISK_BLOCK;
        part = MIN(size, DISK_BLOCK - offset);
        DiskBlock *b = block_get(d, number, !is_write || part < block_size(d, number));
        if (b == NULL)
            return false;
        if (is_write) {
            b->written = true;
            block_changed(d, b);
            memcpy(b->data + offset, bytes, part);
        } else {
            memcpy(bytes, b->data + offset, part);
        }
    }
    return true;
}

bool disk_read(Disk *d, uint64_t sector, uint8_t *to, uint32_t size) {
    return disk_copy(d, sector, to, size, false);
}

bool disk_write(Disk *d, uint64_t sector, const uint8_t *from, uint32_t size) {
    return disk_copy(d, sector, (uint8_t *)from, size, true);
}

/* -- state: number of blocks, then each: le64 number, u8 written, its bytes ------------------------------ */

static gboolean save_block(gpointer key, gpointer value, gpointer out) {
    const DiskBlock *b = value;

    state_write_uint(out, b->number, 8);
    state_write_uint(out, b->written, 1);
    g_byte_array_append(out, b->data, DISK_BLOCK);
    return FALSE;
}

void disk_save(const Disk *d, GByteArray *out) {
    state_write_uint(out, (uint64_t)g_tree_nnodes(d->blocks), 8);
    g_tree_foreach(d->blocks, save_block, out);
}

void disk_digest(Disk *d, GByteArray *out) {
    for (guint i = 0; i < d->stale->len; i++) {
        DiskBlock *b = g_ptr_array_index(d->stale, i);
        uint64_t digest = XXH3_64bits_withSeed(b->data, DISK_BLOCK, b->number << 1 | b->written);
        d->digest += digest - b->digest;
        b->digest = digest;
        b->stale = false;
    }
    g_ptr_array_set_size(d->stale, 0);
    state_write_uint(out, d->digest, 8);
}

bool disk_load(Disk *d, StateReader *r) {
    uint64_t n = state_read_uint(r, 8), total = (d->sectors * DISK_SECTOR + DISK_BLOCK - 1) / DISK_BLOCK;

    g_tree_unref(d->blocks);
    d->blocks = blocks_new();
    g_ptr_array_set_size(d->stale, 0);
    d->digest = 0;
    for (uint64_t i = 0; i < n && !r->bad; i++) {
        DiskBlock *b = g_new0(DiskBlock, 1);
        b->number = state_read_uint(r, 8);
        uint64_t written = state_read_uint(r, 1);
        b->written = written;
        if (!state_read_bytes(r, b->data, DISK_BLOCK) || b->number >= total || written > 1 ||
            g_tree_lookup(d->blocks, &b->number) != NULL) {
            g_free(b);
            return false;
        }
        g_tree_insert(d->blocks, &b->number, b);
        block_changed(d, b);
    }
    return !r->bad;
}

/* -- what the guest wrote -------------------------------------------------------------------------------- */

typedef struct Visit {
    const Disk *disk;
    DiskBlockFunc visit;
    void *opaque;
    uint64_t count;
} Visit;

static gboolean visit_block(gpointer key, gpointer value, gpointer opaque) {
    const DiskBlock *b = value;
    Visit *v = opaque;

    if (!b->written)
        return FALSE;
    v->count++;
    if (v->visit != NULL)
        v->visit(v->opaque, b->number, b->data, block_size(v->disk, b->number));
    return FALSE;
}

uint64_t disk_visit_written(const Machine *m, uint32_t drive, DiskBlockFunc visit, void *opaque) {
    for (unsigned i = 0; i < MACHINE_VIRTIO_SLOTS; i++) {
        const Disk *d = m->disks[i];
        if (d != NULL && d->drive == drive) {
            Visit v = {.disk = d, .visit = visit, .opaque = opaque};
            g_tree_foreach(d->blocks, visit_block, &v);
            return v.count;
        }
    }
    return 0;
}
