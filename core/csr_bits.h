/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields of the control and status registers (privileged spec 1.13, chapters 3 and 12). */
#ifndef CORE_CSR_BITS_H
#define CORE_CSR_BITS_H

#include <stdint.h>

#define MSTATUS_SIE (1ull << 1)
#define MSTATUS_MIE (1ull << 3)
#define MSTATUS_SPIE (1ull << 5)
#define MSTATUS_MPIE (1ull << 7)
#define MSTATUS_SPP (1ull << 8)
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_MPP (3ull << MSTATUS_MPP_SHIFT)
#define MSTATUS_FS_SHIFT 13
#define MSTATUS_FS (3ull << MSTATUS_FS_SHIFT)
#define MSTATUS_MPRV (1ull << 17)
#define MSTATUS_SUM (1ull << 18)
#define MSTATUS_MXR (1ull << 19)
#define MSTATUS_TVM (1ull << 20)
#define MSTATUS_TW (1ull << 21)
#define MSTATUS_TSR (1ull << 22)
#define MSTATUS_UXL_64 (2ull << 32)
#define MSTATUS_SXL_64 (2ull << 34)
#define MSTATUS_SD (1ull << 63)
#define SSTATUS_WRITABLE (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)

#define MISA_MXL_64 (2ull << 62)

#define CAUSE_INTERRUPT (1ull << 63)

#define SATP_MODE_SHIFT 60
#define SATP_ASID (0xffffull << 44)
#define SATP_PPN ((1ull << 44) - 1)
typedef enum { SATP_BARE = 0, SATP_SV39 = 8, SATP_SV48 = 9, SATP_SV57 = 10 } SatpMode;

#define ENVCFG_FIOM (1ull << 0)
#define ENVCFG_CBIE_SHIFT 4
#define ENVCFG_CBIE (3ull << ENVCFG_CBIE_SHIFT) /* 0 illegal, 1 flush, 3 invalidate; 2 reserved */
#define ENVCFG_CBCFE (1ull << 6)
#define ENVCFG_CBZE (1ull << 7)
#define ENVCFG_ADUE (1ull << 61)
#define ENVCFG_PBMTE (1ull << 62)
#define ENVCFG_STCE (1ull << 63)

#define COUNTEREN_CY 1u
#define COUNTEREN_TM 2u
#define COUNTEREN_IR 4u

#define PMP_R 1u
#define PMP_W 2u
#define PMP_X 4u
#define PMP_A_SHIFT 3
#define PMP_A (3u << PMP_A_SHIFT)
#define PMP_L 0x80u
typedef enum { PMP_OFF, PMP_TOR, PMP_NA4, PMP_NAPOT } PmpMatch;

#define IRQ_BIT(irq) (1ull << (irq))

#endif
