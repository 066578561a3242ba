/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices by their registers, on a machine that runs no code. */
#include <string.h>

#include "core/memmap.h"
#include "tests/unit/world.h"

#define UART VIRT_UART_BASE
#define PLIC VIRT_PLIC_BASE
#define RTC VIRT_RTC_BASE
#define CLINT VIRT_CLINT_BASE

static World *started(void) {
    World *w = world_new();
    bool ok = world_start(w, NULL);

    g_assert_true(ok);
    return w;
}

static unsigned uart_get(World *w, unsigned reg) {
    return (unsigned)world_read(w, UART + reg, 1);
}
static void uart_put(World *w, unsigned reg, unsigned value) {
    world_write(w, UART + reg, value, 1);
}
static bool pending(World *w, unsigned source) {
    return world_read(w, PLIC + 0x1000, 4) >> source & 1;
}

/* -- UART ------------------------------------------------------------------------------------------------ */

static void test_uart_transmit(void) {
    World *w = started();

    uart_put(w, 0, 'h');
    uart_put(w, 0, 'i');
    g_assert_cmpstr(w->output->str, ==, "hi");
    g_assert_cmphex(uart_get(w, 5), ==, 0x60);
    g_assert_cmphex(uart_get(w, 2), ==, 0x01);
    g_assert_false(pending(w, VIRT_UART_IRQ));
    /* Enabling the interrupt raises it; reading IIR takes it back; the next byte raises it again. */
    uart_put(w, 1, 2);
    g_assert_true(pending(w, VIRT_UART_IRQ));
    g_assert_cmphex(uart_get(w, 2), ==, 0x02);
    g_assert_cmphex(uart_get(w, 2), ==, 0x01);
    g_assert_false(pending(w, VIRT_UART_IRQ));
    uart_put(w, 0, '!');
    g_assert_true(pending(w, VIRT_UART_IRQ));
    uart_put(w, 1, 0);
    g_assert_false(pending(w, VIRT_UART_IRQ));
    uart_put(w, 1, 2);
    g_assert_true(pending(w, VIRT_UART_IRQ));
    world_free(w);
}

static void test_uart_receive(void) {
    World *w = started();

    uart_put(w, 2, 0x81); /* FIFO, trigger at 8 */
    uart_put(w, 1, 1);
    world_input(w, 0, "abc");
    g_assert_cmphex(uart_get(w, 2), ==, 0xcc); /* below the trigger: timeout */
    world_input(w, 0, "defghijklmnopqrstuvwxyz");
    g_assert_cmphex(uart_get(w, 2), ==, 0xc4);
    for (char c = 'a'; c <= 'z'; c++) {
        g_assert_cmphex(uart_get(w, 5), ==, 0x61);
        g_assert_cmpint(uart_get(w, 0), ==, c);
    }
    g_assert_cmphex(uart_get(w, 5), ==, 0x60);
    g_assert_false(pending(w, VIRT_UART_IRQ));
    g_assert_cmphex(uart_get(w, 0), ==, 0);
    world_free(w);
}

static void test_uart_registers(void) {
    World *w = started();

    uart_put(w, 3, 0x83);
    uart_put(w, 0, 0x34);
    uart_put(w, 1, 0x12);
    g_assert_cmphex(uart_get(w, 0), ==, 0x34);
    g_assert_cmphex(uart_get(w, 1), ==, 0x12);
    uart_put(w, 3, 0x03);
    g_assert_cmphex(uart_get(w, 1), ==, 0);
    uart_put(w, 7, 0xa5);
    g_assert_cmphex(uart_get(w, 7), ==, 0xa5);
    g_assert_cmphex(uart_get(w, 6) & 0xf0, ==, 0xb0);
    g_assert_cmpstr(w->output->str, ==, "");
    /* Loopback: nothing leaves, bytes come back, modem outputs are inputs, the one-byte receiver overruns. */
    world_input(w, 0, "x");
    g_assert_cmpint(uart_get(w, 0), ==, 'x');
    uart_put(w, 4, 0x1a);
    g_assert_cmphex(uart_get(w, 6), ==, 0x90 | 0x02); /* RTS -> CTS, OUT2 -> DCD; DSR fell */
    uart_put(w, 0, 'l');
    uart_put(w, 0, 'm');
    g_assert_cmphex(uart_get(w, 5), ==, 0x63);
    g_assert_cmphex(uart_get(w, 5), ==, 0x61);
    g_assert_cmpint(uart_get(w, 0), ==, 'l');
    g_assert_cmpstr(w->output->str, ==, "");
    world_free(w);
}

/* -- interrupt controllers ------------------------------------------------------------------------------- */

static bool line(World *w, unsigned hart, IrqNumber irq) {
    return w->m->harts[hart]->mip_lines >> irq & 1;
}

static void test_plic(void) {
    World *w = world_new();

    w->config.n_harts = 2;
    g_assert_true(world_start(w, NULL));
    world_write(w, PLIC + 4 * VIRT_UART_IRQ, 5, 4);
    world_write(w, PLIC + 0x2000 + 0x80 * 3, 1u << VIRT_UART_IRQ, 4); /* hart 1, S */
    uart_put(w, 1, 2);
    g_assert_true(line(w, 1, IRQ_SEI));
    g_assert_false(line(w, 1, IRQ_MEI) || line(w, 0, IRQ_SEI) || line(w, 0, IRQ_MEI));
    world_write(w, PLIC + 0x203000, 5, 4);
    g_assert_false(line(w, 1, IRQ_SEI));
    world_write(w, PLIC + 0x203000, 4, 4);
    g_assert_cmpuint(world_read(w, PLIC + 0x203004, 4), ==, VIRT_UART_IRQ);
    g_assert_false(line(w, 1, IRQ_SEI));
    g_assert_cmpuint(world_read(w, PLIC + 0x203004, 4), ==, 0);
    /* The line is still high at the completion: pending again. */
    world_write(w, PLIC + 0x203004, VIRT_UART_IRQ, 4);
    g_assert_true(line(w, 1, IRQ_SEI));
    uart_put(w, 1, 0);
    g_assert_false(line(w, 1, IRQ_SEI));
    /* Numbers that do not exist, contexts that do not exist. */
    world_write(w, PLIC + 0x203004, 1000, 4);
    world_write(w, PLIC + 0x203004, 0, 4);
    g_assert_cmpuint(world_read(w, PLIC + 0x204004, 4), ==, 0);
    g_assert_cmpuint(world_read(w, PLIC + 0x5ffffc, 4), ==, 0);
    world_free(w);
}

static void test_aclint(void) {
    World *w = world_new();

    w->config.n_harts = 2;
    w->config.aclint = true;
    g_assert_true(world_start(w, NULL));
    world_write(w, CLINT + 4, 0xffffffff, 4);
    g_assert_true(line(w, 1, IRQ_MSI));
    g_assert_cmpuint(world_read(w, CLINT + 4, 4), ==, 1);
    world_write(w, CLINT + 4, 0, 4);
    g_assert_false(line(w, 1, IRQ_MSI));
    world_write(w, CLINT + 8, 1, 4); /* no such hart */
    world_write(w, CLINT + 0x4008, 100, 8);
    g_assert_false(line(w, 1, IRQ_MTI));
    world_wait(w, 99 * 100);
    g_assert_false(line(w, 1, IRQ_MTI));
    world_wait(w, 100);
    g_assert_true(line(w, 1, IRQ_MTI));
    world_write(w, CLINT + 0x4008, 0xffffffff, 4);
    g_assert_cmphex(world_read(w, CLINT + 0x4008, 8), ==, 0xffffffff);
    g_assert_false(line(w, 1, IRQ_MTI));
    world_write(w, CLINT + 0xbff8, 0x123456789, 8);
    g_assert_cmphex(world_read(w, CLINT + 0xbff8, 8), ==, 0x123456789);
    g_assert_cmphex(world_read(w, CLINT + 0xbffc, 4), ==, 1);
    g_assert_true(line(w, 1, IRQ_MTI));
    world_write(w, VIRT_SSWI_BASE + 4, 1, 4);
    g_assert_cmphex(w->m->harts[1]->mip_soft, ==, 1u << IRQ_SSI);
    g_assert_cmphex(world_read(w, VIRT_SSWI_BASE + 4, 4), ==, 0);
    world_free(w);
}

/* -- finisher, clock ------------------------------------------------------------------------------------- */

static void test_finisher(void) {
    static const struct {
        uint32_t value;
        StopReason stop;
        uint32_t code;
    } cases[] = {
        {0x5555, STOP_FINISHER_PASS, 0},
        {0x3333 | 42 << 16, STOP_FINISHER_FAIL, 42},
        {0x7777, STOP_RESET, 0},
        {1, STOP_NONE, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        World *w = world_new();
        w->config.no_reboot = true;
        g_assert_true(world_start(w, NULL));
        world_write(w, VIRT_TEST_BASE, cases[i].value, 4);
        g_assert_cmpint(w->m->stop, ==, cases[i].stop);
        g_assert_cmpuint(w->m->stop_code, ==, cases[i].code);
        world_free(w);
    }
}

static uint64_t rtc_time(World *w) {
    uint64_t low = world_read(w, RTC, 4);

    return low | world_read(w, RTC + 4, 4) << 32;
}

static void test_rtc(void) {
    World *w = started();

    g_assert_cmpuint(rtc_time(w), ==, WORLD_CLOCK);
    world_wait(w, 1000);
    g_assert_cmpuint(rtc_time(w), ==, WORLD_CLOCK + 1000);
    uint64_t alarm = WORLD_CLOCK + 5000;
    world_write(w, RTC + 0x10, 1, 4);
    world_write(w, RTC + 0x0c, alarm >> 32, 4);
    world_write(w, RTC + 0x08, (uint32_t)alarm, 4);
    g_assert_cmpuint(world_read(w, RTC + 0x18, 4), ==, 1);
    world_wait(w, 3999);
    g_assert_false(pending(w, VIRT_RTC_IRQ));
    world_wait(w, 1);
    g_assert_true(pending(w, VIRT_RTC_IRQ));
    world_write(w, RTC + 0x1c, 1, 4);
    g_assert_false(pending(w, VIRT_RTC_IRQ));
    /* Setting the clock over an alarm fires it. */
    world_write(w, RTC + 0x08, (uint32_t)(alarm + 100000), 4);
    world_write(w, RTC + 0x04, (alarm >> 32) + 1, 4);
    g_assert_true(pending(w, VIRT_RTC_IRQ));
    world_free(w);
}

/* An alarm that guest time never reaches, with a clock set back: never due, and not in the past either. */
static void test_rtc_far(void) {
    World *w = started();

    world_wait(w, 1000000);
    world_write(w, RTC + 0x04, 0, 4);
    world_write(w, RTC, 5, 4);
    world_write(w, RTC + 0x0c, UINT32_MAX, 4);
    world_write(w, RTC + 0x08, UINT32_MAX, 4);
    for (guint i = 0; i < w->m->devices->len; i++) {
        const Device *d = g_ptr_array_index(w->m->devices, i);
        g_assert_true(d->when == NSEC_NEVER);
    }
    g_assert_cmpuint(world_read(w, RTC + 0x18, 4), ==, 1);
    world_free(w);
}

/* Only what QEMU's regions take: other sizes and places are access faults. */
static void test_access_sizes(void) {
    World *w = started();
    uint64_t value;

    g_assert_false(machine_mmio_read(w->m, PLIC, 8, &value));
    g_assert_false(machine_mmio_read(w->m, PLIC, 2, &value));
    g_assert_false(machine_mmio_read(w->m, RTC, 1, &value));
    g_assert_false(machine_mmio_write(w->m, VIRT_TEST_BASE, 0x5555, 1));
    g_assert_true(machine_mmio_write(w->m, VIRT_TEST_BASE, 0, 2));
    g_assert_false(machine_mmio_read(w->m, CLINT, 8, &value));
    g_assert_true(machine_mmio_read(w->m, CLINT + 0x4000, 8, &value));
    g_assert_false(machine_mmio_read(w->m, UART + 8, 1, &value));
    g_assert_false(machine_mmio_read(w->m, VIRT_VIRTIO_BASE + 0x200, 4, &value));
    g_assert_false(machine_mmio_read(w->m, VIRT_SSWI_BASE, 4, &value));
    world_free(w);
}

/* -- state ----------------------------------------------------------------------------------------------- */

static GByteArray *save_all(Machine *m) {
    GByteArray *out = g_byte_array_new();

    for (guint i = 0; i < m->sections->len; i++)
        state_section_save(&g_array_index(m->sections, StateSection, i), out);
    return out;
}

static bool load_all(Machine *m, const GByteArray *from, size_t size) {
    StateReader r = {.data = from->data, .size = size};

    for (guint i = 0; i < m->sections->len; i++) {
        const StateSection *s = &g_array_index(m->sections, StateSection, i);
        if (!state_section_load(s, &r))
            return false;
        if (s->loaded != NULL)
            s->loaded(s->object);
    }
    return r.at == size;
}

static void test_state(void) {
    World *w = started(), *other = started();

    uart_put(w, 2, 1);
    uart_put(w, 1, 3);
    world_input(w, 0, "more than sixteen bytes of input");
    world_write(w, PLIC + 4 * VIRT_UART_IRQ, 5, 4);
    world_write(w, RTC + 0x0c, UINT32_MAX, 4);
    world_write(w, RTC + 0x08, 1, 4);
    g_autoptr(GByteArray) saved = save_all(w->m);
    g_autoptr(GByteArray) fresh = save_all(other->m);
    g_assert_true(saved->len != fresh->len);
    g_assert_true(load_all(other->m, saved, saved->len));
    g_autoptr(GByteArray) again = save_all(other->m);
    g_assert_cmpmem(saved->data, saved->len, again->data, again->len);
    g_assert_cmpint(uart_get(other, 0), ==, 'm');
    for (size_t cut = 0; cut < saved->len; cut += 7)
        g_assert_false(load_all(other->m, saved, cut));
    world_free(w);
    world_free(other);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/devices/uart/transmit", test_uart_transmit);
    g_test_add_func("/devices/uart/receive", test_uart_receive);
    g_test_add_func("/devices/uart/registers", test_uart_registers);
    g_test_add_func("/devices/plic", test_plic);
    g_test_add_func("/devices/aclint", test_aclint);
    g_test_add_func("/devices/finisher", test_finisher);
    g_test_add_func("/devices/rtc", test_rtc);
    g_test_add_func("/devices/rtc-far", test_rtc_far);
    g_test_add_func("/devices/access-sizes", test_access_sizes);
    g_test_add_func("/devices/state", test_state);
    return g_test_run();
}
