/* SPDX-License-Identifier: GPL-2.0-or-later */
/* input: what came from outside. */
#include "analyses/run.h"

#include "schema/seq.h"

typedef struct Inputs {
    StoreStmt *insert;
    Pos pos; /* of the last event; its rows so far at that pos */
    uint32_t at_pos;
    int64_t rows;
    GError *error;
} Inputs;

static void on_input(void *opaque, const NdEvent *ev) {
    Inputs *in = ((AnalysisRun *)opaque)->state;
    in->at_pos = in->rows && ev->pos == in->pos ? in->at_pos + 1 : 0;
    in->pos = ev->pos;
    in->rows++;
    if (!in->error)
        store_run(in->insert, &in->error, "uiusiib", ev->pos, SEQ_INPUT + (int64_t)in->at_pos, ev->time,
                  nd_kind_name(ev->kind), (int64_t)ev->source, (int64_t)ev->size, ev->payload,
                  (size_t)ev->size);
}

static const HookOps input_hooks = {.input = on_input};

static bool input_begin(AnalysisRun *run, GError **error) {
    Inputs *in = run->state;
    g_autofree char *sql = g_strdup_printf("INSERT INTO \"%s\" VALUES (?, ?, ?, ?, ?, ?, ?)", run->name);
    if (!store_exec_section(run->store, "input", run->name, error) ||
        !store_prepare(run->store, sql, &in->insert, error))
        return false;
    analysis_run_subscribe(run, &input_hooks);
    return true;
}

static bool input_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Inputs *in = run->state;
    bool ok = !in->error;
    *rows = in->rows;
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&in->error));
    return ok;
}

static void input_free(AnalysisRun *run) {
    Inputs *in = run->state;
    store_stmt_free(in->insert);
    g_clear_error(&in->error);
}

const AnalysisClass input_class = {
    .info = {"input", "what came from outside: console bytes, entropy, clock, disk blocks", "input"},
    .state_size = sizeof(Inputs),
    .begin = input_begin,
    .end = input_end,
    .free = input_free,
};
