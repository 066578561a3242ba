/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest time: a function of pos plus what was skipped while all harts waited. So a deadline at time T is due
 * at a pos that can be computed, and timer interrupts are never logged.
 */
#include "core/schedule.h"

#define TICK_NS 100u                     /* timebase 10 MHz */
#define MENVCFG_STCE ((uint64_t)1 << 63) /* privileged spec 1.13 §3.1.18 */

Pos machine_pos(const Machine *m) {
    return m->running ? hart_pos(m->harts[m->current]) : m->pos;
}

Nsec machine_time_at(const Machine *m, Pos pos) {
    return (pos << m->config.icount_shift) + m->idle_ns;
}

Nsec machine_time(const Machine *m) {
    return machine_time_at(m, machine_pos(m));
}

uint64_t machine_mtime(const Machine *m) {
    return machine_time(m) / TICK_NS + m->mtime_delta;
}

Nsec machine_mtime_to_nsec(const Machine *m, uint64_t ticks) {
    Nsec now = machine_time(m);
    uint64_t mtime = now / TICK_NS + m->mtime_delta;
    if (mtime >= ticks)
        return now;
    uint64_t tick;
    if (__builtin_add_overflow(now / TICK_NS, ticks - mtime, &tick) || tick >= NSEC_NEVER / TICK_NS)
        return NSEC_NEVER;
    return tick * TICK_NS;
}

Pos time_to_pos(const Machine *m, Nsec when) {
    Nsec now = machine_time_at(m, m->pos);
    unsigned shift = m->config.icount_shift;
    if (when <= now)
        return m->pos;
    uint64_t steps = ((when - now - 1) >> shift) + 1;
    return steps >= POS_NONE - m->pos ? POS_NONE : m->pos + steps;
}

/* stimecmp drives STIP only with the extension and while M-mode lets it. */
static bool stimecmp_active(const Machine *m, const Hart *h) {
    return m->config.isa.sstc && (h->menvcfg & MENVCFG_STCE);
}

void machine_timer_update(Machine *m) {
    uint64_t mtime = machine_mtime(m);
    for (uint32_t i = 0; i < m->n_harts; i++) {
        Hart *h = m->harts[i];
        hart_set_irq_line(h, IRQ_MTI, mtime >= h->mtimecmp);
        hart_set_irq_line(h, IRQ_STI, stimecmp_active(m, h) && mtime >= h->stimecmp);
    }
}

void device_set_deadline(Device *d, Nsec when) {
    d->when = when;
}

static Device *earliest_device(const Machine *m) {
    Device *first = NULL;
    for (guint i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        if (d->when != NSEC_NEVER && (!first || d->when < first->when))
            first = d;
    }
    return first;
}

void time_fire_deadlines(Machine *m) {
    Nsec now = machine_time(m);
    for (Device *d; (d = earliest_device(m)) && d->when <= now;) {
        d->when = NSEC_NEVER;
        d->ops->deadline(d);
    }
}

static Nsec timer_deadline(const Machine *m, uint64_t compare, uint64_t mtime) {
    return mtime >= compare ? NSEC_NEVER : machine_mtime_to_nsec(m, compare);
}

Nsec time_next_deadline(Machine *m) {
    const Device *d = earliest_device(m);
    uint64_t mtime = machine_mtime(m);
    Nsec when = d ? d->when : NSEC_NEVER;
    for (uint32_t i = 0; i < m->n_harts; i++) {
        const Hart *h = m->harts[i];
        when = MIN(when, timer_deadline(m, h->mtimecmp, mtime));
        if (stimecmp_active(m, h))
            when = MIN(when, timer_deadline(m, h->stimecmp, mtime));
    }
    m->deadline = when;
    return when;
}
