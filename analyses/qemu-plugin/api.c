/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's plugin interface: what plugins may ask. */
#include <string.h>

#include "analyses/qemu-plugin/qemu_private.h"
#include "core/csr.h"

/* -- blocks and instructions ----------------------------------------------------------------------------- */

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb) {
    return tb->n;
}

uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb) {
    return probe_block_pc(tb->block);
}

struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx) {
    return idx < tb->n ? &tb->insns[idx] : NULL;
}

static const ProbeInsn *probe_insn(const struct qemu_plugin_insn *insn) {
    return probe_block_insn(insn->tb->block, insn->index);
}

size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len) {
    const ProbeInsn *i = probe_insn(insn);
    const uint8_t bytes[4] = {(uint8_t)i->raw, (uint8_t)(i->raw >> 8), (uint8_t)(i->raw >> 16),
                              (uint8_t)(i->raw >> 24)};
    size_t n = MIN(len, i->len);
    memcpy(dest, bytes, n);
    return n;
}

size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn) {
    return probe_insn(insn)->len;
}

uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn) {
    return probe_insn(insn)->pc;
}

void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn) {
    const ProbeBlock *b = insn->tb->block;
    return (void *)(uintptr_t)(probe_block_host(b) + (probe_insn(insn)->pc - probe_block_pc(b)));
}

char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *insn) {
    const PluginHost *host = plugin_host();
    return host->env.disassemble(host->machine->harts[0]->isa, probe_insn(insn)->pc, probe_insn(insn)->raw);
}

const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *insn) {
    const PluginHost *host = plugin_host();
    g_autofree char *name = host->env.symbol(host->env.opaque, probe_insn(insn)->pc);
    return name && *name ? g_intern_string(name) : NULL;
}

/* -- harts and counters ---------------------------------------------------------------------------------- */

int qemu_plugin_num_vcpus(void) {
    return (int)plugin_host()->machine->n_harts;
}

void qemu_plugin_vcpu_for_each(qemu_plugin_id_t id, qemu_plugin_vcpu_simple_cb_t cb) {
    for (int i = 0; i < qemu_plugin_num_vcpus(); i++)
        cb(id, (unsigned)i);
}

struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size) {
    QemuPlugin *q = qemu_current();
    g_assert(q);
    struct qemu_plugin_scoreboard *s = g_new0(struct qemu_plugin_scoreboard, 1);
    s->size = element_size;
    if (element_size > SCOREBOARD_SIZE ||
        !scoreboard_alloc(plugin_host()->machine, (uint32_t)element_size, &s->counter))
        g_error("plugin %s: no room for a scoreboard of %zu bytes", plugin_current(plugin_host(), NULL)->base,
                element_size);
    for (int i = 0; i < qemu_plugin_num_vcpus(); i++)
        s->elements[i] = (char *)scoreboard_at(plugin_host()->machine, (unsigned)i, s->counter);
    g_ptr_array_add(q->scoreboards, s);
    return s;
}

/* Generated code may still count: the memory goes with the machine. */
void qemu_plugin_scoreboard_free(struct qemu_plugin_scoreboard *score) {}

static uint64_t *element(qemu_plugin_u64 entry, unsigned int vcpu_index) {
    return (uint64_t *)(void *)(entry.score->elements[vcpu_index] + entry.offset);
}

void *qemu_plugin_scoreboard_find(struct qemu_plugin_scoreboard *score, unsigned int vcpu_index) {
    return element(qemu_plugin_scoreboard_u64(score), vcpu_index);
}

void qemu_plugin_u64_add(qemu_plugin_u64 entry, unsigned int vcpu_index, uint64_t added) {
    *element(entry, vcpu_index) += added;
}

uint64_t qemu_plugin_u64_get(qemu_plugin_u64 entry, unsigned int vcpu_index) {
    return *element(entry, vcpu_index);
}

void qemu_plugin_u64_set(qemu_plugin_u64 entry, unsigned int vcpu_index, uint64_t val) {
    *element(entry, vcpu_index) = val;
}

uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry) {
    uint64_t sum = 0;
    for (int i = 0; i < qemu_plugin_num_vcpus(); i++)
        sum += *element(entry, (unsigned)i);
    return sum;
}

/* -- registers: a handle is a number, 1 + index ---------------------------------------------------------- */
enum { REG_X = 1, REG_PC = REG_X + 32, REG_F, REG_PRIV = REG_F + 32, REG_CSR };

static void add_register(GArray *to, uintptr_t number, const char *name, const char *feature) {
    qemu_plugin_reg_descriptor d = {(struct qemu_plugin_register *)number, g_intern_string(name), feature};
    g_array_append_val(to, d);
}

GArray *qemu_plugin_get_registers(void) {
    GArray *regs = g_array_new(FALSE, FALSE, sizeof(qemu_plugin_reg_descriptor));
    const Hart *h = plugin_hart(plugin_host());
    uint64_t value;
    for (unsigned i = 0; i < 32; i++) /* gdb calls s0 fp */
        add_register(regs, REG_X + i, i == 8 ? "fp" : hart_x_name(i), "org.gnu.gdb.riscv.cpu");
    add_register(regs, REG_PC, "pc", "org.gnu.gdb.riscv.cpu");
    for (unsigned i = 0; i < 32 && h->isa->f; i++)
        add_register(regs, REG_F + i, hart_f_name(i), "org.gnu.gdb.riscv.fpu");
    add_register(regs, REG_PRIV, "priv", "org.gnu.gdb.riscv.virtual");
    for (unsigned i = 0; i < 4096; i++)
        if (csr_name(i) && csr_peek(h, i, &value))
            add_register(regs, REG_CSR + i, csr_name(i), "org.gnu.gdb.riscv.csr");
    return regs;
}

static bool register_value(const Hart *h, uintptr_t number, uint64_t *value) {
    if (number >= REG_X && number < REG_PC)
        *value = h->x[number - REG_X];
    else if (number == REG_PC)
        *value = h->pc;
    else if (number >= REG_F && number < REG_PRIV)
        *value = h->f[number - REG_F];
    else if (number == REG_PRIV)
        *value = h->priv;
    else
        return number >= REG_CSR && number < REG_CSR + 4096 &&
               csr_peek(h, (unsigned)(number - REG_CSR), value);
    return true;
}

int qemu_plugin_read_register(struct qemu_plugin_register *handle, GByteArray *buf) {
    uint64_t value;
    if (plugin_host()->code && !plugin_host()->code->regs)
        return -1; /* attached with QEMU_PLUGIN_CB_NO_REGS */
    if (!register_value(plugin_hart(plugin_host()), (uintptr_t)handle, &value))
        return -1;
    value = GUINT64_TO_LE(value);
    g_byte_array_append(buf, (const guint8 *)&value, sizeof value);
    return sizeof value;
}

/* -- memory ---------------------------------------------------------------------------------------------- */

bool qemu_plugin_read_memory_vaddr(uint64_t addr, GByteArray *data, size_t len) {
    if (len == 0 || len > G_MAXUINT / 2)
        return false;
    g_byte_array_set_size(data, (guint)len);
    return plugin_read_vaddr(plugin_hart(plugin_host()), addr, data->data, len);
}

enum qemu_plugin_hwaddr_operation_result qemu_plugin_read_memory_hwaddr(uint64_t addr, GByteArray *data,
                                                                        size_t len) {
    if (len == 0 || len > G_MAXUINT / 2)
        return QEMU_PLUGIN_HWADDR_OPERATION_ERROR;
    if (plugin_device_name(plugin_host()->machine, addr))
        return QEMU_PLUGIN_HWADDR_OPERATION_ACCESS_DENIED; /* reading a device may change it */
    g_byte_array_set_size(data, (guint)len);
    return plugin_read_paddr(plugin_host()->machine, addr, data->data, len)
               ? QEMU_PLUGIN_HWADDR_OPERATION_OK
               : QEMU_PLUGIN_HWADDR_OPERATION_INVALID_ADDRESS;
}

bool qemu_plugin_translate_vaddr(uint64_t vaddr, uint64_t *hwaddr) {
    return plugin_translate(plugin_hart(plugin_host()), vaddr, hwaddr);
}

/* -- the rest -------------------------------------------------------------------------------------------- */

void qemu_plugin_outs(const char *string) {
    const PluginHost *host = plugin_host();
    if (host)
        host->env.print(host->env.opaque, string);
}

bool qemu_plugin_bool_parse(const char *name, const char *val, bool *ret) {
    static const char *const yes[] = {"on", "yes", "true", "y", NULL}, *const no[] = {"off", "no", "false",
                                                                                      "n", NULL};
    if (!name || !val || !(g_strv_contains(yes, val) || g_strv_contains(no, val)))
        return false;
    *ret = g_strv_contains(yes, val);
    return true;
}

const char *qemu_plugin_path_to_binary(void) {
    return NULL;
}
uint64_t qemu_plugin_start_code(void) {
    return 0;
}
uint64_t qemu_plugin_end_code(void) {
    return 0;
}
uint64_t qemu_plugin_entry_code(void) {
    return 0;
}
