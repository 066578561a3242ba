/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/paths.h"

#define GROUP_BITS 12u
#define GROUPS 65536u
#define TRAPPED (1u << 31) /* in a successor: a trap led there */
#define NO_PIECE UINT32_MAX

/* Of whole pieces at the beginning of a block: found by index. */
typedef struct Root {
    Path path;
    uint16_t n_insns, words;
    bool known;
} Root;

typedef struct Place {
    Path *at;     /* in the middle of a block, NULL: between two */
    Path *before; /* the block that ended last; NULL: unknown */
    Pos start;    /* of `at` */
    bool trapped; /* between `before` and what follows */
} Place;

typedef struct Edge {
    uint64_t key; /* path's id << 32 | piece, + 1; 0: free */
    uint64_t count;
} Edge;

struct Paths {
    const Hooks *hooks;
    Root **roots;         /* groups of them, which do not move */
    GHashTable *children; /* Path → itself, by parent, piece and done */
    GPtrArray *by_id;     /* of Path, roots included */
    Edge *edges;          /* open addressing */
    uint64_t n_edges, edges_mask;
    Place places[MACHINE_MAX_HARTS];
    Place *place;
    Pos pos; /* of the next piece */
    bool synced;
};

static guint path_hash(gconstpointer v) {
    const Path *p = v;
    return (guint)(((uint64_t)(uintptr_t)p->parent >> 4) * 31 + p->piece * 2654435761u + p->done);
}

static gboolean path_equal(gconstpointer a, gconstpointer b) {
    const Path *p = a, *q = b;
    return p->parent == q->parent && p->piece == q->piece && p->done == q->done;
}

Paths *paths_new(const Hooks *hooks) {
    Paths *p = g_new0(Paths, 1);
    p->hooks = hooks;
    p->roots = g_new0(Root *, GROUPS);
    p->children = g_hash_table_new_full(path_hash, path_equal, g_free, NULL);
    p->by_id = g_ptr_array_new();
    p->edges_mask = (1u << 16) - 1;
    p->edges = g_new0(Edge, p->edges_mask + 1);
    p->place = &p->places[0];
    return p;
}

void paths_free(Paths *p) {
    if (!p)
        return;
    for (unsigned i = 0; i < GROUPS; i++)
        g_free(p->roots[i]);
    g_free(p->roots);
    g_hash_table_unref(p->children);
    g_ptr_array_free(p->by_id, TRUE);
    g_free(p->edges);
    g_free(p);
}

const TraceBlock *paths_piece(const Paths *p, uint32_t piece) {
    return hooks_trace_block(p->hooks, piece);
}

/* -- paths -------------------------------------------------------------- */
static void path_init(Paths *p, Path *path, Path *parent, uint32_t piece, uint16_t done) {
    const TraceBlock *b = paths_piece(p, piece);
    *path = (Path){.parent = parent,
                   .piece = piece,
                   .done = done,
                   .id = p->by_id->len,
                   .end = (uint8_t)transfer_decode(b->insn_raw[done - 1], b->insn_len[done - 1]),
                   .next_piece = {NO_PIECE, NO_PIECE}};
    g_ptr_array_add(p->by_id, path);
}

static Root *make_root(Paths *p, uint32_t piece) {
    Root **group = &p->roots[piece >> GROUP_BITS];
    if (!*group)
        *group = g_new0(Root, 1u << GROUP_BITS);
    Root *r = &(*group)[piece & ((1u << GROUP_BITS) - 1)];
    const TraceBlock *b = paths_piece(p, piece);
    r->n_insns = b->n_insns;
    r->words = b->words;
    path_init(p, &r->path, NULL, piece, b->n_insns);
    r->known = true;
    return r;
}

static inline Root *find_root(Paths *p, uint32_t piece) {
    Root *group = p->roots[piece >> GROUP_BITS];
    Root *r = group ? &group[piece & ((1u << GROUP_BITS) - 1)] : NULL;
    return G_LIKELY(r && r->known) ? r : make_root(p, piece);
}

static Path *find_child(Paths *p, Path *parent, uint32_t piece, uint16_t done) {
    uint64_t key = (uint64_t)done << 32 | piece;
    if (parent && parent->child && parent->child_key == key)
        return parent->child;
    Path wanted = {.parent = parent, .piece = piece, .done = done};
    Path *child = g_hash_table_lookup(p->children, &wanted);
    if (!child) {
        child = g_new(Path, 1);
        path_init(p, child, parent, piece, done);
        g_hash_table_add(p->children, child);
    }
    if (parent) {
        parent->child_key = key;
        parent->child = child;
    }
    return child;
}

/* -- edges -------------------------------------------------------------- */
static Edge *edge_slot(Edge *edges, uint64_t mask, uint64_t key) {
    uint64_t i = (key * 0x9e3779b97f4a7c15u) >> 24 & mask;
    while (edges[i].key && edges[i].key != key)
        i = (i + 1) & mask;
    return &edges[i];
}

static void edges_grow(Paths *p) {
    uint64_t mask = 2 * p->edges_mask + 1;
    Edge *edges = g_new0(Edge, mask + 1);
    for (uint64_t i = 0; i <= p->edges_mask; i++)
        if (p->edges[i].key)
            *edge_slot(edges, mask, p->edges[i].key) = p->edges[i];
    g_free(p->edges);
    p->edges = edges;
    p->edges_mask = mask;
}

static void count_far_edge(Paths *p, const Path *from, uint32_t next) {
    uint64_t key = ((uint64_t)from->id << 32 | next) + 1;
    Edge *e = edge_slot(p->edges, p->edges_mask, key);
    if (!e->key) {
        if (2 * ++p->n_edges > p->edges_mask) {
            edges_grow(p);
            e = edge_slot(p->edges, p->edges_mask, key);
        }
        e->key = key;
    }
    e->count++;
}

static inline void count_edge(Paths *p, Path *from, uint32_t next) {
    for (unsigned i = 0; i < 2; i++) {
        if (from->next_piece[i] == NO_PIECE)
            from->next_piece[i] = next;
        if (from->next_piece[i] == next) {
            from->next_count[i]++;
            return;
        }
    }
    count_far_edge(p, from, next);
}

/* -- the trace -------------------------------------------------------------- */
static inline void executed(Path *path, Pos start) {
    if (path->count + path->partial == 0)
        path->first = start;
    path->last = start;
}

static void break_off(Place *at) {
    if (!at->at)
        return;
    executed(at->at, at->start);
    at->at->partial++;
    at->before = at->at;
    at->at = NULL;
}

/* The first `done` instructions of a piece retired. */
static inline void add_piece(Paths *p, Root *r, uint16_t done) {
    Place *at = p->place;
    if (G_UNLIKELY(done == 0))
        return;
    Path *path =
        G_LIKELY(!at->at && done == r->n_insns) ? &r->path : find_child(p, at->at, r->path.piece, done);
    if (!at->at) {
        if (G_LIKELY(at->before != NULL))
            count_edge(p, at->before, r->path.piece | (at->trapped ? TRAPPED : 0));
        at->trapped = false;
        at->start = p->pos;
    }
    p->pos += done;
    if (path->end == TRANSFER_NONE) {
        at->at = path;
        return;
    }
    executed(path, at->start);
    path->count++;
    at->before = path;
    at->at = NULL;
}

/* A step without a piece was a trap; a pos that does not follow is a jump in the trace. */
static void synchronise(Paths *p, uint32_t hart, Pos pos) {
    Place *at = &p->places[hart % MACHINE_MAX_HARTS];
    if (at == p->place && p->synced && pos == p->pos + 1) {
        break_off(at);
        at->trapped = true;
    } else if (!p->synced || pos != p->pos) {
        for (unsigned i = 0; i < MACHINE_MAX_HARTS; i++) {
            break_off(&p->places[i]);
            p->places[i] = (Place){0};
        }
    }
    p->place = at;
    p->pos = pos;
    p->synced = true;
}

static void add_words(Paths *p, const uint64_t *w, const uint64_t *end) {
    Root *pending = NULL; /* the last piece, which a TRACE_CUT may yet shorten */
    while (w < end) {
        uint64_t tag = TRACE_TAG(*w);
        if (G_LIKELY(tag == TRACE_BLOCK)) {
            if (pending)
                add_piece(p, pending, pending->n_insns);
            pending = find_root(p, (uint32_t)*w);
            w += pending->words;
            continue;
        }
        if (tag == TRACE_CUT && pending) {
            uint32_t left = MIN((uint32_t)*w, pending->n_insns);
            add_piece(p, pending, (uint16_t)(pending->n_insns - left));
            pending = NULL;
        } else if (tag == TRACE_SYNC) {
            if (pending)
                add_piece(p, pending, pending->n_insns);
            pending = NULL;
            synchronise(p, *w & 0xff, w[1]);
        }
        w += tag == TRACE_SYNC    ? 4
             : tag == TRACE_SPLIT ? 2
             : tag == TRACE_WALK  ? TRACE_WALK_WORDS
             : tag == TRACE_DMA   ? 5 + (w[4] + 7) / 8
                                  : 1;
    }
    if (pending)
        add_piece(p, pending, pending->n_insns);
}

void paths_add(Paths *p, const TraceJob *job) {
    for (size_t i = 0; i < job->n; i++)
        add_words(p, job->pieces[i].words, job->pieces[i].words + job->pieces[i].n);
}

void paths_end(Paths *p) {
    for (unsigned i = 0; i < MACHINE_MAX_HARTS; i++)
        break_off(&p->places[i]);
}

/* -- results -------------------------------------------------------------- */
void paths_each(const Paths *p, PathFn *fn, void *opaque) {
    for (guint i = 0; i < p->by_id->len; i++) {
        const Path *path = p->by_id->pdata[i];
        if (path->count + path->partial)
            fn(opaque, path);
    }
}

void paths_each_edge(const Paths *p, PathEdgeFn *fn, void *opaque) {
    for (guint i = 0; i < p->by_id->len; i++) {
        const Path *path = p->by_id->pdata[i];
        for (unsigned k = 0; k < 2; k++)
            if (path->next_count[k])
                fn(opaque, path, path->next_piece[k] & ~TRAPPED, path->next_piece[k] & TRAPPED,
                   path->next_count[k]);
    }
    for (uint64_t i = 0; i <= p->edges_mask; i++) {
        uint64_t key = p->edges[i].key - 1;
        if (p->edges[i].key)
            fn(opaque, p->by_id->pdata[key >> 32], (uint32_t)key & ~TRAPPED, key & TRAPPED,
               p->edges[i].count);
    }
}
