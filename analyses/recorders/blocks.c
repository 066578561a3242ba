/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocks: how often each block ran, which followed which, and how often each instruction ran. Blocks are told
 * apart by address, program and bytes; executions that a trap broke off count for the block that they began.
 */
#include <string.h>

#include "analyses/recorders/paths.h"
#include "analyses/recorders/recorder.h"
#include "analyses/store/packed.h"
#include "analyses/store/query.h"

typedef struct Block {
    Gva pc;
    GByteArray *code;
    uint64_t insns, count;
    Pos first, last;
    ProgramPlace place;
} Block;

/* How often the first instructions of a piece ran: so many of them, so often. */
typedef struct Stretch {
    const Piece *piece;
    uint16_t done;
    uint64_t count;
} Stretch;

/* A row of the table. */
typedef struct Cover {
    int64_t module, offset;
    uint64_t count;
} Cover;

typedef struct Edge {
    Gva src, dst;
    ProgramPlace from, to;
    const char *kind;
    uint64_t count;
} Edge;

typedef struct Blocks {
    Recorder *run;
    Paths *paths;
    char *prefix; /* of the tables' names */

    GHashTable *blocks; /* Block → itself */
    GPtrArray *partial; /* of Block, not in blocks */
    GArray *edges;      /* of Edge */
    GArray *stretches;  /* of Stretch */
    int64_t rows;
} Blocks;

/* -- joining paths to blocks -------------------------------------------------------------- */
static guint block_hash(gconstpointer v) {
    const Block *b = v;
    guint h = (guint)(b->pc >> 1) * 31 + b->code->len;
    for (guint i = 0; i < b->code->len; i++)
        h = h * 31 + b->code->data[i];
    return h;
}

static bool is_same_place(ProgramPlace a, ProgramPlace b) {
    return a.module == b.module && a.shift == b.shift;
}

static gboolean block_equal(gconstpointer a, gconstpointer b) {
    const Block *p = a, *q = b;
    return p->pc == q->pc && is_same_place(p->place, q->place) && p->code->len == q->code->len &&
           !memcmp(p->code->data, q->code->data, p->code->len);
}

static void block_free(void *v) {
    Block *b = v;
    g_byte_array_unref(b->code);
    g_free(b);
}

static const Piece *path_begin(const Path *path) {
    while (path->parent)
        path = path->parent;
    return path->piece;
}

static Gva path_pc(const Path *path) {
    return path_begin(path)->pc;
}

static void add_piece_code(const Piece *t, uint16_t done, Block *b) {
    for (unsigned i = 0; i < done; i++) {
        uint32_t raw = GUINT32_TO_LE(t->insn_raw[i]);
        g_byte_array_append(b->code, (const uint8_t *)&raw, t->insn_len[i]);
    }
    b->insns += done;
}

/* Not by recursion: a guest may run straight through all of its memory. */
static void add_code(const Path *path, Block *b) {
    g_autoptr(GPtrArray) pieces = g_ptr_array_new();
    for (; path; path = path->parent)
        g_ptr_array_add(pieces, (gpointer)path);
    for (guint i = pieces->len; i-- > 0;) {
        const Path *at = pieces->pdata[i];
        add_piece_code(at->piece, at->done, b);
    }
}

static void block_join(Block *b, const Block *other) {
    b->count += other->count;
    b->first = MIN(b->first, other->first);
    b->last = MAX(b->last, other->last);
}

/* Takes the block. */
static void add_block(Blocks *x, Block *b) {
    Block *known = g_hash_table_lookup(x->blocks, b);
    if (!known) {
        g_hash_table_add(x->blocks, b);
        return;
    }
    block_join(known, b);
    block_free(b);
}

static void cover_path(Blocks *x, const Path *path, uint64_t count) {
    for (; path; path = path->parent) {
        Stretch stretch = {path->piece, path->done, count};
        g_array_append_val(x->stretches, stretch);
    }
}

static void join_path(void *opaque, const Path *path) {
    Blocks *x = opaque;
    Block *b = g_new0(Block, 1);
    *b = (Block){path_pc(path), g_byte_array_new(),     0, path->count + path->partial, path->first,
                 path->last,    path_begin(path)->place};
    add_code(path, b);
    if (path->end == TRANSFER_NONE)
        g_ptr_array_add(x->partial, b);
    else
        add_block(x, b);
    cover_path(x, path, path->count + path->partial);
}

/* By address, then program, then bytes, the longer of two that begin alike first. */
static int block_compare(gconstpointer a, gconstpointer b) {
    const Block *p = *(Block *const *)a, *q = *(Block *const *)b;
    if (p->pc != q->pc)
        return p->pc < q->pc ? -1 : 1;
    if (p->place.module != q->place.module)
        return p->place.module < q->place.module ? -1 : 1;
    if (p->place.shift != q->place.shift)
        return p->place.shift < q->place.shift ? -1 : 1;
    int order = memcmp(p->code->data, q->code->data, MIN(p->code->len, q->code->len));
    return order ? order : (int)q->code->len - (int)p->code->len;
}

static GPtrArray *sorted_blocks(Blocks *x) {
    GPtrArray *all = g_ptr_array_new();
    GHashTableIter it;
    gpointer block;
    g_hash_table_iter_init(&it, x->blocks);
    while (g_hash_table_iter_next(&it, &block, NULL))
        g_ptr_array_add(all, block);
    g_ptr_array_sort(all, block_compare);
    return all;
}

static bool begins_with(const Block *whole, const Block *part) {
    return whole->pc == part->pc && is_same_place(whole->place, part->place) &&
           whole->code->len >= part->code->len &&
           !memcmp(whole->code->data, part->code->data, part->code->len);
}

/*
 * Executions broken off join the first block, in the order of bytes, that begins as they do; where none was
 * ever finished the longest of them stands for it.
 */
static void join_partial(Blocks *x) {
    g_autoptr(GPtrArray) whole = sorted_blocks(x);
    Block *last = NULL;
    guint at = 0;
    g_ptr_array_sort(x->partial, block_compare);
    for (guint i = 0; i < x->partial->len; i++) {
        Block *b = x->partial->pdata[i], *match = NULL;
        while (at < whole->len && ((Block *)whole->pdata[at])->pc < b->pc)
            at++;
        for (guint k = at; k < whole->len && ((Block *)whole->pdata[k])->pc == b->pc && !match; k++)
            if (begins_with(whole->pdata[k], b))
                match = whole->pdata[k];
        if (!match && last && begins_with(last, b))
            match = last;
        if (match) {
            block_join(match, b);
            block_free(b);
        } else {
            last = b;
            g_hash_table_add(x->blocks, b);
        }
    }
    g_ptr_array_set_size(x->partial, 0);
}

/* -- edges -------------------------------------------------------------- */
static Gva path_end(const Path *path) {
    const Piece *t = path->piece;
    Gva pc = t->pc;
    for (unsigned i = 0; i < path->done; i++)
        pc += t->insn_len[i];
    return pc;
}

static const char *edge_kind(const Path *from, Gva dst, bool is_trap) {
    static const char trap[] = "trap", fallthrough[] = "fallthrough";
    static const char *const kinds[] = {
        [TRANSFER_NONE] = "other", [TRANSFER_BRANCH] = "taken",  [TRANSFER_JUMP] = "jump",
        [TRANSFER_CALL] = "call",  [TRANSFER_RETURN] = "return", [TRANSFER_RETURN_CALL] = "call",
        [TRANSFER_XRET] = "xret",
    };
    if (is_trap)
        return trap;
    return from->end == TRANSFER_BRANCH && path_end(from) == dst ? fallthrough : kinds[from->end];
}

static void join_edge(void *opaque, const Path *from, const Piece *piece, bool is_trap, uint64_t count) {
    Blocks *x = opaque;
    Gva dst = piece->pc;
    Edge edge = {path_pc(from), dst, path_begin(from)->place, piece->place, edge_kind(from, dst, is_trap),
                 count};
    g_array_append_val(x->edges, edge);
}

/* -- tables -------------------------------------------------------------- */
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
static bool read_modules(const Blocks *x, GArray *modules, GError **error) {
    static const QueryOps ops = {ignore_begin, take_module, ignore_end};
    return store_query(store_handle(x->run->store), "SELECT id, base, size FROM module ORDER BY id", &ops,
                       modules, error);
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

static PackedWriter *writer(const Blocks *x, const char *table, const char *types, unsigned key,
                            GError **error) {
    g_autofree char *name = g_strconcat(x->prefix, table, NULL);
    return packed_writer_new(x->run->store, name, types, key, error);
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

static gint compare_rows(gconstpointer a, gconstpointer b) {
    return order((int64_t)(*(Block *const *)a)->pc, (int64_t)(*(Block *const *)b)->pc);
}

static bool store_block(PackedWriter *w, const Block *b, Where where, const char *symbol, GError **error) {
    char types[] = "iiiiiiiis";
    const StoreValue values[] = {
        {.integer = (int64_t)b->pc},    {.integer = b->code->len},          {.integer = (int64_t)b->insns},
        {.integer = (int64_t)b->count}, {.integer = (int64_t)b->first},     {.integer = (int64_t)b->last},
        {.integer = where.module},      {.integer = (int64_t)where.offset}, {.bytes = symbol}};
    if (!where.module)
        types[6] = 'n';
    return packed_writer_add(w, types, values, error);
}

static bool store_blocks(Blocks *x, const GArray *modules, GError **error) {
    StoreStmt *symbol;
    g_autoptr(GPtrArray) all = sorted_blocks(x);
    PackedWriter *w = writer(x, "block", "iiiiiiiis", 0, error);
    if (!w || !store_prepare(x->run->store, "SELECT symbol_in(?, ?, ?)", &symbol, error))
        return finish(w, false, NULL);
    bool ok = true;
    g_ptr_array_sort(all, compare_rows); /* stable */
    for (guint i = 0; ok && i < all->len; i++, x->rows++) {
        const Block *b = all->pdata[i];
        ok = store_block(w, b, where_of(modules, b->pc, b->place),
                         store_run_text(symbol, "uiu", b->pc, b->place.module, b->place.shift), error);
    }
    store_stmt_free(symbol);
    return finish(w, ok, error);
}

static int compare_places(ProgramPlace a, ProgramPlace b) {
    int by_module = order(a.module, b.module);
    return by_module ? by_module : order((int64_t)a.shift, (int64_t)b.shift);
}

static gint compare_edges(gconstpointer a, gconstpointer b) {
    const Edge *p = a, *q = b;
    const int by[] = {order((int64_t)p->src, (int64_t)q->src), order((int64_t)p->dst, (int64_t)q->dst),
                      strcmp(p->kind, q->kind), compare_places(p->from, q->from),
                      compare_places(p->to, q->to)};
    for (unsigned i = 0; i < G_N_ELEMENTS(by); i++)
        if (by[i])
            return by[i];
    return 0;
}

static bool store_edge(PackedWriter *w, const GArray *modules, const Edge *e, uint64_t count,
                       GError **error) {
    Where from = where_of(modules, e->src, e->from), to = where_of(modules, e->dst, e->to);
    char types[] = "iisiiiii";
    const StoreValue values[] = {{.integer = (int64_t)e->src}, {.integer = (int64_t)e->dst},
                                 {.bytes = e->kind},           {.integer = (int64_t)count},
                                 {.integer = from.module},     {.integer = (int64_t)from.offset},
                                 {.integer = to.module},       {.integer = (int64_t)to.offset}};
    if (!from.module)
        types[4] = 'n';
    if (!to.module)
        types[6] = 'n';
    return packed_writer_add(w, types, values, error);
}

static bool store_edges(Blocks *x, const GArray *modules, GError **error) {
    PackedWriter *w = writer(x, "edge", "iisiiiii", 0, error);
    bool ok = w;
    g_array_sort(x->edges, compare_edges);
    for (guint i = 0; ok && i < x->edges->len; x->rows++) {
        const Edge *e = &g_array_index(x->edges, Edge, i);
        uint64_t count = 0;
        for (; i < x->edges->len && !compare_edges(e, &g_array_index(x->edges, Edge, i)); i++)
            count += g_array_index(x->edges, Edge, i).count;
        ok = store_edge(w, modules, e, count, error);
    }
    return finish(w, ok, error);
}

static gint compare_stretches(gconstpointer a, gconstpointer b) {
    const Stretch *p = a, *q = b;
    return p->piece != q->piece ? (p->piece < q->piece ? -1 : 1) : (int)q->done - (int)p->done;
}

/* A row for each instruction of each piece. */
static GArray *cover_rows(Blocks *x, const GArray *modules) {
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(Cover));
    g_array_sort(x->stretches, compare_stretches); /* of a piece, the longest first */
    for (guint i = 0, next; i < x->stretches->len; i = next) {
        const Piece *t = g_array_index(x->stretches, Stretch, i).piece;
        uint64_t count = 0;
        unsigned insn = g_array_index(x->stretches, Stretch, i).done;
        Gva pc = t->pc;
        for (unsigned k = 0; k < insn; k++)
            pc += t->insn_len[k];
        for (next = i; insn-- > 0;) {
            for (; next < x->stretches->len; next++) {
                const Stretch *stretch = &g_array_index(x->stretches, Stretch, next);
                if (stretch->piece != t || stretch->done <= insn)
                    break;
                count += stretch->count;
            }
            pc -= t->insn_len[insn];
            Where w = where_of(modules, pc, t->place);
            Cover row = {w.module, (int64_t)w.offset, count};
            g_array_append_val(rows, row);
        }
    }
    return rows;
}

static gint compare_cover(gconstpointer a, gconstpointer b) {
    const Cover *p = a, *q = b;
    int by_offset = order(p->offset, q->offset);
    return by_offset ? by_offset : order(p->module, q->module);
}

static bool store_cover(Blocks *x, const GArray *modules, GError **error) {
    PackedWriter *w = writer(x, "cover", "iii", 1, error);
    g_autoptr(GArray) rows = cover_rows(x, modules);
    bool ok = w;
    g_array_sort(rows, compare_cover);
    for (guint i = 0; ok && i < rows->len; x->rows++) {
        const Cover *c = &g_array_index(rows, Cover, i);
        uint64_t count = 0;
        for (; i < rows->len && !compare_cover(c, &g_array_index(rows, Cover, i)); i++)
            count += g_array_index(rows, Cover, i).count;
        ok = packed_writer_add(
            w, c->module ? "iii" : "nii",
            (StoreValue[]){{.integer = c->module}, {.integer = c->offset}, {.integer = (int64_t)count}},
            error);
    }
    return finish(w, ok, error);
}

static bool store_all(Blocks *x, GError **error) {
    g_autoptr(GArray) modules = g_array_new(FALSE, FALSE, sizeof(Module));
    return read_modules(x, modules, error) && store_blocks(x, modules, error) &&
           store_edges(x, modules, error) && store_cover(x, modules, error);
}

/* Virtual tables, of which plain ones are a copy. */
static bool make_tables(const Blocks *x, GError **error) {
    const Recorder *run = x->run;
    bool plain = !strcmp(recorder_setting(run, "storage"), "rows");
    return store_exec_section(run->store, "blocks chunks", x->prefix, error) &&
           (!plain || store_exec_section(run->store, "blocks rows", x->prefix, error)) &&
           store_exec_section(run->store, "blocks view", x->prefix, error);
}

/* -- the analysis -------------------------------------------------------------- */
static Paths *paths_of(void *opaque) {
    return ((Blocks *)((Recorder *)opaque)->state)->paths;
}
static void on_translate(void *opaque, ProbeBlock *b) {
    paths_translate(paths_of(opaque), b);
}
static void on_trap(void *opaque, const TrapEvent *ev) {
    paths_trap(paths_of(opaque), ev);
}
static void on_reset(void *opaque, Pos pos) {
    paths_reset(paths_of(opaque));
}
static const HookOps hooks = {.translate = on_translate, .trap = on_trap, .reset = on_reset};

static bool blocks_begin(Recorder *run, GError **error) {
    Blocks *x = run->state;
    x->run = run;
    x->prefix = recorder_table(run, "");
    x->paths = paths_new(run->machine, analysis_set_programs(run->set));
    x->blocks = g_hash_table_new_full(block_hash, block_equal, block_free, NULL);
    x->partial = g_ptr_array_new();
    x->edges = g_array_new(FALSE, FALSE, sizeof(Edge));
    x->stretches = g_array_new(FALSE, FALSE, sizeof(Stretch));
    if (!store_exec_section(run->store, "blocks", x->prefix, error))
        return false;
    if (!x->paths) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "blocks: no memory for each hart's place");
        return false;
    }
    recorder_subscribe(run, &hooks);
    return true;
}

static bool blocks_end(Recorder *run, int64_t *rows, GError **error) {
    Blocks *x = run->state;
    if (!paths_end(x->paths)) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                    "blocks: more blocks than there are counters");
        return false;
    }
    paths_each(x->paths, join_path, x);
    join_partial(x);
    paths_each_edge(x->paths, join_edge, x);
    bool ok = store_all(x, error) && make_tables(x, error);
    *rows = x->rows;
    return ok;
}

static void blocks_free(Recorder *run) {
    Blocks *x = run->state;
    if (!x->blocks)
        return;
    paths_free(x->paths);
    g_hash_table_unref(x->blocks);
    g_ptr_array_set_free_func(x->partial, block_free);
    g_ptr_array_free(x->partial, TRUE);
    g_array_unref(x->edges);
    g_array_unref(x->stretches);
    g_free(x->prefix);
}

static const RecorderSetting settings[] = {{"storage", "chunks|rows", "chunks"}, {NULL}};
static const char *const tables[] = {"$_block", "$_block_v", "$_edge", "$_edge_v",
                                     "$_cover", "$_cover_v", NULL};

const RecorderClass blocks_recorder = {
    .settings = settings,
    .tables = tables,
    .state_size = sizeof(Blocks),
    .begin = blocks_begin,
    .end = blocks_end,
    .free = blocks_free,
};
