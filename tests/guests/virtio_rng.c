/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An entropy device: fills buffers, and not twice with the same bytes. The bytes are printed: a replay must
 * agree. */
#include "virtio.h"

int main(void) {
    static Virtio rng;
    static uint8_t bytes[2][64];
    uintptr_t base = virtio_find(4);
    unsigned zeros = 0;

    check(base != 0);
    virtio_start(&rng, base, 0);
    for (unsigned i = 0; i < 2; i++) {
        uint32_t done = 0, len;
        while (done < sizeof bytes[i]) {
            virtio_desc(&rng, 0, bytes[i] + done, (uint32_t)sizeof bytes[i] - done, DESC_WRITE, 0);
            virtio_offer(&rng, 0);
            virtio_kick(&rng);
            virtio_wait(&rng, &len);
            check(len > 0 && len <= sizeof bytes[i] - done);
            done += len;
        }
        for (unsigned k = 0; k < sizeof bytes[i]; k++) {
            print("%x%x", bytes[i][k] >> 4, bytes[i][k] & 15);
            zeros += bytes[i][k] == 0;
        }
        print("\n");
    }
    check(memcmp(bytes[0], bytes[1], sizeof bytes[0]) != 0);
    check(zeros < 16);
    return 0;
}
