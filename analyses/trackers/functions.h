/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions that the database's symbols know: which one covers an address, and where functions begin. */
#ifndef ANALYSES_FUNCTIONS_H
#define ANALYSES_FUNCTIONS_H

#include "analyses/store/store.h"

typedef struct Functions Functions;

Functions *functions_new(Store *store);
void functions_free(Functions *f);
/* Does a function begin here? */
bool functions_begins(const Functions *f, Gva addr);
/* Where the function that covers the address begins; the address itself if none is known. */
Gva functions_begin_of(const Functions *f, Gva addr);
/* How many addresses behind that beginning no other function begins at; 0: no function is known to cover the address. */
uint64_t functions_inside(const Functions *f, Gva addr);

#endif
