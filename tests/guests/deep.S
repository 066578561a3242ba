# SPDX-License-Identifier: GPL-2.0-or-later
# Calls and traps deeper than are remembered, a function that the handler of a trap calls too, and a return without a
# call (tests/cli/calls.sh).
#
# runtime: none
#define DEPTH 70000

    .section .text.start, "ax"
    .globl _start
    .type _start, @function
_start:
    la t0, fault
    csrw mtvec, t0
    li ra, 0
    ret                     /* with the stack pointer of before: no function has called this one */
    .size _start, . - _start

    .align 2
    .type fault, @function
fault:
    la sp, stack_end
    la t0, handler
    csrw mtvec, t0
    li a0, 3
    li a1, 1                /* in each call an ecall */
    call down
    li a0, DEPTH
    li a1, 0
    call down
    la t0, nested
    csrw mtvec, t0
    li a0, DEPTH
    ecall
    call last
    li t0, 0x100000         /* the test finisher: pass */
    li t1, 0x5555
    sw t1, 0(t0)
0:  j 0b
    .size fault, . - fault

    .type down, @function
down:                       /* a0 deep */
    addi sp, sp, -16
    sd ra, 8(sp)
    addi a0, a0, -1
    beqz a0, 1f
    beqz a1, 0f
    ecall
0:  call down
1:  ld ra, 8(sp)
    addi sp, sp, 16
    ret
    .size down, . - down

    .type last, @function
last:
    ret
    .size last, . - last

    .align 2
    .type handler, @function
handler:
    addi sp, sp, -16
    sd ra, 8(sp)
    sd a0, 0(sp)
    li a0, 1
    call down
    csrr t0, mepc
    addi t0, t0, 4
    csrw mepc, t0
    ld a0, 0(sp)
    ld ra, 8(sp)
    addi sp, sp, 16
    mret
    .size handler, . - handler

    .align 2
    .type nested, @function
nested:                     /* a0 deep */
    addi sp, sp, -16
    csrr t0, mepc
    addi t0, t0, 4
    sd t0, 0(sp)
    addi a0, a0, -1
    beqz a0, 1f
    ecall
1:  ld t0, 0(sp)
    csrw mepc, t0
    li t0, 0x1800           /* MPP = M */
    csrs mstatus, t0
    addi sp, sp, 16
    mret
    .size nested, . - nested

    .bss
    .balign 16
    .skip DEPTH * 16 + 4096
stack_end:
