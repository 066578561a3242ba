/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translated blocks and the cache they live in, shared by both backends. A block is found by (virtual pc, fetch-page
 * id, flags); it never crosses a page except for a single instruction that does, which is looked up by C code only
 * and checks both pages every time.
 */
#ifndef TCG_BLOCK_H
#define TCG_BLOCK_H

#include "core/machine.h"
#include "tcg/ir/ir.h"

typedef struct Block Block;
typedef struct BlockLink BlockLink; /* one patched exit: from block+slot to block */

struct Block {
    Gva pc;
    uint32_t flags;
    uint32_t page_id; /* FetchPage.id */
    uint32_t page;    /* host page index of the first byte */
    uint32_t page2;   /* of the last byte; == page unless the one instruction crosses */
    uint16_t offset;  /* in the page */
    uint16_t bytes;
    uint16_t n_insns;
    bool valid;
    bool single;                  /* made with TranslateInput.tail: the engine looks again after it */
    Block *hash_next;             /* lookup chain */
    Block *page_next[2];          /* blocks of the same page: by page, page2 */
    Block *to[2];                 /* where the exit slots are linked, or NULL */
    Block *from_next[2];          /* chain of the blocks linked to `to[i]`, by our slot i */
    Block *from_head;             /* blocks linked to us; tagged pointers: bit 0 is the slot */
    const struct ProbeUndo *undo; /* merged additions to counters */
    uint16_t n_undo;
    const struct BlockSteps *steps; /* NULL: none */
    const void *interp;             /* interp: the decoded ops */
    uint32_t trace_words, trace_index;
    const uint8_t *code; /* x86_64 */
    const uint8_t
        *entry;          /* x86_64: for whoever has not counted the way here (x86_64/step.c); mostly `code` */
    uint8_t *patch[2];   /* x86_64: where the slot's jump is */
    uint8_t *counted[2]; /* x86_64: end of the addition that counts the slot's way, or NULL */
    const uint8_t *stub[2]; /* x86_64: where that jump goes while the slot is not linked */
    const uint8_t *cold;    /* x86_64: the out-of-line part, for dump */
    uint32_t code_size, cold_size;
};

#endif
