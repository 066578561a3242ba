# SPDX-License-Identifier: GPL-2.0-or-later
# runtime: none
# A program whose blocks can be counted by hand (tests/cli/blocks.sh). Blocks begin where there is a label.
    .option norvc
    .section .text.start, "ax"
    .globl _start
_start:                     # once, up to the call
    la t0, handler
    csrw mtvec, t0
    li s0, 10
    li s1, 0
loop:                       # 9 times, by the branch
    addi s1, s1, 1
    call leaf
after_call:                 # 10
    addi s0, s0, -1
    bnez s0, loop           # taken 9, falls through 1
after_loop:                 # 1, broken off by the ecall
    addi s2, s2, 1
    ecall
after_ecall:                # 1, by mret
    la t0, far
    jr t0
leaf:                       # 10, longer than any translated block
    .rept 1000
    addi s3, s3, 1
    .endr
    beq zero, s3, far       # never
leaf_end:                   # 10
    ret
    .align 2
handler:                    # 1
    csrr t1, mepc
    addi t1, t1, 4
    csrw mepc, t1
    mret
far:                        # 1
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
hang:                       # the machine ends before
    j hang
