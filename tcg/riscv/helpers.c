/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What translated code calls for system instructions, and for the few integer operations that have no IR. */
#include "tcg/ir/helpers.h"

#include <string.h>

#include "core/csr.h"
#include "core/machine.h"
#include "core/csr_bits.h"
#include "core/mmu.h"
#include "core/trap.h"

#define CBO_BLOCK 64u

static uint64_t raise_illegal(Hart *h, uint64_t insn) {
    hart_raise(h, EXC_ILLEGAL, insn);
    return 0;
}

uint64_t helper_illegal(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    return raise_illegal(h, a);
}

uint64_t helper_ecall(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    hart_raise(h, h->priv == PRIV_U ? EXC_ECALL_U : h->priv == PRIV_S ? EXC_ECALL_S : EXC_ECALL_M, 0);
    return 0;
}

uint64_t helper_ebreak(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    hart_raise(h, EXC_BREAKPOINT, h->pc);
    return 0;
}

uint64_t helper_misaligned_jump(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    if (b && (a & 2)) {
        hart_raise(h, EXC_INSN_MISALIGNED, a);
    }
    return 0;
}

uint64_t helper_csr(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t old = 0;
    if (!csr_access(h, a & 0xfff, a >> 12 & 3, a >> 14 & 1, a >> 15 & 1, b, &old)) {
        return raise_illegal(h, c);
    }
    return old;
}

/* ---- privilege ----------------------------------------------------------------------------------- */

uint64_t helper_mret(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    trap_mret(h);
    return 0;
}

uint64_t helper_sret(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    trap_sret(h);
    return 0;
}

uint64_t helper_wfi(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    trap_wfi(h);
    return 0;
}

uint64_t helper_yield(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    machine_yield(h->machine);
    return 0;
}

/* TW applies to wrs.nto (its immediate is 0x00d), not to wrs.sto, which ends by itself. */
uint64_t helper_wrs(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    if (a >> 20 == 0x00d && h->priv != PRIV_M && (h->mstatus & MSTATUS_TW)) {
        return raise_illegal(h, a);
    }
    return helper_yield(h, 0, 0, 0);
}

/* §3.1.6.5 and chapter 12: TVM traps the two fences that take an address, not those that only order. */
uint64_t helper_sfence(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    unsigned funct7 = a >> 25 & 0x7f;
    bool by_address = funct7 == 0x09 || funct7 == 0x0b; /* sfence.vma, sinval.vma */
    if (h->priv == PRIV_U || (h->priv == PRIV_S && by_address && (h->mstatus & MSTATUS_TVM))) {
        return raise_illegal(h, a);
    }
    return 0;
}

uint64_t helper_fs_dirty(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    h->mstatus |= MSTATUS_FS;
    hart_update_flags(h);
    return 0;
}

/* ---- cache blocks: unprivileged spec §19.3, privileged spec §3.1.18 ------------------------------ */

static bool cbo_enabled(const Hart *h, uint64_t bits) {
    bool ok = h->priv == PRIV_M || (h->menvcfg & bits);
    return ok && (h->priv != PRIV_U || !h->isa->s || (h->senvcfg & bits));
}

/* Nothing is cached, so only the checks remain. */
uint64_t helper_cbo(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    if (!cbo_enabled(h, b >> 20 == 0 ? ENVCFG_CBIE : ENVCFG_CBCFE)) {
        return raise_illegal(h, b);
    }
    mmu_cbo_check(h, a, (MemOp)c);
    return 0;
}

uint64_t helper_cbo_zero(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    if (!cbo_enabled(h, ENVCFG_CBZE)) {
        return raise_illegal(h, b);
    }
    void *block = mmu_rmw(h, a & ~(Gva)(CBO_BLOCK - 1), (MemOp)c);
    if (block) {
        memset(block, 0, CBO_BLOCK);
    }
    return 0;
}

/* ---- carry-less multiplication ------------------------------------------------------------------- */

uint64_t helper_clmul(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t result = 0;
    for (; b; b &= b - 1) {
        result ^= a << __builtin_ctzll(b);
    }
    return result;
}

/* Bits 127..64 of the product. */
uint64_t helper_clmulh(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t result = 0;
    for (b &= ~UINT64_C(1); b; b &= b - 1) {
        result ^= a >> (64 - __builtin_ctzll(b));
    }
    return result;
}

/* Bits 126..63. */
uint64_t helper_clmulr(Hart *h, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t result = 0;
    for (; b; b &= b - 1) {
        result ^= a >> (63 - __builtin_ctzll(b));
    }
    return result;
}
