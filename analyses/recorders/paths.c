/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths are the states of a machine that generated code drives (core/probe_step.h): a way leads from one state by one
 * piece to the next, and counts. A state is the id of the path that was executed last, with what it waits for; so the
 * ways' counts are those of the paths and of the edges between them, and only a way that a piece does not know at the
 * moment costs a call.
 */
#include "analyses/recorders/paths.h"

#include <string.h>

#include "core/machine.h"
#include "core/probe_step.h"

#define TRAPPED (1u << 30)                  /* a trap came behind the path */
#define UNFINISHED (1u << 31)               /* the block goes on */
#define ID(state) ((state) & (TRAPPED - 1)) /* 0: nothing is known of before */

#define CHUNK_SIZE ((size_t)256 << 10)

typedef struct Code Code;

/* A piece as it is translated where a block begins, or where one goes on. */
typedef struct Entry {
    ProbeStep step; /* first */
    ProbeWay *more; /* step.more, or NULL */
    Code *code;
    Paths *paths;
} Entry;

struct Code {
    Piece piece; /* first: what readers see */
    uint32_t id;
    Entry *begins, *follows; /* NULL: not translated so */
    Path *root;              /* all of it, from the beginning of a block; NULL: not executed so yet */
};

typedef struct Way {
    ProbeWay probe; /* first */
    uint64_t cut;   /* times that it was begun, but not taken to its end: for edges */
    Code *code;
    Path *path; /* to which it leads */
} Way;

/* Of the table of ways: by its key, without looking at the way. */
typedef struct Slot {
    uint32_t from, code;
    Way *way; /* NULL: free */
} Slot;

typedef struct Again {
    Way *way;
    uint16_t done;
} Again;

struct Paths {
    Machine *machine;
    const Programs *programs;
    uint32_t place;       /* in the scoreboard */
    GHashTable *codes;    /* Piece → itself */
    GHashTable *children; /* Path → itself, by parent, piece and done */
    GPtrArray *by_id;     /* of Path; the first is NULL */
    Slot *ways;           /* open addressing */
    uint64_t n_ways, ways_mask;
    ProbeWay nowhere[PROBE_WAYS];   /* of steps that know no other */
    GPtrArray *chunks;              /* of memory */
    char *chunk, *chunk_end;        /* what is left of the last one */
    Entry alone[2];                 /* of instructions that are run again: [the block goes on] */
    bool full;                      /* no counter was left for something */
    Pos before;                     /* `first` of the path that was entered last, without that */
    Again again[MACHINE_MAX_HARTS]; /* the instruction that is run again: where it stood */
};

/* -- pieces ---------------------------------------------------------------------------------------------- */
static guint piece_hash(gconstpointer v) {
    const Piece *p = v;
    guint h = (guint)(p->pc >> 1) * 31 + p->n_insns;
    for (unsigned i = 0; i < p->n_insns; i++)
        h = h * 31 + p->insn_raw[i];
    return h;
}

static gboolean piece_equal(gconstpointer a, gconstpointer b) {
    const Piece *p = a, *q = b;
    return p->pc == q->pc && p->place.module == q->place.module && p->place.shift == q->place.shift &&
           p->n_insns == q->n_insns && !memcmp(p->insn_len, q->insn_len, p->n_insns) &&
           !memcmp(p->insn_raw, q->insn_raw, p->n_insns * sizeof *p->insn_raw);
}

/* What lives as long as the paths, zeroed. Entries are looked at by generated code, a cache line each. */
static void *keep(Paths *p, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if ((size_t)(p->chunk_end - p->chunk) < size) {
        size_t chunk = MAX(size, CHUNK_SIZE);
        p->chunk = g_malloc0(chunk);
        p->chunk_end = p->chunk + chunk;
        g_ptr_array_add(p->chunks, p->chunk);
    }
    void *at = p->chunk;
    p->chunk += size;
    return at;
}

static void *keep_copy(Paths *p, const void *from, size_t size) {
    return memcpy(keep(p, size), from, size);
}

static Code *find_code(Paths *p, const Piece *like) {
    Code *c = g_hash_table_lookup(p->codes, like);
    if (c)
        return c;
    c = keep(p, sizeof *c);
    c->piece = *like;
    c->piece.insn_len = keep_copy(p, like->insn_len, like->n_insns);
    c->piece.insn_raw = keep_copy(p, like->insn_raw, like->n_insns * sizeof *like->insn_raw);
    c->id = g_hash_table_size(p->codes);
    g_hash_table_add(p->codes, c);
    return c;
}

/* -- paths ----------------------------------------------------------------------------------------------- */
static guint path_hash(gconstpointer v) {
    const Path *p = v;
    return (guint)((((uintptr_t)p->parent >> 4) * 31 + ((uintptr_t)p->piece >> 4)) * 31) + p->done;
}

static gboolean path_equal(gconstpointer a, gconstpointer b) {
    const Path *p = a, *q = b;
    return p->parent == q->parent && p->piece == q->piece && p->done == q->done;
}

static Path *find_path(Paths *p, const Path *parent, Code *code, uint16_t done) {
    if (!parent && done == code->piece.n_insns && code->root)
        return code->root;
    Path wanted = {.parent = parent, .piece = &code->piece, .done = done};
    Path *path = g_hash_table_lookup(p->children, &wanted);
    if (path)
        return path;
    path = keep_copy(p, &wanted, sizeof wanted);
    path->root = parent ? parent->root : path;
    path->first = POS_NONE;
    path->end = (uint8_t)transfer_decode(code->piece.insn_raw[done - 1], code->piece.insn_len[done - 1]);
    path->id = p->by_id->len;
    path->insns = done + (parent ? parent->insns : 0);
    g_ptr_array_add(p->by_id, path);
    g_hash_table_add(p->children, path);
    if (!parent && done == code->piece.n_insns)
        code->root = path;
    return path;
}

static const Path *parent_of(const Paths *p, uint32_t state) {
    return state & UNFINISHED ? p->by_id->pdata[ID(state)] : NULL;
}

static uint32_t state_of(const Path *path) {
    return path->id | (path->end == TRANSFER_NONE ? UNFINISHED : 0);
}

/* -- ways ------------------------------------------------------------------------------------------------ */
static Slot *way_slot(Slot *ways, uint64_t mask, uint32_t from, uint32_t code) {
    uint64_t i = (((uint64_t)from << 32 | code) * 0x9e3779b97f4a7c15u) >> 24 & mask;
    while (ways[i].way && (ways[i].from != from || ways[i].code != code))
        i = (i + 1) & mask;
    return &ways[i];
}

static void ways_grow(Paths *p) {
    uint64_t mask = 2 * p->ways_mask + 1;
    Slot *ways = g_new0(Slot, mask + 1);
    for (uint64_t i = 0; i <= p->ways_mask; i++)
        if (p->ways[i].way)
            *way_slot(ways, mask, p->ways[i].from, p->ways[i].code) = p->ways[i];
    g_free(p->ways);
    p->ways = ways;
    p->ways_mask = mask;
}

static uint32_t new_counter(Paths *p) {
    uint32_t counter = COUNTER_OF_NOBODY;
    p->full |= !scoreboard_alloc(p->machine, sizeof(uint64_t), &counter);
    return counter;
}

static Way *find_way(Paths *p, uint32_t from, Code *code) {
    Slot *slot = way_slot(p->ways, p->ways_mask, from, code->id);
    if (slot->way)
        return slot->way;
    Way *w = keep(p, sizeof *w);
    w->code = code;
    w->path = find_path(p, parent_of(p, from), code, code->piece.n_insns);
    w->probe.from = from;
    w->probe.to = state_of(w->path);
    w->probe.count = new_counter(p);
    w->probe.last = from & UNFINISHED || !ID(from) ? new_counter(p) : COUNTER_OF_NOBODY;
    *slot = (Slot){from, code->id, w};
    if (2 * ++p->n_ways > p->ways_mask)
        ways_grow(p);
    return w;
}

/* By all harts. */
static uint64_t counted(const Paths *p, uint32_t counter) {
    uint64_t n = 0;
    for (uint32_t i = 0; i < p->machine->n_harts; i++)
        n += *hart_counter(p->machine->harts[i], counter);
    return n;
}

static void hide_all(Entry *e) {
    if (!e)
        return;
    e->step.first = e->paths->nowhere[0];
    if (e->more)
        memcpy(e->more, e->paths->nowhere, sizeof e->paths->nowhere);
}

/* From now on generated code finds it. */
static void show(Entry *e, const Way *w) {
    Paths *p = e->paths;
    ProbeWay *first = &e->step.first, other = w->probe;
    if (first->from == p->nowhere->from) {
        *first = w->probe;
        return;
    }
    if (!e->more)
        e->step.more = e->more = keep_copy(p, p->nowhere, sizeof p->nowhere);
    if (counted(p, first->count) < counted(p, w->probe.count)) {
        other = *first;
        *first = w->probe;
    }
    e->more[other.from % PROBE_WAYS] = other;
}

/* -- execution ------------------------------------------------------------------------------------------- */
static ProbePlace *place_of(const Paths *p, const Hart *hart) {
    return (ProbePlace *)(void *)hart_counter(hart, p->place);
}

/* Is there a hart that began before the path's first, and may yet come to its end? */
static bool is_awaited(const Paths *p, const Path *path) {
    for (uint32_t i = 0; i < p->machine->n_harts; i++) {
        const ProbePlace *place = place_of(p, p->machine->harts[i]);
        const Path *at = parent_of(p, place->state);
        if (at && at->root == path->root && place->start < path->first)
            return true;
    }
    return false;
}

/*
 * A piece is entered by a way that it does not know at the moment. Generated code is not to find it where that would not be
 * noticed: another hart may have begun this earlier, and where something is gone on with that was not seen, it begins here.
 */
static void enter(void *data, const Hart *hart) {
    Entry *e = data;
    Paths *p = e->paths;
    ProbePlace *place = place_of(p, hart);
    Way *w = find_way(p, place->state, e->code);
    bool begins = !(place->state & UNFINISHED);
    if (begins)
        place->start = hart_pos(hart);
    p->before = w->path->first;
    w->path->first = MIN(p->before, place->start);
    ++*hart_counter(hart, w->probe.count);
    if (!e->step.follows || (!begins && !is_awaited(p, w->path)))
        show(e, w);
    place->way = &w->probe;
}

/* As if it had not been taken; the first time of a path is one that generated code does not see. */
static void take_back(const Paths *p, const Hart *hart, Way *w, Pos start) {
    --*hart_counter(hart, w->probe.count);
    if (w->path->first == start) {
        w->path->first = p->before;
        hide_all(w->code->begins);
        hide_all(w->code->follows);
    }
}

static void break_off(Path *path, Pos start) {
    path->first_partial = path->partial++ ? MIN(path->first_partial, start) : start;
    path->last_partial = MAX(path->last_partial, start);
}

void paths_trap(Paths *p, const TrapEvent *ev) {
    ProbePlace *place = place_of(p, ev->hart);
    if (!ID(place->state))
        return;
    if (place->state & UNFINISHED)
        break_off(p->by_id->pdata[ID(place->state)], place->start);
    place->state = ID(place->state) | TRAPPED;
}

void paths_reset(Paths *p) {
    for (uint32_t i = 0; i < p->machine->n_harts; i++) {
        ProbePlace *place = place_of(p, p->machine->harts[i]);
        if (place->state & UNFINISHED)
            break_off(p->by_id->pdata[ID(place->state)], place->start);
        place->state = 0;
    }
}

/* The first `done` instructions, and `more`, were executed: if there were none, no block began. */
static void stand_in(Paths *p, const Hart *hart, const Again *at, unsigned more) {
    Way *w = at->way;
    uint32_t from = w->probe.from;
    uint16_t done = (uint16_t)(at->done + more);
    place_of(p, hart)->state = done ? state_of(find_path(p, parent_of(p, from), w->code, done)) : from;
    w->cut += done > 0;
}

static void cut(ProbeStep *step, const Hart *hart, uint32_t left, ProbeCut why) {
    Entry *e = (Entry *)step;
    Paths *p = e->paths;
    ProbePlace *place = place_of(p, hart);
    Way *w = find_way(p, place->state, e->code);
    uint16_t done = (uint16_t)(e->code->piece.n_insns - left);
    if (!(place->state & UNFINISHED))
        place->start = hart_pos(hart) - done;
    take_back(p, hart, w, place->start);
    if (why == PROBE_CUT_NOT_ENTERED)
        return;
    Again *again = &p->again[hart->id];
    *again = (Again){w, done};
    stand_in(p, hart, again, why == PROBE_CUT_AGAIN);
}

static void cut_again(ProbeStep *step, const Hart *hart, uint32_t left, ProbeCut why) {
    Paths *p = ((Entry *)step)->paths;
    const Again *again = &p->again[hart->id];
    again->way->cut--;
    stand_in(p, hart, again, 0);
}

/* Not before the path was taken to its end once: `first` must be right. */
static uint32_t link_way(const ProbeStep *from, const ProbeStep *to) {
    const Entry *e = (const Entry *)to;
    const Path *path = e->code->root;
    return path && path->first != POS_NONE ? find_way(e->paths, from->state, e->code)->probe.count : 0;
}

static const ProbeStepOps step_ops = {enter, cut, link_way}, again_ops = {.cut = cut_again};

/* Code is translated when the hart runs it, and anew when it lies in other memory: where it belongs does not change. */
static ProgramPlace program_of(const Paths *p, const ProbeBlock *b) {
    const Hart *hart = p->machine->harts[p->machine->current];
    Gva pc = probe_block_pc(b);
    bool is_program = (probe_block_flags(b) >> FLAG_PRIV_SHIFT & 3) == PRIV_U || pc >> 63;
    return is_program ? programs_place(p->programs, hart, pc) : (ProgramPlace){0};
}

static Entry *new_entry(Paths *p, Code *code, bool follows) {
    Entry *e = keep(p, sizeof *e);
    const Piece *t = &code->piece;
    bool goes_on = transfer_decode(t->insn_raw[t->n_insns - 1], t->insn_len[t->n_insns - 1]) == TRANSFER_NONE;
    *e = (Entry){.step = {.ops = &step_ops,
                          .first = p->nowhere[0],
                          .more = p->nowhere,
                          .place = p->place,
                          .follows = follows,
                          .goes_on = goes_on},
                 .code = code,
                 .paths = p};
    if (!follows) {
        e->step.state = state_of(find_path(p, NULL, code, t->n_insns));
        e->step.last = goes_on ? COUNTER_OF_NOBODY : new_counter(p);
    }
    return e;
}

static void translate_again(Paths *p, ProbeBlock *b) {
    const ProbeInsn *insn = probe_block_insn(b, 0);
    probe_add_step(b, &p->alone[transfer_decode(insn->raw, insn->len) == TRANSFER_NONE].step);
}

void paths_translate(Paths *p, ProbeBlock *b) {
    unsigned n = probe_block_n_insns(b);
    if (probe_block_is_again(b)) {
        translate_again(p, b);
        return;
    }
    uint8_t len[UINT8_MAX];
    uint32_t raw[UINT8_MAX];
    g_assert(n <= G_N_ELEMENTS(len));
    for (unsigned i = 0; i < n; i++) {
        const ProbeInsn *insn = probe_block_insn(b, i);
        len[i] = insn->len;
        raw[i] = insn->raw;
        g_assert(i + 1 == n || transfer_decode(insn->raw, insn->len) == TRANSFER_NONE);
    }
    Code *code = find_code(p, &(Piece){probe_block_pc(b), (uint16_t)n, len, raw, program_of(p, b)});
    bool follows = probe_block_flags(b) & FLAG_GOES_ON;
    Entry **e = follows ? &code->follows : &code->begins;
    if (!*e)
        *e = new_entry(p, code, follows);
    probe_add_step(b, &(*e)->step);
}

/* -- life ------------------------------------------------------------------------------------------------ */
Paths *paths_new(Machine *m, const Programs *programs) {
    uint32_t place;
    if (!scoreboard_alloc(m, PROBE_PLACE_SIZE, &place))
        return NULL;
    Paths *p = g_new0(Paths, 1);
    p->machine = m;
    p->programs = programs;
    p->place = place;
    p->codes = g_hash_table_new(piece_hash, piece_equal);
    p->children = g_hash_table_new(path_hash, path_equal);
    p->by_id = g_ptr_array_new();
    p->chunks = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(p->by_id, NULL);
    p->ways_mask = (1u << 16) - 1;
    p->ways = g_new0(Slot, p->ways_mask + 1);
    for (unsigned i = 0; i < PROBE_WAYS; i++)
        p->nowhere[i].from = UINT32_MAX;
    for (unsigned i = 0; i < 2; i++)
        p->alone[i] = (Entry){.step = {.ops = &again_ops, .goes_on = i}, .paths = p};
    return p;
}

void paths_free(Paths *p) {
    if (!p)
        return;
    g_free(p->ways);
    g_hash_table_unref(p->codes);
    g_hash_table_unref(p->children);
    g_ptr_array_unref(p->by_id);
    g_ptr_array_unref(p->chunks);
    g_free(p);
}

/* -- results --------------------------------------------------------------------------------------------- */
static Pos way_last(const Paths *p, const Way *w) {
    Pos last = 0;
    for (uint32_t i = 0; i < p->machine->n_harts; i++) {
        const Hart *h = p->machine->harts[i];
        const Entry *begins = w->code->begins;
        if (w->probe.last != COUNTER_OF_NOBODY)
            last = MAX(last, *hart_counter(h, w->probe.last));
        if (w->path == w->code->root && begins) {
            Pos behind = *hart_counter(h, begins->step.last);
            last = MAX(last, behind ? behind - w->path->insns : 0);
        }
    }
    return last;
}

static void add_way(const Paths *p, const Way *w) {
    uint64_t count = counted(p, w->probe.count);
    if (count && !(w->probe.to & UNFINISHED)) {
        w->path->count += count;
        w->path->last = MAX(w->path->last, way_last(p, w));
    }
}

static void add_partial(Path *path) {
    bool whole = path->count;
    if (!path->partial)
        return;
    path->first = whole ? MIN(path->first, path->first_partial) : path->first_partial;
    path->last = whole ? MAX(path->last, path->last_partial) : path->last_partial;
}

bool paths_end(Paths *p) {
    paths_reset(p);
    for (uint64_t i = 0; i <= p->ways_mask; i++)
        if (p->ways[i].way)
            add_way(p, p->ways[i].way);
    for (guint i = 1; i < p->by_id->len; i++)
        add_partial(p->by_id->pdata[i]);
    return !p->full;
}

void paths_each(const Paths *p, PathFn *fn, void *opaque) {
    for (guint i = 1; i < p->by_id->len; i++) {
        const Path *path = p->by_id->pdata[i];
        if (path->count + path->partial)
            fn(opaque, path);
    }
}

void paths_each_edge(const Paths *p, PathEdgeFn *fn, void *opaque) {
    for (uint64_t i = 0; i <= p->ways_mask; i++) {
        const Way *w = p->ways[i].way;
        uint64_t count = w ? counted(p, w->probe.count) + w->cut : 0;
        if (count && ID(w->probe.from) && !(w->probe.from & UNFINISHED))
            fn(opaque, p->by_id->pdata[ID(w->probe.from)], &w->code->piece, w->probe.from & TRAPPED, count);
    }
}
