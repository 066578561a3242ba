/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few RV64 encodings, for tests that bring their guest code along. Formats: unprivileged spec §2.2, chapter "RV32/64G". */
#ifndef TESTS_RV_ASM_H
#define TESTS_RV_ASM_H

#include <glib.h>
#include <stdint.h>
#include <string.h>

/* clang-format off */
enum { ZERO = 0, RA = 1, SP = 2, T0 = 5, T1 = 6, T2 = 7, S0 = 8, S1 = 9, A0 = 10, A1, A2, A3, A4, A5, A6, A7, S2 = 18, S3, S4, S5 };
/* clang-format on */

static inline uint32_t rv_r(unsigned op, unsigned f3, unsigned f7, unsigned rd, unsigned rs1, unsigned rs2) {
    return op | rd << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | f7 << 25;
}
static inline uint32_t rv_i(unsigned op, unsigned f3, unsigned rd, unsigned rs1, int imm) {
    return op | rd << 7 | f3 << 12 | rs1 << 15 | (uint32_t)imm << 20;
}
static inline uint32_t rv_s(unsigned f3, unsigned rs1, unsigned rs2, int imm) {
    return 0x23 | (imm & 0x1fu) << 7 | f3 << 12 | rs1 << 15 | rs2 << 20 | (uint32_t)(imm >> 5) << 25;
}
static inline uint32_t rv_b(unsigned f3, unsigned rs1, unsigned rs2, int imm) {
    uint32_t i = (uint32_t)imm;
    return 0x63 | (i >> 11 & 1) << 7 | (i >> 1 & 0xf) << 8 | f3 << 12 | rs1 << 15 | rs2 << 20 |
           (i >> 5 & 0x3f) << 25 | (i >> 12 & 1) << 31;
}
static inline uint32_t rv_j(unsigned rd, int imm) {
    uint32_t i = (uint32_t)imm;
    return 0x6f | rd << 7 | (i >> 12 & 0xff) << 12 | (i >> 11 & 1) << 20 | (i >> 1 & 0x3ff) << 21 |
           (i >> 20 & 1) << 31;
}

#define ADDI(rd, rs, imm) rv_i(0x13, 0, rd, rs, imm)
#define ANDI(rd, rs, imm) rv_i(0x13, 7, rd, rs, imm)
#define SLLI(rd, rs, n) rv_i(0x13, 1, rd, rs, n)
#define ADD(rd, a, b) rv_r(0x33, 0, 0, rd, a, b)
#define XOR(rd, a, b) rv_r(0x33, 4, 0, rd, a, b)
#define MUL(rd, a, b) rv_r(0x33, 0, 1, rd, a, b)
#define LUI(rd, imm20) (0x37u | (rd) << 7 | (uint32_t)(imm20) << 12)
#define AUIPC(rd, imm20) (0x17u | (rd) << 7 | (uint32_t)(imm20) << 12)
#define LW(rd, rs, imm) rv_i(0x03, 2, rd, rs, imm)
#define LD(rd, rs, imm) rv_i(0x03, 3, rd, rs, imm)
#define LBU(rd, rs, imm) rv_i(0x03, 4, rd, rs, imm)
#define SB(rs2, rs1, imm) rv_s(0, rs1, rs2, imm)
#define SW(rs2, rs1, imm) rv_s(2, rs1, rs2, imm)
#define SD(rs2, rs1, imm) rv_s(3, rs1, rs2, imm)
#define BEQ(a, b, imm) rv_b(0, a, b, imm)
#define BNE(a, b, imm) rv_b(1, a, b, imm)
#define BLTU(a, b, imm) rv_b(6, a, b, imm)
#define JAL(rd, imm) rv_j(rd, imm)
#define JALR(rd, rs, imm) rv_i(0x67, 0, rd, rs, imm)
#define CSRRW(rd, csr, rs) rv_i(0x73, 1, rd, rs, (int)(csr))
#define CSRRS(rd, csr, rs) rv_i(0x73, 2, rd, rs, (int)(csr))
#define ECALL 0x73u
#define MRET 0x30200073u
#define FENCE_I 0x100fu
#define CSRRCI(rd, csr, imm) rv_i(0x73, 7, rd, imm, (int)(csr))
#define CSRRC(rd, csr, rs) rv_i(0x73, 3, rd, rs, (int)(csr))
#define FMV_D_X(rd, rs) rv_r(0x53, 0, 0x79, rd, rs, 0)
#define LR_D(rd, rs) rv_r(0x2f, 3, 0x08, rd, rs, 0)
#define SC_D(rd, rs2, rs1) rv_r(0x2f, 3, 0x0c, rd, rs1, rs2)
#define AMOADD_W(rd, rs2, rs1) rv_r(0x2f, 2, 0x00, rd, rs1, rs2)
#define C_NOP 0x0001u

/* Code under construction. Labels are byte offsets; a branch is emitted once its target is known, or patched. */
typedef struct Asm {
    uint8_t bytes[0x10000];
    uint32_t at;
} Asm;

static inline void asm_w(Asm *a, uint32_t insn) {
    g_assert(a->at + 4 <= sizeof a->bytes);
    memcpy(a->bytes + a->at, &insn, 4);
    a->at += 4;
}
static inline void asm_h(Asm *a, uint16_t insn) {
    memcpy(a->bytes + a->at, &insn, 2);
    a->at += 2;
}
static inline void asm_patch(Asm *a, uint32_t at, uint32_t insn) {
    memcpy(a->bytes + at, &insn, 4);
}
static inline int asm_to(const Asm *a, uint32_t label) {
    return (int)label - (int)a->at;
}
/* rd = value, for values that lui + addi reach or that are these shifted left by 12. */
static inline void asm_li(Asm *a, unsigned rd, int64_t value) {
    if (value >= -2048 && value < 2048) {
        asm_w(a, ADDI(rd, ZERO, (int)value));
    } else if (value == (int32_t)value) {
        asm_w(a, LUI(rd, (uint32_t)((value + 0x800) >> 12) & 0xfffff));
        asm_w(a, rv_i(0x1b, 0, rd, rd, (int)(value & 0xfff))); /* addiw */
    } else {
        int64_t low = (int64_t)((uint64_t)value << 52) >> 52;
        asm_li(a, rd, (value - low) >> 12);
        asm_w(a, SLLI(rd, rd, 12));
        asm_w(a, ADDI(rd, rd, (int)low));
    }
}

#endif
