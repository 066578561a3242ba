# SPDX-License-Identifier: GPL-2.0-or-later
# runtime: none
# Blocks that the first hart begins first and ends last: in the midst of each it waits, and the second does not. -smp 2.
    .option norvc
    .section .text.start, "ax"
    .globl _start
_start:
    la t0, handler
    csrw mtvec, t0
    li s1, 0x2000000        # the first hart's software interrupt
    csrr s0, mhartid
    bnez s0, second
    csrwi mie, 8            # waits for that
    call finished
    sw zero, 0(s1)
    call trapped
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
second:
    li t0, 0x80
    csrw mie, t0            # the timer's is pending from the start: nothing to wait for
    call finished
    call finished
    li s2, 1
    sw s2, 0(s1)
1:  .4byte 0x0100000f       # pause: the other one's turn
    lw t0, 0(s1)
    bnez t0, 1b
    call trapped
    sw s2, 0(s1)
    csrwi mie, 0
2:  wfi
    j 2b
finished:
    wfi
    addi s3, s3, 1
    ret
trapped:
    wfi
    ecall
    ret
    .align 2
handler:
    csrr t1, mepc
    addi t1, t1, 4
    csrw mepc, t1
    mret
