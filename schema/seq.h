/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * seq: the order of rows that share a pos. (pos, seq) is one total order over all tables and does not depend
 * on which analyses run: seq = (class << 20) + index within the class at that pos. The classes are listed in
 * the order in which a step's effects happen. "State at P" is before step P; the classes up to SEQ_IRQ happen
 * before step P executes, the others are part of it.
 */
#ifndef SCHEMA_SEQ_H
#define SCHEMA_SEQ_H

#define SEQ_CLASSES(X)                                                                                       \
    X(INPUT, 0)    /* outside input drained at this pos */                                                   \
    X(DMA, 1)      /* device work that became due at this pos */                                             \
    X(IRQ, 2)      /* interrupt lines that changed because of the two above */                               \
    X(TRAP, 3)     /* the step is an exception or interrupt taken */                                         \
    X(MEM, 4)      /* the step's own loads and stores */                                                     \
    X(MMIO, 5)     /* device register accesses of the step */                                                \
    X(DMA_STEP, 6) /* DMA that a device performs inside the step (descriptor reads at notify) */             \
    X(IRQ_STEP, 7) /* interrupt line changes caused by the step */                                           \
    X(REGS, 8)     /* register values after the step */

enum {
#define X(name, number) SEQ_##name = (number) << 20,
    SEQ_CLASSES(X)
#undef X
        SEQ_WALK = SEQ_TRAP + (1 << 19), /* page-table entries that the step's walks changed */
    SEQ_STATE = SEQ_IRQ + (1 << 19),     /* register values before the step executes */
};

#endif
