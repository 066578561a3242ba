/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plugin for QEMU's interface of version 5: memory by its virtual and physical address must be the same. */
#include <qemu-plugin.h>

#include <stdio.h>
#include <string.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = 5;
static unsigned long compared, differ, devices;

static void accessed(unsigned int hart, qemu_plugin_meminfo_t info, uint64_t vaddr, void *data) {
    GByteArray *by_virtual = g_byte_array_new(), *by_physical = g_byte_array_new();
    const struct qemu_plugin_hwaddr *hw = qemu_plugin_get_hwaddr(info, vaddr);
    uint64_t paddr = 0;
    if (qemu_plugin_hwaddr_is_io(hw)) {
        devices++;
    } else if (qemu_plugin_translate_vaddr(vaddr, &paddr)) {
        compared++;
        if (paddr != qemu_plugin_hwaddr_phys_addr(hw) ||
            !qemu_plugin_read_memory_vaddr(vaddr, by_virtual, 1) ||
            qemu_plugin_read_memory_hwaddr(paddr, by_physical, 1) != QEMU_PLUGIN_HWADDR_OPERATION_OK ||
            by_virtual->len != 1 || by_physical->len != 1 || by_virtual->data[0] != by_physical->data[0])
            differ++;
    }
    g_byte_array_free(by_virtual, TRUE);
    g_byte_array_free(by_physical, TRUE);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(tb, i), accessed, QEMU_PLUGIN_CB_R_REGS,
                                         QEMU_PLUGIN_MEM_RW, NULL);
}

static void ended(qemu_plugin_id_t id, void *data) {
    char text[100];
    snprintf(text, sizeof text, "compared %lu differ %lu devices %lu\n", compared, differ, devices);
    qemu_plugin_outs(text);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                                           char **argv) {
    if (info->version.cur < 5)
        return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
