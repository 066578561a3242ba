/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtqueues: the input is what the driver put into memory (descriptors, rings, requests), any addresses and
 * lengths, for a device of each kind on either transport.
 */
#include <string.h>

#include "tests/unit/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUE = 0x80100000u, AREA = 0x4000, HEADER = 6 };

typedef struct Subject {
    World *world;
    Snapshot *start;
} Subject;

static Subject subject_new(bool legacy) {
    Subject s = {.world = world_new()};
    World *w = s.world;
    GError *error = NULL;
    w->config.ram_size = 4 << 20;
    w->config.n_console = 2;
    w->config.virtio_legacy = legacy;
    w->config.virtio[7] = (VirtioSlotConfig){VIRTIO_BLK, g_strdup("disk"), 0, 64, false, {0}};
    w->config.virtio[6] = (VirtioSlotConfig){VIRTIO_CONSOLE, g_strdup("con"), 0, 0, false, {0}};
    w->config.virtio[5] = (VirtioSlotConfig){VIRTIO_RNG, g_strdup("rng"), 0, 0, false, {0}};
    w->config.virtio[4] = (VirtioSlotConfig){VIRTIO_BLK, g_strdup("rom"), 1, 8, true, {0}};
    if (!world_start(w, &error))
        g_error("%s", error->message);
    s.start = snapshot_take(w->m);
    return s;
}

static void start_queue(World *w, Gpa at, bool legacy, unsigned queue, unsigned length) {
    world_write(w, at + 0x30, queue, 4);
    world_write(w, at + 0x38, length, 4);
    if (legacy) {
        world_write(w, at + 0x3c, 4096, 4);
        world_write(w, at + 0x40, QUEUE >> 12, 4);
        return;
    }
    world_write(w, at + 0x80, QUEUE, 4);
    world_write(w, at + 0x90, QUEUE + 16 * 8, 4);
    world_write(w, at + 0xa0, QUEUE + 0x1000, 4);
    world_write(w, at + 0x44, 1, 4);
}

static void start_device(World *w, Gpa at, bool legacy, const uint8_t *data) {
    world_write(w, at + 0x70, 3, 4);
    if (legacy)
        world_write(w, at + 0x28, 4096, 4);
    else
        world_write(w, at + 0x24, 1, 4), world_write(w, at + 0x20, 1, 4);
    world_write(w, at + 0x24, 0, 4);
    world_write(w, at + 0x20, (uint64_t)data[2] << 24, 4); /* indirect descriptors, event index */
    world_write(w, at + 0x70, 11, 4);
    start_queue(w, at, legacy, data[3] & 1, data[4] & 1 ? 8 : 1u << (data[4] >> 1) % 11);
    world_write(w, at + 0x70, 15, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Subject subjects[2];
    if (size < HEADER)
        return 0;
    bool legacy = data[0] & 1;
    Subject *s = &subjects[legacy];
    if (!s->world)
        *s = subject_new(legacy);
    World *w = s->world;
    snapshot_restore(w->m, s->start);
    g_string_truncate(w->output, 0);
    Gpa at = 0x10001000 + 0x1000 * (4 + (data[0] >> 1) % 4);
    if (!machine_ram_write(w->m, QUEUE, data + HEADER, MIN(size - HEADER, AREA)))
        g_assert_not_reached();
    start_device(w, at, legacy, data);
    for (unsigned i = 0; i < 3; i++) {
        world_write(w, at + 0x50, data[3] & 1, 4);
        if (data[5] & 1 << i)
            world_input(w, 1, "typed");
        world_wait(w, 1000000);
        world_read(w, at + 0x60, 4);
        world_write(w, at + 0x64, 3, 4);
    }
    machine_state_hash(w->m);
    return 0;
}
