/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/random/guest.h"

#include "core/memmap.h"

enum {
    CSR_MSTATUS = 0x300,
    CSR_MEDELEG = 0x302,
    CSR_MIDELEG,
    CSR_MIE,
    CSR_MTVEC,
    CSR_MCOUNTEREN,
    CSR_MENVCFG = 0x30a,
    CSR_MSCRATCH = 0x340,
    CSR_MEPC,
    CSR_MCAUSE,
    CSR_MTVAL,
    CSR_MIP,
    CSR_PMPCFG0 = 0x3a0,
    CSR_PMPADDR0 = 0x3b0,
    CSR_MHARTID = 0xf14,
    CSR_STVEC = 0x105,
    CSR_SCOUNTEREN,
    CSR_SENVCFG = 0x10a,
    CSR_SSCRATCH = 0x140,
    CSR_SEPC,
    CSR_SCAUSE,
    CSR_STVAL,
    CSR_STIMECMP = 0x14d,
    CSR_SATP = 0x180,
};
#define CLINT_MSIP(hart) (VIRT_CLINT_BASE + 4 * (hart))
#define CLINT_MTIMECMP(hart) (VIRT_CLINT_BASE + 0x4000 + 8 * (hart))
#define CLINT_MTIME (VIRT_CLINT_BASE + 0xbff8)
#define PLIC_CLAIM(context) (VIRT_PLIC_BASE + 0x200004 + 0x1000 * (context))

/* -- page tables ------------------------------------------------------------------------------------------
 */

enum { PTE_V = 1, PTE_R = 2, PTE_W = 4, PTE_X = 8, PTE_U = 16, PTE_A = 64, PTE_D = 128, PTE_ALL = 0xcf };
enum { TABLE_ROOTS = 0, TABLE_MIDDLE = 2, TABLE_WINDOWS = 6, TABLE_LEAVES = 8, N_TABLES = 10 };

static uint64_t table_address(unsigned table) {
    return LAYOUT_TABLES + table * PAGE_SIZE;
}

static uint64_t pte_to(uint64_t address, unsigned flags) {
    return (address >> PAGE_BITS) << 10 | flags;
}

uint64_t random_pte(Random *r) {
    uint64_t target;
    switch (random_below(r, 16)) {
    case 0: return 0;
    case 1: return random_next(r);
    case 2: target = VIRT_UART_BASE; break;
    case 3: target = table_address(TABLE_LEAVES + (unsigned)random_below(r, 2)); break;
    case 4: target = table_address((unsigned)random_below(r, N_TABLES)); break;
    case 5:
    case 6:
    case 7: target = LAYOUT_SMC + random_below(r, 2) * PAGE_SIZE; break;
    default: target = LAYOUT_POOL + random_below(r, 8) * PAGE_SIZE; break;
    }
    unsigned flags =
        random_one_in(r, 4) ? (unsigned)random_below(r, 256) : PTE_ALL | (unsigned)random_below(r, 2) * PTE_U;
    uint64_t pte = pte_to(target, flags | (random_one_in(r, 8) ? 0 : PTE_V));
    return random_one_in(r, 64) ? pte | random_next(r) << 54 : pte;
}

static void put64(uint8_t *image, uint64_t address, uint64_t value) {
    for (unsigned i = 0; i < 8; i++)
        image[address - LAYOUT_CODE + i] = (uint8_t)(value >> 8 * i);
}

/* One address space: everything but the windows is where it is, and once more for U mode. */
static void make_space(Gen *g, uint8_t *image, unsigned root) {
    unsigned extra = g->satp_mode - 8, table = TABLE_ROOTS + root; /* levels above those of Sv39 */
    for (unsigned i = 0; i < extra; i++) {
        unsigned next = TABLE_MIDDLE + 2 * root + i;
        put64(image, table_address(table), pte_to(table_address(next), PTE_V));
        table = next;
    }
    uint64_t at = table_address(table), gib = UINT64_C(1) << 30;
    for (unsigned i = 0; i < 8; i++)
        if (i % 4 != 1)
            put64(image, at + 8 * i, pte_to(i % 4 * gib, PTE_ALL | (i >= 4 ? PTE_U : 0)));
    unsigned windows = TABLE_WINDOWS + root, leaves = TABLE_LEAVES + (gen_one_in(g, 2) ? 0 : root);
    put64(image, at + 8, pte_to(table_address(windows), PTE_V));
    put64(image, table_address(windows), pte_to(table_address(leaves), PTE_V));
    put64(image, table_address(windows) + 8, pte_to(LAYOUT_CODE, PTE_ALL)); /* 2 MiB at once */
    for (unsigned i = 0; i < LAYOUT_N_WINDOWS; i++)
        put64(image, table_address(leaves) + 8 * i, random_pte(&g->random));
}

uint64_t gen_satp(const Gen *g, unsigned root) {
    return (uint64_t)g->satp_mode << 60 | (uint64_t)(root + 1) << 44 |
           table_address(TABLE_ROOTS + root) >> PAGE_BITS;
}

/* Subroutines of eight words: seven that may be rewritten, and the way back. */
static void make_subroutines(Gen *g, uint8_t *image) {
    for (unsigned at = 0; at < 2 * PAGE_SIZE; at += 8) {
        uint32_t low = random_plain_insn(&g->random, &g->config->isa);
        uint32_t high = at % 32 == 24 ? JALR(ZERO, RA, 0) : random_plain_insn(&g->random, &g->config->isa);
        put64(image, LAYOUT_SMC + at, low | (uint64_t)high << 32);
    }
}

/* -- code -------------------------------------------------------------------------------------------------
 */

void gen_li(Gen *g, unsigned reg, uint64_t value) {
    asm_li(&g->a, reg, (int64_t)value);
}

void gen_address(Gen *g, unsigned reg, uint64_t address) {
    gen_li(g, reg, address + g->alias);
}

static uint32_t forward(Gen *g) {
    uint32_t at = g->a.at;
    emit(g, 0);
    return at;
}
static int from(const Gen *g, uint32_t at) {
    return (int)g->a.at - (int)at;
}

typedef struct HandlerCsrs {
    unsigned scratch, cause, epc, tval;
    int area; /* of the registers, from the hart's trap page */
} HandlerCsrs;
static const HandlerCsrs handler_m = {CSR_MSCRATCH, CSR_MCAUSE, CSR_MEPC, CSR_MTVAL, 0};
static const HandlerCsrs handler_s = {CSR_SSCRATCH, CSR_SCAUSE, CSR_SEPC, CSR_STVAL, TRAP_S_AREA};

static void handler_enter(Gen *g, const HandlerCsrs *c) {
    emit(g, CSRRW(TP, c->scratch, TP));
    emit(g, SD(T0, TP, 0));
    emit(g, SD(T1, TP, 8));
    emit(g, SD(T2, TP, 16));
    emit(g, SD(T6, TP, 24));
    emit(g, SD(A7_, TP, 32));
    emit(g, CSRR(T0, c->cause));
    emit(g, CSRR(T1, c->epc));
    emit(g, CSRR(T2, c->tval));
    emit(g, LD(T6, TP, TRAP_DIGEST - c->area));
    emit(g, XOR(T2, T2, T1));
    emit(g, XOR(T2, T2, T0));
    emit(g, ADD(T2, T2, T6));
    emit(g, SLLI(T6, T6, 5));
    emit(g, ADD(T6, T6, T2));
    emit(g, SD(T6, TP, TRAP_DIGEST - c->area));
}

static void handler_leave(Gen *g, const HandlerCsrs *c, uint32_t ret) {
    emit(g, LD(T0, TP, 0));
    emit(g, LD(T1, TP, 8));
    emit(g, LD(T2, TP, 16));
    emit(g, LD(T6, TP, 24));
    emit(g, LD(A7_, TP, 32));
    emit(g, CSRRW(TP, c->scratch, TP));
    emit(g, ret);
}

/* T0 is the cause; the code of `body` runs if it is n. */
static uint32_t if_cause(Gen *g, unsigned n) {
    gen_li(g, T1, n);
    return forward(g);
}
static void end_if(Gen *g, uint32_t at) {
    asm_patch(&g->a, at, BNE(T0, T1, from(g, at)));
}

/* Go on after the instruction that trapped; elsewhere if there is none. T0: cause, T1: epc. */
static void handler_skip(Gen *g, const HandlerCsrs *c) {
    emit(g, LD(T6, TP, TRAP_RECOVERY - c->area));
    uint32_t lost[4];
    gen_li(g, T2, EXC_INSN_ACCESS);
    lost[0] = forward(g);
    gen_li(g, T2, EXC_INSN_PAGE);
    lost[1] = forward(g);
    emit(g, SLLI(T1, T1, 32));
    emit(g, SRLI(T1, T1, 32)); /* without the alias */
    gen_li(g, T2, LAYOUT_CODE);
    lost[2] = forward(g);
    gen_li(g, T2, LAYOUT_CODE + LAYOUT_RAM_SIZE);
    lost[3] = forward(g);
    emit(g, LHU(T2, T1, 0));
    emit(g, CSRR(T6, c->epc));
    emit(g, ADDI(T6, T6, 2));
    emit(g, ANDI(T2, T2, 3));
    emit(g, ADDI(T2, T2, -3));
    emit(g, BNE(T2, ZERO, 8));
    emit(g, ADDI(T6, T6, 2));
    for (unsigned i = 0; i < 2; i++)
        asm_patch(&g->a, lost[i], BEQ(T0, T2, from(g, lost[i])));
    asm_patch(&g->a, lost[2], BLTU(T1, T2, from(g, lost[2])));
    asm_patch(&g->a, lost[3], rv_b(7, T1, T2, from(g, lost[3])));
    emit(g, CSRW(c->epc, T6));
}

/* Claim from a context, quieten the device, complete. */
static void handler_external(Gen *g, unsigned context, int area) {
    gen_li(g, T6, PLIC_CLAIM(context));
    emit(g, LW(A7_, T6, 0));
    /* A device that is not quietened by what follows loses its voice after a while. */
    emit(g, LD(T1, TP, TRAP_DIGEST - area));
    emit(g, ANDI(T1, T1, 31));
    emit(g, BNE(T1, ZERO, 20));
    emit(g, SLLI(T1, A7_, 2));
    emit(g, LUI(T2, VIRT_PLIC_BASE >> 12));
    emit(g, ADD(T2, T2, T1));
    emit(g, SW(ZERO, T2, 0));
    emit(g, ADDI(T2, A7_, -VIRT_UART_IRQ));
    uint32_t not_uart = forward(g);
    gen_li(g, T2, VIRT_UART_BASE);
    emit(g, LBU(T1, T2, 2));
    emit(g, LBU(T1, T2, 6));
    uint32_t loop = g->a.at;
    emit(g, LBU(T1, T2, 5));
    emit(g, ANDI(T1, T1, 1));
    uint32_t empty = forward(g);
    emit(g, LBU(T1, T2, 0));
    emit(g, SB(T1, T2, 0));
    emit(g, JAL(ZERO, asm_to(&g->a, loop)));
    asm_patch(&g->a, empty, BEQ(T1, ZERO, from(g, empty)));
    asm_patch(&g->a, not_uart, BNE(T2, ZERO, from(g, not_uart)));
    emit(g, ADDI(T2, A7_, -1)); /* virtio slots are sources 1 to 8 */
    emit(g, ANDI(T1, T2, ~7));
    uint32_t not_virtio = forward(g);
    emit(g, SLLI(T2, T2, 12));
    gen_li(g, T1, VIRT_VIRTIO_BASE);
    emit(g, ADD(T2, T2, T1));
    emit(g, LW(T1, T2, 0x60));
    emit(g, SW(T1, T2, 0x64));
    asm_patch(&g->a, not_virtio, BNE(T1, ZERO, from(g, not_virtio)));
    emit(g, LUI(T2, VIRT_RTC_BASE >> 12));
    emit(g, SW(T2, T2, 0x1c));
    emit(g, SW(A7_, T6, 0));
}

static void clear_pending(Gen *g) {
    gen_li(g, T2, 1 << IRQ_SSI | 1 << IRQ_STI | 1 << IRQ_SEI);
    emit(g, CSRRC(ZERO, CSR_MIP, T2));
    if (g->stimecmp) {
        gen_li(g, T2, UINT64_MAX);
        emit(g, CSRW(CSR_STIMECMP, T2));
    }
}

/* T6: this hart's word is in its digest's low bits, as good a random number as any. */
static void rearm_timer(Gen *g) {
    gen_li(g, T1, CLINT_MTIME);
    emit(g, LD(T2, T1, 0));
    emit(g, ANDI(T6, T6, 63));
    emit(g, ADDI(T6, T6, 1));
    emit(g, SLLI(T6, T6, (int)g->config->icount_shift));
    emit(g, ADD(T2, T2, T6));
    gen_li(g, T1, CLINT_MTIMECMP(g->hart));
    emit(g, SD(T2, T1, 0));
}

static void handler_interrupts_m(Gen *g) {
    emit(g, SLLI(T0, T0, 1));
    emit(g, SRLI(T0, T0, 1));
    uint32_t at = if_cause(g, IRQ_MTI);
    rearm_timer(g);
    end_if(g, at);
    at = if_cause(g, IRQ_MSI);
    gen_li(g, T2, CLINT_MSIP(g->hart));
    emit(g, SW(ZERO, T2, 0));
    end_if(g, at);
    at = if_cause(g, IRQ_MEI);
    handler_external(g, 2 * g->hart, 0);
    end_if(g, at);
    at = if_cause(g, IRQ_SEI);
    handler_external(g, 2 * g->hart + 1, 0);
    end_if(g, at);
    clear_pending(g);
    handler_leave(g, &handler_m, MRET);
}

/* mtvec and stvec hold addresses of whole words. */
static uint32_t handler_start(Gen *g) {
    if (g->a.at % 4)
        asm_h(&g->a, C_NOP);
    return g->a.at;
}

static uint32_t make_handler_m(Gen *g) {
    uint32_t start = handler_start(g);
    handler_enter(g, &handler_m);
    uint32_t exception = forward(g);
    handler_interrupts_m(g);
    asm_patch(&g->a, exception, BGE(T0, ZERO, from(g, exception)));
    gen_li(g, T2, CALL_NEXT);
    uint32_t not_next = forward(g);
    emit(g, LD(T6, TP, TRAP_NEXT)); /* whatever the cause: a7 has this value at no other time */
    emit(g, CSRW(CSR_MEPC, T6));
    gen_li(g, T2, 3 << 11);
    emit(g, CSRRS(ZERO, CSR_MSTATUS, T2));
    handler_leave(g, &handler_m, MRET);
    asm_patch(&g->a, not_next, BNE(A7_, T2, from(g, not_next)));
    gen_li(g, T2, CALL_CLEAR);
    uint32_t not_clear = forward(g);
    clear_pending(g);
    asm_patch(&g->a, not_clear, BNE(A7_, T2, from(g, not_clear)));
    handler_skip(g, &handler_m);
    handler_leave(g, &handler_m, MRET);
    return start;
}

static uint32_t make_handler_s(Gen *g) {
    uint32_t start = handler_start(g);
    handler_enter(g, &handler_s);
    uint32_t exception = forward(g);
    emit(g, ANDI(T0, T0, 15));
    uint32_t at = if_cause(g, IRQ_SEI);
    handler_external(g, 2 * g->hart + 1, TRAP_S_AREA);
    end_if(g, at);
    gen_li(g, A7_, CALL_CLEAR);
    emit(g, CSRR(T2, CSR_SEPC)); /* the call may be delegated: then it comes back here and spoils these */
    emit(g, ECALL);
    emit(g, CSRW(CSR_SEPC, T2));
    handler_leave(g, &handler_s, SRET);
    asm_patch(&g->a, exception, BGE(T0, ZERO, from(g, exception)));
    gen_li(g, T2, CALL_NEXT);
    uint32_t not_next = forward(g);
    handler_leave(g, &handler_s, ECALL);
    asm_patch(&g->a, not_next, BNE(A7_, T2, from(g, not_next)));
    handler_skip(g, &handler_s);
    handler_leave(g, &handler_s, SRET);
    return start;
}

static void csr_set_to(Gen *g, unsigned csr, uint64_t value) {
    gen_li(g, T0, value);
    emit(g, CSRW(csr, T0));
}

static void boot_hart(Gen *g, uint32_t m_entry, uint32_t s_entry) {
    uint64_t area = LAYOUT_TRAP + g->hart * PAGE_SIZE;
    csr_set_to(g, CSR_MTVEC, LAYOUT_CODE + m_entry);
    csr_set_to(g, CSR_STVEC, LAYOUT_CODE + s_entry);
    csr_set_to(g, CSR_MSCRATCH, area);
    csr_set_to(g, CSR_SSCRATCH, area + TRAP_S_AREA);
    csr_set_to(g, CSR_PMPADDR0, UINT64_C(0xffffffffffff));
    csr_set_to(g, CSR_PMPCFG0, 0x1f);
    csr_set_to(g, CSR_MCOUNTEREN, gen_below(g, 8));
    csr_set_to(g, CSR_SCOUNTEREN, gen_below(g, 8));
    csr_set_to(g, CSR_MENVCFG, (uint64_t)g->stimecmp << 63 | gen_below(g, 4) << 61 | 0xf0);
    csr_set_to(g, CSR_SENVCFG, 0xf0);
    /* Any context may get any source. */
    for (unsigned context = 2 * g->hart; context < 2 * g->hart + 2; context++) {
        gen_li(g, T1, VIRT_PLIC_BASE + 0x2000 + 0x80 * context);
        gen_li(g, T0, gen_below(g, 0x800));
        emit(g, SW(T0, T1, 0));
    }
    for (unsigned i = 8; i < 29; i++)
        gen_li(g, i, random_next(&g->random) & 0x7fffffff);
}

static void boot_devices(Gen *g) {
    gen_li(g, T1, VIRT_PLIC_BASE);
    for (unsigned source = 1; source <= 11; source++) {
        gen_li(g, T0, 1 + gen_below(g, 7));
        emit(g, SW(T0, T1, 4 * (int)source));
    }
    gen_li(g, T1, VIRT_UART_BASE);
    gen_li(g, T0, gen_below(g, 16));
    emit(g, SB(T0, T1, 1));
    for (unsigned slot = 0; slot < MACHINE_VIRTIO_SLOTS; slot++)
        if (g->virtio[slot])
            gen_virtio_start(g, slot);
}

/* mret into the segment: random delegation, enables, address space. */
static void segment_enter(Gen *g) {
    g->mode = (unsigned[]){PRIV_U, PRIV_S, PRIV_S, PRIV_M}[gen_below(g, 4)];
    bool paged = !gen_one_in(g, 4);
    g->alias = g->mode == PRIV_U && paged ? LAYOUT_ALIAS : 0;
    gen_li(g, T0, paged ? gen_satp(g, (unsigned)gen_below(g, 2)) : 0);
    emit(g, CSRW(CSR_SATP, T0));
    if (gen_one_in(g, 2))
        emit(g, SFENCE_VMA(ZERO, ZERO));
    csr_set_to(g, CSR_MIE, gen_one_in(g, 8) ? gen_below(g, 0x4000) : 0xaaa);
    csr_set_to(g, CSR_MIDELEG, random_next(&g->random) & 0x2222);
    csr_set_to(g, CSR_MEDELEG, random_next(&g->random) & 0xb1ff); /* never a call from S mode */
    /* MIE stays off until mret. MPRV once in a long while: then even the handler may fault. */
    uint64_t status = (uint64_t)g->mode << 11 | (uint64_t)!gen_one_in(g, 4) << 7 | gen_below(g, 2) << 1 |
                      gen_below(g, 2) << 5 | (gen_one_in(g, 8) ? gen_below(g, 4) : 3) << 13 |
                      gen_below(g, 4) << 18 | (uint64_t)gen_one_in(g, 64) << 17 |
                      (uint64_t)gen_one_in(g, 32) << 20 | (uint64_t)gen_one_in(g, 32) << 21;
    csr_set_to(g, CSR_MSTATUS, status);
    gen_li(g, T1, LAYOUT_TRAP + g->hart * PAGE_SIZE);
}

static void segment(Gen *g) {
    segment_enter(g);
    uint32_t next = g->a.at;
    emit(g, AUIPC(T0, 0));
    uint32_t next_offset = forward(g);
    emit(g, SD(T0, T1, TRAP_NEXT));
    gen_li(g, T2, g->alias);
    emit(g, AUIPC(T0, 0));
    emit(g, ADDI(T0, T0, 24));
    emit(g, ADD(T0, T0, T2));
    emit(g, SD(T0, T1, TRAP_RECOVERY));
    emit(g, CSRW(CSR_MEPC, T0));
    emit(g, MRET);
    unsigned n = 1 + (unsigned)gen_below(g, 8);
    while (n-- && (int)(g->a.at - next) < 1600)
        gen_action(g);
    gen_li(g, A7_, CALL_NEXT);
    emit(g, ECALL);
    g_assert(from(g, next) < 2048);
    asm_patch(&g->a, next_offset, ADDI(T0, T0, from(g, next)));
    gen_li(g, A7_, 0);
}

/* The first hart waits for the others, for a while, and ends the machine; they stay in WFI or spin. */
static void finish(Gen *g) {
    g->alias = 0;
    gen_li(g, T1, LAYOUT_SHARED);
    gen_li(g, T0, 1);
    emit(g, AMOADD_W(ZERO, T0, T1));
    if (g->hart) {
        csr_set_to(g, CSR_MIE, 0);
        if (gen_one_in(g, 2))
            emit(g, WFI);
        emit(g, JAL(ZERO, 0));
        return;
    }
    gen_li(g, T2, 2000);
    uint32_t loop = g->a.at;
    emit(g, LW(T0, T1, 0));
    emit(g, ADDI(T0, T0, -(int)g->config->n_harts));
    uint32_t done = forward(g);
    emit(g, PAUSE);
    emit(g, ADDI(T2, T2, -1));
    emit(g, BNE(T2, ZERO, asm_to(&g->a, loop)));
    asm_patch(&g->a, done, BEQ(T0, ZERO, from(g, done)));
    gen_li(g, T1, VIRT_TEST_BASE);
    gen_li(g, T0, gen_one_in(g, 40) ? 0x7777 : gen_one_in(g, 2) ? 0x5555 : 0x3333 | gen_below(g, 256) << 16);
    emit(g, SW(T0, T1, 0));
    emit(g, JAL(ZERO, 0));
}

/* Returns where the hart's code begins. */
static uint32_t make_hart(Gen *g, uint32_t end) {
    g->alias = 0;
    uint32_t m_entry = make_handler_m(g), s_entry = make_handler_s(g), start = g->a.at;
    boot_hart(g, m_entry, s_entry);
    if (g->hart == 0)
        boot_devices(g);
    unsigned segments = 4 + (unsigned)gen_below(g, 24);
    while (segments-- && g->a.at < end) {
        g->alias = 0;
        segment(g);
    }
    finish(g);
    return start;
}

/* All harts start here; each goes where its code begins. */
static void make_code(Gen *g) {
    uint32_t jumps[MACHINE_MAX_HARTS];
    unsigned n = g->config->n_harts;
    emit(g, CSRR(T0, CSR_MHARTID));
    for (unsigned i = 0; i < n; i++) {
        gen_li(g, T1, i);
        emit(g, BNE(T0, T1, 8));
        jumps[i] = forward(g);
    }
    for (g->hart = 0; g->hart < n; g->hart++) {
        uint32_t start = make_hart(g, 0xe000 / n * (g->hart + 1));
        asm_patch(&g->a, jumps[g->hart], JAL(ZERO, (int)start - (int)jumps[g->hart]));
    }
}

/* -- the machine ------------------------------------------------------------------------------------------
 */

static void make_config(Random *r, MachineConfig *c) {
    machine_config_init(c);
    c->ram_size = LAYOUT_RAM_SIZE;
    c->n_harts = (unsigned[]){1, 1, 2, 2, 3, 4}[random_below(r, 6)];
    c->icount_shift = random_one_in(r, 2) ? 0 : (uint32_t)random_below(r, 7);
    c->schedule_seed = random_next(r);
    c->rtc_base_ns = random_one_in(r, 2) ? UINT64_MAX : random_next(r) >> 2;
    c->aclint = random_one_in(r, 2);
    c->no_reboot = random_one_in(r, 2);
    c->virtio_legacy = random_one_in(r, 2);
    c->isa.svadu = !random_one_in(r, 4);
    c->isa.sstc = !random_one_in(r, 4);
    c->isa.zfh = c->isa.zfhmin = random_one_in(r, 2);
    c->isa.zcb = random_one_in(r, 2);
    c->isa.zbkb = c->isa.zbkc = c->isa.zbkx = random_one_in(r, 2);
    c->isa.zknd = c->isa.zkne = c->isa.zknh = random_one_in(r, 2);
    c->virtio[7] =
        (VirtioSlotConfig){VIRTIO_BLK, g_strdup("disk"), 0, LAYOUT_DISK_SECTORS, random_one_in(r, 8), {0}};
    if (random_one_in(r, 2))
        c->virtio[6] = (VirtioSlotConfig){VIRTIO_RNG, g_strdup("rng"), 0, 0, false, {0}};
    if (random_one_in(r, 2)) {
        c->virtio[5] = (VirtioSlotConfig){VIRTIO_CONSOLE, g_strdup("con"), 0, 0, false, {0}};
        c->n_console = 2;
    }
}

void random_guest_make(uint64_t seed, MachineConfig *config) {
    Gen *g = g_new0(Gen, 1);
    g->random.state = seed;
    make_config(&g->random, config);
    g->config = config;
    g->satp_mode = 8 + (unsigned)gen_below(g, 3);
    g->stimecmp = config->isa.sstc && gen_one_in(g, 2);
    for (unsigned i = 0; i < MACHINE_VIRTIO_SLOTS; i++)
        g->virtio[i] = config->virtio[i].kind != VIRTIO_NONE;
    uint8_t *image = g_malloc0(LAYOUT_IMAGE_END - LAYOUT_CODE);
    make_space(g, image, 0);
    make_space(g, image, 1);
    make_subroutines(g, image);
    make_code(g);
    memcpy(image, g->a.bytes, g->a.at);
    g_autoptr(GBytes) bytes = g_bytes_new_take(image, LAYOUT_IMAGE_END - LAYOUT_CODE);
    g_ptr_array_add(config->images, machine_image_new(IMAGE_BIOS, "random guest", bytes, 0));
    g_free(g);
}
