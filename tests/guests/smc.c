/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code that changes: patched, moved, written over itself, across page boundaries, next to data. Always
 * fence.i. */
#include "rt/rt.h"

static uint32_t code[2048] __attribute__((aligned(4096)));

static void fence_i(void) {
    __asm__ volatile("fence.i" ::: "memory");
}
static uint32_t li_a0(unsigned value) {
    return value << 20 | 10 << 7 | 0x13;
}
static const uint32_t ret = 0x00008067;
typedef uint64_t (*Function)(uint64_t);

static void test_patch(void) {
    for (unsigned i = 0; i < 200; i++) {
        code[0] = li_a0(i);
        code[1] = ret;
        fence_i();
        check_equal(((Function)code)(0), i);
        check_equal(((Function)code)(0), i);
    }
}

/* The same page holds data that is written between calls: no fence is needed, and the code stays what it is.
 */
static void test_data_beside(void) {
    code[0] = li_a0(77);
    code[1] = ret;
    fence_i();
    for (unsigned i = 0; i < 1000; i++) {
        code[100 + i % 50] = i;
        check_equal(((Function)code)(0), 77);
        check_equal(code[100 + i % 50], i);
    }
}

/* One instruction across two pages; either half is replaced. */
static void test_crossing(void) {
    uint16_t *at = (uint16_t *)code + 2047;

    for (unsigned i = 1; i < 100; i++) {
        uint32_t insn = li_a0(i * 16);
        if (i & 1)
            at[0] = (uint16_t)insn;
        at[1] = (uint16_t)(insn >> 16);
        at[2] = 0x8082; /* c.jr ra */
        at[0] = (uint16_t)insn;
        fence_i();
        check_equal(((Function)at)(0), i * 16);
    }
}

/* Code that patches the loop it is in: adds 1, then 2, then 3 … */
static void test_own_loop(void) {
    uint64_t sum, n = 100;

    __asm__ volatile("   mv   %0, zero\n"
                     "   la   t0, 1f\n"
                     "   lw   t1, 0(t0)\n"
                     "   li   t2, 1 << 20\n"
                     ".balign 4\n"
                     ".option push\n.option norvc\n"
                     "1: addi %0, %0, 1\n"
                     ".option pop\n"
                     "   add  t1, t1, t2\n"
                     "   sw   t1, 0(t0)\n"
                     "   fence.i\n"
                     "   addi %1, %1, -1\n"
                     "   bnez %1, 1b\n"
                     : "=&r"(sum), "+r"(n)::"t0", "t1", "t2", "memory");
    check_equal(sum, 100 * 101 / 2);
}

/* Straight-line code that replaces what follows at once. */
static void test_next(void) {
    uint64_t value = 0;

    __asm__ volatile("   la   t0, 1f\n"
                     "   lw   t1, 2f\n"
                     "   sw   t1, 0(t0)\n"
                     "   fence.i\n"
                     ".balign 4\n"
                     ".option push\n.option norvc\n"
                     "1: addi %0, %0, 1\n"
                     "   j    3f\n"
                     "2: addi %0, %0, 5\n"
                     ".option pop\n"
                     "3:\n"
                     : "+r"(value)::"t0", "t1", "memory");
    check_equal(value, 5);
}

static uint64_t sum_to(uint64_t n) {
    uint64_t sum = 0;

    for (uint64_t i = 1; i <= n; i++)
        sum += i ^ (sum << 1);
    return sum;
}

/* Position-independent code is copied byte by byte and by words, to aligned and odd places. */
static void test_copies(void) {
    uint64_t expected = sum_to(100);

    for (unsigned offset = 0; offset < 4096; offset += 358) {
        uint8_t *to = (uint8_t *)code + offset;
        for (unsigned i = 0; i < 128; i++)
            to[i] = ((const uint8_t *)sum_to)[i];
        fence_i();
        check_equal(((Function)to)(100), expected);
        for (unsigned i = 0; i < 128; i++)
            to[i] = 0;
        fence_i();
        check_traps(CAUSE_ILLEGAL, __asm__ volatile("la ra, 1f\n jr %0\n 1:" ::"r"(to)
                                                    : "ra", "memory");
                    break);
    }
}

static bool back_to_caller(Frame *f) {
    if (f->cause != CAUSE_ILLEGAL)
        return false;
    rt_trapped.count++;
    rt_trapped.cause = f->cause;
    f->epc = f->x[X_RA];
    return true;
}

int main(void) {
    test_patch();
    test_data_beside();
    test_crossing();
    test_own_loop();
    test_next();
    rt_hook = back_to_caller;
    test_copies();
    return 0;
}
