/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * regs: register values, either whenever one changes, or all of them before every N-th step or before the instructions at
 * an address.
 *
 * Changes: an integer or FP register changes only by an instruction that names it as its destination, so each
 * instruction's is compared when the next one begins. CSRs also change by traps; they are compared after those and after
 * instructions that may write one.
 */
#include <string.h>

#include "analyses/recorders/filter.h"
#include "analyses/recorders/named.h"
#include "analyses/registers.h"
#include "analyses/store/flow.h"
#include "analyses/store/reg_chunk.h"
#include "analyses/recorders/trace_store.h"
#include "core/hart.h"
#include "schema/seq.h"

#define CHUNK_ROWS (REG_CHUNK_ROWS - MACHINE_MAX_HARTS * REG_MAX)
#define NOT_WANTED UINT8_MAX

/* What the instruction may change. */
typedef struct Target {
    uint8_t x, f; /* numbers in Regs.regs, NOT_WANTED: none */
    bool csrs;
} Target;

typedef struct Site {
    struct Regs *regs;
    Target target;
} Site;

typedef struct Regs {
    Recorder *run;
    Reg regs[REG_MAX];
    unsigned n;
    uint8_t x[32], f[32]; /* number in regs */
    Pos first, last;
    Gva low, high;
    Named *named;   /* further functions that begin there; or NULL */
    uint64_t every; /* 0: not asked for */
    bool at_code, as_rows;
    /* changes */
    uint64_t *known;     /* by hart and number in regs */
    const Hart *pending; /* whose instruction at `pos` has not been compared yet; NULL: none */
    Pos pos;
    Target target;

    RowQueue *queue;
    /* on its thread */
    RegEncoder *encoder;
    StoreStmt *insert;
    RegRow former; /* of the rows of a step */
    uint32_t seq, seq_next;
    int64_t rows;
    uint64_t chunks;
} Regs;

/* -- which registers ----------------------------------------------------------------------------------- */
static void add_register(Regs *g, Reg reg) {
    for (unsigned i = 0; i < g->n; i++)
        if (g->regs[i].kind == reg.kind && g->regs[i].number == reg.number)
            return;
    g_assert(g->n < REG_MAX);
    if (reg.kind == REG_X)
        g->x[reg.number] = (uint8_t)g->n;
    else if (reg.kind == REG_F)
        g->f[reg.number] = (uint8_t)g->n;
    g->regs[g->n++] = reg;
}

/* "x+f+mstatus+…": x and f stand for all of them; x0 does not change. */
static bool choose_registers(Regs *g, bool changes, GError **error) {
    g_auto(GStrv) words = g_strsplit(recorder_setting(g->run, "regs"), "+", -1);
    memset(g->x, NOT_WANTED, sizeof g->x);
    memset(g->f, NOT_WANTED, sizeof g->f);
    for (char **word = words; *word; word++) {
        Reg reg;
        bool x = !strcmp(*word, "x"), f = !strcmp(*word, "f");
        for (unsigned i = x ? 1 : 0; (x || f) && i < 32; i++)
            add_register(g, x ? (Reg){hart_x_name(i), REG_X, (uint16_t)i}
                              : (Reg){hart_f_name(i), REG_F, (uint16_t)i});
        if (x || f)
            continue;
        if (!register_find(*word, &reg) || (changes && reg.kind >= REG_PC) || g->n > REG_MAX - 64) {
            return recorder_refuse(
                g->run, error, "regs: '%s': expected x, f or the names of registers%s, with + between them",
                *word, changes ? " or CSRs" : " or CSRs, pc, priv");
        }
        add_register(g, reg);
    }
    return true;
}

/* 0 for a CSR that the hart does not have. */
static uint64_t read_register(const Hart *h, const Reg *reg) {
    uint64_t v = 0;
    register_read(h, reg, &v);
    return v;
}

static void push(Regs *g, int64_t pos, const Hart *h, unsigned reg, uint64_t value) {
    RegRow row = {pos, value, (uint8_t)reg, (uint8_t)h->id};
    if (pos < 0 || ((Pos)pos >= g->first && (Pos)pos <= g->last))
        row_queue_push(g->queue, &row);
}

static void push_all(Regs *g, Pos pos, const Hart *h) {
    for (unsigned i = 0; i < g->n; i++)
        push(g, (int64_t)pos, h, i, read_register(h, &g->regs[i]));
}

/* -- changes ------------------------------------------------------------------------------------------- */
static void compare(Regs *g, Pos pos, const Hart *h, unsigned reg) {
    uint64_t *known = &g->known[h->id * REG_MAX + reg], value = read_register(h, &g->regs[reg]);
    if (*known != value)
        push(g, (int64_t)pos, h, reg, value);
    *known = value;
}

static void compare_csrs(Regs *g, Pos pos, const Hart *h) {
    for (unsigned i = 0; i < g->n; i++)
        if (g->regs[i].kind == REG_CSR)
            compare(g, pos, h, i);
}

static inline void compare_pending(Regs *g) {
    const Hart *h = g->pending;
    if (!h)
        return;
    if (g->target.x != NOT_WANTED)
        compare(g, g->pos, h, g->target.x);
    if (g->target.f != NOT_WANTED)
        compare(g, g->pos, h, g->target.f);
    if (g->target.csrs)
        compare_csrs(g, g->pos, h);
    g->pending = NULL;
}

static void on_insn(void *data, const Hart *h) {
    const Site *site = data;
    Regs *g = site->regs;
    compare_pending(g);
    g->pending = h;
    g->pos = hart_pos(h);
    g->target = site->target;
}

static void on_trap(void *opaque, const TrapEvent *ev) {
    Regs *g = ((Recorder *)opaque)->state;
    if (g->pending && g->pos == ev->pos)
        g->pending = NULL; /* it did not retire */
    compare_pending(g);
    compare_csrs(g, ev->pos, ev->hart);
}

static void on_end(void *opaque, Pos pos) {
    compare_pending(((Recorder *)opaque)->state);
}

/* The FP register that it may write, by the major opcode: unprivileged spec, table of base opcodes. */
static int fp_target(const ProbeInsn *insn) {
    unsigned rd = insn->raw >> 7 & 31;
    if (insn->len == 4)
        switch (insn->raw & 0x7f) {
        case 0x07:
        case 0x43:
        case 0x47:
        case 0x4b:
        case 0x4f:
        case 0x53: return (int)rd;
        default: return -1;
        }
    if ((insn->raw & 0xe003) == 0x2000) /* c.fld */
        return (int)(8 + (insn->raw >> 2 & 7));
    return (insn->raw & 0xe003) == 0x2002 ? (int)rd : -1; /* c.fldsp */
}

static Target insn_target(const Regs *g, const ProbeInsn *insn) {
    Target t = {g->x[flow_decode(insn->raw, insn->len).rd], NOT_WANTED, false};
    int f = fp_target(insn);
    if (f >= 0) {
        t.f = g->f[f];
        t.x = g->x[insn->raw >> 7 & 31]; /* comparisons, moves and conversions */
    }
    t.csrs = f >= 0 || (insn->len == 4 && (insn->raw & 0x7f) == 0x73);
    return t;
}

static void on_translate(void *opaque, ProbeBlock *b) {
    Regs *g = ((Recorder *)opaque)->state;
    if (probe_block_is_again(b))
        return;
    for (unsigned i = 0; i < probe_block_n_insns(b); i++) {
        Site *site = probe_block_alloc(b, sizeof *site);
        *site = (Site){g, insn_target(g, probe_block_insn(b, i))};
        probe_add_call(b, i, on_insn, site, true);
    }
}

static const HookOps change_hooks = {.translate = on_translate, .trap = on_trap, .end = on_end};

/* -- at an address ------------------------------------------------------------------------------------- */
static void on_code(void *data, const Hart *h) {
    push_all(data, hart_pos(h), h);
}

typedef struct Begin {
    Regs *regs;
    Gva pc;
} Begin;

/* The same code may serve several programs. */
static void on_begin(void *data, const Hart *h) {
    const Begin *at = data;
    if (named_begins(at->regs->named, h, at->pc))
        push_all(at->regs, hart_pos(h), h);
}

static void add_begin(Regs *g, ProbeBlock *b, unsigned i, Gva pc) {
    Begin *at = probe_block_alloc(b, sizeof *at);
    *at = (Begin){g, pc};
    probe_add_call(b, i, on_begin, at, true);
}

static void on_translate_code(void *opaque, ProbeBlock *b) {
    Regs *g = ((Recorder *)opaque)->state;
    for (unsigned i = 0; i < probe_block_n_insns(b) && !probe_block_is_again(b); i++) {
        Gva pc = probe_block_insn(b, i)->pc;
        if (pc >= g->low && pc <= g->high)
            probe_add_call(b, i, on_code, g, true);
        else if (g->named && named_may_begin(g->named, pc))
            add_begin(g, b, i, pc);
    }
}

static const HookOps code_hooks = {.translate = on_translate_code};

/* -- every N steps ------------------------------------------------------------------------------------- */
static Pos next_position(const Recorder *run, Pos at) {
    const Regs *g = run->state;
    Pos from = MAX(at, g->first);
    if (!g->every || from > POS_NONE - g->every)
        return POS_NONE;
    return (from + g->every - 1) / g->every * g->every;
}

static void reached(Recorder *run, Pos pos) {
    Regs *g = run->state;
    for (unsigned i = 0; g->every && pos % g->every == 0 && i < run->machine->n_harts; i++)
        push_all(g, pos, run->machine->harts[i]);
}

/* -- rows, on the queue's thread ----------------------------------------------------------------------- */
static bool store_chunk(Regs *g, GError **error) {
    Bytes blob;
    int64_t first, last;
    uint64_t rows = reg_encoder_rows(g->encoder);
    if (!rows)
        return true;
    reg_encoder_end(g->encoder, &blob, &first, &last);
    return store_run(g->insert, error, "uiiub", g->chunks++, first, last, rows, blob.data, bytes_size(&blob));
}

static bool add_row(void *opaque, const void *item, GError **error) {
    Regs *g = opaque;
    const RegRow *row = item;
    bool new_step = g->rows == 0 || row->pos != g->former.pos;
    g->seq_next = new_step ? g->seq : g->seq_next + 1;
    g->former = *row;
    g->rows++;
    if (g->as_rows)
        return store_run(g->insert, error, "iiisu", row->pos, (int64_t)g->seq_next, (int64_t)row->hart,
                         g->regs[row->reg].name, row->value);
    if (new_step && reg_encoder_rows(g->encoder) >= CHUNK_ROWS && !store_chunk(g, error))
        return false;
    reg_encoder_add(g->encoder, row);
    return true;
}

/* -- the analysis -------------------------------------------------------------------------------------- */
static bool make_tables(Regs *g, GError **error) {
    Recorder *run = g->run;
    g_autofree char *sql = g_strdup_printf(g->as_rows ? "INSERT INTO \"%s\" VALUES (?, ?, ?, ?, ?)"
                                                      : "INSERT INTO \"%s_chunk\" VALUES (?, ?, ?, ?, ?)",
                                           run->name);
    return store_drop(run->store, run->name, error) &&
           store_exec_section(run->store, "trace drop", run->name, error) &&
           store_exec_section(run->store, g->as_rows ? "regs rows" : "regs chunks", run->name, error) &&
           store_prepare(run->store, sql, &g->insert, error);
}

static bool read_options(Regs *g, GError **error) {
    Recorder *run = g->run;
    bool pc = *recorder_setting(run, "pc") || *recorder_setting(run, "symbol");
    g->as_rows = !strcmp(recorder_setting(run, "storage"), "rows");
    g->last = g->high = UINT64_MAX;
    if (*recorder_setting(run, "symbol"))
        g->named = named_new(run, recorder_setting(run, "symbol"));
    if (!filter_positions(run, &g->first, &g->last, error) ||
        !filter_addresses(run, g->named != NULL, &g->low, &g->high, error) ||
        !filter_number(run, "every", 1, UINT64_MAX, &g->every, error))
        return false;
    if (g->every && pc) {
        return recorder_refuse(run, error,
                               "expected either every or an address; give the second one its own as=NAME");
    }
    if (*recorder_setting(run, "symbol") && g->low <= g->high)
        g->high = g->low; /* where it begins */
    g->at_code = pc;
    return choose_registers(g, !pc && !g->every, error);
}

/* What the registers are at first: a change before the first step. */
static void begin_changes(Regs *g) {
    Machine *m = g->run->machine;
    g->known = g_new0(uint64_t, (size_t)m->n_harts * REG_MAX);
    for (unsigned i = 0; i < m->n_harts; i++)
        for (unsigned k = 0; k < g->n; k++) {
            uint64_t value = read_register(m->harts[i], &g->regs[k]);
            g->known[i * REG_MAX + k] = value;
            push(g, (int64_t)machine_pos(m) - 1, m->harts[i], k, value);
        }
}

static bool regs_begin(Recorder *run, GError **error) {
    Regs *g = run->state;
    const char *names[REG_MAX];
    g->run = run;
    if (!read_options(g, error) || !make_tables(g, error))
        return false;
    bool changes = !g->at_code && !g->every;
    g->seq = changes ? SEQ_REGS : SEQ_STATE;
    for (unsigned i = 0; i < g->n; i++)
        names[i] = g->regs[i].name;
    g->encoder = reg_encoder_new(names, g->n, g->seq);
    g->queue = row_queue_new(sizeof(RegRow), add_row, g);
    if (changes)
        begin_changes(g);
    if (!g->every)
        recorder_subscribe(run, changes ? &change_hooks : &code_hooks);
    return true;
}

static bool regs_end(Recorder *run, int64_t *rows, GError **error) {
    Regs *g = run->state;
    compare_pending(g);
    if (!row_queue_finish(g_steal_pointer(&g->queue), error) || (!g->as_rows && !store_chunk(g, error)))
        return false;
    *rows = g->rows;
    if (g->named)
        named_tell(g->named, g->low > g->high);
    const char *section = g->as_rows ? "regs rows finish" : "regs instance";
    if ((g->as_rows || !run->is_default) && !store_exec_section(run->store, section, run->name, error))
        return false;
    return store_exec_section(run->store, "regs view", run->name, error);
}

static void regs_free(Recorder *run) {
    Regs *g = run->state;
    row_queue_finish(g_steal_pointer(&g->queue), NULL);
    store_stmt_free(g->insert);
    reg_encoder_free(g->encoder);
    named_free(g->named);
    g_free(g->known);
}

static const RecorderSetting settings[] = {
    {"regs", "LIST", "x"}, {"every", "N", ""}, {"storage", "chunks|rows", "chunks"}, FILTER_SETTINGS, {NULL}};
static const char *const tables[] = {"$", "$_v", "$_chunk", "$_code", "$_index", NULL};

const RecorderClass registers_recorder = {
    .settings = settings,
    .tables = tables,
    .state_size = sizeof(Regs),
    .begin = regs_begin,
    .end = regs_end,
    .free = regs_free,
    .next_position = next_position,
    .reached = reached,
};
