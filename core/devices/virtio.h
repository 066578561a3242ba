/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio 1.2 devices on the MMIO transport, modern (version 2) or legacy (version 1), with split virtqueues.
 *
 *   virtio_mmio.c   the transport's registers, features, reset, the state section
 *   virtio_queue.c  rings and descriptor chains; requests in flight
 *   virtio_blk.c, virtio_console.c, virtio_rng.c   the devices
 *
 * The guest is not trusted: a malformed ring or chain breaks the device (DEVICE_NEEDS_RESET), which then does
 * nothing until the driver resets it.
 */
#ifndef CORE_DEVICES_VIRTIO_H
#define CORE_DEVICES_VIRTIO_H

#include "core/devices/devices.h"

#define VIRTIO_QUEUES 2u
#define VIRTIO_QUEUE_SIZE 1024u /* largest ring, and most segments of a chain */
#define VIRTIO_CONFIG_SIZE 64u

/* Features, spec chapter 6 and §6.3 for legacy. */
#define VIRTIO_F_NOTIFY_ON_EMPTY (UINT64_C(1) << 24)
#define VIRTIO_F_ANY_LAYOUT (UINT64_C(1) << 27)
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1 (UINT64_C(1) << 32)

enum { VIRTIO_STATUS_FEATURES_OK = 8, VIRTIO_STATUS_NEEDS_RESET = 0x40 };
enum { VIRTIO_INT_USED = 1, VIRTIO_INT_CONFIG = 2 };

#define VIRTIO_FIELDS(F, A)                                                                                  \
    F(uint32_t, status)                                                                                      \
    F(uint32_t, device_features_sel)                                                                         \
    F(uint32_t, driver_features_sel)                                                                         \
    F(uint64_t, driver_features) /* accepted, a subset of the offered ones */                                \
    F(uint32_t, queue_sel)                                                                                   \
    F(uint32_t, interrupt_status)                                                                            \
    F(uint32_t, page_shift) /* legacy: log2 of the driver's page size */                                     \
    F(uint8_t, broken)                                                                                       \
    A(uint32_t, queue_num, VIRTIO_QUEUES)   /* ring size */                                                  \
    A(uint32_t, queue_align, VIRTIO_QUEUES) /* legacy */                                                     \
    A(uint8_t, queue_ready, VIRTIO_QUEUES)                                                                   \
    A(uint64_t, queue_desc, VIRTIO_QUEUES)                                                                   \
    A(uint64_t, queue_avail, VIRTIO_QUEUES)                                                                  \
    A(uint64_t, queue_used, VIRTIO_QUEUES)                                                                   \
    A(uint16_t, last_avail, VIRTIO_QUEUES) /* next entry of the available ring to take */                    \
    A(uint16_t, used_index, VIRTIO_QUEUES) /* next entry of the used ring to fill */                         \
    A(uint16_t, in_flight, VIRTIO_QUEUES)  /* taken and not yet returned */                                  \
    A(uint16_t, signalled, VIRTIO_QUEUES)  /* used_index at the last interrupt */                            \
    A(uint8_t, signalled_valid, VIRTIO_QUEUES)

/* A request taken from a queue, to be completed at a later guest time. */
typedef struct VirtioPending {
    Nsec due;
    uint16_t queue, head;
} VirtioPending;

typedef struct VirtioSegment {
    Gpa addr;
    uint32_t len;
} VirtioSegment;

/* A descriptor chain: what the device reads, then what it writes. Segments lie in guest memory. */
typedef struct VirtioChain {
    uint16_t queue, head;
    uint32_t n_out, n_in; /* segments: out come first */
    uint64_t out_size, in_size;
    VirtioSegment segments[VIRTIO_QUEUE_SIZE];
} VirtioChain;

typedef struct VirtioDevice VirtioDevice;

typedef struct VirtioOps {
    uint32_t device_id; /* spec chapter 5 */
    uint32_t n_queues;
    uint32_t config_size;
    Nsec latency; /* guest time from a notification to the completion of its requests */
    uint64_t (*features)(const VirtioDevice *v); /* the device's own, besides the transport's */
    void (*config_read)(const VirtioDevice *v, uint8_t *config); /* fills config_size bytes; may be NULL */
    void (*config_write)(VirtioDevice *v, uint32_t offset, uint64_t value); /* may be NULL */
    void (*notify)(VirtioDevice *v, uint16_t queue);
    void (*complete)(VirtioDevice *v, const VirtioChain *chain); /* a pending request's time has come */
    void (*input)(VirtioDevice *v, const uint8_t *data, uint32_t size);
    void (*save)(const VirtioDevice *v, GByteArray *out);
    bool (*load)(VirtioDevice *v, StateReader *r);
    void (*digest)(const VirtioDevice *v,
                   GByteArray *out); /* see StateSection.hash_extra; NULL: what save appends */
    void (*done)(VirtioDevice *v);   /* release what init made, not *v itself */
} VirtioOps;

struct VirtioDevice {
    Device dev;
    VIRTIO_FIELDS(STATE_MEMBER, STATE_MEMBER_ARRAY)
    GArray *pending;      /* of VirtioPending, ordered by due (save_extra) */
    VirtioChain *chain;   /* the chain being worked on: contents matter only within one call */
    const VirtioOps *ops; /* NULL: an empty slot */
    const VirtioSlotConfig *config;
    uint32_t slot;
    bool legacy;
};

/* The devices. Each allocates the structure whose first member is the VirtioDevice. */
VirtioDevice *virtio_blk_new(Machine *m, unsigned slot);
VirtioDevice *virtio_console_new(Machine *m, uint32_t port);
VirtioDevice *virtio_rng_new(void);

uint64_t virtio_features(const VirtioDevice *v); /* offered */
/* Malformed rings or requests: stop until reset. */
void virtio_break(VirtioDevice *v);
void virtio_interrupt(VirtioDevice *v, uint32_t cause);

/* Take the next available chain's head; false if there is none or the device is broken (now). */
bool virtio_queue_take(VirtioDevice *v, uint16_t queue, uint16_t *head);
/* Whether a chain is available, without taking it. */
bool virtio_queue_has(VirtioDevice *v, uint16_t queue);
/* Read the chain of a taken head. False: malformed, and the device is broken. */
bool virtio_chain_read(VirtioDevice *v, uint16_t queue, uint16_t head, VirtioChain *chain);
/* Give a chain back with `written` bytes, and interrupt the driver if it wants that. */
void virtio_chain_return(VirtioDevice *v, const VirtioChain *chain, uint32_t written);
/* Copy from the out part, or to the in part, at a byte offset. False (device broken): outside chain or
 * memory. */
bool virtio_chain_get(VirtioDevice *v, const VirtioChain *chain, uint64_t offset, void *to, uint64_t size);
bool virtio_chain_put(VirtioDevice *v, const VirtioChain *chain, uint64_t offset, const void *from,
                      uint64_t size);
/* Take all that is available; ops->complete is called for each ops->latency from now, in order. */
void virtio_queue_submit(VirtioDevice *v, uint16_t queue);
/* Complete what is due and set the next deadline. */
void virtio_queue_run(VirtioDevice *v);
void virtio_queue_rearm(VirtioDevice *v);

#endif
