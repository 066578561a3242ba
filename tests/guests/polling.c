/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A benchmark of loops that wait for devices: the timer is read, and the registers of the UART, PLIC and CLINT. ROUNDS=n. */
#include "rt/rt.h"

#ifndef ROUNDS
#define ROUNDS 4000000
#endif

#define UART_LSR (UART_BASE + 5)
#define LSR_EMPTY 0x60
#define PLIC_CLAIM (PLIC_BASE + 0x200004)

int main(void) {
    uint64_t before = rt_mtime();
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t now = rt_mtime();
        check(now >= before);
        before = now;
        check_equal(*(volatile uint8_t *)UART_LSR & LSR_EMPTY, LSR_EMPTY);
        check_equal(read32(PLIC_CLAIM), 0);
        if (i % 8 == 0) { /* a software interrupt to itself is pending at once, and no more */
            write32(CLINT_BASE, 1);
            check(csr_read(mip) & 1ul << IRQ_MSI);
            write32(CLINT_BASE, 0);
            check(!(csr_read(mip) & 1ul << IRQ_MSI));
        }
    }
    rt_pass();
}
