/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the CSR table (csr.c) is made of: readers, writers and gates that need code. Internal to core's
 * csr_*.c and pmp.c. Privilege and existence are checked by the table; these see legal accesses only.
 */
#ifndef CORE_CSR_OPS_H
#define CORE_CSR_OPS_H

#include "core/hart.h"

typedef uint64_t CsrRead(const Hart *h, unsigned csr);
typedef void CsrWrite(Hart *h, unsigned csr, uint64_t value);
/* May this access be made now, beyond what the CSR's number says about privilege? */
typedef bool CsrGate(const Hart *h, unsigned csr);

/* csr_status.c: status, interrupts, delegation, environment, translation, floating point */
CsrRead csr_read_zero, csr_read_one, csr_read_mhartid, csr_read_mstatus, csr_read_sstatus, csr_read_sie,
    csr_read_mip, csr_read_sip, csr_read_fflags, csr_read_frm, csr_read_fcsr;
CsrWrite csr_write_mstatus, csr_write_sstatus, csr_write_mideleg, csr_write_mie, csr_write_sie, csr_write_mip,
    csr_write_sip, csr_write_mtvec, csr_write_stvec, csr_write_mepc, csr_write_sepc, csr_write_menvcfg,
    csr_write_senvcfg, csr_write_satp, csr_write_fflags, csr_write_frm, csr_write_fcsr;
CsrGate csr_gate_fp, csr_gate_satp;

/* csr_counters.c */
CsrRead csr_read_cycle, csr_read_instret, csr_read_time;
CsrWrite csr_write_mcycle, csr_write_minstret, csr_write_mcountinhibit, csr_write_mcounteren,
    csr_write_scounteren, csr_write_stimecmp;
CsrGate csr_gate_counter, csr_gate_stimecmp;

/* pmp.c */
CsrRead csr_read_pmpcfg, csr_read_pmpaddr;
CsrWrite csr_write_pmpcfg, csr_write_pmpaddr;

#endif
