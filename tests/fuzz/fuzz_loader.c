/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loaders: the input is an image (its first byte says of which role), which a machine of 4 MiB is to
 * load. */
#include "tests/unit/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    World *w = world_new();
    GError *error = NULL;
    w->config.ram_size = 4 << 20;
    if (data[0] & 0x80)
        w->config.append = g_strdup("console=ttyS0");
    world_image(w, (ImageRole)(data[0] % IMAGE_ROLES), data + 1, size - 1);
    if (data[0] & 0x40) /* beside a firmware */
        world_image(w, IMAGE_BIOS, "\x6f\0\0\0", 4);
    if (data[0] & 0x20)
        world_image(w, IMAGE_INITRD, data + 1, size - 1);
    if (!world_start(w, &error)) {
        g_assert(error && *error->message);
        g_error_free(error);
    }
    world_free(w);
    return 0;
}
