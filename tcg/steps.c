/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/steps.h"

static const ProbeWay *find_way(const ProbeStep *step, uint32_t state) {
    const ProbeWay *way = &step->first;
    if (way->from != state) {
        way = &step->more[state % PROBE_WAYS];
    }
    return way->from == state ? way : NULL;
}

static void enter(const Hart *h, ProbeStep *step) {
    ProbePlace *place = step_place(h, step);
    const ProbeWay *way = find_way(step, place->state);
    if (!way) {
        step->ops->enter(step, h);
        return;
    }
    ++*hart_counter(h, way->count);
    place->way = way;
}

void steps_enter(Hart *h, const BlockSteps *s) {
    for (uint32_t i = 0; i < s->n && !s->again; i++) {
        enter(h, s->step[i]);
    }
    h->flags &= ~FLAG_GOES_ON;
}

static void leave(const Hart *h, const ProbeStep *step, uint16_t n_insns) {
    ProbePlace *place = step_place(h, step);
    Pos behind = h->horizon - (uint64_t)h->budget;
    if (step->follows) {
        place->state = place->way->to;
        if (!step->goes_on) {
            *hart_counter(h, place->way->last) = place->start;
        }
        return;
    }
    place->state = step->state;
    if (step->goes_on) {
        place->start = behind - n_insns;
    } else {
        *hart_counter(h, step->last) = behind;
    }
}

void steps_leave(Hart *h, const BlockSteps *s) {
    for (uint32_t i = 0; i < s->n && !s->again; i++) {
        leave(h, s->step[i], s->n_insns);
    }
    h->flags |= s->goes_on ? FLAG_GOES_ON : 0;
}

void steps_cut(Hart *h, const BlockSteps *s, uint32_t left, ProbeCut why) {
    for (uint32_t i = 0; i < s->n; i++) {
        s->step[i]->ops->cut(s->step[i], h, left, why);
    }
    if (why == PROBE_CUT_NOT_ENTERED && s->step[0]->follows) {
        h->flags |= FLAG_GOES_ON;
    }
}

bool steps_know_way(const BlockSteps *from, const BlockSteps *to) {
    return from && to && from->n == 1 && to->n == 1 && !from->again && !from->goes_on &&
           !from->step[0]->follows && !to->step[0]->follows;
}

uint32_t steps_way(const BlockSteps *from, const BlockSteps *to) {
    return from->step[0]->ops->link(from->step[0], to->step[0]);
}
