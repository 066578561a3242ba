/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syscalls: system calls of programs, with their names and arguments in words. */
#include <glib.h>
#include <string.h>

#include "analyses/builtin/builtin.h"
#include "analyses/builtin/syscall_text.h"

/* The one that a task is in, or was in last. */
typedef struct Call {
    RrSyscall event; /* of entering; its pointers are not valid later */
    unsigned hart;
    uint32_t task;
    bool active;
    SyscallText text;
} Call;

typedef struct Syscalls {
    RrTable *table;
    GHashTable *calls; /* the task's id → Call */
    bool any;          /* whatever the guest is */
} Syscalls;

static const RrColumn columns[] = {{"id", RR_INTEGER},
                                   {"hart", RR_INTEGER},
                                   {"task_id", RR_INTEGER},
                                   {"enter_pos", RR_INTEGER, true},
                                   {"exit_pos", RR_INTEGER},
                                   {"nr", RR_INTEGER},
                                   {"name", RR_TEXT},
                                   {"a0", RR_ADDRESS},
                                   {"a1", RR_ADDRESS},
                                   {"a2", RR_ADDRESS},
                                   {"a3", RR_ADDRESS},
                                   {"a4", RR_ADDRESS},
                                   {"a5", RR_ADDRESS},
                                   {"result", RR_INTEGER},
                                   {"error", RR_TEXT},
                                   {"text", RR_TEXT},
                                   {NULL}};

/* exit: NULL if it never returned. */
static void write_row(const Syscalls *x, Call *c, const RrSyscall *exit) {
    static const RrSyscall never = {0};
    const RrSyscall *e = &c->event, *r = exit ? exit : &never;
    const RrHart *hart = r->new_program ? NULL : r->hart; /* memory is the new program's */
    if (r->new_program)
        syscall_text_executed(&c->text, r->hart);
    g_autofree char *text = syscall_text_end(&c->text, hart, r->has_result, r->result, r->error);
    const RrValue values[] = {{{(int64_t)e->id}},
                              {{c->hart}},
                              {{c->task}, c->task ? 0 : RR_NULL},
                              {{(int64_t)e->enter_pos}},
                              {{(int64_t)r->pos}, exit ? 0 : RR_NULL},
                              {{(int64_t)e->nr}},
                              {.bytes = syscall_name(e->nr)},
                              {{(int64_t)e->args[0]}},
                              {{(int64_t)e->args[1]}},
                              {{(int64_t)e->args[2]}},
                              {{(int64_t)e->args[3]}},
                              {{(int64_t)e->args[4]}},
                              {{(int64_t)e->args[5]}},
                              {{r->result}, r->has_result ? 0 : RR_NULL},
                              {.bytes = r->error},
                              {.bytes = text}};
    rr_row(x->table, values);
    c->active = false;
}

static bool is_wanted(const Syscalls *x, const RrSyscall *e) {
    return x->any || (e->task && e->task->is_linux);
}

static void call_free(void *p) {
    syscall_text_clear(&((Call *)p)->text);
    g_free(p);
}

static Call *call_of(const Syscalls *x, const RrSyscall *e) {
    gpointer task = GUINT_TO_POINTER(e->task ? e->task->id : 0);
    Call *c = g_hash_table_lookup(x->calls, task);
    if (!c)
        g_hash_table_insert(x->calls, task, c = g_new0(Call, 1));
    return c;
}

static void on_entered(RrSelf *self, const RrSyscall *e) {
    const Syscalls *x = rr_data(self);
    if (!is_wanted(x, e))
        return;
    Call *c = call_of(x, e);
    if (c->active)
        write_row(x, c, NULL);
    c->event = *e;
    c->hart = rr_hart_index(e->hart);
    c->task = e->task ? e->task->id : 0;
    c->active = true;
    syscall_text_begin(&c->text, e->nr, e->args, e->hart);
}

static void on_left(RrSelf *self, const RrSyscall *e) {
    const Syscalls *x = rr_data(self);
    if (!is_wanted(x, e))
        return;
    Call *c = call_of(x, e);
    if (c->active)
        write_row(x, c, e);
}

static bool install(RrSelf *self) {
    Syscalls *x = g_new0(Syscalls, 1);
    rr_set_data(self, x);
    x->table = rr_plain_table(self, "syscall", columns);
    x->calls = g_hash_table_new_full(NULL, NULL, NULL, call_free);
    x->any = !strcmp(rr_option_text(self, "guest"), "any");
    return true;
}

static void end(RrSelf *self, bool complete) {
    const Syscalls *x = rr_data(self);
    GHashTableIter iter;
    gpointer c;
    g_hash_table_iter_init(&iter, x->calls);
    while (g_hash_table_iter_next(&iter, NULL, &c))
        if (((Call *)c)->active)
            write_row(x, c, NULL);
}

static void uninstall(RrSelf *self) {
    Syscalls *x = rr_data(self);
    g_hash_table_unref(x->calls);
    g_free(x);
}

static const RrOption options[] = {
    {"guest", RR_OPTION_CHOICE, "linux", "linux|any", "any: also of a guest that is not known to be Linux"},
    {NULL}};

const RrPlugin syscalls_plugin = {.version = RR_PLUGIN_VERSION,
                                  .name = "syscalls",
                                  .help = "system calls of Linux: names, arguments, results, durations",
                                  .options = options,
                                  .install = install,
                                  .end = end,
                                  .uninstall = uninstall,
                                  .syscall_enter = on_entered,
                                  .syscall_exit = on_left};
