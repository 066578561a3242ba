/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/hart.h"

#include <string.h>
#include <sys/mman.h>

#include "core/csr_bits.h"
#include "core/machine.h"
#include "core/mmu.h"

#define STATE_OF Hart
const StateField hart_state_fields[] = {HART_STATE(STATE_FIELD_ENTRY, STATE_ARRAY_ENTRY)};
#undef STATE_OF
const size_t hart_state_n_fields = G_N_ELEMENTS(hart_state_fields);

/* NULL: no room for it. The counters' part may not be touched yet. */
static Hart *new_with_scoreboard(void) {
    size_t size = HART_SCOREBOARD + SCOREBOARD_SIZE;
    Hart *h = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (h == MAP_FAILED)
        return NULL;
    if (mprotect(h, HART_SCOREBOARD, PROT_READ | PROT_WRITE)) {
        munmap(h, size);
        return NULL;
    }
    h->room_for_scoreboard = true;
    return h;
}

Hart *hart_new(Machine *m, uint32_t id) {
    Hart *h = new_with_scoreboard();
    if (!h)
        h = g_new0(Hart, 1);
    h->machine = m;
    h->isa = &m->config.isa;
    h->id = id;
    for (unsigned ctx = 0; ctx < CTX_COUNT; ctx++)
        h->tlb[ctx][0].read = h->tlb[ctx][0].write = TLB_NEVER;
    return h;
}

void hart_free(Hart *h) {
    if (!h)
        return;
    if (h->room_for_scoreboard)
        munmap(h, HART_SCOREBOARD + SCOREBOARD_SIZE);
    else
        g_free(h);
}

/*
 * Resets every state field to zero, then to what privileged spec §3.4 and QEMU's rv64 start with. The timer
 * comparators are zero there too, so MTIP is pending from the start.
 */
void hart_reset(Hart *h, Gpa reset_pc) {
    for (size_t i = 0; i < hart_state_n_fields; i++) {
        const StateField *f = &hart_state_fields[i];
        memset((char *)h + f->offset, 0, (size_t)f->size * f->count);
    }
    h->pc = reset_pc;
    h->priv = PRIV_M;
    h->misa = isa_misa(h->isa);
    h->menvcfg = (h->isa->svpbmt ? ENVCFG_PBMTE : 0) | (h->isa->svadu ? ENVCFG_ADUE : 0);
    h->exit = EXIT_NONE;
    h->flags = 0;
    h->attention |= ATTN_IRQ;
    mmu_flush(h);
    hart_update_flags(h);
}

/* Effective privilege of loads and stores (privileged spec §3.1.6.3, MPRV). */
static MemCtx hart_memory_context(const Hart *h) {
    unsigned priv = h->priv;
    if (priv == PRIV_M && (h->mstatus & MSTATUS_MPRV))
        priv = (h->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    if (priv == PRIV_M)
        return CTX_M;
    MemCtx ctx = priv == PRIV_U ? CTX_U : h->mstatus & MSTATUS_SUM ? CTX_S_SUM : CTX_S;
    return h->mstatus & MSTATUS_MXR ? ctx + CTX_MXR : ctx;
}

void hart_update_flags(Hart *h) {
    h->flags = (h->flags & FLAG_GOES_ON) | (uint32_t)h->priv << FLAG_PRIV_SHIFT |
               (uint32_t)hart_memory_context(h) << FLAG_CTX_SHIFT |
               (uint32_t)((h->mstatus & MSTATUS_FS) >> MSTATUS_FS_SHIFT) << FLAG_FS_SHIFT |
               (uint32_t)(h->frm & 7) << FLAG_FRM_SHIFT;
    if (hart_memory_context(h) == CTX_M && pmp_leaves_ram_to_m(h) && !mmu_notes_touched(h->machine))
        h->flags |= FLAG_DIRECT;
}

void hart_set_irq_line(Hart *h, IrqNumber irq, bool level) {
    uint64_t lines = level ? h->mip_lines | IRQ_BIT(irq) : h->mip_lines & ~IRQ_BIT(irq);
    if (lines == h->mip_lines)
        return;
    h->mip_lines = lines;
    h->attention |= ATTN_IRQ;
    hooks_irq(h->machine->hooks, machine_pos(h->machine), h, NULL, irq, level ? IRQ_RAISE : IRQ_LOWER);
}

/* With menvcfg.STCE, STIP is the comparison with stimecmp alone (Sstc §"mip and mie"); without, software's
 * bit. */
uint64_t hart_mip(const Hart *h) {
    if (h->menvcfg & ENVCFG_STCE)
        return h->mip_lines | (h->mip_soft & ~IRQ_BIT(IRQ_STI));
    return (h->mip_lines & ~IRQ_BIT(IRQ_STI)) | h->mip_soft;
}

bool hart_has_wakeup(const Hart *h) {
    return (hart_mip(h) & h->mie) != 0;
}

int hart_pending_irq(const Hart *h) {
    static const uint8_t order[] = {IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI, IRQ_LCOFI};
    uint64_t pending = hart_mip(h) & h->mie;
    if (!pending)
        return -1;
    bool m_on = h->priv < PRIV_M || (h->mstatus & MSTATUS_MIE);
    bool s_on = h->priv < PRIV_S || (h->priv == PRIV_S && (h->mstatus & MSTATUS_SIE));
    uint64_t now = m_on ? pending & ~h->mideleg : 0;
    if (!now && s_on)
        now = pending & h->mideleg;
    for (size_t i = 0; now && i < G_N_ELEMENTS(order); i++)
        if (now & IRQ_BIT(order[i]))
            return order[i];
    return -1;
}

void hart_check_irq(Hart *h) {
    if (hart_pending_irq(h) >= 0)
        h->attention |= ATTN_IRQ;
}

uint64_t hart_instret(const Hart *h) {
    const Machine *m = h->machine;
    bool in_turn = m->running && m->harts[m->current] == h;
    return (in_turn ? h->steps + hart_pos(h) : h->steps) - h->traps;
}

const char *hart_x_name(unsigned i) {
    static const char *const names[32] = {
        "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
        "a6",   "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
    };
    return i < 32 ? names[i] : NULL;
}

const char *hart_f_name(unsigned i) {
    static const char *const names[32] = {
        "ft0", "ft1", "ft2", "ft3", "ft4",  "ft5",  "ft6", "ft7", "fs0",  "fs1",  "fa0",
        "fa1", "fa2", "fa3", "fa4", "fa5",  "fa6",  "fa7", "fs2", "fs3",  "fs4",  "fs5",
        "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
    };
    return i < 32 ? names[i] : NULL;
}
