/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupt-driven terminal: each line comes back in capitals with its number. An empty line or Ctrl-D ends.
 */
#include "rt/rt.h"

enum { UART_SOURCE = 10, CTRL_D = 4 };

static volatile char input[256];
static volatile unsigned head, tail;

static void receive(void) {
    while (read8(UART_BASE + 5) & 1)
        input[head++ % sizeof input] = (char)read8(UART_BASE);
}

static bool on_uart(Frame *f) {
    if (f->cause != (INTERRUPT | IRQ_MEI))
        return false;
    uint32_t source = read32(PLIC_BASE + 0x200004);
    receive();
    write32(PLIC_BASE + 0x200004, source);
    return true;
}

static char next(void) {
    for (;;) {
        csr_clear(mstatus, MSTATUS_MIE);
        bool empty = head == tail;
        if (empty)
            __asm__ volatile("wfi");
        csr_set(mstatus, MSTATUS_MIE);
        if (!empty)
            return input[tail++ % sizeof input];
    }
}

int main(void) {
    unsigned lines = 0, length = 0;

    rt_hook = on_uart;
    write32(PLIC_BASE + 4 * UART_SOURCE, 1);
    write32(PLIC_BASE + 0x2000, 1u << UART_SOURCE);
    receive(); /* switching the FIFOs on empties them */
    write8(UART_BASE + 2, 0xc7); /* FIFOs on, interrupt at 14 bytes or a pause */
    write8(UART_BASE + 1, 1);
    csr_write(mie, 1ul << IRQ_MEI);
    print("ready\n");
    for (;;) {
        char c = next();
        if (c == CTRL_D || (length == 0 && (c == '\n' || c == '\r')))
            break;
        if (length++ == 0)
            print("%u: ", ++lines);
        put_char(c >= 'a' && c <= 'z' ? (char)(c - 32) : c == '\r' ? '\n' : c);
        if (c == '\n' || c == '\r')
            length = 0;
    }
    print("%u lines\n", lines);
    return 0;
}
