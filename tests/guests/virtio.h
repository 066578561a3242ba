/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small virtio-mmio driver for the guests, of both versions: polled, one queue at a time. */
#ifndef GUEST_VIRTIO_H
#define GUEST_VIRTIO_H

#include "rt/rt.h"

enum {
    VIRTIO_VERSION = 4,
    VIRTIO_ID = 8,
    VIRTIO_FEATURES = 0x10,
    VIRTIO_FEATURES_SEL = 0x14,
    VIRTIO_DRIVER = 0x20,
    VIRTIO_DRIVER_SEL = 0x24,
    VIRTIO_PAGE_SIZE = 0x28,
    VIRTIO_QUEUE = 0x30,
    VIRTIO_NUM_MAX = 0x34,
    VIRTIO_NUM = 0x38,
    VIRTIO_ALIGN = 0x3c,
    VIRTIO_PFN = 0x40,
    VIRTIO_READY = 0x44,
    VIRTIO_NOTIFY = 0x50,
    VIRTIO_ISR = 0x60,
    VIRTIO_ACK = 0x64,
    VIRTIO_STATUS = 0x70,
    VIRTIO_DESC = 0x80,
    VIRTIO_AVAIL = 0x90,
    VIRTIO_USED = 0xa0,
    VIRTIO_CONFIG = 0x100,
};
enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, RING = 8 };

typedef struct Desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
} Desc;

typedef struct Ring {
    Desc desc[RING];
    struct {
        uint16_t flags, index, ring[RING], used_event;
    } avail;
    uint8_t pad[4096 - RING * 16 - 6 - RING * 2];
    struct {
        uint16_t flags, index;
        struct {
            uint32_t id, len;
        } ring[RING];
        uint16_t avail_event;
    } used;
} Ring;

typedef struct Virtio {
    uintptr_t base;
    bool legacy;
    volatile Ring *ring;
    uint16_t last_used;
} Virtio;

/* Base of the first device of this kind, 0 if there is none. */
static uintptr_t virtio_find(uint32_t id) {
    for (uintptr_t base = VIRTIO_BASE + 0x7000; base >= VIRTIO_BASE; base -= 0x1000) {
        check_equal(read32(base), 0x74726976);
        if (read32(base + VIRTIO_ID) == id)
            return base;
    }
    return 0;
}

static void virtio_set_address(const Virtio *v, uint32_t reg, volatile void *at) {
    write32(v->base + reg, (uint32_t)(uintptr_t)at);
    write32(v->base + reg + 4, (uint32_t)((uintptr_t)at >> 32));
}

/* Reset the device, accept `features` of what it offers (bit 32 is added as needed), set up queue 0. */
static void virtio_start(Virtio *v, uintptr_t base, uint64_t features) {
    v->base = base;
    v->legacy = read32(base + VIRTIO_VERSION) == 1;
    if (!v->ring)
        v->ring = rt_pages(2);
    memset((void *)v->ring, 0, sizeof *v->ring);
    v->last_used = 0;
    if (v->legacy)
        write32(base + VIRTIO_PAGE_SIZE, 4096); /* as Linux does: it outlives the reset */
    write32(base + VIRTIO_STATUS, 0);
    check_equal(read32(base + VIRTIO_STATUS), 0);
    write32(base + VIRTIO_STATUS, 3);
    write32(base + VIRTIO_FEATURES_SEL, 1);
    check_equal(read32(base + VIRTIO_FEATURES) & 1, !v->legacy);
    write32(base + VIRTIO_FEATURES_SEL, 0);
    write32(base + VIRTIO_DRIVER_SEL, 0);
    write32(base + VIRTIO_DRIVER, (uint32_t)features & read32(base + VIRTIO_FEATURES));
    if (!v->legacy) {
        write32(base + VIRTIO_DRIVER_SEL, 1);
        write32(base + VIRTIO_DRIVER, 1);
        write32(base + VIRTIO_STATUS, 11);
        check_equal(read32(base + VIRTIO_STATUS), 11);
    }
    write32(base + VIRTIO_QUEUE, 0);
    check(read32(base + VIRTIO_NUM_MAX) >= RING);
    write32(base + VIRTIO_NUM, RING);
    if (v->legacy) {
        write32(base + VIRTIO_ALIGN, 4096);
        write32(base + VIRTIO_PFN, (uint32_t)((uintptr_t)v->ring >> 12));
        check_equal(read32(base + VIRTIO_PFN), (uintptr_t)v->ring >> 12);
    } else {
        virtio_set_address(v, VIRTIO_DESC, v->ring->desc);
        virtio_set_address(v, VIRTIO_AVAIL, &v->ring->avail);
        virtio_set_address(v, VIRTIO_USED, &v->ring->used);
        write32(base + VIRTIO_READY, 1);
        check_equal(read32(base + VIRTIO_READY), 1);
    }
    write32(base + VIRTIO_STATUS, v->legacy ? 7 : 15);
}

static void virtio_desc(Virtio *v, unsigned i, const void *at, uint32_t len, uint16_t flags, uint16_t next) {
    v->ring->desc[i].addr = (uintptr_t)at;
    v->ring->desc[i].len = len;
    v->ring->desc[i].flags = flags;
    v->ring->desc[i].next = next;
}

static void virtio_offer(Virtio *v, uint16_t head) {
    v->ring->avail.ring[v->ring->avail.index % RING] = head;
    __asm__ volatile("fence" ::: "memory");
    v->ring->avail.index++;
    __asm__ volatile("fence" ::: "memory");
}

static void virtio_kick(Virtio *v) {
    write32(v->base + VIRTIO_NOTIFY, 0);
}

/* Wait for one used chain: its head, and the bytes written in *len. */
static uint32_t virtio_wait(Virtio *v, uint32_t *len) {
    while (v->ring->used.index == v->last_used)
        ;
    unsigned i = v->last_used++ % RING;
    *len = v->ring->used.ring[i].len;
    return v->ring->used.ring[i].id;
}

#endif
