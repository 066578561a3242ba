/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state hash and snapshots, over every field of every section as the tables name them: one flipped bit
 * changes the hash, flipping it back restores it, and a snapshot brings all of it back.
 */
#include <string.h>

#include "core/machine.h"
#include "core/mmu.h"

static Pos nd_pos(Nd *nd) {
    return POS_NONE;
}
static bool nd_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    return false;
}
static bool nd_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    return false;
}
static bool nd_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                     uint32_t size, int *err) {
    memset(to, (int)arg + 1, size);
    return true;
}
static void nd_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                      uint32_t size) {}
static bool nd_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    return true;
}
static Pos nd_next_checkpoint(Nd *nd, Pos pos) {
    return POS_NONE;
}
static const NdOps nd_ops = {nd_pos,    nd_poll,       nd_idle,           nd_fetch,
                             nd_output, nd_checkpoint, nd_next_checkpoint};

typedef struct Fixture {
    Nd nd;
    Hooks *hooks;
    Machine *m;
} Fixture;

/* Every kind of device there is. */
static void fixture_init(Fixture *f) {
    MachineConfig config;
    machine_config_init(&config);
    config.n_harts = 2;
    config.ram_size = 16 << 20;
    config.aclint = true;
    config.n_console = 2;
    config.virtio[7] = (VirtioSlotConfig){VIRTIO_BLK, g_strdup("disk"), 0, 64, false, {0}};
    config.virtio[6] = (VirtioSlotConfig){VIRTIO_CONSOLE, g_strdup("con"), 0, 0, false, {0}};
    config.virtio[5] = (VirtioSlotConfig){VIRTIO_RNG, g_strdup("rng"), 0, 0, false, {0}};
    g_autoptr(GBytes) code = g_bytes_new_static("\x6f\0\0\0", 4);
    g_ptr_array_add(config.images, machine_image_new(IMAGE_BIOS, "loop", code, 0));
    GError *error = NULL;
    f->nd.ops = &nd_ops;
    f->hooks = hooks_new();
    g_assert_true(machine_new(&config, &f->nd, f->hooks, &f->m, &error));
    g_assert_true(machine_reset(f->m, &error));
    machine_config_done(&config);
}

static void fixture_done(Fixture *f) {
    machine_free(f->m);
    hooks_free(f->hooks);
}

static const StateSection *section_at(const Machine *m, guint i) {
    return &g_array_index(m->sections, StateSection, i);
}

/* Call fn for every element of every field of every section. */
static void each_element(Machine *m, void (*fn)(Machine *m, const char *name, uint8_t *at, unsigned size)) {
    for (guint i = 0; i < m->sections->len; i++) {
        const StateSection *s = section_at(m, i);
        for (size_t k = 0; k < s->n_fields; k++) {
            const StateField *field = &s->fields[k];
            for (uint32_t e = 0; e < field->count; e++) {
                g_autofree char *name = g_strdup_printf("%s.%s[%u]", s->name, field->name, e);
                fn(m, name, (uint8_t *)s->object + field->offset + (size_t)e * field->size, field->size);
            }
        }
    }
}

static void flip_one(Machine *m, const char *name, uint8_t *at, unsigned size) {
    uint64_t before = machine_state_hash(m);
    unsigned bit = g_str_hash(name) % (size * 8);
    at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (machine_state_hash(m) == before)
        g_error("a flipped bit of %s does not show in the state hash", name);
    at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    g_assert_cmphex(machine_state_hash(m), ==, before);
}

static void test_fields(void) {
    Fixture f;
    fixture_init(&f);
    each_element(f.m, flip_one);
    fixture_done(&f);
}

static void test_tables(void) {
    Fixture f;
    fixture_init(&f);
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < f.m->sections->len; i++) {
        const StateSection *s = section_at(f.m, i);
        g_assert_true(g_hash_table_add(names, (gpointer)s->name));
        g_assert_cmpint(!s->save_extra, ==, !s->load_extra);
        for (size_t k = 0; k < s->n_fields; k++)
            g_assert_true(s->fields[k].size == 1 || s->fields[k].size == 2 || s->fields[k].size == 4 ||
                          s->fields[k].size == 8);
    }
    g_assert_cmpuint(g_hash_table_size(names), >=, 8);
    fixture_done(&f);
}

static void poke(Machine *m, Gpa pa, uint8_t value) {
    g_assert_true(machine_ram_write(m, pa, &value, 1));
}

static void test_ram(void) {
    Fixture f;
    fixture_init(&f);
    Machine *m = f.m;
    uint64_t start = machine_state_hash(m), seed = 1;
    for (unsigned i = 0; i < 2000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        Gpa pa = 0x80000000 + (seed >> 20) % m->ram->size;
        uint8_t old = *machine_ram_ptr(m, pa, 1);
        poke(m, pa, old ^ (uint8_t)(1 << seed % 8));
        g_assert_cmphex(machine_state_hash(m), !=, start);
        poke(m, pa, old);
        g_assert_cmphex(machine_state_hash(m), ==, start);
    }
    fixture_done(&f);
}

/* The same bytes on another page are another state. */
static void test_ram_pages(void) {
    Fixture f;
    fixture_init(&f);
    poke(f.m, 0x80801000, 1);
    uint64_t one = machine_state_hash(f.m);
    poke(f.m, 0x80801000, 0);
    poke(f.m, 0x80802000, 1);
    g_assert_cmphex(machine_state_hash(f.m), !=, one);
    fixture_done(&f);
}

static uint64_t scramble_seed;
static void scramble(Machine *m, const char *name, uint8_t *at, unsigned size) {
    scramble_seed = scramble_seed * 6364136223846793005u + 1442695040888963407u;
    for (unsigned i = 0; i < size; i++)
        at[i] ^= (uint8_t)(scramble_seed >> (8 * i));
}

/* Bits of hart 0 and of RAM only: other fields must stay within what their devices can load. */
static void disturb(Machine *m, uint64_t seed) {
    scramble_seed = seed;
    for (unsigned i = 0; i < 32; i++)
        scramble(m, "x", (uint8_t *)&m->harts[0]->x[i], 8);
    m->pos += seed;
    for (unsigned i = 0; i < 40; i++)
        poke(m, 0x80000000 + (scramble_seed + i * 0x9e3779b9u) % m->ram->size, (uint8_t)(seed + i));
}

static void test_snapshots(void) {
    Fixture f;
    fixture_init(&f);
    Machine *m = f.m;
    Snapshot *shots[8];
    uint64_t hashes[8];
    for (unsigned i = 0; i < 8; i++) {
        disturb(m, i + 1);
        hashes[i] = machine_state_hash(m);
        shots[i] = snapshot_take(m);
        g_assert_cmpuint(snapshot_pos(shots[i]), ==, m->pos);
        g_assert_cmphex(machine_state_hash(m), ==, hashes[i]);
    }
    static const unsigned order[] = {7, 0, 3, 3, 6, 1, 5, 2, 4, 7, 0};
    for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
        if (i & 1)
            disturb(m, i);
        snapshot_restore(m, shots[order[i]]);
        g_assert_cmphex(machine_state_hash(m), ==, hashes[order[i]]);
    }
    /* The hash that pages were restored with is the hash of what is there. */
    memset(m->page_flags, PAGE_DIRTY, m->n_pages);
    g_assert_cmphex(machine_state_hash(m), ==, hashes[order[G_N_ELEMENTS(order) - 1]]);
    for (unsigned i = 0; i < 8; i++)
        snapshot_free(shots[i]);
    fixture_done(&f);
}

/* A snapshot fits another machine of the same configuration; pages it never had are zeros again. */
static void test_other_machine(void) {
    Fixture a, b;
    fixture_init(&a);
    fixture_init(&b);
    disturb(a.m, 5);
    disturb(b.m, 99);
    Snapshot *s = snapshot_take(a.m);
    g_assert_cmphex(machine_state_hash(a.m), !=, machine_state_hash(b.m));
    snapshot_restore(b.m, s);
    g_assert_cmphex(machine_state_hash(a.m), ==, machine_state_hash(b.m));
    snapshot_free(s);
    fixture_done(&a);
    fixture_done(&b);
}

/* machine_reset() brings pos 0 back whatever was before. */
static void test_reset(void) {
    Fixture f;
    fixture_init(&f);
    uint64_t hash = machine_state_hash(f.m);
    disturb(f.m, 3);
    g_assert_true(machine_reset(f.m, NULL));
    g_assert_cmphex(machine_state_hash(f.m), ==, hash);
    fixture_done(&f);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/tables", test_tables);
    g_test_add_func("/state/fields", test_fields);
    g_test_add_func("/state/ram", test_ram);
    g_test_add_func("/state/ram-pages", test_ram_pages);
    g_test_add_func("/state/snapshots", test_snapshots);
    g_test_add_func("/state/other-machine", test_other_machine);
    g_test_add_func("/state/reset", test_reset);
    return g_test_run();
}
