/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the chunks of a table of calls (call_chunk.h), as they end. On one thread at a time. */
#ifndef ANALYSES_STORE_CALL_STORE_H
#define ANALYSES_STORE_CALL_STORE_H

#include "analyses/store/call_chunk.h"
#include "analyses/store/store.h"
#include "core/types.h"

typedef struct CallStore CallStore;

/* A function: the same `number` (small) has the same pc and satp, 0: of no program. */
typedef struct CallFunction {
    guint number;
    Gva pc;
    uint64_t satp;
    Pos pos; /* when it is asked what is called so there */
} CallFunction;

/*
 * The tables are there already. always: what a function is called does not depend on the position, since programs are not
 * followed.
 */
CallStore *call_store_new(Store *store, const char *table, bool always, GError **error);
/* Its SYMBOL is filled in. */
bool call_store_add(CallStore *s, const CallRow *row, const CallFunction *function, GError **error);
bool call_store_end(CallStore *s, GError **error);
void call_store_free(CallStore *s);

#endif
