# SPDX-License-Identifier: GPL-2.0-or-later
# Entry; running generated code until it traps; floating-point registers in and out.

#include "frame.h"

    .section .text.start
    .globl _start
_start:
    csrr    t0, mhartid
    bnez    t0, 3f
    la      sp, __stack_top
    la      t0, trap_in_monitor
    csrw    mtvec, t0
    la      t0, __bss_start
    la      t1, __bss_end
1:  bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
2:  call    main
3:  wfi
    j       3b

    .text
# A trap of the monitor itself is a bug of the test.
    .balign 4
    .globl trap_in_monitor
trap_in_monitor:
    la      sp, __stack_top
    csrr    a0, mcause
    csrr    a1, mtval
    csrr    a2, mepc
    call    monitor_trapped

# void context_run(Context *c): enter at c->pc with c->x and c->mstatus, return at the next trap to M mode.
    .globl context_run
context_run:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd      s\n, CONTEXT_HOST+32+\n*8(a0)
    .endr
    sd      ra, CONTEXT_HOST(a0)
    sd      sp, CONTEXT_HOST+8(a0)
    sd      gp, CONTEXT_HOST+16(a0)
    sd      tp, CONTEXT_HOST+24(a0)
    csrw    mscratch, a0
    la      t0, vectors
    ld      t1, CONTEXT_VECTOR(a0)
    or      t0, t0, t1
    csrw    mtvec, t0
    ld      t0, CONTEXT_PC(a0)
    csrw    mepc, t0
    ld      t0, CONTEXT_STATUS(a0)
    csrw    mstatus, t0
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, \n*8(a0)
    .endr
    ld      a0, 10*8(a0)
    mret

# One entry a cause for vectored interrupts; exceptions and direct mode take the first.
    .balign 256
    .option push
    .option norvc
vectors:
    j       entry_0
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    j       entry_\n
    .endr
    .option pop

    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
entry_\n:
    csrrw   a0, mscratch, a0
    sd      t0, 5*8(a0)
    li      t0, \n
    j       save
    .endr
entry_0:
    csrrw   a0, mscratch, a0
    sd      t0, 5*8(a0)
    li      t0, 0
save:
    sd      t0, CONTEXT_VECTOR(a0)
    .irp n, 1,2,3,4,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, \n*8(a0)
    .endr
    csrr    t0, mscratch
    sd      t0, 10*8(a0)
    csrr    t0, mepc
    sd      t0, CONTEXT_PC(a0)
    csrr    t0, mstatus
    sd      t0, CONTEXT_STATUS(a0)
    csrr    t0, mcause
    sd      t0, CONTEXT_CAUSE(a0)
    csrr    t0, mtval
    sd      t0, CONTEXT_TVAL(a0)
    # the monitor runs without MPRV and with interrupts off
    li      t0, 0x20000
    csrc    mstatus, t0
    la      t0, trap_in_monitor
    csrw    mtvec, t0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld      s\n, CONTEXT_HOST+32+\n*8(a0)
    .endr
    ld      ra, CONTEXT_HOST(a0)
    ld      sp, CONTEXT_HOST+8(a0)
    ld      gp, CONTEXT_HOST+16(a0)
    ld      tp, CONTEXT_HOST+24(a0)
    ret

    .option arch, +d
# void fp_load(const uint64_t f[32], uint64_t fcsr); void fp_save(uint64_t f[32]), returns fcsr. FS is on.
    .globl fp_load
fp_load:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld     f\n, \n*8(a0)
    .endr
    fscsr   a1
    ret
    .globl fp_save
fp_save:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd     f\n, \n*8(a0)
    .endr
    frcsr   a0
    ret
