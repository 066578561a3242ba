/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns of several harts on one host thread. Who runs when depends on the recorded seed and on what the harts
 * do, never on where a budget was split. A turn ends at its length, at WFI, or when the hart gives it up. One
 * that still holds a reservation at its end gets LR_GRACE more steps, once, so that an LR/SC loop makes
 * progress (unprivileged spec §13.3) and no hart can keep the others out.
 */
#include "core/schedule.h"

#define TURN_MIN 2000u
#define TURN_SPREAD 16001u /* lengths 2000 to 18000 */
#define LR_GRACE 64u

/* splitmix64: a counter and a mixing function, so the state is one word and any seed is good. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void begin_turn(Machine *m) {
    m->turn_extended = 0;
    m->turn_end = m->n_harts == 1 ? POS_NONE : m->pos + TURN_MIN + next_random(&m->turn_random) % TURN_SPREAD;
}

void schedule_reset(Machine *m) {
    hooks_trace_switch(m->hooks, m->harts[m->current], m->harts[0]);
    hooks_trace_resync(m->hooks);
    m->current = 0;
    begin_turn(m);
}

void schedule_yield(Machine *m) {
    if (m->n_harts == 1)
        return;
    m->turn_end = m->pos;
    m->turn_extended = 1;
}

/* Exact inside a step: what wakes other harts changes between steps, or by this hart itself. */
void machine_yield(Machine *m) {
    for (uint32_t i = 0; i < m->n_harts; i++) {
        const Hart *h = m->harts[i];
        if (i != m->current && (!h->waiting || hart_has_wakeup(h)))
            m->harts[m->current]->attention |= ATTN_YIELD;
    }
}

Pos schedule_turn_end(const Machine *m) {
    return m->turn_end;
}

static void switch_to(Machine *m, uint32_t next) {
    if (next == m->current)
        return;
    Hart *old = m->harts[m->current], *new = m->harts[next];
    old->res_size = 0;
    old->res_addr = old->res_value = 0;
    m->current = next;
    hooks_trace_switch(m->hooks, old, new);
}

static bool turn_goes_on(Machine *m, const Hart *h) {
    if (h->waiting)
        return false;
    if (m->pos < m->turn_end)
        return true;
    if (!h->res_size || m->turn_extended)
        return false;
    m->turn_end = m->pos + LR_GRACE;
    m->turn_extended = 1;
    return true;
}

Hart *schedule_pick(Machine *m) {
    if (turn_goes_on(m, m->harts[m->current]))
        return m->harts[m->current];
    for (uint32_t i = 1; i <= m->n_harts; i++) {
        uint32_t next = (m->current + i) % m->n_harts;
        Hart *h = m->harts[next];
        if (h->waiting && !hart_has_wakeup(h))
            continue;
        if (h->waiting)
            hooks_idle(m->hooks, m->pos, h, false);
        h->waiting = 0;
        switch_to(m, next);
        begin_turn(m);
        return h;
    }
    return NULL;
}
