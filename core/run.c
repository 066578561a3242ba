/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run loop (DESIGN §3). Each round stands between two steps: what came from outside and what became due
 * at this pos happens first, then a checkpoint, then one interrupt or a run of instructions up to the next
 * pos at which something is due. Rounds may be split anywhere: nothing that the guest sees depends on where.
 */
#include "core/machine.h"

#include <string.h>

#include "core/mmu.h"
#include "core/schedule.h"
#include "core/trap.h"

#define POLL_STEPS 1000000u /* host input is asked for at least this often */

static uint32_t payload_le32(const NdEvent *ev) {
    uint32_t value = 0;
    for (uint32_t i = 0; i < 4 && i < ev->size; i++)
        value |= (uint32_t)ev->payload[i] << (8 * i);
    return value;
}

static void deliver_console(Machine *m, const NdEvent *ev) {
    Device *d = ev->source < G_N_ELEMENTS(m->consoles) ? m->consoles[ev->source] : NULL;
    if (!d)
        return;
    hooks_console(m->hooks, m->pos, ev->source, true, ev->payload, ev->size);
    d->ops->input(d, ev->source, ev->payload, ev->size);
}

static void deliver(Machine *m, const NdEvent *ev) {
    hooks_input(m->hooks, ev);
    switch (ev->kind) {
    case ND_CONSOLE: deliver_console(m, ev); break;
    case ND_STOP: machine_request_stop(m, STOP_HOST, payload_le32(ev)); break;
    default: break; /* answers to requests come by fetch(); the end of an input has no effect on the guest */
    }
}

static void drain_inputs(Machine *m) {
    NdEvent ev;
    while (m->stop == STOP_NONE && m->nd->ops->poll(m->nd, m->pos, machine_time(m), &ev))
        deliver(m, &ev);
}

static void checkpoint(Machine *m) {
    Nd *nd = m->nd;
    if (nd->ops->next_checkpoint(nd, m->pos) != m->pos)
        return;
    uint64_t hash = machine_state_hash(m);
    hooks_checkpoint(m->hooks, m->pos, machine_time(m), hash);
    if (!nd->ops->checkpoint(nd, m->pos, machine_time(m), hash))
        machine_request_stop(m, STOP_DIVERGED, 0);
}

/*
 * All harts wait: time passes until something happens. An event before the deadline is delivered at
 * its time.
 */
static void idle(Machine *m) {
    Nsec now = machine_time(m), deadline = time_next_deadline(m);
    NdEvent ev;
    if (m->nd->ops->idle(m->nd, m->pos, now, deadline, &ev)) {
        Nsec at = MAX(MIN(ev.time, deadline), now);
        m->idle_ns += at - now;
        deliver(m, &ev);
    } else if (deadline != NSEC_NEVER) {
        m->idle_ns += deadline - now;
    } else if (m->stop == STOP_NONE) {
        machine_request_stop(m, STOP_DEAD, 0);
    }
}

/* How far the current hart may run before something else is due. */
static Pos horizon(Machine *m) {
    Nd *nd = m->nd;
    Pos to = MIN(m->limit, m->pos + POLL_STEPS), deadline = time_to_pos(m, time_next_deadline(m));
    to = MIN(to, nd->ops->next_checkpoint(nd, m->pos));
    to = MIN(to, nd->ops->next_pos(nd));
    to = MIN(to, deadline);
    to = MIN(to, schedule_turn_end(m));
    /* An event that is overdue is nd's to complain about: it is asked again after one step. */
    return MAX(to, m->pos + 1);
}

static void begin_steps(Machine *m, Hart *h, Pos to) {
    h->horizon = to;
    h->budget = (int64_t)(to - m->pos);
    h->left = 0;
    h->attention = 0;
    hooks_trace_begin(m->hooks, h);
    hart_turn_begin(h, m->pos);
    m->running = true;
}

static void end_steps(Machine *m, Hart *h) {
    g_assert(h->left == 0 && h->budget >= 0);
    m->running = false;
    m->pos = hart_pos(h);
    hart_turn_end(h, m->pos);
    if (h->attention & ATTN_YIELD)
        schedule_yield(m);
}

static void run_hart(Machine *m, Hart *h) {
    int irq = hart_pending_irq(h);
    begin_steps(m, h, irq >= 0 ? m->pos + 1 : horizon(m));
    if (irq >= 0)
        trap_take_interrupt(h, irq);
    else
        m->engine->ops->run(m->engine, h);
    end_steps(m, h);
}

/* What belongs before step m->pos. False: nothing more is to run. */
static bool prepare(Machine *m) {
    if (m->reset_requested)
        machine_reset_by_guest(m);
    drain_inputs(m);
    if (m->stop != STOP_NONE)
        return false;
    time_fire_deadlines(m);
    machine_timer_update(m);
    checkpoint(m);
    if (mmu_fetch_ids_worn(m))
        machine_flush_caches(m);
    if (m->pos >= m->limit)
        machine_request_stop(m, STOP_LIMIT, 0);
    return m->stop == STOP_NONE;
}

void machine_run(Machine *m) {
    while (m->stop == STOP_NONE && prepare(m)) {
        Hart *h = schedule_pick(m);
        if (h)
            run_hart(m, h);
        else
            idle(m);
    }
    hooks_trace_flush(m->hooks, m->harts[m->current]);
    if (m->stop != STOP_LIMIT)
        hooks_end(m->hooks, m->pos);
}
