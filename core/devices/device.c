/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/devices/devices.h"

void device_init(Device *d, Machine *m, const DeviceOps *ops, const char *name, int plic_source) {
    d->ops = ops;
    d->name = name;
    d->machine = m;
    d->when = NSEC_NEVER;
    d->plic_source = plic_source;
    d->submitted = NSEC_NEVER;
    machine_add_device(m, d);
}

void device_console_output(Device *d, uint32_t port, const uint8_t *data, uint32_t size) {
    Machine *m = d->machine;
    Pos pos = machine_pos(m);

    hooks_console(m->hooks, pos, port, false, data, size);
    m->nd->ops->output(m->nd, pos, machine_time(m), ND_CONSOLE, port, data, size);
}

const char *register_name_find(const RegisterName *table, size_t n, Gpa offset) {
    for (size_t i = 0; i < n; i++)
        if (table[i].offset == offset)
            return table[i].name;
    return NULL;
}
