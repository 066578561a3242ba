/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instruction, or a few, in a random state of delegation, vectors, enables, pending interrupts and status bits, in
 * each mode. What it ends in is compared: where the trap went, with which cause, and all that it left in the CSRs.
 */
#include "guest.h"

#define SCENARIOS 1500
#define SNIPPET_WORDS 8
#define N_CLOSERS 3
#define STUB_AT 0x8000ul   /* stvec: 64 closers, 256 bytes for each kind */
#define TARGET_AT 0x9000ul /* where mret and sret go: four closers, 16 bytes for each kind */
#define NOWHERE 0x18000000ul

/* What ends a scenario: an exception that is not delegated, so that it reaches the monitor from S mode too. */
static const struct {
    uint32_t insn, cause;
} closers[N_CLOSERS] = {{0x00000073, 9}, {0x00100073, 3}, {0xffffffff, 2}};

/* Operands: x10 a random status, x11 an address of DATA, x12 the return address, x13 nowhere, x14 random. */
static const uint32_t snippets[][SNIPPET_WORDS - 2] = {
    {0x00000073},                         /* ecall */
    {0x00100073},                         /* ebreak */
    {0x00019002},                         /* c.ebreak; c.nop */
    {0x00010000},                         /* an illegal half; c.nop */
    {0xfffff0ff},                         /* illegal */
    {0x30200073},                         /* mret */
    {0x34161073, 0x30051073, 0x30200073}, /* csrw mepc, x12; csrw mstatus, x10; mret */
    {0x10200073},                         /* sret */
    {0x14161073, 0x10200073},             /* csrw sepc, x12; sret */
    {0x14161073, 0x10051073, 0x10200073}, /* csrw sepc, x12; csrw sstatus, x10; sret */
    {0x14161073, 0x30051073, 0x10200073}, /* csrw sepc, x12; csrw mstatus, x10; sret */
    {0x12000073},                         /* sfence.vma */
    {0x12b60073},                         /* sfence.vma x12, x11 */
    {0x16b60073},                         /* sinval.vma x12, x11 */
    {0x1005b7af},                         /* lr.d x15, (x11) */
    {0x00158593, 0x1005b7af},             /* addi x11, x11, 1; lr.d: misaligned */
    {0x00158593, 0x00e5b7af},             /* addi x11, x11, 1; amoadd.d x15, x14, (x11): misaligned */
    {0x0006b783},                         /* ld x15, 0(x13): nothing there */
    {0x00e6b023},                         /* sd x14, 0(x13) */
    {0x00e6b7af},                         /* amoadd.d x15, x14, (x13) */
    {0x000680e7},                         /* jalr x1, 0(x13) */
    {0x0005b783},                         /* ld x15, 0(x11) */
    {0x00063783},                         /* ld x15, 0(x12): code can be executed only */
    {0x30051073, 0x00063783},             /* csrw mstatus, x10; ld x15, 0(x12): MPRV */
    {0x30051073, 0x00e63023},             /* csrw mstatus, x10; sd x14, 0(x12) */
    {0x30051073, 0x0005b783},             /* csrw mstatus, x10; ld x15, 0(x11) */
    {0x180717f3},                         /* csrrw x15, satp, x14 */
    {0x180027f3},                         /* csrr x15, satp */
    {0x10051073, 0x100027f3},             /* csrw sstatus, x10; csrr x15, sstatus */
    {0x14471073, 0x144027f3},             /* csrw sip, x14; csrr x15, sip */
    {0x144767f3},                         /* csrrsi x15, sip, 14 */
    {0x10471073, 0x104027f3},             /* csrw sie, x14; csrr x15, sie */
    {0x10476073, 0x100160f3},             /* csrsi sie, 14; csrrsi x1, sstatus, 2 */
    {0x30051073, 0x300027f3},             /* csrw mstatus, x10; csrr x15, mstatus */
    {0x34471073, 0x344027f3},             /* csrw mip, x14; csrr x15, mip */
    {0x344727f3},                         /* csrrs x15, mip, x14 */
    {0x30471073, 0x30046073},             /* csrw mie, x14; csrsi mstatus, 8 */
    {0x30371073, 0x303027f3},             /* csrw mideleg, x14; csrr x15, mideleg */
    {0x00150553},                         /* fadd.s f10, f10, f1, rne */
    {0xf2000553},                         /* fmv.d.x f10, x0 */
    {0x003027f3},                         /* frcsr x15 */
    {0xc00027f3},                         /* rdcycle: compared as legal or not only */
    {0x0000100f},                         /* fence.i */
    {0x10500073},                         /* wfi */
};
#define N_SNIPPETS (sizeof snippets / sizeof snippets[0])
enum { SNIPPET_WRITE_SIP = 29, SNIPPET_SET_SIP = 30, SNIPPET_RDCYCLE = N_SNIPPETS - 3, SNIPPET_WFI = N_SNIPPETS - 1 };

static Context context;

static uint64_t snippet_at(unsigned snippet, unsigned closer) {
    return CODE_BASE + (closer * 64 + snippet) * SNIPPET_WORDS * 4;
}

static void make_code(void) {
    _Static_assert(N_SNIPPETS <= 64, "room for the snippets");
    for (unsigned c = 0; c < N_CLOSERS; c++) {
        for (unsigned i = 0; i < 64; i++)
            write32(CODE_BASE + STUB_AT + c * 256 + i * 4, closers[c].insn);
        for (unsigned i = 0; i < 4; i++)
            write32(CODE_BASE + TARGET_AT + c * 16 + i * 4, closers[c].insn);
        for (unsigned s = 0; s < N_SNIPPETS; s++)
            for (unsigned i = 0; i < SNIPPET_WORDS; i++) {
                uint32_t insn = i < SNIPPET_WORDS - 2 ? snippets[s][i] : 0;
                write32(snippet_at(s, c) + i * 4, insn ? insn : closers[c].insn);
            }
    }
    __asm__ volatile("fence.i" ::: "memory");
}

static uint64_t random_status(void) {
    uint64_t status = random64() & (STATUS_SIE | STATUS_MIE | STATUS_SPIE | STATUS_MPIE | STATUS_SPP | STATUS_FS |
                                    STATUS_MPRV | STATUS_SUM | STATUS_MXR | STATUS_TVM | STATUS_TW | STATUS_TSR);
    static const uint8_t modes[] = {PRIV_U, PRIV_S, PRIV_M};

    return status | (uint64_t)modes[below(3)] << STATUS_MPP_SHIFT;
}

static uint64_t some_bits(void) { return one_in(3) ? ~0ul : one_in(2) ? 0 : random64(); }

/* `irq` is the one that may be pending and enabled: of several QEMU takes the one with the lowest number first. */
static void random_interrupts(unsigned closer, uint64_t irq) {
    csr_write(medeleg, some_bits() & 0xb3ff & ~(1ul << closers[closer].cause));
    csr_write(mideleg, some_bits() & 0x222);
    stimecmp_set(irq == 1 << 5 && one_in(2) ? 0 : ~0ul, one_in(4));
    csr_write(mip, one_in(2) ? 0 : irq & 0x222);
    csr_write(mie, one_in(2) ? 0 : irq);
    csr_write(mcounteren, some_bits());
    csr_write(scounteren, some_bits());
    write64(CLINT_BASE + 0x4000, irq == 1 << 7 && one_in(2) ? 0 : ~0ul);
    write32(CLINT_BASE, irq == 1 << 3 && one_in(2));
}

/* Where WFI would wait for ever, something is pending. */
static void make_wfi_end(void) {
    if (csr_read(mip) & csr_read(mie))
        return;
    csr_write(mie, 2);
    csr_write(mip, 2);
}

/* QEMU reads sip.STIP as 0 in M mode now and then, though mip.STIP and mideleg are 1. */
static uint64_t result_bits(unsigned snippet) {
    return snippet == SNIPPET_RDCYCLE ? 0 : snippet == SNIPPET_SET_SIP || snippet == SNIPPET_WRITE_SIP ? ~0x20ul : ~0ul;
}

static void fold_state(unsigned snippet) {
    uint64_t state[] = {
        context.cause,      context.tval,          context.pc - CODE_BASE, context.status,   context.vector,
        csr_read(sepc),     csr_read(scause),      csr_read(stval),        csr_read(stvec),  csr_read(satp),
        csr_read(mip) & 0xaaa, csr_read(mie) & 0xaaa, csr_read(mideleg) & 0x222, csr_read(medeleg) & 0xb3ff,
        context.x[15] & result_bits(snippet), context.x[1],
    };

    for (unsigned i = 0; i < sizeof state / sizeof state[0]; i++)
        fold(state[i]);
    if (params.verbose) {
        print("end snippet=%d", (uint64_t)snippet);
        static const char *const names[] = {"cause", "tval", "epc", "status", "vector", "sepc", "scause", "stval",
                                            "stvec", "satp", "mip", "mie", "mideleg", "medeleg", "x15", "x1"};
        for (unsigned i = 0; i < sizeof state / sizeof state[0]; i++)
            print(" %s=%x", names[i], state[i]);
        print("\n");
    }
}

static void scenario(void) {
    static const uint8_t modes[] = {PRIV_U, PRIV_S, PRIV_M};
    unsigned snippet = below(N_SNIPPETS), closer = below(N_CLOSERS), priv = modes[below(3)];

    static const uint8_t irqs[] = {1, 3, 5, 7, 9};
    uint64_t irq = 1ul << irqs[below(5)];

    random_interrupts(closer, irq);
    if (snippet == SNIPPET_WFI)
        make_wfi_end();
    csr_write(stvec, CODE_BASE + STUB_AT + closer * 256 + below(2));
    csr_write(sepc, CODE_BASE + TARGET_AT + closer * 16);
    csr_write(scause, 0x55);
    csr_write(stval, 0xaa);
    context.x[1] = 0;
    context.x[10] = random_status();
    context.x[11] = DATA_BASE + below(64) * 8;
    context.x[12] = CODE_BASE + TARGET_AT + closer * 16;
    context.x[13] = NOWHERE;
    context.x[14] = random64() & (irq | (one_in(2) ? 0 : 0x0ffffffffffff000ul & ~0x2000ul));
    context.x[15] = 0;
    context.pc = snippet_at(snippet, closer);
    context.status = (random_status() & ~(STATUS_MPP | STATUS_MPRV | STATUS_MIE)) | (uint64_t)priv << STATUS_MPP_SHIFT;
    write64(context.x[11], 0x1122334455667788ul);
    if (params.verbose)
        print("begin snippet=%d priv=%d closer=%d status=%x medeleg=%x mideleg=%x mip=%x mie=%x stvec=%x x10=%x x14=%x\n",
              (uint64_t)snippet, (uint64_t)priv, (uint64_t)closer, context.status, csr_read(medeleg) & 0xb3ff,
              csr_read(mideleg) & 0x222, csr_read(mip) & 0xaaa, csr_read(mie) & 0xaaa, csr_read(stvec), context.x[10],
              context.x[14]);
    uint64_t vector = below(2);
    for (unsigned i = 0; i < 8; i++) {
        context.vector = vector;
        context_count(&context);
        fold_state(snippet);
        if (!(context.cause & INTERRUPT))
            break;
        /* An interrupt for M mode: on without that one. */
        csr_write(mie, csr_read(mie) & ~(1ul << (context.cause & 63)));
        if (snippet == SNIPPET_WFI)
            make_wfi_end();
    }
    fold(read64(context.x[11]));
    if (*(volatile uint32_t *)(CODE_BASE + TARGET_AT + closer * 16) != closers[closer].insn)
        make_code(); /* a store with M mode's rights was there */
    write64(CLINT_BASE + 0x4000, ~0ul);
    write32(CLINT_BASE, 0);
    machine_reset_state();
}

void traps_batch(void) {
    static bool made;
    uint64_t seed = random64();

    if (!made) {
        make_code();
        made = true;
    }
    for (uint64_t i = 0; i < SCENARIOS; i++) {
        if (params.only && params.only != i + 1)
            continue;
        random_seed(seed + i);
        scenario();
        if (params.verbose)
            print("scenario %d %x\n", i, hash);
    }
}
