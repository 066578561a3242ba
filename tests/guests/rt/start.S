# SPDX-License-Identifier: GPL-2.0-or-later
# Entry of every hart, the trap entry, and calls into less privileged modes.

#include "frame.h"

    .section .text.start
    .globl _start
_start:
    csrr    s0, mhartid
    mv      s1, a1
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    # stacks: sp = __stacks + hart * 20480 + 16384, trap stack above it in mscratch
    la      sp, __stacks
    li      t0, STACK_STRIDE
    mul     t1, s0, t0
    add     sp, sp, t1
    add     t0, sp, t0
    csrw    mscratch, t0
    li      t0, STACK_SIZE
    add     sp, sp, t0
    la      t0, rt_trap_entry
    csrw    mtvec, t0
    # all of memory for S and U mode
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, 0x1f
    csrw    pmpcfg0, t0
    # floating point on
    li      t0, 1 << 13
    csrs    mstatus, t0
    bnez    s0, 2f
    la      t0, __bss_start
    la      t1, __bss_end
1:  bgeu    t0, t1, 3f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
3:  la      t0, rt_go
    li      t1, 1
    fence   rw, rw
    sw      t1, 0(t0)
    mv      a0, s0
    mv      a1, s1
    call    main
    call    rt_pass
    # the other harts wait until the first has cleared .bss
2:  la      t0, rt_go
4:  lw      t1, 0(t0)
    fence   rw, rw
    beqz    t1, 4b
    mv      a0, s0
    call    rt_secondary
5:  wfi
    j       5b

    .section .data
    .balign 8
rt_go:
    .word   0

    .text
    .macro  save_all
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd      x\n, \n*8(sp)
    .endr
    .endm
    .macro  restore_all
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld      x\n, \n*8(sp)
    .endr
    .endm

    .balign 4
    .globl rt_trap_entry
rt_trap_entry:
    csrrw   sp, mscratch, sp
    addi    sp, sp, -FRAME_SIZE
    save_all
    csrr    t0, mscratch
    sd      t0, 2*8(sp)
    csrr    t0, mepc
    sd      t0, FRAME_EPC(sp)
    csrr    t0, mcause
    sd      t0, FRAME_CAUSE(sp)
    csrr    t0, mtval
    sd      t0, FRAME_TVAL(sp)
    csrr    t0, mstatus
    sd      t0, FRAME_STATUS(sp)
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
    mv      a0, sp
    call    rt_trap
    ld      t0, FRAME_EPC(sp)
    csrw    mepc, t0
    ld      t0, FRAME_STATUS(sp)
    csrw    mstatus, t0
    ld      t0, 2*8(sp)
    csrw    mscratch, t0
    restore_all
    addi    sp, sp, FRAME_SIZE
    csrrw   sp, mscratch, sp
    mret

# uint64_t rt_call_in(mode, function, argument): call it in S or U mode; it comes back through rt_leave.
    .globl rt_call_in
rt_call_in:
    addi    sp, sp, -112
    sd      ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd      s\n, 8+\n*8(sp)
    .endr
    la      t0, rt_saved_sp
    sd      sp, 0(t0)
    li      t0, 3 << 11
    csrc    mstatus, t0
    slli    a0, a0, 11
    csrs    mstatus, a0
    csrw    mepc, a1
    mv      a0, a2
    la      ra, rt_leave
    mret

# Where a function called by rt_call_in returns to.
    .balign 4
    .globl rt_leave
rt_leave:
    li      a7, RT_LEAVE
    ecall

# The trap handler continues here, in M mode, with the result in a0.
    .globl rt_call_return
rt_call_return:
    la      t0, rt_saved_sp
    ld      sp, 0(t0)
    ld      ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld      s\n, 8+\n*8(sp)
    .endr
    addi    sp, sp, 112
    ret

    .section .bss
    .balign 8
rt_saved_sp:
    .dword  0
