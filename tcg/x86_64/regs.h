/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How generated code uses the host's registers.
 *
 *   rsp   the enter trampoline's frame (exits.h)
 *   rbp   hart + HART_BIAS, so that x[0..31] are reached with a one-byte displacement
 *   r15   the step budget
 *   X86_PINNED  hold one guest register each, in every block
 *   the rest    handed out within a block by alloc.c
 */
#ifndef TCG_X86_64_REGS_H
#define TCG_X86_64_REGS_H

#include <stdint.h>

typedef enum {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    HOST_REGS,
    REG_NONE = -1,
} HostReg;

#define REG_HART RBP
#define REG_BUDGET R15
#define HART_BIAS 128

/*
 * X(guest register number, host register). The hosts that survive a C call (rbx, r12 to r14) hold those that
 * live longest across calls.
 */
#define X86_PINNED(X)                                                                                        \
    X(2, R12)  /* sp */                                                                                      \
    X(8, R13)  /* s0 */                                                                                      \
    X(9, R14)  /* s1 */                                                                                      \
    X(10, RBX) /* a0 */                                                                                      \
    X(11, RDI) /* a1 */                                                                                      \
    X(12, R8)  /* a2 */                                                                                      \
    X(13, R9)  /* a3 */                                                                                      \
    X(14, R10) /* a4 */                                                                                      \
    X(15, R11) /* a5 */

#define X86_REG_BIT(guest, host) | 1u << (host)
enum {
    REGS_PINNED = 0 X86_PINNED(X86_REG_BIT),
    REGS_LOCAL = 0xffff & ~(REGS_PINNED | 1u << RSP | 1u << REG_HART | 1u << REG_BUDGET),
    /* System V: what a C function may change. */
    REGS_CALLER_SAVED = 1u << RAX | 1u << RCX | 1u << RDX | 1u << RSI | 1u << RDI | 0xf00,
};
#undef X86_REG_BIT

#endif
