/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An x86-64 assembler for what the backend needs: bytes are appended at e->p; the caller has made sure of the
 * room.
 *
 * An instruction is an opcode word (O_*), with W for 64-bit operands, a register, and an Rm: a register or a
 * memory operand.
 */
#ifndef TCG_X86_64_EMIT_H
#define TCG_X86_64_EMIT_H

#include <stdbool.h>
#include <stdint.h>
#include "tcg/x86_64/regs.h"

typedef struct Emit {
    uint8_t *p;
} Emit;

typedef struct Rm {
    int8_t reg; /* >= 0: the register; else memory: */
    int8_t base;
    int8_t index;  /* REG_NONE: none */
    uint8_t scale; /* log2 */
    int32_t disp;
} Rm;

static inline Rm rm_reg(HostReg r) {
    return (Rm){.reg = (int8_t)r, .base = REG_NONE, .index = REG_NONE};
}
static inline Rm rm_mem(HostReg base, int32_t disp) {
    return (Rm){.reg = REG_NONE, .base = (int8_t)base, .index = REG_NONE, .disp = disp};
}
static inline Rm rm_sib(HostReg base, HostReg index, unsigned scale, int32_t disp) {
    return (Rm){REG_NONE, (int8_t)base, (int8_t)index, (uint8_t)scale, disp};
}
static inline bool rm_is(Rm rm, HostReg r) {
    return rm.reg == (int8_t)r;
}

/* Opcode words: byte | map << 8 | mandatory prefix << 10 | flags. */
enum {
    MAP_0F = 1 << 8,
    MAP_38 = 2 << 8,
    MAP_3A = 3 << 8,
    P_66 = 1 << 10,
    P_F3 = 2 << 10,
    P_F2 = 3 << 10,
    W = 1 << 12,       /* 64-bit operands */
    BYTE = 1 << 13,    /* the register operand is a byte register */
    BYTE_RM = 1 << 14, /* the Rm, if a register, is a byte register */
};

enum {
    O_ADD = 0x03,
    O_OR = 0x0b,
    O_AND = 0x23,
    O_SUB = 0x2b,
    O_XOR = 0x33,
    O_CMP = 0x3b, /* reg op= rm */
    O_ADD_MR = 0x01,
    O_OR_MR = 0x09,
    O_AND_MR = 0x21,
    O_SUB_MR = 0x29,
    O_XOR_MR = 0x31,
    O_CMP_MR = 0x39,
    O_TEST = 0x85,
    O_LOAD = 0x8b,
    O_STORE = 0x89,
    O_LEA = 0x8d,
    O_MOVSXD = 0x63,
    O_XCHG = 0x87,
    O_STORE8 = 0x88 | BYTE,
    O_STORE16 = 0x89 | P_66,
    O_STORE_IMM8 = 0xc6,
    O_STORE_IMM = 0xc7,
    O_MOVZX8 = 0xb6 | MAP_0F | BYTE_RM,
    O_MOVZX16 = 0xb7 | MAP_0F,
    O_MOVSX8 = 0xbe | MAP_0F | BYTE_RM,
    O_MOVSX16 = 0xbf | MAP_0F,
    O_IMUL = 0xaf | MAP_0F,
    O_CMOV = 0x40 | MAP_0F,
    O_SETCC = 0x90 | MAP_0F | BYTE_RM,
    O_XADD = 0xc1 | MAP_0F,
    O_BSF = 0xbc | MAP_0F,
    O_BSR = 0xbd | MAP_0F,
    O_POPCNT = 0xb8 | MAP_0F | P_F3,
    O_TZCNT = 0xbc | MAP_0F | P_F3,
    O_LZCNT = 0xbd | MAP_0F | P_F3,
    /* VEX-encoded (BMI) */
    V_ANDN = 0xf2 | MAP_38,
    V_SHLX = 0xf7 | MAP_38 | P_66,
    V_SHRX = 0xf7 | MAP_38 | P_F2,
    V_SARX = 0xf7 | MAP_38 | P_F3,
    V_RORX = 0xf0 | MAP_3A | P_F2,
};
/* Numbers inside the groups that share an opcode. */
enum { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum { SH_ROL, SH_ROR, SH_SHL = 4, SH_SHR, SH_SAR = 7 };
enum { UN_NOT = 2, UN_NEG, UN_MUL, UN_IMUL, UN_DIV, UN_IDIV };
/* Conditions of jcc, setcc, cmovcc; complement: ^ 1. */
typedef enum {
    CC_O = 0,
    CC_B = 2,
    CC_AE = 3,
    CC_E = 4,
    CC_NE = 5,
    CC_BE = 6,
    CC_A = 7,
    CC_S = 8,
    CC_NS = 9,
    CC_P = 10,
    CC_L = 12,
    CC_GE = 13,
    CC_LE = 14,
    CC_G = 15,
} X86Cond;

static inline bool fits_i8(int64_t v) {
    return v == (int8_t)v;
}
static inline bool fits_i32(int64_t v) {
    return v == (int32_t)v;
}

void emit_u8(Emit *e, uint8_t v);
void emit_u32(Emit *e, uint32_t v);
void emit_u64(Emit *e, uint64_t v);

void emit_rm(Emit *e, unsigned op, unsigned reg, Rm rm);
static inline void emit_rr(Emit *e, unsigned op, unsigned reg, HostReg rm) {
    emit_rm(e, op, reg, rm_reg(rm));
}
/* VEX: dst = op(vvvv, rm), operand order as the instruction defines them. */
void emit_vex(Emit *e, unsigned op, HostReg reg, HostReg vvvv, Rm rm);

void emit_mov(Emit *e, HostReg dst, HostReg src);   /* 64 bits; nothing when the same */
void emit_mov32(Emit *e, HostReg dst, HostReg src); /* zero-extends; never dropped */
void emit_load(Emit *e, HostReg dst, Rm rm);        /* 64 bits */
void emit_store(Emit *e, Rm rm, HostReg src);
void emit_imm(Emit *e, HostReg dst, uint64_t v);       /* shortest form; may change the flags */
void emit_imm_flags(Emit *e, HostReg dst, uint64_t v); /* never changes the flags */
/* rm op= imm (a sign-extended 32-bit value); w: 0 or W. ALU_CMP with 0 on a register becomes test. */
void emit_alu_imm(Emit *e, unsigned w, unsigned alu, Rm rm, int32_t imm);
void emit_alu8_imm(Emit *e, unsigned alu, Rm rm, uint8_t imm); /* a byte in memory */
void emit_shift_imm(Emit *e, unsigned w, unsigned sh, HostReg r, unsigned n);
void emit_shift_cl(Emit *e, unsigned w, unsigned sh, HostReg r);
void emit_unary(Emit *e, unsigned w, unsigned un, Rm rm);
/* Store the low `bits` 8, 16, 32 or 64 of a register, or of a sign-extended imm32. */
void emit_store_size(Emit *e, unsigned log2_size, Rm rm, HostReg src);
void emit_store_imm(Emit *e, unsigned log2_size, Rm rm, int32_t imm);
/* Load with zero- or sign-extension to 64 bits. */
void emit_load_size(Emit *e, unsigned log2_size, bool sign, HostReg dst, Rm rm);
void emit_cmp(Emit *e, unsigned w, HostReg a, Rm b);
void emit_test(Emit *e, unsigned w, HostReg a, HostReg b);
void emit_cmov(Emit *e, X86Cond cc, HostReg dst, Rm src);
void emit_setcc(Emit *e, X86Cond cc, HostReg dst); /* low byte only */

/* Jumps. The forward forms return where the displacement is, for emit_label(). */
uint8_t *emit_jcc(Emit *e, X86Cond cc);       /* rel32, forward */
uint8_t *emit_jmp(Emit *e);                   /* rel32, forward */
uint8_t *emit_jcc_short(Emit *e, X86Cond cc); /* rel8, forward */
uint8_t *emit_jmp_short(Emit *e);
void emit_label(uint8_t *disp, const uint8_t *target);       /* rel32 */
void emit_label_short(uint8_t *disp, const uint8_t *target); /* rel8 */
void emit_jcc_to(Emit *e, X86Cond cc, const uint8_t *target);
void emit_jmp_to(Emit *e, const uint8_t *target);
void emit_call_to(Emit *e, const uint8_t *target);
void emit_jmp_rm(Emit *e, Rm rm);
void emit_call_rm(Emit *e, Rm rm);
void emit_push(Emit *e, HostReg r);
void emit_push_imm(Emit *e, int32_t v);
void emit_pop(Emit *e, HostReg r);
void emit_ret(Emit *e, unsigned pop);
void emit_cqo(Emit *e, unsigned w);
void emit_bswap(Emit *e, HostReg r);

#endif
