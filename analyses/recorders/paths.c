/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths are the states of a machine that generated code drives (probe_add_step()): a way leads from one state by one
 * piece to the next, and counts. A state is the id of the path that was executed last, with what it waits for; so the
 * ways' counts are those of the paths and of the edges between them, and only a way that a piece does not know at the
 * moment costs a call.
 *
 * With one hart the steps of a block follow each other, so where it began is known from where it ended. With several,
 * others may take steps in between: then what goes on in the middle of a block is never left to generated code.
 */
#include "analyses/recorders/paths.h"

#include <string.h>

#include "core/machine.h"

#define TRAPPED ((uint64_t)1 << 32)    /* a trap came behind the path */
#define UNFINISHED ((uint64_t)1 << 33) /* the block goes on */
#define ID(state) ((uint32_t)(state))  /* 0: nothing is known of before */

typedef struct Code {
    Piece piece; /* first: what readers see */
    uint32_t id;
    ProbeCell cell;
    Paths *paths;
    Path *root; /* all of it, from the beginning of a block; NULL: not executed so yet */
} Code;

typedef struct Way {
    ProbeWay probe; /* first */
    Pos first;      /* of the block, if the way ends one */
    uint64_t cut;   /* times that it was begun, but not taken to its end: for edges */
    Code *code;
    Path *path; /* to which it leads */
} Way;

typedef struct Again {
    uint64_t from;
    Code *code;
    uint16_t done;
} Again;

struct Paths {
    Machine *machine;
    const Programs *programs;
    uint32_t place;       /* in the scoreboard */
    GHashTable *codes;    /* Piece → itself */
    GHashTable *children; /* Path → itself, by parent, piece and done */
    GPtrArray *by_id;     /* of Path; the first is NULL */
    Way **ways;           /* open addressing */
    uint64_t n_ways, ways_mask;
    ProbeWay nowhere;               /* of cells that know no other */
    Pos starts[MACHINE_MAX_HARTS];  /* several harts: of the unfinished block */
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

static void code_free(void *v) {
    Code *c = v;
    g_free((void *)c->piece.insn_len);
    g_free((void *)c->piece.insn_raw);
    g_free(c);
}

static Code *find_code(Paths *p, const Piece *like) {
    Code *c = g_hash_table_lookup(p->codes, like);
    if (c)
        return c;
    c = g_new0(Code, 1);
    c->piece = *like;
    c->piece.insn_len = g_memdup2(like->insn_len, like->n_insns);
    c->piece.insn_raw = g_memdup2(like->insn_raw, like->n_insns * sizeof *like->insn_raw);
    c->id = g_hash_table_size(p->codes);
    c->paths = p;
    c->cell.first = &p->nowhere;
    for (unsigned i = 0; i < PROBE_WAYS; i++)
        c->cell.more[i] = &p->nowhere;
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
    path = g_memdup2(&wanted, sizeof wanted);
    path->end = (uint8_t)transfer_decode(code->piece.insn_raw[done - 1], code->piece.insn_len[done - 1]);
    path->id = p->by_id->len;
    path->insns = done + (parent ? parent->insns : 0);
    g_ptr_array_add(p->by_id, path);
    g_hash_table_add(p->children, path);
    if (!parent && done == code->piece.n_insns)
        code->root = path;
    return path;
}

static const Path *parent_of(const Paths *p, uint64_t state) {
    return state & UNFINISHED ? p->by_id->pdata[ID(state)] : NULL;
}

static uint64_t state_of(const Path *path) {
    return path->id | (path->end == TRANSFER_NONE ? UNFINISHED : 0);
}

/* -- ways ------------------------------------------------------------------------------------------------ */
static Way **way_slot(Way **ways, uint64_t mask, uint64_t from, const Code *code) {
    uint64_t i = ((from * 0x9e3779b97f4a7c15u + code->id) * 0x9e3779b97f4a7c15u) >> 24 & mask;
    while (ways[i] && (ways[i]->probe.from != from || ways[i]->code != code))
        i = (i + 1) & mask;
    return &ways[i];
}

static void ways_grow(Paths *p) {
    uint64_t mask = 2 * p->ways_mask + 1;
    Way **ways = g_new0(Way *, mask + 1);
    for (uint64_t i = 0; i <= p->ways_mask; i++)
        if (p->ways[i])
            *way_slot(ways, mask, p->ways[i]->probe.from, p->ways[i]->code) = p->ways[i];
    g_free(p->ways);
    p->ways = ways;
    p->ways_mask = mask;
}

static Way *find_way(Paths *p, uint64_t from, Code *code) {
    Way **slot = way_slot(p->ways, p->ways_mask, from, code);
    if (*slot)
        return *slot;
    Way *w = g_new0(Way, 1);
    w->code = code;
    w->path = find_path(p, parent_of(p, from), code, code->piece.n_insns);
    w->probe.from = from;
    w->probe.to = state_of(w->path);
    *slot = w;
    if (2 * ++p->n_ways > p->ways_mask)
        ways_grow(p);
    return w;
}

static bool is_alone(const Paths *p) {
    return p->machine->n_harts == 1;
}

static ProbeWay **slot_of(Code *code, const ProbeWay *way) {
    return &code->cell.more[way->from % PROBE_WAYS];
}

/* From now on generated code finds it, the most frequent one first. */
static void show(Paths *p, Way *w) {
    ProbeWay *way = &w->probe, *first = w->code->cell.first;
    if (!is_alone(p) && ((way->from | way->to) & UNFINISHED))
        return;
    if (way->count < first->count) {
        *slot_of(w->code, way) = way;
    } else {
        if (first != &p->nowhere)
            *slot_of(w->code, first) = first;
        w->code->cell.first = way;
    }
}

static void hide(Paths *p, const Way *w) {
    ProbeCell *cell = &w->code->cell;
    if (cell->first == &w->probe)
        cell->first = &p->nowhere;
    if (*slot_of(w->code, &w->probe) == &w->probe)
        *slot_of(w->code, &w->probe) = &p->nowhere;
}

/* -- execution ------------------------------------------------------------------------------------------- */
static ProbePlace *place_of(const Paths *p, const Hart *hart) {
    return (ProbePlace *)(void *)scoreboard_at(p->machine, hart->id, p->place);
}

/* Where the unfinished block began that has come to `pos`. */
static Pos start_of(const Paths *p, const Hart *hart, const Path *path, Pos pos) {
    return is_alone(p) ? pos - path->insns : p->starts[hart->id];
}

/* The piece is entered by a way that it does not know at the moment. */
static void step(void *data, const Hart *hart) {
    Code *code = data;
    Paths *p = code->paths;
    ProbePlace *place = place_of(p, hart);
    Way *w = find_way(p, place->from, code);
    const Path *parent = parent_of(p, place->from);
    Pos pos = hart_pos(hart), start = parent ? start_of(p, hart, parent, pos) : pos;
    p->starts[hart->id] = start;
    if (!w->probe.count)
        w->first = start;
    probe_take_way(place, &w->probe, start + w->path->insns);
    show(p, w);
}

static void break_off(Path *path, Pos start) {
    if (!path->partial++)
        path->first = start;
    path->last = start;
}

void paths_trap(Paths *p, const TrapEvent *ev) {
    ProbePlace *place = place_of(p, ev->hart);
    if (!ID(place->from))
        return;
    Path *path = p->by_id->pdata[ID(place->from)];
    if (place->from & UNFINISHED)
        break_off(path, start_of(p, ev->hart, path, ev->pos));
    place->from = ID(place->from) | TRAPPED;
}

void paths_reset(Paths *p) {
    for (uint32_t i = 0; i < p->machine->n_harts; i++) {
        const Hart *hart = p->machine->harts[i];
        ProbePlace *place = place_of(p, hart);
        Path *path = p->by_id->pdata[ID(place->from)];
        if (place->from & UNFINISHED)
            break_off(path, start_of(p, hart, path, machine_pos(p->machine)));
        place->from = 0;
    }
}

/* The first `done` instructions, and `more`, were executed: if there were none, no block began. */
static void stand_in(Paths *p, const Hart *hart, const Again *at, unsigned more) {
    uint16_t done = (uint16_t)(at->done + more);
    place_of(p, hart)->from =
        done ? state_of(find_path(p, parent_of(p, at->from), at->code, done)) : at->from;
    find_way(p, at->from, at->code)->cut += done > 0;
}

void paths_cut(Paths *p, const Hart *hart, uint32_t left, HookCut why) {
    Again *again = &p->again[hart->id];
    if (why == HOOK_CUT_FAULT_AGAIN) {
        find_way(p, again->from, again->code)->cut--;
        stand_in(p, hart, again, 0);
        return;
    }
    ProbePlace *place = place_of(p, hart);
    Way *w = (Way *)place->way; /* it was taken, but not to its end */
    w->probe.last = place->last;
    if (!--w->probe.count)
        hide(p, w); /* the next time is the first one */
    *again = (Again){w->probe.from, w->code, (uint16_t)(w->code->piece.n_insns - left)};
    if (!(again->from & UNFINISHED))
        p->starts[hart->id] = hart_pos(hart) - again->done;
    stand_in(p, hart, again, why == HOOK_CUT_AGAIN);
}

/* Code is translated when the hart runs it, and anew when it lies in other memory: where it belongs does not change. */
static ProgramPlace program_of(const Paths *p, const ProbeBlock *b) {
    const Hart *hart = p->machine->harts[p->machine->current];
    Gva pc = probe_block_pc(b);
    bool is_program = (probe_block_flags(b) >> FLAG_PRIV_SHIFT & 3) == PRIV_U || pc >> 63;
    return is_program ? programs_place(p->programs, hart, pc) : (ProgramPlace){0};
}

void paths_translate(Paths *p, ProbeBlock *b) {
    unsigned n = probe_block_n_insns(b);
    if (probe_block_is_again(b))
        return;
    g_autofree uint8_t *len = g_new(uint8_t, n);
    g_autofree uint32_t *raw = g_new(uint32_t, n);
    for (unsigned i = 0; i < n; i++) {
        const ProbeInsn *insn = probe_block_insn(b, i);
        len[i] = insn->len;
        raw[i] = insn->raw;
        g_assert(i + 1 == n || transfer_decode(insn->raw, insn->len) == TRANSFER_NONE);
    }
    Code *code = find_code(p, &(Piece){probe_block_pc(b), (uint16_t)n, len, raw, program_of(p, b)});
    probe_add_step(b, &code->cell, p->place, step, code);
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
    p->codes = g_hash_table_new_full(piece_hash, piece_equal, code_free, NULL);
    p->children = g_hash_table_new_full(path_hash, path_equal, g_free, NULL);
    p->by_id = g_ptr_array_new();
    g_ptr_array_add(p->by_id, NULL);
    p->ways_mask = (1u << 16) - 1;
    p->ways = g_new0(Way *, p->ways_mask + 1);
    p->nowhere.from = UINT64_MAX;
    return p;
}

void paths_free(Paths *p) {
    if (!p)
        return;
    for (uint64_t i = 0; i <= p->ways_mask; i++)
        g_free(p->ways[i]);
    g_free(p->ways);
    g_hash_table_unref(p->codes);
    g_hash_table_unref(p->children);
    g_ptr_array_free(p->by_id, TRUE);
    g_free(p);
}

/* -- results --------------------------------------------------------------------------------------------- */
static void add_way(const Way *w) {
    Path *path = w->path;
    Pos last = w->probe.last - path->insns;
    bool had = path->count + path->partial;
    path->first = had ? MIN(path->first, w->first) : w->first;
    path->last = had ? MAX(path->last, last) : last;
    path->count += w->probe.count;
}

void paths_end(Paths *p) {
    paths_reset(p);
    for (uint64_t i = 0; i <= p->ways_mask; i++)
        if (p->ways[i] && p->ways[i]->probe.count && !(p->ways[i]->probe.to & UNFINISHED))
            add_way(p->ways[i]);
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
        const Way *w = p->ways[i];
        if (w && w->probe.count + w->cut && ID(w->probe.from) && !(w->probe.from & UNFINISHED))
            fn(opaque, p->by_id->pdata[ID(w->probe.from)], &w->code->piece, w->probe.from & TRAPPED,
               w->probe.count + w->cut);
    }
}
