/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that can be counted by hand (tests/cli/calls.sh): recursion, tail calls, longjmp, interrupts, other stacks. */
#include "rt/rt.h"

#define NOINLINE __attribute__((noinline, noclone))
#define MTIMECMP (CLINT_BASE + 0x4000)

typedef struct Pair {
    uint64_t first, second;
} Pair;

typedef struct Context {
    uint64_t ra, sp, s[12];
} Context;

/* save_context() returns 0; load_context() makes it return again, with 1. switch_context()is both. */
int save_context(Context *c);
void load_context(const Context *c);
void switch_context(Context *save, const Context *load);
__asm__(".macro each op, r\n\t"
        "\\op ra, 0(\\r)\n\t\\op sp, 8(\\r)\n\t\\op s0, 16(\\r)\n\t\\op s1, 24(\\r)\n\t\\op s2, 32(\\r)\n\t"
        "\\op s3, 40(\\r)\n\t\\op s4, 48(\\r)\n\t\\op s5, 56(\\r)\n\t\\op s6, 64(\\r)\n\t\\op s7, 72(\\r)\n\t"
        "\\op s8, 80(\\r)\n\t\\op s9, 88(\\r)\n\t\\op s10, 96(\\r)\n\t\\op s11, 104(\\r)\n.endm\n"
        ".type save_context, @function\nsave_context: each sd, a0\n\tli a0, 0\n\tret\n.size save_context, .-save_context\n"
        ".type load_context, @function\nload_context: each ld, a0\n\tli a0, 1\n\tret\n.size load_context, .-load_context\n"
        ".type switch_context, @function\nswitch_context: each sd, a0\n\teach ld, a1\n\tret\n"
        ".size switch_context, .-switch_context\n");

static volatile uint64_t sink;

NOINLINE uint64_t fib(uint64_t n) {
    if (n < 2)
        return n;
    volatile uint64_t a = fib(n - 1), b = fib(n - 2);
    return a + b;
}

NOINLINE uint64_t eight(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h) {
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
}

NOINLINE Pair pair(uint64_t x) {
    return (Pair){x + 1, x + 2};
}

NOINLINE uint64_t tail_end(uint64_t x) {
    sink = x;
    return 3 * x;
}

NOINLINE uint64_t tail_middle(uint64_t x) {
    sink = x;
    return tail_end(x + 1);
}

NOINLINE uint64_t tail_begin(uint64_t x, uint64_t (*next)(uint64_t)) {
    sink = x;
    return next(x + 1); /* through a register */
}

/* Tails over and over: directly, through a register to the same or another, behind another tail; and jumps that are none. */
NOINLINE uint64_t leaf_a(uint64_t x) {
    sink = x;
    return x + 1;
}

NOINLINE uint64_t leaf_b(uint64_t x) {
    sink = x;
    return x + 2;
}

NOINLINE uint64_t hop(uint64_t x) {
    sink = x;
    return leaf_a(x);
}

NOINLINE uint64_t hop_through(uint64_t x, uint64_t (*next)(uint64_t)) {
    sink = x;
    return next(x);
}

NOINLINE uint64_t pick(uint64_t x) {
#define CASE(n)                                                                                              \
    case n: __asm__ volatile("addi %0, %0, " #n : "+r"(x)); break
    switch (x) {
        CASE(1);
        CASE(2);
        CASE(3);
        CASE(4);
        CASE(5);
        CASE(6);
        CASE(7);
        CASE(8);
    default: return 0;
    }
#undef CASE
    sink = x;
    return x;
}

NOINLINE void again(void) {
    for (uint64_t i = 0; i < 50; i++) {
        check_equal(hop(i), i + 1);
        check_equal(hop_through(i, i % 5 ? leaf_a : leaf_b), i % 5 ? i + 1 : i + 2);
        check_equal(hop_through(i, hop), i + 1);
        check_equal(pick(i % 9), 2 * (i % 9));
    }
}

static Context context;

#pragma GCC diagnostic ignored "-Winfinite-recursion" /* it ends by load_context() */
NOINLINE uint64_t dive(uint64_t depth) {
    sink = depth;
    if (sink == 0)
        load_context(&context);
    return dive(depth - 1) + sink;
}

NOINLINE uint64_t jumps(uint64_t depth) {
    if (save_context(&context))
        return 77;
    return dive(depth) + 1;
}

static Context main_side, co_side;
static uint64_t co_stack[512] __attribute__((aligned(16)));

NOINLINE void co_step(uint64_t i) {
    sink = i;
    switch_context(&co_side, &main_side);
    sink = i;
}

NOINLINE void co_main(void) {
    for (uint64_t i = 0;; i++)
        co_step(i);
}

/* On a stack above all others. */
NOINLINE void high_main(void) {
    for (uint64_t i = 9;; i++)
        co_step(i);
}

NOINLINE void resume(void) {
    switch_context(&main_side, &co_side);
    sink = 0;
}

static volatile uint64_t ticks;

NOINLINE void tick(uint64_t n) {
    ticks = n + 1;
}

static bool on_timer(Frame *f) {
    if (f->cause != (INTERRUPT | IRQ_MTI))
        return false;
    tick(ticks);
    write64(MTIMECMP, ticks < 5 ? rt_mtime() + 2 : UINT64_MAX);
    return true;
}

NOINLINE void leaf(void) {
    sink = 1;
}

NOINLINE void wait_for_ticks(void) {
    write64(MTIMECMP, rt_mtime() + 2);
    csr_write(mie, 1ul << IRQ_MTI);
    csr_set(mstatus, MSTATUS_MIE);
    while (ticks < 5)
        leaf();
    csr_clear(mstatus, MSTATUS_MIE);
}

/* Two threads that the timer takes turns with. */
static Frame other;
static uint64_t thread_stack[512] __attribute__((aligned(16)));

NOINLINE uint64_t work_a(uint64_t n) {
    sink = n;
    return n;
}

NOINLINE uint64_t work_b(uint64_t n) {
    sink = n;
    return n;
}

NOINLINE void thread_b(void) {
    for (uint64_t i = 0;; i++)
        work_b(i);
}

static bool on_switch(Frame *f) {
    if (f->cause != (INTERRUPT | IRQ_MTI))
        return false;
    for (unsigned i = 0; i < 33; i++) { /* x and epc */
        uint64_t *mine = &f->x[0] + i, *others = &other.x[0] + i;
        uint64_t was = *mine;
        *mine = *others;
        *others = was;
    }
    ticks = ticks + 1;
    write64(MTIMECMP, ticks < 8 ? rt_mtime() + 5 : UINT64_MAX);
    return true;
}

NOINLINE void threads(void) {
    other.epc = (uint64_t)thread_b;
    other.x[2] = (uint64_t)(thread_stack + 512);
    __asm__("mv %0, gp" : "=r"(other.x[3]));
    ticks = 0;
    rt_hook = on_switch;
    write64(MTIMECMP, rt_mtime() + 5);
    csr_set(mstatus, MSTATUS_MIE);
    for (uint64_t i = 0; ticks < 8; i++)
        work_a(i);
    csr_clear(mstatus, MSTATUS_MIE);
}

int main(void) {
    rt_hook = on_timer;
    check_equal(fib(10), 55);
    check_equal(eight(1, 2, 3, 4, 5, 6, 7, 8), 204);
    Pair p = pair(40);
    check_equal(p.first + p.second, 83);
    check_equal(tail_begin(10, tail_middle), 36);
    check_equal(jumps(3), 77);
    again();
    co_side.ra = (uint64_t)co_main;
    co_side.sp = (uint64_t)(co_stack + 512);
    for (int i = 0; i < 3; i++)
        resume();
    co_side.ra = (uint64_t)high_main;
    co_side.sp = RAM_BASE + (64ul << 20);
    resume();
    wait_for_ticks();
    threads();
    rt_pass();
}
