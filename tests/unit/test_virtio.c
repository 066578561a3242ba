/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtio by its registers and rings, the disk behind it, and a driver that writes nonsense. */
#include <errno.h>
#include <string.h>

#include "core/devices/disk.h"
#include "core/memmap.h"
#include "tests/unit/world.h"

enum { SLOT_BLK = 7, SLOT_RNG = 6, SLOT_CONSOLE = 5, NUM = 8, SECTORS = 1003 };
#define BASE(slot) (VIRT_VIRTIO_BASE + (Gpa)(slot)*VIRT_VIRTIO_SIZE)
#define RINGS (VIRT_RAM_BASE + 0x100000)
#define AVAIL (RINGS + 16 * NUM)
#define USED (RINGS + 0x1000)
#define DATA (RINGS + 0x10000)

static World *started(bool legacy) {
    World *w = world_new();

    w->config.virtio_legacy = legacy;
    w->config.virtio[SLOT_BLK] = (VirtioSlotConfig){.kind = VIRTIO_BLK, .drive = 3, .sectors = SECTORS};
    w->config.virtio[SLOT_RNG] = (VirtioSlotConfig){.kind = VIRTIO_RNG};
    w->config.virtio[SLOT_CONSOLE] = (VirtioSlotConfig){.kind = VIRTIO_CONSOLE};
    bool ok = world_start(w, NULL);
    g_assert_true(ok);
    return w;
}

static void poke(World *w, Gpa pa, uint64_t value, unsigned size) {
    bool ok = machine_ram_write(w->m, pa, &value, size);

    g_assert_true(ok);
}

static uint64_t peek(World *w, Gpa pa, unsigned size) {
    uint64_t value = 0;

    memcpy(&value, machine_ram_ptr(w->m, pa, size), size);
    return value;
}

static uint32_t reg(World *w, unsigned slot, unsigned offset) {
    return (uint32_t)world_read(w, BASE(slot) + offset, 4);
}
static void set(World *w, unsigned slot, unsigned offset, uint32_t value) {
    world_write(w, BASE(slot) + offset, value, 4);
}

static void start(World *w, unsigned slot, unsigned queue) {
    set(w, slot, 0x70, 3);
    set(w, slot, 0x24, 0);
    set(w, slot, 0x20, 1u << 28);
    set(w, slot, 0x24, 1);
    set(w, slot, 0x20, 1);
    set(w, slot, 0x30, queue);
    set(w, slot, 0x38, NUM);
    if (reg(w, slot, 4) == 1) {
        set(w, slot, 0x28, 4096);
        set(w, slot, 0x3c, 4096);
        set(w, slot, 0x40, RINGS >> 12);
    } else {
        set(w, slot, 0x80, (uint32_t)RINGS);
        set(w, slot, 0x90, (uint32_t)AVAIL);
        set(w, slot, 0xa0, (uint32_t)USED);
        set(w, slot, 0x44, 1);
    }
    set(w, slot, 0x70, 15);
}

static void desc(World *w, unsigned i, Gpa addr, uint32_t len, unsigned flags, unsigned next) {
    poke(w, RINGS + 16 * i, addr, 8);
    poke(w, RINGS + 16 * i + 8, len, 4);
    poke(w, RINGS + 16 * i + 12, flags, 2);
    poke(w, RINGS + 16 * i + 14, next, 2);
}

static void offer(World *w, unsigned slot, unsigned queue, unsigned head) {
    unsigned index = (unsigned)peek(w, AVAIL + 2, 2);

    poke(w, AVAIL + 4 + 2 * (index % NUM), head, 2);
    poke(w, AVAIL + 2, index + 1, 2);
    set(w, slot, 0x50, queue);
}

static uint8_t request(World *w, uint32_t type, uint64_t sector, uint32_t size) {
    poke(w, DATA, type, 4);
    poke(w, DATA + 8, sector, 8);
    poke(w, DATA + 16, 0xff, 1);
    desc(w, 0, DATA, 16, 1, 1);
    desc(w, 1, DATA + 4096, size, type == 1 ? 1 : 3, 2);
    desc(w, 2, DATA + 16, 1, 2, 0);
    offer(w, SLOT_BLK, 0, 0);
    world_wait(w, 60000);
    return (uint8_t)peek(w, DATA + 16, 1);
}

static void test_identification(void) {
    for (int legacy = 0; legacy < 2; legacy++) {
        World *w = started(legacy);
        g_assert_cmphex(reg(w, SLOT_BLK, 0), ==, 0x74726976);
        g_assert_cmpuint(reg(w, SLOT_BLK, 4), ==, legacy ? 1 : 2);
        g_assert_cmpuint(reg(w, SLOT_BLK, 8), ==, 2);
        g_assert_cmpuint(reg(w, SLOT_RNG, 8), ==, 4);
        g_assert_cmpuint(reg(w, SLOT_CONSOLE, 8), ==, 3);
        g_assert_cmpuint(reg(w, 0, 8), ==, 0);
        g_assert_cmphex(reg(w, 0, 0), ==, 0x74726976);
        g_assert_cmpuint(world_read(w, BASE(SLOT_BLK) + 0x100, 8), ==, SECTORS);
        g_assert_cmphex(world_read(w, BASE(SLOT_BLK) + 0x1f8, 8), ==, UINT64_MAX);
        set(w, SLOT_BLK, 0x14, 1);
        g_assert_cmpuint(reg(w, SLOT_BLK, 0x10), ==, !legacy);
        world_free(w);
    }
}

static void test_features_ok(void) {
    World *w = started(false);

    set(w, SLOT_BLK, 0x70, 3);
    set(w, SLOT_BLK, 0x70, 11); /* without VERSION_1 */
    g_assert_cmphex(reg(w, SLOT_BLK, 0x70), ==, 3);
    set(w, SLOT_BLK, 0x24, 1);
    set(w, SLOT_BLK, 0x20, 1);
    set(w, SLOT_BLK, 0x70, 11);
    g_assert_cmphex(reg(w, SLOT_BLK, 0x70), ==, 11);
    set(w, SLOT_BLK, 0x70, 0);
    g_assert_cmphex(reg(w, SLOT_BLK, 0x70), ==, 0);
    world_free(w);
}

static void count_block(void *opaque, uint64_t block, const uint8_t *data, uint32_t size) {
    uint64_t *sum = opaque;

    *sum += block * 10000 + size;
}

static void test_disk(void) {
    for (int legacy = 0; legacy < 2; legacy++) {
        World *w = started(legacy);
        uint64_t sum = 0;
        start(w, SLOT_BLK, 0);
        g_assert_cmpuint(request(w, 0, 7, 1024), ==, 0); /* across two blocks */
        for (unsigned i = 0; i < 1024; i++)
            g_assert_cmpuint(peek(w, DATA + 4096 + i, 1), ==, world_disk_byte(7 * 512 + i));
        g_assert_cmpuint(w->fetches, ==, 2);
        g_assert_cmpuint(request(w, 0, 8, 512), ==, 0);
        g_assert_cmpuint(w->fetches, ==, 2); /* kept */
        g_assert_cmpuint(disk_visit_written(w->m, 3, NULL, NULL), ==, 0);
        poke(w, DATA + 4096, 0x1122334455667788, 8);
        g_assert_cmpuint(request(w, 1, 8, 512), ==, 0);
        g_assert_cmpuint(request(w, 1, 16, 4096), ==, 0);
        g_assert_cmpuint(w->fetches, ==, 2); /* a whole block is written unread */
        g_assert_cmpuint(request(w, 1, SECTORS - 1, 512), ==, 0);
        g_assert_cmpuint(w->fetches, ==, 3);
        g_assert_cmpuint(disk_visit_written(w->m, 3, count_block, &sum), ==, 3);
        g_assert_cmpuint(sum, ==, (1 + 2 + SECTORS / 8) * 10000 + 2 * 4096 + SECTORS % 8 * 512);
        poke(w, DATA + 4096, 0, 8);
        g_assert_cmpuint(request(w, 0, 8, 1024), ==, 0);
        g_assert_cmphex(peek(w, DATA + 4096, 8), ==, 0x1122334455667788);
        g_assert_cmpuint(request(w, 0, SECTORS, 512), ==, 1);
        g_assert_cmpuint(request(w, 0, UINT64_MAX, 512), ==, 1);
        g_assert_cmpuint(request(w, 77, 0, 512), ==, 2);
        w->fail = EIO;
        g_assert_cmpuint(request(w, 0, 100, 512), ==, 1);
        g_assert_cmpuint(request(w, 0, 8, 512), ==, 0);
        w->fail = 0;
        g_assert_cmpuint(request(w, 0, 100, 512), ==, 0);
        g_assert_cmphex(reg(w, SLOT_BLK, 0x60), ==, 1);
        world_free(w);
    }
}

/* The digest depends on contents alone: not on when it was asked for, nor on a save and load in between. */
static void test_digest(void) {
    World *w = started(false), *other = started(false);

    start(w, SLOT_BLK, 0);
    start(other, SLOT_BLK, 0);
    uint64_t before = machine_state_hash(w->m);
    g_assert_cmphex(machine_state_hash(other->m), ==, before);
    request(w, 0, 0, 512);
    g_assert_cmphex(machine_state_hash(w->m), !=, before);
    poke(w, DATA + 4096, 77, 8);
    poke(other, DATA + 4096, 77, 8);
    request(w, 1, 9, 512);
    request(other, 0, 0, 512);
    poke(other, DATA + 4096, 77, 8);
    request(other, 1, 9, 512);
    g_assert_cmphex(machine_state_hash(other->m), ==, machine_state_hash(w->m));
    Snapshot *s = snapshot_take(w->m);
    uint64_t hash = machine_state_hash(w->m);
    poke(w, DATA + 4096, 78, 8);
    request(w, 1, 9, 512);
    g_assert_cmphex(machine_state_hash(w->m), !=, hash);
    snapshot_restore(w->m, s);
    g_assert_cmphex(machine_state_hash(w->m), ==, hash);
    snapshot_free(s);
    world_free(w);
    world_free(other);
}

/* The answer comes at a guest time, not before, and a saved request completes where it is loaded. */
static void test_in_flight(void) {
    World *w = started(false), *other = started(false);
    const StateSection *from = NULL, *to = NULL;

    for (guint i = 0; i < w->m->sections->len; i++)
        if (!strcmp(g_array_index(w->m->sections, StateSection, i).name, "virtio7")) {
            from = &g_array_index(w->m->sections, StateSection, i);
            to = &g_array_index(other->m->sections, StateSection, i);
        }
    start(w, SLOT_BLK, 0);
    start(other, SLOT_BLK, 0);
    request(w, 1, 3, 512); /* something in the overlay */
    for (unsigned i = 0; i < 2; i++) {
        poke(w, DATA, 0, 4);
        poke(w, DATA + 16, 0xff, 1);
        offer(w, SLOT_BLK, 0, 0);
        world_wait(w, 1000);
    }
    g_assert_cmphex(peek(w, DATA + 16, 1), ==, 0xff);
    g_autoptr(GByteArray) saved = g_byte_array_new();
    state_section_save(from, saved);
    StateReader r = {.data = saved->data, .size = saved->len};
    g_assert_true(state_section_load(to, &r));
    to->loaded(to->object);
    g_autoptr(GByteArray) again = g_byte_array_new();
    state_section_save(to, again);
    g_assert_cmpmem(saved->data, saved->len, again->data, again->len);
    for (size_t cut = 0; cut < saved->len; cut += 13) {
        r = (StateReader){.data = saved->data, .size = cut};
        g_assert_false(state_section_load(to, &r));
    }
    world_wait(w, 60000);
    g_assert_cmpuint(peek(w, USED + 2, 2), ==, 3);
    world_free(w);
    world_free(other);
}

/* A queue that the driver takes away while a request is on its way, and sets up anew: nothing of it comes back. */
static void test_queue_taken_away(void) {
    World *w = started(false);

    start(w, SLOT_RNG, 0);
    desc(w, 0, DATA, 10, 2, 0);
    offer(w, SLOT_RNG, 0, 0);
    set(w, SLOT_RNG, 0x44, 0);
    poke(w, AVAIL + 2, 0, 2);
    set(w, SLOT_RNG, 0x44, 1);
    world_wait(w, 60000);
    g_assert_cmpuint(peek(w, USED + 2, 2), ==, 0);
    offer(w, SLOT_RNG, 0, 0);
    world_wait(w, 60000);
    g_assert_cmpuint(peek(w, USED + 2, 2), ==, 1);
    g_assert_cmphex(reg(w, SLOT_RNG, 0x70), ==, 15);
    world_free(w);
}

static void test_rng(void) {
    World *w = started(false);

    start(w, SLOT_RNG, 0);
    desc(w, 0, DATA, 10, 2, 0);
    offer(w, SLOT_RNG, 0, 0);
    world_wait(w, 60000);
    g_assert_cmpuint(peek(w, USED + 8, 4), ==, 10);
    g_assert_cmpuint(peek(w, DATA + 9, 1), ==, 9 * 37 % 256 + SLOT_RNG);
    g_assert_cmpuint(peek(w, DATA + 10, 1), ==, 0);
    world_free(w);
}

static void test_console(void) {
    World *w = started(false);

    world_input(w, 1, "early");
    start(w, SLOT_CONSOLE, 0);
    desc(w, 0, DATA, 3, 2, 0);
    offer(w, SLOT_CONSOLE, 0, 0);
    g_assert_cmpuint(peek(w, USED + 2, 2), ==, 1);
    g_assert_cmpint((int)memcmp(machine_ram_ptr(w->m, DATA, 3), "ear", 3), ==, 0);
    offer(w, SLOT_CONSOLE, 0, 0);
    offer(w, SLOT_CONSOLE, 0, 0);
    g_assert_cmpuint(peek(w, USED + 2, 2), ==, 2);
    world_input(w, 1, "X");
    g_assert_cmpuint(peek(w, USED + 2, 2), ==, 3);
    g_assert_cmpint((char)peek(w, DATA, 1), ==, 'X');
    world_free(w);
    w = started(true);
    start(w, SLOT_CONSOLE, 1);
    memcpy(machine_ram_ptr(w->m, DATA, 6), "output", 6);
    desc(w, 0, DATA, 2, 1, 4);
    desc(w, 4, DATA + 2, 4, 0, 0);
    offer(w, SLOT_CONSOLE, 1, 0);
    g_assert_cmpstr(w->output->str, ==, "output");
    world_write(w, BASE(SLOT_CONSOLE) + 0x108, '!', 4); /* emergency write */
    g_assert_cmpstr(w->output->str, ==, "output!");
    world_free(w);
}

/* Any register, any value, any ring contents, any order: the device may break, nothing else may happen. */
static void test_nonsense(void) {
    g_autoptr(GRand) rand = g_rand_new_with_seed(4711);

    for (int round = 0; round < 40; round++) {
        World *w = started(round & 1);
        for (int i = 0; i < 600; i++) {
            unsigned slot = (unsigned)g_rand_int_range(rand, 4, 8);
            if (g_rand_int_range(rand, 0, 20) == 0)
                start(w, slot, (uint32_t)g_rand_int_range(rand, 0, 2));
            for (int k = 0; k < 8; k++) {
                Gpa at = RINGS + (Gpa)(g_rand_int_range(rand, 0, 0x1100) & ~1);
                uint64_t value = g_rand_boolean(rand) ? (uint64_t)g_rand_int_range(rand, 0, 9)
                                                      : DATA + (g_rand_int(rand) & 0xfff);
                poke(w, at, value, 1u << g_rand_int_range(rand, 0, 4));
            }
            poke(w, AVAIL + 2, peek(w, AVAIL + 2, 2) + 1, 2);
            unsigned offset = (unsigned)g_rand_int_range(rand, 0, 0x80) & ~3u;
            if (g_rand_boolean(rand))
                world_write(w, BASE(slot) + offset,
                            g_rand_boolean(rand) ? g_rand_int(rand) : g_rand_int(rand) & 15, 4);
            else
                world_read(w, BASE(slot) + offset, 4);
            set(w, slot, 0x50, g_rand_int(rand) & 1);
            world_wait(w, 20000);
        }
        world_free(w);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/virtio/identification", test_identification);
    g_test_add_func("/virtio/features-ok", test_features_ok);
    g_test_add_func("/virtio/disk", test_disk);
    g_test_add_func("/virtio/digest", test_digest);
    g_test_add_func("/virtio/in-flight", test_in_flight);
    g_test_add_func("/virtio/queue-taken-away", test_queue_taken_away);
    g_test_add_func("/virtio/rng", test_rng);
    g_test_add_func("/virtio/console", test_console);
    g_test_add_func("/virtio/nonsense", test_nonsense);
    return g_test_run();
}
