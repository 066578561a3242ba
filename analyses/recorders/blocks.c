/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocks: how often each block ran, which followed which, and how often each instruction ran. Blocks are told
 * apart by address, program and bytes; executions that a trap broke off count for the block that they began.
 */
#include <string.h>

#include "analyses/recorders/block_rows.h"
#include "analyses/recorders/ranked.h"
#include "analyses/recorders/recorder.h"

typedef struct Blocks {
    Recorder *run;
    Paths *paths;
    char *prefix;     /* of the tables' names */
    BlockRows rows;   /* made at the end */
    GArray *partial;  /* of Block: executions broken off */
    GByteArray *code; /* of the block at hand */
} Blocks;

/* -- joining paths to blocks -------------------------------------------------------------- */
static bool is_same_place(ProgramPlace a, ProgramPlace b) {
    return a.module == b.module && a.shift == b.shift;
}

static const Piece *path_begin(const Path *path) {
    while (path->parent)
        path = path->parent;
    return path->piece;
}

static Gva path_pc(const Path *path) {
    return path_begin(path)->pc;
}

static void add_piece_code(const Path *path, GByteArray *code) {
    for (unsigned i = 0; i < path->done; i++) {
        uint32_t raw = GUINT32_TO_LE(path->piece->insn_raw[i]);
        g_byte_array_append(code, (const uint8_t *)&raw, path->piece->insn_len[i]);
    }
}

/* Not by recursion: a guest may run straight through all of its memory. */
static void add_code(const Path *path, GByteArray *code) {
    if (!path->parent) {
        add_piece_code(path, code);
        return;
    }
    g_autoptr(GPtrArray) pieces = g_ptr_array_new();
    for (; path; path = path->parent)
        g_ptr_array_add(pieces, (gpointer)path);
    for (guint i = pieces->len; i-- > 0;)
        add_piece_code(pieces->pdata[i], code);
}

static void cover_path(Blocks *x, const Path *path, uint64_t count) {
    for (; path; path = path->parent) {
        BlockStretch stretch = {path->piece, path->done, count};
        g_array_append_val(x->rows.stretches, stretch);
    }
}

static void take_path(void *opaque, const Path *path) {
    Blocks *x = opaque;
    g_byte_array_set_size(x->code, 0);
    add_code(path, x->code);
    Block b = {.pc = path_pc(path),
               .code = (const uint8_t *)g_string_chunk_insert_len(x->rows.bytes, (const char *)x->code->data,
                                                                  (gssize)x->code->len),
               .size = x->code->len,
               .insns = path->insns,
               .count = path->count + path->partial,
               .first = path->first,
               .last = path->last,
               .place = path_begin(path)->place};
    if (path->end == TRANSFER_NONE)
        g_array_append_val(x->partial, b);
    else
        g_array_append_val(x->rows.blocks, b);
    cover_path(x, path, b.count);
}

/* By program, then bytes, the longer of two that begin alike first. */
static int compare_blocks(const void *a, const void *b) {
    const Block *p = a, *q = b;
    if (p->place.module != q->place.module)
        return p->place.module < q->place.module ? -1 : 1;
    if (p->place.shift != q->place.shift)
        return p->place.shift < q->place.shift ? -1 : 1;
    int order = memcmp(p->code, q->code, MIN(p->size, q->size));
    return order ? order : q->size < p->size ? -1 : q->size > p->size;
}

static Block *block_at(const GArray *blocks, guint i) {
    return &g_array_index(blocks, Block, i);
}

/* By address, and as above. Takes them, and returns others. */
static GArray *sorted_blocks(GArray *blocks) {
    g_autofree Ranked *order = g_new(Ranked, blocks->len);
    GArray *sorted = g_array_sized_new(FALSE, FALSE, sizeof(Block), blocks->len);
    for (guint i = 0; i < blocks->len; i++)
        order[i] = (Ranked){ranked_key(block_at(blocks, i)->pc), block_at(blocks, i)};
    ranked_sort(order, blocks->len, compare_blocks);
    for (guint i = 0; i < blocks->len; i++)
        g_array_append_vals(sorted, order[i].item, 1);
    g_array_unref(blocks);
    return sorted;
}

static void join_block(Block *b, const Block *other) {
    b->count += other->count;
    b->first = MIN(b->first, other->first);
    b->last = MAX(b->last, other->last);
}

/* Of sorted ones: paths that are the same block. */
static void join_equal(GArray *blocks) {
    guint n = 0;
    for (guint i = 0; i < blocks->len; i++) {
        const Block *b = block_at(blocks, i);
        if (n && block_at(blocks, n - 1)->pc == b->pc && !compare_blocks(block_at(blocks, n - 1), b))
            join_block(block_at(blocks, n - 1), b);
        else
            *block_at(blocks, n++) = *b;
    }
    g_array_set_size(blocks, n);
}

static bool begins_with(const Block *whole, const Block *part) {
    return whole->pc == part->pc && is_same_place(whole->place, part->place) && whole->size >= part->size &&
           !memcmp(whole->code, part->code, part->size);
}

/* The first of those from `at` on that begins as the part does. */
static Block *find_whole(const GArray *blocks, guint at, guint n, const Block *part) {
    for (; at < n && block_at(blocks, at)->pc == part->pc; at++)
        if (begins_with(block_at(blocks, at), part))
            return block_at(blocks, at);
    return NULL;
}

/*
 * Executions broken off join the first block, in the order of bytes, that begins as they do; where none was
 * ever finished the longest of them stands for it.
 */
static void join_partial(Blocks *x) {
    GArray *blocks = x->rows.blocks;
    guint n = blocks->len, at = 0;
    x->partial = sorted_blocks(x->partial);
    for (guint i = 0; i < x->partial->len; i++) {
        const Block *b = block_at(x->partial, i);
        while (at < n && ranked_key(block_at(blocks, at)->pc) < ranked_key(b->pc))
            at++;
        Block *whole = find_whole(blocks, at, n, b);
        if (!whole && blocks->len > n && begins_with(block_at(blocks, blocks->len - 1), b))
            whole = block_at(blocks, blocks->len - 1);
        if (whole)
            join_block(whole, b);
        else
            g_array_append_vals(blocks, b, 1);
    }
    if (blocks->len > n)
        x->rows.blocks = sorted_blocks(blocks);
}

/* -- edges -------------------------------------------------------------- */
static Gva path_end(const Path *path) {
    const Piece *t = path->piece;
    Gva pc = t->pc;
    for (unsigned i = 0; i < path->done; i++)
        pc += t->insn_len[i];
    return pc;
}

static EdgeKind edge_kind(const Path *from, Gva dst, bool is_trap) {
    static const EdgeKind kinds[] = {
        [TRANSFER_NONE] = EDGE_OTHER, [TRANSFER_BRANCH] = EDGE_TAKEN,  [TRANSFER_JUMP] = EDGE_JUMP,
        [TRANSFER_CALL] = EDGE_CALL,  [TRANSFER_RETURN] = EDGE_RETURN, [TRANSFER_RETURN_CALL] = EDGE_CALL,
        [TRANSFER_XRET] = EDGE_XRET,
    };
    if (is_trap)
        return EDGE_TRAP;
    return from->end == TRANSFER_BRANCH && path_end(from) == dst ? EDGE_FALLTHROUGH : kinds[from->end];
}

static void take_edge(void *opaque, const Path *from, const Piece *piece, bool is_trap, uint64_t count) {
    Blocks *x = opaque;
    const Piece *begin = path_begin(from);
    BlockEdge edge = {.src = begin->pc,
                      .dst = piece->pc,
                      .from = begin->place,
                      .to = piece->place,
                      .kind = edge_kind(from, piece->pc, is_trap),
                      .count = count};
    g_array_append_val(x->rows.edges, edge);
}

/* -- the analysis -------------------------------------------------------------- */
/* Virtual tables, of which plain ones are a copy. */
static bool make_tables(const Blocks *x, GError **error) {
    const Recorder *run = x->run;
    bool plain = !strcmp(recorder_setting(run, "storage"), "rows");
    return store_exec_section(run->store, "blocks chunks", x->prefix, error) &&
           (!plain || store_exec_section(run->store, "blocks rows", x->prefix, error)) &&
           store_exec_section(run->store, "blocks view", x->prefix, error);
}

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
    x->partial = g_array_new(FALSE, FALSE, sizeof(Block));
    x->code = g_byte_array_new();
    block_rows_init(&x->rows);
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
    paths_each(x->paths, take_path, x);
    x->rows.blocks = sorted_blocks(x->rows.blocks);
    join_equal(x->rows.blocks);
    join_partial(x);
    paths_each_edge(x->paths, take_edge, x);
    return block_rows_store(&x->rows, run->store, x->prefix, rows, error) && make_tables(x, error);
}

static void blocks_free(Recorder *run) {
    Blocks *x = run->state;
    if (!x->code)
        return;
    paths_free(x->paths);
    block_rows_done(&x->rows);
    g_array_unref(x->partial);
    g_byte_array_unref(x->code);
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
