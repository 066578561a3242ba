/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Console bytes to lines, per device and direction. */
#ifndef ANALYSES_BUILTIN_LINES_H
#define ANALYSES_BUILTIN_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Line {
    const char *device, *text; /* UTF-8 */
    bool to_guest;
    uint64_t first_pos, last_pos;
} Line;

typedef struct Lines Lines;
typedef void LineFn(void *opaque, const Line *line);
Lines *lines_new(LineFn *fn, void *opaque);
/* `port` 0 is the UART. */
void lines_add(Lines *l, uint64_t pos, uint32_t port, bool to_guest, const uint8_t *data, size_t size);
/* Tell the unfinished ones too. */
void lines_end(Lines *l);
void lines_free(Lines *l); /* NULL is allowed */

#endif
