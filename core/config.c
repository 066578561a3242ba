/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/config.h"

#include <string.h>

#define DEFAULT_RAM ((uint64_t)128 << 20)

static void image_unref(gpointer image) {
    machine_image_free(image);
}

void machine_config_init(MachineConfig *c) {
    *c = (MachineConfig){
        .n_harts = 1,
        .ram_size = DEFAULT_RAM,
        .rtc_base_ns = UINT64_MAX,
        .images = g_ptr_array_new_with_free_func(image_unref),
        .virtio_legacy = true,
        .n_console = 1,
    };
    isa_init_default(&c->isa);
}

void machine_config_done(MachineConfig *c) {
    g_clear_pointer(&c->append, g_free);
    if (c->images)
        g_ptr_array_unref(c->images);
    c->images = NULL;
    for (unsigned i = 0; i < MACHINE_VIRTIO_SLOTS; i++)
        g_clear_pointer(&c->virtio[i].id, g_free);
}

void machine_config_copy(MachineConfig *to, const MachineConfig *from) {
    *to = *from;
    to->append = g_strdup(from->append);
    to->images = g_ptr_array_new_with_free_func(image_unref);
    for (guint i = 0; i < from->images->len; i++) {
        const MachineImage *image = from->images->pdata[i];
        g_ptr_array_add(to->images, machine_image_new(image->role, image->name, image->data, image->addr));
    }
    for (unsigned i = 0; i < MACHINE_VIRTIO_SLOTS; i++)
        to->virtio[i].id = g_strdup(from->virtio[i].id);
}

MachineImage *machine_image_new(ImageRole role, const char *name, GBytes *data, Gpa addr) {
    MachineImage *image = g_new0(MachineImage, 1);
    image->role = role;
    image->name = g_strdup(name);
    image->data = g_bytes_ref(data);
    image->addr = addr;
    return image;
}

void machine_image_free(MachineImage *image) {
    if (!image)
        return;
    g_free(image->name);
    g_bytes_unref(image->data);
    g_free(image);
}

const MachineImage *machine_config_image(const MachineConfig *c, ImageRole role) {
    for (guint i = 0; i < c->images->len; i++) {
        const MachineImage *image = c->images->pdata[i];
        if (image->role == role)
            return image;
    }
    return NULL;
}

const char *image_role_name(ImageRole role) {
    static const char *const names[IMAGE_ROLES] = {
        [IMAGE_BIOS] = "bios",     [IMAGE_KERNEL] = "kernel",   [IMAGE_INITRD] = "initrd",
        [IMAGE_DTB] = "dtb",       [IMAGE_PFLASH0] = "pflash0", [IMAGE_PFLASH1] = "pflash1",
        [IMAGE_LOADER] = "loader", [IMAGE_SYMBOLS] = "symbols", [IMAGE_SYSROOT] = "sysroot",
    };
    return (unsigned)role < IMAGE_ROLES ? names[role] : "unknown";
}
