/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an instruction does to the integer registers, as far as address prediction cares. Being wrong or
 * conservative here costs compression, never correctness: the encoder compares every prediction with the
 * trace.
 */
#ifndef ANALYSES_STORE_FLOW_H
#define ANALYSES_STORE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    FLOW_OTHER, /* rd becomes unknown (rd 0: no integer register is written) */
    FLOW_LOAD,  /* rd = memory[rs1 + imm] */
    FLOW_STORE, /* memory[rs1 + imm] = rs2 */
    FLOW_ADDI,  /* rd = rs1 + imm */
} FlowKind;

typedef struct Flow {
    FlowKind kind;
    uint8_t rd, rs1, rs2;
    bool fp; /* the loaded or stored register is a floating-point one */
    int32_t imm;
} Flow;

/* raw: the instruction's bytes, little-endian; len 2 or 4. */
Flow flow_decode(uint32_t raw, unsigned len);

#endif
