/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/devices/devices.h"

enum { FINISHER_FAIL = 0x3333, FINISHER_PASS = 0x5555, FINISHER_RESET = 0x7777 };

static uint64_t finisher_read(Device *d, Gpa offset, unsigned size) {
    return 0;
}

static void finisher_write(Device *d, Gpa offset, uint64_t value, unsigned size) {
    if (offset != 0)
        return;
    uint32_t code = (value >> 16) & 0xffff;
    switch (value & 0xffff) {
    case FINISHER_FAIL: machine_request_stop(d->machine, STOP_FINISHER_FAIL, code); break;
    case FINISHER_PASS: machine_request_stop(d->machine, STOP_FINISHER_PASS, 0); break;
    case FINISHER_RESET: machine_request_reset(d->machine); break;
    }
}

static const char *finisher_register_name(const Device *d, Gpa offset) {
    return offset == 0 ? "finish" : NULL;
}

static void finisher_free(Device *d) {
    g_free(d);
}

static const DeviceOps finisher_ops = {
    .type = "finisher",
    .read = finisher_read,
    .write = finisher_write,
    .register_name = finisher_register_name,
    .free = finisher_free,
};

void finisher_create(Machine *m, Gpa base) {
    Device *d = g_new0(Device, 1);

    device_init(d, m, &finisher_ops, "finisher", -1);
    machine_add_region(m, base, 0x1000, 2, 4, d);
}
