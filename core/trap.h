/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traps: raising, taking and returning (privileged spec 1.13 §3.1.6-3.1.15, §3.3.2, §4.1). */
#ifndef CORE_TRAP_H
#define CORE_TRAP_H

#include "core/hart.h"

/* Note an exception of the current instruction: sets exit = EXIT_FAULT, cause and tval. The caller returns.
 */
void hart_raise(Hart *h, ExcCause cause, uint64_t tval);
/*
 * Take the noted exception: epc = h->pc (the faulting instruction, which the engine has stored), exit = NONE,
 * reservation cleared, one step spent (budget - 1, traps + 1). left must be 0. Observers are told.
 */
void trap_take_exception(Hart *h);
/* Take interrupt `irq` (from hart_pending_irq()); likewise one step. */
void trap_take_interrupt(Hart *h, int irq);
/* Execute MRET/SRET: pc, privilege and mstatus change; illegal combinations raise. Sets ATTN_IRQ. */
void trap_mret(Hart *h);
void trap_sret(Hart *h);
/* Execute WFI: may raise (TW, U-mode); else waiting = 1 and ATTN_WFI unless a wake-up is pending already. */
void trap_wfi(Hart *h);

#endif
