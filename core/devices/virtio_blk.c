/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block device, virtio 1.2 §5.2. Requests complete in the order in which they were taken, a fixed guest time
 * after the notification. A request in guest memory:
 *
 *   out: le32 type, le32 reserved, le64 sector, then the data of a write
 *   in:  the data of a read, then u8 status
 */
#include "core/devices/disk.h"
#include "core/devices/virtio.h"

#include <string.h>

enum { VIRTIO_ID_BLOCK = 2, BLK_LATENCY_NS = 50000, BLK_HEADER = 16, BLK_ID_SIZE = 20, BLK_SEG_MAX = 126 };
enum { BLK_T_IN = 0, BLK_T_OUT = 1, BLK_T_FLUSH = 4, BLK_T_GET_ID = 8 };
enum { BLK_S_OK = 0, BLK_S_IOERR = 1, BLK_S_UNSUPP = 2 };
/* struct virtio_blk_config */
enum { CONFIG_CAPACITY = 0, CONFIG_SEG_MAX = 12, CONFIG_BLK_SIZE = 20, CONFIG_SIZE = 60 };
#define VIRTIO_BLK_F_SEG_MAX (UINT64_C(1) << 2)
#define VIRTIO_BLK_F_RO (UINT64_C(1) << 5)
#define VIRTIO_BLK_F_BLK_SIZE (UINT64_C(1) << 6)
#define VIRTIO_BLK_F_FLUSH (UINT64_C(1) << 9)

typedef struct VirtioBlk {
    VirtioDevice base;
    Disk *disk; /* state */
} VirtioBlk;

static void put_le(uint8_t *to, uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *from, unsigned size) {
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

static uint64_t blk_features(const VirtioDevice *v) {
    return VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH |
           (v->config->readonly ? VIRTIO_BLK_F_RO : 0);
}

static void blk_config_read(const VirtioDevice *v, uint8_t *config) {
    put_le(config + CONFIG_CAPACITY, v->config->sectors, 8);
    put_le(config + CONFIG_SEG_MAX, BLK_SEG_MAX, 4);
    put_le(config + CONFIG_BLK_SIZE, DISK_SECTOR, 4);
}

static void blk_notify(VirtioDevice *v, uint16_t queue) {
    virtio_queue_submit(v, queue);
}

/* Move `size` bytes between chain and disk, a block at a time. The chain failing breaks the device: IOERR is
 * moot. */
static uint8_t blk_transfer(VirtioBlk *b, const VirtioChain *chain, uint64_t sector, uint64_t size,
                            bool is_write) {
    VirtioDevice *v = &b->base;
    uint64_t sectors = v->config->sectors;
    uint8_t bytes[DISK_BLOCK];

    if (size % DISK_SECTOR != 0 || sector > sectors || size / DISK_SECTOR > sectors - sector)
        return BLK_S_IOERR;
    if (is_write && v->config->readonly)
        return BLK_S_IOERR;
    for (uint64_t at = 0; at < size; at += sizeof bytes) {
        uint32_t n = (uint32_t)MIN(sizeof bytes, size - at);
        uint64_t here = sector + at / DISK_SECTOR;
        bool ok = is_write ? virtio_chain_get(v, chain, BLK_HEADER + at, bytes, n) &&
                                 disk_write(b->disk, here, bytes, n)
                           : disk_read(b->disk, here, bytes, n) && virtio_chain_put(v, chain, at, bytes, n);
        if (!ok)
            return BLK_S_IOERR;
    }
    return BLK_S_OK;
}

/* The serial number: none was given, so it is empty. */
static uint8_t blk_get_id(VirtioBlk *b, const VirtioChain *chain, uint64_t size) {
    static const uint8_t id[BLK_ID_SIZE];

    return virtio_chain_put(&b->base, chain, 0, id, MIN(size, sizeof id)) ? BLK_S_OK : BLK_S_IOERR;
}

static uint8_t blk_execute(VirtioBlk *b, const VirtioChain *chain, const uint8_t *header) {
    uint64_t sector = get_le(header + 8, 8);

    switch (get_le(header, 4)) {
    case BLK_T_IN: return blk_transfer(b, chain, sector, chain->in_size - 1, false);
    case BLK_T_OUT: return blk_transfer(b, chain, sector, chain->out_size - BLK_HEADER, true);
    case BLK_T_FLUSH: return BLK_S_OK;
    case BLK_T_GET_ID: return blk_get_id(b, chain, chain->in_size - 1);
    default: return BLK_S_UNSUPP;
    }
}

static void blk_complete(VirtioDevice *v, const VirtioChain *chain) {
    uint8_t header[BLK_HEADER];

    if (chain->out_size < BLK_HEADER || chain->in_size < 1) {
        virtio_break(v);
        return;
    }
    if (!virtio_chain_get(v, chain, 0, header, sizeof header))
        return;
    uint8_t status = blk_execute((VirtioBlk *)v, chain, header);
    if (!v->broken && virtio_chain_put(v, chain, chain->in_size - 1, &status, 1))
        virtio_chain_return(v, chain, (uint32_t)chain->in_size);
}

static void blk_save(const VirtioDevice *v, GByteArray *out) {
    disk_save(((const VirtioBlk *)v)->disk, out);
}

static void blk_digest(const VirtioDevice *v, GByteArray *out) {
    disk_digest(((const VirtioBlk *)v)->disk, out);
}

static bool blk_load(VirtioDevice *v, StateReader *r) {
    return disk_load(((VirtioBlk *)v)->disk, r);
}

static void blk_done(VirtioDevice *v) {
    disk_free(((VirtioBlk *)v)->disk);
}

static const VirtioOps blk_ops = {
    .device_id = VIRTIO_ID_BLOCK,
    .n_queues = 1,
    .latency = BLK_LATENCY_NS,
    .config_size = CONFIG_SIZE,
    .features = blk_features,
    .config_read = blk_config_read,
    .notify = blk_notify,
    .complete = blk_complete,
    .save = blk_save,
    .load = blk_load,
    .digest = blk_digest,
    .done = blk_done,
};

VirtioDevice *virtio_blk_new(Machine *m, unsigned slot) {
    VirtioBlk *b = g_new0(VirtioBlk, 1);
    const VirtioSlotConfig *config = &m->config.virtio[slot];

    b->base.ops = &blk_ops;
    b->disk = disk_new(m, config->drive, config->sectors);
    m->disks[slot] = b->disk;
    return &b->base;
}
