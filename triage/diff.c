/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "triage/diff.h"

#include <string.h>

#include "core/mmu.h"
#include "triage/compare.h"

typedef struct Side {
    const Rec *rec;
    Replay *replay;
} Side;

typedef struct Pair {
    Side a, b;
} Pair;

GQuark diff_error_quark(void) {
    return g_quark_from_static_string("rr-emu-diff");
}

const char *diff_kind_name(DiffKind kind) {
    static const char *const names[] = {"same", "input", "control", "data", "length"};
    return names[kind];
}

/* -- the same machine? -------------------------------------------------------------------------------------- */

static bool config_refuse(GError **error, const char *what) {
    g_set_error(error, DIFF_ERROR, 0, "the recordings are of different machines: %s differs", what);
    return false;
}

/* Those that the machine sees; the others are the last ones. */
static guint machine_images(const MachineConfig *c) {
    guint n = c->images->len;
    while (n && ((const MachineImage *)c->images->pdata[n - 1])->role >= IMAGE_SYMBOLS)
        n--;
    return n;
}

static bool same_config(const MachineConfig *a, const MachineConfig *b, GError **error) {
    if (memcmp(&a->isa, &b->isa, sizeof a->isa))
        return config_refuse(error, "-cpu");
    if (a->n_harts != b->n_harts || a->ram_size != b->ram_size || a->icount_shift != b->icount_shift)
        return config_refuse(error, "-smp, -m or -icount");
    if (g_strcmp0(a->append, b->append))
        return config_refuse(error, "-append");
    guint n = machine_images(a);
    if (n != machine_images(b))
        return config_refuse(error, "the set of images");
    for (guint i = 0; i < n; i++) {
        const MachineImage *x = a->images->pdata[i], *y = b->images->pdata[i];
        if (x->role != y->role || !g_bytes_equal(x->data, y->data))
            return config_refuse(error, image_role_name(x->role));
    }
    return true;
}

/* -- what came from outside --------------------------------------------------------------------------------- */

static bool same_event(const NdEvent *x, const NdEvent *y) {
    return x->pos == y->pos && x->time == y->time && x->kind == y->kind && x->source == y->source &&
           x->size == y->size && (!x->size || !memcmp(x->payload, y->payload, x->size));
}

/* The next event from *i on that the guest can notice; NULL at the end. The end of an input is none. */
static const NdEvent *next_event(const Rec *rec, size_t *i) {
    while (*i < rec_n_events(rec)) {
        const NdEvent *ev = rec_event(rec, (*i)++);
        if (ev->kind != ND_CLOSE)
            return ev;
    }
    return NULL;
}

/* The first events in which the logs differ; both NULL when they are equal. */
static void first_event(const Pair *p, const NdEvent **x, const NdEvent **y) {
    size_t i = 0, k = 0;
    do {
        *x = next_event(p->a.rec, &i);
        *y = next_event(p->b.rec, &k);
    } while (*x && *y && same_event(*x, *y));
}

/* -- narrowing ---------------------------------------------------------------------------------------------- */

static Pos common_end(const Pair *p) {
    return MIN(rec_end(p->a.rec)->pos, rec_end(p->b.rec)->pos);
}

/* [*lo, *hi] from the checkpoints: equal at *lo, different at *hi (or *hi the common end, unknown). */
static void bracket(const Pair *p, Pos *lo, Pos *hi) {
    size_t n = rec_n_checkpoints(p->a.rec), m = rec_n_checkpoints(p->b.rec), i = 0, k = 0;
    *lo = 0;
    *hi = common_end(p);
    while (i < n && k < m) {
        const RecCheckpoint *x = rec_checkpoint(p->a.rec, i), *y = rec_checkpoint(p->b.rec, k);
        if (x->pos == y->pos && x->hash != y->hash) {
            *hi = MIN(x->pos + 1,
                      *hi); /* a checkpoint comes after the events of its pos, the state at pos before */
            return;
        }
        if (x->pos == y->pos)
            *lo = x->pos;
        i += x->pos <= y->pos;
        k += y->pos <= x->pos;
    }
}

static bool seek_both(Pair *p, Pos pos, GError **error) {
    return replay_seek(p->a.replay, pos, error) && replay_seek(p->b.replay, pos, error);
}

static bool equal_now(Pair *p) {
    return machine_state_hash(replay_machine(p->a.replay)) == machine_state_hash(replay_machine(p->b.replay));
}

/*
 * Bisect: *lo equal and *hi different on entry. A step changes a state for good far more often than two different
 * states meet again; where they do, the place found is still one where they part.
 */
static bool narrow(Pair *p, Pos *lo, Pos *hi, GError **error) {
    while (*hi - *lo > 1) {
        Pos middle = *lo + (*hi - *lo) / 2;
        if (!seek_both(p, middle, error))
            return false;
        *(equal_now(p) ? lo : hi) = middle;
    }
    return true;
}

/* -- the step itself ---------------------------------------------------------------------------------------- */

static void describe_before(Side *s, DiffSide *d) {
    Machine *m = replay_machine(s->replay);
    const Hart *h = m->harts[m->current];
    d->hart = m->current;
    d->pc = h->pc;
    d->satp = h->satp;
    for (d->code_size = 0; d->code_size < 4; d->code_size += 2) {
        Gpa pa;
        const uint8_t *at;
        if (!mmu_translate_peek(h, h->pc + d->code_size, ACCESS_FETCH, &pa) ||
            !(at = machine_ram_ptr(m, pa, 2)))
            break;
        memcpy(d->code + d->code_size, at, 2);
    }
}

static void describe_after(const Machine *m, DiffSide *d) {
    d->next_pc = m->harts[m->current]->pc;
    d->next_satp = m->harts[m->current]->satp;
}

static bool examine(Pair *p, DiffResult *r, GError **error) {
    if (!seek_both(p, r->pos, error))
        return false;
    r->time = machine_time(replay_machine(p->a.replay));
    describe_before(&p->a, &r->a);
    describe_before(&p->b, &r->b);
    if (!replay_run_to(p->a.replay, r->pos + 1, error) || !replay_run_to(p->b.replay, r->pos + 1, error))
        return false;
    Machine *a = replay_machine(p->a.replay), *b = replay_machine(p->b.replay);
    describe_after(a, &r->a);
    describe_after(b, &r->b);
    r->n_memory = compare_machines(a, b, r->values);
    const NdEvent *x, *y;
    first_event(p, &x, &y);
    /* An event applies before the step of its pos: one behind this step is in the state that was reached, too. */
    bool input = (x && x->pos <= r->pos + 1) || (y && y->pos <= r->pos + 1);
    if (input) {
        r->a.event = x;
        r->b.event = y;
    }
    r->kind = input ? DIFF_INPUT : r->a.next_pc != r->b.next_pc ? DIFF_CONTROL : DIFF_DATA;
    return true;
}

static bool locate(Pair *p, DiffResult *r, GError **error) {
    Pos lo, hi;
    bracket(p, &lo, &hi);
    if (lo == 0) {
        if (!seek_both(p, 0, error))
            return false;
        if (!equal_now(p)) { /* what was asked for while loading (seed, clock) already differs */
            r->n_memory =
                compare_machines(replay_machine(p->a.replay), replay_machine(p->b.replay), r->values);
            first_event(p, &r->a.event, &r->b.event);
            describe_before(&p->a, &r->a);
            describe_before(&p->b, &r->b);
            describe_after(replay_machine(p->a.replay), &r->a);
            describe_after(replay_machine(p->b.replay), &r->b);
            r->kind = r->a.event || r->b.event ? DIFF_INPUT : DIFF_DATA;
            return true;
        }
    }
    if (!seek_both(p, hi, error))
        return false;
    if (equal_now(p)) {
        bool same = rec_end(p->a.rec)->pos == rec_end(p->b.rec)->pos &&
                    rec_end(p->a.rec)->stop == rec_end(p->b.rec)->stop;
        r->kind = same ? DIFF_SAME : DIFF_LENGTH;
        r->pos = hi;
        return true;
    }
    if (!narrow(p, &lo, &hi, error))
        return false;
    r->pos = lo;
    return examine(p, r, error);
}

static void value_clear(gpointer value) {
    g_free(((DiffValue *)value)->name);
}

bool diff_recordings(const Rec *a, const Rec *b, const ReplayOptions *options, DiffResult *ret,
                     GError **error) {
    Pair p = {.a.rec = a, .b.rec = b};
    ReplayOptions seekable = *options;
    seekable.seekable = true;
    DiffResult r = {.values = g_array_new(FALSE, TRUE, sizeof(DiffValue))};
    g_array_set_clear_func(r.values, value_clear);
    bool ok = same_config(rec_config(a), rec_config(b), error) &&
              replay_new(a, &seekable, &p.a.replay, error) && replay_new(b, &seekable, &p.b.replay, error) &&
              locate(&p, &r, error);
    g_clear_pointer(&p.a.replay, replay_free);
    g_clear_pointer(&p.b.replay, replay_free);
    if (ok)
        *ret = r;
    else
        diff_result_done(&r);
    return ok;
}

void diff_result_done(DiffResult *r) {
    g_clear_pointer(&r->values, g_array_unref);
}
