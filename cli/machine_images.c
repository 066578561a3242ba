/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in memory when the machine starts: read before it does. */
#include "cli/machine_build.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/args.h"

bool build_image(MachineConfig *config, ImageRole role, const char *option, const char *path, Gpa addr,
                 GError **error) {
    char *data;
    gsize size;
    GError *why = NULL;
    struct stat st;
    if (!stat(path, &st) && S_ISCHR(st.st_mode)) { /* /dev/zero has no end */
        g_set_error(error, CLI_ERROR, 0, "%s %s: a character device; expected a file", option, path);
        return false;
    }
    if (!g_file_get_contents(path, &data, &size, &why)) {
        g_set_error(error, CLI_ERROR, 0, "%s %s: %s", option, path, why->message);
        g_error_free(why);
        return false;
    }
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, size);
    g_ptr_array_add(config->images, machine_image_new(role, path, g_bytes_ref(bytes), addr));
    return true;
}

/* Where Debian's opensbi package and QEMU's own data keep the firmware. */
static const char *const bios_places[] = {
    "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
    "/usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
    "/usr/local/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin",
};

static bool add_bios(Collected *c, GError **error) {
    const char *bios = c->bios ? c->bios : "default";
    if (!strcmp(bios, "none"))
        return true;
    if (strcmp(bios, "default"))
        return build_image(&c->s->config, IMAGE_BIOS, "-bios", bios, 0, error);
    for (size_t i = 0; i < G_N_ELEMENTS(bios_places); i++)
        if (!access(bios_places[i], R_OK))
            return build_image(&c->s->config, IMAGE_BIOS, "-bios", bios_places[i], 0, error);
    g_set_error(error, CLI_ERROR, 0,
                "-bios default: no OpenSBI at %s; install Debian's package 'opensbi' or give -bios FILE",
                bios_places[0]);
    return false;
}

bool build_images(Collected *c, GError **error) {
    MachineConfig *config = &c->s->config;
    static const struct {
        size_t offset;
        ImageRole role;
        const char *option;
    } files[] = {
        {offsetof(Collected, kernel), IMAGE_KERNEL, "-kernel"},
        {offsetof(Collected, initrd), IMAGE_INITRD, "-initrd"},
        {offsetof(Collected, dtb), IMAGE_DTB, "-dtb"},
        {offsetof(Collected, pflash[0]), IMAGE_PFLASH0, "-pflash"},
        {offsetof(Collected, pflash[1]), IMAGE_PFLASH1, "-pflash"},
    };
    if (!add_bios(c, error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        const char *path = *(char **)((char *)c + files[i].offset);
        if (path && !build_image(config, files[i].role, files[i].option, path, 0, error))
            return false;
    }
    if ((c->append || c->initrd) && !c->kernel) {
        g_set_error(error, CLI_ERROR, 0, "%s needs -kernel", c->initrd ? "-initrd" : "-append");
        return false;
    }
    config->append = g_strdup(c->append);
    return true;
}
