/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state is all there is. In the middle of random guests
 *
 *   moved   a snapshot goes into a machine that was just made, and both go on alike, to the end: whatever a
 * device or hart knows is in its state section, or the new machine could not; flips   one bit of what any
 * section saves (its fields, queues in flight, disk blocks, typed-ahead bytes), of RAM, and of time shows in
 * the state hash, or is refused when it is loaded.
 *
 *     random_state [GUESTS [FIRST-SEED [JSON]]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/machine.h"
#include "tcg/tcg.h"
#include "tests/random/guest.h"
#include "tests/random/report.h"
#include "tests/random/script.h"

#define LIMIT 60000u
#define FLIPS 300u /* of a section, once in its fields and once in what follows them */

typedef struct Subject {
    Script script;
    Hooks *hooks;
    Machine *m;
} Subject;

static uint64_t n_flips, n_refused, n_moved, n_extras, n_failed;

static void subject_start(Subject *s, uint64_t seed, TcgBackend backend) {
    GError *error = NULL;
    MachineConfig config;
    random_guest_make(seed, &config);
    script_init(&s->script, seed, LIMIT, config.n_console);
    s->hooks = hooks_new();
    if (!machine_new(&config, &s->script.base, s->hooks, &s->m, &error))
        g_error("%s", error->message);
    TcgOptions options = {.backend = backend, .code_cache_size = 4u << 20};
    machine_set_engine(s->m, tcg_engine_new(s->m, &options));
    if (!machine_reset(s->m, &error))
        g_error("%s", error->message);
    machine_config_done(&config);
}

static void subject_done(Subject *s) {
    machine_free(s->m);
    hooks_free(s->hooks);
    script_done(&s->script);
}

static bool subject_run(Subject *s, Pos to) {
    if (s->m->stop == STOP_LIMIT)
        s->m->stop = STOP_NONE;
    s->m->limit = to;
    machine_run(s->m);
    return s->m->stop == STOP_LIMIT;
}

static void failed(uint64_t seed, Pos pos, const char *what) {
    printf("seed %" PRIu64 ", pos %" PRIu64 ": %s\n", seed, pos, what);
    n_failed++;
}

/* -- moved ------------------------------------------------------------------------------------------------
 */

static void check_moved(Subject *old, uint64_t seed, Random *r) {
    Subject new;
    subject_start(&new, seed, random_one_in(r, 2) ? BACKEND_INTERP : BACKEND_AUTO);
    Snapshot *s = snapshot_take(old->m);
    snapshot_restore(new.m, s);
    snapshot_free(s);
    new.script.at = old->script.at;
    new.script.random = old->script.random;
    n_moved++;
    for (bool goes_on = true; goes_on;) {
        Pos to = old->m->pos + 1 + random_below(r, 4000);
        goes_on = subject_run(old, MIN(to, LIMIT)) && old->m->pos < LIMIT;
        subject_run(&new, MIN(to, LIMIT));
        if (machine_state_hash(old->m) == machine_state_hash(new.m) && old->m->stop == new.m->stop)
            continue;
        failed(seed, new.m->pos, "a new machine with the old one's state went another way by here");
        break;
    }
    subject_done(&new);
}

/* -- flips ------------------------------------------------------------------------------------------------
 */

static bool load(const StateSection *s, const uint8_t *data, size_t size) {
    StateReader r = {data, size, 0, false};
    return state_section_load(s, &r) && !r.bad && r.at == r.size;
}

static size_t fields_size(const StateSection *s) {
    size_t size = 0;
    for (size_t i = 0; i < s->n_fields; i++)
        size += (size_t)s->fields[i].size * s->fields[i].count;
    return size;
}

static void flip(Machine *m, const StateSection *s, GByteArray *saved, size_t at, uint64_t seed, Random *r) {
    uint64_t hash = machine_state_hash(m);
    uint8_t bit = (uint8_t)(1u << random_below(r, 8));
    saved->data[at] ^= bit;
    bool loaded = load(s, saved->data, saved->len);
    n_flips++;
    n_refused += !loaded;
    if (loaded && machine_state_hash(m) == hash) {
        g_autofree char *what =
            g_strdup_printf("a flipped bit of byte %zu of section %s does not show", at, s->name);
        failed(seed, m->pos, what);
    }
    saved->data[at] ^= bit;
    if (!load(s, saved->data, saved->len) || machine_state_hash(m) != hash) {
        g_autofree char *what = g_strdup_printf("section %s does not load what it saved", s->name);
        failed(seed, m->pos, what);
    }
}

static void check_section(Machine *m, const StateSection *s, uint64_t seed, Random *r) {
    g_autoptr(GByteArray) saved = g_byte_array_new();
    state_section_save(s, saved);
    size_t fields = fields_size(s), extra = saved->len - fields;
    n_extras += extra > 8;
    for (unsigned i = 0; i < FLIPS / 10 && fields; i++)
        flip(m, s, saved, random_below(r, fields), seed, r);
    for (unsigned i = 0; i < FLIPS && i < extra; i++)
        flip(m, s, saved, fields + random_below(r, extra), seed, r);
}

static void check_ram(Machine *m, uint64_t seed, Random *r) {
    /* Any write that is no hart's ends all reservations, which are state. */
    machine_ram_write(m, m->ram->base, machine_ram_ptr(m, m->ram->base, 1), 1);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t hash = machine_state_hash(m);
        Gpa pa = m->ram->base + random_below(r, m->ram->size);
        uint8_t old = *machine_ram_ptr(m, pa, 1), new = old ^ (uint8_t)(1u << random_below(r, 8));
        machine_ram_write(m, pa, &new, 1);
        n_flips++;
        if (machine_state_hash(m) == hash)
            failed(seed, m->pos, "a flipped bit of RAM does not show");
        machine_ram_write(m, pa, &old, 1);
        if (machine_state_hash(m) != hash)
            failed(seed, m->pos, "RAM that is as it was has another hash");
    }
}

static void check_flips(Subject *s, uint64_t seed, Random *r) {
    Snapshot *start = snapshot_take(s->m);
    for (guint i = 0; i < s->m->sections->len; i++)
        check_section(s->m, &g_array_index(s->m->sections, StateSection, i), seed, r);
    check_ram(s->m, seed, r);
    snapshot_restore(s->m, start); /* what follows from the sections is as it was as well */
    snapshot_free(start);
}

int main(int argc, char **argv) {
    uint64_t guests = argc > 1 ? strtoull(argv[1], NULL, 0) : 60,
             first = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    for (uint64_t seed = first; seed < first + guests && n_failed < 20; seed++) {
        Random r = {seed};
        Subject s;
        subject_start(&s, seed, BACKEND_AUTO);
        if (subject_run(&s, 1000 + random_below(&r, LIMIT / 2))) {
            if (seed % 4 == 0)
                check_flips(&s, seed, &r);
            check_moved(&s, seed, &r);
        }
        subject_done(&s);
    }
    printf("%" PRIu64 " guests moved, %" PRIu64 " bits flipped (%" PRIu64 " refused), %" PRIu64
           " sections with more than fields, %" PRIu64 " failed\n",
           n_moved, n_flips, n_refused, n_extras, n_failed);
    if (argc > 3) {
        g_autofree char *text = g_strdup_printf("{\"suite\": \"state\", \"moved\": %" PRIu64
                                                ", \"flips\": %" PRIu64 ", \"failed\": %" PRIu64 "}\n",
                                                n_moved, n_flips, n_failed);
        report_write(argv[3], text);
    }
    return n_failed != 0;
}
