/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recording and replay end to end, on two guests of a few instructions: what was recorded replays on either
 * backend and under perturbation; a recording that lies, and a machine in which one bit changed, are found at
 * the next checkpoint.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/mmu.h"
#include "replay/replay.h"
#include "replay/segments.h"
#include "tcg/tcg.h"
#include "tests/unit/rv_asm.h"

#define RAM 0x80000000
#define FINISHER 0x100000
#define UART 0x10000000
#define CLINT_MTIMECMP 0x2004000
#define CSR_MIE 0x304
#define CSR_TIME 0xc01
#define WFI 0x10500073u
#define CHECKPOINT_STEPS 1000

static char *dir;

/* -- an outside world that types a text at moments of its own choosing ----------------------------------- */

typedef struct Typist {
    Nd base;
    const char *text;
    uint64_t random;
    uint8_t byte;
} Typist;

static bool typist_acts(Typist *t, NdEvent *ev, Pos pos, Nsec time) {
    t->random = t->random * 6364136223846793005u + 1442695040888963407u;
    if (!*t->text || (t->random >> 60) > 9)
        return false;
    t->byte = (uint8_t)*t->text++;
    *ev = (NdEvent){pos, time + (t->random >> 40) % 30000, ND_CONSOLE, 0, &t->byte, 1};
    return true;
}

static bool typist_poll(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    Typist *t = (Typist *)nd;
    if ((t->random >> 33) % 50) { /* rarely while the guest runs */
        t->random = t->random * 6364136223846793005u + 1442695040888963407u;
        return false;
    }
    return typist_acts(t, ev, pos, now);
}

static bool typist_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    return typist_acts((Typist *)nd, ev, pos, now);
}

static bool typist_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                         uint32_t size, int *err) {
    memset(to, 0x5a, size);
    return true;
}

static Pos typist_next_pos(Nd *nd) {
    return POS_NONE;
}
static void typist_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                          uint32_t size) {}
static bool typist_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    return true;
}
static Pos typist_next_checkpoint(Nd *nd, Pos pos) {
    return POS_NONE;
}
static const NdOps typist_ops = {typist_next_pos, typist_poll,       typist_idle,           typist_fetch,
                                 typist_output,   typist_checkpoint, typist_next_checkpoint};

/* -- the guests ------------------------------------------------------------------------------------------ */

/* Echoes what is typed, waiting for a timer in between, keeps a sum in memory, and ends at a full stop. */
static void guest_echo(Asm *a) {
    asm_li(a, S0, UART);
    asm_li(a, S1, CLINT_MTIMECMP);
    asm_li(a, S2, RAM + 0x3000);
    asm_li(a, T0, 1 << 7); /* MTIE: wakes WFI, but mstatus.MIE is off */
    asm_w(a, CSRRW(ZERO, CSR_MIE, T0));
    uint32_t loop = a->at;
    asm_w(a, CSRRS(T0, CSR_TIME, ZERO));
    asm_w(a, ADDI(T0, T0, 700));
    asm_w(a, SD(T0, S1, 0));
    asm_w(a, WFI);
    asm_w(a, LBU(T1, S0, 5)); /* LSR: data ready */
    asm_w(a, ANDI(T1, T1, 1));
    asm_w(a, BEQ(T1, ZERO, asm_to(a, loop)));
    asm_w(a, LBU(T2, S0, 0));
    asm_w(a, SB(T2, S0, 0));
    asm_w(a, LD(T1, S2, 0));
    asm_w(a, SLLI(T0, T1, 5)); /* times 33: odd, so that nothing is forgotten */
    asm_w(a, ADD(T1, T1, T0));
    asm_w(a, ADD(T1, T1, T2));
    asm_w(a, SD(T1, S2, 0));
    asm_w(a, ADDI(T2, T2, -'.'));
    asm_w(a, BNE(T2, ZERO, asm_to(a, loop)));
    asm_li(a, T0, FINISHER);
    asm_li(a, T1, 0x3333 | 7 << 16);
    asm_w(a, SW(T1, T0, 0));
    asm_w(a, JAL(ZERO, 0));
}

/* Fills some memory, then stays where it is: nothing that changes underneath is written over. */
static void guest_still(Asm *a) {
    asm_li(a, S0, RAM + 0x3000);
    asm_li(a, S1, 100);
    uint32_t loop = a->at;
    asm_w(a, SD(S1, S0, 0));
    asm_w(a, ADDI(S0, S0, 40));
    asm_w(a, ADDI(S1, S1, -1));
    asm_w(a, BNE(S1, ZERO, asm_to(a, loop)));
    asm_w(a, JAL(ZERO, 0));
}

/* -- recording
 * ----------------------------------------------------------------------------------------------------------
 */

static TcgBackend other_of(TcgBackend backend) {
#ifdef __x86_64__
    return backend == BACKEND_INTERP ? BACKEND_X86_64 : BACKEND_INTERP;
#else
    return BACKEND_INTERP;
#endif
}

static Engine *new_engine(Machine *m, void *opaque) {
    TcgOptions options = {.backend = *(TcgBackend *)opaque};
    return tcg_engine_new(m, &options);
}

static Engine *new_other_engine(Machine *m, void *opaque) {
    TcgOptions options = {.backend = other_of(*(TcgBackend *)opaque)};
    return tcg_engine_new(m, &options);
}

static void make_config(MachineConfig *config, void (*guest)(Asm *)) {
    machine_config_init(config);
    config->ram_size = 4 << 20;
    config->virtio[7] = (VirtioSlotConfig){VIRTIO_BLK, g_strdup("disk"), 0, 64, false, {0}};
    config->virtio[6] = (VirtioSlotConfig){VIRTIO_RNG, g_strdup("rng"), 0, 0, false, {0}};
    Asm a = {0};
    guest(&a);
    g_autoptr(GBytes) code = g_bytes_new(a.bytes, sizeof a.bytes);
    g_ptr_array_add(config->images, machine_image_new(IMAGE_BIOS, "guest", code, 0));
}

/* Record until the guest ends or `limit`. `end` false: as if the program was killed. Returns the path. */
static char *record(void (*guest)(Asm *), const char *text, uint64_t seed, Pos limit, bool end) {
    static unsigned number;
    g_autofree char *name = g_strdup_printf("%u.rrec", number++);
    char *path = g_build_filename(dir, name, NULL);
    Typist typist = {{&typist_ops}, text, seed, 0};
    TcgBackend backend = BACKEND_INTERP;
    MachineConfig config;
    RecWriter *w;
    Machine *m;
    GError *error = NULL;
    make_config(&config, guest);
    g_assert_true(rec_writer_new(path, false, &config, "test", &w, &error));
    Nd *nd = nd_record_new(&typist.base, w, CHECKPOINT_STEPS);
    Hooks *hooks = hooks_new();
    g_assert_true(machine_new(&config, nd, hooks, &m, &error));
    machine_set_engine(m, new_engine(m, &backend));
    g_assert_true(machine_reset(m, &error));
    m->limit = limit;
    machine_run(m);
    RecEnd e = {true,         m->pos, machine_time(m), machine_state_hash(m), m->stop,
                m->stop_code, 0,      (char *)"test"};
    g_assert_true(end ? rec_writer_finish(w, &e, &error) : rec_writer_flush(w, m->pos, &error));
    machine_free(m);
    hooks_free(hooks);
    nd_record_free(nd);
    rec_writer_free(w);
    machine_config_done(&config);
    return path;
}

static Rec *open_rec(const char *path) {
    Rec *rec;
    GError *error = NULL;
    g_assert_true(rec_open(path, &rec, &error));
    return rec;
}

typedef struct Output {
    TcgBackend backend; /* first: the engine functions see it through `opaque` */
    GString *text;
} Output;

static void collect(void *opaque, uint32_t port, const uint8_t *data, uint32_t size) {
    g_string_append_len(((Output *)opaque)->text, (const char *)data, size);
}

static Replay *new_replay(const Rec *rec, Output *out, bool perturb, uint64_t seed) {
    ReplayOptions options = {.new_engine = new_engine,
                             .new_other_engine = new_other_engine,
                             .opaque = out,
                             .perturb = perturb,
                             .perturb_seed = seed,
                             .seekable = true,
                             .output = out->text ? collect : NULL};
    Replay *replay;
    GError *error = NULL;
    g_assert_true(replay_new(rec, &options, &replay, &error));
    return replay;
}

/* -- what must replay ------------------------------------------------------------------------------------ */

static const char typed[] = "The quick brown fox jumps over the lazy dog, and a lazy dog it is.";

static void replay_whole(const Rec *rec, TcgBackend backend, bool perturb, uint64_t seed) {
    Output out = {backend, g_string_new(NULL)};
    Replay *replay = new_replay(rec, &out, perturb, seed);
    GError *error = NULL;
    bool good = replay_run_to(replay, POS_NONE, &error);
    g_assert_no_error(error);
    g_assert_true(good);
    g_assert_cmpuint(replay_n_compared(replay), ==, rec_n_checkpoints(rec));
    g_assert_cmpstr(out.text->str, ==, typed);
    replay_free(replay);
    g_string_free(out.text, TRUE);
}

static void test_echo(void) {
    for (uint64_t seed = 1; seed <= 8; seed++) {
        g_autofree char *path = record(guest_echo, typed, seed, POS_NONE, true);
        Rec *rec = open_rec(path);
        g_assert_true(rec_end(rec)->complete);
        g_assert_cmpuint(rec_end(rec)->stop, ==, STOP_FINISHER_FAIL);
        g_assert_cmpuint(rec_end(rec)->code, ==, 7);
        g_assert_cmpuint(rec_n_events(rec), >=, sizeof typed - 1);
        replay_whole(rec, BACKEND_INTERP, false, 0);
        replay_whole(rec, other_of(BACKEND_INTERP), false, 0);
        replay_whole(rec, BACKEND_INTERP, true, seed);
        replay_whole(rec, other_of(BACKEND_INTERP), true, seed + 100);
        rec_free(rec);
    }
}

static void test_seek(void) {
    g_autofree char *path = record(guest_still, "", 1, 20000, true);
    Rec *rec = open_rec(path);
    Output out = {BACKEND_INTERP, NULL};
    Replay *replay = new_replay(rec, &out, false, 0);
    GError *error = NULL;
    uint64_t hashes[20];
    for (unsigned i = 0; i < 20; i++) {
        g_assert_true(replay_seek(replay, i * 999, &error));
        hashes[i] = machine_state_hash(replay_machine(replay));
    }
    for (unsigned i = 0; i < 60; i++) {
        unsigned to = i * 7 % 20;
        g_assert_true(replay_seek(replay, to * 999, &error));
        g_assert_cmpuint(machine_pos(replay_machine(replay)), ==, to * 999);
        g_assert_cmphex(machine_state_hash(replay_machine(replay)), ==, hashes[to]);
    }
    g_assert_false(replay_seek(replay, 20001, &error));
    g_assert_error(error, REPLAY_ERROR, REPLAY_ERROR_RANGE);
    g_clear_error(&error);
    g_assert_true(replay_run_to(replay, POS_NONE, &error));
    replay_free(replay);
    rec_free(rec);
}

/* A recording without its end replays as far as it goes. */
static void test_killed(void) {
    g_autofree char *path = record(guest_still, "", 1, 5500, false);
    Rec *rec = open_rec(path);
    g_assert_false(rec_end(rec)->complete);
    g_assert_cmpuint(rec_end(rec)->pos, ==, 5500);
    g_assert_cmpuint(rec_end(rec)->time, ==, 5500);
    Output out = {BACKEND_INTERP, NULL};
    Replay *replay = new_replay(rec, &out, false, 0);
    GError *error = NULL;
    g_assert_true(replay_run_to(replay, POS_NONE, &error));
    g_assert_cmpuint(machine_pos(replay_machine(replay)), ==, 5500);
    g_assert_cmpuint(replay_n_compared(replay), ==, 6);
    replay_free(replay);
    rec_free(rec);
}

/* -- segments -------------------------------------------------------------------------------------------- */

#define SEGMENTS 7u
typedef enum { WELL, KILLED, SILENT, FAILED, DIVERGED } Fate;

typedef struct Segmented {
    Replay *replay;
    Fate fate;         /* of the worker of segment 4 */
    GArray *collected; /* of Found */
    int paused;
} Segmented;

typedef struct Found {
    Segment segment;
    uint64_t hash; /* at its end */
} Found;

static void pause_nothing(void *opaque, bool pause) {
    ((Segmented *)opaque)->paused += pause ? 1 : -1;
}

static bool work(void *opaque, const Segment *segment, FILE *out, GError **error) {
    const Segmented *s = opaque;
    Machine *m = replay_machine(s->replay);
    Found found = {.segment = *segment};
    uint8_t byte = 1;
    g_assert_cmpuint(machine_pos(m), ==, segment->from);
    if (segment->number == 4 && s->fate == KILLED)
        raise(SIGKILL);
    if (segment->number == 4 && s->fate == SILENT)
        _Exit(0);
    if (segment->number == 4 && s->fate == DIVERGED)
        g_assert_true(machine_ram_write(m, RAM + 0x200000, &byte, 1));
    bool good = replay_run_to(s->replay, segment->to, error);
    found.hash = machine_state_hash(m);
    fwrite(&found, sizeof found, 1, out);
    if (segment->number == 4 && s->fate == FAILED)
        g_set_error(error, REPLAY_ERROR, REPLAY_ERROR_RANGE, "out of paper");
    return good && !*error;
}

static bool take(void *opaque, const Segment *segment, FILE *in, GError **error) {
    Segmented *s = opaque;
    Found found;
    g_assert_cmpint(s->paused, ==, 0);
    g_assert_cmpuint(segment->number, ==, s->collected->len);
    g_assert_true(fread(&found, sizeof found, 1, in) == 1 && fgetc(in) == EOF);
    g_assert_true(found.segment.from == segment->from && found.segment.to == segment->to);
    g_array_append_val(s->collected, found);
    return true;
}

/* What the error says, for the caller to free; NULL: there is none. */
static char *run_segments(const Rec *rec, unsigned workers, Fate fate, GArray *collected) {
    static const SegmentOps ops = {pause_nothing, work, take};
    Output out = {BACKEND_AUTO, NULL};
    Segmented s = {new_replay(rec, &out, false, 0), fate, collected, 0};
    GError *error = NULL;
    g_array_set_size(collected, 0);
    bool good = replay_run_segments(s.replay, POS_NONE, SEGMENTS, workers, &ops, &s, &error);
    g_assert_true(good == !error);
    g_assert_true(waitpid(-1, NULL, 0) < 0 && errno == ECHILD); /* none is left */
    if (good)
        g_assert_cmpuint(machine_pos(replay_machine(s.replay)), ==, rec_end(rec)->pos);
    replay_free(s.replay);
    if (good)
        return NULL;
    g_assert_cmpint(error->domain, ==, REPLAY_ERROR);
    g_assert_cmpint(error->code, ==, fate == DIVERGED ? REPLAY_ERROR_DIVERGED : REPLAY_ERROR_WORKER);
    char *text = g_strdup(error->message);
    g_error_free(error);
    return text;
}

static void check_found(const Rec *rec, const GArray *collected) {
    Output out = {BACKEND_INTERP, NULL};
    Replay *replay = new_replay(rec, &out, false, 0);
    GError *error = NULL;
    Pos from = 0;
    for (guint i = 0; i < collected->len; i++) {
        const Found *f = &g_array_index(collected, Found, i);
        g_assert_cmpuint(f->segment.from, ==, from);
        g_assert_cmpint(f->segment.is_last, ==, i == SEGMENTS - 1);
        from = f->segment.to;
        g_assert_true(replay_run_to(replay, from, &error));
        g_assert_cmphex(machine_state_hash(replay_machine(replay)), ==, f->hash);
    }
    g_assert_cmpuint(from, ==, collected->len == SEGMENTS ? rec_end(rec)->pos : from);
    replay_free(replay);
}

static void test_segments(void) {
    static const struct {
        Fate fate;
        guint collected;
        const char *says;
    } fates[] = {{WELL, SEGMENTS, NULL},
                 {KILLED, 4, "was killed by signal 9"},
                 {SILENT, 4, "ended with status 0"},
                 {FAILED, 5, "out of paper"},
                 {DIVERGED, 5, "state hash"}};
    g_autofree char *path = record(guest_still, "", 1, 20000, true);
    Rec *rec = open_rec(path);
    GArray *collected = g_array_new(FALSE, FALSE, sizeof(Found));
    for (size_t i = 0; i < G_N_ELEMENTS(fates); i++)
        for (unsigned workers = 1; workers <= 3; workers++) {
            g_autofree char *text = run_segments(rec, workers, fates[i].fate, collected);
            g_assert_cmpuint(collected->len, ==, fates[i].collected);
            g_assert_true(fates[i].says ? text && strstr(text, fates[i].says) : !text);
            if (fates[i].collected == 4)
                g_assert_nonnull(strstr(text, "segment from pos 11428 to pos 14285"));
            g_array_set_size(collected, MIN(collected->len, fates[i].says ? 4 : SEGMENTS));
            check_found(rec, collected);
        }
    g_array_unref(collected);
    rec_free(rec);
}

/* -- what must not
 * ------------------------------------------------------------------------------------------------------------
 */

/* Run the rest; it must diverge, saying where. */
static void expect_divergence(Replay *replay, const char *what) {
    GError *error = NULL;
    if (replay_run_to(replay, POS_NONE, &error))
        g_error("a changed bit of %s was not noticed", what);
    g_assert_error(error, REPLAY_ERROR, REPLAY_ERROR_DIVERGED);
    g_assert_nonnull(strstr(error->message, "pos "));
    g_assert_nonnull(strstr(error->message, "expected"));
    g_error_free(error);
}

/* Bits whose change has no machine to go on with, or that follow from others at once. */
static bool flip_is_absorbed(const char *section, const StateField *field) {
    return !strcmp(section, "machine") || !strcmp(field->name, "priv");
}

static void flip_field(const Rec *rec, guint section, size_t field, uint32_t element) {
    Output out = {BACKEND_INTERP, NULL};
    Replay *replay = new_replay(rec, &out, false, 0);
    Machine *m = replay_machine(replay);
    GError *error = NULL;
    g_assert_true(replay_run_to(replay, 2 * CHECKPOINT_STEPS - 1, &error));
    const StateSection *s = &g_array_index(m->sections, StateSection, section);
    const StateField *f = &s->fields[field];
    g_autofree char *name = g_strdup_printf("%s.%s[%u]", s->name, f->name, element);
    uint8_t *at = (uint8_t *)s->object + f->offset + (size_t)element * f->size;
    unsigned bit = !strcmp(f->name, "mip_lines") ? IRQ_MEI : g_str_hash(name) % (f->size * 8u);
    at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    expect_divergence(replay, name);
    replay_free(replay);
}

static void test_flipped_field(void) {
    g_autofree char *path = record(guest_still, "", 1, 3 * CHECKPOINT_STEPS, true);
    Rec *rec = open_rec(path);
    Output out = {BACKEND_INTERP, NULL};
    Replay *model = new_replay(rec, &out, false, 0);
    GArray *sections = replay_machine(model)->sections;
    for (guint i = 0; i < sections->len; i++) {
        const StateSection *s = &g_array_index(sections, StateSection, i);
        for (size_t k = 0; k < s->n_fields; k++) {
            if (flip_is_absorbed(s->name, &s->fields[k]))
                continue;
            /* The first and the last element: the tables' arithmetic is the same for all. */
            flip_field(rec, i, k, 0);
            if (s->fields[k].count > 1)
                flip_field(rec, i, k, s->fields[k].count - 1);
        }
    }
    replay_free(model);
    rec_free(rec);
}

static void test_flipped_ram(void) {
    g_autofree char *path = record(guest_still, "", 1, 3 * CHECKPOINT_STEPS, true);
    Rec *rec = open_rec(path);
    uint64_t random = 7;
    for (unsigned i = 0; i < 50; i++) {
        Output out = {BACKEND_INTERP, NULL};
        Replay *replay = new_replay(rec, &out, false, 0);
        Machine *m = replay_machine(replay);
        GError *error = NULL;
        random = random * 6364136223846793005u + 1442695040888963407u;
        Gpa pa = RAM + (random >> 30) % m->ram->size;
        g_assert_true(replay_run_to(replay, CHECKPOINT_STEPS + i, &error));
        uint8_t byte = *machine_ram_ptr(m, pa, 1) ^ (uint8_t)(1 << i % 8);
        g_assert_true(machine_ram_write(m, pa, &byte, 1));
        g_autofree char *name = g_strdup_printf("RAM at 0x%" G_GINT64_MODIFIER "x", pa);
        expect_divergence(replay, name);
        replay_free(replay);
    }
    rec_free(rec);
}

/* Another byte typed at the same moment: the log is at fault, and the message shows the last events. */
static void test_lying_log(void) {
    g_autofree char *path = record(guest_echo, typed, 3, POS_NONE, true);
    Rec *rec = open_rec(path);
    for (size_t i = 2; i < rec_n_events(rec); i += 13) {
        uint8_t *byte = (uint8_t *)rec_event(rec, i)->payload;
        *byte ^= 2;
        Output out = {BACKEND_INTERP, NULL};
        Replay *replay = new_replay(rec, &out, false, 0);
        GError *error = NULL;
        g_assert_false(replay_run_to(replay, POS_NONE, &error));
        g_assert_error(error, REPLAY_ERROR, REPLAY_ERROR_DIVERGED);
        g_assert_nonnull(strstr(error->message, "last events: "));
        g_assert_nonnull(strstr(error->message, "console 0 (1 bytes)"));
        g_error_free(error);
        replay_free(replay);
        *byte ^= 2;
    }
    rec_free(rec);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("rr-replay-XXXXXX", NULL);
    g_test_add_func("/replay/echo", test_echo);
    g_test_add_func("/replay/seek", test_seek);
    g_test_add_func("/replay/killed", test_killed);
    g_test_add_func("/replay/segments", test_segments);
    g_test_add_func("/replay/flipped-field", test_flipped_field);
    g_test_add_func("/replay/flipped-ram", test_flipped_ram);
    g_test_add_func("/replay/lying-log", test_lying_log);
    int status = g_test_run();
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    for (const char *name; (name = g_dir_read_name(list));) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_unlink(path);
    }
    g_rmdir(dir);
    g_free(dir);
    return status;
}
