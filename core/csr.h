/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control and status registers: one table (csr.c) of number, name, least privilege, read, write. */
#ifndef CORE_CSR_H
#define CORE_CSR_H

#include "core/hart.h"

/*
 * One CSR instruction as a whole: old value to *old (when `reads`), then the write (when `writes`) of
 * `value`. False: an illegal-instruction exception is due (the caller raises it with the instruction bytes as
 * tval). Read-modify-write forms pass the mask semantics: op 1 = RW, 2 = RS, 3 = RC with `value` as operand.
 * Sets hart flags and ATTN_IRQ as the CSR requires.
 */
bool csr_access(Hart *h, unsigned csr, unsigned op, bool reads, bool writes, uint64_t value, uint64_t *old);
/* Value as a privileged observer sees it (debugger, regs analysis): no side effect, no permission check. */
bool csr_peek(const Hart *h, unsigned csr, uint64_t *value);
/* Name of a CSR that exists here, or NULL; number by name, or -1. Iterate 0..4095 to list them. */
const char *csr_name(unsigned csr);
int csr_number(const char *name);
/* True when a write (or a read, for time-like CSRs no) of this CSR must end the block. Translation-time
 * query. */
bool csr_write_ends_block(unsigned csr);

#endif
