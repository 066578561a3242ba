/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Console bytes to rows: a row a line, per device and direction, the unfinished last one too. */
#ifndef ANALYSES_STORE_LINES_H
#define ANALYSES_STORE_LINES_H

#include "analyses/store/store.h"

typedef struct Lines Lines;
/* Rows go to `table`. */
bool lines_new(Store *s, const char *table, Lines **ret, GError **error);
bool lines_add(Lines *l, Pos pos, uint32_t port, bool to_guest, const uint8_t *data, uint32_t size,
               GError **error);
/* Write the unfinished lines. */
bool lines_end(Lines *l, GError **error);
int64_t lines_rows(const Lines *l);
void lines_free(Lines *l);

#endif
