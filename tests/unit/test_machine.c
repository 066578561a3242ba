/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run loop with an engine that only counts steps (and asks a script what each step does) and an outside
 * world made of a table: horizons, deadlines, the schedule and idling are exact and do not depend on where a
 * run is split.
 */
#include <stdio.h>
#include <errno.h>
#include <string.h>

#include "core/machine.h"

/* -- an outside world from a table ----------------------------------------------------------------------- */

typedef struct FakeNd {
    Nd base;
    const NdEvent *events;
    size_t n, at;
    Pos interval, next_checkpoint, refuse_at;
    unsigned polls;
    Pos last_poll, longest_gap;
    int fail; /* errno of the next fetches; 0: they work */
    GString *log;
} FakeNd;

static Pos fake_next_pos(Nd *nd) {
    return POS_NONE;
}

static bool fake_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    FakeNd *f = (FakeNd *)nd;
    f->longest_gap = MAX(f->longest_gap, pos - f->last_poll);
    f->last_poll = pos;
    if (f->at >= f->n || f->events[f->at].pos > pos || f->events[f->at].time > now)
        return false;
    *ev = f->events[f->at++];
    return true;
}

static bool fake_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    FakeNd *f = (FakeNd *)nd;
    if (f->at >= f->n || f->events[f->at].time >= deadline)
        return false;
    *ev = f->events[f->at++];
    return true;
}

static bool fake_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                       uint32_t size, int *err) {
    *err = ((FakeNd *)nd)->fail;
    memset(to, 0x55, size);
    return !*err;
}

static void fake_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                        uint32_t size) {}

static bool fake_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    FakeNd *f = (FakeNd *)nd;
    g_string_append_printf(f->log, "checkpoint %" G_GUINT64_FORMAT "\n", pos);
    f->next_checkpoint = pos + f->interval;
    return pos != f->refuse_at;
}

static Pos fake_next_checkpoint(Nd *nd, Pos pos) {
    FakeNd *f = (FakeNd *)nd;
    return f->interval ? f->next_checkpoint : POS_NONE;
}

static const NdOps fake_nd_ops = {fake_next_pos, fake_poll,       fake_idle,           fake_fetch,
                                  fake_output,   fake_checkpoint, fake_next_checkpoint};

/* A replayer knows where its next event is. */
static Pos table_next_pos(Nd *nd) {
    FakeNd *f = (FakeNd *)nd;
    return f->at < f->n ? f->events[f->at].pos : POS_NONE;
}

static const NdOps table_nd_ops = {table_next_pos, fake_poll,       fake_idle,           fake_fetch,
                                   fake_output,    fake_checkpoint, fake_next_checkpoint};

/* -- an engine that counts ------------------------------------------------------------------------------- */

typedef struct FakeEngine {
    Engine base;
    void (*step)(Hart *h, Pos pos); /* what step `pos` does; may be NULL */
    GString *log;                   /* "hart from-to" for every stretch of one hart, joined across splits */
    uint32_t hart;
    Pos from, to;
} FakeEngine;

static void engine_note(FakeEngine *e, const Hart *h, Pos from, Pos to) {
    if (e->log && e->hart == h->id && e->to == from) {
        e->to = to;
        return;
    }
    if (e->log && e->to > e->from)
        g_string_append_printf(e->log, "%u %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "\n", e->hart, e->from,
                               e->to);
    e->hart = h->id;
    e->from = from;
    e->to = to;
}

static void fake_run(Engine *engine, Hart *h) {
    FakeEngine *e = (FakeEngine *)engine;
    Pos from = hart_pos(h);
    g_assert_cmpint(h->budget, >, 0);
    g_assert_false(h->waiting);
    if (!e->step) {
        h->budget = 0;
    } else {
        while (h->budget > 0 && !h->attention) {
            e->step(h, hart_pos(h));
            h->budget--;
        }
    }
    engine_note(e, h, from, hart_pos(h));
}

static void fake_free(Engine *engine) {}
static void fake_flush(Engine *engine) {}
static void fake_invalidate(Engine *engine, uint32_t page, uint32_t offset, uint32_t size) {}
static void fake_limit(Engine *engine, unsigned n) {}
static void fake_stats(Engine *engine, EngineStats *stats) {}
static const EngineOps fake_engine_ops = {"fake",     fake_free,  fake_run,  fake_invalidate,
                                          fake_flush, fake_limit, fake_stats};

/* -- a machine ------------------------------------------------------------------------------------------- */

typedef struct Fixture {
    FakeNd nd;
    FakeEngine engine;
    Hooks *hooks;
    Machine *m;
    GString *log;
} Fixture;

static void fixture_init(Fixture *f, unsigned harts, unsigned shift, uint64_t seed) {
    MachineConfig config;
    machine_config_init(&config);
    config.n_harts = harts;
    config.icount_shift = shift;
    config.schedule_seed = seed;
    config.ram_size = 16 << 20;
    *f = (Fixture){.nd = {.base = {&fake_nd_ops}, .refuse_at = POS_NONE},
                   .engine = {.base = {&fake_engine_ops}}};
    f->log = f->nd.log = f->engine.log = g_string_new(NULL);
    f->engine.hart = UINT32_MAX;
    f->hooks = hooks_new();
    GError *error = NULL;
    uint32_t loop = 0x0000006f; /* so that the loader has something to start */
    g_autoptr(GBytes) code = g_bytes_new(&loop, sizeof loop);
    g_ptr_array_add(config.images, machine_image_new(IMAGE_BIOS, "loop", code, 0));
    g_assert_true(machine_new(&config, &f->nd.base, f->hooks, &f->m, &error));
    machine_config_done(&config);
    machine_set_engine(f->m, &f->engine.base);
}

static void fixture_start(Fixture *f) {
    GError *error = NULL;
    g_assert_true(machine_reset(f->m, &error));
}

static void fixture_done(Fixture *f) {
    machine_free(f->m);
    hooks_free(f->hooks);
    g_string_free(f->log, TRUE);
}

static void run_to(Fixture *f, Pos to) {
    f->m->limit = to;
    if (f->m->stop == STOP_LIMIT)
        f->m->stop = STOP_NONE;
    machine_run(f->m);
}

/* Run to `to` in stretches of pseudo-random length. */
static void run_split(Fixture *f, Pos to, uint64_t seed) {
    while (f->m->pos < to && (f->m->stop == STOP_NONE || f->m->stop == STOP_LIMIT)) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        run_to(f, MIN(to, f->m->pos + 1 + (seed >> 40) % 700));
    }
}

/* -- limits, polls, checkpoints -------------------------------------------------------------------------- */

static void test_limit(void) {
    Fixture f;
    fixture_init(&f, 1, 0, 0);
    fixture_start(&f);
    Pos stops[] = {0, 1, 2, 17, 17, 1000, 3000000};
    for (size_t i = 0; i < G_N_ELEMENTS(stops); i++) {
        run_to(&f, stops[i]);
        g_assert_cmpint(f.m->stop, ==, STOP_LIMIT);
        g_assert_cmpuint(machine_pos(f.m), ==, stops[i]);
        g_assert_cmpuint(f.m->harts[0]->steps, ==, stops[i]);
    }
    g_assert_cmpuint(f.nd.longest_gap, <=, 1000000);
    fixture_done(&f);
}

static void test_checkpoints(void) {
    Fixture f;
    fixture_init(&f, 1, 0, 0);
    f.engine.log = NULL;
    f.nd.interval = 1000;
    f.nd.refuse_at = 3000;
    fixture_start(&f);
    run_split(&f, 10000, 1);
    g_assert_cmpint(f.m->stop, ==, STOP_DIVERGED);
    g_assert_cmpuint(f.m->pos, ==, 3000);
    g_assert_cmpstr(f.log->str, ==, "checkpoint 0\ncheckpoint 1000\ncheckpoint 2000\ncheckpoint 3000\n");
    fixture_done(&f);
}

static void stop_at_777(Hart *h, Pos pos) {
    if (pos == 777)
        machine_request_stop(h->machine, STOP_FINISHER_FAIL, 5);
}

static void test_stop(void) {
    Fixture f;
    fixture_init(&f, 1, 0, 0);
    f.engine.step = stop_at_777;
    fixture_start(&f);
    run_to(&f, 778); /* the guest's own stop wins over a limit at the same pos */
    g_assert_cmpint(f.m->stop, ==, STOP_FINISHER_FAIL);
    g_assert_cmpuint(f.m->stop_code, ==, 5);
    g_assert_cmpuint(f.m->pos, ==, 778);
    fixture_done(&f);
}

static void test_host_stop(void) {
    static const uint8_t reason[4] = {ND_STOP_SIGINT};
    static const NdEvent events[] = {{500, 500, ND_STOP, 0, reason, 4}};
    Fixture f;
    fixture_init(&f, 1, 0, 0);
    f.nd.base.ops = &table_nd_ops;
    f.nd.events = events;
    f.nd.n = 1;
    fixture_start(&f);
    run_to(&f, POS_NONE);
    g_assert_cmpint(f.m->stop, ==, STOP_HOST);
    g_assert_cmpuint(f.m->stop_code, ==, ND_STOP_SIGINT);
    g_assert_cmpuint(f.m->pos, ==, 500);
    fixture_done(&f);
}

/* -- deadlines
 * ----------------------------------------------------------------------------------------------------------
 */

typedef struct Alarm {
    Device base;
    const Nsec *times;
    size_t n, at;
    GString *log;
} Alarm;

static void alarm_arm(Alarm *a) {
    device_set_deadline(&a->base, a->at < a->n ? a->times[a->at] : NSEC_NEVER);
}

static void alarm_deadline(Device *d) {
    Alarm *a = (Alarm *)d;
    g_string_append_printf(a->log, "%s %" G_GUINT64_FORMAT " at %" G_GUINT64_FORMAT "\n", d->name,
                           a->times[a->at], machine_pos(d->machine));
    a->at++;
    alarm_arm(a);
}

static void alarm_reset(Device *d) {
    alarm_arm((Alarm *)d);
}
static void alarm_free(Device *d) {}
static const DeviceOps alarm_ops = {
    .type = "alarm", .deadline = alarm_deadline, .reset = alarm_reset, .free = alarm_free};

static void alarm_add(Fixture *f, Alarm *a, const char *name, const Nsec *times, size_t n) {
    *a = (Alarm){{&alarm_ops, name, f->m, NSEC_NEVER, -1}, times, n, 0, f->log};
    machine_add_device(f->m, &a->base);
}

static void test_deadlines(void) {
    static const Nsec first[] = {0, 1000, 1001, 4000}, second[] = {1000, 1004, 3999};
    for (unsigned split = 0; split < 3; split++) {
        Fixture f;
        Alarm a, b;
        fixture_init(&f, 1, 2, 0); /* a step is 4 ns */
        f.engine.log = NULL;
        alarm_add(&f, &a, "a", first, G_N_ELEMENTS(first));
        alarm_add(&f, &b, "b", second, G_N_ELEMENTS(second));
        fixture_start(&f);
        if (split)
            run_split(&f, 2000, split);
        else
            run_to(&f, 2000);
        g_assert_cmpstr(f.log->str, ==,
                        "a 0 at 0\na 1000 at 250\nb 1000 at 250\na 1001 at 251\nb 1004 at 251\nb 3999 at "
                        "1000\na 4000 at 1000\n");
        fixture_done(&f);
    }
}

static void test_timer_lines(void) {
    Fixture f;
    fixture_init(&f, 2, 0, 0);
    fixture_start(&f);
    Hart *h = f.m->harts[1];
    h->mtimecmp = 50; /* 50 ticks of 100 ns */
    run_to(&f, 4999);
    g_assert_cmpuint(h->mip_lines & 1 << IRQ_MTI, ==, 0);
    run_to(&f, 5000);
    g_assert_cmpuint(h->mip_lines & 1 << IRQ_MTI, !=, 0);
    h->mtimecmp = UINT64_MAX;
    run_to(&f, 5001);
    g_assert_cmpuint(h->mip_lines & 1 << IRQ_MTI, ==, 0);
    f.m->mtime_delta = 1000;
    h->mtimecmp = 1060;
    run_to(&f, 5999);
    g_assert_cmpuint(h->mip_lines & 1 << IRQ_MTI, ==, 0);
    run_to(&f, 6000);
    g_assert_cmpuint(h->mip_lines & 1 << IRQ_MTI, !=, 0);
    g_assert_cmpuint(machine_mtime_to_nsec(f.m, UINT64_MAX), ==, NSEC_NEVER);
    g_assert_cmpuint(machine_mtime_to_nsec(f.m, 1061), ==, 6100);
    fixture_done(&f);
}

/* An interrupt is taken at the first boundary where it is pending and enabled: one step, wherever runs were
 * split. */
static void test_interrupt(void) {
    for (unsigned split = 0; split < 3; split++) {
        Fixture f;
        fixture_init(&f, 1, 0, 0);
        fixture_start(&f);
        Hart *h = f.m->harts[0];
        h->mtimecmp = 12;
        h->mie = 1 << IRQ_MTI;
        h->mstatus |= 8; /* MIE */
        h->mtvec = 0x80001000;
        if (split)
            run_split(&f, 1200, split);
        else
            run_to(&f, 1200);
        g_assert_cmpuint(h->traps, ==, 0);
        run_to(&f, 1201);
        g_assert_cmpuint(h->traps, ==, 1);
        g_assert_cmpuint(h->pc, ==, 0x80001000);
        g_assert_cmpuint(h->mcause, ==, (uint64_t)1 << 63 | IRQ_MTI);
        g_assert_cmpuint(h->steps, ==, 1201);
        fixture_done(&f);
    }
}

/* -- several harts
 * ---------------------------------------------------------------------------------------------------------
 */

static char *schedule_log(void (*step)(Hart *h, Pos pos), uint64_t seed, uint64_t split) {
    Fixture f;
    fixture_init(&f, 3, 0, seed);
    f.engine.step = step;
    fixture_start(&f);
    if (split)
        run_split(&f, 200000, split);
    else
        run_to(&f, 200000);
    uint64_t steps = 0;
    for (unsigned i = 0; i < 3; i++)
        steps += f.m->harts[i]->steps;
    g_assert_cmpuint(steps, ==, 200000);
    char *log = g_strdup(f.log->str);
    fixture_done(&f);
    return log;
}

/* Harts that wait, give up their turns, and hold reservations at odd moments. */
static void busy_step(Hart *h, Pos pos) {
    uint64_t x = (pos + h->id) * 0x9e3779b97f4a7c15u >> 40;
    h->res_size = x % 7 < 3 ? 8 : 0;
    if (x % 1500 == 0)
        machine_yield(h->machine);
    if (x % 2500 == 1 && h->id != 2) {
        h->waiting = 1;
        h->attention |= ATTN_WFI;
        h->mie = 1 << IRQ_MTI;
        h->mtimecmp = pos / 100 + 30;
        machine_timer_update(h->machine);
    }
}

static void test_schedule(void) {
    static void (*const steps[])(Hart *, Pos) = {NULL, busy_step};
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autofree char *whole = schedule_log(steps[i], 42, 0), *other = schedule_log(steps[i], 43, 0);
        g_assert_cmpstr(whole, !=, other);
        for (uint64_t split = 1; split < 8; split++) {
            g_autofree char *parts = schedule_log(steps[i], 42, split);
            g_assert_cmpstr(whole, ==, parts);
        }
    }
    g_autofree char *log = schedule_log(NULL, 42, 0);
    g_auto(GStrv) turns = g_strsplit(log, "\n", -1);
    for (unsigned i = 0; turns[i] && *turns[i]; i++) {
        unsigned hart, from, to;
        g_assert_cmpint(sscanf(turns[i], "%u %u-%u", &hart, &from, &to), ==, 3);
        g_assert_cmpuint(hart, ==, i % 3);
        g_assert_cmpuint(to - from, >=, 2000);
        g_assert_cmpuint(to - from, <=, 18000);
    }
}

static void always_reserved(Hart *h, Pos pos) {
    h->res_size = 4;
}

/* A turn that holds a reservation at its end gets 64 steps more, once; the switch clears the reservation. */
static void test_reservation(void) {
    g_autofree char *plain = schedule_log(NULL, 9, 0), *held = schedule_log(always_reserved, 9, 0);
    unsigned from, to, longer;
    g_assert_cmpint(sscanf(plain, "0 %u-%u", &from, &to), ==, 2);
    g_assert_cmpint(sscanf(held, "0 %u-%u", &from, &longer), ==, 2);
    g_assert_cmpuint(longer, ==, to + 64);
    Fixture f;
    fixture_init(&f, 2, 0, 9);
    f.engine.step = always_reserved;
    fixture_start(&f);
    run_to(&f, longer);
    g_assert_cmpuint(f.m->harts[0]->res_size, ==, 4); /* a limit is no switch */
    run_to(&f, longer + 1);
    g_assert_cmpuint(f.m->current, ==, 1);
    g_assert_cmpuint(f.m->harts[0]->res_size, ==, 0);
    fixture_done(&f);
}

/* -- idling
 * ------------------------------------------------------------------------------------------------------------------
 */

static void wait_at_100(Hart *h, Pos pos) {
    if (pos != 100)
        return;
    h->waiting = 1;
    h->attention |= ATTN_WFI;
}

static void test_idle(void) {
    static const uint8_t reason[4] = {ND_STOP_QUIT};
    static const Nsec times[] = {5000, 9000};
    static const NdEvent events[] = {{101, 7000, ND_CLOSE, 0, NULL, 0}, {101, 123456, ND_STOP, 0, reason, 4}};
    Fixture f;
    Alarm a;
    fixture_init(&f, 1, 0, 0);
    f.engine.step = wait_at_100;
    f.nd.events = events;
    f.nd.n = G_N_ELEMENTS(events);
    alarm_add(&f, &a, "a", times, G_N_ELEMENTS(times));
    fixture_start(&f);
    run_to(&f, POS_NONE);
    g_assert_cmpint(f.m->stop, ==, STOP_HOST);
    g_assert_cmpuint(f.m->pos, ==, 101);
    g_assert_cmpuint(machine_time(f.m), ==, 123456);
    g_assert_cmpuint(f.m->idle_ns, ==, 123456 - 101);
    g_assert_nonnull(strstr(f.log->str, "a 5000 at 101\na 9000 at 101\n"));
    fixture_done(&f);
}

static void test_idle_wakes(void) {
    Fixture f;
    fixture_init(&f, 1, 0, 0);
    f.engine.step = wait_at_100;
    fixture_start(&f);
    Hart *h = f.m->harts[0];
    h->mtimecmp = 10000;
    h->mie = 1 << IRQ_MTI; /* wakes, although mstatus.MIE is off */
    run_to(&f, 200);
    g_assert_cmpint(f.m->stop, ==, STOP_LIMIT);
    g_assert_cmpuint(machine_time(f.m), ==, 1000000 + 99);
    g_assert_cmpuint(h->waiting, ==, 0);
    g_assert_cmpuint(h->traps, ==, 0);
    fixture_done(&f);
}

static void test_dead(void) {
    Fixture f;
    fixture_init(&f, 1, 0, 0);
    f.engine.step = wait_at_100;
    fixture_start(&f);
    run_to(&f, POS_NONE);
    g_assert_cmpint(f.m->stop, ==, STOP_DEAD);
    g_assert_cmpuint(f.m->pos, ==, 101);
    fixture_done(&f);
}

/* -- a reset asked for by the guest ---------------------------------------------------------------------- */

static void reset_at_300(Hart *h, Pos pos) {
    if (pos == 300) {
        h->x[5] = 99;
        machine_request_reset(h->machine);
    }
}

static void test_guest_reset(void) {
    Fixture f;
    fixture_init(&f, 2, 0, 0);
    f.engine.step = reset_at_300;
    fixture_start(&f);
    uint32_t word = 0x12345678, back = 0;
    g_assert_true(machine_ram_write(f.m, 0x80000000, &word, 4));
    g_assert_true(machine_ram_write(f.m, 0x80800000, &word, 4));
    f.nd.fail = EIO; /* the host's entropy ran out meanwhile: no reason to end */
    run_to(&f, 400);
    g_assert_cmpuint(f.m->pos, ==, 400);
    g_assert_cmpuint(f.m->stop, ==, STOP_LIMIT);
    g_assert_cmpuint(f.m->harts[0]->x[5], ==, 0);
    memcpy(&back, machine_ram_ptr(f.m, 0x80000000, 4), 4);
    g_assert_cmphex(back, ==, 0x0000006f); /* the image is there again */
    memcpy(&back, machine_ram_ptr(f.m, 0x80800000, 4), 4);
    g_assert_cmphex(back, ==, 0x12345678); /* other RAM keeps its contents */
    fixture_done(&f);
}

/* -- what is refused -- */

static void refuse(void (*change)(MachineConfig *)) {
    FakeNd nd = {.base = {&fake_nd_ops}};
    MachineConfig config;
    Machine *m = NULL;
    GError *error = NULL;
    Hooks *hooks = hooks_new();
    machine_config_init(&config);
    change(&config);
    g_assert_false(machine_new(&config, &nd.base, hooks, &m, &error));
    g_assert_null(m);
    g_assert_nonnull(strstr(error->message, "expected"));
    g_error_free(error);
    hooks_free(hooks);
    machine_config_done(&config);
}

static void no_harts(MachineConfig *c) {
    c->n_harts = 0;
}
static void many_harts(MachineConfig *c) {
    c->n_harts = MACHINE_MAX_HARTS + 1;
}
static void no_ram(MachineConfig *c) {
    c->ram_size = 0;
}
static void odd_ram(MachineConfig *c) {
    c->ram_size += 1;
}
static void much_ram(MachineConfig *c) {
    c->ram_size = (uint64_t)1 << 62;
}
static void long_steps(MachineConfig *c) {
    c->icount_shift = 11;
}

static void test_refused(void) {
    static void (*const changes[])(MachineConfig *) = {no_harts, many_harts, no_ram,
                                                       odd_ram,  much_ram,   long_steps};
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++)
        refuse(changes[i]);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/machine/limit", test_limit);
    g_test_add_func("/machine/checkpoints", test_checkpoints);
    g_test_add_func("/machine/stop", test_stop);
    g_test_add_func("/machine/host-stop", test_host_stop);
    g_test_add_func("/machine/deadlines", test_deadlines);
    g_test_add_func("/machine/timer-lines", test_timer_lines);
    g_test_add_func("/machine/interrupt", test_interrupt);
    g_test_add_func("/machine/schedule", test_schedule);
    g_test_add_func("/machine/reservation", test_reservation);
    g_test_add_func("/machine/idle", test_idle);
    g_test_add_func("/machine/idle-wakes", test_idle_wakes);
    g_test_add_func("/machine/dead", test_dead);
    g_test_add_func("/machine/guest-reset", test_guest_reset);
    g_test_add_func("/machine/refused", test_refused);
    return g_test_run();
}
