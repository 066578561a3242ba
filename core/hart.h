/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One hart: its architectural state (a table, see state.h), and the caches and counters that the engine works
 * with. Generated code addresses this struct relative to a host register, so the hot part comes first.
 *
 * Position arithmetic. While a hart runs, `horizon` is the pos at which it must stop and `budget` the steps
 * it may still take. Generated code subtracts a block's length from the budget on entry; before it calls
 * anything that may look at the position or fault, it stores `left` = steps of the block not yet done, the
 * current instruction included. So everywhere outside generated code
 *
 *     pos = horizon - budget - left
 *
 * names the step being executed, and after a fault `budget += left; left = 0` undoes the rest of the block.
 */
#ifndef CORE_HART_H
#define CORE_HART_H

#include <glib.h>
#include "core/isa.h"
#include "core/probe.h"
#include "core/state.h"
#include "core/types.h"

#define HART_STATE(F, A)                                                                                     \
    A(uint64_t, x, 32)                                                                                       \
    A(uint64_t, f, 32) /* NaN-boxed */                                                                       \
    F(uint64_t, pc)                                                                                          \
    F(uint64_t, res_addr)  /* LR reservation: virtual address */                                             \
    F(uint64_t, res_value) /* value that LR read */                                                          \
    F(uint8_t, res_size)   /* 0: no reservation; else 4 or 8 */                                              \
    F(uint8_t, priv)                                                                                         \
    F(uint8_t, fflags) /* accrued exception flags, unprivileged spec §20.2 */                               \
    F(uint8_t, frm)                                                                                          \
    F(uint8_t, waiting)  /* 1: WFI executed and nothing pending since */                                     \
    F(uint64_t, mstatus) /* SD is computed on read */                                                        \
    F(uint64_t, misa)                                                                                        \
    F(uint64_t, mie)                                                                                         \
    F(uint64_t, mip_lines) /* driven by devices: MSIP MTIP STIP(Sstc) MEIP SEIP */                           \
    F(uint64_t, mip_soft)  /* written by software: SSIP STIP SEIP LCOFIP */                                  \
    F(uint64_t, mideleg)                                                                                     \
    F(uint64_t, medeleg)                                                                                     \
    F(uint64_t, mtvec)                                                                                       \
    F(uint64_t, mepc)                                                                                        \
    F(uint64_t, mcause)                                                                                      \
    F(uint64_t, mtval)                                                                                       \
    F(uint64_t, mscratch)                                                                                    \
    F(uint64_t, mcounteren)                                                                                  \
    F(uint64_t, mcountinhibit)                                                                               \
    F(uint64_t, menvcfg)                                                                                     \
    F(uint64_t, stvec)                                                                                       \
    F(uint64_t, sepc)                                                                                        \
    F(uint64_t, scause)                                                                                      \
    F(uint64_t, stval)                                                                                       \
    F(uint64_t, sscratch)                                                                                    \
    F(uint64_t, scounteren)                                                                                  \
    F(uint64_t, senvcfg)                                                                                     \
    F(uint64_t, satp)                                                                                        \
    F(uint64_t, stimecmp)                                                                                    \
    F(uint64_t, mtimecmp) /* CLINT */                                                                        \
    A(uint8_t, pmpcfg, 16)                                                                                   \
    A(uint64_t, pmpaddr, 16)                                                                                 \
    F(uint64_t, steps)         /* steps this hart took; during its turn: minus pos, see hart_turn_begin() */ \
    F(uint64_t, traps)         /* of them, exceptions and interrupts taken (they do not retire) */           \
    F(uint64_t, mcycle_base)   /* mcycle = machine time in steps + base; frozen value when inhibited */      \
    F(uint64_t, minstret_base) /* minstret = steps - traps + base; frozen value when inhibited */

/* Data-access contexts: which translations and permissions apply. Blocks are specialised on it. */
typedef enum {
    CTX_M = 0, /* physical; PMP with M rules */
    CTX_S = 1,
    CTX_S_SUM = 2,
    CTX_U = 3,
    CTX_MXR = 4, /* added to the three above */
    CTX_COUNT = 8,
} MemCtx;

/*
 * Soft TLB, direct-mapped by virtual page number. A tag is the virtual page address when the inline path may
 * be used, else TLB_NEVER (low bits set, so no masked address equals it). The inline probe compares (address
 * & (PAGE_MASK | (size - 1))) with the tag: misaligned and missing accesses go the slow way alike. `write` is
 * valid only while the page is dirty already and neither holds code nor walked PTEs: write tags are the dirty
 * tracking.
 */
#define TLB_BITS 16
#define TLB_ENTRIES (1u << TLB_BITS)
#define TLB_NEVER UINT64_MAX
/*
 * A context of this size is not cleared by looking at all of it: which entries are in use is written down, up to this
 * many. An entry that was never used is all zeros, and its tags match nothing either: address 0 belongs to entry 0,
 * which never has zeros.
 */
#define TLB_NOTED 4096u
typedef struct TlbEntry {
    uint64_t read, write;
    uintptr_t addend; /* host address - virtual address */
    Gpa paddr;        /* physical page address */
} TlbEntry;

/*
 * Fetch TLB: slot (virtual page number & mask) holds the id of the (privilege, virtual page, physical page)
 * triple that is mapped there now, 0 if unknown. A cross-page block link and the indirect-jump cache are
 * guarded by one compare with it; ids are never reused before the engine is flushed.
 */
#define ITLB_ENTRIES 1024u

/* 64-bit words that an engine may use as it likes while a block runs (temporaries near the registers). */
#define HART_SCRATCH 960u

/* hart->flags: what a translated block is specialised on besides its address. */
#define FLAG_PRIV_SHIFT 0      /* 2 bits */
#define FLAG_CTX_SHIFT 2       /* 3 bits: MemCtx */
#define FLAG_FS_SHIFT 5        /* 2 bits: mstatus.FS (0 off, 3 dirty) */
#define FLAG_FRM_SHIFT 7       /* 3 bits: frm, so that rm=DYN is static in a block */
#define FLAG_DIRECT (1u << 10) /* CTX_M: loads of main RAM need no check but that they are within it */
#define FLAG_GOES_ON                                                                                         \
    (1u << 11) /* observers were told that the block before does not end what they follow (probe_step.h) */
#define FLAG_BITS 12

/* Why a helper or slow path did not complete; generated code leaves the block when it is not EXIT_NONE. */
typedef enum {
    EXIT_NONE = 0,
    EXIT_FAULT, /* exc_cause/exc_tval hold an exception of the current instruction */
    EXIT_REDO,  /* nothing was done: run this instruction again as the last of its block */
} HartExit;

/* hart->attention bits: why the run loop must look before more code runs. */
enum {
    ATTN_IRQ = 1,     /* pending or enabled interrupts, privilege or deadlines may have changed */
    ATTN_WFI = 2,     /* the hart waits */
    ATTN_YIELD = 4,   /* pause, wrs: the turn ends */
    ATTN_MACHINE = 8, /* machine->stop or reset was requested */
    ATTN_HOST = 16,   /* a plugin or the driver wants control; no guest-visible meaning */
};

typedef struct Machine Machine;

typedef struct Hart Hart;

struct Hart {
    HART_STATE(STATE_MEMBER, STATE_MEMBER_ARRAY)

    /* -- caches and run control: never part of the state ------------------------------------------------ */
    int64_t budget;
    Pos horizon;
    uint32_t left;
    uint32_t flags; /* FLAG_*: kept current by hart_update_flags() */
    uint32_t exit;  /* HartExit */
    uint32_t attention;
    uint64_t exc_cause, exc_tval;
    uint64_t *trace_ptr, *trace_limit; /* see trace.h; NULL when nobody traces */
    uint32_t fp_call; /* which operation helper_fp_fma does: set by generated code just before */
    uint64_t mem_loc; /* set by slow paths: the `loc` trace word of the access just made */
    bool room_for_scoreboard, has_scoreboard; /* it lies behind the hart; it may be written to */
    uint64_t begun;           /* like steps, but only those that began with an instruction; never goes back */
    uint64_t begun_settled;   /* how many of them are in the derived counters (scoreboard.c) */
    uint64_t probe_operand;   /* second operand of the atomic operation being observed */
    ProbeAccess probe_access; /* that an observer is called for */
    void *jump_cache;         /* the engine's */
    const void
        *cut_block; /* the engine's: the observed block that a slow path or helper was called from last */
    Machine *machine;
    const Isa *isa;
    uint32_t id;                  /* mhartid */
    uint32_t tlb_used[CTX_COUNT]; /* entries of `tlb` in use; above TLB_NOTED: any of them may be */
    bool redo_device;             /* EXIT_REDO was because of a device; the engine clears it */
    uint64_t helper_insns;        /* --stats: integer instructions that called a helper */
    uint32_t itlb[ITLB_ENTRIES];
    uint64_t scratch[HART_SCRATCH];
    uint16_t tlb_noted[CTX_COUNT][TLB_NOTED]; /* the numbers of those in use */
    TlbEntry tlb[CTX_COUNT][TLB_ENTRIES];
};

extern const StateField hart_state_fields[];
extern const size_t hart_state_n_fields;

/* The step being executed, or the next one when the hart is between steps. */
static inline Pos hart_pos(const Hart *h) {
    return h->horizon - (uint64_t)h->budget - h->left;
}

/*
 * The run loop brackets each turn (machine->running) with these, with the machine's pos at its start and its
 * end. Between them `steps` is such that steps taken = steps + hart_pos(); outside it is the number itself,
 * which is what is saved and hashed: state is only looked at between turns.
 */
static inline void hart_turn_begin(Hart *h, Pos pos) {
    h->steps -= pos;
    h->begun -= pos;
}
static inline void hart_turn_end(Hart *h, Pos pos) {
    h->steps += pos;
    h->begun += pos;
}

/* Observers' counters (probe.h) lie behind the hart, at a distance that generated code knows. */
#define HART_SCOREBOARD ((sizeof(Hart) + 4095) & ~(size_t)4095)
static inline uint64_t *hart_counter(const Hart *h, uint32_t counter) {
    return (uint64_t *)(uintptr_t)((uintptr_t)h + HART_SCOREBOARD + counter);
}

/* Resets nothing: hart_reset() follows. */
Hart *hart_new(Machine *m, uint32_t id);
void hart_free(Hart *h);
/* Reset values; pc = the machine's reset vector. */
void hart_reset(Hart *h, Gpa reset_pc);
/* Recompute `flags` after priv, mstatus, frm or satp changed (and after a restore). */
void hart_update_flags(Hart *h);
/* A device drives an interrupt line of this hart. Sets ATTN_IRQ on a change. */
void hart_set_irq_line(Hart *h, IrqNumber irq, bool level);
uint64_t hart_mip(const Hart *h);
/* Number of the interrupt to take now, or -1. Priorities: privileged spec §3.1.9. */
int hart_pending_irq(const Hart *h);
/* mip & mie != 0: what wakes WFI whatever the enables say. */
bool hart_has_wakeup(const Hart *h);
/* Sets ATTN_IRQ if an interrupt can be taken now: for whatever may have enabled or raised one. */
void hart_check_irq(Hart *h);
uint64_t hart_instret(const Hart *h); /* retired instructions up to, not including, the current step */
/* Names by number: "a0" for 10; "fa0"; NULL if out of range. */
const char *hart_x_name(unsigned i);
const char *hart_f_name(unsigned i);

#endif
