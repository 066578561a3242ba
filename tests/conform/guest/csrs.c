/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every CSR number from every privilege mode, under random settings of what gates them: reads, writes of ones, zeros and
 * patterns, sets and clears. One line for each number and mode in which any of it is legal:
 *
 *   csr NUMBER MODE LEGAL HASH     LEGAL: a bit for each of the six accesses that was, ever; the hash is over values
 *
 * run.py compares them one by one and knows the differences that are meant.
 */
#include "guest.h"

#define VARIANTS 6
#define N_ACCESSES 6

static Context context;

typedef struct CsrDifference {
    uint16_t first, last;
    bool skip;
    uint64_t bits; /* that are compared */
} CsrDifference;
#include "csrs.h"

static const CsrDifference *find_difference(unsigned csr) {
    for (size_t i = 0; i < sizeof csr_differences / sizeof csr_differences[0]; i++)
        if (csr >= csr_differences[i].first && csr <= csr_differences[i].last)
            return &csr_differences[i];
    return NULL;
}

static uint64_t compared_bits(unsigned csr) {
    const CsrDifference *d = find_difference(csr);

    return d ? d->bits : ~0ul;
}

static bool is_pmpcfg(unsigned csr) { return csr >= 0x3a0 && csr <= 0x3af; }
static bool is_envcfg(unsigned csr) { return csr == 0x10a || csr == 0x30a; }

static uint32_t csr_insn(unsigned csr, unsigned op, unsigned rd, unsigned rs1) {
    return csr << 20 | rs1 << 15 | op << 12 | rd << 7 | 0x73;
}

/* Old values end up in x16 on, written ones come from x24 on; the last access restores what the first found. */
static void make_code(unsigned csr) {
    const uint32_t code[8] __attribute__((aligned(8))) = {
        csr_insn(csr, 2, 16, 0), csr_insn(csr, 1, 17, 25), csr_insn(csr, 2, 18, 26), csr_insn(csr, 3, 19, 27),
        csr_insn(csr, 1, 20, 28), csr_insn(csr, 1, 21, 16), 0x73, 0,
    };
    copy_words(CODE_BASE, code, sizeof code);
    __asm__ volatile("fence.i" ::: "memory");
}

/* What gates CSRs, as this variant has it. */
static void random_gates(uint64_t seed) {
    random_seed(seed);
    csr_write(mcounteren, one_in(2) ? ~0ul : random64());
    csr_write(scounteren, one_in(2) ? ~0ul : random64());
    csr_write(menvcfg, random64() & (1ul << 63 | 0xc1)); /* STCE and the cache-block bits */
    csr_write(senvcfg, random64() & 0xc1);
    context.status = STATUS_SUM * below(2) | STATUS_MXR * below(2) | STATUS_TVM * below(2) | STATUS_TW * below(2) |
                     STATUS_TSR * below(2) | (uint64_t)below(4) << STATUS_FS_SHIFT | STATUS_SPP * below(2) |
                     STATUS_SPIE * below(2);
    csr_write(medeleg, 0);
    csr_write(mideleg, one_in(2) ? ~0ul : random64());
}

/* No locks, which would stay, and all of R, W and X or none: W without R is reserved, and QEMU stores it. */
static uint64_t pmp_pattern(uint64_t value) {
    uint64_t rights = value & 0x0101010101010101ul;

    return (value & 0x1818181818181818ul) | rights * 7;
}

static uint64_t pattern(unsigned csr) {
    uint64_t value = one_in(4) ? ~0ul : one_in(4) ? 0 : random_value();

    if (is_envcfg(csr)) /* CBIE: 2 is reserved, and QEMU stores it */
        value = value & 0x10 ? value | 0x30 : value & ~0x30ul;
    return is_pmpcfg(csr) ? pmp_pattern(value) : value;
}

/* Bits of the accesses that were legal. */
static unsigned probe(unsigned csr, unsigned priv, unsigned variant) {
    unsigned legal = (1u << N_ACCESSES) - 1;

    for (unsigned i = 0; i < 32; i++)
        context.x[i] = i >= 24 ? pattern(csr) : 0;
    context.pc = CODE_BASE;
    context.status |= (uint64_t)priv << STATUS_MPP_SHIFT;
    for (;;) {
        context.vector = 0;
        context_run(&context);
        uint64_t offset = context.pc - CODE_BASE;
        if (offset == N_ACCESSES * 4)
            break;
        if (offset > N_ACCESSES * 4 || context.cause != CAUSE_ILLEGAL) {
            fold(context.cause);
            fold(context.tval);
            fold(offset);
            break;
        }
        legal &= ~(1u << offset / 4);
        fold((context.tval & 0xfff0007f) == csr_insn(csr, 0, 0, 0));
        if (offset == 4 && !(legal & 1))
            return 0;
        context.pc += 4;
    }
    fold(legal);
    for (unsigned i = 16; i < 22; i++)
        fold(context.x[i] & compared_bits(csr));
    if (params.verbose) {
        print("probe %x %d variant=%d status=%x cause=%x legal=%x", (uint64_t)csr, (uint64_t)priv, (uint64_t)variant, context.status,
              context.cause, (uint64_t)legal);
        for (unsigned i = 16; i < 32; i++)
            print(" x%d=%x", (uint64_t)i, i < 22 ? context.x[i] & compared_bits(csr) : context.x[i]);
        print("\n");
    }
    return legal;
}

static void probe_all(unsigned csr, unsigned priv, uint64_t seed) {
    unsigned legal = 0;

    hash = 0;
    for (unsigned v = 0; v < VARIANTS; v++) {
        random_gates(seed + v);
        legal |= probe(csr, priv, v);
        machine_reset_state();
    }
    if (legal)
        print("csr %x %d %x %x\n", (uint64_t)csr, (uint64_t)priv, (uint64_t)legal, hash);
}

void csr_batch(void) {
    static const unsigned privs[] = {PRIV_M, PRIV_S, PRIV_U};
    uint64_t seed = random64();

    for (unsigned csr = 0; csr < 4096; csr++) {
        if (params.only && params.only != csr + 1)
            continue;
        const CsrDifference *d = find_difference(csr);
        if (d && d->skip)
            continue;
        make_code(csr);
        for (unsigned i = 0; i < 3; i++)
            probe_all(csr, privs[i], seed + i * 16);
    }
    pmp_sandbox();
    hash = 0;
}
