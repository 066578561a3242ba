/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine as it is handed over: registers at entry, identification, the device tree, the clock. */
#include "rt/rt.h"

static uint32_t be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

int main(uint64_t hart, const uint8_t *tree) {
    print("hello from hart %lu\n", hart);
    check_equal(hart, csr_read(mhartid));
    check_equal(be32(tree), 0xd00dfeed);
    check_equal((uint64_t)tree % 8, 0);
    check(be32(tree + 4) > 1000); /* total size */
    check_equal(csr_read(misa) >> 62, 2);
    for (const char *p = "acdfimsu"; *p; p++)
        check(csr_read(misa) >> (*p - 'a') & 1);
    uint64_t before = rt_mtime(), cycles = csr_read(mcycle), retired = csr_read(minstret);
    for (volatile int i = 0; i < 1000; i++)
        ;
    check(rt_mtime() >= before);
    check(csr_read(mcycle) > cycles);
    check(csr_read(minstret) > retired + 3000);
    uint32_t low = read32(RTC_BASE), high = read32(RTC_BASE + 4);
    check(((uint64_t)high << 32 | low) > 1000000000ul * 1000000000ul); /* after 2001 */
    return 0;
}
