/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/peek.h"

#include <string.h>

#include "core/machine.h"
#include "core/mmu.h"

uint64_t peek_some(const Hart *hart, Gva va, void *to, uint64_t size) {
    uint64_t done = 0;
    while (done < size) {
        uint64_t n = MIN(size - done, PAGE_SIZE - ((va + done) & ~PAGE_MASK));
        Gpa pa;
        if (!mmu_translate_peek(hart, va + done, ACCESS_LOAD, &pa))
            break;
        const uint8_t *from = machine_ram_ptr(hart->machine, pa, n);
        if (!from)
            break;
        memcpy((uint8_t *)to + done, from, n);
        done += n;
    }
    return done;
}

bool peek_read(const Hart *hart, Gva va, void *to, uint64_t size) {
    return peek_some(hart, va, to, size) == size;
}

bool peek_u32(const Hart *hart, Gva va, uint32_t *value) {
    uint8_t b[4];
    if (!peek_read(hart, va, b, sizeof b))
        return false;
    *value = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    return true;
}

bool peek_u64(const Hart *hart, Gva va, uint64_t *value) {
    uint32_t low, high;
    if (!peek_u32(hart, va, &low) || !peek_u32(hart, va + 4, &high))
        return false;
    *value = low | (uint64_t)high << 32;
    return true;
}
