/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words every module shares: addresses, positions, privilege levels, trap causes. */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t Gva; /* guest-virtual address */
typedef uint64_t Gpa; /* guest-physical address */
typedef uint64_t
    Pos; /* steps over all harts since reset; a step is one retired instruction or one trap taken */
typedef uint64_t Nsec; /* guest time in ns since reset */

#define POS_NONE UINT64_MAX /* later than every position */
#define NSEC_NEVER UINT64_MAX

#define PAGE_BITS 12
#define PAGE_SIZE ((uint64_t)1 << PAGE_BITS)
#define PAGE_MASK (~(PAGE_SIZE - 1))

/* Privilege levels, privileged spec 1.13 §1.2. */
typedef enum { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 } Priv;

/* Exception codes, privileged spec table "mcause values". */
typedef enum {
    EXC_INSN_MISALIGNED = 0,
    EXC_INSN_ACCESS = 1,
    EXC_ILLEGAL = 2,
    EXC_BREAKPOINT = 3,
    EXC_LOAD_MISALIGNED = 4,
    EXC_LOAD_ACCESS = 5,
    EXC_STORE_MISALIGNED = 6, /* also AMO */
    EXC_STORE_ACCESS = 7,
    EXC_ECALL_U = 8,
    EXC_ECALL_S = 9,
    EXC_ECALL_M = 11,
    EXC_INSN_PAGE = 12,
    EXC_LOAD_PAGE = 13,
    EXC_STORE_PAGE = 15,
} ExcCause;

/* Interrupt numbers = bit positions in mip/mie. */
typedef enum {
    IRQ_SSI = 1,
    IRQ_MSI = 3,
    IRQ_STI = 5,
    IRQ_MTI = 7,
    IRQ_SEI = 9,
    IRQ_MEI = 11,
    IRQ_LCOFI = 13
} IrqNumber;

typedef enum { ACCESS_LOAD, ACCESS_STORE, ACCESS_FETCH } AccessKind; /* AMO and cbo.zero are stores */

#endif
