/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/bytes.h"

void bytes_done(Bytes *b) {
    g_free(b->data);
    *b = (Bytes){0};
}

void bytes_grow(Bytes *b, size_t room) {
    size_t used = b->data ? bytes_size(b) : 0;
    size_t size = MAX((used + room) * 3 / 2, 4096);
    b->data = g_realloc(b->data, size);
    b->at = b->data + used;
    b->limit = b->data + size;
}

void bytes_append(Bytes *b, const void *data, size_t n) {
    bytes_reserve(b, n);
    if (n)
        memcpy(b->at, data, n);
    b->at += n;
}
