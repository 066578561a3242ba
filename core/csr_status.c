/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/csr_bits.h"
#include "core/csr_ops.h"
#include "core/machine.h"
#include "core/mmu.h"

#define S_INTERRUPTS (IRQ_BIT(IRQ_SSI) | IRQ_BIT(IRQ_STI) | IRQ_BIT(IRQ_SEI))
#define M_INTERRUPTS (IRQ_BIT(IRQ_MSI) | IRQ_BIT(IRQ_MTI) | IRQ_BIT(IRQ_MEI))

uint64_t csr_read_zero(const Hart *h, unsigned csr) {
    return 0;
}
uint64_t csr_read_one(const Hart *h, unsigned csr) {
    return 1;
}
uint64_t csr_read_mhartid(const Hart *h, unsigned csr) {
    return h->id;
}

/* ---- mstatus, sstatus (§3.1.6, §12.1.1) ---- */

static uint64_t status_dirty(const Hart *h) {
    return (h->mstatus & MSTATUS_FS) == MSTATUS_FS ? MSTATUS_SD : 0;
}

/* UXL and SXL are fixed at 64 bits where the modes exist; MBE, SBE and UBE are fixed at little-endian. */
static uint64_t status_widths(const Hart *h) {
    return (h->isa->u ? MSTATUS_UXL_64 : 0) | (h->isa->s ? MSTATUS_SXL_64 : 0);
}

uint64_t csr_read_mstatus(const Hart *h, unsigned csr) {
    return h->mstatus | status_widths(h) | status_dirty(h);
}

uint64_t csr_read_sstatus(const Hart *h, unsigned csr) {
    return (h->mstatus & SSTATUS_WRITABLE) | (status_widths(h) & MSTATUS_UXL_64) | status_dirty(h);
}

static uint64_t mstatus_writable(const Isa *isa) {
    uint64_t bits = MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP;
    if (isa->f)
        bits |= MSTATUS_FS;
    if (isa->u)
        bits |= MSTATUS_MPRV | MSTATUS_TW;
    if (isa->s)
        bits |=
            MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_TVM | MSTATUS_TSR;
    return bits;
}

/* MPP takes a mode that exists; another value leaves it as it was. */
static uint64_t legalize_mpp(const Hart *h, uint64_t value) {
    unsigned mpp = (value & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    if (mpp == PRIV_M || (mpp == PRIV_S && h->isa->s) || (mpp == PRIV_U && h->isa->u))
        return value;
    return (value & ~MSTATUS_MPP) | (h->mstatus & MSTATUS_MPP);
}

static void write_status(Hart *h, uint64_t value, uint64_t mask) {
    mask &= mstatus_writable(h->isa);
    h->mstatus = (h->mstatus & ~mask) | (legalize_mpp(h, value) & mask);
    hart_update_flags(h);
    hart_check_irq(h);
}

void csr_write_mstatus(Hart *h, unsigned csr, uint64_t value) {
    write_status(h, value, UINT64_MAX);
}
void csr_write_sstatus(Hart *h, unsigned csr, uint64_t value) {
    write_status(h, value, SSTATUS_WRITABLE);
}

/* ---- interrupts (§3.1.8, §3.1.9, §12.1.3) ---- */

static uint64_t lcofi(const Hart *h) {
    return h->isa->sscofpmf ? IRQ_BIT(IRQ_LCOFI) : 0;
}
static uint64_t s_interrupts(const Hart *h) {
    return h->isa->s ? S_INTERRUPTS | lcofi(h) : 0;
}

static void replace(Hart *h, uint64_t *field, uint64_t value, uint64_t mask) {
    *field = (*field & ~mask) | (value & mask);
    hart_check_irq(h);
}

void csr_write_mideleg(Hart *h, unsigned csr, uint64_t value) {
    replace(h, &h->mideleg, value, s_interrupts(h));
}

void csr_write_mie(Hart *h, unsigned csr, uint64_t value) {
    replace(h, &h->mie, value, M_INTERRUPTS | s_interrupts(h));
}

uint64_t csr_read_sie(const Hart *h, unsigned csr) {
    return h->mie & h->mideleg;
}
void csr_write_sie(Hart *h, unsigned csr, uint64_t value) {
    replace(h, &h->mie, value, h->mideleg);
}

uint64_t csr_read_mip(const Hart *h, unsigned csr) {
    return hart_mip(h);
}

void csr_write_mip(Hart *h, unsigned csr, uint64_t value) {
    uint64_t mask = s_interrupts(h);
    if (h->menvcfg & ENVCFG_STCE)
        mask &= ~IRQ_BIT(IRQ_STI);
    replace(h, &h->mip_soft, value, mask);
}

uint64_t csr_read_sip(const Hart *h, unsigned csr) {
    return hart_mip(h) & h->mideleg;
}

void csr_write_sip(Hart *h, unsigned csr, uint64_t value) {
    replace(h, &h->mip_soft, value, (IRQ_BIT(IRQ_SSI) | lcofi(h)) & h->mideleg);
}

/* ---- trap vectors and return addresses ---- */

/* Modes 2 and 3 are reserved: the whole write is dropped. */
static void write_tvec(uint64_t *field, uint64_t value) {
    if ((value & 3) < 2)
        *field = value;
}

void csr_write_mtvec(Hart *h, unsigned csr, uint64_t value) {
    write_tvec(&h->mtvec, value);
}
void csr_write_stvec(Hart *h, unsigned csr, uint64_t value) {
    write_tvec(&h->stvec, value);
}

/* IALIGN is 16 with C, else 32; misa is not writable, so masking the write is enough. */
static uint64_t legal_epc(const Hart *h, uint64_t value) {
    return value & ~(h->isa->c ? 1ull : 3ull);
}
void csr_write_mepc(Hart *h, unsigned csr, uint64_t value) {
    h->mepc = legal_epc(h, value);
}
void csr_write_sepc(Hart *h, unsigned csr, uint64_t value) {
    h->sepc = legal_epc(h, value);
}

/* ---- environment configuration (§3.1.18, §12.1.10) ---- */

static uint64_t envcfg_common(const Isa *isa) {
    return ENVCFG_FIOM | (isa->zicbom ? ENVCFG_CBIE | ENVCFG_CBCFE : 0) | (isa->zicboz ? ENVCFG_CBZE : 0);
}

static uint64_t legal_envcfg(uint64_t old, uint64_t value, uint64_t mask) {
    if ((value & ENVCFG_CBIE) >> ENVCFG_CBIE_SHIFT == 2)
        mask &= ~ENVCFG_CBIE;
    return (old & ~mask) | (value & mask);
}

void csr_write_senvcfg(Hart *h, unsigned csr, uint64_t value) {
    h->senvcfg = legal_envcfg(h->senvcfg, value, envcfg_common(h->isa));
}

void csr_write_menvcfg(Hart *h, unsigned csr, uint64_t value) {
    const Isa *isa = h->isa;
    uint64_t mask = envcfg_common(isa) | (isa->svadu ? ENVCFG_ADUE : 0) | (isa->svpbmt ? ENVCFG_PBMTE : 0) |
                    (isa->sstc && isa->s ? ENVCFG_STCE : 0);
    uint64_t old = h->menvcfg;
    h->menvcfg = legal_envcfg(old, value, mask);
    uint64_t changed = old ^ h->menvcfg;
    if (changed & (ENVCFG_ADUE | ENVCFG_PBMTE))
        mmu_flush(h);
    if (changed & ENVCFG_STCE) {
        machine_timer_update(h->machine);
        h->attention |= ATTN_IRQ;
    }
}

/* ---- satp (§12.1.11) ---- */

bool csr_gate_satp(const Hart *h, unsigned csr) {
    return h->priv != PRIV_S || !(h->mstatus & MSTATUS_TVM);
}

static bool satp_mode_exists(const Isa *isa, uint64_t mode) {
    switch (mode) {
    case SATP_BARE: return true;
    case SATP_SV39: return isa->sv39;
    case SATP_SV48: return isa->sv48;
    case SATP_SV57: return isa->sv57;
    default: return false;
    }
}

void csr_write_satp(Hart *h, unsigned csr, uint64_t value) {
    if (!h->isa->mmu || !satp_mode_exists(h->isa, value >> SATP_MODE_SHIFT))
        return;
    bool moved = (value ^ h->satp) & ~SATP_ASID;
    h->satp = value;
    if (moved)
        mmu_satp_changed(h);
    hooks_satp(h->machine->hooks, hart_pos(h), h);
}

/* ---- floating point (unprivileged spec §20.2) ---- */

bool csr_gate_fp(const Hart *h, unsigned csr) {
    return h->mstatus & MSTATUS_FS;
}

uint64_t csr_read_fflags(const Hart *h, unsigned csr) {
    return h->fflags;
}
uint64_t csr_read_frm(const Hart *h, unsigned csr) {
    return h->frm;
}
uint64_t csr_read_fcsr(const Hart *h, unsigned csr) {
    return (uint64_t)h->frm << 5 | h->fflags;
}

static void fp_written(Hart *h) {
    h->mstatus |= MSTATUS_FS;
    hart_update_flags(h);
}

void csr_write_fflags(Hart *h, unsigned csr, uint64_t value) {
    h->fflags = value & 0x1f;
    fp_written(h);
}

void csr_write_frm(Hart *h, unsigned csr, uint64_t value) {
    h->frm = value & 7;
    fp_written(h);
}

void csr_write_fcsr(Hart *h, unsigned csr, uint64_t value) {
    h->fflags = value & 0x1f;
    h->frm = value >> 5 & 7;
    fp_written(h);
}
