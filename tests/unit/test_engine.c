/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine under the run loop, on bare-metal guests of a few instructions. Each guest is run once with
 * blocks of one instruction and no optimisation, noting the state hash at every stop; then again in all the
 * ways that must not make a difference.
 */
#include <inttypes.h>
#include "core/machine.h"
#include "tcg/tcg.h"
#include "tests/unit/rv_asm.h"

#define RAM 0x80000000
#define FINISHER 0x100000
#define UART 0x10000000
#define CSR_MSTATUS 0x300
#define CSR_MTVEC 0x305
#define CSR_MENVCFG 0x30a
#define CSR_MEPC 0x341
#define CSR_MCAUSE 0x342
#define CSR_MTVAL 0x343
#define CSR_SATP 0x180
#define CSR_PMPCFG0 0x3a0
#define CSR_PMPADDR0 0x3b0

/* -- an outside world in which nothing happens --------------------------------------------------------------
 */

static Pos quiet_next_pos(Nd *nd) {
    return POS_NONE;
}
static bool quiet_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    return false;
}
static bool quiet_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    return false;
}
static bool quiet_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                        uint32_t size, int *err) {
    memset(to, 0, size);
    return true;
}
static void quiet_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                         uint32_t size) {}
static bool quiet_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    return true;
}
static Pos quiet_next_checkpoint(Nd *nd, Pos pos) {
    return POS_NONE;
}
static const NdOps quiet_ops = {quiet_next_pos, quiet_poll,       quiet_idle,           quiet_fetch,
                                quiet_output,   quiet_checkpoint, quiet_next_checkpoint};
static Nd quiet = {&quiet_ops};

/* -- the guests ---------------------------------------------------------------------------------------------
 */

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
};

/* -- ways to run --------------------------------------------------------------------------------------------
 */

#define N_STOPS 40u
#define TRACE_WORDS TRACE_BUFFER_WORDS

typedef struct Way {
    const char *name;
    TcgBackend backend;
    unsigned block_limit, disabled_passes;
    uint32_t trace;
    bool flush;       /* drop everything at each stop */
    bool every;       /* stop at every pos, not only at the ones that are compared */
    bool stats;       /* count helpers */
    unsigned observe; /* OBSERVE_* */
} Way;

enum { OBSERVE_CALLS = 1, OBSERVE_COUNTS = 2, OBSERVE_BLOCKS = 4 };

static const Way reference = {"reference", BACKEND_INTERP, 1, ~0u, 0, false, false};
static const Way ways[] = {
    {"interp", BACKEND_INTERP, 0, 0, 0, false, false},
    {"unoptimised", BACKEND_INTERP, 0, ~0u, 0, false, false},
    {"short", BACKEND_INTERP, 3, 0, 0, false, false},
    {"traced", BACKEND_INTERP, 0, 0, TRACE_WANT_MEM | TRACE_WANT_INSN, false, false},
    {"flushed", BACKEND_INTERP, 0, 0, 0, true, false},
    {"tails", BACKEND_INTERP, 0, 0, 0, false, true},
    {"host", BACKEND_AUTO, 0, 0, 0, false, false},
    {"host-short", BACKEND_AUTO, 2, 0, 0, false, false},
    {"host-traced", BACKEND_AUTO, 0, 0, TRACE_WANT_MEM, false, false},
    {"host-flushed", BACKEND_AUTO, 0, 0, 0, true, false},
    {"host-tails", BACKEND_AUTO, 0, 0, 0, false, true},
};

/* Every way to observe must see the same: the reference is one call an instruction and an access. */
static const Way observed_reference = {
    .backend = BACKEND_INTERP, .block_limit = 1, .disabled_passes = ~0u, .observe = OBSERVE_CALLS};
static const Way observed_ways[] = {
    {.name = "interp-calls", .backend = BACKEND_INTERP, .observe = OBSERVE_CALLS | OBSERVE_BLOCKS},
    {.name = "interp-counts", .backend = BACKEND_INTERP, .observe = OBSERVE_COUNTS},
    {.name = "unoptimised-counts",
     .backend = BACKEND_INTERP,
     .disabled_passes = ~0u,
     .observe = OBSERVE_COUNTS},
    {.name = "tails-counts", .backend = BACKEND_INTERP, .every = true, .observe = OBSERVE_COUNTS},
    {.name = "host-calls", .backend = BACKEND_AUTO, .observe = OBSERVE_CALLS},
    {.name = "host-counts", .backend = BACKEND_AUTO, .observe = OBSERVE_COUNTS},
    {.name = "host-both",
     .backend = BACKEND_AUTO,
     .observe = OBSERVE_CALLS | OBSERVE_COUNTS | OBSERVE_BLOCKS},
    {.name = "host-tails", .backend = BACKEND_AUTO, .every = true, .observe = OBSERVE_CALLS | OBSERVE_COUNTS},
    {.name = "host-flushed",
     .backend = BACKEND_AUTO,
     .flush = true,
     .observe = OBSERVE_COUNTS | OBSERVE_BLOCKS},
    {.name = "host-short-traced",
     .backend = BACKEND_AUTO,
     .block_limit = 3,
     .trace = TRACE_WANT_MEM,
     .observe = OBSERVE_COUNTS},
};

typedef struct Run {
    uint64_t insns[N_STOPS], reads[N_STOPS], writes[N_STOPS];
    uint64_t digest; /* of all that the calls were told */
    uint64_t hash[N_STOPS];
    StopReason stop;
    Pos pos;
    uint64_t a0;
    EngineStats stats;
} Run;

/* Follows the raw trace: pos must come out right. */
typedef struct TraceFollower {
    Hooks *hooks;
    uint64_t buffer[TRACE_WORDS];
    Pos pos;
    uint64_t retired;
} TraceFollower;

static void follow_trace(void *opaque, const uint64_t *words, size_t n, uint64_t **next) {
    TraceFollower *f = opaque;
    for (size_t i = 0; i < n;) {
        uint32_t low = (uint32_t)words[i];
        switch (TRACE_TAG(words[i])) {
        case TRACE_BLOCK:
            f->pos += hooks_trace_block(f->hooks, low)->n_insns;
            f->retired += hooks_trace_block(f->hooks, low)->n_insns;
            i += hooks_trace_block(f->hooks, low)->words;
            break;
        case TRACE_CUT:
            f->pos -= low;
            f->retired -= low;
            i++;
            break;
        case TRACE_SYNC:
            g_assert_true(words[i + 1] == f->pos || words[i + 1] == f->pos + 1); /* a trap lies between */
            f->pos = words[i + 1];
            i += 4;
            break;
        case TRACE_SPLIT: i += 2; break;
        default: g_assert_not_reached();
        }
    }
    *next = f->buffer;
}

static const HookOps follower_ops = {.trace = follow_trace};

/* -- an observer --------------------------------------------------------------------------------------------
 */

typedef struct Observer {
    unsigned what;
    Machine *machine;
    uint32_t counters;                     /* instructions, reads, writes, instructions of blocks so far */
    uint64_t insns, reads, writes, digest; /* by calls */
    uint64_t conditions;
} Observer;

static void digest(Observer *o, uint64_t value) {
    o->digest = (o->digest ^ value) * 0x9e3779b97f4a7c15u + (o->digest >> 29);
}

static void saw_insn(void *data, const Hart *hart) {
    Observer *o = data;
    o->insns++;
    digest(o, hart_pos(hart));
    digest(o, hart->pc);
    for (unsigned i = 1; i < 32; i++) {
        digest(o, hart->x[i]);
    }
    if (o->what & OBSERVE_COUNTS) { /* exact although additions are merged */
        g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters), ==, o->insns);
        g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters + 8), ==, o->reads);
        g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters + 16), ==, o->writes);
    }
}

static void saw_access(void *data, const Hart *hart, const ProbeAccess *a) {
    Observer *o = data;
    Gpa pa;
    bool is_ram;
    *(a->is_write ? &o->writes : &o->reads) += 1;
    g_assert_true(probe_access_paddr(hart, a, &pa, &is_ram));
    g_assert_cmpint(is_ram, ==, machine_ram_ptr(o->machine, pa, 1) != NULL);
    const uint64_t values[] = {hart_pos(hart), a->va, a->value, a->size, a->is_write, pa};
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        digest(o, values[i]);
    }
}

/* Every 64th counted instruction or a little later; then the counter starts again. */
static void saw_condition(void *data, const Hart *hart) {
    Observer *o = data;
    g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters + 24), >, 63);
    o->conditions++;
    *scoreboard_at(o->machine, 0, o->counters + 24) = 0;
}

static void observe_block(void *opaque, ProbeBlock *b) {
    Observer *o = opaque;
    if (o->what & OBSERVE_BLOCKS) {
        probe_add_inline(b, PROBE_AT_BLOCK, PROBE_ADD, o->counters + 24, probe_block_n_insns(b));
        probe_add_call_if(b, PROBE_AT_BLOCK, PROBE_GT, o->counters + 24, 63, saw_condition, o, false);
        probe_add_inline(b, PROBE_AT_BLOCK, PROBE_STORE, o->counters + 32, probe_block_pc(b));
    }
    for (unsigned i = 0; i < probe_block_n_insns(b); i++) {
        if (o->what & OBSERVE_COUNTS) {
            probe_add_mem_inline(b, i, PROBE_READ, PROBE_ADD, o->counters + 8, 1);
            probe_add_inline(b, i, PROBE_ADD, o->counters, 1);
            probe_add_mem_inline(b, i, PROBE_WRITE, PROBE_ADD, o->counters + 16, 1);
        }
        if (o->what & OBSERVE_CALLS) {
            probe_add_mem(b, i, PROBE_READ | PROBE_WRITE, saw_access, o, false);
            probe_add_call(b, i, saw_insn, o, true);
        }
    }
}

static const HookOps observer_ops = {.translate = observe_block};

static void note_observed(const Observer *o, Run *r, unsigned stop) {
    bool counted = o->what & OBSERVE_COUNTS;
    r->insns[stop] = counted ? *scoreboard_at(o->machine, 0, o->counters) : o->insns;
    r->reads[stop] = counted ? *scoreboard_at(o->machine, 0, o->counters + 8) : o->reads;
    r->writes[stop] = counted ? *scoreboard_at(o->machine, 0, o->counters + 16) : o->writes;
    r->digest = o->digest;
}

static Machine *new_machine(const Guest *g, const Way *w, Hooks *hooks) {
    static Asm code;
    memset(&code, 0, sizeof code);
    g->emit(&code);
    MachineConfig config;
    machine_config_init(&config);
    config.ram_size = 16u << 20;
    config.rtc_base_ns = 0;
    g_ptr_array_add(config.images,
                    machine_image_new(IMAGE_BIOS, "guest", g_bytes_new(code.bytes, sizeof code.bytes), 0));
    Machine *m;
    GError *error = NULL;
    machine_new(&config, &quiet, hooks, &m, &error);
    g_assert_no_error(error);
    machine_config_done(&config);
    TcgOptions options = {
        .backend = w->backend, .disabled_passes = w->disabled_passes, .check_ir = true, .stats = w->stats};
    machine_set_engine(m, tcg_engine_new(m, &options));
    m->engine->ops->set_block_limit(m->engine, w->block_limit);
    machine_reset(m, &error);
    g_assert_no_error(error);
    return m;
}

/* Run up to `to`, in one go or step by step. */
static void run_to(Machine *m, const Way *w, Pos to) {
    while (m->stop == STOP_NONE && m->pos < to) {
        m->limit = w->every ? MIN(to, m->pos + 1 + m->pos % 7) : to;
        machine_run(m);
        if (m->stop == STOP_LIMIT) {
            g_assert_cmpuint(m->pos, ==, m->limit);
            m->stop = STOP_NONE;
        }
    }
}

static void run_guest(const Guest *g, const Way *w, Run *r) {
    TraceFollower *follower = g_new0(TraceFollower, 1);
    Hooks *hooks = hooks_new();
    follower->hooks = hooks;
    if (w->trace) {
        hooks_subscribe(hooks, &follower_ops, follower);
        hooks_set_trace_wants(hooks, w->trace);
    }
    Observer observer = {.what = w->observe};
    if (w->observe) {
        hooks_subscribe(hooks, &observer_ops, &observer);
    }
    Machine *m = new_machine(g, w, hooks);
    observer.machine = m;
    bool room = scoreboard_alloc(m, 40, &observer.counters);
    g_assert_true(room);
    *r = (Run){0};
    for (unsigned i = 0; i < N_STOPS; i++) {
        run_to(m, w, g->limit * (i + 1) / N_STOPS);
        r->hash[i] = machine_state_hash(m);
        note_observed(&observer, r, i);
        if (w->flush) {
            m->engine->ops->flush(m->engine);
        }
    }
    r->stop = m->stop;
    r->pos = machine_pos(m);
    r->a0 = m->harts[0]->x[A0];
    m->engine->ops->get_stats(m->engine, &r->stats);
    if (w->trace) {
        g_assert_cmpuint(follower->pos, ==, r->pos);
        g_assert_cmpuint(follower->retired, ==, r->pos - m->harts[0]->traps);
    }
    machine_free(m);
    hooks_free(hooks);
    g_free(follower);
}

static void test_guest(gconstpointer data) {
    const Guest *g = data;
    Run expect, got;
    run_guest(g, &reference, &expect);
    g_assert_cmpint(expect.stop, ==, g->finishes ? STOP_FINISHER_PASS : STOP_NONE);
    g_assert_cmpuint(expect.stats.steps_total, <=, expect.pos);
    for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
        run_guest(g, &ways[i], &got);
        for (unsigned k = 0; k < N_STOPS; k++) {
            if (got.hash[k] != expect.hash[k]) {
                g_error("%s, %s: the state differs at stop %u", g->name, ways[i].name, k);
            }
        }
        g_assert_cmpint(got.stop, ==, expect.stop);
        g_assert_cmpuint(got.pos, ==, expect.pos);
    }
}

/* Observing changes nothing, and shows the same however it is done and whatever the blocks are. */
static void test_observed(gconstpointer data) {
    const Guest *g = data;
    Run plain, expect, got;
    run_guest(g, &reference, &plain);
    run_guest(g, &observed_reference, &expect);
    for (unsigned i = 0; i < G_N_ELEMENTS(observed_ways); i++) {
        const Way *w = &observed_ways[i];
        run_guest(g, w, &got);
        for (unsigned k = 0; k < N_STOPS; k++) {
            if (got.hash[k] != plain.hash[k]) {
                g_error("%s, %s: the state differs at stop %u", g->name, w->name, k);
            }
            if (got.insns[k] != expect.insns[k] || got.reads[k] != expect.reads[k] ||
                got.writes[k] != expect.writes[k]) {
                g_error("%s, %s, stop %u: counted %" PRIu64 " %" PRIu64 " %" PRIu64 ", not %" PRIu64
                        " %" PRIu64 " %" PRIu64,
                        g->name, w->name, k, got.insns[k], got.reads[k], got.writes[k], expect.insns[k],
                        expect.reads[k], expect.writes[k]);
            }
        }
        if (w->observe & OBSERVE_CALLS) {
            g_assert_cmphex(got.digest, ==, expect.digest);
        }
    }
}

/* Results that can be worked out by hand, so that the reference is not all there is. */
static void test_results(void) {
    Run r;
    run_guest(&guests[1], &ways[0],
              &r); /* two additions a round, of 1 to 100: the second of this round's number */
    g_assert_cmpuint(r.a0, ==, 2 * (100 * 101 / 2));
    run_guest(&guests[2], &ways[0], &r); /* lh/sh adds 0x10 to the upper half: 1 to the immediate */
    g_assert_cmpuint(r.a0, ==, 50 * 51 / 2);
    run_guest(&guests[6], &ways[0], &r); /* the second sc of each round fails */
    g_assert_cmpuint(r.a0, ==, 200);
    run_guest(&guests[7], &ways[0],
              &r); /* the second page: 37 groups of four rounds, and the last three; two calls each */
    g_assert_cmpuint(r.a0, ==, 298 + 256 * 302);
    run_guest(&guests[8], &ways[0], &r);
    g_assert_cmphex(r.a0, ==, RAM + 0x4ff8);
    run_guest(&guests[9], &ways[0], &r);
    g_assert_cmpuint(r.a0, ==, 0);
    run_guest(&guests[10], &ways[0],
              &r); /* the immediate is 0, then four calls each with 1, 2, … 15 (the last three) */
    g_assert_cmpuint(r.a0, ==, 4 * (14 * 15 / 2) + 3 * 15);
    run_guest(&guests[11], &ways[0], &r);
    g_assert_cmpuint(r.a0, ==, 2 * 150 * 257);
}

/* Each round: ecall, an illegal instruction, and four times the handler's four CSR accesses and mret; before,
 * the reset vector's mhartid and one mtvec. */
static void test_stats(void) {
    static const Way counted[] = {{.name = "interp", .backend = BACKEND_INTERP, .stats = true},
                                  {.name = "host", .backend = BACKEND_AUTO, .stats = true}};
    Run r;
    for (unsigned i = 0; i < G_N_ELEMENTS(counted); i++) {
        run_guest(&guests[0], &counted[i], &r);
        g_assert_cmpuint(r.stats.helper_insns, ==, 1);
        run_guest(&guests[3], &counted[i], &r);
        g_assert_cmpuint(r.stats.helper_insns, ==, 2 + 60 * (2 + 4 * 5));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(guests); i++) {
        g_autofree char *path = g_strconcat("/engine/", guests[i].name, NULL);
        g_test_add_data_func(path, &guests[i], test_guest);
        g_autofree char *observed = g_strconcat("/engine/observed/", guests[i].name, NULL);
        g_test_add_data_func(observed, &guests[i], test_observed);
    }
    g_test_add_func("/engine/results", test_results);
    g_test_add_func("/engine/stats", test_stats);
    return g_test_run();
}
