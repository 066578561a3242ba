/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control transfers: which instructions end a block, and what they are by the conventions for links. */
#ifndef ANALYSES_TRANSFER_H
#define ANALYSES_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>

/* RETURN_CALL: pops one return address and pushes another (unprivileged spec, table of return-address hints).
 */
typedef enum {
    TRANSFER_NONE,
    TRANSFER_BRANCH,
    TRANSFER_JUMP,
    TRANSFER_CALL,
    TRANSFER_RETURN,
    TRANSFER_RETURN_CALL,
    TRANSFER_XRET
} Transfer;

/* raw: the instruction's bytes, little-endian; len 2 or 4. Traps are no transfers: what traps does not
 * retire. */
Transfer transfer_decode(uint32_t raw, unsigned len);
/* Of a JUMP or CALL: where it goes, from its own address; false: it goes to a register's value. */
bool transfer_offset(uint32_t raw, unsigned len, int64_t *ret);
/* What the instruction adds to the stack pointer: addi sp, sp, N, c.addi, c.addi16sp; 0: it is none of these. */
int64_t transfer_stack_add(uint32_t raw, unsigned len);

#endif
