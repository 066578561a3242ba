# SPDX-License-Identifier: GPL-2.0-or-later
# A trap whose handler cannot be fetched faults for ever: no instruction retires, and still time goes on.
#
# runtime: none
# endless: needs --max-insns
    .section .text.start
    .globl _start
_start:
    li      t0, 0x18000000
    csrw    mtvec, t0
    li      t1, 0x10000000
    li      t2, 's'
    sb      t2, 0(t1)
    li      t2, '\n'
    sb      t2, 0(t1)
    .word   0
