/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/world.h"

#include <string.h>

static Pos world_next_pos(Nd *nd) {
    return POS_NONE;
}
static bool world_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    return false;
}
static bool world_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    return false;
}
static bool world_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    return true;
}
static Pos world_next_checkpoint(Nd *nd, Pos pos) {
    return POS_NONE;
}

uint8_t world_disk_byte(uint64_t offset) {
    return (uint8_t)(offset ^ offset >> 8 ^ offset >> 16);
}

static bool world_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                        uint32_t size, int *err) {
    World *w = (World *)nd;

    if (w->fail != 0) {
        *err = w->fail;
        return false;
    }
    w->fetches += kind == ND_BLOCK;
    for (uint32_t i = 0; i < size; i++)
        to[i] = kind == ND_BLOCK   ? world_disk_byte(arg * 4096 + i)
                : kind == ND_CLOCK ? (uint8_t)(WORLD_CLOCK >> 8 * i)
                                   : (uint8_t)(i * 37 + source);
    return true;
}

static void world_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                         uint32_t size) {
    g_string_append_len(((World *)nd)->output, (const char *)data, size);
}

static const NdOps world_ops = {
    .next_pos = world_next_pos,
    .poll = world_poll,
    .idle = world_idle,
    .fetch = world_fetch,
    .output = world_output,
    .checkpoint = world_checkpoint,
    .next_checkpoint = world_next_checkpoint,
};

World *world_new(void) {
    World *w = g_new0(World, 1);

    w->nd.ops = &world_ops;
    w->output = g_string_new(NULL);
    w->hooks = hooks_new();
    machine_config_init(&w->config);
    w->config.ram_size = 16 << 20;
    return w;
}

void world_free(World *w) {
    machine_free(w->m);
    machine_config_done(&w->config);
    hooks_free(w->hooks);
    g_string_free(w->output, TRUE);
    g_free(w);
}

void world_image(World *w, ImageRole role, const void *bytes, size_t size) {
    g_autoptr(GBytes) data = g_bytes_new(bytes, size);

    g_ptr_array_add(w->config.images, machine_image_new(role, "test-file", data, 0));
}

bool world_start(World *w, GError **error) {
    return machine_new(&w->config, &w->nd, w->hooks, &w->m, error) && machine_reset(w->m, error);
}

void world_wait(World *w, Nsec ns) {
    w->m->idle_ns += ns;
    for (guint i = 0; i < w->m->devices->len; i++) {
        Device *d = g_ptr_array_index(w->m->devices, i);
        if (d->when <= machine_time(w->m)) {
            d->when = NSEC_NEVER;
            d->ops->deadline(d);
        }
    }
    machine_timer_update(w->m);
}

uint64_t world_read(World *w, Gpa pa, unsigned size) {
    uint64_t value;
    bool ok = machine_mmio_read(w->m, pa, size, &value);

    g_assert_true(ok);
    return value;
}

void world_write(World *w, Gpa pa, uint64_t value, unsigned size) {
    bool ok = machine_mmio_write(w->m, pa, value, size);

    g_assert_true(ok);
}

void world_input(World *w, unsigned port, const char *text) {
    Device *d = w->m->consoles[port];

    d->ops->input(d, port, (const uint8_t *)text, (uint32_t)strlen(text));
}
