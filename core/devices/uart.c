/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550A UART (National Semiconductor PC16550D). Transmission takes no time: the transmitter is always empty,
 * and each byte written raises the "holding register empty" condition anew. Received bytes wait in a backlog
 * outside the 16-byte FIFO, so nothing is lost and no overrun occurs but in loopback. Characters below the
 * trigger level give the timeout indication at once instead of four character times later.
 */
#include "core/devices/devices.h"

#include <string.h>

enum { UART_RBR_THR, UART_IER, UART_IIR_FCR, UART_LCR, UART_MCR, UART_LSR, UART_MSR, UART_SCR, UART_SIZE };
enum { IER_RX = 1, IER_THRE = 2, IER_LINE = 4, IER_MODEM = 8 };
enum {
    IIR_MODEM = 0,
    IIR_NONE = 1,
    IIR_THRE = 2,
    IIR_RX = 4,
    IIR_LINE = 6,
    IIR_TIMEOUT = 12,
    IIR_FIFO = 0xc0
};
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2, FCR_CLEAR_TX = 4, FCR_KEEP = 0xc9 };
enum { LCR_DLAB = 0x80, MCR_LOOPBACK = 0x10, MCR_OUT2 = 8 };
enum { LSR_READY = 1, LSR_OVERRUN = 2, LSR_EMPTY = 0x60 }; /* EMPTY: THRE and TEMT */
enum { MSR_DCD = 0x80, MSR_DSR = 0x20, MSR_CTS = 0x10, MSR_LINES = 0xf0 };
#define UART_FIFO 16u

#define UART_FIELDS(F, A)                                                                                    \
    F(uint8_t, ier)                                                                                          \
    F(uint8_t, fcr)                                                                                          \
    F(uint8_t, lcr)                                                                                          \
    F(uint8_t, mcr)                                                                                          \
    F(uint8_t, scr)                                                                                          \
    F(uint16_t, divisor)                                                                                     \
    F(uint8_t, overrun)                                                                                      \
    F(uint8_t, thre_pending) /* the THRE condition was not yet seen in IIR */                                \
    F(uint8_t, msr_delta)                                                                                    \
    F(uint8_t, rx_count)                                                                                     \
    A(uint8_t, rx, UART_FIFO) /* oldest first */

typedef struct Uart {
    Device dev;
    UART_FIELDS(STATE_MEMBER, STATE_MEMBER_ARRAY)
    GByteArray *backlog; /* received, not yet in the FIFO (save_extra) */
} Uart;

#define STATE_OF Uart
static const StateField uart_fields[] = {UART_FIELDS(STATE_FIELD_ENTRY, STATE_ARRAY_ENTRY)};
#undef STATE_OF

static unsigned uart_depth(const Uart *u) {
    return u->fcr & FCR_ENABLE ? UART_FIFO : 1;
}

static unsigned uart_trigger(const Uart *u) {
    static const uint8_t levels[] = {1, 4, 8, 14};

    return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

/* The interrupt to identify, in the order of the data sheet's priorities. */
static unsigned uart_iir(const Uart *u) {
    if ((u->ier & IER_LINE) && u->overrun)
        return IIR_LINE;
    if ((u->ier & IER_RX) && u->rx_count >= uart_trigger(u))
        return IIR_RX;
    if ((u->ier & IER_RX) && u->rx_count > 0)
        return IIR_TIMEOUT;
    if ((u->ier & IER_THRE) && u->thre_pending)
        return IIR_THRE;
    if ((u->ier & IER_MODEM) && u->msr_delta)
        return IIR_MODEM;
    return IIR_NONE;
}

static void uart_update_irq(Uart *u) {
    device_set_irq(&u->dev, uart_iir(u) != IIR_NONE);
}

static void uart_refill(Uart *u) {
    if (u->mcr & MCR_LOOPBACK)
        return;
    unsigned n = MIN(uart_depth(u) - MIN(u->rx_count, uart_depth(u)), u->backlog->len);
    if (n == 0)
        return;
    memcpy(u->rx + u->rx_count, u->backlog->data, n);
    u->rx_count += (uint8_t)n;
    g_byte_array_remove_range(u->backlog, 0, n);
}

/*
 * Bytes wait outside until the guest listens: by interrupt, or by reading LSR or RBR. What arrives before a driver has cleared
 * the FIFO it is setting up is not lost that way.
 */
static void uart_refill_if_listening(Uart *u) {
    if (u->ier & IER_RX)
        uart_refill(u);
}

static uint8_t uart_receive_byte(Uart *u) {
    if (u->rx_count == 0)
        uart_refill(u);
    if (u->rx_count == 0)
        return 0;
    uint8_t byte = u->rx[0];
    u->rx_count--;
    memmove(u->rx, u->rx + 1, UART_FIFO - 1);
    u->rx[UART_FIFO - 1] = 0; /* what is not in the FIFO is not state */
    uart_refill(u);
    return byte;
}

static void uart_transmit(Uart *u, uint8_t byte) {
    u->thre_pending = 1;
    if (!(u->mcr & MCR_LOOPBACK))
        device_console_output(&u->dev, 0, &byte, 1);
    else if (u->rx_count < uart_depth(u))
        u->rx[u->rx_count++] = byte;
    else
        u->overrun = 1;
}

static uint8_t uart_modem_lines(const Uart *u) {
    if (!(u->mcr & MCR_LOOPBACK))
        return MSR_DCD | MSR_DSR | MSR_CTS;
    /* DTR -> DSR, RTS -> CTS, OUT1 -> RI, OUT2 -> DCD */
    return (uint8_t)((u->mcr & 1) << 5 | (u->mcr & 2) << 3 | (u->mcr & 4) << 4 | (u->mcr & 8) << 4);
}

static void uart_write_mcr(Uart *u, uint8_t value) {
    uint8_t before = uart_modem_lines(u);

    u->mcr = value & 0x1f;
    uint8_t after = uart_modem_lines(u), changed = before ^ after;
    u->msr_delta |= (changed & (MSR_CTS | MSR_DSR | MSR_DCD)) >> 4;
    u->msr_delta |= (before & ~after & 0x40) >> 4; /* trailing edge of RI */
    uart_refill_if_listening(u);
}

static void uart_clear_rx(Uart *u) {
    u->rx_count = 0;
    memset(u->rx, 0, sizeof u->rx);
}

static void uart_write_fcr(Uart *u, uint8_t value) {
    bool switched = (u->fcr ^ value) & FCR_ENABLE;

    u->fcr = value & FCR_ENABLE ? value & FCR_KEEP : 0;
    if (switched || (value & FCR_CLEAR_RX))
        uart_clear_rx(u);
    if (switched || (value & FCR_CLEAR_TX))
        u->thre_pending = 1;
    uart_refill_if_listening(u);
}

static uint64_t uart_read(Device *d, Gpa offset, unsigned size) {
    Uart *u = (Uart *)d;
    uint8_t value = 0;

    switch (offset) {
    case UART_RBR_THR: value = u->lcr & LCR_DLAB ? (uint8_t)u->divisor : uart_receive_byte(u); break;
    case UART_IER: value = u->lcr & LCR_DLAB ? (uint8_t)(u->divisor >> 8) : u->ier; break;
    case UART_IIR_FCR:
        value = (uint8_t)uart_iir(u);
        if (value == IIR_THRE)
            u->thre_pending = 0;
        value |= u->fcr & FCR_ENABLE ? IIR_FIFO : 0;
        break;
    case UART_LCR: value = u->lcr; break;
    case UART_MCR: value = u->mcr; break;
    case UART_LSR:
        uart_refill(u);
        value = LSR_EMPTY | (u->rx_count ? LSR_READY : 0) | (u->overrun ? LSR_OVERRUN : 0);
        u->overrun = 0;
        break;
    case UART_MSR:
        value = uart_modem_lines(u) | u->msr_delta;
        u->msr_delta = 0;
        break;
    case UART_SCR: value = u->scr; break;
    }
    uart_update_irq(u);
    return value;
}

static void uart_write_ier(Uart *u, uint8_t value) {
    /* Enabling the THRE interrupt while the register is empty raises it (which drivers probe for). */
    if ((value & ~u->ier) & IER_THRE)
        u->thre_pending = 1;
    u->ier = value & 0x0f;
    uart_refill_if_listening(u);
}

static void uart_write(Device *d, Gpa offset, uint64_t wide, unsigned size) {
    Uart *u = (Uart *)d;
    uint8_t value = (uint8_t)wide;

    switch (offset) {
    case UART_RBR_THR:
        if (u->lcr & LCR_DLAB)
            u->divisor = (u->divisor & 0xff00) | value;
        else
            uart_transmit(u, value);
        break;
    case UART_IER:
        if (u->lcr & LCR_DLAB)
            u->divisor = (uint16_t)((u->divisor & 0xff) | value << 8);
        else
            uart_write_ier(u, value);
        break;
    case UART_IIR_FCR: uart_write_fcr(u, value); break;
    case UART_LCR: u->lcr = value; break;
    case UART_MCR: uart_write_mcr(u, value); break;
    case UART_SCR: u->scr = value; break;
    }
    uart_update_irq(u);
}

static void uart_input(Device *d, uint32_t source, const uint8_t *data, uint32_t size) {
    Uart *u = (Uart *)d;

    g_byte_array_append(u->backlog, data, size);
    uart_refill_if_listening(u);
    uart_update_irq(u);
}

static void uart_reset(Device *d) {
    Uart *u = (Uart *)d;

    u->ier = u->fcr = u->lcr = u->scr = 0;
    u->mcr = MCR_OUT2;
    u->divisor = 12;
    u->overrun = u->thre_pending = u->msr_delta = 0;
    uart_clear_rx(u);
    uart_update_irq(u);
}

static void uart_save_extra(const void *object, GByteArray *out) {
    const Uart *u = object;

    state_write_uint(out, u->backlog->len, 4);
    g_byte_array_append(out, u->backlog->data, u->backlog->len);
}

static bool uart_load_extra(void *object, StateReader *r) {
    Uart *u = object;
    uint64_t n = state_read_uint(r, 4);

    if (r->bad || n > r->size - r->at || u->rx_count > UART_FIFO)
        return false;
    g_byte_array_set_size(u->backlog, (guint)n);
    return state_read_bytes(r, u->backlog->data, n);
}

static const char *uart_register_name(const Device *d, Gpa offset) {
    static const char *const names[UART_SIZE] = {"rbr/thr", "ier", "iir/fcr", "lcr",
                                                 "mcr",     "lsr", "msr",     "scr"};
    static const char *const dlab_names[] = {"dll", "dlm"};

    if ((((const Uart *)d)->lcr & LCR_DLAB) && offset < G_N_ELEMENTS(dlab_names))
        return dlab_names[offset];
    return offset < UART_SIZE ? names[offset] : NULL;
}

static void uart_free(Device *d) {
    Uart *u = (Uart *)d;

    g_byte_array_unref(u->backlog);
    g_free(u);
}

static const DeviceOps uart_ops = {
    .type = "uart",
    .read = uart_read,
    .write = uart_write,
    .reset = uart_reset,
    .input = uart_input,
    .register_name = uart_register_name,
    .free = uart_free,
};

void uart_create(Machine *m, Gpa base, int source) {
    Uart *u = g_new0(Uart, 1);
    StateSection section = {
        .name = "uart0",
        .object = u,
        .fields = uart_fields,
        .n_fields = G_N_ELEMENTS(uart_fields),
        .save_extra = uart_save_extra,
        .load_extra = uart_load_extra,
    };

    u->backlog = g_byte_array_new();
    device_init(&u->dev, m, &uart_ops, "uart0", source);
    machine_add_region(m, base, UART_SIZE, 1, 8, &u->dev);
    machine_add_section(m, &section);
    m->consoles[0] = &u->dev;
}
