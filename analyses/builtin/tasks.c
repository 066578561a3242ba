/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tasks: the guest's tasks, and which of them had a hart from when to when. */
#include <glib.h>
#include <string.h>

#include "analyses/builtin/builtin.h"

typedef struct TaskTables {
    RrTable *task, *cpu;
} TaskTables;

static const RrColumn task_columns[] = {{"id", RR_INTEGER},
                                        {"pid", RR_INTEGER},
                                        {"tid", RR_INTEGER},
                                        {"name", RR_TEXT},
                                        {"satp", RR_ADDRESS},
                                        {"first_pos", RR_INTEGER},
                                        {"last_pos", RR_INTEGER},
                                        {"stack_base", RR_ADDRESS},
                                        {"stack_size", RR_INTEGER},
                                        {"min_sp", RR_ADDRESS},
                                        {NULL}};
static const RrColumn cpu_columns[] = {
    {"hart", RR_INTEGER},   {"task_id", RR_INTEGER}, {"from_pos", RR_INTEGER},
    {"to_pos", RR_INTEGER}, {"from_ns", RR_INTEGER}, {"to_ns", RR_INTEGER},
    {"insns", RR_INTEGER},  {"idle_ns", RR_INTEGER}, {NULL}};

static void on_turn(RrSelf *self, const RrTaskTurn *e) {
    const TaskTables *x = rr_data(self);
    const RrValue values[] = {{{rr_hart_index(e->hart)}}, {{e->task->id}},         {{(int64_t)e->from_pos}},
                              {{(int64_t)e->to_pos}},     {{(int64_t)e->from_ns}}, {{(int64_t)e->to_ns}},
                              {{(int64_t)e->insns}},      {{(int64_t)e->idle_ns}}};
    rr_row(x->cpu, values);
}

static void write_task(const TaskTables *x, const RrTask *t) {
    size_t no_ids = t->has_ids ? 0 : RR_NULL, no_stack = t->stack_size ? 0 : RR_NULL;
    g_autofree char *name = *t->name ? g_utf8_make_valid(t->name, -1) : NULL;
    const RrValue values[] = {{{t->id}},
                              {{t->pid}, no_ids},
                              {{t->tid}, no_ids},
                              {.bytes = name},
                              {{(int64_t)t->satp}, t->has_satp ? 0 : RR_NULL},
                              {{(int64_t)t->first_pos}},
                              {{(int64_t)t->last_pos}},
                              {{(int64_t)t->stack_base}, no_stack},
                              {{(int64_t)t->stack_size}, no_stack},
                              {{(int64_t)t->min_sp}, t->min_sp == UINT64_MAX ? RR_NULL : 0}};
    rr_row(x->task, values);
}

static bool install(RrSelf *self) {
    TaskTables *x = g_new0(TaskTables, 1);
    rr_set_data(self, x);
    x->task = rr_plain_table(self, "task", task_columns);
    x->cpu = rr_plain_table(self, "cpu", cpu_columns);
    if (!strcmp(rr_option_text(self, "stacks"), "exact"))
        rr_follow_stacks(self);
    return true;
}

static void end(RrSelf *self, bool complete) {
    for (uint32_t id = 1; id <= rr_tasks(self); id++)
        write_task(rr_data(self), rr_task_by_id(self, id));
}

static void uninstall(RrSelf *self) {
    g_free(rr_data(self));
}

static const RrOption options[] = {{"stacks", RR_OPTION_CHOICE, "exact", "exact|off",
                                    "follow how deep each task's kernel stack went (task.min_sp)"},
                                   {NULL}};

const RrPlugin tasks_plugin = {.version = RR_PLUGIN_VERSION,
                               .name = "tasks",
                               .help = "tasks (Linux), else address spaces, and who had which hart when",
                               .options = options,
                               .install = install,
                               .end = end,
                               .uninstall = uninstall,
                               .task_turn = on_turn,
                               .merge = builtin_merge_nothing};
