/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rt.h"

#include <stdarg.h>

#include "frame.h"

TrapHook rt_hook;
volatile Trapped rt_trapped;
extern char __free_memory[];
static uintptr_t next_page;

_Static_assert(sizeof(Frame) == FRAME_SIZE, "assembly and C agree on the frame");

void put_char(char c) {
    while (!(read8(UART_BASE + 5) & 0x20))
        ;
    write8(UART_BASE, (uint8_t)c);
}

static void print_number(uint64_t value, unsigned base, bool negative) {
    char digits[24];
    unsigned n = 0;

    do
        digits[n++] = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    if (negative)
        put_char('-');
    while (n > 0)
        put_char(digits[--n]);
}

static void print_argument(char conversion, bool is_long, va_list *args) {
    switch (conversion) {
    case 's':
        for (const char *s = va_arg(*args, const char *); *s; s++)
            put_char(*s);
        break;
    case 'c': put_char((char)va_arg(*args, int)); break;
    case 'd': {
        int64_t value = is_long ? va_arg(*args, int64_t) : va_arg(*args, int);
        print_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0);
        break;
    }
    case 'u': print_number(is_long ? va_arg(*args, uint64_t) : va_arg(*args, unsigned), 10, false); break;
    case 'x': print_number(is_long ? va_arg(*args, uint64_t) : va_arg(*args, unsigned), 16, false); break;
    default: put_char(conversion); break;
    }
}

void print(const char *format, ...) {
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        if (*format != '%') {
            put_char(*format);
            continue;
        }
        bool is_long = *++format == 'l';
        print_argument(is_long ? *++format : *format, is_long, &args);
    }
    va_end(args);
}

_Noreturn void rt_finish(uint32_t value) {
    write32(TEST_FINISHER, value);
    for (;;)
        __asm__ volatile("wfi");
}

_Noreturn void rt_pass(void) {
    print("pass\n");
    rt_finish(0x5555);
}

_Noreturn void rt_fail(const char *file, int line, const char *what) {
    print("FAIL %s:%d: %s\n", file, line, what);
    rt_finish(0x3333 | 1 << 16);
}

/* Length of the instruction at epc, read with the privilege that trapped. */
static uint64_t instruction_length(uint64_t epc) {
    uint64_t parcel, mprv = MSTATUS_MPRV | MSTATUS_MXR;

    __asm__ volatile("csrs mstatus, %1\n"
                     "lhu %0, 0(%2)\n"
                     "csrc mstatus, %1\n"
                     : "=&r"(parcel)
                     : "r"(mprv), "r"(epc)
                     : "memory");
    return (parcel & 3) == 3 ? 4 : 2;
}

static void skip_instruction(Frame *f) {
    if (f->cause == CAUSE_FETCH_ACCESS || f->cause == CAUSE_FETCH_PAGE)
        f->epc = f->x[X_RA];
    else
        f->epc += instruction_length(f->epc);
}

void rt_trap(Frame *f);
void rt_trap(Frame *f) {
    bool from_below = f->cause == CAUSE_ECALL_U || f->cause == CAUSE_ECALL_S;

    if (from_below && f->x[X_A7] == RT_LEAVE) {
        f->epc = (uint64_t)rt_call_return;
        f->status |= MSTATUS_MPP;
        return;
    }
    if (rt_hook && rt_hook(f))
        return;
    if (f->cause & INTERRUPT) {
        print("interrupt %lu at 0x%lx\n", f->cause & ~INTERRUPT, f->epc);
        rt_fail(__FILE__, __LINE__, "unexpected interrupt");
    }
    rt_trapped.count++;
    rt_trapped.cause = f->cause;
    rt_trapped.tval = f->tval;
    rt_trapped.epc = f->epc;
    rt_trapped.status = f->status;
    if (rt_trapped.count > 1000) {
        print("cause %lu tval 0x%lx at 0x%lx\n", f->cause, f->tval, f->epc);
        rt_fail(__FILE__, __LINE__, "too many traps");
    }
    skip_instruction(f);
}

__attribute__((weak)) void rt_secondary(uint64_t hart) {}

void *rt_pages(size_t n) {
    if (!next_page)
        next_page = (uintptr_t)__free_memory;
    void *page = (void *)next_page;
    next_page += n * 4096;
    memset(page, 0, n * 4096);
    return page;
}

uint64_t rt_mtime(void) {
    return read64(CLINT_BASE + 0xbff8);
}

void *memset(void *to, int value, size_t n) {
    for (uint8_t *p = to; n > 0; n--)
        *p++ = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, size_t n) {
    const uint8_t *f = from;

    for (uint8_t *p = to; n > 0; n--)
        *p++ = *f++;
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const uint8_t *x = a, *y = b;

    for (; n > 0; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}
