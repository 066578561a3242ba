/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/transfer.h"

#include <stdbool.h>

static bool is_link(unsigned reg) {
    return reg == 1 || reg == 5;
}

/* Unprivileged spec §2.5.1, table "Return-address stack prediction hints". */
static Transfer indirect(unsigned rd, unsigned rs1) {
    if (!is_link(rd))
        return is_link(rs1) ? TRANSFER_RETURN : TRANSFER_JUMP;
    return is_link(rs1) && rd != rs1 ? TRANSFER_RETURN_CALL : TRANSFER_CALL;
}

static Transfer decode_32(uint32_t raw) {
    unsigned rd = raw >> 7 & 31, rs1 = raw >> 15 & 31;
    switch (raw & 0x7f) {
    case 0x63: return TRANSFER_BRANCH;
    case 0x6f: return is_link(rd) ? TRANSFER_CALL : TRANSFER_JUMP;
    case 0x67: return indirect(rd, rs1);
    case 0x73: return raw == 0x30200073 || raw == 0x10200073 ? TRANSFER_XRET : TRANSFER_NONE; /* mret, sret */
    default: return TRANSFER_NONE;
    }
}

/* Unprivileged spec chapter "C": c.j, c.beqz, c.bnez, c.jr, c.jalr. */
static Transfer decode_16(uint32_t raw) {
    unsigned funct3 = raw >> 13 & 7, rs1 = raw >> 7 & 31, rs2 = raw >> 2 & 31;
    switch (raw & 3) {
    case 1: return funct3 == 5 ? TRANSFER_JUMP : funct3 >= 6 ? TRANSFER_BRANCH : TRANSFER_NONE;
    case 2: return funct3 == 4 && rs2 == 0 && rs1 != 0 ? indirect(raw >> 12 & 1, rs1) : TRANSFER_NONE;
    default: return TRANSFER_NONE;
    }
}

Transfer transfer_decode(uint32_t raw, unsigned len) {
    return len == 4 ? decode_32(raw) : decode_16(raw);
}

/* Unprivileged spec §2.4.1; chapter "C": c.addi sp: imm[5|4:0]; c.addi16sp: imm[9|4|6|8:7|5]. */
int64_t transfer_stack_add(uint32_t raw, unsigned len) {
    enum { SP = 2 };
    if (len == 4)
        return (raw & 0xfffff) == (SP << 15 | SP << 7 | 0x13) ? (int32_t)raw >> 20 : 0;
    switch (raw & 0xef83) {
    case 0x0001 | SP << 7: return (int64_t)(raw >> 2 & 31) - (raw >> 12 & 1) * 32;
    case 0x6001 | SP << 7:
        return (int64_t)((raw >> 6 & 1) << 4 | (raw >> 5 & 1) << 6 | (raw >> 3 & 3) << 7 |
                         (raw >> 2 & 1) << 5) -
               (raw >> 12 & 1) * 512;
    default: return 0;
    }
}

static int64_t sign_extend(uint32_t value, unsigned bits) {
    return (int64_t)((uint64_t)value << (64 - bits)) >> (64 - bits);
}

/* jal: imm[20|10:1|11|19:12]; c.j: imm[11|4|9:8|10|6|7|3:1|5] (unprivileged spec). */
static int64_t jump_offset(uint32_t raw, unsigned len) {
    if (len == 4)
        return sign_extend((raw >> 31) << 20 | (raw >> 21 & 0x3ff) << 1 | (raw >> 20 & 1) << 11 |
                               (raw >> 12 & 0xff) << 12,
                           21);
    return sign_extend((raw >> 12 & 1) << 11 | (raw >> 11 & 1) << 4 | (raw >> 9 & 3) << 8 |
                           (raw >> 8 & 1) << 10 | (raw >> 7 & 1) << 6 | (raw >> 6 & 1) << 7 |
                           (raw >> 3 & 7) << 1 | (raw >> 2 & 1) << 5,
                       12);
}

bool transfer_offset(uint32_t raw, unsigned len, int64_t *ret) {
    if (len == 4 ? (raw & 0x7f) != 0x6f : (raw & 3) != 1)
        return false;
    *ret = jump_offset(raw, len);
    return true;
}
