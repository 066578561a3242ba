/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Console device, virtio 1.2 §5.3, with a single port: queue 0 receives, queue 1 transmits. */
#include "core/devices/virtio.h"

#include <string.h>

#define VIRTIO_CONSOLE_F_EMERG_WRITE (UINT64_C(1) << 2)
enum { VIRTIO_ID_CONSOLE = 3, CONSOLE_RX = 0, CONSOLE_TX = 1, CONSOLE_CHUNK = 4096 };
/* struct virtio_console_config */
enum { CONFIG_MAX_PORTS = 4, CONFIG_EMERG_WRITE = 8, CONFIG_SIZE = 12 };

typedef struct VirtioConsole {
    VirtioDevice base;
    GByteArray *backlog; /* received, waiting for the driver's buffers (state) */
    uint32_t port;
} VirtioConsole;

static uint64_t console_features(const VirtioDevice *v) {
    return VIRTIO_CONSOLE_F_EMERG_WRITE;
}

static void console_config_read(const VirtioDevice *v, uint8_t *config) {
    config[CONFIG_MAX_PORTS] = 1;
}

static void console_config_write(VirtioDevice *v, uint32_t offset, uint64_t value) {
    uint8_t byte = (uint8_t)value;

    if (offset == CONFIG_EMERG_WRITE)
        device_console_output(&v->dev, ((VirtioConsole *)v)->port, &byte, 1);
}

static void console_receive(VirtioConsole *c) {
    VirtioDevice *v = &c->base;
    VirtioChain *chain = v->chain;
    uint16_t head;

    while (c->backlog->len != 0 && virtio_queue_take(v, CONSOLE_RX, &head)) {
        if (!virtio_chain_read(v, CONSOLE_RX, head, chain))
            return;
        uint32_t n = (uint32_t)MIN(chain->in_size, c->backlog->len);
        if (!virtio_chain_put(v, chain, 0, c->backlog->data, n))
            return;
        if (n != 0)
            g_byte_array_remove_range(c->backlog, 0, n);
        virtio_chain_return(v, chain, n);
    }
}

/* All of one buffer; its size is the guest's word, but every byte must be in RAM. */
static bool console_send_chain(VirtioConsole *c, const VirtioChain *chain) {
    uint8_t bytes[CONSOLE_CHUNK];

    for (uint64_t at = 0; at < chain->out_size; at += sizeof bytes) {
        uint32_t n = (uint32_t)MIN(sizeof bytes, chain->out_size - at);
        if (!virtio_chain_get(&c->base, chain, at, bytes, n))
            return false;
        device_console_output(&c->base.dev, c->port, bytes, n);
    }
    return true;
}

static void console_transmit(VirtioConsole *c) {
    VirtioDevice *v = &c->base;
    VirtioChain *chain = v->chain;
    uint16_t head;

    while (virtio_queue_take(v, CONSOLE_TX, &head)) {
        if (!virtio_chain_read(v, CONSOLE_TX, head, chain) || !console_send_chain(c, chain))
            return;
        virtio_chain_return(v, chain, 0);
    }
}

static void console_notify(VirtioDevice *v, uint16_t queue) {
    VirtioConsole *c = (VirtioConsole *)v;

    if (queue == CONSOLE_RX)
        console_receive(c);
    else
        console_transmit(c);
}

static void console_input(VirtioDevice *v, const uint8_t *data, uint32_t size) {
    VirtioConsole *c = (VirtioConsole *)v;

    g_byte_array_append(c->backlog, data, size);
    console_receive(c);
}

static void console_save(const VirtioDevice *v, GByteArray *out) {
    const VirtioConsole *c = (const VirtioConsole *)v;

    state_write_uint(out, c->backlog->len, 4);
    g_byte_array_append(out, c->backlog->data, c->backlog->len);
}

static bool console_load(VirtioDevice *v, StateReader *r) {
    VirtioConsole *c = (VirtioConsole *)v;
    uint64_t n = state_read_uint(r, 4);

    if (r->bad || n > r->size - r->at)
        return false;
    g_byte_array_set_size(c->backlog, (guint)n);
    return state_read_bytes(r, c->backlog->data, n);
}

static void console_done(VirtioDevice *v) {
    g_byte_array_unref(((VirtioConsole *)v)->backlog);
}

static const VirtioOps console_ops = {
    .device_id = VIRTIO_ID_CONSOLE,
    .n_queues = 2,
    .config_size = CONFIG_SIZE,
    .features = console_features,
    .config_read = console_config_read,
    .config_write = console_config_write,
    .notify = console_notify,
    .input = console_input,
    .save = console_save,
    .load = console_load,
    .done = console_done,
};

VirtioDevice *virtio_console_new(Machine *m, uint32_t port) {
    VirtioConsole *c = g_new0(VirtioConsole, 1);

    c->base.ops = &console_ops;
    c->backlog = g_byte_array_new();
    c->port = port;
    m->consoles[port] = &c->base.dev;
    return &c->base;
}
