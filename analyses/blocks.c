/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocks: how often each block ran, which followed which, and how often each instruction ran. Blocks are told
 * apart by address, program and bytes; executions that a trap broke off count for the block that they began.
 */
#include <string.h>

#include "analyses/paths.h"
#include "analyses/run.h"
#include "analyses/store/query.h"

typedef struct Block {
    Gva pc;
    GByteArray *code;
    uint64_t insns, count;
    Pos first, last;
    ProgramPlace place;
} Block;

/* Of an instruction, for all blocks that have it. */
typedef struct CoverKey {
    Gva pc;
    ProgramPlace place;
} CoverKey;

typedef struct EdgeKey {
    Gva src, dst;
    ProgramPlace from, to;
    const char *kind;
} EdgeKey;

typedef struct Blocks {
    AnalysisRun *run;
    Paths *paths;
    char *prefix; /* of the tables' names */

    GHashTable *blocks; /* Block → itself */
    GPtrArray *partial; /* of Block, not in blocks */
    GHashTable *edges;  /* EdgeKey → count */
    GHashTable *cover;  /* CoverKey → count */
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

static guint cover_hash(gconstpointer v) {
    const CoverKey *c = v;
    return (guint)(c->pc >> 1) * 31 + (guint)c->place.module;
}

static gboolean cover_equal(gconstpointer a, gconstpointer b) {
    const CoverKey *p = a, *q = b;
    return p->pc == q->pc && is_same_place(p->place, q->place);
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

static void add_count(GHashTable *t, gconstpointer key, gsize key_size, uint64_t n) {
    uint64_t *count = g_hash_table_lookup(t, key);
    if (count)
        *count += n;
    else
        g_hash_table_insert(t, g_memdup2(key, key_size), g_memdup2(&n, sizeof n));
}

static void cover_path(Blocks *x, const Path *path, uint64_t count) {
    for (; path; path = path->parent) {
        const Piece *t = path->piece;
        Gva pc = t->pc;
        for (unsigned i = 0; i < path->done; pc += t->insn_len[i++])
            add_count(x->cover, &(CoverKey){pc, t->place}, sizeof(CoverKey), count);
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
static guint edge_hash(gconstpointer v) {
    const EdgeKey *e = v;
    return (guint)(e->src * 31 + e->dst) ^ (guint)(e->src >> 32) ^
           (guint)(e->from.module * 31 + e->to.module);
}

static gboolean edge_equal(gconstpointer a, gconstpointer b) {
    const EdgeKey *p = a, *q = b;
    return p->src == q->src && p->dst == q->dst && p->kind == q->kind && is_same_place(p->from, q->from) &&
           is_same_place(p->to, q->to);
}

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
    EdgeKey key = {path_pc(from), dst, path_begin(from)->place, piece->place,
                   g_intern_static_string(edge_kind(from, dst, is_trap))};
    add_count(x->edges, &key, sizeof key, count);
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

static bool prepare(Blocks *x, const char *table, const char *what, StoreStmt **ret, GError **error) {
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s%s\" %s", x->prefix, table, what);
    return store_prepare(x->run->store, sql, ret, error);
}

static bool store_blocks(Blocks *x, GError **error) {
    StoreStmt *insert;
    g_autoptr(GPtrArray) all = sorted_blocks(x);
    g_autoptr(GArray) modules = g_array_new(FALSE, FALSE, sizeof(Module));
    bool ok =
        read_modules(x, modules, error) &&
        prepare(x, "block", "VALUES (?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, 0), ?8, symbol_in(?1, ?9, ?10))",
                &insert, error);
    if (!ok)
        return false;
    for (guint i = 0; ok && i < all->len; i++, x->rows++) {
        const Block *b = all->pdata[i];
        Where w = where_of(modules, b->pc, b->place);
        ok = store_run(insert, error, "uiuuuuiuiu", b->pc, (int64_t)b->code->len, b->insns, b->count,
                       b->first, b->last, w.module, w.offset, b->place.module, b->place.shift);
    }
    store_stmt_free(insert);
    return ok;
}

static bool store_edge(StoreStmt *insert, const GArray *modules, const EdgeKey *key, uint64_t count,
                       GError **error) {
    Where from = where_of(modules, key->src, key->from), to = where_of(modules, key->dst, key->to);
    return store_run(insert, error, "uusuiuiu", key->src, key->dst, key->kind, count, from.module,
                     from.offset, to.module, to.offset);
}

static bool store_edges(Blocks *x, GError **error) {
    GHashTableIter it;
    const EdgeKey *key;
    const uint64_t *count;
    StoreStmt *insert;
    g_autoptr(GArray) modules = g_array_new(FALSE, FALSE, sizeof(Module));
    if (!read_modules(x, modules, error) ||
        !prepare(x, "edge", "VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), ?6, nullif(?7, 0), ?8)", &insert, error))
        return false;
    bool ok = true;
    g_hash_table_iter_init(&it, x->edges);
    for (; ok && g_hash_table_iter_next(&it, (gpointer *)&key, (gpointer *)&count); x->rows++)
        ok = store_edge(insert, modules, key, *count, error);
    store_stmt_free(insert);
    return ok;
}

static bool store_cover_row(StoreStmt *insert, Where w, uint64_t count, GError **error) {
    return store_run(insert, error, "iuu", w.module, w.offset, count);
}

static bool store_cover(Blocks *x, GError **error) {
    GHashTableIter it;
    const CoverKey *key;
    const uint64_t *count;
    StoreStmt *insert;
    g_autoptr(GArray) modules = g_array_new(FALSE, FALSE, sizeof(Module));
    if (!read_modules(x, modules, error) ||
        !prepare(x, "cover", "VALUES (nullif(?1, 0), ?2, ?3)", &insert, error))
        return false;
    bool ok = true;
    g_hash_table_iter_init(&it, x->cover);
    for (; ok && g_hash_table_iter_next(&it, (gpointer *)&key, (gpointer *)&count); x->rows++)
        ok = store_cover_row(insert, where_of(modules, key->pc, key->place), *count, error);
    store_stmt_free(insert);
    return ok;
}

/* -- the analysis -------------------------------------------------------------- */
static Paths *paths_of(void *opaque) {
    return ((Blocks *)((AnalysisRun *)opaque)->state)->paths;
}
static void on_translate(void *opaque, ProbeBlock *b) {
    paths_translate(paths_of(opaque), b);
}
static void on_trap(void *opaque, const TrapEvent *ev) {
    paths_trap(paths_of(opaque), ev);
}
static void on_cut(void *opaque, const Hart *hart, uint32_t left, HookCut why) {
    paths_cut(paths_of(opaque), hart, left, why);
}
static const HookOps hooks = {.translate = on_translate, .trap = on_trap, .cut = on_cut};

static bool blocks_begin(AnalysisRun *run, GError **error) {
    Blocks *x = run->state;
    x->run = run;
    x->prefix = strcmp(run->name, run->class->info.name) ? g_strconcat(run->name, "_", NULL) : g_strdup("");
    x->paths = paths_new(run->machine, analysis_set_programs(run->set));
    x->blocks = g_hash_table_new_full(block_hash, block_equal, block_free, NULL);
    x->partial = g_ptr_array_new();
    x->edges = g_hash_table_new_full(edge_hash, edge_equal, g_free, g_free);
    x->cover = g_hash_table_new_full(cover_hash, cover_equal, g_free, g_free);
    if (!store_exec_section(run->store, "blocks", x->prefix, error))
        return false;
    if (!x->paths) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "blocks: no memory for each hart's place");
        return false;
    }
    analysis_run_subscribe(run, &hooks);
    return true;
}

static bool blocks_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Blocks *x = run->state;
    paths_end(x->paths);
    paths_each(x->paths, join_path, x);
    join_partial(x);
    paths_each_edge(x->paths, join_edge, x);
    bool ok = store_blocks(x, error) && store_edges(x, error) && store_cover(x, error) &&
              store_exec_section(run->store, "blocks finish", x->prefix, error);
    *rows = x->rows;
    return ok;
}

static void blocks_free(AnalysisRun *run) {
    Blocks *x = run->state;
    if (!x->blocks)
        return;
    paths_free(x->paths);
    g_hash_table_unref(x->blocks);
    g_ptr_array_set_free_func(x->partial, block_free);
    g_ptr_array_free(x->partial, TRUE);
    g_hash_table_unref(x->edges);
    g_hash_table_unref(x->cover);
    g_free(x->prefix);
}

const AnalysisClass blocks_class = {
    .info = {"blocks", "how often blocks, edges between them and single instructions ran",
             "block block_v edge edge_v cover cover_v"},
    .state_size = sizeof(Blocks),
    .begin = blocks_begin,
    .end = blocks_end,
    .free = blocks_free,
};
