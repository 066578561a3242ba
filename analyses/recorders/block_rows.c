/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/recorders/block_rows.h"

#include "analyses/recorders/ranked.h"
#include "analyses/store/packed.h"
#include "analyses/store/query.h"

/* A row of the table cover. */
typedef struct Cover {
    int64_t module, offset;
    uint64_t count;
} Cover;

typedef struct Writing {
    const BlockRows *rows;
    Store *store;
    const char *prefix;
    GArray *modules;
    int64_t written;
} Writing;

void block_rows_init(BlockRows *r) {
    r->bytes = g_string_chunk_new(64 << 10);
    r->blocks = g_array_new(FALSE, FALSE, sizeof(Block));
    r->edges = g_array_new(FALSE, FALSE, sizeof(BlockEdge));
    r->stretches = g_array_new(FALSE, FALSE, sizeof(BlockStretch));
}

void block_rows_done(BlockRows *r) {
    g_array_unref(r->blocks);
    g_array_unref(r->edges);
    g_array_unref(r->stretches);
    g_string_chunk_free(r->bytes);
}

/* -- where it is -------------------------------------------------------------- */
typedef struct Module {
    int64_t id, base, size;
} Module;

static void ignore_begin(void *opaque, int n, const char *const *names) {}
static void ignore_end(void *opaque) {}
static void take_module(void *opaque, int n, const QueryValue *values) {
    Module m = {values[0].integer, values[1].integer, values[2].integer};
    g_array_append_val((GArray *)opaque, m);
}

/* One look for each row would cost more than the row. */
static bool read_modules(Store *store, GArray *modules, GError **error) {
    static const QueryOps ops = {ignore_begin, take_module, ignore_end};
    return store_query(store_handle(store), "SELECT id, base, size FROM module ORDER BY id", &ops, modules,
                       error);
}

/* The first that covers the address; `none` if there is none. */
static const Module *module_of(const GArray *modules, Gva pc) {
    static const Module none = {0};
    for (guint i = 0; i < modules->len; i++) {
        const Module *m = &g_array_index(modules, Module, i);
        if (pc - (Gva)m->base < (Gva)m->size)
            return m;
    }
    return &none;
}

typedef struct Where {
    int64_t module;
    Gva offset;
} Where;

static Where where_of(const GArray *modules, Gva pc, ProgramPlace place) {
    if (place.module)
        return (Where){place.module, pc - place.shift};
    const Module *m = module_of(modules, pc);
    return (Where){m->id, pc - (Gva)m->base};
}

/* -- writing -------------------------------------------------------------- */
static PackedWriter *writer(const Writing *x, const char *table, const char *types, unsigned key,
                            GError **error) {
    g_autofree char *name = g_strconcat(x->prefix, table, NULL);
    return packed_writer_new(x->store, name, types, key, error);
}

/* Takes the writer. */
static bool finish(PackedWriter *w, bool ok, GError **error) {
    ok = ok && packed_writer_end(w, error);
    packed_writer_free(w);
    return ok;
}

/* As SQL orders them. */
static int order(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

static bool store_block(PackedWriter *w, const Block *b, Where where, const char *symbol, GError **error) {
    char types[] = "iiiiiiiis";
    const StoreValue values[] = {{.integer = (int64_t)b->pc},
                                 {.integer = b->size},
                                 {.integer = (int64_t)b->insns},
                                 {.integer = (int64_t)b->count},
                                 {.integer = (int64_t)b->first},
                                 {.integer = (int64_t)b->last},
                                 {.integer = where.module},
                                 {.integer = (int64_t)where.offset},
                                 {.bytes = symbol}};
    if (!where.module)
        types[6] = 'n';
    return packed_writer_add(w, types, values, error);
}

static bool store_blocks(Writing *x, GError **error) {
    StoreStmt *symbol;
    const GArray *blocks = x->rows->blocks;
    PackedWriter *w = writer(x, "block", "iiiiiiiis", 0, error);
    if (!w || !store_prepare(x->store, "SELECT symbol_in(?, ?, ?)", &symbol, error))
        return finish(w, false, NULL);
    bool ok = true;
    for (guint i = 0; ok && i < blocks->len; i++, x->written++) {
        const Block *b = &g_array_index(blocks, Block, i);
        ok = store_block(w, b, where_of(x->modules, b->pc, b->place),
                         store_run_text(symbol, "uiu", b->pc, b->place.module, b->place.shift), error);
    }
    store_stmt_free(symbol);
    return finish(w, ok, error);
}

/* -- edges -------------------------------------------------------------- */
static int compare_places(ProgramPlace a, ProgramPlace b) {
    int by_module = order(a.module, b.module);
    return by_module ? by_module : order((int64_t)a.shift, (int64_t)b.shift);
}

/* Of those with the same src. */
static int compare_edges(const void *a, const void *b) {
    const BlockEdge *p = a, *q = b;
    if (p->dst != q->dst)
        return order((int64_t)p->dst, (int64_t)q->dst);
    if (p->kind != q->kind)
        return p->kind < q->kind ? -1 : 1;
    int by_source = compare_places(p->from, q->from);
    return by_source ? by_source : compare_places(p->to, q->to);
}

static const char *const edge_names[] = {
#define X(what, text) [EDGE_##what] = text,
    EDGE_KINDS(X)
#undef X
};

static bool store_edge(PackedWriter *w, const GArray *modules, const BlockEdge *e, uint64_t count,
                       GError **error) {
    Where from = where_of(modules, e->src, e->from), to = where_of(modules, e->dst, e->to);
    char types[] = "iisiiiii";
    const StoreValue values[] = {{.integer = (int64_t)e->src},   {.integer = (int64_t)e->dst},
                                 {.bytes = edge_names[e->kind]}, {.integer = (int64_t)count},
                                 {.integer = from.module},       {.integer = (int64_t)from.offset},
                                 {.integer = to.module},         {.integer = (int64_t)to.offset}};
    if (!from.module)
        types[4] = 'n';
    if (!to.module)
        types[6] = 'n';
    return packed_writer_add(w, types, values, error);
}

static bool store_edges(Writing *x, GError **error) {
    PackedWriter *w = writer(x, "edge", "iisiiiii", 0, error);
    bool ok = w;
    guint n = x->rows->edges->len;
    g_autofree Ranked *sorted = g_new(Ranked, n);
    for (guint i = 0; i < n; i++) {
        BlockEdge *e = &g_array_index(x->rows->edges, BlockEdge, i);
        sorted[i] = (Ranked){ranked_key(e->src), e};
    }
    ranked_sort(sorted, n, compare_edges);
    for (guint i = 0; ok && i < n; x->written++) {
        const BlockEdge *e = sorted[i].item;
        uint64_t count = 0;
        for (; i < n && sorted[i].key == ranked_key(e->src) && !compare_edges(e, sorted[i].item); i++)
            count += ((const BlockEdge *)sorted[i].item)->count;
        ok = store_edge(w, x->modules, e, count, error);
    }
    return finish(w, ok, error);
}

/* -- cover -------------------------------------------------------------- */
/* Of a piece, the longest first. */
static int compare_stretches(const void *a, const void *b) {
    return (int)((const BlockStretch *)b)->done - (int)((const BlockStretch *)a)->done;
}

static Ranked *sorted_stretches(const GArray *stretches) {
    Ranked *sorted = g_new(Ranked, stretches->len);
    for (guint i = 0; i < stretches->len; i++) {
        BlockStretch *s = &g_array_index(stretches, BlockStretch, i);
        sorted[i] = (Ranked){(uintptr_t)s->piece, s};
    }
    ranked_sort(sorted, stretches->len, compare_stretches);
    return sorted;
}

/* The rows of a piece, from its last instruction to its first; n: stretches, all that it has, the longest first. */
static void cover_piece(const Writing *x, const Piece *t, const Ranked *stretches, guint n, GArray *rows) {
    unsigned insn = ((const BlockStretch *)stretches->item)->done;
    uint64_t count = 0;
    guint next = 0;
    Gva pc = t->pc;
    for (unsigned k = 0; k < insn; k++)
        pc += t->insn_len[k];
    while (insn-- > 0) {
        for (; next < n && ((const BlockStretch *)stretches[next].item)->done > insn; next++)
            count += ((const BlockStretch *)stretches[next].item)->count;
        pc -= t->insn_len[insn];
        Where w = where_of(x->modules, pc, t->place);
        Cover row = {w.module, (int64_t)w.offset, count};
        g_array_append_val(rows, row);
    }
}

/* A row for each instruction of each piece. */
static GArray *cover_rows(const Writing *x) {
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(Cover));
    guint n = x->rows->stretches->len;
    g_autofree Ranked *stretches = sorted_stretches(x->rows->stretches);
    for (guint i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && stretches[next].key == stretches[i].key; next++)
            ;
        cover_piece(x, ((const BlockStretch *)stretches[i].item)->piece, stretches + i, next - i, rows);
    }
    return rows;
}

static int compare_modules(const void *a, const void *b) {
    return order(((const Cover *)a)->module, ((const Cover *)b)->module);
}

static bool store_cover(Writing *x, GError **error) {
    PackedWriter *w = writer(x, "cover", "iii", 1, error);
    g_autoptr(GArray) rows = cover_rows(x);
    g_autofree Ranked *sorted = g_new(Ranked, rows->len);
    bool ok = w;
    for (guint i = 0; i < rows->len; i++) {
        Cover *c = &g_array_index(rows, Cover, i);
        sorted[i] = (Ranked){ranked_key((uint64_t)c->offset), c};
    }
    ranked_sort(sorted, rows->len, compare_modules);
    for (guint i = 0; ok && i < rows->len; x->written++) {
        const Cover *c = sorted[i].item;
        uint64_t key = sorted[i].key, count = 0;
        for (; i < rows->len && sorted[i].key == key && !compare_modules(c, sorted[i].item); i++)
            count += ((const Cover *)sorted[i].item)->count;
        ok = packed_writer_add(
            w, c->module ? "iii" : "nii",
            (StoreValue[]){{.integer = c->module}, {.integer = c->offset}, {.integer = (int64_t)count}},
            error);
    }
    return finish(w, ok, error);
}

bool block_rows_store(const BlockRows *r, Store *store, const char *prefix, int64_t *written,
                      GError **error) {
    g_autoptr(GArray) modules = g_array_new(FALSE, FALSE, sizeof(Module));
    Writing x = {r, store, prefix, modules, 0};
    bool ok = read_modules(store, modules, error) && store_blocks(&x, error) && store_edges(&x, error) &&
              store_cover(&x, error);
    *written = x.written;
    return ok;
}
