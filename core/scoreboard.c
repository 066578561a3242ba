/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters that generated code keeps for observers, and those that it need not keep. A counter to which every
 * instruction adds the same amount is *derived*: the steps of the budget say how many instructions were begun
 * (hart_begun()), and what is due is added when somebody looks. The first block that an epoch of observers
 * (hooks_translate_epoch()) is shown decides which counters are derived; an instruction that does not add the
 * amount then takes it back in its code.
 */
#include <string.h>
#include <sys/mman.h>

#include "core/machine.h"
#include "core/probe_block.h"

bool scoreboard_alloc(Machine *m, uint32_t size, uint32_t *counter) {
    size_t n = (size + (size_t)7) & ~(size_t)7;
    if (n > COUNTER_OF_NOBODY - m->scoreboard_used)
        return false;
    for (uint32_t i = 0; i < m->n_harts; i++) {
        Hart *h = m->harts[i];
        h->has_scoreboard =
            h->has_scoreboard || (h->room_for_scoreboard &&
                                  !mprotect(hart_counter(h, 0), SCOREBOARD_SIZE, PROT_READ | PROT_WRITE));
        if (!h->has_scoreboard)
            return false;
    }
    *counter = (uint32_t)m->scoreboard_used;
    m->scoreboard_used += n;
    return true;
}

uint64_t *scoreboard_at(const Machine *m, uint32_t hart, uint32_t counter) {
    scoreboard_settle(m);
    return hart_counter(m->harts[hart], counter);
}

/* -- derived counters -------------------------------------------------------------------------------------- */

static uint64_t begun(const Machine *m, const Hart *h) {
    bool in_turn = m->running && m->harts[m->current] == h;
    return in_turn ? h->begun + h->horizon - (uint64_t)h->budget : h->begun;
}

void scoreboard_settle(const Machine *m) {
    const Derived *d = &m->derived;
    for (uint32_t i = 0; d->n && i < m->n_harts; i++) {
        Hart *h = m->harts[i];
        uint64_t due = begun(m, h) - h->begun_settled;
        h->begun_settled += due;
        for (unsigned k = 0; due && k < d->n; k++)
            *hart_counter(h, d->counters[k].counter) += due * d->counters[k].value;
    }
}

void scoreboard_new_epoch(Machine *m) {
    Derived *d = &m->derived;
    uint32_t epoch = hooks_translate_epoch(m->hooks);
    if (d->decided && d->epoch == epoch)
        return;
    scoreboard_settle(m);
    d->n = 0;
    d->decided = false;
    d->epoch = epoch;
}

static bool adds(const ProbeRequest *r, uint32_t counter, uint64_t value) {
    return r->kind == PROBE_DO_INLINE && r->op == PROBE_ADD && r->counter == counter && r->value == value;
}

static bool stores(const ProbeRequest *r, uint32_t counter) {
    return (r->kind == PROBE_DO_INLINE || r->kind == PROBE_DO_MEM_INLINE) && r->op == PROBE_STORE &&
           r->counter == counter;
}

static bool is_in_code(const ProbeRequest *r, const Derived *d) {
    if (r->kind == PROBE_DO_CALL || r->kind == PROBE_DO_CALL_IF || r->kind == PROBE_DO_STACK_CALL ||
        r->kind == PROBE_DO_STACK_RETURN || r->kind == PROBE_DO_MEM)
        return true;
    for (unsigned i = 0; i < d->n; i++)
        if (stores(r, d->counters[i].counter))
            return true;
    return false;
}

/* Does something look at counters, or set a derived one, while a block runs? */
static bool needs_code(const ProbeBlock *b, const Derived *d) {
    for (guint i = 0; i < b->requests->len; i++)
        if (is_in_code(&g_array_index(b->requests, ProbeRequest, i), d))
            return true;
    return false;
}

static ProbeRequest *find(const ProbeBlock *b, uint32_t insn, uint32_t counter, uint64_t value) {
    for (guint i = 0; i < b->requests->len; i++) {
        ProbeRequest *r = &g_array_index(b->requests, ProbeRequest, i);
        if (r->insn == insn && adds(r, counter, value))
            return r;
    }
    return NULL;
}

static bool all_add(const ProbeBlock *b, const ProbeRequest *like) {
    for (uint32_t i = 0; i < b->n_insns; i++)
        if (!find(b, i, like->counter, like->value))
            return false;
    return true;
}

static bool is_stored(const ProbeBlock *b, uint32_t counter) {
    for (guint i = 0; i < b->requests->len; i++)
        if (stores(&g_array_index(b->requests, ProbeRequest, i), counter))
            return true;
    return false;
}

static void decide(Machine *m, const ProbeBlock *b) {
    Derived *d = &m->derived;
    d->decided = true;
    for (guint i = 0; i < b->requests->len && d->n < DERIVED_MAX; i++) {
        const ProbeRequest *r = &g_array_index(b->requests, ProbeRequest, i);
        bool fits = (int64_t)r->value > INT32_MIN && (int64_t)r->value <= INT32_MAX;
        bool known = false;
        for (unsigned k = 0; k < d->n; k++)
            known |= d->counters[k].counter == r->counter;
        if (r->insn == 0 && !known && fits && adds(r, r->counter, r->value) && all_add(b, r) &&
            !is_stored(b, r->counter))
            d->counters[d->n++] = (DerivedCounter){r->counter, r->value};
    }
    for (uint32_t i = 0; i < m->n_harts; i++)
        m->harts[i]->begun_settled = begun(m, m->harts[i]);
}

/* One addition of each instruction goes, being made anyway; where there is none it is taken back. */
static void leave_out(ProbeBlock *b, DerivedCounter c) {
    for (uint32_t i = 0; i < b->n_insns; i++) {
        ProbeRequest *r = find(b, i, c.counter, c.value);
        if (r)
            g_array_remove_index(b->requests, (guint)(r - &g_array_index(b->requests, ProbeRequest, 0)));
        else
            probe_add_inline(b, i, PROBE_ADD, c.counter, -c.value);
    }
}

bool scoreboard_derive(Machine *m, ProbeBlock *b) {
    Derived *d = &m->derived;
    scoreboard_new_epoch(m);
    if (b->again || d->never)
        return true; /* its beginning is no business of this block */
    if (needs_code(b, d)) {
        bool flush = d->n > 0;
        d->never = true;
        if (flush) {
            hooks_retranslate(m->hooks);
            scoreboard_new_epoch(m);
        }
        return !flush;
    }
    if (!d->decided)
        decide(m, b);
    for (unsigned i = 0; i < d->n; i++)
        leave_out(b, d->counters[i]);
    return true;
}
