/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine under the run loop, on bare-metal guests of a few instructions. Each guest is run once with
 * blocks of one instruction and no optimisation, noting the state hash at every stop; then again in all the
 * ways that must not make a difference.
 */
#include <inttypes.h>
#include "core/machine.h"
#include "tcg/tcg.h"
#include "tests/unit/engine_guests.h"

/* -- an outside world in which nothing happens --------------------------------------------------------------
 */

static Pos quiet_next_pos(Nd *nd) {
    return POS_NONE;
}
static bool quiet_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    return false;
}
static bool quiet_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    return false;
}
static bool quiet_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                        uint32_t size, int *err) {
    memset(to, 0, size);
    return true;
}
static void quiet_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                         uint32_t size) {}
static bool quiet_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    return true;
}
static Pos quiet_next_checkpoint(Nd *nd, Pos pos) {
    return POS_NONE;
}
static const NdOps quiet_ops = {quiet_next_pos, quiet_poll,       quiet_idle,           quiet_fetch,
                                quiet_output,   quiet_checkpoint, quiet_next_checkpoint};
static Nd quiet = {&quiet_ops};

/* -- ways to run --------------------------------------------------------------------------------------------
 */

#define N_STOPS 40u
#define TRACE_WORDS TRACE_BUFFER_WORDS

typedef struct Way {
    const char *name;
    TcgBackend backend;
    unsigned block_limit, disabled_passes;
    uint32_t trace;
    bool flush;       /* drop everything at each stop */
    bool every;       /* stop at every pos, not only at the ones that are compared */
    bool stats;       /* count helpers */
    unsigned observe; /* OBSERVE_* */
} Way;

/* LATE: counts alone first, then calls too. STORES: a counter that the first block stores to. */
enum { OBSERVE_CALLS = 1, OBSERVE_COUNTS = 2, OBSERVE_BLOCKS = 4, OBSERVE_LATE = 8, OBSERVE_STORES = 16 };

static const Way reference = {"reference", BACKEND_INTERP, 1, ~0u, 0, false, false};
static const Way ways[] = {
    {"interp", BACKEND_INTERP, 0, 0, 0, false, false},
    {"unoptimised", BACKEND_INTERP, 0, ~0u, 0, false, false},
    {"short", BACKEND_INTERP, 3, 0, 0, false, false},
    {"traced", BACKEND_INTERP, 0, 0, TRACE_WANT_MEM | TRACE_WANT_INSN, false, false},
    {"flushed", BACKEND_INTERP, 0, 0, 0, true, false},
    {"tails", BACKEND_INTERP, 0, 0, 0, false, true},
    {"host", BACKEND_AUTO, 0, 0, 0, false, false},
    {"host-unoptimised", BACKEND_AUTO, 0, ~0u, 0, false, false},
    {"host-short", BACKEND_AUTO, 2, 0, 0, false, false},
    {"host-traced", BACKEND_AUTO, 0, 0, TRACE_WANT_MEM, false, false},
    {"host-flushed", BACKEND_AUTO, 0, 0, 0, true, false},
    {"host-tails", BACKEND_AUTO, 0, 0, 0, false, true},
};

/* Every way to observe must see the same: the reference is one call an instruction and an access. */
static const Way observed_reference = {
    .backend = BACKEND_INTERP, .block_limit = 1, .disabled_passes = ~0u, .observe = OBSERVE_CALLS};
static const Way observed_ways[] = {
    {.name = "interp-calls", .backend = BACKEND_INTERP, .observe = OBSERVE_CALLS | OBSERVE_BLOCKS},
    {.name = "interp-counts", .backend = BACKEND_INTERP, .observe = OBSERVE_COUNTS},
    {.name = "unoptimised-counts",
     .backend = BACKEND_INTERP,
     .disabled_passes = ~0u,
     .observe = OBSERVE_COUNTS},
    {.name = "tails-counts", .backend = BACKEND_INTERP, .every = true, .observe = OBSERVE_COUNTS},
    {.name = "host-calls", .backend = BACKEND_AUTO, .observe = OBSERVE_CALLS},
    {.name = "host-counts", .backend = BACKEND_AUTO, .observe = OBSERVE_COUNTS},
    {.name = "host-both",
     .backend = BACKEND_AUTO,
     .observe = OBSERVE_CALLS | OBSERVE_COUNTS | OBSERVE_BLOCKS},
    {.name = "host-tails", .backend = BACKEND_AUTO, .every = true, .observe = OBSERVE_CALLS | OBSERVE_COUNTS},
    {.name = "host-flushed",
     .backend = BACKEND_AUTO,
     .flush = true,
     .observe = OBSERVE_COUNTS | OBSERVE_BLOCKS},
    {.name = "host-short-traced",
     .backend = BACKEND_AUTO,
     .block_limit = 3,
     .trace = TRACE_WANT_MEM,
     .observe = OBSERVE_COUNTS},
    {.name = "interp-late", .backend = BACKEND_INTERP, .observe = OBSERVE_COUNTS | OBSERVE_LATE},
    {.name = "host-late", .backend = BACKEND_AUTO, .observe = OBSERVE_COUNTS | OBSERVE_LATE},
    {.name = "host-tails-late",
     .backend = BACKEND_AUTO,
     .every = true,
     .observe = OBSERVE_COUNTS | OBSERVE_LATE},
    {.name = "interp-stores", .backend = BACKEND_INTERP, .observe = OBSERVE_COUNTS | OBSERVE_STORES},
    {.name = "host-stores", .backend = BACKEND_AUTO, .observe = OBSERVE_COUNTS | OBSERVE_STORES},
};

typedef struct Run {
    uint64_t insns[N_STOPS], reads[N_STOPS], writes[N_STOPS], uneven[N_STOPS];
    uint64_t digest; /* of all that the calls were told */
    uint64_t hash[N_STOPS];
    StopReason stop;
    Pos pos;
    uint64_t a0;
    EngineStats stats;
} Run;

/* Follows the raw trace: pos must come out right. */
typedef struct TraceFollower {
    Hooks *hooks;
    uint64_t buffer[TRACE_WORDS];
    Pos pos;
    uint64_t retired;
} TraceFollower;

static void follow_trace(void *opaque, const uint64_t *words, size_t n, uint64_t **next) {
    TraceFollower *f = opaque;
    for (size_t i = 0; i < n;) {
        uint32_t low = (uint32_t)words[i];
        switch (TRACE_TAG(words[i])) {
        case TRACE_BLOCK:
            f->pos += hooks_trace_block(f->hooks, low)->n_insns;
            f->retired += hooks_trace_block(f->hooks, low)->n_insns;
            i += hooks_trace_block(f->hooks, low)->words;
            break;
        case TRACE_CUT:
            f->pos -= low;
            f->retired -= low;
            i++;
            break;
        case TRACE_SYNC:
            g_assert_true(words[i + 1] == f->pos || words[i + 1] == f->pos + 1); /* a trap lies between */
            f->pos = words[i + 1];
            i += 4;
            break;
        case TRACE_SPLIT: i += 2; break;
        default: g_assert_not_reached();
        }
    }
    *next = f->buffer;
}

static const HookOps follower_ops = {.trace = follow_trace};

/* -- an observer --------------------------------------------------------------------------------------------
 */

typedef struct Observer {
    unsigned what;
    Machine *machine;
    /* Instructions, reads, writes, instructions of blocks so far, last block, instructions by their weight, and those
     * since a store of the first block's last one. */
    uint32_t counters;
    uint64_t insns, reads, writes, uneven, digest; /* by calls */
    uint64_t conditions;
    unsigned shown; /* blocks */
    unsigned first; /* instructions of the first one */
} Observer;

#define STORED 1000000u

/* The same everywhere in the reset vector, which runs first. */
static uint64_t weight(Gva pc) {
    return pc < RAM || (pc & 0x40) ? 3 : pc & 4 ? 5 : 0;
}

static void digest(Observer *o, uint64_t value) {
    o->digest = (o->digest ^ value) * 0x9e3779b97f4a7c15u + (o->digest >> 29);
}

static void saw_insn(void *data, const Hart *hart) {
    Observer *o = data;
    o->insns++;
    o->uneven += weight(hart->pc);
    digest(o, hart_pos(hart));
    digest(o, hart->pc);
    for (unsigned i = 1; i < 32; i++) {
        digest(o, hart->x[i]);
    }
    if (o->what & OBSERVE_COUNTS) { /* exact although additions are merged */
        g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters), ==, o->insns);
        g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters + 8), ==, o->reads);
        g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters + 16), ==, o->writes);
        g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters + 40), ==, o->uneven);
    }
}

static void saw_access(void *data, const Hart *hart, const ProbeAccess *a) {
    Observer *o = data;
    Gpa pa;
    bool is_ram;
    *(a->is_write ? &o->writes : &o->reads) += 1;
    g_assert_true(probe_access_paddr(hart, a, &pa, &is_ram));
    g_assert_cmpint(is_ram, ==, machine_ram_ptr(o->machine, pa, 1) != NULL);
    const uint64_t values[] = {hart_pos(hart), a->va, a->value, a->size, a->is_write, pa};
    for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
        digest(o, values[i]);
    }
}

/* Every 64th counted instruction or a little later; then the counter starts again. */
static void saw_condition(void *data, const Hart *hart) {
    Observer *o = data;
    g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters + 24), >, 63);
    o->conditions++;
    *scoreboard_at(o->machine, 0, o->counters + 24) = 0;
}

/* From now on by calls, which continue what was counted without them. */
static void begin_calls(Observer *o) {
    o->what |= OBSERVE_CALLS;
    o->insns = *scoreboard_at(o->machine, 0, o->counters);
    o->reads = *scoreboard_at(o->machine, 0, o->counters + 8);
    o->writes = *scoreboard_at(o->machine, 0, o->counters + 16);
    o->uneven = *scoreboard_at(o->machine, 0, o->counters + 40);
}

static void observe_block(void *opaque, ProbeBlock *b) {
    Observer *o = opaque;
    if ((o->what & OBSERVE_LATE) && ++o->shown == 4 && !probe_block_is_again(b)) {
        begin_calls(o);
    }
    if (o->what & OBSERVE_BLOCKS) {
        probe_add_inline(b, PROBE_AT_BLOCK, PROBE_ADD, o->counters + 24, probe_block_n_insns(b));
        probe_add_call_if(b, PROBE_AT_BLOCK, PROBE_GT, o->counters + 24, 63, saw_condition, o, false);
        probe_add_inline(b, PROBE_AT_BLOCK, PROBE_STORE, o->counters + 32, probe_block_pc(b));
    }
    for (unsigned i = 0; i < probe_block_n_insns(b) && (o->what & OBSERVE_STORES); i++) {
        probe_add_inline(b, i, PROBE_ADD, o->counters + 48, 1);
    }
    if ((o->what & OBSERVE_STORES) && !o->first) {
        o->first = probe_block_n_insns(b);
        probe_add_inline(b, o->first - 1, PROBE_STORE, o->counters + 48, STORED);
    }
    for (unsigned i = 0; i < probe_block_n_insns(b); i++) {
        if (o->what & OBSERVE_COUNTS) {
            probe_add_mem_inline(b, i, PROBE_READ, PROBE_ADD, o->counters + 8, 1);
            probe_add_inline(b, i, PROBE_ADD, o->counters, 1);
            if (weight(probe_block_insn(b, i)->pc)) {
                probe_add_inline(b, i, PROBE_ADD, o->counters + 40, weight(probe_block_insn(b, i)->pc));
            }
            probe_add_mem_inline(b, i, PROBE_WRITE, PROBE_ADD, o->counters + 16, 1);
        }
        if (o->what & OBSERVE_CALLS) {
            probe_add_mem(b, i, PROBE_READ | PROBE_WRITE, saw_access, o, false);
            probe_add_call(b, i, saw_insn, o, true);
        }
    }
}

static const HookOps observer_ops = {.translate = observe_block};

static void note_observed(const Observer *o, Run *r, unsigned stop) {
    bool counted = o->what & OBSERVE_COUNTS;
    r->insns[stop] = counted ? *scoreboard_at(o->machine, 0, o->counters) : o->insns;
    r->reads[stop] = counted ? *scoreboard_at(o->machine, 0, o->counters + 8) : o->reads;
    r->writes[stop] = counted ? *scoreboard_at(o->machine, 0, o->counters + 16) : o->writes;
    r->uneven[stop] = counted ? *scoreboard_at(o->machine, 0, o->counters + 40) : o->uneven;
    r->digest = o->digest;
    if (o->what & OBSERVE_STORES) { /* the reset vector's first block, which runs once */
        g_assert_cmpuint(*scoreboard_at(o->machine, 0, o->counters + 48), ==,
                         STORED + r->insns[stop] - o->first);
    }
}

static Machine *new_machine(const Guest *g, const Way *w, Hooks *hooks) {
    static Asm code;
    memset(&code, 0, sizeof code);
    g->emit(&code);
    MachineConfig config;
    machine_config_init(&config);
    config.ram_size = 16u << 20;
    config.rtc_base_ns = 0;
    g_ptr_array_add(config.images,
                    machine_image_new(IMAGE_BIOS, "guest", g_bytes_new(code.bytes, sizeof code.bytes), 0));
    Machine *m;
    GError *error = NULL;
    machine_new(&config, &quiet, hooks, &m, &error);
    g_assert_no_error(error);
    machine_config_done(&config);
    TcgOptions options = {
        .backend = w->backend, .disabled_passes = w->disabled_passes, .check_ir = true, .stats = w->stats};
    machine_set_engine(m, tcg_engine_new(m, &options));
    m->engine->ops->set_block_limit(m->engine, w->block_limit);
    machine_reset(m, &error);
    g_assert_no_error(error);
    return m;
}

/* Run up to `to`, in one go or step by step. */
static void run_to(Machine *m, const Way *w, Pos to) {
    while (m->stop == STOP_NONE && m->pos < to) {
        m->limit = w->every ? MIN(to, m->pos + 1 + m->pos % 7) : to;
        machine_run(m);
        if (m->stop == STOP_LIMIT) {
            g_assert_cmpuint(m->pos, ==, m->limit);
            m->stop = STOP_NONE;
        }
    }
}

static void run_guest(const Guest *g, const Way *w, Run *r) {
    TraceFollower *follower = g_new0(TraceFollower, 1);
    Hooks *hooks = hooks_new();
    follower->hooks = hooks;
    if (w->trace) {
        hooks_subscribe(hooks, &follower_ops, follower);
        hooks_set_trace_wants(hooks, w->trace);
    }
    Observer observer = {.what = w->observe};
    if (w->observe) {
        hooks_subscribe(hooks, &observer_ops, &observer);
    }
    Machine *m = new_machine(g, w, hooks);
    observer.machine = m;
    bool room = scoreboard_alloc(m, 56, &observer.counters);
    g_assert_true(room);
    *r = (Run){0};
    for (unsigned i = 0; i < N_STOPS; i++) {
        run_to(m, w, g->limit * (i + 1) / N_STOPS);
        r->hash[i] = machine_state_hash(m);
        note_observed(&observer, r, i);
        if (w->flush) {
            m->engine->ops->flush(m->engine);
        }
    }
    r->stop = m->stop;
    r->pos = machine_pos(m);
    r->a0 = m->harts[0]->x[A0];
    m->engine->ops->get_stats(m->engine, &r->stats);
    if (w->trace) {
        g_assert_cmpuint(follower->pos, ==, r->pos);
        g_assert_cmpuint(follower->retired, ==, r->pos - m->harts[0]->traps);
    }
    machine_free(m);
    hooks_free(hooks);
    g_free(follower);
}

static void test_guest(gconstpointer data) {
    const Guest *g = data;
    Run expect, got;
    run_guest(g, &reference, &expect);
    g_assert_cmpint(expect.stop, ==, g->finishes ? STOP_FINISHER_PASS : STOP_NONE);
    g_assert_cmpuint(expect.stats.steps_total, <=, expect.pos);
    for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
        run_guest(g, &ways[i], &got);
        for (unsigned k = 0; k < N_STOPS; k++) {
            if (got.hash[k] != expect.hash[k]) {
                g_error("%s, %s: the state differs at stop %u", g->name, ways[i].name, k);
            }
        }
        g_assert_cmpint(got.stop, ==, expect.stop);
        g_assert_cmpuint(got.pos, ==, expect.pos);
    }
}

/* Observing changes nothing, and shows the same however it is done and whatever the blocks are. */
static void test_observed(gconstpointer data) {
    const Guest *g = data;
    Run plain, expect, got;
    run_guest(g, &reference, &plain);
    run_guest(g, &observed_reference, &expect);
    for (unsigned i = 0; i < G_N_ELEMENTS(observed_ways); i++) {
        const Way *w = &observed_ways[i];
        run_guest(g, w, &got);
        for (unsigned k = 0; k < N_STOPS; k++) {
            if (got.hash[k] != plain.hash[k]) {
                g_error("%s, %s: the state differs at stop %u", g->name, w->name, k);
            }
            if (got.insns[k] != expect.insns[k] || got.reads[k] != expect.reads[k] ||
                got.writes[k] != expect.writes[k] || got.uneven[k] != expect.uneven[k]) {
                g_error("%s, %s, stop %u: counted %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                        ", not %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64,
                        g->name, w->name, k, got.insns[k], got.reads[k], got.writes[k], got.uneven[k],
                        expect.insns[k], expect.reads[k], expect.writes[k], expect.uneven[k]);
            }
        }
        if (w->observe & OBSERVE_CALLS) {
            g_assert_cmphex(got.digest, ==, expect.digest);
        }
    }
}

/* Results that can be worked out by hand, so that the reference is not all there is. */
static void test_results(void) {
    Run r;
    run_guest(&guests[1], &ways[0],
              &r); /* two additions a round, of 1 to 100: the second of this round's number */
    g_assert_cmpuint(r.a0, ==, 2 * (100 * 101 / 2));
    run_guest(&guests[2], &ways[0], &r); /* lh/sh adds 0x10 to the upper half: 1 to the immediate */
    g_assert_cmpuint(r.a0, ==, 50 * 51 / 2);
    run_guest(&guests[6], &ways[0], &r); /* the second sc of each round fails */
    g_assert_cmpuint(r.a0, ==, 200);
    run_guest(&guests[7], &ways[0],
              &r); /* the second page: 37 groups of four rounds, and the last three; two calls each */
    g_assert_cmpuint(r.a0, ==, 298 + 256 * 302);
    run_guest(&guests[8], &ways[0], &r);
    g_assert_cmphex(r.a0, ==, RAM + 0x4ff8);
    run_guest(&guests[9], &ways[0], &r);
    g_assert_cmpuint(r.a0, ==, 0);
    run_guest(&guests[10], &ways[0],
              &r); /* the immediate is 0, then four calls each with 1, 2, … 15 (the last three) */
    g_assert_cmpuint(r.a0, ==, 4 * (14 * 15 / 2) + 3 * 15);
    run_guest(&guests[11], &ways[0], &r);
    g_assert_cmpuint(r.a0, ==, 2 * 150 * 257);
}

/* Each round: ecall, an illegal instruction, and four times the handler's four CSR accesses and mret; before,
 * the reset vector's mhartid and one mtvec. */
static void test_stats(void) {
    static const Way counted[] = {{.name = "interp", .backend = BACKEND_INTERP, .stats = true},
                                  {.name = "host", .backend = BACKEND_AUTO, .stats = true}};
    Run r;
    for (unsigned i = 0; i < G_N_ELEMENTS(counted); i++) {
        run_guest(&guests[0], &counted[i], &r);
        g_assert_cmpuint(r.stats.helper_insns, ==, 1);
        run_guest(&guests[3], &counted[i], &r);
        g_assert_cmpuint(r.stats.helper_insns, ==, 2 + 60 * (2 + 4 * 5));
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < G_N_ELEMENTS(guests); i++) {
        g_autofree char *path = g_strconcat("/engine/", guests[i].name, NULL);
        g_test_add_data_func(path, &guests[i], test_guest);
        g_autofree char *observed = g_strconcat("/engine/observed/", guests[i].name, NULL);
        g_test_add_data_func(observed, &guests[i], test_observed);
    }
    g_test_add_func("/engine/results", test_results);
    g_test_add_func("/engine/stats", test_stats);
    return g_test_run();
}
