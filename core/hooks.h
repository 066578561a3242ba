/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Observation: the interface through which the machine tells what happens. Observers get const views and
 * values; nothing here lets them change anything (DESIGN §6). Cost is paid only by what is subscribed.
 *
 * All callbacks run on the guest's thread, between or inside steps, in the order of (pos, seq).
 */
#ifndef CORE_HOOKS_H
#define CORE_HOOKS_H

#include "core/nd.h"
#include "core/probe.h"
#include "core/trace.h"
#include "core/types.h"

typedef struct Machine Machine;
typedef struct Hart Hart;
typedef struct Device Device;
typedef struct Hooks Hooks;

typedef struct TrapEvent {
    Pos pos;          /* the step that is the trap */
    const Hart *hart; /* state after the trap was taken */
    bool is_interrupt;
    uint64_t cause; /* without the interrupt bit */
    Gva epc;
    uint64_t tval;
    uint8_t from_priv, to_priv;
} TrapEvent;

/*
 * Stages of an interrupt. With a device: its line, or the PLIC's answers to a hart, with the PLIC's source number. Without
 * one (NULL): a line of the hart, with its number in mip. The trap tells when it is taken (IRQ_TAKE is not emitted).
 */
typedef enum { IRQ_RAISE, IRQ_TAKE, IRQ_CLAIM, IRQ_COMPLETE, IRQ_LOWER } IrqStage;

/* How a page was touched: WALK: the page-table walker set bits of an entry there (there is no va). */
typedef enum { TOUCH_READ, TOUCH_WRITE, TOUCH_WALK } TouchKind;

typedef struct HookOps {
    /* A block was translated: attach probes (probe.h). The engine shows all code again after a change of
     * subscribers. */
    void (*translate)(void *opaque, ProbeBlock *b);
    void (*trap)(void *opaque, const TrapEvent *ev);
    void (*trap_return)(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv); /* after mret/sret */
    void (*irq)(void *opaque, Pos pos, const Hart *hart, const Device *device, uint32_t source,
                IrqStage stage);
    void (*mmio)(void *opaque, Pos pos, const Hart *hart, const Device *device, Gpa offset, bool is_write,
                 unsigned size, uint64_t value);
    void (*dma)(void *opaque, Pos pos, const Device *device, bool is_write, Gpa pa, const uint8_t *data,
                uint64_t size);
    /* A device took a request from the guest, or is done with it: in the same order, for one device. */
    void (*request)(void *opaque, Pos pos, const Device *device, bool is_done);
    void (*console)(void *opaque, Pos pos, uint32_t port, bool to_guest, const uint8_t *data, uint32_t size);
    void (*input)(void *opaque, const NdEvent *ev);
    void (*checkpoint)(void *opaque, Pos pos, Nsec now, uint64_t hash);
    void (*satp)(void *opaque, Pos pos, const Hart *hart);
    /* A page is accessed by a hart: at least the first time since mmu_note_touched() (mmu.h), which turns this on. */
    void (*touch)(void *opaque, Gva va, Gpa pa, TouchKind kind);
    /* WFI put the hart to sleep, or it goes on after that. */
    void (*idle)(void *opaque, Pos pos, const Hart *hart, bool waits);
    /* The guest resets the machine: harts and devices are still as they were, pos goes on. */
    void (*reset)(void *opaque, Pos pos);
    /* The engine dropped all translated code. */
    void (*flushed)(void *opaque);
    void (*end)(void *opaque, Pos pos);
    /*
     * A trace buffer is full, or flush was asked for: words[0..n) is handed over; the callee must give back
     * an empty buffer (of at least TRACE_BUFFER_WORDS) through *next before it returns. The first call has n
     * == 0 and only asks for a buffer. The buffer in use at unsubscription is the callee's again. Only one
     * subscriber.
     */
    void (*trace)(void *opaque, const uint64_t *words, size_t n, uint64_t **next);
} HookOps;

#define TRACE_BUFFER_WORDS (1u << 17)
#define TRACE_RESERVE 1024u /* words that a block may use beyond trace_limit */

/* What generated code must be instrumented with. */
enum { TRACE_WANT_MEM = 1, TRACE_WANT_INSN = 2, TRACE_WANT_WALK = 4 };

Hooks *hooks_new(void);
void hooks_free(Hooks *h);
/* `ops` must outlive the hooks; NULL members are not subscribed. Before machine_run() or between runs only.
 */
void hooks_subscribe(Hooks *h, const HookOps *ops, void *opaque);
void hooks_unsubscribe(Hooks *h, void *opaque);
/* Somebody is subscribed. */
bool hooks_observed(const Hooks *h);

/* Changes whenever a subscriber with `translate` comes or goes, or asks by hooks_retranslate(): flush then.
 */
uint32_t hooks_translate_epoch(const Hooks *h);
void hooks_retranslate(Hooks *h);
/* Does anybody attach probes? */
bool hooks_wants_translate(const Hooks *h);

/* -- for core and tcg: emit (each is a no-op without a subscriber) ------------------------------------------
 */
void hooks_translate(Hooks *h, ProbeBlock *b);
void hooks_trap(Hooks *h, const TrapEvent *ev);
void hooks_trap_return(Hooks *h, Pos pos, const Hart *hart, uint8_t from_priv);
void hooks_irq(Hooks *h, Pos pos, const Hart *hart, const Device *device, uint32_t source, IrqStage stage);
void hooks_mmio(Hooks *h, Pos pos, const Hart *hart, const Device *device, Gpa offset, bool is_write,
                unsigned size, uint64_t value);
void hooks_dma(Hooks *h, Pos pos, const Device *device, bool is_write, Gpa pa, const uint8_t *data,
               uint64_t size);
void hooks_request(Hooks *h, Pos pos, const Device *device, bool is_done);
void hooks_console(Hooks *h, Pos pos, uint32_t port, bool to_guest, const uint8_t *data, uint32_t size);
void hooks_input(Hooks *h, const NdEvent *ev);
void hooks_checkpoint(Hooks *h, Pos pos, Nsec now, uint64_t hash);
void hooks_satp(Hooks *h, Pos pos, const Hart *hart);
void hooks_touch(Hooks *h, Gva va, Gpa pa, TouchKind kind);
void hooks_idle(Hooks *h, Pos pos, const Hart *hart, bool waits);
void hooks_reset(Hooks *h, Pos pos);
void hooks_flushed(Hooks *h);
void hooks_end(Hooks *h, Pos pos);

/* -- the raw trace ------------------------------------------------------------------------------------------
 */
/* 0 or TRACE_WANT_*: set by the tracing subscriber before the run; the engine must be flushed after a change.
 */
uint32_t hooks_trace_wants(const Hooks *h);
void hooks_set_trace_wants(Hooks *h, uint32_t wants);
/* The engine registers each instrumented block once; the index goes into the header word. Copied. */
uint32_t hooks_trace_add_block(Hooks *h, const TraceBlock *block);
/* For the consumer, any thread: stable pointer as long as the hooks live. */
const TraceBlock *hooks_trace_block(const Hooks *h, uint32_t index);
/*
 * There is one buffer, which goes with the turn; other harts' trace_ptr is NULL. The run loop calls begin
 * before every run of the hart: it gives it the buffer, appends what devices did in between (TRACE_DMA), and
 * TRACE_SYNC where pos does not follow. hooks_trap, hooks_trap_return and hooks_satp append the TRACE_SYNC
 * that follows their step, so the engine appends only CUT (before it takes an exception), SPLIT and WALK.
 */
void hooks_trace_begin(Hooks *h, Hart *hart);
void hooks_trace_switch(Hooks *h, Hart *from, Hart *to);
/* trace_ptr > trace_limit: hand over and take the next one. Called by the engine between blocks, and at the
 * end. */
void hooks_trace_flush(Hooks *h, Hart *hart);
/* Append words (CUT, SPLIT, WALK) for the running hart; n <= 64. */
void hooks_trace_append(Hooks *h, Hart *hart, const uint64_t *words, size_t n);
/* State jumped (restore, reset): the next block header needs a TRACE_SYNC. */
void hooks_trace_resync(Hooks *h);
/* The same where pos jumped, too: what comes is counted anew. */
void hooks_trace_moved(Hooks *h);

#endif
