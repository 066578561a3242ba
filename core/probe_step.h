/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps from block to block, counted in line. An observer numbers the states in which a hart can be between two blocks. A
 * place (one for each hart, PROBE_PLACE_SIZE bytes of the scoreboard) holds the state; a block that is entered counts the way
 * from that state into it, and a block that is done puts the state behind it there. So what is in the place while a block
 * runs is where the hart came from.
 *
 * A block either begins what the observer follows, or goes on with it (it is made for FLAG_GOES_ON). Of the former the state
 * behind it is known when it is made: an exit that leads to one of those leads by one way only, and counts it, so that the
 * block it leads to has nothing to do when it is entered. Otherwise the state is looked up among the block's ways.
 */
#ifndef CORE_PROBE_STEP_H
#define CORE_PROBE_STEP_H

#include "core/probe.h"

typedef struct ProbeWay {
    uint32_t from, to; /* the states before and behind the block */
    uint32_t count;    /* counter */
    uint32_t last; /* counter, if the block goes on with something and ends it: its `start`, the last time */
} ProbeWay;

typedef struct ProbePlace {
    uint32_t state;
    Pos start;           /* where that began with which the next block goes on */
    const ProbeWay *way; /* into the block that runs, if it is one that goes on with something */
} ProbePlace;
#define PROBE_PLACE_SIZE ((uint32_t)sizeof(ProbePlace))

/*
 * A block ends before its last `left` instructions. FAULT, AGAIN: the first of those has begun, and faults, or is run again on
 * its own (a block that probe_block_is_again()). FAULT_AGAIN: it is that block, and faults. NOT_ENTERED: not even the block's
 * first one has begun.
 */
typedef enum { PROBE_CUT_FAULT, PROBE_CUT_AGAIN, PROBE_CUT_FAULT_AGAIN, PROBE_CUT_NOT_ENTERED } ProbeCut;

typedef struct ProbeStep ProbeStep;
typedef struct ProbeStepOps {
    /* No way that the step knows leads from the state: find it and count it; place->way and place->start are its business. */
    ProbeFn *enter; /* data: the step */
    /* The way was counted, but the block was not taken to its end. */
    void (*cut)(ProbeStep *step, const Hart *hart, uint32_t left, ProbeCut why);
    /* The counter of the way from one block that begins something, and ends it, to another. 0: not now. */
    uint32_t (*link)(const ProbeStep *from, const ProbeStep *to);
} ProbeStepOps;

/* The observer's, of one block; it lives as long as the subscription. */
#define PROBE_WAYS 16u
struct ProbeStep {
    ProbeWay first;       /* the ways that are known; may be changed in `enter` and `cut` */
    const ProbeWay *more; /* PROBE_WAYS of them: one from `state` may stand at state % PROBE_WAYS */
    const ProbeStepOps *ops;
    uint32_t place; /* in the scoreboard */
    uint32_t state; /* behind it, if it begins something */
    uint32_t last;  /* counter, if it begins and ends something: the pos behind it, the last time */
    bool follows;   /* it goes on with something */
    bool goes_on;   /* it does not end it: the next block does go on */
};

/* Also for a block that probe_block_is_again(): nothing is counted there, and the state is not changed. */
void probe_add_step(ProbeBlock *b, ProbeStep *step);

#endif
