/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

#include <stdarg.h>

uint64_t hash, retired;
static uint64_t random_state;

/* ---- console ---- */

static void put_char(char c) {
    while (!(read8(UART_BASE + 5) & 0x20))
        ;
    write8(UART_BASE, (uint8_t)c);
}

void put_text(const char *text) {
    for (; *text; text++)
        put_char(*text);
}

static void put_number(uint64_t value, unsigned base) {
    char digits[24];
    unsigned n = 0;

    do
        digits[n++] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    while (n > 0)
        put_char(digits[--n]);
}

void print(const char *format, ...) {
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%') {
            put_char(*format);
            continue;
        }
        switch (*++format) {
        case 's': put_text(va_arg(args, const char *)); break;
        case 'd': put_number(va_arg(args, uint64_t), 10); break;
        default: put_number(va_arg(args, uint64_t), 16); break;
        }
    }
    va_end(args);
}

_Noreturn void finish(uint32_t value) {
    write32(TEST_FINISHER, value);
    for (;;)
        __asm__ volatile("wfi");
}

_Noreturn void monitor_trapped(uint64_t cause, uint64_t tval, uint64_t epc);
_Noreturn void monitor_trapped(uint64_t cause, uint64_t tval, uint64_t epc) {
    print("the monitor trapped: cause %x tval %x at %x\n", cause, tval, epc);
    finish(0x3333 | 1 << 16);
}

/* ---- random numbers ---- */

void random_seed(uint64_t seed) { random_state = seed; }

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t random64(void) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15ul;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
    z = (z ^ z >> 27) * 0x94d049bb133111ebul;
    return z ^ z >> 31;
}

uint64_t random_value(void) {
    uint64_t r = random64();
    unsigned bit = r >> 8 & 63;

    switch (r & 15) {
    case 0: return r >> 16 & 1 ? 0 : ~0ul;
    case 1: return (1ul << 63) - (r >> 16 & 1);
    case 2: return (uint64_t)(int8_t)(r >> 16);
    case 3: return 1ul << bit;
    case 4: return (1ul << bit) - 1;
    case 5: return ~0ul << bit;
    case 6: return (uint64_t)(int32_t)(r >> 20);
    case 7: return (uint32_t)(r >> 20);
    case 8: return (1ul << 31) - (r >> 16 & 1);
    case 9: return (uint64_t)(int32_t)((1u << 31) - (unsigned)(r >> 16 & 1));
    default: return random64();
    }
}

/* The bytes have no jump backwards in any order: none is 0xa0 or more. */
uint64_t harmless_code(void) {
    uint64_t code = 0;

    for (unsigned i = 0; i < 4; i++) /* c.ebreak, c.li x15 */
        code = code << 16 | (one_in(4) ? 0x9002u : 0x4781u | below(8) << 2);
    return code;
}

/* A number of the format with so many exponent and fraction bits: any class, often near an edge. */
static uint64_t random_format(unsigned exponent_bits, unsigned fraction_bits) {
    uint64_t r = random64(), fraction_mask = (1ul << fraction_bits) - 1, max = (1ul << exponent_bits) - 1;
    uint64_t exponent, fraction, bias = max >> 1;

    switch (r & 7) {
    case 0: exponent = 0; break;
    case 1: exponent = max; break;
    case 2: exponent = (r >> 4 & 1) ? max - 1 : 1; break;
    case 3:
    case 4: exponent = bias + (r >> 4 & 63) - 16; break;
    default: exponent = bias + (r >> 4 & 7) - 3; break;
    }
    switch (r >> 16 & 7) {
    case 0: fraction = 0; break;
    case 1: fraction = 1; break;
    case 2: fraction = fraction_mask; break;
    case 3: fraction = 1ul << (fraction_bits - 1); break;
    case 4: fraction = fraction_mask << (r >> 20 & 31); break;
    default: fraction = random64(); break;
    }
    return (r >> 63) << (exponent_bits + fraction_bits) | (exponent & max) << fraction_bits | (fraction & fraction_mask);
}

uint64_t random_float(void) {
    switch (below(16)) {
    case 0: return random64();
    case 1: return random_format(8, 23) | random64() << 32;
    case 2:
    case 3:
    case 4: return random_format(5, 10) | ~0ul << 16;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9: return random_format(8, 23) | ~0ul << 32;
    default: return random_format(11, 52);
    }
}

/* ---- counting ---- */

/* What the monitor itself retires between the two reads: found by running a program that traps at once. */
void context_count(Context *c) {
    static uint64_t monitor;

    if (!monitor) {
        Context probe = {.pc = CODE_BASE, .status = (uint64_t)PRIV_M << STATUS_MPP_SHIFT};
        uint64_t code = read64(CODE_BASE), before;
        write64(CODE_BASE, 0x73);
        __asm__ volatile("fence.i" ::: "memory");
        before = csr_read(minstret);
        context_run(&probe);
        monitor = csr_read(minstret) - before;
        write64(CODE_BASE, code);
        __asm__ volatile("fence.i" ::: "memory");
    }
    uint64_t before = csr_read(minstret);
    context_run(c);
    retired += csr_read(minstret) - before - monitor;
}

/* ---- machine state ---- */

#define PMP_NAPOT(base, size) ((base) >> 2 | (((size) >> 3) - 1))
enum { PMP_R = 1, PMP_W = 2, PMP_X = 4, PMP_MATCH_NAPOT = 0x18 };

void pmp_open(void) {
    csr_write(pmpaddr0, ~0ul);
    csr_write(pmpcfg0, PMP_R | PMP_W | PMP_X | PMP_MATCH_NAPOT);
    csr_write(pmpcfg2, 0);
    __asm__ volatile("sfence.vma" ::: "memory");
}

void pmp_sandbox(void) {
    csr_write(pmpaddr0, PMP_NAPOT(CODE_BASE, CODE_SIZE));
    csr_write(pmpaddr1, PMP_NAPOT(DATA_BASE, DATA_SIZE));
    csr_write(pmpcfg0, PMP_X | PMP_MATCH_NAPOT | (PMP_R | PMP_W | PMP_MATCH_NAPOT) << 8);
    csr_write(pmpcfg2, 0);
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* QEMU has one bit for the comparison and for software's STIP: it is clear when STCE changes. */
void stimecmp_set(uint64_t value, bool enabled) {
    if (!params.sstc) {
        csr_write(menvcfg, 0);
        return;
    }
    csr_write(menvcfg, 1ul << 63);
    csr_write(0x14d, ~0ul);
    csr_write(0x14d, enabled ? value : ~0ul);
    csr_write(menvcfg, enabled ? 1ul << 63 : 0);
}

void machine_reset_state(void) {
    csr_write(medeleg, 0);
    csr_write(mideleg, 0);
    csr_write(mie, 0);
    csr_write(mcounteren, 0);
    csr_write(scounteren, 0);
    csr_write(satp, 0);
    csr_write(stvec, CODE_BASE);
    csr_write(sscratch, 0);
    csr_write(sepc, 0);
    csr_write(scause, 0);
    csr_write(stval, 0);
    csr_write(senvcfg, 0);
    stimecmp_set(~0ul, false);
    csr_write(mip, 0);
    __asm__ volatile("sfence.vma" ::: "memory");
}

void *memset(void *to, int value, size_t n) {
    for (uint8_t *p = to; n > 0; n--)
        *p++ = (uint8_t)value;
    return to;
}

void memset_words(uint64_t to, size_t n) {
    for (size_t i = 0; i < n; i += 8)
        write64(to + i, 0);
}

void copy_words(uint64_t to, const void *from, size_t n) {
    const uint64_t *f = from;

    for (size_t i = 0; i < n; i += 8)
        write64(to + i, *f++);
}

void *memcpy(void *to, const void *from, size_t n) {
    const uint8_t *f = from;

    for (uint8_t *p = to; n > 0; n--)
        *p++ = *f++;
    return to;
}
