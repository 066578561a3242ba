/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues, virtio 1.2 §2.7. In guest memory, all little-endian:
 *
 *   descriptor table   16 bytes each: le64 address, le32 length, le16 flags, le16 next
 *   available ring     le16 flags, le16 index, le16 ring[num], le16 used_event
 *   used ring          le16 flags, le16 index, {le32 id, le32 length} ring[num], le16 avail_event
 */
#include "core/devices/virtio.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, DESC_SIZE = 16 };
enum { AVAIL_NO_INTERRUPT = 1 };

typedef struct Descriptor {
    Gpa addr;
    uint32_t len;
    uint16_t flags, next;
} Descriptor;

static bool queue_read16(VirtioDevice *v, Gpa at, uint16_t *value) {
    uint8_t raw[2];

    if (!device_dma_read(&v->dev, at, raw, sizeof raw)) {
        virtio_break(v);
        return false;
    }
    *value = (uint16_t)(raw[0] | raw[1] << 8);
    return true;
}

static bool queue_write(VirtioDevice *v, Gpa at, uint64_t value, unsigned size) {
    uint8_t raw[8];

    for (unsigned i = 0; i < size; i++)
        raw[i] = (uint8_t)(value >> (8 * i));
    if (device_dma_write(&v->dev, at, raw, size))
        return true;
    virtio_break(v);
    return false;
}

static bool queue_usable(const VirtioDevice *v, uint16_t queue) {
    return !v->broken && queue < v->ops->n_queues && v->queue_ready[queue] && v->queue_num[queue] != 0;
}

bool virtio_queue_has(VirtioDevice *v, uint16_t queue) {
    uint16_t index;

    if (!queue_usable(v, queue) || !queue_read16(v, v->queue_avail[queue] + 2, &index))
        return false;
    uint16_t ready = (uint16_t)(index - v->last_avail[queue]);
    /* More available, or more taken, than the ring holds: the driver's indices are wrong. */
    if (ready > v->queue_num[queue] || (ready != 0 && v->in_flight[queue] >= v->queue_num[queue])) {
        virtio_break(v);
        return false;
    }
    return ready != 0;
}

/* Ask to be notified of whatever comes after what was seen so far. */
static bool queue_set_avail_event(VirtioDevice *v, uint16_t queue) {
    if (!(v->driver_features & VIRTIO_F_EVENT_IDX))
        return true;
    return queue_write(v, v->queue_used[queue] + 4 + 8ull * v->queue_num[queue], v->last_avail[queue], 2);
}

bool virtio_queue_take(VirtioDevice *v, uint16_t queue, uint16_t *head) {
    uint16_t index;

    if (!virtio_queue_has(v, queue))
        return false;
    Gpa entry = v->queue_avail[queue] + 4 + 2ull * (v->last_avail[queue] % v->queue_num[queue]);
    if (!queue_read16(v, entry, &index))
        return false;
    if (index >= v->queue_num[queue]) {
        virtio_break(v);
        return false;
    }
    v->last_avail[queue]++;
    v->in_flight[queue]++;
    *head = index;
    return queue_set_avail_event(v, queue);
}

static bool descriptor_read(VirtioDevice *v, Gpa table, uint32_t index, Descriptor *d) {
    uint8_t raw[DESC_SIZE];

    if (!device_dma_read(&v->dev, table + (Gpa)index * DESC_SIZE, raw, sizeof raw))
        return false;
    d->addr = d->len = 0;
    for (unsigned i = 0; i < 8; i++)
        d->addr |= (uint64_t)raw[i] << (8 * i);
    for (unsigned i = 0; i < 4; i++)
        d->len |= (uint32_t)raw[8 + i] << (8 * i);
    d->flags = (uint16_t)(raw[12] | raw[13] << 8);
    d->next = (uint16_t)(raw[14] | raw[15] << 8);
    return true;
}

static bool chain_add(VirtioChain *chain, const Descriptor *d) {
    bool is_in = d->flags & DESC_WRITE;

    if (chain->n_out + chain->n_in == VIRTIO_QUEUE_SIZE || (!is_in && chain->n_in != 0))
        return false; /* §2.7.4.2: what the device reads comes first */
    chain->segments[chain->n_out + chain->n_in] = (VirtioSegment){d->addr, d->len};
    if (is_in) {
        chain->n_in++;
        chain->in_size += d->len;
    } else {
        chain->n_out++;
        chain->out_size += d->len;
    }
    return true;
}

/* Walk one table of n descriptors; more steps than descriptors is a loop. */
static bool chain_walk(VirtioDevice *v, Gpa table, uint32_t n, uint32_t index, bool may_indirect,
                       VirtioChain *chain) {
    Descriptor d;

    for (uint32_t steps = 0; steps < n; steps++) {
        if (index >= n || !descriptor_read(v, table, index, &d))
            return false;
        if (d.flags & DESC_INDIRECT) {
            /* §2.7.5.3.1: not in an indirect table, not together with NEXT. */
            if (!may_indirect || (d.flags & DESC_NEXT) || d.len == 0 || d.len % DESC_SIZE != 0)
                return false;
            return chain_walk(v, d.addr, d.len / DESC_SIZE, 0, false, chain);
        }
        if (!chain_add(chain, &d))
            return false;
        if (!(d.flags & DESC_NEXT))
            return true;
        index = d.next;
    }
    return false;
}

bool virtio_chain_read(VirtioDevice *v, uint16_t queue, uint16_t head, VirtioChain *chain) {
    chain->queue = queue;
    chain->head = head;
    chain->n_out = chain->n_in = 0;
    chain->out_size = chain->in_size = 0;
    bool may_indirect = v->driver_features & VIRTIO_F_INDIRECT_DESC;
    /* More bytes than there is RAM cannot be meant, and would keep the host busy. */
    uint64_t most = v->dev.machine->ram->size;
    if (chain_walk(v, v->queue_desc[queue], v->queue_num[queue], head, may_indirect, chain) &&
        chain->out_size <= most && chain->in_size <= most)
        return true;
    virtio_break(v);
    return false;
}

/* §2.7.7.2 and §2.7.10: does the driver want an interrupt for the entries since the last one? */
static bool queue_wants_interrupt(VirtioDevice *v, uint16_t queue) {
    uint16_t value, now = v->used_index[queue], last = v->signalled[queue];
    bool valid = v->signalled_valid[queue];

    v->signalled[queue] = now;
    v->signalled_valid[queue] = 1;
    if ((v->driver_features & VIRTIO_F_NOTIFY_ON_EMPTY) && v->in_flight[queue] == 0 &&
        !virtio_queue_has(v, queue))
        return true;
    if (v->driver_features & VIRTIO_F_EVENT_IDX) {
        if (!queue_read16(v, v->queue_avail[queue] + 4 + 2ull * v->queue_num[queue], &value))
            return false;
        return !valid || (uint16_t)(now - value - 1) < (uint16_t)(now - last);
    }
    return queue_read16(v, v->queue_avail[queue], &value) && !(value & AVAIL_NO_INTERRUPT);
}

void virtio_chain_return(VirtioDevice *v, const VirtioChain *chain, uint32_t written) {
    uint16_t q = chain->queue;

    if (!queue_usable(v, q))
        return;
    Gpa entry = v->queue_used[q] + 4 + 8ull * (v->used_index[q] % v->queue_num[q]);
    uint16_t next = (uint16_t)(v->used_index[q] + 1);
    if (!queue_write(v, entry, chain->head | (uint64_t)written << 32, 8) ||
        !queue_write(v, v->queue_used[q] + 2, next, 2))
        return;
    v->used_index[q] = next;
    v->in_flight[q]--;
    if (queue_wants_interrupt(v, q))
        virtio_interrupt(v, VIRTIO_INT_USED);
}

/* Visit [offset, offset+size) of n segments as host bytes. */
static bool chain_copy(VirtioDevice *v, const VirtioSegment *s, uint32_t n, uint64_t offset, uint8_t *bytes,
                       uint64_t size, bool is_write) {
    for (uint32_t i = 0; i < n && size != 0; i++) {
        if (offset >= s[i].len) {
            offset -= s[i].len;
            continue;
        }
        uint64_t part = MIN(size, s[i].len - offset);
        bool ok = is_write ? device_dma_write(&v->dev, s[i].addr + offset, bytes, part)
                           : device_dma_read(&v->dev, s[i].addr + offset, bytes, part);
        if (!ok)
            break;
        bytes += part;
        size -= part;
        offset = 0;
    }
    if (size != 0)
        virtio_break(v);
    return size == 0;
}

bool virtio_chain_get(VirtioDevice *v, const VirtioChain *chain, uint64_t offset, void *to, uint64_t size) {
    return chain_copy(v, chain->segments, chain->n_out, offset, to, size, false);
}

bool virtio_chain_put(VirtioDevice *v, const VirtioChain *chain, uint64_t offset, const void *from,
                      uint64_t size) {
    return chain_copy(v, chain->segments + chain->n_out, chain->n_in, offset, (uint8_t *)from, size, true);
}

void virtio_queue_rearm(VirtioDevice *v) {
    Nsec when = v->pending->len != 0 ? g_array_index(v->pending, VirtioPending, 0).due : NSEC_NEVER;

    device_set_deadline(&v->dev, when);
}

void virtio_queue_submit(VirtioDevice *v, uint16_t queue) {
    VirtioPending p = {.due = machine_time(v->dev.machine) + v->ops->latency, .queue = queue};

    while (virtio_queue_take(v, queue, &p.head)) {
        g_array_append_val(v->pending, p);
        hooks_request(v->dev.machine->hooks, machine_pos(v->dev.machine), &v->dev, false);
    }
    virtio_queue_rearm(v);
}

void virtio_queue_run(VirtioDevice *v) {
    Nsec now = machine_time(v->dev.machine);

    while (v->pending->len != 0 && g_array_index(v->pending, VirtioPending, 0).due <= now && !v->broken) {
        VirtioPending p = g_array_index(v->pending, VirtioPending, 0);
        g_array_remove_index(v->pending, 0);
        v->dev.submitted = p.due - v->ops->latency;
        if (virtio_chain_read(v, p.queue, p.head, v->chain))
            v->ops->complete(v, v->chain);
        hooks_request(v->dev.machine->hooks, machine_pos(v->dev.machine), &v->dev, true);
        v->dev.submitted = NSEC_NEVER;
    }
    if (v->broken)
        g_array_set_size(v->pending, 0);
    virtio_queue_rearm(v);
}
