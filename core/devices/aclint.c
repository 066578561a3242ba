/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RISC-V ACLINT specification 1.0: MSWI (software interrupts), MTIMER, SSWI. The first two, side by side, are
 * SiFive's CLINT. None has state of its own: MSIP is an interrupt line of the hart, mtimecmp a field of the
 * hart, and what software added to mtime a field of the machine, because every hart's time depends on it.
 */
#include "core/devices/devices.h"

enum {
    MSWI_SIZE = 0x4000,
    MTIMER_SIZE = 0x8000,
    MTIMER_MTIME = 0x7ff8, /* the last register; MTIMECMP of hart n is at 8 * n */
    SSWI_SIZE = 0x4000,
};

static Hart *aclint_hart(const Device *d, Gpa index) {
    return index < d->machine->n_harts ? d->machine->harts[index] : NULL;
}

static uint64_t mswi_read(Device *d, Gpa offset, unsigned size) {
    Hart *h = aclint_hart(d, offset / 4);

    return h != NULL && (h->mip_lines >> IRQ_MSI & 1);
}

static void mswi_write(Device *d, Gpa offset, uint64_t value, unsigned size) {
    Hart *h = aclint_hart(d, offset / 4);

    if (h != NULL)
        hart_set_irq_line(h, IRQ_MSI, value & 1);
}

static const char *mswi_register_name(const Device *d, Gpa offset) {
    return aclint_hart(d, offset / 4) != NULL ? "msip" : NULL;
}

static uint64_t sswi_read(Device *d, Gpa offset, unsigned size) {
    return 0; /* SETSSIP reads as zero */
}

/* An edge: SSIP itself is the hart's software-writable bit, which the handler clears there. */
static void sswi_write(Device *d, Gpa offset, uint64_t value, unsigned size) {
    Hart *h = aclint_hart(d, offset / 4);

    if (h != NULL && (value & 1)) {
        h->mip_soft |= UINT64_C(1) << IRQ_SSI;
        h->attention |= ATTN_IRQ;
    }
}

static const char *sswi_register_name(const Device *d, Gpa offset) {
    return aclint_hart(d, offset / 4) != NULL ? "setssip" : NULL;
}

static uint64_t mtimer_get(const Device *d, Gpa reg) {
    if (reg == MTIMER_MTIME)
        return machine_mtime(d->machine);
    Hart *h = aclint_hart(d, reg / 8);
    return h != NULL ? h->mtimecmp : 0;
}

static void mtimer_set(Device *d, Gpa reg, uint64_t value) {
    Machine *m = d->machine;

    if (reg == MTIMER_MTIME) {
        m->mtime_delta += value - machine_mtime(m);
    } else {
        Hart *h = aclint_hart(d, reg / 8);
        if (h == NULL)
            return;
        h->mtimecmp = value;
    }
    machine_timer_update(m);
}

static uint64_t mtimer_read(Device *d, Gpa offset, unsigned size) {
    uint64_t value = mtimer_get(d, offset & ~(Gpa)7);

    return size == 8 ? value : (uint32_t)(value >> (offset & 4 ? 32 : 0));
}

static void mtimer_write(Device *d, Gpa offset, uint64_t value, unsigned size) {
    Gpa reg = offset & ~(Gpa)7;

    if (size != 8) {
        unsigned shift = offset & 4 ? 32 : 0;
        uint64_t mask = UINT64_C(0xffffffff) << shift;
        value = (mtimer_get(d, reg) & ~mask) | (value << shift & mask);
    }
    mtimer_set(d, reg, value);
}

static const char *mtimer_register_name(const Device *d, Gpa offset) {
    if ((offset & ~(Gpa)7) == MTIMER_MTIME)
        return offset & 4 ? "mtime+4" : "mtime";
    if (aclint_hart(d, offset / 8) == NULL)
        return NULL;
    return offset & 4 ? "mtimecmp+4" : "mtimecmp";
}

static void aclint_free(Device *d) {
    g_free(d);
}

static const DeviceOps mswi_ops = {
    .type = "mswi",
    .read = mswi_read,
    .write = mswi_write,
    .register_name = mswi_register_name,
    .free = aclint_free,
};

static const DeviceOps mtimer_ops = {
    .type = "mtimer",
    .read = mtimer_read,
    .write = mtimer_write,
    .register_name = mtimer_register_name,
    .free = aclint_free,
};

static const DeviceOps sswi_ops = {
    .type = "sswi",
    .read = sswi_read,
    .write = sswi_write,
    .register_name = sswi_register_name,
    .free = aclint_free,
};

void aclint_create(Machine *m, Gpa base) {
    Device *mswi = g_new0(Device, 1), *mtimer = g_new0(Device, 1);

    device_init(mswi, m, &mswi_ops, "mswi", -1);
    machine_add_region(m, base, MSWI_SIZE, 4, 4, mswi);
    device_init(mtimer, m, &mtimer_ops, "mtimer", -1);
    machine_add_region(m, base + MSWI_SIZE, MTIMER_SIZE, 4, 8, mtimer);
}

void sswi_create(Machine *m, Gpa base) {
    Device *d = g_new0(Device, 1);

    device_init(d, m, &sswi_ops, "sswi", -1);
    machine_add_region(m, base, SSWI_SIZE, 4, 4, d);
}
