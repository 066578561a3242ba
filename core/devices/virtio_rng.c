/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entropy device, virtio 1.2 §5.4: fills buffers with host entropy. */
#include "core/devices/virtio.h"

enum {
    VIRTIO_ID_RNG = 4,
    RNG_LATENCY_NS = 10000,
    RNG_MAX_BYTES = 4096, /* of one request; a device may give less than asked for */
};

static uint64_t rng_features(const VirtioDevice *v) {
    return 0;
}

static void rng_notify(VirtioDevice *v, uint16_t queue) {
    virtio_queue_submit(v, queue);
}

static void rng_complete(VirtioDevice *v, const VirtioChain *chain) {
    Machine *m = v->dev.machine;
    uint8_t bytes[RNG_MAX_BYTES];
    uint32_t n = (uint32_t)MIN(chain->in_size, sizeof bytes);
    int err = 0;

    /* A host without entropy gives none: an empty buffer. */
    if (n != 0 &&
        !m->nd->ops->fetch(m->nd, machine_pos(m), machine_time(m), ND_ENTROPY, v->slot, 0, bytes, n, &err))
        n = 0;
    if (virtio_chain_put(v, chain, 0, bytes, n))
        virtio_chain_return(v, chain, n);
}

static const VirtioOps rng_ops = {
    .device_id = VIRTIO_ID_RNG,
    .n_queues = 1,
    .latency = RNG_LATENCY_NS,
    .features = rng_features,
    .notify = rng_notify,
    .complete = rng_complete,
};

VirtioDevice *virtio_rng_new(void) {
    VirtioDevice *v = g_new0(VirtioDevice, 1);

    v->ops = &rng_ops;
    return v;
}
