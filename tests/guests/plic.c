/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PLIC, driven by the UART's "transmitter empty" and by the RTC's alarm: priorities, thresholds, claims.
 */
#include "rt/rt.h"

enum { UART_SOURCE = 10, RTC_SOURCE = 11, CONTEXT_M = 0, CONTEXT_S = 1 };
#define PRIORITY(source) (PLIC_BASE + 4 * (source))
#define PENDING (PLIC_BASE + 0x1000)
#define ENABLE(context) (PLIC_BASE + 0x2000 + 0x80 * (context))
#define THRESHOLD(context) (PLIC_BASE + 0x200000 + 0x1000 * (context))
#define CLAIM(context) (THRESHOLD(context) + 4)
#define UART_IER (UART_BASE + 1)
#define UART_IIR (UART_BASE + 2)

static volatile uint64_t taken, claimed;

static bool on_external(Frame *f) {
    if (f->cause != (INTERRUPT | IRQ_MEI))
        return false;
    taken++;
    claimed = read32(CLAIM(CONTEXT_M));
    if (claimed == UART_SOURCE)
        write8(UART_IER, 0);
    write32(CLAIM(CONTEXT_M), (uint32_t)claimed);
    return true;
}

static bool meip(void) {
    return csr_read(mip) >> IRQ_MEI & 1;
}
static bool seip(void) {
    return csr_read(mip) >> IRQ_SEI & 1;
}

static void test_registers(void) {
    write32(PRIORITY(UART_SOURCE), 0xffffffff);
    check_equal(read32(PRIORITY(UART_SOURCE)), 7);
    write32(PRIORITY(0), 7);
    write32(THRESHOLD(CONTEXT_M), 9);
    check_equal(read32(THRESHOLD(CONTEXT_M)), 1);
    write32(THRESHOLD(CONTEXT_M), 0);
    write32(ENABLE(CONTEXT_S) + 4, 0x12345678);
    check_equal(read32(ENABLE(CONTEXT_S) + 4), 0x12345678);
    write32(ENABLE(CONTEXT_S) + 4, 0);
    check_equal(read32(CLAIM(CONTEXT_M)), 0);
}

static void test_gateway(void) {
    write32(PRIORITY(UART_SOURCE), 3);
    write32(ENABLE(CONTEXT_M), 1u << UART_SOURCE);
    check(!meip());
    write8(UART_IER, 2); /* the transmitter is empty: the line goes up */
    check(read32(PENDING) & 1u << UART_SOURCE);
    check(meip() && !seip());
    write32(THRESHOLD(CONTEXT_M), 3); /* must be exceeded */
    check(!meip());
    write32(THRESHOLD(CONTEXT_M), 2);
    check(meip());
    write32(ENABLE(CONTEXT_M), 0);
    write32(ENABLE(CONTEXT_S), 1u << UART_SOURCE);
    write32(PRIORITY(UART_SOURCE), 3); /* QEMU looks at the lines again only now */
    check(!meip() && seip());
    check_equal(read32(CLAIM(CONTEXT_M)), 0);
    check_equal(read32(CLAIM(CONTEXT_S)), UART_SOURCE);
    check(!seip());
    check_equal(read32(PENDING) & 1u << UART_SOURCE, 0);
    write8(UART_IER, 0); /* the line goes down before the completion */
    write32(CLAIM(CONTEXT_S), UART_SOURCE);
    check(!seip());
    write32(ENABLE(CONTEXT_S), 0);
    write32(THRESHOLD(CONTEXT_M), 0);
}

static void test_uart(void) {
    write32(ENABLE(CONTEXT_M), 1u << UART_SOURCE);
    csr_write(mie, 1ul << IRQ_MEI);
    csr_set(mstatus, MSTATUS_MIE);
    for (uint64_t i = 1; i <= 5; i++) {
        write8(UART_IER, 2);
        while (taken < i)
            ;
        check_equal(claimed, UART_SOURCE);
        check_equal(read8(UART_IIR) & 0xf, 1);
    }
    csr_clear(mstatus, MSTATUS_MIE);
    check_equal(taken, 5);
}

/* Two at once: the higher priority first, the lower number among equals. */
static void test_order(void) {
    uint32_t low = read32(RTC_BASE), high = read32(RTC_BASE + 4);
    uint64_t alarm = ((uint64_t)high << 32 | low) + 1000;

    write32(RTC_BASE + 0x10, 1);
    write32(RTC_BASE + 0x0c, alarm >> 32);
    write32(RTC_BASE + 0x08, (uint32_t)alarm);
    write32(PRIORITY(RTC_SOURCE), 3);
    write32(ENABLE(CONTEXT_M), 1u << UART_SOURCE | 1u << RTC_SOURCE);
    while (!(read32(PENDING) & 1u << RTC_SOURCE))
        ;
    check_equal(read32(RTC_BASE + 0x18), 0); /* the alarm is over */
    write8(UART_IER, 2);
    check_equal(read32(CLAIM(CONTEXT_M)), UART_SOURCE);
    write8(UART_IER, 0);
    write32(CLAIM(CONTEXT_M), UART_SOURCE);
    write32(PRIORITY(RTC_SOURCE), 4);
    write8(UART_IER, 2);
    check_equal(read32(CLAIM(CONTEXT_M)), RTC_SOURCE);
    check_equal(read32(CLAIM(CONTEXT_M)), UART_SOURCE);
    check_equal(read32(CLAIM(CONTEXT_M)), 0);
    check(!meip());
    write8(UART_IER, 0);
    write32(RTC_BASE + 0x1c, 1);
    write32(CLAIM(CONTEXT_M), UART_SOURCE);
    write32(CLAIM(CONTEXT_M), RTC_SOURCE);
    check(!meip());
}

int main(void) {
    rt_hook = on_external;
    test_registers();
    test_gateway();
    test_uart();
    test_order();
    return 0;
}
