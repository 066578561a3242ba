/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual table insn: a row an instruction that retired, out of the runs of blocks (runs.h). Constraints
 * on pos and pc reach the index; rows come in order of pos, either way round. pos is the rowid: a step is of
 * one hart.
 */
#include <string.h>

#include "analyses/store/functions.h"
#include "analyses/store/trace_table.h"
#include "analyses/store/vtab.h"

enum { COLUMN_POS, COLUMN_HART, COLUMN_PC, COLUMN_BYTES, COLUMN_DISAS, COLUMN_PRIV, COLUMN_SYMBOL };

static const char declaration[] = "CREATE TABLE x(pos INTEGER, hart INTEGER, pc INTEGER, bytes INTEGER, "
                                  "disas TEXT, priv TEXT, symbol TEXT)";

typedef struct Vtab {
    sqlite3_vtab base;
    Connection *connection;
    TraceTable *trace;
    int64_t rows;
} Vtab;

/* Instructions of a block or a run. */
typedef struct Span {
    uint16_t first, end;
} Span;

typedef struct Cursor {
    sqlite3_vtab_cursor base;
    int64_t pos[2], pc[2], hart[2]; /* wanted; inclusive */
    bool down, has_pc, at_end;
    IndexQuery query;         /* if has_pc */
    int64_t low, high, chunk; /* chunk ids; the one in `runs`, -1: none */
    Runs runs;
    Span *wanted; /* by block of `runs`, if has_pc */
    size_t wanted_room;
    int64_t run; /* the present one */
    Span span;   /* of it, what is wanted */
    int insn;    /* the present one: number in the block */
} Cursor;

/* -- tables -------------------------------------------------------------------------------------------- */
static int vtab_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                        char **message) {
    TraceTable *trace;
    if (!trace_table_new(db, argv[1], argc > 3 ? argv[3] : "insn", &trace, NULL)) {
        *message = sqlite3_mprintf("no such table: %s", argv[2]);
        return SQLITE_ERROR;
    }
    int result = sqlite3_declare_vtab(db, declaration);
    if (result != SQLITE_OK) {
        trace_table_free(trace);
        return result;
    }
    sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
    Vtab *t = g_new0(Vtab, 1);
    t->connection = connection_ref(aux);
    t->trace = trace;
    t->rows = trace_table_rows(trace);
    *ret = &t->base;
    return SQLITE_OK;
}

static int vtab_disconnect(sqlite3_vtab *base) {
    Vtab *t = (Vtab *)base;
    trace_table_free(t->trace);
    connection_unref(t->connection);
    g_free(t);
    return SQLITE_OK;
}

/* The letters: p pos, c pc, h hart. */
static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    VtabPlan plan;
    vtab_plan_begin(&plan, info, (double)((Vtab *)base)->rows);
    for (int i = 0; i < info->nConstraint; i++) {
        int of = info->aConstraint[i].iColumn;
        char column = of == COLUMN_POS || of == -1 ? 'p'
                      : of == COLUMN_PC            ? 'c'
                      : of == COLUMN_HART          ? 'h'
                                                   : 0;
        char compare = vtab_compare(info->aConstraint[i].op);
        if (!column || !compare || !info->aConstraint[i].usable)
            continue;
        double selectivity = column == 'h'   ? 2
                             : column == 'p' ? (compare == '=' ? 1e9 : 4)
                                             : (compare == '=' ? 1e4 : 10);
        vtab_plan_use(&plan, i, column, compare, vtab_exact(info, i), selectivity);
    }
    vtab_plan_end(&plan, COLUMN_POS, -2);
    return SQLITE_OK;
}

/* -- walking ------------------------------------------------------------------------------------------- */
static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret) {
    Cursor *c = g_new0(Cursor, 1);
    c->chunk = -1;
    *ret = &c->base;
    return SQLITE_OK;
}

static int vtab_close(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    runs_done(&c->runs);
    g_free(c->wanted);
    g_free(c);
    return SQLITE_OK;
}

/* Which instructions of each block have a wanted pc. */
static void find_wanted(Cursor *c) {
    if (c->wanted_room < c->runs.n_blocks) {
        c->wanted_room = c->runs.n_blocks;
        c->wanted = g_renew(Span, c->wanted, c->wanted_room);
    }
    for (uint32_t k = 0; k < c->runs.n_blocks; k++) {
        const RunBlock *b = &c->runs.blocks[k];
        Span s = {0, b->n_insns};
        while (s.first < s.end && (int64_t)(b->pc + c->runs.offset[b->at + s.first]) < c->pc[0])
            s.first++;
        while (s.end > s.first && (int64_t)(b->pc + c->runs.offset[b->at + s.end - 1]) > c->pc[1])
            s.end--;
        c->wanted[k] = s;
    }
}

/* First run that ends after pos. */
static int64_t find_run(const Runs *r, int64_t pos) {
    int64_t low = 0, high = r->n;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if ((int64_t)r->run[middle].pos + r->run[middle].n <= pos)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool load_chunk(Vtab *t, Cursor *c, int64_t id, GError **error) {
    if (c->chunk != id) {
        c->chunk = -1;
        if (!trace_table_runs(t->trace, id, &c->runs, error))
            return false;
        c->chunk = id;
    }
    if (c->has_pc)
        find_wanted(c);
    if (c->down)
        c->run = MIN(find_run(&c->runs, c->pos[1]), (int64_t)c->runs.n - 1);
    else
        c->run = find_run(&c->runs, c->pos[0]);
    return true;
}

/* What is wanted of the run. */
static inline Span run_span(const Cursor *c, const Run *run) {
    Span s = {run->first, (uint16_t)(run->first + run->n)};
    int64_t pos = (int64_t)run->pos;
    if (G_UNLIKELY(pos < c->pos[0]))
        s.first += (uint16_t)MIN(c->pos[0] - pos, run->n);
    if (G_UNLIKELY(pos + run->n - 1 > c->pos[1]))
        s.end = pos > c->pos[1] ? run->first : (uint16_t)(run->first + (c->pos[1] - pos + 1));
    if (c->has_pc) {
        s.first = MAX(s.first, c->wanted[run->block].first);
        s.end = MIN(s.end, c->wanted[run->block].end);
    }
    if (run->hart < c->hart[0] || run->hart > c->hart[1])
        s.end = s.first;
    return s;
}

/* The first run at or past the present one with something wanted, and there the first instruction. */
static bool seek_run(Cursor *c) {
    for (; c->run >= 0 && c->run < c->runs.n; c->run += c->down ? -1 : 1) {
        c->span = run_span(c, &c->runs.run[c->run]);
        c->insn = c->down ? c->span.end - 1 : c->span.first;
        if (c->span.first < c->span.end)
            return true;
    }
    return false;
}

/* From chunk `from` on. */
static bool seek_chunk(Vtab *t, Cursor *c, int64_t from, GError **error) {
    while (from >= c->low && from < c->high) {
        int64_t id;
        if (!trace_table_next(t->trace, from, c->low, c->high, c->down, &c->query, c->has_pc, &id, error))
            return false;
        if (id < 0)
            break;
        if (!load_chunk(t, c, id, error))
            return false;
        if (seek_run(c))
            return true;
        from = c->down ? id - 1 : id + 1;
    }
    c->at_end = true;
    return true;
}

static int vtab_filter(sqlite3_vtab_cursor *base, int down, const char *plan, int argc,
                       sqlite3_value **argv) {
    Cursor *c = (Cursor *)base;
    Vtab *t = (Vtab *)base->pVtab;
    GError *error = NULL;
    c->down = down;
    c->has_pc = c->at_end = false;
    int64_t *const ranges[] = {c->pos, c->pc, c->hart};
    for (unsigned i = 0; i < G_N_ELEMENTS(ranges); i++) {
        ranges[i][0] = INT64_MIN;
        ranges[i][1] = INT64_MAX;
    }
    for (int i = 0; i < argc; i++) {
        char column = plan[2 * i];
        c->has_pc |= column == 'c';
        if (!vtab_narrow(column == 'p' ? c->pos : column == 'c' ? c->pc : c->hart, plan[2 * i + 1], argv[i]))
            c->at_end = true;
    }
    if (c->at_end)
        return SQLITE_OK;
    c->query = (IndexQuery){INDEX_VIRTUAL, c->pc[0], c->pc[1], true};
    trace_table_refresh(t->trace);
    trace_table_range(t->trace, c->pos[0], c->pos[1], &c->low, &c->high);
    return seek_chunk(t, c, down ? c->high - 1 : c->low, &error) ? SQLITE_OK
                                                                 : vtab_error(&base->pVtab->zErrMsg, error);
}

static int vtab_next(sqlite3_vtab_cursor *base) {
    Cursor *c = (Cursor *)base;
    GError *error = NULL;
    c->insn += c->down ? -1 : 1;
    if (G_LIKELY(c->insn >= c->span.first && c->insn < c->span.end))
        return SQLITE_OK;
    c->run += c->down ? -1 : 1;
    if (G_LIKELY(seek_run(c)))
        return SQLITE_OK;
    if (!seek_chunk((Vtab *)base->pVtab, c, c->down ? c->chunk - 1 : c->chunk + 1, &error))
        return vtab_error(&base->pVtab->zErrMsg, error);
    return SQLITE_OK;
}

static int vtab_eof(sqlite3_vtab_cursor *base) {
    return ((Cursor *)base)->at_end;
}

static int64_t row_pos(const Cursor *c) {
    const Run *run = &c->runs.run[c->run];
    return (int64_t)run->pos + c->insn - run->first;
}

static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret) {
    *ret = row_pos((Cursor *)base);
    return SQLITE_OK;
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int column) {
    const Cursor *c = (Cursor *)base;
    Connection *connection = ((Vtab *)base->pVtab)->connection;
    const Run *run = &c->runs.run[c->run];
    const RunBlock *b = &c->runs.blocks[run->block];
    uint32_t at = b->at + (uint32_t)c->insn, raw = c->runs.raw[at];
    Gva pc = b->pc + c->runs.offset[at];
    const char *name;
    switch (column) {
    case COLUMN_POS: sqlite3_result_int64(x, row_pos(c)); break;
    case COLUMN_HART: sqlite3_result_int(x, run->hart); break;
    case COLUMN_PC: sqlite3_result_int64(x, (int64_t)pc); break;
    case COLUMN_BYTES: sqlite3_result_int64(x, raw); break;
    case COLUMN_DISAS: sqlite3_result_text(x, connection_disassemble(connection, pc, raw), -1, g_free); break;
    case COLUMN_PRIV: sqlite3_result_text(x, vtab_priv(b->priv), 1, SQLITE_STATIC); break;
    case COLUMN_SYMBOL:
        name = b->priv == PRIV_U ? connection_program_symbol_on(connection, pc, run->hart, (Pos)row_pos(c))
                                 : connection_kernel_symbol(connection, pc, (Pos)row_pos(c));
        if (name)
            sqlite3_result_text(x, name, -1, SQLITE_TRANSIENT);
        break;
    default: break;
    }
    return SQLITE_OK;
}

const sqlite3_module vtab_insn = VTAB_MODULE(vtab_connect);
