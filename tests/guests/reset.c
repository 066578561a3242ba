/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest resets the machine twice: memory outside the image keeps its contents, devices and harts start
 * over. */
#include "rt/rt.h"

#define MAGIC 0x7265736574ul

int main(void) {
    volatile uint64_t *kept = (uint64_t *)(RAM_BASE + 0x400000);
    static uint64_t in_data = 5, in_bss;

    check_equal(in_data, 5);
    check_equal(in_bss, 0);
    check_equal(csr_read(mstatus) & MSTATUS_MIE, 0);
    check_equal(csr_read(mip) & ~(1ul << IRQ_MTI), 0); /* mtimecmp is 0 */
    check_equal(read8(UART_BASE + 1), 0);
    check_equal(read32(PLIC_BASE + 40), 0);
    if (kept[0] != MAGIC) {
        kept[0] = MAGIC;
        kept[1] = 0;
    }
    print("boot %lu\n", kept[1]);
    if (kept[1]++ == 2)
        return 0;
    in_data = in_bss = 6;
    csr_set(mstatus, MSTATUS_MIE);
    write32(PLIC_BASE + 40, 7);
    write8(UART_BASE + 1, 2);
    write32(CLINT_BASE, 1);
    rt_finish(0x7777);
}
