/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What random guests do. Each action is at most some 300 bytes of code, and ends after a bounded time. */
#include "core/memmap.h"
#include "tcg/riscv/decode.h"
#include "tests/random/guest.h"

/* -- single instructions ----------------------------------------------------------------------------------
 */

static bool is_one_of(const char *name, const char *const *list) {
    for (; *list; list++)
        if (g_str_has_prefix(name, *list))
            return true;
    return false;
}

/* By name, compressed ones by the name of what they stand for. */
static bool is_plain(const InsnInfo *info) {
    static const char *const others[] = {
        "lb",     "lh",   "lw",   "ld",  "flh", "flw",    "fld",    "fsh",  "fsw",      "fsd",
        "beq",    "bne",  "blt",  "bge", "jal", "lr.",    "sc.",    "amo",  "csr",      "ecall",
        "ebreak", "mret", "sret", "wfi", "wrs", "sfence", "sinval", "cbo.", "prefetch", NULL};
    const char *name = riscv_insns[info->base].name;
    static const char *const stores[] = {"sb", "sh", "sw", "sd", NULL};
    for (unsigned i = 0; stores[i]; i++)
        if (!strcmp(name, stores[i]))
            return false;
    return !is_one_of(name, others);
}

static bool is_memory(const InsnInfo *info) {
    static const char *const all[] = {"flh", "flw", "fld", "fsh",  "fsw",      "fsd",
                                      "lr.", "sc.", "amo", "cbo.", "prefetch", NULL};
    static const char *const exact[] = {"lb",  "lh", "lw", "ld", "lbu", "lhu",
                                        "lwu", "sb", "sh", "sw", "sd",  NULL};
    for (unsigned i = 0; exact[i]; i++)
        if (!strcmp(info->name, exact[i]))
            return true;
    return is_one_of(info->name, all);
}

static bool is_free(unsigned reg) {
    return reg == 0 || (reg >= 8 && reg != A7_ && reg < T4);
}

/* A random instruction that `want` wants. Its destination is a register without a purpose. */
static uint32_t random_insn(Random *r, const Isa *isa, bool (*want)(const InsnInfo *), bool compressed) {
    for (;;) {
        const InsnInfo *info = &riscv_insns[random_below(r, INSN_COUNT)];
        if (!info->name || info->mask == 0 ||
            ((info->mask & 3) == 3 && (info->match & 3) != 3) != compressed || !want(info))
            continue;
        uint32_t word = ((uint32_t)random_next(r) & ~info->mask) | info->match;
        InsnArgs args;
        if (compressed)
            word &= 0xffff;
        if (riscv_decode(isa, word, &args) == (InsnId)(info - riscv_insns) && is_free(args.rd))
            return word;
    }
}

uint32_t random_plain_insn(Random *r, const Isa *isa) {
    return random_insn(r, isa, is_plain, false);
}

static void emit_plain(Gen *g) {
    if (g->config->isa.c && gen_one_in(g, 4))
        asm_h(&g->a, (uint16_t)random_insn(&g->random, &g->config->isa, is_plain, true));
    else
        emit(g, random_plain_insn(&g->random, &g->config->isa));
}

/* Through T6, up to 2 KiB to either side of what it points at. */
static void emit_memory(Gen *g) {
    uint32_t word = random_insn(&g->random, &g->config->isa, is_memory, false);
    emit(g, (word & ~(31u << 15)) | T6 << 15);
}

/* -- memory -----------------------------------------------------------------------------------------------
 */

static uint64_t own_data(Gen *g) {
    return LAYOUT_DATA + 0x4000 * g->hart + 0x1000 + gen_below(g, 0x2000);
}

static void act_arithmetic(Gen *g) {
    for (unsigned n = 4 + (unsigned)gen_below(g, 30); n--;)
        emit_plain(g);
}

static void act_memory(Gen *g) {
    gen_address(g, T6,
                gen_one_in(g, 4) ? LAYOUT_SHARED + 0x800 : own_data(g) & (gen_one_in(g, 2) ? ~7u : ~0u));
    for (unsigned n = 2 + (unsigned)gen_below(g, 12); n--;) {
        emit_memory(g);
        if (gen_one_in(g, 2))
            emit_plain(g);
    }
}

static void act_loop(Gen *g) {
    gen_address(g, T6, own_data(g));
    gen_li(g, T5, 5 + gen_below(g, 120));
    uint32_t loop = g->a.at;
    for (unsigned n = 1 + (unsigned)gen_below(g, 8); n--;)
        gen_one_in(g, 2) ? emit_memory(g) : emit_plain(g);
    if (gen_one_in(g, 2)) {
        emit(g, ANDI(T0, T5, 1)); /* two ways through it */
        emit(g, BNE(T0, ZERO, 8));
        emit(g, random_plain_insn(&g->random, &g->config->isa));
    }
    emit(g, ADDI(T5, T5, -1));
    emit(g, BNE(T5, ZERO, asm_to(&g->a, loop)));
}

static uint64_t window(Gen *g) {
    return LAYOUT_WINDOWS + gen_below(g, LAYOUT_N_WINDOWS) * PAGE_SIZE + (gen_one_in(g, 16) ? 2u << 20 : 0);
}

static void act_window(Gen *g) {
    gen_li(g, T6, window(g) + gen_below(g, PAGE_SIZE)); /* windows have no alias */
    for (unsigned n = 1 + (unsigned)gen_below(g, 6); n--;)
        emit_memory(g);
}

/* Random entries into the tables that windows are walked through, with and without a fence, and a look. */
static void act_page_table(Gen *g) {
    gen_address(g, T5, LAYOUT_TABLES + (8 + gen_below(g, 2)) * PAGE_SIZE);
    for (unsigned n = 1 + (unsigned)gen_below(g, 4); n--;) {
        unsigned slot = (unsigned)gen_below(g, LAYOUT_N_WINDOWS);
        gen_li(g, T6, LAYOUT_WINDOWS + slot * PAGE_SIZE + gen_below(g, 0x400) * 4);
        if (gen_one_in(g, 2))
            emit_memory(g);
        if (gen_one_in(g, 4)) {
            emit(g, LD(T0, T5, 8 * (int)slot)); /* another permission, accessed or dirty bit, or page */
            emit(g, rv_i(0x13, 4, T0, T0, 1 << gen_below(g, 11)));
        } else {
            gen_li(g, T0, random_pte(&g->random) & INT64_MAX);
        }
        emit(g, SD(T0, T5, 8 * (int)slot));
        switch (gen_below(g, 5)) {
        case 0: emit(g, SFENCE_VMA(ZERO, ZERO)); break;
        case 1: emit(g, SFENCE_VMA(T6, ZERO)); break;
        case 2: emit(g, SFENCE_VMA(T6, T0)); break;
        default: break; /* translation behaves as if walked on every access */
        }
        emit_memory(g);
    }
}

static void act_address_space(Gen *g) {
    if (g->mode == PRIV_U)
        return;
    gen_li(g, T0, gen_one_in(g, 8) && !g->alias ? 0 : gen_satp(g, (unsigned)gen_below(g, 2)));
    emit(g, CSRW(0x180, T0));
    if (gen_one_in(g, 2))
        emit(g, SFENCE_VMA(ZERO, ZERO));
    act_window(g);
}

/* -- several harts ----------------------------------------------------------------------------------------
 */

static void act_atomics(Gen *g) {
    gen_address(g, T6, LAYOUT_SHARED + 64 + 8 * gen_below(g, 4));
    unsigned tries = 1 + (unsigned)gen_below(g, 12);
    gen_li(g, T5, tries);
    uint32_t loop = g->a.at;
    emit(g, LR_D(T0, T6));
    for (unsigned n = (unsigned)gen_below(g, 4); n--;)
        emit_plain(g);
    emit(g, ADDI(T0, T0, 1));
    if (gen_one_in(g, 8))
        emit(g, SD(T0, T6, 0));
    emit(g, SC_D(T1, T0, T6));
    emit(g, ADDI(T5, T5, -1));
    emit(g, BEQ(T5, ZERO, 8));
    emit(g, BNE(T1, ZERO, asm_to(&g->a, loop)));
}

static void act_lock(Gen *g) {
    gen_address(g, T6, LAYOUT_SHARED + 128);
    gen_li(g, T5, 1 + gen_below(g, 300));
    uint32_t loop = g->a.at;
    gen_li(g, T0, 1);
    emit(g, ADDI(T5, T5, -1));
    emit(g, BEQ(T5, ZERO, 16)); /* enough: in without the lock */
    emit(g, AMOSWAP_W(T1, T0, T6));
    if (gen_one_in(g, 2))
        emit(g, PAUSE);
    else
        emit(g, ADDI(ZERO, ZERO, 0));
    emit(g, BNE(T1, ZERO, asm_to(&g->a, loop)));
    for (unsigned n = 1 + (unsigned)gen_below(g, 5); n--;) {
        emit(g, LD(T0, T6, 8 + 8 * (int)(n % 3)));
        emit(g, ADDI(T0, T0, 1 + (int)g->hart));
        emit(g, SD(T0, T6, 8 + 8 * (int)(n % 3)));
    }
    emit(g, SW(ZERO, T6, 0));
}

static void act_ipi(Gen *g) {
    uint64_t hart = gen_below(g, g->config->n_harts);
    gen_address(g, T6, gen_one_in(g, 4) ? VIRT_SSWI_BASE + 4 * hart : VIRT_CLINT_BASE + 4 * hart);
    gen_li(g, T0, 1);
    emit(g, SW(T0, T6, 0));
}

/* -- time -------------------------------------------------------------------------------------------------
 */

static void set_timer(Gen *g, uint64_t ticks) {
    gen_address(g, T6, VIRT_CLINT_BASE + 0xbff8);
    emit(g, LD(T0, T6, 0));
    gen_li(g, T1, ticks << g->config->icount_shift);
    emit(g, ADD(T0, T0, T1));
    gen_address(g, T6,
                VIRT_CLINT_BASE + 0x4000 +
                    8 * (gen_one_in(g, 8) ? gen_below(g, g->config->n_harts) : g->hart));
    emit(g, SD(T0, T6, 0));
    if (g->stimecmp && g->mode != PRIV_U && gen_one_in(g, 2)) {
        emit(g, ADDI(T0, T0, (int)gen_below(g, 16) - 8));
        emit(g, CSRW(0x14d, T0));
    }
}

static void act_timer(Gen *g) {
    set_timer(g, gen_below(g, 40));
}

static void act_wait(Gen *g) {
    set_timer(g, 1 + gen_below(g, 100));
    if (gen_one_in(g, 3)) {
        gen_address(g, T6, own_data(g) & ~7u);
        emit(g, LR_D(T0, T6));
        emit(g, gen_one_in(g, 2) ? 0x00d00073u : 0x01d00073u); /* wrs.nto, wrs.sto */
    } else {
        emit(g, WFI);
    }
}

static void act_clock(Gen *g) {
    static const uint16_t counters[] = {0xc00, 0xc01, 0xc02, 0xc03, 0xb00, 0xb02, 0xb03, 0x320, 0x344, 0x144};
    for (unsigned n = 1 + (unsigned)gen_below(g, 4); n--;)
        emit(g, CSRRS(8 + (unsigned)gen_below(g, 8), counters[gen_below(g, G_N_ELEMENTS(counters))], ZERO));
    gen_address(g, T6, VIRT_RTC_BASE);
    emit(g, LW(8, T6, 4 * (int)gen_below(g, 8)));
    if (gen_one_in(g, 4))
        emit(g, SW(8, T6, 8 + 4 * (int)gen_below(g, 4)));
}

/* -- devices ----------------------------------------------------------------------------------------------
 */

static void act_uart(Gen *g) {
    gen_address(g, T6, VIRT_UART_BASE);
    for (unsigned n = 1 + (unsigned)gen_below(g, 8); n--;) {
        int reg = (int)gen_below(g, 8);
        if (gen_one_in(g, 2)) {
            emit(g, LBU(8 + (unsigned)gen_below(g, 8), T6, reg));
        } else {
            gen_li(g, T0, gen_one_in(g, 4) ? gen_below(g, 256) : gen_below(g, 16));
            emit(g, SB(T0, T6, reg));
        }
    }
}

/* Sources that a handler silenced, and contexts that hear them. */
static void act_plic(Gen *g) {
    gen_address(g, T6, VIRT_PLIC_BASE);
    for (unsigned n = 1 + (unsigned)gen_below(g, 4); n--;) {
        gen_li(g, T0, gen_below(g, 8));
        emit(g, SW(T0, T6, 4 * (int)(1 + gen_below(g, 11))));
    }
}

/* Any register of anything, at any size; but not the one that ends the machine. */
static void act_mmio(Gen *g) {
    static const struct {
        uint32_t base, size;
    } devices[] = {{VIRT_PLIC_BASE, 0x80},
                   {VIRT_PLIC_BASE + 0x1000, 16},
                   {VIRT_PLIC_BASE + 0x2000, 0x400},
                   {VIRT_PLIC_BASE + 0x200000, 0x8008},
                   {VIRT_CLINT_BASE, 0x20},
                   {VIRT_CLINT_BASE + 0x4000, 0x40},
                   {VIRT_CLINT_BASE + 0xbff8, 8},
                   {VIRT_RTC_BASE, 0x20},
                   {VIRT_VIRTIO_BASE + 0x7000, 0x140},
                   {VIRT_VIRTIO_BASE + 0x6000, 0x140},
                   {VIRT_VIRTIO_BASE + 0x5000, 0x140},
                   {VIRT_VIRTIO_BASE, 0x100},
                   {VIRT_FLASH_BASE, 0x1000},
                   {0, 0x2000},
                   {0x18000000, 0x1000}};
    for (unsigned n = 1 + (unsigned)gen_below(g, 3); n--;) {
        unsigned i = (unsigned)gen_below(g, G_N_ELEMENTS(devices));
        uint64_t at = devices[i].base + gen_below(g, devices[i].size);
        gen_address(g, T6, gen_one_in(g, 8) ? at : at & ~3u);
        if (gen_one_in(g, 3) || i >= G_N_ELEMENTS(devices) - 3) {
            emit(g, rv_i(0x03, (unsigned)gen_below(g, 7), 8, T6, 0));
        } else {
            gen_li(g, T0,
                   gen_one_in(g, 2) ? gen_below(g, 16)
                                    : random_next(&g->random) >> gen_below(g, 64) & INT64_MAX);
            emit(g, rv_s((unsigned)gen_below(g, 4), T6, T0, 0));
        }
    }
}

static uint64_t queue_base(unsigned slot, unsigned queue) {
    return LAYOUT_QUEUES + 0x4000 * ((slot - 5) * 2 + queue);
}

static void mmio32(Gen *g, int offset, uint64_t value) {
    gen_li(g, T0, value);
    emit(g, SW(T0, T6, offset));
}

/* T6: the slot's registers. */
static void start_queue(Gen *g, unsigned slot, unsigned queue) {
    uint64_t base = queue_base(slot, queue);
    mmio32(g, 0x30, queue);
    mmio32(g, 0x38, 8);
    if (g->config->virtio_legacy) {
        mmio32(g, 0x3c, 4096);
        mmio32(g, 0x40, base >> PAGE_BITS);
        return;
    }
    mmio32(g, 0x80, base);
    mmio32(g, 0x90, base + 128);
    mmio32(g, 0xa0, base + 0x1000);
    mmio32(g, 0x44, 1);
}

void gen_virtio_start(Gen *g, unsigned slot) {
    gen_address(g, T6, VIRT_VIRTIO_BASE + VIRT_VIRTIO_SIZE * slot);
    mmio32(g, 0x70, 3);
    if (g->config->virtio_legacy) {
        mmio32(g, 0x28, 4096);
        mmio32(g, 0x20, (gen_below(g, 4) << 28));
    } else {
        mmio32(g, 0x24, 1);
        mmio32(g, 0x20, 1);
        mmio32(g, 0x70, 11);
    }
    unsigned queues = g->config->virtio[slot].kind == VIRTIO_CONSOLE ? 2 : 1;
    for (unsigned queue = 0; queue < queues; queue++)
        start_queue(g, slot, queue);
    mmio32(g, 0x70, 15);
}

enum { DESC_NEXT = 1, DESC_WRITE = 2 };

/* Where a device may read or write: data mostly, sometimes what is executed or walked, sometimes anything. */
static uint64_t buffer(Gen *g) {
    switch (gen_below(g, 12)) {
    case 0: return LAYOUT_SMC + gen_below(g, 2) * PAGE_SIZE;
    case 1: return LAYOUT_TABLES + (8 + gen_below(g, 2)) * PAGE_SIZE;
    case 2:
        return gen_one_in(g, 8) ? random_next(&g->random) >> gen_below(g, 64) & INT64_MAX
                                : LAYOUT_SHARED + 0x1000;
    default: return LAYOUT_POOL + gen_below(g, 8) * PAGE_SIZE + gen_below(g, 64) * 4;
    }
}

/* T6: the ring. */
static void put_descriptor(Gen *g, unsigned index, uint64_t address, uint64_t length, unsigned flags) {
    unsigned next = gen_one_in(g, 40) ? (unsigned)gen_below(g, 16) : (index + 1) % 8;
    gen_li(g, T0, address);
    emit(g, SD(T0, T6, 16 * (int)index));
    gen_li(g, T0, length);
    emit(g, SW(T0, T6, 16 * (int)index + 8));
    gen_li(g, T0, flags | next << 16);
    emit(g, SW(T0, T6, 16 * (int)index + 12));
}

/* Offer the chain at `head`, and knock. */
static void offer(Gen *g, unsigned slot, unsigned queue, unsigned head) {
    emit(g, LHU(T0, T6, 130));
    emit(g, ANDI(T1, T0, 7));
    emit(g, SLLI(T1, T1, 1));
    emit(g, ADD(T1, T1, T6));
    gen_li(g, T5, head);
    emit(g, rv_s(1, T1, T5, 132));
    emit(g, ADDI(T0, T0, 1));
    emit(g, rv_s(1, T6, T0, 130));
    gen_address(g, T6, VIRT_VIRTIO_BASE + VIRT_VIRTIO_SIZE * slot);
    mmio32(g, 0x50, queue);
}

static void act_disk(Gen *g) {
    unsigned head = (unsigned)gen_below(g, 8), type = (unsigned)gen_below(g, 3) % 2;
    uint64_t header = LAYOUT_QUEUES + 0x3000 + 16 * head;
    gen_address(g, T6, header);
    mmio32(g, 0, gen_one_in(g, 12) ? gen_below(g, 12) : type);
    mmio32(g, 8, gen_below(g, LAYOUT_DISK_SECTORS + (gen_one_in(g, 16) ? 8 : 0)));
    gen_address(g, T6, queue_base(7, 0));
    put_descriptor(g, head, header, 16, DESC_NEXT);
    put_descriptor(g, (head + 1) % 8, buffer(g),
                   gen_one_in(g, 16) ? gen_below(g, 20000) : 512 * (1 + gen_below(g, 8)),
                   DESC_NEXT | (type == 0 ? DESC_WRITE : 0));
    put_descriptor(g, (head + 2) % 8, LAYOUT_SHARED + 0x200 + head, 1, DESC_WRITE);
    offer(g, 7, 0, head);
}

static void act_virtio_other(Gen *g) {
    unsigned slot = 5 + (unsigned)gen_below(g, 2), queue = slot == 5 ? (unsigned)gen_below(g, 2) : 0;
    if (!g->virtio[slot])
        return;
    unsigned head = (unsigned)gen_below(g, 8);
    gen_address(g, T6, queue_base(slot, queue));
    put_descriptor(g, head, buffer(g), 1 + gen_below(g, 64), queue == 1 ? 0 : DESC_WRITE);
    offer(g, slot, queue, head);
}

/* -- code that changes ------------------------------------------------------------------------------------
 */

static void fence_sometimes(Gen *g) {
    if (gen_one_in(g, 2))
        emit(g, FENCE_I); /* without it, too, a store is seen by the next fetch */
}

/* Rewrite part of a subroutine, then call it where it is or through a window. */
static void act_subroutine(Gen *g) {
    uint64_t routine = LAYOUT_SMC + 32 * gen_below(g, 2 * PAGE_SIZE / 32);
    emit(g, AUIPC(T0, 0)); /* where to go on if it cannot be fetched: see below */
    uint32_t recovery = g->a.at;
    emit(g, 0);
    gen_address(g, T6, LAYOUT_TRAP + g->hart * PAGE_SIZE);
    emit(g, SD(T0, T6, TRAP_RECOVERY));
    gen_address(g, T6, routine);
    for (unsigned n = 1 + (unsigned)gen_below(g, 3); n--;) {
        gen_li(g, T0,
               random_plain_insn(&g->random, &g->config->isa) &
                   (gen_one_in(g, 8) ? 0xffffff7fu : 0xffffffffu));
        emit(g, gen_one_in(g, 6) ? rv_s(1, T6, T0, 2 * (int)gen_below(g, 14))
                                 : SW(T0, T6, 4 * (int)gen_below(g, 7)));
    }
    fence_sometimes(g);
    if (gen_one_in(g, 3))
        gen_li(g, T6, window(g) + routine % PAGE_SIZE);
    emit(g, JALR(RA, T6, 0));
    asm_patch(&g->a, recovery, ADDI(T0, T0, (int)(g->a.at - recovery + 4)));
}

/* A store onto the instructions just ahead of it. */
static void act_overtake(Gen *g) {
    unsigned ahead = 8 + 4 * (unsigned)gen_below(g, 6);
    gen_li(g, T0, random_plain_insn(&g->random, &g->config->isa));
    emit(g, AUIPC(T6, 0));
    emit(g, SW(T0, T6, (int)ahead));
    for (unsigned at = 8; at <= ahead; at += 4)
        emit(g, random_plain_insn(&g->random, &g->config->isa));
    fence_sometimes(g);
}

/* -- traps ------------------------------------------------------------------------------------------------
 */

static void act_trap(Gen *g) {
    switch (gen_below(g, 6)) {
    case 0: emit(g, ECALL); break;
    case 1: emit(g, EBREAK); break;
    case 2:
        emit(g, (uint32_t)random_next(&g->random) & ~0x7cu);
        break; /* loads of any kind, through any register */
    case 3: emit(g, gen_one_in(g, 2) ? 0xffffffffu : 0xc0001073u); break;
    case 4: asm_h(&g->a, 0); break;
    default: gen_li(g, T6, gen_below(g, UINT64_C(1) << 40)); emit_memory(g);
    }
}

/* A CSR that no handler depends on. */
static void act_csr(Gen *g) {
    static const uint16_t csrs[] = {0x001, 0x002, 0x003, 0x106, 0x306, 0x320, 0xb00, 0xb02, 0x323, 0x344,
                                    0x144, 0x104, 0x304, 0x143, 0x343, 0x142, 0x342, 0x30a, 0x10a, 0x3a1,
                                    0x3b4, 0x3b5, 0x3b6, 0x7a0, 0x301, 0xf11, 0xda0, 0x100};
    for (unsigned n = 1 + (unsigned)gen_below(g, 5); n--;) {
        unsigned csr = csrs[gen_below(g, G_N_ELEMENTS(csrs))];
        uint64_t value = random_next(&g->random) >> gen_below(g, 64);
        if (csr == 0x30a)
            value = (uint64_t)g->stimecmp << 63 | (value & UINT64_C(0x60000000000000f1));
        gen_li(g, T0, csr == 0x30a ? value : value & INT64_MAX);
        emit(g, rv_i(0x73, 1 + (unsigned)gen_below(g, 3), 8 + (unsigned)gen_below(g, 8), T0, (int)csr));
    }
}

static void act_enable(Gen *g) {
    if (g->mode == PRIV_U)
        return;
    unsigned status = g->mode == PRIV_M ? 0x300 : 0x100;
    gen_li(g, T0, gen_one_in(g, 2) ? 2 : 8);
    emit(g, gen_one_in(g, 3) ? CSRRC(ZERO, status, T0) : CSRRS(ZERO, status, T0));
}

static const struct {
    unsigned weight;
    void (*emit)(Gen *g);
} actions[] = {
    {6, act_arithmetic},   {6, act_memory},        {6, act_loop},     {6, act_window}, {8, act_page_table},
    {3, act_atomics},      {3, act_lock},          {3, act_ipi},      {4, act_timer},  {4, act_wait},
    {2, act_clock},        {4, act_uart},          {3, act_mmio},     {4, act_plic},   {5, act_disk},
    {3, act_virtio_other}, {6, act_subroutine},    {3, act_overtake}, {4, act_trap},   {3, act_csr},
    {3, act_enable},       {3, act_address_space},
};

void gen_action(Gen *g) {
    unsigned total = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
        total += actions[i].weight;
    uint64_t pick = gen_below(g, total);
    for (size_t i = 0;; i++) {
        if (pick < actions[i].weight) {
            actions[i].emit(g);
            return;
        }
        pick -= actions[i].weight;
    }
}
