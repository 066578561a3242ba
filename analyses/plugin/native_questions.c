/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native plugin interface: what a plugin may ask. */
#include "analyses/plugin/native.h"
#include "analyses/registers.h"

static const Hart *hart_of(const RrHart *hart) {
    return (const Hart *)hart;
}

Pos native_pos(const RrSelf *self) {
    return self->event_pos != POS_NONE ? self->event_pos : machine_pos(self->plugin->host->machine);
}

uint64_t rr_pos(const RrSelf *self) {
    return native_pos(self);
}
uint64_t rr_time_ns(const RrSelf *self) {
    return machine_time(self->plugin->host->machine);
}
uint64_t rr_time_at(const RrSelf *self, uint64_t pos) {
    return machine_time_at(self->plugin->host->machine, pos);
}
unsigned rr_harts(const RrSelf *self) {
    return self->plugin->host->machine->n_harts;
}

const RrHart *rr_hart(const RrSelf *self, unsigned index) {
    return index < rr_harts(self) ? native_view(self->plugin->host->machine->harts[index]) : NULL;
}

unsigned rr_hart_index(const RrHart *hart) {
    return hart_of(hart)->id;
}
uint64_t rr_pc(const RrHart *hart) {
    return hart_of(hart)->pc;
}
unsigned rr_priv(const RrHart *hart) {
    return hart_of(hart)->priv;
}

/* "x10" and "f10" too. */
static bool find_register(const char *name, Reg *ret) {
    char *end;
    if ((*name != 'x' && *name != 'f') || !g_ascii_isdigit(name[1]))
        return register_find(name, ret);
    guint64 i = g_ascii_strtoull(name + 1, &end, 10);
    if (*end || i > 31)
        return false;
    *ret = (Reg){*name == 'x' ? hart_x_name((unsigned)i) : hart_f_name((unsigned)i),
                 *name == 'x' ? REG_X : REG_F, (uint16_t)i};
    return true;
}

bool rr_register(const RrHart *hart, const char *name, uint64_t *value) {
    Reg reg;
    return find_register(name, &reg) && register_read(hart_of(hart), &reg, value);
}

const RrRegister *rr_find_register(RrSelf *self, const char *name) {
    Reg reg;
    uint64_t value;
    if (!find_register(name, &reg) || !register_read(self->plugin->host->machine->harts[0], &reg, &value))
        return NULL;
    g_ptr_array_add(self->registers, g_memdup2(&reg, sizeof reg));
    return g_ptr_array_index(self->registers, self->registers->len - 1);
}

uint64_t rr_get_register(const RrHart *hart, const RrRegister *reg) {
    uint64_t value = 0;
    register_read(hart_of(hart), (const Reg *)reg, &value);
    return value;
}

bool rr_read_virtual(const RrHart *hart, uint64_t vaddr, void *to, size_t size) {
    return plugin_read_vaddr(hart_of(hart), vaddr, to, size);
}

bool rr_read_physical(const RrSelf *self, uint64_t paddr, void *to, size_t size) {
    return plugin_read_paddr(self->plugin->host->machine, paddr, to, size);
}

bool rr_translate(const RrHart *hart, uint64_t vaddr, uint64_t *paddr) {
    return plugin_translate(hart_of(hart), vaddr, paddr);
}

bool rr_symbol(const RrSelf *self, uint64_t vaddr, char *to, size_t size) {
    const PluginHost *host = self->plugin->host;
    g_autofree char *name = host->env.symbol(host->env.opaque, vaddr);
    g_strlcpy(to, name ? name : "", size);
    return name && *name;
}

unsigned rr_line(const RrSelf *self, uint64_t vaddr, char *to, size_t size) {
    const PluginHost *host = self->plugin->host;
    unsigned number = 0;
    g_autofree char *file = host->env.line(host->env.opaque, vaddr, &number);
    g_strlcpy(to, file ? file : "", size);
    return file ? number : 0;
}
