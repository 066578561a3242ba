/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at guest memory as the hart sees it now, without any effect. */
#ifndef ANALYSES_PEEK_H
#define ANALYSES_PEEK_H

#include "core/hart.h"

/* False where nothing is mapped or it is not RAM; `to` may be written then. */
bool peek_read(const Hart *hart, Gva va, void *to, uint64_t size);
/* How many of the bytes there are, up to the first that cannot be read. */
uint64_t peek_some(const Hart *hart, Gva va, void *to, uint64_t size);
bool peek_u32(const Hart *hart, Gva va, uint32_t *value);
bool peek_u64(const Hart *hart, Gva va, uint64_t *value);

#endif
