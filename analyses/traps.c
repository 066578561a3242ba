/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap: exceptions and interrupts, and when they returned. A return belongs to the latest trap into its
 * privilege that left the same address space and stack pointer and whose epc is where it goes (for system
 * calls, behind it): so traps that are suspended by a task switch find their return, on whichever hart. One
 * that never returns there (exec, exit, a signal handler) has no return_pos.
 */
#include "analyses/run.h"

#include "schema/seq.h"

#define SUSPENDED_MAX 65536u /* remembered for their return */

typedef struct TrapRow {
    TrapEvent ev; /* hart is not valid later */
    Pos return_pos;
    Nsec time;
    uint32_t hart, task; /* task 0: not known */
    uint64_t satp;
} TrapRow;

typedef struct Suspended {
    TrapRow row;
    uint64_t sp;
} Suspended;

typedef struct Traps {
    AnalysisRun *run;
    StoreStmt *insert;
    RowQueue *queue;
    Tasks *tasks;
    GArray *suspended; /* of Suspended, oldest first */
    int64_t rows;
} Traps;

/* Privileged spec, table "mcause values". */
static const char *const exception_names[] = {
    "instruction address misaligned",
    "instruction access fault",
    "illegal instruction",
    "breakpoint",
    "load address misaligned",
    "load access fault",
    "store address misaligned",
    "store access fault",
    "ecall from U",
    "ecall from S",
    "ecall from VS",
    "ecall from M",
    "instruction page fault",
    "load page fault",
    NULL,
    "store page fault",
};
static const char *const interrupt_names[] = {
    NULL, "S software interrupt",       NULL, "M software interrupt", NULL, "S timer interrupt",
    NULL, "M timer interrupt",          NULL, "S external interrupt", NULL, "M external interrupt",
    NULL, "counter overflow interrupt",
};

static const char *trap_name(bool is_interrupt, uint64_t cause) {
    if (is_interrupt)
        return cause < G_N_ELEMENTS(interrupt_names) ? interrupt_names[cause] : NULL;
    return cause < G_N_ELEMENTS(exception_names) ? exception_names[cause] : NULL;
}

static const char *priv_name(unsigned priv) {
    return priv == PRIV_U ? "U" : priv == PRIV_S ? "S" : "M";
}

static bool insert_row(void *opaque, const void *item, GError **error) {
    Traps *t = opaque;
    const TrapRow *r = item;
    char types[] = "uiuiiusuussuiuu";
    if (r->return_pos == POS_NONE)
        types[11] = 'n';
    if (r->ev.from_priv != PRIV_U) /* its symbol is no program's */
        types[14] = 'n';
    const StoreValue values[] = {{.integer = (int64_t)r->ev.pos},
                                 {.integer = SEQ_TRAP},
                                 {.integer = (int64_t)r->time},
                                 {.integer = r->hart},
                                 {.integer = r->ev.is_interrupt},
                                 {.integer = (int64_t)r->ev.cause},
                                 {.bytes = trap_name(r->ev.is_interrupt, r->ev.cause)},
                                 {.integer = (int64_t)r->ev.epc},
                                 {.integer = (int64_t)r->ev.tval},
                                 {.bytes = priv_name(r->ev.from_priv)},
                                 {.bytes = priv_name(r->ev.to_priv)},
                                 {.integer = (int64_t)r->return_pos},
                                 {.integer = r->task},
                                 {.integer = (int64_t)r->ev.epc},
                                 {.integer = (int64_t)r->satp}};
    t->rows++;
    return store_run_values(t->insert, types, values, error);
}

/* Half of them at once: a trap storm must not move the rest for each. */
static void give_up_oldest(Traps *t) {
    for (guint i = 0; i < SUSPENDED_MAX / 2; i++)
        row_queue_push(t->queue, &g_array_index(t->suspended, Suspended, i).row);
    g_array_remove_range(t->suspended, 0, SUSPENDED_MAX / 2);
}

static void on_trap(void *opaque, const TrapEvent *ev) {
    Traps *t = ((AnalysisRun *)opaque)->state;
    Suspended s = {{*ev, POS_NONE, machine_time_at(t->run->machine, ev->pos), ev->hart->id,
                    tasks_current_id(t->tasks, ev->hart), ev->hart->satp},
                   ev->hart->x[2]};
    s.row.ev.hart = NULL;
    if (t->suspended->len == SUSPENDED_MAX)
        give_up_oldest(t);
    g_array_append_val(t->suspended, s);
}

static bool returns_from(const Suspended *s, const Hart *hart, uint8_t from_priv) {
    uint64_t skipped = hart->pc - s->row.ev.epc;
    bool skips = !s->row.ev.is_interrupt && (skipped == 2 || skipped == 4);
    return s->row.ev.to_priv == from_priv && s->row.satp == hart->satp && s->sp == hart->x[2] &&
           (skipped == 0 || skips);
}

static void on_trap_return(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv) {
    Traps *t = ((AnalysisRun *)opaque)->state;
    for (guint i = t->suspended->len; i-- > 0;) {
        Suspended *s = &g_array_index(t->suspended, Suspended, i);
        if (!returns_from(s, hart, from_priv))
            continue;
        s->row.return_pos = pos + 1;
        row_queue_push(t->queue, &s->row);
        g_array_remove_index(t->suspended, i);
        return;
    }
}

static const HookOps trap_hooks = {.trap = on_trap, .trap_return = on_trap_return};

static bool trap_begin(AnalysisRun *run, GError **error) {
    Traps *t = run->state;
    g_autofree char *sql = g_strdup_printf(
        "INSERT INTO \"%s\" VALUES (?1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), symbol_at(?, ?, ?1))",
        run->name);
    t->run = run;
    t->suspended = g_array_new(FALSE, FALSE, sizeof(Suspended));
    if (!store_exec_section(run->store, "trap", run->name, error) ||
        !store_prepare(run->store, sql, &t->insert, error))
        return false;
    t->queue = row_queue_new(sizeof(TrapRow), insert_row, t);
    t->tasks = analysis_set_tasks(run->set);
    analysis_run_subscribe(run, &trap_hooks);
    return true;
}

static bool trap_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Traps *t = run->state;
    for (guint i = 0; i < t->suspended->len; i++)
        row_queue_push(t->queue, &g_array_index(t->suspended, Suspended, i).row);
    bool ok = row_queue_finish(t->queue, error);
    t->queue = NULL;
    *rows = t->rows;
    return ok;
}

static void trap_free(AnalysisRun *run) {
    Traps *t = run->state;
    row_queue_finish(t->queue, NULL);
    store_stmt_free(t->insert);
    if (t->suspended)
        g_array_free(t->suspended, TRUE);
}

const AnalysisClass trap_class = {
    .info = {"trap", "exceptions and interrupts, with their returns", "trap trap_v"},
    .state_size = sizeof(Traps),
    .begin = trap_begin,
    .end = trap_end,
    .free = trap_free,
};
