/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An outside world that is a function of a seed: bytes typed at positions written down beforehand, disk
 * blocks, entropy, a clock, and now and then a disk error or a signal. Its next event is known, so that it
 * lands at exactly its position; half of the worlds hide that, as a live host does.
 */
#ifndef TESTS_RANDOM_SCRIPT_H
#define TESTS_RANDOM_SCRIPT_H

#include <glib.h>
#include "core/nd.h"
#include "tests/random/random.h"

typedef struct ScriptEvent {
    Pos pos;
    NdKind kind;
    uint32_t source, size;
    uint8_t payload[16];
} ScriptEvent;

typedef struct Script {
    Nd base;
    uint64_t seed;
    Random random;  /* of idle waits */
    GArray *events; /* of ScriptEvent, by pos */
    guint at;
    bool hidden;     /* next_pos() says nothing */
    uint64_t output; /* digest of what the guest sent */
} Script;

/* Events up to about `end`, for `ports` consoles. */
void script_init(Script *s, uint64_t seed, Pos end, uint32_t ports);
void script_done(Script *s);

#endif
