/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random bare-metal guests, made of machine code. A guest is a few segments per hart, each entered by mret in
 * a random mode with random delegation, and each a row of random actions (actions.c): arithmetic, memory
 * through page tables that are edited meanwhile, atomics, locks, timers, WFI, interrupts, device registers,
 * DMA onto data, page tables and code, code that changes, traps. What is not forbidden by a comment here may
 * happen; a guest that loses its way is as good as any other, as long as it loses its way in the same manner
 * again.
 */
#ifndef TESTS_RANDOM_GUEST_H
#define TESTS_RANDOM_GUEST_H

#include "core/config.h"
#include "tests/random/random.h"
#include "tests/unit/rv_asm.h"

/* Physical memory of a guest. What lies below LAYOUT_IMAGE_END is in the image. */
enum {
    LAYOUT_CODE = 0x80000000u,
    LAYOUT_SMC = 0x80010000u, /* two pages of subroutines that are rewritten all the time */
    LAYOUT_TABLES = 0x80020000u,
    LAYOUT_IMAGE_END = 0x80030000u,
    LAYOUT_SHARED = 0x80040000u, /* counters and locks */
    LAYOUT_QUEUES = 0x80050000u, /* 16 KiB a virtqueue */
    LAYOUT_TRAP = 0x80070000u,   /* a page a hart: what the trap handlers save and count */
    LAYOUT_DATA = 0x80080000u,   /* 16 KiB a hart */
    LAYOUT_POOL = 0x800a0000u,   /* eight pages that windows lead to */
    LAYOUT_RAM_SIZE = 4u << 20,
    /* Virtual addresses: 4 KiB windows whose page-table entries are edited; and for U mode all of the rest,
     * up by this much. */
    LAYOUT_WINDOWS = 0x40000000u,
    LAYOUT_N_WINDOWS = 16u,
};
#define LAYOUT_ALIAS UINT64_C(0x100000000)
#define LAYOUT_DISK_SECTORS 512u

/* The machine with the guest of this seed as its image. machine_config_done() it. */
void random_guest_make(uint64_t seed, MachineConfig *config);
/* A page-table entry that leads to somewhere interesting, or to nowhere. */
uint64_t random_pte(Random *r);
/* A 32-bit instruction without memory accesses, jumps or privileged effects. */
uint32_t random_plain_insn(Random *r, const Isa *isa);

/* -- between guest.c and actions.c -- */

typedef struct Gen {
    Random random;
    Asm a; /* at LAYOUT_CODE */
    const MachineConfig *config;
    unsigned hart;
    unsigned mode;  /* of the segment */
    uint64_t alias; /* added to every address that the segment uses */
    unsigned satp_mode;
    bool stimecmp; /* menvcfg.STCE */
    bool virtio[MACHINE_VIRTIO_SLOTS];
} Gen;

/* Registers with a purpose; the others are anybody's. */
enum { TP = 4, T6 = 31, T5 = 30, T4 = 29, A7_ = 17 };
#define TRAP_DIGEST 64    /* in the hart's trap page: a digest of all traps */
#define TRAP_RECOVERY 72  /* where to go on when fetching itself faulted */
#define TRAP_NEXT 80      /* the code after the segment, in M mode */
#define TRAP_S_AREA 0x400 /* S mode's own part of the page */
#define CALL_NEXT 0x5e9   /* in a7 at an ecall: leave the segment; */
#define CALL_CLEAR 0x5ea  /* clear software's pending bits */

uint64_t gen_satp(const Gen *g, unsigned root);
void gen_li(Gen *g, unsigned reg, uint64_t value);
void gen_address(Gen *g, unsigned reg, uint64_t address); /* + alias */
void gen_action(Gen *g);
void gen_virtio_start(Gen *g, unsigned slot);

static inline void emit(Gen *g, uint32_t insn) {
    asm_w(&g->a, insn);
}
static inline uint64_t gen_below(Gen *g, uint64_t n) {
    return random_below(&g->random, n);
}
static inline bool gen_one_in(Gen *g, unsigned n) {
    return random_one_in(&g->random, n);
}

#define CSRRC(rd, csr, rs) rv_i(0x73, 3, rd, rs, (int)(csr))
#define CSRW(csr, rs) CSRRW(ZERO, csr, rs)
#define CSRR(rd, csr) CSRRS(rd, csr, ZERO)
#define LHU(rd, rs, imm) rv_i(0x03, 5, rd, rs, imm)
#define SRLI(rd, rs, n) rv_i(0x13, 5, rd, rs, n)
#define SUB(rd, a, b) rv_r(0x33, 0, 0x20, rd, a, b)
#define AND(rd, a, b) rv_r(0x33, 7, 0, rd, a, b)
#define OR(rd, a, b) rv_r(0x33, 6, 0, rd, a, b)
#define BLT(a, b, imm) rv_b(4, a, b, imm)
#define BGE(a, b, imm) rv_b(5, a, b, imm)
#define SFENCE_VMA(rs1, rs2) (0x12000073u | (rs1) << 15 | (rs2) << 20)
#define SRET 0x10200073u
#define WFI 0x10500073u
#define EBREAK 0x00100073u
#define PAUSE 0x0100000fu
#define AMOSWAP_W(rd, rs2, rs1) rv_r(0x2f, 2, 0x05, rd, rs1, rs2)

#endif
