/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device registers: the input is a list of accesses, waits and bytes from outside, 8 bytes each. */
#include <string.h>

#include "tests/unit/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP = 8 };

static World *world;
static Snapshot *start;

static void start_world(void) {
    GError *error = NULL;
    world = world_new();
    world->config.n_harts = 2;
    world->config.aclint = true;
    world->config.n_console = 2;
    world->config.ram_size = 4 << 20;
    world->config.virtio_legacy = false;
    world->config.virtio[7] = (VirtioSlotConfig){VIRTIO_BLK, g_strdup("disk"), 0, 64, false, {0}};
    world->config.virtio[6] = (VirtioSlotConfig){VIRTIO_CONSOLE, g_strdup("con"), 0, 0, false, {0}};
    world->config.virtio[5] = (VirtioSlotConfig){VIRTIO_RNG, g_strdup("rng"), 0, 0, false, {0}};
    if (!world_start(world, &error))
        g_error("%s", error->message);
    start = snapshot_take(world->m);
}

static void step(Machine *m, const uint8_t *d) {
    const MmioRegion *region = &m->regions[d[1] % m->n_regions];
    unsigned bytes = 1u << (d[0] >> 4 & 3);
    uint64_t value = (uint64_t)d[4] | (uint64_t)d[5] << 8 | (uint64_t)d[6] << 16 |
                     (uint64_t)d[7] << (d[0] & 0x80 ? 56 : 24);
    uint64_t offset = ((uint64_t)d[2] | (uint64_t)d[3] << 8) * (d[0] & 0x40 ? 4 : 1) % region->size;
    Gpa at = region->base + (offset & ~(uint64_t)(bytes - 1));
    uint64_t read;
    switch (d[0] & 7) {
    case 0: world_wait(world, value % 1000000); break;
    case 1: world_input(world, d[1] & 1, (char[]){(char)(d[4] | 1), (char)(d[5] | 1), 0}); break;
    case 2:
    case 3: machine_mmio_read(m, at, bytes, &read); break;
    default:
        machine_mmio_write(m, at, value & (bytes == 8 ? ~UINT64_C(0) : (UINT64_C(1) << 8 * bytes) - 1),
                           bytes);
        break;
    }
    if (m->reset_requested) {
        m->reset_requested = false;
        for (guint i = 0; i < m->devices->len; i++) {
            Device *device = m->devices->pdata[i];
            if (device->ops->reset)
                device->ops->reset(device);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!world)
        start_world();
    Machine *m = world->m;
    snapshot_restore(m, start);
    g_string_truncate(world->output, 0);
    for (size_t at = 0; at + STEP <= size && at < 4096; at += STEP)
        step(m, data + at);
    /* Whatever state that is, it can be kept and brought back. */
    uint64_t hash = machine_state_hash(m);
    Snapshot *s = snapshot_take(m);
    snapshot_restore(m, s);
    g_assert(machine_state_hash(m) == hash);
    snapshot_free(s);
    return 0;
}
