/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/random/script.h"

#include <errno.h>
#include <string.h>

#include "tests/random/guest.h"

static Pos script_next_pos(Nd *nd) {
    const Script *s = (const Script *)nd;
    return s->hidden || s->at >= s->events->len ? POS_NONE : g_array_index(s->events, ScriptEvent, s->at).pos;
}

static bool take(Script *s, Pos pos, Nsec time, NdEvent *to) {
    const ScriptEvent *ev = &g_array_index(s->events, ScriptEvent, s->at++);
    *to = (NdEvent){pos, time, ev->kind, ev->source, ev->payload, ev->size};
    return true;
}

static bool script_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    Script *s = (Script *)nd;
    if (s->at >= s->events->len || g_array_index(s->events, ScriptEvent, s->at).pos > pos)
        return false;
    return take(s, pos, now, ev);
}

/* A waiting machine gets the next event early, or waits for its deadline. */
static bool script_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    Script *s = (Script *)nd;
    if (s->at >= s->events->len || random_one_in(&s->random, 2))
        return false;
    return take(s, pos, now + random_below(&s->random, 20000), ev);
}

/* Half of a disk are instructions, the other half page-table entries: either may land where it matters. */
static void disk_block(uint64_t seed, uint64_t number, uint8_t *to, uint32_t size) {
    Random r = {seed ^ number * 0x9e3779b97f4a7c15u};
    for (uint32_t i = 0; i + 8 <= size; i += 8) {
        uint64_t word = number & 1 ? random_pte(&r)
                                   : ADDI(8 + (unsigned)random_below(&r, 8), 8, (int)random_below(&r, 2048)) |
                                         (uint64_t)(i % 32 == 24 ? JALR(ZERO, RA, 0) : XOR(9, 10, 11)) << 32;
        memcpy(to + i, &word, 8);
    }
}

static bool script_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                         uint32_t size, int *err) {
    Script *s = (Script *)nd;
    Random r = {s->seed + pos * 31 + arg * 7 + (uint64_t)kind};
    if (kind == ND_BLOCK && random_one_in(&r, 32)) {
        *err = EIO;
        return false;
    }
    if (kind == ND_BLOCK) {
        disk_block(s->seed, arg, to, size);
        return true;
    }
    for (uint32_t i = 0; i < size; i++)
        to[i] = (uint8_t)random_next(&r);
    return true;
}

static void script_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                          uint32_t size) {
    Script *s = (Script *)nd;
    for (uint32_t i = 0; i < size; i++)
        s->output = s->output * 1099511628211u + data[i] + source;
}

static bool script_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    return true;
}
static Pos script_next_checkpoint(Nd *nd, Pos pos) {
    return POS_NONE;
}

static const NdOps script_ops = {
    .next_pos = script_next_pos,
    .poll = script_poll,
    .idle = script_idle,
    .fetch = script_fetch,
    .output = script_output,
    .checkpoint = script_checkpoint,
    .next_checkpoint = script_next_checkpoint,
};

void script_init(Script *s, uint64_t seed, Pos end, uint32_t ports) {
    *s = (Script){.base = {&script_ops}, .seed = seed, .random = {seed ^ 0x5ca1ab1e}};
    Random r = {seed + 1};
    s->events = g_array_new(FALSE, FALSE, sizeof(ScriptEvent));
    s->hidden = random_one_in(&r, 4);
    uint64_t gap = 200 + random_below(&r, 8000);
    for (Pos pos = random_below(&r, 2 * gap); pos < end; pos += random_below(&r, 2 * gap)) {
        ScriptEvent ev = {.pos = pos, .kind = ND_CONSOLE};
        ev.source = (uint32_t)random_below(&r, ports);
        ev.size = 1 + (uint32_t)random_below(&r, random_one_in(&r, 8) ? 16 : 2);
        for (uint32_t i = 0; i < ev.size; i++)
            ev.payload[i] = (uint8_t)random_next(&r);
        if (random_one_in(&r, 400)) {
            ev.kind = random_one_in(&r, 2) ? ND_STOP : ND_CLOSE;
            ev.size = ev.kind == ND_STOP ? 4 : 0;
            memcpy(ev.payload, (uint8_t[4]){ND_STOP_SIGINT}, 4);
        }
        g_array_append_val(s->events, ev);
    }
}

void script_done(Script *s) {
    g_array_unref(s->events);
}
