/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

volatile Params params = {.magic = "rr-emu conform", .count = 1, .judge = 10, .sstc = 1};

static void (*const batches[MODE_COUNT])(void) = {
    [MODE_INSNS] = insns_batch, [MODE_ILLEGAL] = illegal_batch, [MODE_CSR] = csr_batch, [MODE_TRAPS] = traps_batch,
    [MODE_PAGING] = paging_batch, [MODE_PMP] = pmp_batch, [MODE_VIRTUAL] = insns_batch,
};

int main(void);
int main(void) {
    uint64_t mode = params.mode;

    if (mode >= MODE_COUNT || !batches[mode]) {
        print("no mode %d\n", mode);
        finish(0x3333 | 1 << 16);
    }
    machine_reset_state();
    pmp_sandbox();
    for (uint64_t i = params.first; i < params.first + params.count; i++) {
        random_seed(params.seed * 0x9e3779b97f4a7c15ul + (i << 8) + mode);
        random_seed(random64());
        hash = 0;
        batches[mode]();
        print("batch %d %x\n", i, hash);
    }
    if (mode == MODE_PMP)
        pmp_lock_all();
    print("retired %d\n", retired);
    finish(0x5555);
}
