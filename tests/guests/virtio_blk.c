/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block device of at least 1 MiB, zero-filled: reads, writes, scattered and indirect chains, several
 * requests at once, errors, code that comes by DMA, and broken rings.
 */
#include "virtio.h"

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
#define F_EVENT_IDX (1u << 29)
#define F_INDIRECT (1u << 28)

typedef struct Header {
    uint32_t type, reserved;
    uint64_t sector;
} Header;

static Virtio blk;
static Header header, headers[2];
static volatile uint8_t status, statuses[2];
static uint8_t *buffer, *other;
static uint64_t sectors;

/* One request with one data segment (none: size 0). */
static uint8_t request(uint32_t type, uint64_t sector, void *data, uint32_t size) {
    uint16_t direction = type == T_OUT ? 0 : DESC_WRITE;
    uint32_t len;

    header = (Header){type, 0, sector};
    status = 0xff;
    virtio_desc(&blk, 0, &header, sizeof header, DESC_NEXT, size ? 1 : 2);
    virtio_desc(&blk, 1, data, size, DESC_NEXT | direction, 2);
    virtio_desc(&blk, 2, (void *)&status, 1, DESC_WRITE, 0);
    virtio_offer(&blk, 0);
    virtio_kick(&blk);
    check_equal(virtio_wait(&blk, &len), 0);
    return status;
}

static void fill(uint8_t *at, uint64_t n, uint64_t seed) {
    for (uint64_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005ul + 1442695040888963407ul;
        at[i] = (uint8_t)(seed >> 56);
    }
}

static void test_write_read(void) {
    for (uint32_t size = 512; size <= 16384; size *= 2) {
        uint64_t sector = size / 512 * 3 + 1; /* blocks of 4096 bytes are cut at both ends */
        fill(buffer, size, size);
        check_equal(request(T_OUT, sector, buffer, size), S_OK);
        memset(other, 0, size);
        check_equal(request(T_IN, sector, other, size), S_OK);
        check_equal(memcmp(buffer, other, size), 0);
    }
    check_equal(request(T_IN, sectors - 1, other, 512), S_OK);
    for (int i = 0; i < 512; i++)
        check_equal(other[i], 0);
    check_equal(request(T_FLUSH, 0, NULL, 0), S_OK);
}

static void test_errors(void) {
    check_equal(request(T_IN, sectors, other, 512), S_IOERR);
    check_equal(request(T_IN, sectors - 1, other, 1024), S_IOERR);
    check_equal(request(T_OUT, UINT64_MAX, other, 512), S_IOERR);
    check_equal(request(T_IN, 0, other, 100), S_IOERR);
    check_equal(request(99, 0, other, 512), S_UNSUPP);
    other[0] = 'x';
    check_equal(request(T_GET_ID, 0, other, 20), S_OK);
    check_equal(other[0], 0);
}

/* The data in four pieces of odd sizes. */
static void test_scattered(void) {
    uint32_t len;

    fill(buffer, 4096, 99);
    check_equal(request(T_OUT, 64, buffer, 4096), S_OK);
    memset(other, 0, 8192);
    header = (Header){T_IN, 0, 64};
    virtio_desc(&blk, 0, &header, sizeof header, DESC_NEXT, 3);
    virtio_desc(&blk, 3, other, 1, DESC_NEXT | DESC_WRITE, 1);
    virtio_desc(&blk, 1, other + 1, 1022, DESC_NEXT | DESC_WRITE, 5);
    virtio_desc(&blk, 5, other + 1023, 3000, DESC_NEXT | DESC_WRITE, 7);
    virtio_desc(&blk, 7, other + 4023, 73, DESC_NEXT | DESC_WRITE, 2);
    virtio_desc(&blk, 2, (void *)&status, 1, DESC_WRITE, 0);
    virtio_offer(&blk, 0);
    virtio_kick(&blk);
    virtio_wait(&blk, &len);
    check_equal(status, S_OK);
    check_equal(len, 4097);
    check_equal(memcmp(buffer, other, 4096), 0);
}

static void test_indirect(void) {
    static Desc table[3];
    uint32_t len;

    memset(other, 0, 4096);
    header = (Header){T_IN, 0, 64};
    table[0] = (Desc){(uintptr_t)&header, sizeof header, DESC_NEXT, 2};
    table[2] = (Desc){(uintptr_t)other, 4096, DESC_NEXT | DESC_WRITE, 1};
    table[1] = (Desc){(uintptr_t)&status, 1, DESC_WRITE, 0};
    status = 0xff;
    virtio_desc(&blk, 6, table, sizeof table, DESC_INDIRECT, 0);
    virtio_offer(&blk, 6);
    virtio_kick(&blk);
    check_equal(virtio_wait(&blk, &len), 6);
    check_equal(status, S_OK);
    check_equal(memcmp(buffer, other, 4096), 0);
}

/* A write and a read of the same place, offered together, are done in this order. */
static void test_two(void) {
    uint32_t len;

    fill(buffer, 4096, 5);
    memset(other, 0, 4096);
    headers[0] = (Header){T_OUT, 0, 128};
    headers[1] = (Header){T_IN, 0, 128};
    for (unsigned i = 0; i < 2; i++) {
        statuses[i] = 0xff;
        virtio_desc(&blk, 4 * i, &headers[i], sizeof headers[i], DESC_NEXT, (uint16_t)(4 * i + 1));
        virtio_desc(&blk, 4 * i + 1, i ? other : buffer, 4096, DESC_NEXT | (i ? DESC_WRITE : 0),
                    (uint16_t)(4 * i + 2));
        virtio_desc(&blk, 4 * i + 2, (void *)&statuses[i], 1, DESC_WRITE, 0);
        virtio_offer(&blk, (uint16_t)(4 * i));
    }
    virtio_kick(&blk);
    virtio_wait(&blk, &len);
    virtio_wait(&blk, &len);
    check_equal(statuses[0] | statuses[1], S_OK);
    if (!QEMU7) /* which does them in parallel */
        check_equal(memcmp(buffer, other, 4096), 0);
}

static void test_interrupt(void) {
    write32(blk.base + VIRTIO_ACK, 3);
    check_equal(read32(blk.base + VIRTIO_ISR), 0);
    check_equal(request(T_FLUSH, 0, NULL, 0), S_OK);
    while (!(read32(blk.base + VIRTIO_ISR) & 1))
        ;
    write32(blk.base + VIRTIO_ACK, 1);
    check_equal(read32(blk.base + VIRTIO_ISR), 0);
    blk.ring->avail.flags = 1; /* no interrupts, please */
    check_equal(request(T_FLUSH, 0, NULL, 0), S_OK);
    check_equal(read32(blk.base + VIRTIO_ISR) & 1, 0);
    blk.ring->avail.flags = 0;
}

/* Code read from the disk over code that ran before. */
static void test_code(void) {
    uint32_t *code = (uint32_t *)buffer;

    for (uint32_t i = 1; i <= 2; i++) {
        code[0] = i << 20 | 10 << 7 | 0x13; /* li a0, i */
        code[1] = 0x00008067;
        check_equal(request(T_OUT, 256 + i, code, 512), S_OK);
    }
    for (uint32_t i = 1; i <= 6; i++) {
        check_equal(request(T_IN, 256 + 1 + (i & 1), other, 512), S_OK);
        __asm__ volatile("fence.i" ::: "memory");
        check_equal(((uint64_t(*)(void))other)(), 1 + (i & 1));
    }
}

/* Event indices: the device says from where on it wants to be notified, the driver where to interrupt it. */
static void test_event_index(void) {
    virtio_start(&blk, blk.base, F_EVENT_IDX | F_INDIRECT);
    blk.ring->avail.used_event = 1; /* not for the first, but for the second */
    check_equal(request(T_FLUSH, 0, NULL, 0), S_OK);
    check_equal(blk.ring->used.avail_event, 1);
    write32(blk.base + VIRTIO_ACK, 3);
    check_equal(request(T_FLUSH, 0, NULL, 0), S_OK);
    while (!(read32(blk.base + VIRTIO_ISR) & 1))
        ;
    write32(blk.base + VIRTIO_ACK, 3);
    check_equal(request(T_FLUSH, 0, NULL, 0), S_OK);
    check_equal(read32(blk.base + VIRTIO_ISR), 0);
}

/* Whatever the rings say, the device survives it, and works again after a reset. */
static void test_broken(void) {
    for (unsigned kind = 0; kind < 5; kind++) {
        virtio_start(&blk, blk.base, 0);
        virtio_desc(&blk, 0, &header, sizeof header, DESC_NEXT, 0); /* 0: a loop */
        if (kind == 1)
            virtio_desc(&blk, 0, (void *)NOWHERE, 16, DESC_NEXT, 200); /* next outside the table */
        if (kind == 2)
            virtio_desc(&blk, 0, (void *)UINT64_MAX, 0xffffffff, 0, 0);
        if (kind == 3)
            virtio_desc(&blk, 0, &header, 3, 0, 0); /* too short */
        virtio_offer(&blk, kind == 4 ? 77 : 0);
        virtio_kick(&blk);
        uint64_t until = rt_mtime() + 5000;
        while (rt_mtime() < until)
            ;
        check_equal(blk.ring->used.index, 0);
        if (!blk.legacy)
            check(read32(blk.base + VIRTIO_STATUS) & 0x40);
    }
    virtio_start(&blk, blk.base, 0);
    check_equal(request(T_FLUSH, 0, NULL, 0), S_OK);
}

int main(void) {
    uintptr_t base = virtio_find(2);

    check(base != 0);
    buffer = rt_pages(4);
    other = rt_pages(4);
    sectors = read64(base + VIRTIO_CONFIG);
    check(sectors >= 2048);
    virtio_start(&blk, base, F_INDIRECT);
    print("%s device at 0x%lx\n", blk.legacy ? "legacy" : "modern", base);
    test_write_read();
    test_errors();
    test_scattered();
    test_indirect();
    test_two();
    test_interrupt();
    test_code();
    test_event_index();
    if (!QEMU7) /* which waits for the driver to reset a broken legacy device, but also ends on some of these
                 */
        test_broken();
    return 0;
}
