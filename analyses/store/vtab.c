/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual tables memtrace and write: eponymous ones read the trace of the database's own memtrace tables;
 * CREATE VIRTUAL TABLE x USING memtrace(NAME) reads another instance's. `write` has the rows that change
 * memory, and before them what the loader placed, at pos -1.
 *
 * Constraints on pos, paddr, vaddr, op and the hidden columns reach the index; rows come in order of (pos,
 * seq), either way round. Hidden columns: `covers` = X selects the rows whose bytes include physical address
 * X; `is_write` = 1 those that change memory.
 */
#include <stdlib.h>
#include <string.h>

#include "analyses/store/functions.h"
#include "analyses/store/trace_walk.h"
#include "analyses/store/vtab.h"
#include "analyses/store/want.h"

#define LOADER_STEP 8 /* bytes of a loader row */

static const char declaration[] =
    "CREATE TABLE x(pos INTEGER, seq INTEGER, hart INTEGER, satp INTEGER, pc INTEGER, op TEXT, vaddr INTEGER,"
    " paddr INTEGER, size INTEGER, value INTEGER, priv TEXT, symbol TEXT, covers INTEGER HIDDEN, is_write "
    "INTEGER HIDDEN)";

typedef struct Image {
    uint64_t paddr, size;
} Image;

typedef struct Vtab {
    sqlite3_vtab base;
    Connection *connection;
    TraceTable *trace;
    bool write; /* the table `write` */
    int64_t rows;
    GArray *images; /* what the loader placed, for `write` */
} Vtab;

typedef struct Cursor {
    sqlite3_vtab_cursor base;
    Want want;
    IndexQuery queries[WANT_QUERIES];
    TraceWalk walk; /* over the chunks */
    int64_t at;     /* row in the chunk; those of the wanted pos are [first, end) */
    int64_t first, end;
    bool every;  /* of those, every row is wanted */
    guint image; /* of the loader's rows */
    uint64_t offset;
    enum { AT_LOADER, AT_CHUNKS, AT_END } state;
} Cursor;

/* -- tables -------------------------------------------------------------------------------------------- */
static void read_images(Vtab *t, sqlite3 *db, const char *schema) {
    sqlite3_stmt *s = NULL;
    char *sql = sqlite3_mprintf("SELECT paddr, size FROM \"%w\".loader ORDER BY paddr", schema);
    t->images = g_array_new(FALSE, FALSE, sizeof(Image));
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK)
        while (sqlite3_step(s) == SQLITE_ROW) {
            Image image = {(uint64_t)sqlite3_column_int64(s, 0), (uint64_t)sqlite3_column_int64(s, 1)};
            if (image.size)
                g_array_append_val(t->images, image);
        }
    sqlite3_finalize(s);
    sqlite3_free(sql);
}

static int vtab_connect_any(sqlite3 *db, Connection *c, int argc, const char *const *argv, bool write,
                            sqlite3_vtab **ret, char **message) {
    GError *error = NULL;
    const char *name = argc > 3 ? argv[3] : !g_ascii_strcasecmp(argv[2], "write") ? "memtrace" : argv[2];
    TraceTable *trace;
    if (!trace_table_new(db, argv[1], name, &trace, &error)) {
        *message = sqlite3_mprintf("no such table: %s", argv[2]);
        g_clear_error(&error);
        return SQLITE_ERROR;
    }
    int result = sqlite3_declare_vtab(db, declaration);
    if (result != SQLITE_OK) {
        trace_table_free(trace);
        return result;
    }
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    Vtab *t = g_new0(Vtab, 1);
    t->connection = connection_ref(c);
    t->trace = trace;
    t->write = write;
    t->rows = trace_table_rows(trace);
    if (write)
        read_images(t, db, argv[1]);
    *ret = &t->base;
    return SQLITE_OK;
}

static int memtrace_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                            char **message) {
    return vtab_connect_any(db, aux, argc, argv, false, ret, message);
}

static int write_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                         char **message) {
    return vtab_connect_any(db, aux, argc, argv, true, ret, message);
}

static int vtab_disconnect(sqlite3_vtab *base) {
    Vtab *t = (Vtab *)base;
    trace_table_free(t->trace);
    connection_unref(t->connection);
    if (t->images)
        g_array_unref(t->images);
    g_free(t);
    return SQLITE_OK;
}

static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    return want_plan(info, (double)((Vtab *)base)->rows);
}

/* -- walking ------------------------------------------------------------------------------------------- */
static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret) {
    Cursor *c = g_new0(Cursor, 1);
    const Vtab *t = (Vtab *)base;
    trace_walk_init(&c->walk, t->trace, connection_windows(t->connection));
    *ret = &c->base;
    return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    trace_walk_done(&c->walk);
    g_free(c);
    return SQLITE_OK;
}

/* Whether a row of the right pos is wanted. */
static bool row_wanted(const Cursor *c, uint32_t i) {
    const Want *w = &c->want;
    const ChunkRows *r = &c->walk.rows;
    int64_t paddr = (int64_t)r->paddr[i], vaddr = (int64_t)r->vaddr[i];
    if (!(w->ops >> r->op[i] & 1) || paddr < w->paddr[0] || paddr > w->paddr[1])
        return false;
    if (w->has_vaddr && (r->hart[i] == ROW_NO_CPU || r->priv[i] == ROW_NO_VADDR || vaddr < w->vaddr[0] ||
                         vaddr > w->vaddr[1]))
        return false;
    return !w->has_covers || paddr + r->size[i] > w->covers;
}

/* The first wanted row at or past c->at in the chunk. */
static inline bool seek_row(Cursor *c) {
    int64_t step = c->want.down ? -1 : 1;
    for (; c->at >= c->first && c->at < c->end; c->at += step)
        if (c->every || row_wanted(c, (uint32_t)c->at))
            return true;
    return false;
}

/* First row with pos >= `pos`. */
static int64_t lower_row(const ChunkRows *r, int64_t pos) {
    int64_t low = 0, high = r->n;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if ((int64_t)r->pos[middle] < pos)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void begin_chunk(Cursor *c) {
    const Want *w = &c->want;
    const ChunkRows *r = &c->walk.rows;
    c->first = lower_row(r, w->pos[0]);
    c->end = w->pos[1] == INT64_MAX ? r->n : lower_row(r, w->pos[1] + 1);
    c->at = w->down ? c->end - 1 : c->first;
    c->every = !w->has_paddr && !w->has_vaddr && !w->has_covers && !(~w->ops & ((1u << MEM_OP_COUNT) - 1));
}

/* The loader's rows: granules of images. Sets the state when there are no more. */
static bool loader_wanted(const Vtab *t, const Cursor *c, uint64_t *paddr, unsigned *size) {
    const Image *image = &g_array_index(t->images, Image, c->image);
    const Want *w = &c->want;
    uint64_t at = image->paddr + c->offset;
    *paddr = at;
    *size = (unsigned)MIN(LOADER_STEP, image->size - c->offset);
    return (int64_t)at >= w->paddr[0] && (int64_t)at <= w->paddr[1] && !w->has_vaddr &&
           (!w->has_covers || (int64_t)(at + *size) > w->covers);
}

static bool seek_loader(const Vtab *t, Cursor *c) {
    for (; c->image < t->images->len; c->image++, c->offset = 0) {
        const Image *image = &g_array_index(t->images, Image, c->image);
        uint64_t low = (uint64_t)MAX(c->want.paddr[0], 0), paddr;
        unsigned size;
        if (low > image->paddr && low - image->paddr > c->offset) /* to the first granule at or after it */
            c->offset = (low - image->paddr + LOADER_STEP - 1) / LOADER_STEP * LOADER_STEP;
        for (; c->offset < image->size; c->offset += LOADER_STEP) {
            if (loader_wanted(t, c, &paddr, &size))
                return true;
            if ((int64_t)paddr > c->want.paddr[1])
                break;
        }
    }
    return false;
}

/* The first wanted row of the next chunk that has one. */
static bool seek_chunks(Cursor *c, GError **error) {
    for (bool more;;) {
        if (!trace_walk_next(&c->walk, &more, error))
            return false;
        if (!more) {
            c->state = AT_END;
            return true;
        }
        begin_chunk(c);
        if (seek_row(c))
            return true;
    }
}

static bool loader_first(const Vtab *t, const Cursor *c) {
    return t->write && (c->want.ops >> OP_LOADER & 1) && c->want.pos[0] <= -1 && c->want.pos[1] >= -1;
}

/* After the end of one part, the other. */
static bool seek_part(Vtab *t, Cursor *c, GError **error) {
    if (c->state == AT_CHUNKS) {
        if (!seek_chunks(c, error))
            return false;
        if (c->state == AT_CHUNKS || !c->want.down || !loader_first(t, c))
            return true;
        c->state = AT_LOADER;
    }
    if (c->state == AT_LOADER && !seek_loader(t, c)) {
        c->state = c->want.down ? AT_END : AT_CHUNKS;
        return c->state == AT_END || seek_part(t, c, error);
    }
    return true;
}

static int cursor_result(Cursor *c, bool ok, GError **error) {
    return ok ? SQLITE_OK : vtab_error(&c->base.pVtab->zErrMsg, *error);
}

static int vtab_filter(sqlite3_vtab_cursor *base, int down, const char *plan, int argc,
                       sqlite3_value **argv) {
    Cursor *c = (Cursor *)base;
    Vtab *t = (Vtab *)base->pVtab;
    GError *error = NULL;
    want_parse(&c->want, t->write, down, plan, argc, argv);
    c->image = 0;
    c->offset = 0;
    c->state = AT_END;
    if (c->want.none)
        return SQLITE_OK;
    size_t n = want_queries(&c->want, c->queries);
    trace_walk_begin(&c->walk, c->want.pos[0], c->want.pos[1], down, c->queries, n);
    c->state = !down && loader_first(t, c) ? AT_LOADER : AT_CHUNKS;
    return cursor_result(c, seek_part(t, c, &error), &error);
}

static int vtab_next(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    Vtab *t = (Vtab *)base->pVtab;
    GError *error = NULL;
    if (G_LIKELY(c->state == AT_CHUNKS)) {
        c->at += c->want.down ? -1 : 1;
        if (G_LIKELY(seek_row(c)))
            return SQLITE_OK;
        if (!seek_chunks(c, &error))
            return cursor_result(c, false, &error);
        if (c->state == AT_CHUNKS || !c->want.down || !loader_first(t, c))
            return SQLITE_OK;
        c->state = AT_LOADER;
        return cursor_result(c, seek_part(t, c, &error), &error);
    }
    c->offset += LOADER_STEP;
    return cursor_result(c, seek_part(t, c, &error), &error);
}

static int vtab_eof(sqlite3_vtab_cursor *base) {
    return ((Cursor *)base)->state == AT_END;
}

static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret) {
    const Cursor *c = (Cursor *)base;
    /* The same row has the same number in any scan: OR joins several. */
    *ret =
        c->state == AT_LOADER ? -1 - (int64_t)((uint64_t)c->image << 48 | c->offset) : c->walk.row_id + c->at;
    return SQLITE_OK;
}

/* -- columns ------------------------------------------------------------------------------------------- */
static void loader_column(const Vtab *t, const Cursor *c, sqlite3_context *x, int column) {
    uint64_t paddr;
    unsigned size;
    loader_wanted(t, c, &paddr, &size);
    switch (column) {
    case COLUMN_POS: sqlite3_result_int(x, -1); break;
    case COLUMN_SEQ: sqlite3_result_int(x, 0); break;
    case COLUMN_OP: sqlite3_result_text(x, "loader", -1, SQLITE_STATIC); break;
    case COLUMN_PADDR: sqlite3_result_int64(x, (int64_t)paddr); break;
    case COLUMN_SIZE: sqlite3_result_int(x, (int)size); break;
    case COLUMN_IS_WRITE: sqlite3_result_int(x, 1); break;
    default: break;
    }
}

/* Columns that DMA rows have too; false: it is one of the others. */
static bool common_column(const Cursor *c, sqlite3_context *x, int column) {
    const ChunkRows *r = &c->walk.rows;
    switch (column) {
    case COLUMN_POS: sqlite3_result_int64(x, (int64_t)r->pos[c->at]); return true;
    case COLUMN_SEQ: sqlite3_result_int64(x, r->seq[c->at]); return true;
    case COLUMN_OP: sqlite3_result_text(x, mem_op_names[r->op[c->at]], -1, SQLITE_STATIC); return true;
    case COLUMN_PADDR: sqlite3_result_int64(x, (int64_t)r->paddr[c->at]); return true;
    case COLUMN_SIZE: sqlite3_result_int(x, r->size[c->at]); return true;
    case COLUMN_VALUE: sqlite3_result_int64(x, (int64_t)r->value[c->at]); return true;
    case COLUMN_IS_WRITE: sqlite3_result_int(x, MEM_OPS_WRITE >> r->op[c->at] & 1); return true;
    default: return false;
    }
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int column) {
    const Cursor *c = (Cursor *)base;
    const Vtab *t = (Vtab *)base->pVtab;
    const ChunkRows *r = &c->walk.rows;
    const char *name;
    if (column == COLUMN_COVERS) {
        if (c->want.has_covers)
            sqlite3_result_int64(x, c->want.covers);
        return SQLITE_OK;
    }
    if (c->state == AT_LOADER) {
        loader_column(t, c, x, column);
        return SQLITE_OK;
    }
    if (common_column(c, x, column) || r->hart[c->at] == ROW_NO_CPU)
        return SQLITE_OK;
    switch (column) {
    case COLUMN_HART: sqlite3_result_int(x, r->hart[c->at]); break;
    case COLUMN_SATP: sqlite3_result_int64(x, (int64_t)r->satp[c->at]); break;
    case COLUMN_PC: sqlite3_result_int64(x, (int64_t)r->pc[c->at]); break;
    case COLUMN_VADDR:
        if (r->priv[c->at] != ROW_NO_VADDR)
            sqlite3_result_int64(x, (int64_t)r->vaddr[c->at]);
        break;
    case COLUMN_PRIV:
        if (r->priv[c->at] != ROW_NO_VADDR)
            sqlite3_result_text(x, vtab_priv(r->priv[c->at]), 1, SQLITE_STATIC);
        break;
    case COLUMN_SYMBOL:
        name =
            r->priv[c->at] == PRIV_U
                ? connection_program_symbol(t->connection, r->pc[c->at], r->satp[c->at], (Pos)r->pos[c->at])
                : connection_kernel_symbol(t->connection, r->pc[c->at], (Pos)r->pos[c->at]);
        if (name)
            sqlite3_result_text(x, name, -1, SQLITE_TRANSIENT);
        break;
    default: break;
    }
    return SQLITE_OK;
}

const sqlite3_module vtab_memtrace = VTAB_MODULE(memtrace_connect);
const sqlite3_module vtab_write = VTAB_MODULE(write_connect);
