/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bare-metal guests of test_engine.c, a few instructions each. */
#ifndef TESTS_ENGINE_GUESTS_H
#define TESTS_ENGINE_GUESTS_H

#include "core/types.h"
#include "tests/unit/rv_asm.h"

#define RAM 0x80000000
#define FINISHER 0x100000
#define UART 0x10000000
#define CSR_SSTATUS 0x100
#define CSR_MSTATUS 0x300
#define CSR_MTVEC 0x305
#define CSR_MENVCFG 0x30a
#define CSR_MEPC 0x341
#define CSR_MCAUSE 0x342
#define CSR_MTVAL 0x343
#define CSR_SATP 0x180
#define CSR_PMPCFG0 0x3a0
#define CSR_PMPADDR0 0x3b0

static void finish(Asm *a) {
    asm_li(a, T0, FINISHER);
    asm_li(a, T1, 0x5555);
    asm_w(a, SW(T1, T0, 0));
    asm_w(a, JAL(ZERO, 0));
}

/* Sums over memory in nested loops, by functions on another page. */
static void guest_loops(Asm *a) {
    asm_li(a, S0, RAM + 0x8000);
    asm_li(a, S1, 2000);
    uint32_t loop = a->at;
    asm_w(a, JAL(RA, asm_to(a, 0x1100)));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
    a->at = 0x1100;
    asm_w(a, ANDI(T0, S1, 0xff));
    asm_w(a, SLLI(T0, T0, 3));
    asm_w(a, ADD(T0, T0, S0));
    asm_w(a, LD(T1, T0, 0));
    asm_w(a, MUL(T2, S1, S1));
    asm_w(a, ADD(T1, T1, T2));
    asm_w(a, SD(T1, T0, 0));
    asm_w(a, XOR(A0, A0, T1));
    asm_w(a, JALR(ZERO, RA, 0));
}

/* Each round overwrites the very next instruction, then one further on in the same block. */
static void guest_self_modifying(Asm *a) {
    asm_w(a, AUIPC(S0, 0));
    asm_li(a, S1, 100);
    asm_li(a, S2, 0x13 | A0 << 7 | A0 << 15 | 1 << 20); /* addi a0, a0, 1 */
    asm_w(a, LUI(S3, 0x100));                           /* + 1 in its immediate */
    uint32_t loop = a->at;
    asm_w(a, SW(S2, S0, (int)a->at + 4));
    asm_w(a, 0); /* written */
    asm_w(a, SW(S2, S0, (int)a->at + 12));
    asm_w(a, ADD(S2, S2, S3));
    asm_w(a, ANDI(A1, S2, 0x7f));
    asm_w(a, 0); /* written */
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
}

/* An instruction of four bytes in two pages; its second half changes. */
static void guest_page_crossing(Asm *a) {
    asm_li(a, S0, RAM + 0x1000);
    asm_li(a, S1, 50);
    uint32_t loop = a->at;
    asm_w(a, JAL(RA, asm_to(a, 0xff8)));
    asm_w(a, rv_i(0x03, 1, T0, S0, 0)); /* lh t0, (s0): the upper half of the instruction */
    asm_w(a, ADDI(T0, T0, 0x10));
    asm_w(a, rv_s(1, S0, T0, 0));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
    a->at = 0xff8;
    asm_w(a, ADDI(A1, A1, 3));
    asm_h(a, C_NOP);
    asm_w(a, ADDI(A0, A0, 1)); /* at 0xffe */
    asm_w(a, JALR(ZERO, RA, 0));
}

/* Exceptions of several kinds, in the middle of blocks; the handler steps over the instruction. */
static void guest_traps(Asm *a) {
    asm_li(a, T0, RAM + 0x800);
    asm_w(a, CSRRW(ZERO, CSR_MTVEC, T0));
    asm_li(a, S0, 0x40000000); /* nothing there */
    asm_li(a, S1, 60);
    uint32_t loop = a->at;
    asm_w(a, ADDI(A0, A0, 1));
    asm_w(a, LD(A1, S0, 8));
    asm_w(a, ADDI(A0, A0, 1));
    asm_w(a, ECALL);
    asm_w(a, SD(A0, S0, 16));
    asm_w(a, 0xffffffff);
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
    a->at = 0x800;
    asm_w(a, CSRRS(T0, CSR_MEPC, ZERO));
    asm_w(a, ADDI(T0, T0, 4));
    asm_w(a, CSRRW(ZERO, CSR_MEPC, T0));
    asm_w(a, CSRRS(T1, CSR_MCAUSE, ZERO));
    asm_w(a, CSRRS(T2, CSR_MTVAL, ZERO));
    asm_w(a, SLLI(A2, A2, 1));
    asm_w(a, XOR(A2, A2, T1));
    asm_w(a, ADD(A2, A2, T2));
    asm_w(a, MRET);
}

/* The handler itself cannot be fetched: one step after the other is a trap, for ever. */
static void guest_trap_storm(Asm *a) {
    asm_li(a, T0, 0x40000000);
    asm_w(a, CSRRW(ZERO, CSR_MTVEC, T0));
    asm_w(a, ECALL);
}

/* Polls a device register between additions, and prints. */
static void guest_mmio(Asm *a) {
    asm_li(a, S0, UART);
    asm_li(a, S1, 50);
    uint32_t loop = a->at;
    asm_w(a, LBU(T0, S0, 5));
    asm_w(a, ADD(A0, A0, T0));
    asm_w(a, ANDI(T0, T0, 0x20));
    asm_w(a, BEQ(T0, ZERO, asm_to(a, loop)));
    asm_w(a, ADDI(T1, S1, 32));
    asm_w(a, SB(T1, S0, 0));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
}

static void guest_atomics(Asm *a) {
    asm_li(a, S0, RAM + 0x8000);
    asm_li(a, S1, 200);
    uint32_t loop = a->at;
    asm_w(a, LR_D(T0, S0));
    asm_w(a, ADDI(T0, T0, 7));
    asm_w(a, SC_D(T1, T0, S0));
    asm_w(a, ADD(A0, A0, T1));
    asm_w(a, SC_D(T1, T0, S0)); /* no reservation any more */
    asm_w(a, ADD(A0, A0, T1));
    asm_w(a, AMOADD_W(T2, S1, S0));
    asm_w(a, XOR(A1, A1, T2));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
}

/*
 * To S-mode under Sv39, at the next instruction. 1 GiB of RAM is mapped to itself; S0 = the last-level table
 * of the virtual addresses from 0 on, at RAM+0xc000.
 */
static void enter_paged(Asm *a) {
    asm_li(a, T0, 0x1f);
    asm_w(a, CSRRW(ZERO, CSR_PMPCFG0, T0));
    asm_li(a, T0, -1);
    asm_w(a, CSRRW(ZERO, CSR_PMPADDR0, T0));
    asm_li(a, S0, RAM + 0xa000);
    asm_li(a, T0, ((RAM + 0xb000) >> 12) << 10 | 1);
    asm_w(a, SD(T0, S0, 0));
    asm_li(a, T0, (RAM >> 12) << 10 | 0xcf);
    asm_w(a, SD(T0, S0, 16));
    asm_li(a, S0, RAM + 0xb000);
    asm_li(a, T0, ((RAM + 0xc000) >> 12) << 10 | 1);
    asm_w(a, SD(T0, S0, 0));
    asm_li(a, S0, RAM + 0xc000);
    asm_li(a, T0, (int64_t)(UINT64_C(8) << 60) | ((RAM + 0xa000) >> 12));
    asm_w(a, CSRRW(ZERO, CSR_SATP, T0));
    asm_li(a, T0, 0x800);
    asm_w(a, CSRRW(ZERO, CSR_MSTATUS, T0)); /* MPP = S */
    asm_w(a, AUIPC(T0, 0));
    asm_w(a, ADDI(T0, T0, 16));
    asm_w(a, CSRRW(ZERO, CSR_MEPC, T0));
    asm_w(a, MRET);
}

static void map_page(Asm *a, unsigned pte_reg, int64_t pa, int slot) {
    asm_li(a, pte_reg, (pa >> 12) << 10 | 0xcf);
    asm_w(a, SD(pte_reg, S0, slot * 8));
}

/*
 * Without sfence, the S-mode code calls functions at a virtual page whose PTE it changes between two physical
 * pages of different code: by an indirect jump, and by a direct one from another page. Links and jump caches
 * must notice.
 */
static void guest_remap(Asm *a) {
    enter_paged(a);
    map_page(a, S3, RAM + 0x5000, 1);
    map_page(a, S2, RAM + 0x4000, 1);
    map_page(a, T0, RAM + 0x6000, 2);
    asm_w(a, XOR(S3, S3, S2));
    asm_li(a, S1, 300);
    asm_li(a, S4, 0x1000);
    asm_li(a, S5, 0x2000);
    uint32_t loop = a->at;
    asm_w(a, JALR(RA, S4, 0));
    asm_w(a, JALR(RA, S5, 0));
    asm_w(a, ANDI(T0, S1, 3));
    asm_w(a, BNE(T0, ZERO, 12));
    asm_w(a, XOR(S2, S2, S3));
    asm_w(a, SD(S2, S0, 8));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    asm_w(a, ECALL);
    a->at = 0x4000;
    asm_w(a, ADDI(A0, A0, 1));
    asm_w(a, JALR(ZERO, RA, 0));
    a->at = 0x5000;
    asm_w(a, ADDI(A0, A0, 256));
    asm_w(a, JALR(ZERO, RA, 0));
    a->at = 0x6000;
    asm_w(a, JAL(ZERO, -0x1000));
}

/* The same with an instruction of which only the second half is in the page that changes. */
static void guest_remap_crossing(Asm *a) {
    const uint32_t insn[] = {ADDI(A0, A0, 1), ADDI(A0, A0, 256)};
    enter_paged(a);
    map_page(a, T0, RAM + 0x4000, 1);
    map_page(a, S3, RAM + 0x6000, 2);
    map_page(a, S2, RAM + 0x5000, 2);
    asm_w(a, XOR(S3, S3, S2));
    asm_li(a, S1, 300);
    asm_li(a, S4, 0x1000);
    asm_li(a, T0, 0xffe);
    asm_w(a, ADD(S4, S4, T0));
    uint32_t loop = a->at;
    asm_w(a, JALR(RA, S4, -4)); /* by way of another block, which may be linked */
    asm_w(a, JALR(RA, S4, 0));
    asm_w(a, XOR(S2, S2, S3));
    asm_w(a, SD(S2, S0, 16));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    asm_w(a, ECALL);
    a->at = 0x4ffa;
    asm_h(a, C_NOP);
    asm_h(a, C_NOP);
    asm_h(a, (uint16_t)insn[0]);
    for (unsigned i = 0; i < 2; i++) {
        a->at = 0x5000 + i * 0x1000;
        asm_h(a, (uint16_t)(insn[i] >> 16));
        asm_w(a, JALR(ZERO, RA, 0));
    }
}

/* S-mode code in a page of which PMP forbids 8 bytes: allowed up to there, one instruction at a time. */
static void guest_pmp(Asm *a) {
    asm_li(a, T0, 0x1f18); /* entry 0: NAPOT, nothing allowed; entry 1: NAPOT, everything */
    asm_w(a, CSRRW(ZERO, CSR_PMPCFG0, T0));
    asm_li(a, T0, (RAM + 0x4ff8) >> 2);
    asm_w(a, CSRRW(ZERO, CSR_PMPADDR0, T0));
    asm_li(a, T0, -1);
    asm_w(a, CSRRW(ZERO, CSR_PMPADDR0 + 1, T0));
    asm_li(a, T0, RAM + 0x4f00);
    asm_w(a, CSRRW(ZERO, CSR_MEPC, T0));
    asm_li(a, T0, RAM + 0x800);
    asm_w(a, CSRRW(ZERO, CSR_MTVEC, T0));
    asm_li(a, T0, 0x800);
    asm_w(a, CSRRW(ZERO, CSR_MSTATUS, T0));
    asm_li(a, S1, 100);
    asm_w(a, MRET);
    a->at = 0x800; /* where did it fault? */
    asm_w(a, CSRRS(A0, CSR_MEPC, ZERO));
    finish(a);
    a->at = 0x4f00;
    asm_w(a, ADDI(A1, A1, 1));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, -8));
    while (a->at < 0x5000) {
        asm_w(a, ADDI(A1, A1, 1));
    }
}

/*
 * Data beside code in one page; then an eight-byte store that begins in data and ends in the first
 * instruction of a function, where it adds 1 to the immediate's place.
 */
static void guest_beside_code(Asm *a) {
    asm_li(a, S0, RAM + 0x7fc);
    asm_li(a, S1, 60);
    uint32_t loop = a->at;
    asm_w(a, JAL(RA, asm_to(a, 0x800)));
    asm_w(a, SD(S1, S0, -60));
    asm_w(a, LD(T0, S0, -60));
    asm_w(a, ADD(A1, A1, T0));
    asm_w(a, ANDI(T0, S1, 3));
    asm_w(a, BNE(T0, ZERO, 24));
    asm_w(a, LD(T0, S0, 0));
    asm_w(a, LUI(T1, 0x100));
    asm_w(a, SLLI(T1, T1, 32));
    asm_w(a, ADD(T0, T0, T1));
    asm_w(a, SD(T0, S0, 0));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
    a->at = 0x7fc;
    asm_w(a, 0);
    asm_w(a, ADDI(A0, A0, 0));
    asm_w(a, JALR(ZERO, RA, 0));
}

/*
 * A page-table entry that is an instruction of the running block: the load sets its A bit, which makes
 * another instruction of it (addi tp, zero, 0x200 becomes fsgnj.s ft4, ft0, ft0). The next word is illegal.
 */
static void guest_pte_in_code(Asm *a) {
    asm_li(a, T0, 0x1f);
    asm_w(a, CSRRW(ZERO, CSR_PMPCFG0, T0));
    asm_li(a, T0, -1);
    asm_w(a, CSRRW(ZERO, CSR_PMPADDR0, T0));
    asm_li(a, T0, RAM + 0x800);
    asm_w(a, CSRRW(ZERO, CSR_MTVEC, T0));
    asm_li(a, T0, 1);
    asm_w(a, SLLI(T0, T0, 61));
    asm_w(a, CSRRS(ZERO, CSR_MENVCFG, T0)); /* ADUE */
    /* RAM+0x4000 is code and the last-level table of virtual 0; 1 GiB of RAM is mapped to itself */
    asm_li(a, S0, RAM + 0xa000);
    asm_li(a, T0, ((RAM + 0xb000) >> 12) << 10 | 1);
    asm_w(a, SD(T0, S0, 0));
    asm_li(a, T0, (RAM >> 12) << 10 | 0xcf);
    asm_w(a, SD(T0, S0, 16));
    asm_li(a, S0, RAM + 0xb000);
    asm_li(a, T0, ((RAM + 0x4000) >> 12) << 10 | 1);
    asm_w(a, SD(T0, S0, 0));
    asm_li(a, T0, (int64_t)(UINT64_C(8) << 60) | ((RAM + 0xa000) >> 12));
    asm_w(a, CSRRW(ZERO, CSR_SATP, T0));
    asm_li(a, T0, RAM + 0x47f8);
    asm_w(a, CSRRW(ZERO, CSR_MEPC, T0));
    asm_li(a, T0, 1 << 18 | 1 << 13 | 1 << 11); /* SUM, FS initial, MPP = S */
    asm_w(a, CSRRW(ZERO, CSR_MSTATUS, T0));
    asm_li(a, S4, 0x100000);
    asm_w(a, MRET);
    a->at = 0x800;
    asm_w(a, ADDI(A0, 4, 0));
    asm_w(a, CSRRS(A1, CSR_MEPC, ZERO));
    finish(a);
    a->at = 0x47f8;
    asm_w(a, ADDI(A2, A2, 1));
    asm_w(a, LD(T0, S4, 0));
    asm_w(a, 0x20000213);
    asm_w(a, 0);
}

/* Blocks of zeros, and accesses over the edge of a page. */
static void guest_edges(Asm *a) {
    asm_li(a, S0, RAM + 0x8ffc);
    asm_li(a, S1, 50);
    uint32_t loop = a->at;
    asm_w(a, SD(S1, S0, 0));
    asm_w(a, LD(S2, S0, 0));
    asm_w(a, ADD(A0, A0, S2));
    asm_w(a, 4u << 20 | S0 << 15 | 2 << 12 | 0x0f); /* cbo.zero (s0) */
    asm_w(a, LD(S2, S0, 0));
    asm_w(a, XOR(A0, A0, S2));
    asm_w(a, AMOADD_W(S1, S1, S0));
    asm_w(a, SD(ZERO, S0, 12));
    asm_w(a, AMOADD_W(ZERO, ZERO, S0));
    asm_w(a, LD(S1, S0, 0));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
}

static void fs_clean(Asm *a) {
    asm_li(a, T0, 0x6000);
    asm_w(a, CSRRC(ZERO, CSR_MSTATUS, T0));
    asm_li(a, T0, 0x4000);
    asm_w(a, CSRRS(ZERO, CSR_MSTATUS, T0));
}

/*
 * A function whose branch is first taken by a caller that has just made FS dirty, then by one that has not:
 * what the branch leads to must set FS for the second one.
 */
static void guest_fs_dirty(Asm *a) {
    asm_li(a, S0, RAM + 0x800);
    asm_li(a, S1, 20);
    uint32_t loop = a->at;
    fs_clean(a);
    asm_w(a, ADDI(A0, ZERO, 0));
    asm_w(a, JALR(RA, S0, 0));
    fs_clean(a);
    asm_w(a, FMV_D_X(0, S1));
    asm_w(a, ADDI(A0, ZERO, 1));
    asm_w(a, JALR(RA, S0, 0));
    fs_clean(a);
    asm_w(a, ADDI(A0, ZERO, 1));
    asm_w(a, JALR(RA, S0, 0));
    asm_w(a, CSRRS(A1, CSR_MSTATUS, ZERO));
    asm_w(a, XOR(A2, A2, A1));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
    a->at = 0x800;
    asm_w(a, BNE(A0, ZERO, 8));
    asm_w(a, JALR(ZERO, RA, 0));
    asm_w(a, FMV_D_X(1, S1));
    asm_w(a, JALR(ZERO, RA, 0));
}

/* csrrci of sstatus.SIE, which needs no call, reads and does what csrrc does, with FS clean and dirty. */
static void guest_clear_sie(Asm *a) {
    asm_li(a, S1, 4);
    asm_li(a, S0, 2);
    uint32_t loop = a->at, differs;
    fs_clean(a);
    for (unsigned dirty = 0; dirty < 2; dirty++) {
        if (dirty) {
            asm_w(a, FMV_D_X(0, S1));
        }
        asm_w(a, CSRRS(ZERO, CSR_SSTATUS, S0));
        asm_w(a, CSRRC(A1, CSR_SSTATUS, S0));
        asm_w(a, CSRRS(A2, CSR_MSTATUS, S0));
        asm_w(a, CSRRCI(A3, CSR_SSTATUS, 2));
        asm_w(a, CSRRS(A4, CSR_MSTATUS, ZERO));
        differs = a->at;
        asm_w(a, BNE(A1, A3, asm_to(a, differs))); /* for ever */
        differs = a->at;
        asm_w(a, BNE(A2, A4, asm_to(a, differs)));
        asm_w(a, CSRRCI(ZERO, CSR_SSTATUS, 2));
        asm_w(a, XOR(A5, A5, A3));
    }
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    finish(a);
}

typedef struct Guest {
    const char *name;
    void (*emit)(Asm *a);
    bool finishes;
    Pos limit;
} Guest;

static const Guest guests[] = {
    {"loops", guest_loops, true, 100000},
    {"self-modifying", guest_self_modifying, true, 100000},
    {"page-crossing", guest_page_crossing, true, 100000},
    {"traps", guest_traps, true, 100000},
    {"trap-storm", guest_trap_storm, false, 30000},
    {"mmio", guest_mmio, true, 100000},
    {"atomics", guest_atomics, true, 100000},
    {"remap", guest_remap, false, 4000},
    {"pmp", guest_pmp, true, 1000},
    {"pte-in-code", guest_pte_in_code, true, 1000},
    {"beside-code", guest_beside_code, true, 2000},
    {"remap-crossing", guest_remap_crossing, false, 4000},
    {"edges", guest_edges, true, 2000},
    {"fs-dirty", guest_fs_dirty, true, 1000},
    {"clear-sie", guest_clear_sie, true, 1000},
};

#endif
