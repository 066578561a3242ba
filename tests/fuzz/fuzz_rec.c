/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recording's reader on hostile contents. The input is a list of frames, each: type, 2 bytes length,
 * payload. They get good headers and checksums, because random bytes would never come past those. Without a
 * manifest frame at the beginning a good one is put there, so that the log is reached as well.
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "record/frame.h"
#include "record/manifest.h"
#include "schema/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_good_manifest(GByteArray *file) {
    RecInfo info = {.command = (char *)"", .version = (char *)""};
    MachineConfig config;
    machine_config_init(&config);
    g_autoptr(GByteArray) manifest = g_byte_array_new();
    manifest_encode(manifest, &info, &config);
    frame_encode(file, FRAME_MANIFEST, 0, manifest->data, manifest->len, 1);
    machine_config_done(&config);
}

static void put_frames(GByteArray *file, const uint8_t *data, size_t size) {
    uint32_t number = 0;
    Bytes b = {data, size, 0, false};
    if (!size || data[0] != FRAME_MANIFEST) {
        put_good_manifest(file);
        number = 1;
    }
    while (bytes_left(&b)) {
        uint8_t type = (uint8_t)get_uint(&b, 1);
        uint64_t length = get_uint(&b, 2);
        uint64_t left = b.size - b.at;
        const uint8_t *payload = get_bytes(&b, length < left ? length : left);
        if (payload)
            frame_encode(file, (FrameType)type, number++, payload, length < left ? length : left, 1);
    }
}

/* Touch everything that a user of the reader would. */
static void use(const Rec *r) {
    volatile uint64_t sum = rec_end(r)->pos;
    for (size_t i = 0; i < rec_n_events(r); i++)
        for (uint32_t k = 0; k < rec_event(r, i)->size; k++)
            sum += rec_event(r, i)->payload[k];
    for (size_t i = 0; i < rec_n_checkpoints(r); i++)
        sum += rec_checkpoint(r, i)->hash;
    Pos pos;
    uint32_t port, size;
    const uint8_t *data;
    for (size_t i = 0; rec_console(r, i, &pos, &port, &data, &size); i++)
        for (uint32_t k = 0; k < size; k++)
            sum += data[k];
    sum += strlen(rec_end(r)->text);
    (void)sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    g_autoptr(GByteArray) file = g_byte_array_new();
    put_bytes(file, REC_MAGIC, 8);
    put_uint(file, RREC_FORMAT_VERSION, 4);
    put_uint(file, RR_BEHAVIOUR_VERSION, 4);
    put_frames(file, data, size);
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, file->data, file->len) != (ssize_t)file->len)
        return 0;
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    Rec *r;
    if (rec_open(path, &r, NULL)) {
        use(r);
        rec_free(r);
    }
    close(fd);
    return 0;
}
