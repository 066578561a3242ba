/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/csr.h"

#include <string.h>

#include "core/csr_bits.h"
#include "core/csr_ops.h"

/* On which part of the CPU model a CSR's existence depends. */
typedef enum {
    NEED_NOTHING,
    NEED_F,
    NEED_S,
    NEED_U,
    NEED_ZICNTR,
    NEED_ZIHPM,
    NEED_SSTC,
    NEED_PMP,
    NEED_SSCOFPMF
} CsrNeed;

enum {
    CSR_ENDS = 1, /* a write ends the block: translation, flags, interrupts or deadlines may change */
    CSR_SEIP = 2, /* set and clear forms work on software's SEIP, not on the line's (§3.1.9) */
};

typedef struct CsrInfo {
    const char *name;
    CsrGate *gate;   /* NULL: none */
    CsrRead *read;   /* NULL: the field */
    CsrWrite *write; /* NULL: the field under mask; without a field, ignored */
    uint64_t mask;
    uint16_t field;
    uint8_t need, flags;
} CsrInfo;

/* A CSR that is a field of the hart; `mask` are its writable bits. */
#define FIELD(number, text, needs, member, writable, flag)                                                   \
    [number] = {                                                                                             \
        .name = text, .need = needs, .field = offsetof(Hart, member), .mask = writable, .flags = flag},
/* The same with a legalising writer, and with a gate. */
#define LEGAL(number, text, needs, member, writer, flag)                                                     \
    GATED(number, text, needs, NULL, member, writer, flag)
#define GATED(number, text, needs, gating, member, writer, flag)                                             \
    [number] = {.name = text,                                                                                \
                .need = needs,                                                                               \
                .gate = gating,                                                                              \
                .field = offsetof(Hart, member),                                                             \
                .write = writer,                                                                             \
                .flags = flag},
/* A CSR made of functions. */
#define FUNC(number, text, needs, gating, reader, writer, flag)                                              \
    [number] = {.name = text, .need = needs, .gate = gating, .read = reader, .write = writer, .flags = flag},
/* Reads as zero, ignores writes. */
#define ZERO(number, text, needs) FUNC(number, text, needs, NULL, csr_read_zero, NULL, 0)

/* clang-format off */
#define HPM_NUMBERS(X)                                                                                       \
    X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20)     \
    X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
#define PMP_NUMBERS(X)                                                                                       \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

#define ALL_BITS UINT64_MAX
/* Exceptions that can occur below M-mode: causes 0-9, 12, 13, 15; never 11 (§3.1.8). */
#define MEDELEG_BITS 0xb3ffull

/*
 * Every CSR of this machine by number. Where WARL leaves a choice it is QEMU 10's for -cpu rv64, unless the
 * specification decides: counters 3-31 do not count and read zero.
 */
static const CsrInfo csr_table[4096] = {
    FUNC(0x001, "fflags", NEED_F, csr_gate_fp, csr_read_fflags, csr_write_fflags, CSR_ENDS)
    FUNC(0x002, "frm", NEED_F, csr_gate_fp, csr_read_frm, csr_write_frm, CSR_ENDS)
    FUNC(0x003, "fcsr", NEED_F, csr_gate_fp, csr_read_fcsr, csr_write_fcsr, CSR_ENDS)

    FUNC(0x100, "sstatus", NEED_S, NULL, csr_read_sstatus, csr_write_sstatus, CSR_ENDS)
    FUNC(0x104, "sie", NEED_S, NULL, csr_read_sie, csr_write_sie, CSR_ENDS)
    LEGAL(0x105, "stvec", NEED_S, stvec, csr_write_stvec, 0)
    LEGAL(0x106, "scounteren", NEED_S, scounteren, csr_write_scounteren, 0)
    LEGAL(0x10a, "senvcfg", NEED_S, senvcfg, csr_write_senvcfg, 0)
    FIELD(0x140, "sscratch", NEED_S, sscratch, ALL_BITS, 0)
    LEGAL(0x141, "sepc", NEED_S, sepc, csr_write_sepc, 0)
    FIELD(0x142, "scause", NEED_S, scause, ALL_BITS, 0)
    FIELD(0x143, "stval", NEED_S, stval, ALL_BITS, 0)
    FUNC(0x144, "sip", NEED_S, NULL, csr_read_sip, csr_write_sip, CSR_ENDS)
    GATED(0x14d, "stimecmp", NEED_SSTC, csr_gate_stimecmp, stimecmp, csr_write_stimecmp, CSR_ENDS)
    GATED(0x180, "satp", NEED_S, csr_gate_satp, satp, csr_write_satp, CSR_ENDS)
    ZERO(0xda0, "scountovf", NEED_SSCOFPMF)

    FUNC(0x300, "mstatus", NEED_NOTHING, NULL, csr_read_mstatus, csr_write_mstatus, CSR_ENDS)
    FIELD(0x301, "misa", NEED_NOTHING, misa, 0, 0)
    FIELD(0x302, "medeleg", NEED_S, medeleg, MEDELEG_BITS, 0)
    LEGAL(0x303, "mideleg", NEED_S, mideleg, csr_write_mideleg, CSR_ENDS)
    LEGAL(0x304, "mie", NEED_NOTHING, mie, csr_write_mie, CSR_ENDS)
    LEGAL(0x305, "mtvec", NEED_NOTHING, mtvec, csr_write_mtvec, 0)
    LEGAL(0x306, "mcounteren", NEED_U, mcounteren, csr_write_mcounteren, 0)
    LEGAL(0x30a, "menvcfg", NEED_U, menvcfg, csr_write_menvcfg, CSR_ENDS)
    LEGAL(0x320, "mcountinhibit", NEED_NOTHING, mcountinhibit, csr_write_mcountinhibit, 0)
    FIELD(0x340, "mscratch", NEED_NOTHING, mscratch, ALL_BITS, 0)
    LEGAL(0x341, "mepc", NEED_NOTHING, mepc, csr_write_mepc, 0)
    FIELD(0x342, "mcause", NEED_NOTHING, mcause, ALL_BITS, 0)
    FIELD(0x343, "mtval", NEED_NOTHING, mtval, ALL_BITS, 0)
    FUNC(0x344, "mip", NEED_NOTHING, NULL, csr_read_mip, csr_write_mip, CSR_ENDS | CSR_SEIP)

    FUNC(0x3a0, "pmpcfg0", NEED_PMP, NULL, csr_read_pmpcfg, csr_write_pmpcfg, CSR_ENDS)
    FUNC(0x3a2, "pmpcfg2", NEED_PMP, NULL, csr_read_pmpcfg, csr_write_pmpcfg, CSR_ENDS)
#define X(n) FUNC(0x3b0 + n, "pmpaddr" #n, NEED_PMP, NULL, csr_read_pmpaddr, csr_write_pmpaddr, CSR_ENDS)
    PMP_NUMBERS(X)
#undef X

    /* A trigger module without triggers: tselect has one value, at which there is nothing (Sdtrig §5.7). */
    ZERO(0x7a0, "tselect", NEED_NOTHING)
    ZERO(0x7a1, "tdata1", NEED_NOTHING)
    ZERO(0x7a2, "tdata2", NEED_NOTHING)
    ZERO(0x7a3, "tdata3", NEED_NOTHING)
    FUNC(0x7a4, "tinfo", NEED_NOTHING, NULL, csr_read_one, NULL, 0)

    FUNC(0xb00, "mcycle", NEED_NOTHING, NULL, csr_read_cycle, csr_write_mcycle, 0)
    FUNC(0xb02, "minstret", NEED_NOTHING, NULL, csr_read_instret, csr_write_minstret, 0)
    FUNC(0xc00, "cycle", NEED_ZICNTR, csr_gate_counter, csr_read_cycle, NULL, 0)
    FUNC(0xc01, "time", NEED_ZICNTR, csr_gate_counter, csr_read_time, NULL, 0)
    FUNC(0xc02, "instret", NEED_ZICNTR, csr_gate_counter, csr_read_instret, NULL, 0)
#define X(n)                                                                                                 \
    ZERO(0x320 + n, "mhpmevent" #n, NEED_NOTHING)                                                            \
    ZERO(0xb00 + n, "mhpmcounter" #n, NEED_NOTHING)                                                          \
    FUNC(0xc00 + n, "hpmcounter" #n, NEED_ZIHPM, csr_gate_counter, csr_read_zero, NULL, 0)
    HPM_NUMBERS(X)
#undef X

    ZERO(0xf11, "mvendorid", NEED_NOTHING)
    ZERO(0xf12, "marchid", NEED_NOTHING)
    ZERO(0xf13, "mimpid", NEED_NOTHING)
    FUNC(0xf14, "mhartid", NEED_NOTHING, NULL, csr_read_mhartid, NULL, 0)
    ZERO(0xf15, "mconfigptr", NEED_NOTHING)
};
/* clang-format on */

static bool need_met(const Isa *isa, CsrNeed need) {
    switch (need) {
    case NEED_NOTHING: return true;
    case NEED_F: return isa->f;
    case NEED_S: return isa->s;
    case NEED_U: return isa->u;
    case NEED_ZICNTR: return isa->zicntr;
    case NEED_ZIHPM: return isa->zihpm;
    case NEED_SSTC: return isa->sstc && isa->s;
    case NEED_PMP: return isa->pmp;
    case NEED_SSCOFPMF: return isa->sscofpmf && isa->s;
    }
    g_assert_not_reached();
}

/* The entry if the CSR exists on this hart, else NULL. */
static const CsrInfo *csr_find(const Hart *h, unsigned csr) {
    if (csr >= G_N_ELEMENTS(csr_table) || !csr_table[csr].name)
        return NULL;
    return need_met(h->isa, csr_table[csr].need) ? &csr_table[csr] : NULL;
}

static uint64_t csr_read(const Hart *h, const CsrInfo *info, unsigned csr) {
    if (info->read)
        return info->read(h, csr);
    return *(const uint64_t *)((const char *)h + info->field);
}

static void csr_write(Hart *h, const CsrInfo *info, unsigned csr, uint64_t value) {
    if (info->write) {
        info->write(h, csr, value);
    } else if (!info->read) {
        uint64_t *field = (uint64_t *)((char *)h + info->field);
        *field = (*field & ~info->mask) | (value & info->mask);
    }
}

/* Bits 11:10 of the number are 3 for read-only registers, bits 9:8 the least privilege (§2.1). */
static bool csr_permitted(const Hart *h, const CsrInfo *info, unsigned csr, bool writes) {
    if ((csr >> 8 & 3) > h->priv || (writes && csr >> 10 == 3))
        return false;
    return !info->gate || info->gate(h, csr);
}

bool csr_access(Hart *h, unsigned csr, unsigned op, bool reads, bool writes, uint64_t value, uint64_t *old) {
    const CsrInfo *info = csr_find(h, csr);
    if (!info || !csr_permitted(h, info, csr, writes))
        return false;
    uint64_t before = 0;
    if (reads || op != 1) {
        before = csr_read(h, info, csr);
        if (reads)
            *old = before;
    }
    if (!writes)
        return true;
    if (info->flags & CSR_SEIP)
        before = (before & ~IRQ_BIT(IRQ_SEI)) | (h->mip_soft & IRQ_BIT(IRQ_SEI));
    switch (op) {
    case 1: break;
    case 2: value = before | value; break;
    case 3: value = before & ~value; break;
    default: g_assert_not_reached();
    }
    csr_write(h, info, csr, value);
    return true;
}

bool csr_peek(const Hart *h, unsigned csr, uint64_t *value) {
    const CsrInfo *info = csr_find(h, csr);
    if (!info)
        return false;
    *value = csr_read(h, info, csr);
    return true;
}

const char *csr_name(unsigned csr) {
    return csr < G_N_ELEMENTS(csr_table) ? csr_table[csr].name : NULL;
}

int csr_number(const char *name) {
    for (unsigned i = 0; i < G_N_ELEMENTS(csr_table); i++)
        if (csr_table[i].name && strcmp(csr_table[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool csr_write_ends_block(unsigned csr) {
    return csr < G_N_ELEMENTS(csr_table) && (csr_table[csr].flags & CSR_ENDS);
}
