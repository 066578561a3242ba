/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MMIO transport, virtio 1.2 §4.2.2 (registers) and §4.2.4 (legacy). */
#include "core/devices/virtio.h"

#include <string.h>

enum {
    REG_MAGIC = 0x00,
    REG_VERSION = 0x04,
    REG_DEVICE_ID = 0x08,
    REG_VENDOR_ID = 0x0c,
    REG_DEVICE_FEATURES = 0x10,
    REG_DEVICE_FEATURES_SEL = 0x14,
    REG_DRIVER_FEATURES = 0x20,
    REG_DRIVER_FEATURES_SEL = 0x24,
    REG_GUEST_PAGE_SIZE = 0x28, /* legacy */
    REG_QUEUE_SEL = 0x30,
    REG_QUEUE_NUM_MAX = 0x34,
    REG_QUEUE_NUM = 0x38,
    REG_QUEUE_ALIGN = 0x3c, /* legacy */
    REG_QUEUE_PFN = 0x40,   /* legacy */
    REG_QUEUE_READY = 0x44,
    REG_QUEUE_NOTIFY = 0x50,
    REG_INTERRUPT_STATUS = 0x60,
    REG_INTERRUPT_ACK = 0x64,
    REG_STATUS = 0x70,
    REG_QUEUE_DESC_LOW = 0x80,
    REG_QUEUE_DESC_HIGH = 0x84,
    REG_QUEUE_AVAIL_LOW = 0x90,
    REG_QUEUE_AVAIL_HIGH = 0x94,
    REG_QUEUE_USED_LOW = 0xa0,
    REG_QUEUE_USED_HIGH = 0xa4,
    REG_SHM_LEN_LOW = 0xb0, /* no shared memory: length and base read as all ones */
    REG_SHM_BASE_HIGH = 0xbc,
    REG_CONFIG_GENERATION = 0xfc,
    REG_CONFIG = 0x100,
    REGION_SIZE = 0x200,
};

#define VIRTIO_MAGIC 0x74726976u  /* "virt" */
#define VIRTIO_VENDOR 0x554d4551u /* "QEMU": drivers match on it */

static const RegisterName virtio_registers[] = {
    {REG_MAGIC, "magic"},
    {REG_VERSION, "version"},
    {REG_DEVICE_ID, "device_id"},
    {REG_VENDOR_ID, "vendor_id"},
    {REG_DEVICE_FEATURES, "device_features"},
    {REG_DEVICE_FEATURES_SEL, "device_features_sel"},
    {REG_DRIVER_FEATURES, "driver_features"},
    {REG_DRIVER_FEATURES_SEL, "driver_features_sel"},
    {REG_GUEST_PAGE_SIZE, "guest_page_size"},
    {REG_QUEUE_SEL, "queue_sel"},
    {REG_QUEUE_NUM_MAX, "queue_num_max"},
    {REG_QUEUE_NUM, "queue_num"},
    {REG_QUEUE_ALIGN, "queue_align"},
    {REG_QUEUE_PFN, "queue_pfn"},
    {REG_QUEUE_READY, "queue_ready"},
    {REG_QUEUE_NOTIFY, "queue_notify"},
    {REG_INTERRUPT_STATUS, "interrupt_status"},
    {REG_INTERRUPT_ACK, "interrupt_ack"},
    {REG_STATUS, "status"},
    {REG_QUEUE_DESC_LOW, "queue_desc_low"},
    {REG_QUEUE_DESC_HIGH, "queue_desc_high"},
    {REG_QUEUE_AVAIL_LOW, "queue_avail_low"},
    {REG_QUEUE_AVAIL_HIGH, "queue_avail_high"},
    {REG_QUEUE_USED_LOW, "queue_used_low"},
    {REG_QUEUE_USED_HIGH, "queue_used_high"},
    {REG_CONFIG_GENERATION, "config_generation"},
};

#define STATE_OF VirtioDevice
static const StateField virtio_fields[] = {VIRTIO_FIELDS(STATE_FIELD_ENTRY, STATE_ARRAY_ENTRY)};
#undef STATE_OF

uint64_t virtio_features(const VirtioDevice *v) {
    uint64_t common =
        VIRTIO_F_NOTIFY_ON_EMPTY | VIRTIO_F_ANY_LAYOUT | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;

    return v->ops->features(v) | common | (v->legacy ? 0 : VIRTIO_F_VERSION_1);
}

static void virtio_update_irq(VirtioDevice *v) {
    device_set_irq(&v->dev, v->interrupt_status != 0);
}

void virtio_interrupt(VirtioDevice *v, uint32_t cause) {
    v->interrupt_status |= cause;
    virtio_update_irq(v);
}

void virtio_break(VirtioDevice *v) {
    if (v->broken)
        return;
    v->broken = 1;
    if (!v->legacy) {
        v->status |= VIRTIO_STATUS_NEEDS_RESET;
        virtio_interrupt(v, VIRTIO_INT_CONFIG);
    }
}

/* Writing 0 to the status register, and machine reset. What the driver never read from a console stays
 * queued. */
static void virtio_reset(VirtioDevice *v) {
    v->status = v->device_features_sel = v->driver_features_sel = 0;
    v->driver_features = 0;
    v->queue_sel = v->interrupt_status = 0;
    v->broken = 0;
    for (unsigned q = 0; q < VIRTIO_QUEUES; q++) {
        v->queue_num[q] = q < v->ops->n_queues ? VIRTIO_QUEUE_SIZE : 0;
        v->queue_align[q] = PAGE_SIZE;
        v->queue_ready[q] = v->signalled_valid[q] = 0;
        v->queue_desc[q] = v->queue_avail[q] = v->queue_used[q] = 0;
        v->last_avail[q] = v->used_index[q] = v->in_flight[q] = v->signalled[q] = 0;
    }
    g_array_set_size(v->pending, 0);
    virtio_queue_rearm(v);
    virtio_update_irq(v);
}

/* A queue that is taken away takes its requests along: one made anew knows nothing of them. */
static void queue_drop_pending(VirtioDevice *v, uint32_t q) {
    for (guint i = v->pending->len; i-- > 0;)
        if (g_array_index(v->pending, VirtioPending, i).queue == q)
            g_array_remove_index(v->pending, i);
    virtio_queue_rearm(v);
}

static void queue_set_ready(VirtioDevice *v, uint32_t q, bool ready) {
    v->queue_ready[q] = ready;
    if (!ready) {
        queue_drop_pending(v, q);
        v->last_avail[q] = v->used_index[q] = v->in_flight[q] = v->signalled[q] = 0;
        v->signalled_valid[q] = 0;
    }
}

/* §2.7.2: in the legacy layout the three parts follow each other. */
static void queue_set_pfn(VirtioDevice *v, uint32_t q, uint32_t pfn) {
    if (pfn == 0) {
        virtio_reset(v);
        return;
    }
    uint64_t num = v->queue_num[q], align = v->queue_align[q];
    v->queue_desc[q] = (uint64_t)pfn << v->page_shift % 64;
    v->queue_avail[q] = v->queue_desc[q] + 16 * num;
    v->queue_used[q] = (v->queue_avail[q] + 2 * (3 + num) + align - 1) & ~(align - 1);
    queue_set_ready(v, q, true);
}

static void queue_set_num(VirtioDevice *v, uint32_t q, uint32_t num) {
    if (num != 0 && num <= VIRTIO_QUEUE_SIZE && (num & (num - 1)) == 0)
        v->queue_num[q] = num;
}

static void virtio_set_features(VirtioDevice *v, uint32_t half) {
    unsigned shift = v->driver_features_sel * 32;

    if (v->driver_features_sel > 1 || (v->status & VIRTIO_STATUS_FEATURES_OK))
        return;
    uint64_t value = (v->driver_features & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)half << shift;
    v->driver_features = value & virtio_features(v);
}

static void virtio_set_status(VirtioDevice *v, uint32_t value) {
    value &= 0xff;
    if (value == 0) {
        virtio_reset(v);
        return;
    }
    /* §3.1.1: a modern device refuses a driver that does not speak version 1. */
    if (!v->legacy && (value & VIRTIO_STATUS_FEATURES_OK) && !(v->driver_features & VIRTIO_F_VERSION_1))
        value &= ~(uint32_t)VIRTIO_STATUS_FEATURES_OK;
    v->status = value | (v->status & VIRTIO_STATUS_NEEDS_RESET);
}

static void virtio_notify(VirtioDevice *v, uint32_t queue) {
    if (queue < v->ops->n_queues && v->queue_ready[queue] && !v->broken)
        v->ops->notify(v, (uint16_t)queue);
}

static uint64_t virtio_read_config(const VirtioDevice *v, uint32_t offset, unsigned size) {
    uint8_t config[VIRTIO_CONFIG_SIZE + 8] = {0};
    uint64_t value = 0;

    if (offset + size > v->ops->config_size)
        return UINT64_MAX >> (64 - 8 * size);
    if (v->ops->config_read != NULL)
        v->ops->config_read(v, config);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)config[offset + i] << (8 * i);
    return value;
}

/* Registers that only one version has. */
static uint32_t virtio_read_versioned(const VirtioDevice *v, Gpa offset) {
    uint32_t q = v->queue_sel;

    if (v->legacy)
        return offset == REG_QUEUE_PFN && q < v->ops->n_queues
                   ? (uint32_t)(v->queue_desc[q] >> v->page_shift % 64)
                   : 0;
    if (offset >= REG_SHM_LEN_LOW && offset <= REG_SHM_BASE_HIGH)
        return UINT32_MAX;
    return offset == REG_QUEUE_READY && q < v->ops->n_queues ? v->queue_ready[q] : 0;
}

static uint32_t virtio_read_register(const VirtioDevice *v, Gpa offset) {
    switch (offset) {
    case REG_MAGIC: return VIRTIO_MAGIC;
    case REG_VERSION: return v->legacy ? 1 : 2;
    case REG_DEVICE_ID: return v->ops != NULL ? v->ops->device_id : 0;
    case REG_VENDOR_ID: return VIRTIO_VENDOR;
    }
    if (v->ops == NULL)
        return 0;
    switch (offset) {
    case REG_DEVICE_FEATURES:
        return v->device_features_sel > 1 ? 0 : (uint32_t)(virtio_features(v) >> 32 * v->device_features_sel);
    case REG_QUEUE_NUM_MAX: return v->queue_sel < v->ops->n_queues ? VIRTIO_QUEUE_SIZE : 0;
    case REG_INTERRUPT_STATUS: return v->interrupt_status;
    case REG_STATUS: return v->status;
    case REG_CONFIG_GENERATION: return 0; /* the configuration never changes */
    default: return virtio_read_versioned(v, offset);
    }
}

static uint64_t virtio_read(Device *d, Gpa offset, unsigned size) {
    const VirtioDevice *v = (const VirtioDevice *)d;

    if (offset >= REG_CONFIG)
        return v->ops != NULL ? virtio_read_config(v, (uint32_t)(offset - REG_CONFIG), size) : 0;
    if (size == 8)
        return virtio_read_register(v, offset) | (uint64_t)virtio_read_register(v, offset + 4) << 32;
    return size == 4 ? virtio_read_register(v, offset) : 0;
}

static void set_half(uint64_t *value, uint32_t half, bool high) {
    unsigned shift = high ? 32 : 0;

    *value = (*value & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)half << shift;
}

/* Registers of the selected queue. */
static void virtio_write_queue(VirtioDevice *v, Gpa offset, uint32_t value) {
    uint32_t q = v->queue_sel;

    if (q >= v->ops->n_queues)
        return;
    if (offset == REG_QUEUE_NUM) {
        queue_set_num(v, q, value);
    } else if (v->legacy) {
        if (offset == REG_QUEUE_ALIGN && value != 0 && (value & (value - 1)) == 0)
            v->queue_align[q] = value;
        else if (offset == REG_QUEUE_PFN)
            queue_set_pfn(v, q, value);
        return;
    }
    switch (offset) {
    case REG_QUEUE_READY: queue_set_ready(v, q, value & 1); break;
    case REG_QUEUE_DESC_LOW:
    case REG_QUEUE_DESC_HIGH: set_half(&v->queue_desc[q], value, offset & 4); break;
    case REG_QUEUE_AVAIL_LOW:
    case REG_QUEUE_AVAIL_HIGH: set_half(&v->queue_avail[q], value, offset & 4); break;
    case REG_QUEUE_USED_LOW:
    case REG_QUEUE_USED_HIGH: set_half(&v->queue_used[q], value, offset & 4); break;
    }
}

static void virtio_write_register(VirtioDevice *v, Gpa offset, uint32_t value) {
    switch (offset) {
    case REG_DEVICE_FEATURES_SEL: v->device_features_sel = value; break;
    case REG_DRIVER_FEATURES_SEL: v->driver_features_sel = value; break;
    case REG_DRIVER_FEATURES: virtio_set_features(v, value); break;
    case REG_GUEST_PAGE_SIZE:
        if (v->legacy && value != 0)
            v->page_shift = (uint32_t)__builtin_ctz(value);
        break;
    case REG_QUEUE_SEL: v->queue_sel = value; break;
    case REG_QUEUE_NOTIFY: virtio_notify(v, value); break;
    case REG_INTERRUPT_ACK:
        v->interrupt_status &= ~value;
        virtio_update_irq(v);
        break;
    case REG_STATUS: virtio_set_status(v, value); break;
    default: virtio_write_queue(v, offset, value); break;
    }
}

static void virtio_write(Device *d, Gpa offset, uint64_t value, unsigned size) {
    VirtioDevice *v = (VirtioDevice *)d;

    if (v->ops == NULL)
        return;
    if (offset >= REG_CONFIG) {
        if (v->ops->config_write != NULL)
            v->ops->config_write(v, (uint32_t)(offset - REG_CONFIG), value);
    } else if (size == 8) {
        virtio_write_register(v, offset, (uint32_t)value);
        virtio_write_register(v, offset + 4, (uint32_t)(value >> 32));
    } else if (size == 4) {
        virtio_write_register(v, offset, (uint32_t)value);
    }
}

static void virtio_device_reset(Device *d) {
    VirtioDevice *v = (VirtioDevice *)d;

    if (v->ops == NULL)
        return;
    v->page_shift = 0;
    virtio_reset(v);
}

static void virtio_deadline(Device *d) {
    virtio_queue_run((VirtioDevice *)d);
}

static void virtio_input(Device *d, uint32_t source, const uint8_t *data, uint32_t size) {
    VirtioDevice *v = (VirtioDevice *)d;

    if (v->ops != NULL && v->ops->input != NULL)
        v->ops->input(v, data, size);
}

static const char *virtio_register_name(const Device *d, Gpa offset) {
    if (offset >= REG_CONFIG)
        return "config";
    return register_name_find(virtio_registers, G_N_ELEMENTS(virtio_registers), offset);
}

/* -- the state section ----------------------------------------------------------------------------------- */

static void save_pending(const VirtioDevice *v, GByteArray *out) {
    state_write_uint(out, v->pending->len, 4);
    for (unsigned i = 0; i < v->pending->len; i++) {
        const VirtioPending *p = &g_array_index(v->pending, VirtioPending, i);
        state_write_uint(out, p->due, 8);
        state_write_uint(out, p->queue, 2);
        state_write_uint(out, p->head, 2);
    }
}

static void virtio_save_extra(const void *object, GByteArray *out) {
    const VirtioDevice *v = object;

    save_pending(v, out);
    if (v->ops->save != NULL)
        v->ops->save(v, out);
}

static void virtio_hash_extra(const void *object, GByteArray *out) {
    const VirtioDevice *v = object;

    save_pending(v, out);
    if (v->ops->digest != NULL)
        v->ops->digest(v, out);
    else if (v->ops->save != NULL)
        v->ops->save(v, out);
}

static bool virtio_load_extra(void *object, StateReader *r) {
    VirtioDevice *v = object;
    uint64_t n = state_read_uint(r, 4);

    if (r->bad || n > VIRTIO_QUEUES * VIRTIO_QUEUE_SIZE)
        return false;
    g_array_set_size(v->pending, 0);
    for (uint64_t i = 0; i < n; i++) {
        VirtioPending p = {.due = state_read_uint(r, 8)};
        p.queue = (uint16_t)state_read_uint(r, 2);
        p.head = (uint16_t)state_read_uint(r, 2);
        if (p.queue >= v->ops->n_queues)
            return false;
        g_array_append_val(v->pending, p);
    }
    return !r->bad && (v->ops->load == NULL || v->ops->load(v, r));
}

static void virtio_loaded(void *object) {
    virtio_queue_rearm(object);
}

/* -- creation -------------------------------------------------------------------------------------------- */

static void virtio_free(Device *d) {
    VirtioDevice *v = (VirtioDevice *)d;

    if (v->ops != NULL && v->ops->done != NULL)
        v->ops->done(v);
    g_array_unref(v->pending);
    g_free(v->chain);
    g_free(v);
}

#define VIRTIO_DEVICE_OPS(name)                                                                              \
    {                                                                                                        \
        .type = name, .read = virtio_read, .write = virtio_write, .reset = virtio_device_reset,              \
        .deadline = virtio_deadline, .input = virtio_input, .register_name = virtio_register_name,           \
        .free = virtio_free,                                                                                 \
    }

static const DeviceOps virtio_device_ops[] = {
    [VIRTIO_NONE] = VIRTIO_DEVICE_OPS("virtio"),
    [VIRTIO_BLK] = VIRTIO_DEVICE_OPS("virtio-blk"),
    [VIRTIO_CONSOLE] = VIRTIO_DEVICE_OPS("virtio-console"),
    [VIRTIO_RNG] = VIRTIO_DEVICE_OPS("virtio-rng"),
};

/* Console ports are numbered from 1, in the order in which QEMU fills slots: from the last one down. */
static uint32_t virtio_console_port(const Machine *m, unsigned slot) {
    uint32_t port = 1;

    for (unsigned i = slot + 1; i < MACHINE_VIRTIO_SLOTS; i++)
        port += m->config.virtio[i].kind == VIRTIO_CONSOLE;
    return port;
}

static VirtioDevice *virtio_new(Machine *m, unsigned slot) {
    switch (m->config.virtio[slot].kind) {
    case VIRTIO_NONE: return g_new0(VirtioDevice, 1);
    case VIRTIO_BLK: return virtio_blk_new(m, slot);
    case VIRTIO_CONSOLE: return virtio_console_new(m, virtio_console_port(m, slot));
    case VIRTIO_RNG: return virtio_rng_new();
    default: return NULL;
    }
}

bool virtio_create(Machine *m, unsigned slot, Gpa base, int source, GError **error) {
    static const char *const names[MACHINE_VIRTIO_SLOTS] = {"virtio0", "virtio1", "virtio2", "virtio3",
                                                            "virtio4", "virtio5", "virtio6", "virtio7"};
    VirtioDevice *v = virtio_new(m, slot);

    if (v == NULL) {
        g_set_error(
            error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
            "virtio slot %u: device kind %d does not exist on this machine (block, console and rng do)", slot,
            (int)m->config.virtio[slot].kind);
        return false;
    }
    v->pending = g_array_new(FALSE, FALSE, sizeof(VirtioPending));
    v->chain = g_new0(VirtioChain, 1);
    v->config = &m->config.virtio[slot];
    v->slot = slot;
    v->legacy = m->config.virtio_legacy;
    device_init(&v->dev, m, &virtio_device_ops[v->config->kind], names[slot], source);
    machine_add_region(m, base, REGION_SIZE, 1, 8, &v->dev);
    if (v->ops != NULL) {
        StateSection section = {
            .name = names[slot],
            .object = v,
            .fields = virtio_fields,
            .n_fields = G_N_ELEMENTS(virtio_fields),
            .save_extra = virtio_save_extra,
            .load_extra = virtio_load_extra,
            .loaded = virtio_loaded,
            .hash_extra = virtio_hash_extra,
        };
        machine_add_section(m, &section);
    }
    return true;
}
