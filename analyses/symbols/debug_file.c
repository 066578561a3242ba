/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/symbols/debug_file.h"

#include <elfutils/libdwelf.h>

#include "analyses/symbols/elf_symbols.h"
#include "analyses/symbols/sysroot.h"

#define CRC_POLYNOMIAL 0xedb88320u /* of .gnu_debuglink: that of IEEE 802.3, bits reversed */

static uint32_t checksum(const uint8_t *data, size_t size) {
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < G_N_ELEMENTS(table); i++) {
        table[i] = i;
        for (unsigned bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? CRC_POLYNOMIAL : 0);
    }
    for (size_t i = 0; i < size; i++)
        crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}

static char *by_build_id(const char *root, const char *build_id, gsize *size) {
    if (!build_id || strlen(build_id) < 3)
        return NULL;
    g_autofree char *path = g_strdup_printf("/usr/lib/debug/.build-id/%.2s/%s.debug", build_id, build_id + 2);
    return sysroot_read(root, path, size);
}

static char *with_checksum(const char *root, const char *path, GElf_Word crc, gsize *size) {
    char *data = sysroot_read(root, path, size);
    if (data && checksum((uint8_t *)data, *size) == crc)
        return data;
    g_free(data);
    return NULL;
}

static char *by_link(const char *root, const char *path, Elf *elf, gsize *size) {
    GElf_Word crc = 0;
    const char *name = dwelf_elf_gnu_debuglink(elf, &crc);
    if (!name || !*name || strchr(name, '/'))
        return NULL;
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *beside = g_strdup_printf("%s/%s", folder, name),
                    *below = g_strdup_printf("%s/.debug/%s", folder, name),
                    *apart = g_strdup_printf("/usr/lib/debug%s/%s", folder, name);
    char *data = with_checksum(root, beside, crc, size);
    if (!data)
        data = with_checksum(root, below, crc, size);
    return data ? data : with_checksum(root, apart, crc, size);
}

char *debug_file_read(const char *root, const char *path, Elf *elf, const char *build_id, gsize *size) {
    char *data = by_build_id(root, build_id, size);
    return data ? data : by_link(root, path, elf, size);
}
