/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/x86_64/emit.h"

#include <glib.h>
#include <string.h>

void emit_u8(Emit *e, uint8_t v) {
    *e->p++ = v;
}

void emit_u32(Emit *e, uint32_t v) {
    memcpy(e->p, &v, 4);
    e->p += 4;
}

void emit_u64(Emit *e, uint64_t v) {
    memcpy(e->p, &v, 8);
    e->p += 8;
}

static void emit_modrm(Emit *e, unsigned reg, Rm rm) {
    unsigned r = (reg & 7) << 3;
    if (rm.reg >= 0) {
        emit_u8(e, 0xc0 | r | (rm.reg & 7));
        return;
    }
    unsigned base = rm.base & 7;
    /* rbp and r13 have no form without displacement; rsp and r12 none without a SIB byte. */
    unsigned mod = rm.disp == 0 && base != RBP ? 0 : fits_i8(rm.disp) ? 1 : 2;
    if (rm.index >= 0) {
        g_assert(rm.index != RSP);
        emit_u8(e, mod << 6 | r | 4);
        emit_u8(e, rm.scale << 6 | (rm.index & 7) << 3 | base);
    } else if (base == RSP) {
        emit_u8(e, mod << 6 | r | 4);
        emit_u8(e, 0x24);
    } else {
        emit_u8(e, mod << 6 | r | base);
    }
    if (mod == 1)
        emit_u8(e, (uint8_t)rm.disp);
    else if (mod == 2)
        emit_u32(e, (uint32_t)rm.disp);
}

static unsigned rm_rex(Rm rm) {
    if (rm.reg >= 0)
        return rm.reg >> 3 & 1;
    return (rm.base >> 3 & 1) | (rm.index >= 0 ? (rm.index >> 3 & 1) << 1 : 0);
}

void emit_rm(Emit *e, unsigned op, unsigned reg, Rm rm) {
    static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2};
    unsigned prefix = op >> 10 & 3, map = op >> 8 & 3;
    if (prefix)
        emit_u8(e, prefixes[prefix]);
    unsigned rex = (op & W ? 8 : 0) | (reg >> 3 & 1) << 2 | rm_rex(rm);
    /* Without a REX prefix byte registers 4 to 7 would be ah, ch, dh, bh. */
    bool need = rex || ((op & BYTE) && reg >= 4) || ((op & (BYTE | BYTE_RM)) && rm.reg >= 4);
    if (need)
        emit_u8(e, 0x40 | rex);
    if (map)
        emit_u8(e, 0x0f);
    if (map == 2)
        emit_u8(e, 0x38);
    else if (map == 3)
        emit_u8(e, 0x3a);
    emit_u8(e, op & 0xff);
    emit_modrm(e, reg, rm);
}

void emit_vex(Emit *e, unsigned op, HostReg reg, HostReg vvvv, Rm rm) {
    static const uint8_t pp[] = {0, 1, 2, 3};
    unsigned rex = rm_rex(rm);
    emit_u8(e, 0xc4);
    emit_u8(e, (reg & 8 ? 0 : 0x80) | (rex & 2 ? 0 : 0x40) | (rex & 1 ? 0 : 0x20) | (op >> 8 & 3));
    emit_u8(e, (op & W ? 0x80 : 0) | (~(unsigned)vvvv & 15) << 3 | pp[op >> 10 & 3]);
    emit_u8(e, op & 0xff);
    emit_modrm(e, reg, rm);
}

void emit_mov(Emit *e, HostReg dst, HostReg src) {
    if (dst != src)
        emit_rr(e, O_LOAD | W, dst, src);
}

void emit_mov32(Emit *e, HostReg dst, HostReg src) {
    emit_rr(e, O_LOAD, dst, src);
}
void emit_load(Emit *e, HostReg dst, Rm rm) {
    emit_rm(e, O_LOAD | W, dst, rm);
}
void emit_store(Emit *e, Rm rm, HostReg src) {
    emit_rm(e, O_STORE | W, src, rm);
}

void emit_imm_flags(Emit *e, HostReg dst, uint64_t v) {
    if (v <= UINT32_MAX) {
        if (dst & 8)
            emit_u8(e, 0x41);
        emit_u8(e, 0xb8 | (dst & 7));
        emit_u32(e, (uint32_t)v);
    } else if (fits_i32((int64_t)v)) {
        emit_rr(e, O_STORE_IMM | W, 0, dst);
        emit_u32(e, (uint32_t)v);
    } else {
        emit_u8(e, dst & 8 ? 0x49 : 0x48);
        emit_u8(e, 0xb8 | (dst & 7));
        emit_u64(e, v);
    }
}

void emit_imm(Emit *e, HostReg dst, uint64_t v) {
    if (v == 0)
        emit_rr(e, O_XOR, dst, dst);
    else
        emit_imm_flags(e, dst, v);
}

void emit_alu_imm(Emit *e, unsigned w, unsigned alu, Rm rm, int32_t imm) {
    if (alu == ALU_CMP && imm == 0 && rm.reg >= 0) {
        emit_test(e, w, rm.reg, rm.reg);
    } else if (fits_i8(imm)) {
        emit_rm(e, 0x83 | w, alu, rm);
        emit_u8(e, (uint8_t)imm);
    } else {
        emit_rm(e, 0x81 | w, alu, rm);
        emit_u32(e, (uint32_t)imm);
    }
}

void emit_alu8_imm(Emit *e, unsigned alu, Rm rm, uint8_t imm) {
    emit_rm(e, 0x80, alu, rm);
    emit_u8(e, imm);
}

void emit_shift_imm(Emit *e, unsigned w, unsigned sh, HostReg r, unsigned n) {
    emit_rr(e, 0xc1 | w, sh, r);
    emit_u8(e, (uint8_t)n);
}

void emit_shift_cl(Emit *e, unsigned w, unsigned sh, HostReg r) {
    emit_rr(e, 0xd3 | w, sh, r);
}
void emit_unary(Emit *e, unsigned w, unsigned un, Rm rm) {
    emit_rm(e, 0xf7 | w, un, rm);
}

void emit_store_size(Emit *e, unsigned log2_size, Rm rm, HostReg src) {
    static const unsigned ops[] = {O_STORE8, O_STORE16, O_STORE, O_STORE | W};
    emit_rm(e, ops[log2_size], src, rm);
}

void emit_store_imm(Emit *e, unsigned log2_size, Rm rm, int32_t imm) {
    static const unsigned ops[] = {O_STORE_IMM8, O_STORE_IMM | P_66, O_STORE_IMM, O_STORE_IMM | W};
    emit_rm(e, ops[log2_size], 0, rm);
    if (log2_size == 0) {
        emit_u8(e, (uint8_t)imm);
    } else if (log2_size == 1) {
        emit_u8(e, (uint8_t)imm);
        emit_u8(e, (uint8_t)(imm >> 8));
    } else {
        emit_u32(e, (uint32_t)imm);
    }
}

void emit_load_size(Emit *e, unsigned log2_size, bool sign, HostReg dst, Rm rm) {
    static const unsigned ops[2][4] = {{O_MOVZX8, O_MOVZX16, O_LOAD, O_LOAD | W},
                                       {O_MOVSX8 | W, O_MOVSX16 | W, O_MOVSXD | W, O_LOAD | W}};
    emit_rm(e, ops[sign][log2_size], dst, rm);
}

void emit_cmp(Emit *e, unsigned w, HostReg a, Rm b) {
    emit_rm(e, O_CMP | w, a, b);
}
void emit_test(Emit *e, unsigned w, HostReg a, HostReg b) {
    emit_rr(e, O_TEST | w, b, a);
}
void emit_cmov(Emit *e, X86Cond cc, HostReg dst, Rm src) {
    emit_rm(e, (O_CMOV | W) + cc, dst, src);
}
void emit_setcc(Emit *e, X86Cond cc, HostReg dst) {
    emit_rr(e, O_SETCC + cc, 0, dst);
}

uint8_t *emit_jcc(Emit *e, X86Cond cc) {
    emit_u8(e, 0x0f);
    emit_u8(e, 0x80 | cc);
    emit_u32(e, 0);
    return e->p - 4;
}

uint8_t *emit_jmp(Emit *e) {
    emit_u8(e, 0xe9);
    emit_u32(e, 0);
    return e->p - 4;
}

uint8_t *emit_jcc_short(Emit *e, X86Cond cc) {
    emit_u8(e, 0x70 | cc);
    emit_u8(e, 0);
    return e->p - 1;
}

uint8_t *emit_jmp_short(Emit *e) {
    emit_u8(e, 0xeb);
    emit_u8(e, 0);
    return e->p - 1;
}

void emit_label(uint8_t *disp, const uint8_t *target) {
    int64_t rel = target - (disp + 4);
    g_assert(fits_i32(rel));
    int32_t rel32 = (int32_t)rel;
    memcpy(disp, &rel32, 4);
}

void emit_label_short(uint8_t *disp, const uint8_t *target) {
    int64_t rel = target - (disp + 1);
    g_assert(fits_i8(rel));
    *disp = (uint8_t)rel;
}

void emit_jcc_to(Emit *e, X86Cond cc, const uint8_t *target) {
    emit_label(emit_jcc(e, cc), target);
}
void emit_jmp_to(Emit *e, const uint8_t *target) {
    emit_label(emit_jmp(e), target);
}

void emit_call_to(Emit *e, const uint8_t *target) {
    emit_u8(e, 0xe8);
    emit_u32(e, 0);
    emit_label(e->p - 4, target);
}

void emit_jmp_rm(Emit *e, Rm rm) {
    emit_rm(e, 0xff, 4, rm);
}
void emit_call_rm(Emit *e, Rm rm) {
    emit_rm(e, 0xff, 2, rm);
}

void emit_push(Emit *e, HostReg r) {
    if (r & 8)
        emit_u8(e, 0x41);
    emit_u8(e, 0x50 | (r & 7));
}

void emit_push_imm(Emit *e, int32_t v) {
    emit_u8(e, 0x68);
    emit_u32(e, (uint32_t)v);
}

void emit_pop(Emit *e, HostReg r) {
    if (r & 8)
        emit_u8(e, 0x41);
    emit_u8(e, 0x58 | (r & 7));
}

void emit_ret(Emit *e, unsigned pop) {
    emit_u8(e, pop ? 0xc2 : 0xc3);
    if (pop) {
        emit_u8(e, (uint8_t)pop);
        emit_u8(e, (uint8_t)(pop >> 8));
    }
}

void emit_cqo(Emit *e, unsigned w) {
    if (w)
        emit_u8(e, 0x48);
    emit_u8(e, 0x99);
}

void emit_bswap(Emit *e, HostReg r) {
    emit_u8(e, r & 8 ? 0x49 : 0x48);
    emit_u8(e, 0x0f);
    emit_u8(e, 0xc8 | (r & 7));
}
