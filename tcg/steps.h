/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of a block (core/probe_step.h), as its Block keeps them: what backends do in C, and what they leave to C. */
#ifndef TCG_STEPS_H
#define TCG_STEPS_H

#include "core/hart.h"
#include "core/probe_step.h"
#include "tcg/block.h"

typedef struct BlockSteps {
    bool goes_on; /* FLAG_GOES_ON is set behind the block */
    bool again;   /* nothing is counted */
    uint16_t n_insns;
    uint32_t n;
    ProbeStep *step[];
} BlockSteps;

static inline ProbePlace *step_place(const Hart *h, const ProbeStep *step) {
    return (ProbePlace *)(void *)hart_counter(h, step->place);
}

/* The block is entered: the budget is not charged yet, and h->left is 0. */
void steps_enter(Hart *h, const BlockSteps *s);
/* It is done: the budget is charged. */
void steps_leave(Hart *h, const BlockSteps *s);
/* It was left before its last `left` instructions. */
void steps_cut(Hart *h, const BlockSteps *s, uint32_t left, ProbeCut why);
/* Does an exit from one to the other know its way? Then it is to be linked only with the counter of that, if that is not 0. */
bool steps_know_way(const BlockSteps *from, const BlockSteps *to);
uint32_t steps_way(const BlockSteps *from, const BlockSteps *to);

#endif
