/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heat map: physical memory against pos. Its cells come from the index of memtrace, which tells for every chunk
 * (some hundred thousand accesses) the 64-byte lines touched and the 8-byte granules written of every page; or, without
 * memtrace, from the table dma. Only memory that was touched has rows; a row is so many pages that there are few of them.
 */
#include "analyses/analysis.h"
#include "analyses/store/index.h"
#include "cli/ask.h"
#include "cli/report.h"
#include "core/types.h"

#define COLUMNS 240u
#define ROWS 160u

typedef struct Cell {
    uint64_t page, column; /* the key */
    uint64_t lines, granules, dma;
} Cell;

typedef struct Memory {
    GHashTable *cells; /* Cell → itself */
    int64_t end;
    uint64_t column, last_column; /* of the positions at hand */
    bool bad;
} Memory;

static guint cell_hash(gconstpointer v) {
    const Cell *c = v;
    return (guint)(c->page * COLUMNS + c->column);
}

static gboolean cell_equal(gconstpointer a, gconstpointer b) {
    const Cell *p = a, *q = b;
    return p->page == q->page && p->column == q->column;
}

static Cell *cell_at(Memory *m, uint64_t page, uint64_t column) {
    Cell key = {.page = page, .column = column};
    Cell *c = g_hash_table_lookup(m->cells, &key);
    if (!c) {
        c = g_memdup2(&key, sizeof key);
        g_hash_table_add(m->cells, c);
    }
    return c;
}

static uint64_t column_of(const Memory *m, int64_t pos) {
    return (uint64_t)CLAMP((double)pos * COLUMNS / (double)(m->end + 1), 0, COLUMNS - 1);
}

/* When within the chunk is not known. */
static void add_touch(void *opaque, uint64_t ppage, bool dma, uint64_t lines, unsigned granules) {
    Memory *m = opaque;
    for (uint64_t column = m->column; column <= m->last_column; column++) {
        Cell *c = cell_at(m, ppage, column);
        *(dma ? &c->dma : &c->lines) += (uint64_t)__builtin_popcountll(lines);
        c->granules += dma ? 0 : granules;
    }
}

/* first_pos, last_pos, touched */
static void add_chunk(void *opaque, const QueryValue *v) {
    Memory *m = opaque;
    m->column = column_of(m, v[0].integer);
    m->last_column = column_of(m, v[1].integer);
    if (v[2].type != QUERY_BLOB || !index_touched_each(v[2].bytes, v[2].size, add_touch, m))
        m->bad = true;
}

/* pos, paddr, size */
static void add_dma(void *opaque, const QueryValue *v) {
    Memory *m = opaque;
    uint64_t from = (uint64_t)v[1].integer, to = from + (uint64_t)CLAMP(v[2].integer, 1, 1 << 24) - 1;
    m->column = column_of(m, v[0].integer);
    for (uint64_t page = from / PAGE_SIZE; page <= to / PAGE_SIZE; page++)
        cell_at(m, page, m->column)->dma +=
            (MIN(to, page * PAGE_SIZE + PAGE_SIZE - 1) - MAX(from, page * PAGE_SIZE)) / 64 + 1;
}

static gint by_page(gconstpointer a, gconstpointer b) {
    const Cell *p = *(Cell *const *)a, *q = *(Cell *const *)b;
    if (p->page != q->page)
        return p->page < q->page ? -1 : 1;
    return p->column < q->column ? -1 : p->column > q->column;
}

/* The smallest power of two pages a row that gives at most ROWS rows. */
static unsigned choose_shift(const GPtrArray *cells) {
    for (unsigned shift = 0;; shift++) {
        uint64_t rows = 0, last = UINT64_MAX;
        for (guint i = 0; i < cells->len; i++) {
            uint64_t row = ((const Cell *)cells->pdata[i])->page >> shift;
            rows += row != last;
            last = row;
        }
        if (rows <= ROWS)
            return shift;
    }
}

/* A row: [address, [column, lines, granules, dma], …], the cells of its pages summed up. */
static void put_row(FILE *to, const GPtrArray *cells, guint from, guint end, unsigned shift) {
    uint64_t sum[COLUMNS][3] = {{0}};
    for (guint i = from; i < end; i++) {
        const Cell *c = cells->pdata[i];
        sum[c->column][0] += c->lines;
        sum[c->column][1] += c->granules;
        sum[c->column][2] += c->dma;
    }
    const Cell *first = cells->pdata[from];
    fprintf(to, "%s[%" G_GUINT64_FORMAT, from ? "," : "", first->page >> shift << shift << PAGE_BITS);
    for (unsigned i = 0; i < COLUMNS; i++)
        if (sum[i][0] | sum[i][2])
            fprintf(to, ",[%u,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]", i,
                    sum[i][0], sum[i][1], sum[i][2]);
    putc(']', to);
}

static void put_memory(Report *r, const GPtrArray *cells) {
    unsigned shift = choose_shift(cells);
    fprintf(r->to, ",\n\"memory\":{\"columns\":%u,\"bytes\":%" G_GUINT64_FORMAT ",\"rows\":[", COLUMNS,
            (uint64_t)PAGE_SIZE << shift);
    for (guint i = 0, end; i < cells->len; i = end) {
        uint64_t row = ((const Cell *)cells->pdata[i])->page >> shift;
        for (end = i; end < cells->len && ((const Cell *)cells->pdata[end])->page >> shift == row; end++)
            ;
        put_row(r->to, cells, i, end, shift);
    }
    fputs("]}", r->to);
}

bool report_memory(Report *r, GError **error) {
    Memory m = {g_hash_table_new_full(cell_hash, cell_equal, g_free, NULL), r->end, 0, 0, false};
    bool ok =
        ask_has(r->db, "memtrace_chunk")
            ? ask_rows(r->db, "SELECT first_pos, last_pos, touched FROM memtrace_chunk", add_chunk, &m, error)
            : ask_rows(r->db, "SELECT pos, paddr, size FROM dma", add_dma, &m, error);
    if (ok && m.bad) {
        g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE,
                    "memtrace_chunk: a list of pages is damaged; run memtrace again");
        ok = false;
    }
    GPtrArray *cells = g_ptr_array_new();
    GHashTableIter it;
    g_hash_table_iter_init(&it, m.cells);
    for (gpointer c; g_hash_table_iter_next(&it, &c, NULL);)
        g_ptr_array_add(cells, c);
    g_ptr_array_sort(cells, by_page);
    if (ok && cells->len)
        put_memory(r, cells);
    g_ptr_array_unref(cells);
    g_hash_table_unref(m.cells);
    return ok;
}
