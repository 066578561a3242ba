/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Platform-level interrupt controller, PLIC specification 1.0.0, in SiFive's layout: an M and an S context
 * per hart, 95 usable sources, 3-bit priorities.
 *
 * Gateways are level-triggered. As in QEMU, the pending bit follows the line while the source is not in
 * service. A line that is still high when its interrupt is completed makes it pending again.
 */
#include "core/devices/devices.h"

#include <string.h>

enum {
    PLIC_SOURCES = 96, /* source 0 does not exist */
    PLIC_WORDS = PLIC_SOURCES / 32,
    PLIC_CONTEXTS = 2 * MACHINE_MAX_HARTS,
    PLIC_PRIORITY_MASK = 7,

    PLIC_PRIORITY = 0,
    PLIC_PENDING = 0x1000,
    PLIC_ENABLE = 0x2000,
    PLIC_ENABLE_STRIDE = 0x80,
    PLIC_CONTEXT = 0x200000,
    PLIC_CONTEXT_STRIDE = 0x1000,
    PLIC_THRESHOLD = 0,
    PLIC_CLAIM = 4,
};

#define PLIC_FIELDS(F, A)                                                                                    \
    A(uint32_t, priority, PLIC_SOURCES)                                                                      \
    A(uint32_t, level, PLIC_WORDS) /* the devices' lines */                                                  \
    A(uint32_t, pending, PLIC_WORDS)                                                                         \
    A(uint32_t, claimed, PLIC_WORDS) /* in service: claimed and not completed */                             \
    A(uint32_t, enable, PLIC_CONTEXTS *PLIC_WORDS)                                                           \
    A(uint32_t, threshold, PLIC_CONTEXTS)

typedef struct Plic {
    Device dev;
    PLIC_FIELDS(STATE_MEMBER, STATE_MEMBER_ARRAY)
} Plic;

#define STATE_OF Plic
static const StateField plic_fields[] = {PLIC_FIELDS(STATE_FIELD_ENTRY, STATE_ARRAY_ENTRY)};
#undef STATE_OF

/* What an offset means; context is a source number for PLIC_REG_PRIORITY and a word for PLIC_REG_PENDING. */
typedef enum {
    PLIC_REG_NONE,
    PLIC_REG_PRIORITY,
    PLIC_REG_PENDING,
    PLIC_REG_ENABLE,
    PLIC_REG_THRESHOLD,
    PLIC_REG_CLAIM
} PlicRegister;

static PlicRegister plic_decode(const Plic *p, Gpa offset, unsigned *index, unsigned *word) {
    unsigned contexts = 2 * p->dev.machine->n_harts;

    *index = *word = 0;
    if (offset < PLIC_PRIORITY + 4 * PLIC_SOURCES) {
        *index = (unsigned)offset / 4;
        return *index != 0 ? PLIC_REG_PRIORITY : PLIC_REG_NONE;
    }
    if (offset >= PLIC_PENDING && offset < PLIC_PENDING + 4 * PLIC_WORDS) {
        *word = (unsigned)(offset - PLIC_PENDING) / 4;
        return PLIC_REG_PENDING;
    }
    if (offset >= PLIC_ENABLE && offset < PLIC_ENABLE + (Gpa)contexts * PLIC_ENABLE_STRIDE) {
        *index = (unsigned)(offset - PLIC_ENABLE) / PLIC_ENABLE_STRIDE;
        *word = (unsigned)(offset % PLIC_ENABLE_STRIDE) / 4;
        return *word < PLIC_WORDS ? PLIC_REG_ENABLE : PLIC_REG_NONE;
    }
    if (offset >= PLIC_CONTEXT && offset < PLIC_CONTEXT + (Gpa)contexts * PLIC_CONTEXT_STRIDE) {
        *index = (unsigned)(offset - PLIC_CONTEXT) / PLIC_CONTEXT_STRIDE;
        switch (offset % PLIC_CONTEXT_STRIDE) {
        case PLIC_THRESHOLD: return PLIC_REG_THRESHOLD;
        case PLIC_CLAIM: return PLIC_REG_CLAIM;
        }
    }
    return PLIC_REG_NONE;
}

/* The source that a claim by this context would return, 0 if none: highest priority, then lowest number. */
static unsigned plic_best(const Plic *p, unsigned context) {
    unsigned best = 0;
    uint32_t best_priority = p->threshold[context];

    for (unsigned w = 0; w < PLIC_WORDS; w++) {
        uint32_t ready = p->pending[w] & ~p->claimed[w] & p->enable[context * PLIC_WORDS + w];
        for (; ready != 0; ready &= ready - 1) {
            unsigned source = 32 * w + (unsigned)__builtin_ctz(ready);
            if (p->priority[source] > best_priority) {
                best = source;
                best_priority = p->priority[source];
            }
        }
    }
    return best;
}

static void plic_update(Plic *p) {
    Machine *m = p->dev.machine;

    for (unsigned i = 0; i < m->n_harts; i++) {
        hart_set_irq_line(m->harts[i], IRQ_MEI, plic_best(p, 2 * i) != 0);
        hart_set_irq_line(m->harts[i], IRQ_SEI, plic_best(p, 2 * i + 1) != 0);
    }
}

static void plic_tell(const Plic *p, const Hart *hart, unsigned source, IrqStage stage) {
    Machine *m = p->dev.machine;
    const Device *from = &p->dev;

    for (unsigned i = 0; i < m->devices->len; i++) {
        const Device *d = g_ptr_array_index(m->devices, i);
        if (d->plic_source == (int)source)
            from = d;
    }
    hooks_irq(m->hooks, machine_pos(m), hart, from, source, stage);
}

static uint32_t plic_claim(Plic *p, unsigned context) {
    unsigned source = plic_best(p, context);

    if (source == 0)
        return 0;
    p->pending[source / 32] &= ~(1u << source % 32);
    p->claimed[source / 32] |= 1u << source % 32;
    plic_tell(p, p->dev.machine->harts[context / 2], source, IRQ_CLAIM);
    plic_update(p);
    return source;
}

static void plic_complete(Plic *p, unsigned context, uint64_t source) {
    if (source == 0 || source >= PLIC_SOURCES)
        return;
    uint32_t bit = 1u << source % 32;
    if (!(p->claimed[source / 32] & bit))
        return;
    p->claimed[source / 32] &= ~bit;
    p->pending[source / 32] |= p->level[source / 32] & bit;
    plic_tell(p, p->dev.machine->harts[context / 2], (unsigned)source, IRQ_COMPLETE);
    plic_update(p);
}

static uint64_t plic_read(Device *d, Gpa offset, unsigned size) {
    Plic *p = (Plic *)d;
    unsigned index, word;

    switch (plic_decode(p, offset, &index, &word)) {
    case PLIC_REG_PRIORITY: return p->priority[index];
    case PLIC_REG_PENDING: return p->pending[word];
    case PLIC_REG_ENABLE: return p->enable[index * PLIC_WORDS + word];
    case PLIC_REG_THRESHOLD: return p->threshold[index];
    case PLIC_REG_CLAIM: return plic_claim(p, index);
    case PLIC_REG_NONE: break;
    }
    return 0;
}

static void plic_write(Device *d, Gpa offset, uint64_t value, unsigned size) {
    Plic *p = (Plic *)d;
    unsigned index, word;

    switch (plic_decode(p, offset, &index, &word)) {
    case PLIC_REG_PRIORITY: p->priority[index] = value & PLIC_PRIORITY_MASK; break;
    case PLIC_REG_ENABLE:
        p->enable[index * PLIC_WORDS + word] = (uint32_t)value & (word == 0 ? ~1u : ~0u);
        break;
    case PLIC_REG_THRESHOLD: p->threshold[index] = value & PLIC_PRIORITY_MASK; break;
    case PLIC_REG_CLAIM: plic_complete(p, index, value); return;
    case PLIC_REG_PENDING:
    case PLIC_REG_NONE: return;
    }
    plic_update(p);
}

void device_set_irq(Device *d, bool level) {
    Plic *p = (Plic *)d->machine->plic;
    unsigned source = (unsigned)d->plic_source;

    g_assert(p != NULL && source > 0 && source < PLIC_SOURCES);
    uint32_t bit = 1u << source % 32, *line = &p->level[source / 32];
    if (level == !!(*line & bit))
        return;
    *line ^= bit;
    if (level)
        p->pending[source / 32] |= bit;
    else
        p->pending[source / 32] &= ~bit;
    hooks_irq(d->machine->hooks, machine_pos(d->machine), NULL, d, source, level ? IRQ_RAISE : IRQ_LOWER);
    plic_update(p);
}

static void plic_reset(Device *d) {
    Plic *p = (Plic *)d;

    memset(p->priority, 0, sizeof p->priority);
    memset(p->claimed, 0, sizeof p->claimed);
    memset(p->enable, 0, sizeof p->enable);
    memset(p->threshold, 0, sizeof p->threshold);
    memcpy(p->pending, p->level, sizeof p->pending);
    plic_update(p);
}

static const char *plic_register_name(const Device *d, Gpa offset) {
    static const char *const names[] = {
        [PLIC_REG_PRIORITY] = "priority",   [PLIC_REG_PENDING] = "pending", [PLIC_REG_ENABLE] = "enable",
        [PLIC_REG_THRESHOLD] = "threshold", [PLIC_REG_CLAIM] = "claim",     [PLIC_REG_NONE] = NULL,
    };
    unsigned index, word;

    return names[plic_decode((const Plic *)d, offset, &index, &word)];
}

static void plic_free(Device *d) {
    g_free(d);
}

static const DeviceOps plic_ops = {
    .type = "plic",
    .read = plic_read,
    .write = plic_write,
    .reset = plic_reset,
    .register_name = plic_register_name,
    .free = plic_free,
};

void plic_create(Machine *m, Gpa base, uint64_t size) {
    Plic *p = g_new0(Plic, 1);
    StateSection section = {
        .name = "plic",
        .object = p,
        .fields = plic_fields,
        .n_fields = G_N_ELEMENTS(plic_fields),
    };

    device_init(&p->dev, m, &plic_ops, "plic", -1);
    machine_add_region(m, base, size, 4, 4, &p->dev);
    machine_add_section(m, &section);
    m->plic = &p->dev;
}
