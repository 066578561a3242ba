/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/flow.h"

static uint32_t bits(uint32_t raw, unsigned low, unsigned n) {
    return raw >> low & ((1u << n) - 1);
}

static int32_t sign(uint32_t value, unsigned n) {
    return (int32_t)(value << (32 - n)) >> (32 - n);
}

/* Major opcodes, unprivileged spec table "RISC-V base opcode map". */
enum {
    OP_LOAD = 0x03,
    OP_LOAD_FP = 0x07,
    OP_FENCE = 0x0f,
    OP_IMM = 0x13,
    OP_STORE = 0x23,
    OP_STORE_FP = 0x27,
    OP_AMO = 0x2f,
    OP_BRANCH = 0x63
};

static Flow flow_decode_32(uint32_t raw) {
    uint8_t rd = bits(raw, 7, 5), rs1 = bits(raw, 15, 5), rs2 = bits(raw, 20, 5);
    int32_t imm_i = (int32_t)raw >> 20;
    int32_t imm_s = (imm_i & ~31) | rd;
    switch (raw & 0x7f) {
    case OP_LOAD: return (Flow){FLOW_LOAD, .rd = rd, .rs1 = rs1, .imm = imm_i};
    case OP_LOAD_FP: return (Flow){FLOW_LOAD, .rs1 = rs1, .imm = imm_i, .fp = true};
    case OP_STORE: return (Flow){FLOW_STORE, .rs1 = rs1, .rs2 = rs2, .imm = imm_s};
    case OP_STORE_FP: return (Flow){FLOW_STORE, .rs1 = rs1, .rs2 = rs2, .imm = imm_s, .fp = true};
    case OP_AMO: return (Flow){FLOW_LOAD, .rd = rd, .rs1 = rs1, .rs2 = rs2};
    case OP_IMM:
        if (bits(raw, 12, 3) == 0)
            return (Flow){FLOW_ADDI, .rd = rd, .rs1 = rs1, .imm = imm_i};
        return (Flow){FLOW_OTHER, .rd = rd};
    case OP_FENCE: /* with cbo.*: rs1 is the address */ return (Flow){FLOW_STORE, .rs1 = rs1, .fp = true};
    case OP_BRANCH: return (Flow){FLOW_OTHER};
    default: return (Flow){FLOW_OTHER, .rd = rd};
    }
}

/* Offsets of the compressed loads and stores, unprivileged spec §28 (C extension), by access size. */
static int32_t offset_word(uint32_t r) {
    return bits(r, 6, 1) << 2 | bits(r, 10, 3) << 3 | bits(r, 5, 1) << 6;
}
static int32_t offset_double(uint32_t r) {
    return bits(r, 10, 3) << 3 | bits(r, 5, 2) << 6;
}
static int32_t offset_lwsp(uint32_t r) {
    return bits(r, 4, 3) << 2 | bits(r, 12, 1) << 5 | bits(r, 2, 2) << 6;
}
static int32_t offset_ldsp(uint32_t r) {
    return bits(r, 5, 2) << 3 | bits(r, 12, 1) << 5 | bits(r, 2, 3) << 6;
}
static int32_t offset_swsp(uint32_t r) {
    return bits(r, 9, 4) << 2 | bits(r, 7, 2) << 6;
}
static int32_t offset_sdsp(uint32_t r) {
    return bits(r, 10, 3) << 3 | bits(r, 7, 3) << 6;
}

static Flow flow_quadrant_0(uint32_t r, unsigned funct3) {
    uint8_t low = 8 + bits(r, 2, 3), base = 8 + bits(r, 7, 3);
    switch (funct3) {
    case 0: /* c.addi4spn */
        return (Flow){FLOW_ADDI, .rd = low, .rs1 = 2,
                      .imm =
                          bits(r, 11, 2) << 4 | bits(r, 7, 4) << 6 | bits(r, 6, 1) << 2 | bits(r, 5, 1) << 3};
    case 1: return (Flow){FLOW_LOAD, .rs1 = base, .imm = offset_double(r), .fp = true};
    case 2: return (Flow){FLOW_LOAD, .rd = low, .rs1 = base, .imm = offset_word(r)};
    case 3: return (Flow){FLOW_LOAD, .rd = low, .rs1 = base, .imm = offset_double(r)};
    case 5: return (Flow){FLOW_STORE, .rs1 = base, .rs2 = low, .imm = offset_double(r), .fp = true};
    case 6: return (Flow){FLOW_STORE, .rs1 = base, .rs2 = low, .imm = offset_word(r)};
    case 7: return (Flow){FLOW_STORE, .rs1 = base, .rs2 = low, .imm = offset_double(r)};
    default: return (Flow){FLOW_OTHER, .rd = low};
    }
}

static Flow flow_quadrant_1(uint32_t r, unsigned funct3) {
    uint8_t rd = bits(r, 7, 5);
    int32_t imm = sign(bits(r, 12, 1) << 5 | bits(r, 2, 5), 6);
    switch (funct3) {
    case 0: return (Flow){FLOW_ADDI, .rd = rd, .rs1 = rd, .imm = imm};
    case 2: return (Flow){FLOW_ADDI, .rd = rd, .rs1 = 0, .imm = imm};
    case 3:
        if (rd == 2) /* c.addi16sp */
            return (Flow){FLOW_ADDI, .rd = 2, .rs1 = 2,
                          .imm = sign(bits(r, 12, 1) << 9 | bits(r, 3, 2) << 7 | bits(r, 5, 1) << 6 |
                                          bits(r, 2, 1) << 5 | bits(r, 6, 1) << 4,
                                      10)};
        return (Flow){FLOW_ADDI, .rd = rd, .rs1 = 0, .imm = imm * 4096}; /* c.lui */
    case 4: return (Flow){FLOW_OTHER, .rd = 8 + bits(r, 7, 3)};
    case 5:
    case 6:
    case 7: return (Flow){FLOW_OTHER}; /* c.j, c.beqz, c.bnez */
    default: return (Flow){FLOW_OTHER, .rd = rd};
    }
}

static Flow flow_quadrant_2(uint32_t r, unsigned funct3) {
    uint8_t rd = bits(r, 7, 5), rs2 = bits(r, 2, 5);
    switch (funct3) {
    case 1: return (Flow){FLOW_LOAD, .rs1 = 2, .imm = offset_ldsp(r), .fp = true};
    case 2: return (Flow){FLOW_LOAD, .rd = rd, .rs1 = 2, .imm = offset_lwsp(r)};
    case 3: return (Flow){FLOW_LOAD, .rd = rd, .rs1 = 2, .imm = offset_ldsp(r)};
    case 4:
        if (rs2 == 0) /* c.jr, c.jalr, c.ebreak */
            return (Flow){FLOW_OTHER, .rd = bits(r, 12, 1)};
        if (!bits(r, 12, 1)) /* c.mv */
            return (Flow){FLOW_ADDI, .rd = rd, .rs1 = rs2};
        return (Flow){FLOW_OTHER, .rd = rd}; /* c.add */
    case 5: return (Flow){FLOW_STORE, .rs1 = 2, .rs2 = rs2, .imm = offset_sdsp(r), .fp = true};
    case 6: return (Flow){FLOW_STORE, .rs1 = 2, .rs2 = rs2, .imm = offset_swsp(r)};
    case 7: return (Flow){FLOW_STORE, .rs1 = 2, .rs2 = rs2, .imm = offset_sdsp(r)};
    default: return (Flow){FLOW_OTHER, .rd = rd}; /* c.slli */
    }
}

Flow flow_decode(uint32_t raw, unsigned len) {
    unsigned funct3 = bits(raw, 13, 3);
    if (len == 4)
        return flow_decode_32(raw);
    switch (raw & 3) {
    case 0: return flow_quadrant_0(raw, funct3);
    case 1: return flow_quadrant_1(raw, funct3);
    case 2: return flow_quadrant_2(raw, funct3);
    default: return (Flow){FLOW_OTHER, .rd = bits(raw, 7, 5)};
    }
}
