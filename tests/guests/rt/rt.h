/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tiny runtime for programs on the bare virt machine. They start in M mode on hart 0 and end in pass or
 * fail. */
#ifndef RT_H
#define RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Built with QEMU7=1, what QEMU 7.2 does where it is not what the specification (and a later QEMU) says. */
#ifndef QEMU7
#define QEMU7 0
#endif

#define TEST_FINISHER 0x100000ul
#define RTC_BASE 0x101000ul
#define CLINT_BASE 0x2000000ul
#define PLIC_BASE 0xc000000ul
#define UART_BASE 0x10000000ul
#define VIRTIO_BASE 0x10001000ul
#define RAM_BASE 0x80000000ul
#define NOWHERE 0x18000000ul /* no memory, no device */

enum { MODE_U = 0, MODE_S = 1, MODE_M = 3 };
enum {
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_ECALL_S = 9,
    CAUSE_ECALL_M = 11,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15,
};
#define INTERRUPT (1ul << 63)
enum { IRQ_SSI = 1, IRQ_MSI = 3, IRQ_STI = 5, IRQ_MTI = 7, IRQ_SEI = 9, IRQ_MEI = 11 };
#define MSTATUS_SIE (1ul << 1)
#define MSTATUS_MIE (1ul << 3)
#define MSTATUS_SPIE (1ul << 5)
#define MSTATUS_MPIE (1ul << 7)
#define MSTATUS_SPP (1ul << 8)
#define MSTATUS_MPP (3ul << 11)
#define MSTATUS_MPRV (1ul << 17)
#define MSTATUS_SUM (1ul << 18)
#define MSTATUS_MXR (1ul << 19)
#define MSTATUS_TVM (1ul << 20)
#define MSTATUS_TW (1ul << 21)
#define MSTATUS_TSR (1ul << 22)

#define csr_read(name)                                                                                       \
    ({                                                                                                       \
        uint64_t value_;                                                                                     \
        __asm__ volatile("csrr %0, " #name : "=r"(value_)::"memory");                                        \
        value_;                                                                                              \
    })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define csr_set(name, value) __asm__ volatile("csrs " #name ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define csr_clear(name, value) __asm__ volatile("csrc " #name ", %0" ::"rK"((uint64_t)(value)) : "memory")

static inline uint32_t read32(uintptr_t at) {
    return *(volatile uint32_t *)at;
}
static inline uint64_t read64(uintptr_t at) {
    return *(volatile uint64_t *)at;
}
static inline uint8_t read8(uintptr_t at) {
    return *(volatile uint8_t *)at;
}
static inline void write32(uintptr_t at, uint32_t value) {
    *(volatile uint32_t *)at = value;
}
static inline void write64(uintptr_t at, uint64_t value) {
    *(volatile uint64_t *)at = value;
}
static inline void write8(uintptr_t at, uint8_t value) {
    *(volatile uint8_t *)at = value;
}

/* %s %c %d %u %x, each with l for 64 bits */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void put_char(char c);
_Noreturn void rt_finish(uint32_t value); /* written to the test finisher */
_Noreturn void rt_pass(void);
_Noreturn void rt_fail(const char *file, int line, const char *what);
#define check(condition) ((condition) ? (void)0 : rt_fail(__FILE__, __LINE__, #condition))
#define check_equal(got, expected)                                                                           \
    do {                                                                                                     \
        uint64_t got_ = (uint64_t)(got), expected_ = (uint64_t)(expected);                                   \
        if (got_ != expected_) {                                                                             \
            print("got 0x%lx, expected 0x%lx\n", got_, expected_);                                           \
            rt_fail(__FILE__, __LINE__, #got " == " #expected);                                              \
        }                                                                                                    \
    } while (0)

/* The interrupted registers; the handler may change them. */
typedef struct Frame {
    uint64_t x[32], epc, cause, tval, status;
} Frame;
enum { X_RA = 1, X_A0 = 10, X_A7 = 17 };

/*
 * Set by the guest: handles a trap, or returns false. Without it, and for what it does not want, exceptions
 * are noted in rt_trapped and skipped: to the next instruction, or back to the caller when the fetch itself
 * failed. Interrupts nobody wants end the test.
 */
typedef bool (*TrapHook)(Frame *f);
extern TrapHook rt_hook;
typedef struct Trapped {
    uint64_t count, cause, tval, epc, status;
} Trapped;
extern volatile Trapped rt_trapped;

/* Run an instruction sequence that must trap exactly once with this cause. */
#define check_traps(expected_cause, ...)                                                                     \
    do {                                                                                                     \
        rt_trapped.count = 0;                                                                                \
        __VA_ARGS__;                                                                                         \
        __asm__ volatile("" ::: "memory");                                                                   \
        check_equal(rt_trapped.count, 1);                                                                    \
        check_equal(rt_trapped.cause, expected_cause);                                                       \
    } while (0)

/* Call function(argument) in MODE_S or MODE_U and come back to M mode with its result. */
uint64_t rt_call_in(uint64_t mode, uint64_t (*function)(uint64_t), uint64_t argument);
extern void rt_trap_entry(void), rt_leave(void), rt_call_return(void);
/* Started on every other hart when the guest defines it. */
void rt_secondary(uint64_t hart);

void *rt_pages(size_t n); /* zeroed pages, never freed */
uint64_t rt_mtime(void);
void *memset(void *to, int value, size_t n);
void *memcpy(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
