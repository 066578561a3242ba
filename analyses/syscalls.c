/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syscalls: system calls of Linux, from the ecall to the return to the program, by task. What the return means
 * shows where it goes: behind the ecall, with the result in a0; to the ecall again, which then is another
 * call; into a signal handler, whose frame on the stack has both; into a new program.
 */
#include <string.h>

#include "analyses/peek.h"
#include "analyses/run.h"
#include "analyses/syscall_text.h"

#define REG_A0 10u
#define REG_A7 17u
#define REG_SP 2u
#define ECALL_SIZE 4u
/*
 * struct rt_sigframe: siginfo (128 bytes), then ucontext: flags, link (8 each), stack (24), signal mask (128), and at the
 * next multiple of 16 the registers: pc, x1 to x31.
 */
#define FRAME_PC (128u + 176u)
#define FRAME_A0 (FRAME_PC + 8u * REG_A0)

enum { NR_RT_SIGRETURN = 139, NR_EXECVE = 221, NR_EXECVEAT = 281 };

typedef struct Call {
    int64_t id;
    uint32_t hart, task;
    Pos enter, exit; /* exit POS_NONE: it did not return */
    uint64_t nr, args[SYSCALL_ARGS];
    bool has_result;
    int64_t result;
    const char *name, *error; /* static */
    char *text;
} Call;

typedef struct Pending {
    bool active;
    Gva epc;
    uint64_t sp;
    Call call;
    SyscallText text;
} Pending;

typedef struct Syscalls {
    AnalysisRun *run;
    StoreStmt *insert;
    RowQueue *queue;
    Tasks *tasks;
    GPtrArray *pending; /* of Pending or NULL, by the task's id */
    bool any;           /* whatever the guest is */
    int64_t n, rows;
} Syscalls;

static bool insert_row(void *opaque, const void *item, GError **error) {
    Syscalls *x = opaque;
    const Call *c = item;
    char types[] = "iiiuuisuuuuuuiss";
    g_autofree char *text = c->text;
    if (c->exit == POS_NONE)
        types[4] = 'n';
    if (!c->has_result)
        types[13] = 'n';
    const StoreValue values[] = {{.integer = c->id},
                                 {.integer = c->hart},
                                 {.integer = c->task},
                                 {.integer = (int64_t)c->enter},
                                 {.integer = (int64_t)c->exit},
                                 {.integer = (int64_t)c->nr},
                                 {.bytes = c->name},
                                 {.integer = (int64_t)c->args[0]},
                                 {.integer = (int64_t)c->args[1]},
                                 {.integer = (int64_t)c->args[2]},
                                 {.integer = (int64_t)c->args[3]},
                                 {.integer = (int64_t)c->args[4]},
                                 {.integer = (int64_t)c->args[5]},
                                 {.integer = c->result},
                                 {.bytes = c->error},
                                 {.bytes = text}};
    x->rows++;
    return store_run_values(x->insert, types, values, error);
}

/* `hart` NULL: it never returned. */
static void finish(Syscalls *x, Pending *p, const Hart *hart) {
    if (!p->active)
        return;
    p->active = false;
    p->call.text = syscall_text_end(&p->text, hart, p->call.has_result, p->call.result, p->call.error);
    row_queue_push(x->queue, &p->call);
}

static Pending *pending_of(Syscalls *x, uint32_t task) {
    if (task >= x->pending->len)
        g_ptr_array_set_size(x->pending, (gint)task + 64);
    Pending **p = (Pending **)&x->pending->pdata[task];
    if (!*p)
        *p = g_new0(Pending, 1);
    return *p;
}

static void on_trap(void *opaque, const TrapEvent *ev) {
    Syscalls *x = ((AnalysisRun *)opaque)->state;
    if (ev->is_interrupt || ev->cause != EXC_ECALL_U || ev->to_priv != PRIV_S ||
        (!x->any && !tasks_is_linux(x->tasks)))
        return;
    const Hart *hart = ev->hart;
    uint32_t task = tasks_current_id(x->tasks, hart);
    Pending *p = pending_of(x, task);
    finish(x, p, NULL);
    *p = (Pending){.active = true, .epc = ev->epc, .sp = hart->x[REG_SP]};
    p->call = (Call){.id = ++x->n,
                     .hart = hart->id,
                     .task = task,
                     .enter = ev->pos,
                     .exit = POS_NONE,
                     .nr = hart->x[REG_A7],
                     .name = syscall_name(hart->x[REG_A7])};
    memcpy(p->call.args, &hart->x[REG_A0], sizeof p->call.args);
    syscall_text_begin(&p->text, p->call.nr, p->call.args, hart);
}

static void take_result(Call *c, uint64_t result) {
    c->has_result = true;
    c->result = (int64_t)result;
    c->error = syscall_error(c->result);
}

/* The program goes on somewhere else. */
static void take_signal(const Pending *p, Call *c, const Hart *hart) {
    Gva frame = hart->x[REG_SP];
    uint64_t pc, a0;
    if (!peek_u64(hart, frame + FRAME_PC, &pc) || !peek_u64(hart, frame + FRAME_A0, &a0))
        return;
    if (pc == p->epc + ECALL_SIZE)
        take_result(c, a0);
    else if (pc == p->epc)
        c->error = "ERESTARTSYS";
}

static void on_trap_return(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv) {
    Syscalls *x = ((AnalysisRun *)opaque)->state;
    if (hart->priv != PRIV_U || from_priv != PRIV_S)
        return;
    uint32_t task = tasks_current_id(x->tasks, hart);
    Pending *p = task < x->pending->len ? x->pending->pdata[task] : NULL;
    if (!p || !p->active)
        return;
    Call *c = &p->call;
    const Hart *memory = hart;
    c->exit = pos;
    if (c->nr == NR_RT_SIGRETURN)
        c->error = NULL;
    else if (hart->pc == p->epc + ECALL_SIZE && hart->x[REG_SP] == p->sp)
        take_result(c, hart->x[REG_A0]);
    else if (hart->pc == p->epc && hart->x[REG_SP] == p->sp)
        c->error = "ERESTARTSYS";
    else if (c->nr == NR_EXECVE || c->nr == NR_EXECVEAT) {
        take_result(c, 0);
        memory = NULL; /* another program's */
    } else
        take_signal(p, c, hart);
    finish(x, p, memory);
}

static const HookOps syscall_hooks = {.trap = on_trap, .trap_return = on_trap_return};

static bool syscalls_begin(AnalysisRun *run, GError **error) {
    Syscalls *x = run->state;
    g_autofree char *name = strcmp(run->name, run->class->info.name)
                                ? g_strconcat(run->name, "_syscall", NULL)
                                : g_strdup("syscall");
    g_autofree char *sql = g_strdup_printf(
        "INSERT INTO \"%s\" VALUES (?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", name);
    x->run = run;
    x->pending = g_ptr_array_new_with_free_func(g_free);
    x->any = !strcmp(analysis_run_option(run, "guest"), "any");
    if (!store_exec_section(run->store, "syscall", name, error) ||
        !store_prepare(run->store, sql, &x->insert, error))
        return false;
    x->queue = row_queue_new(sizeof(Call), insert_row, x);
    x->tasks = analysis_run_tasks(run);
    analysis_run_subscribe(run, &syscall_hooks);
    return true;
}

static bool syscalls_end(AnalysisRun *run, int64_t *rows, GError **error) {
    Syscalls *x = run->state;
    for (guint i = 0; i < x->pending->len; i++)
        if (x->pending->pdata[i])
            finish(x, x->pending->pdata[i], NULL);
    bool ok = row_queue_finish(x->queue, error);
    x->queue = NULL;
    *rows = x->rows;
    return ok;
}

static void syscalls_free(AnalysisRun *run) {
    Syscalls *x = run->state;
    for (guint i = 0; x->pending && i < x->pending->len; i++) {
        Pending *p = x->pending->pdata[i];
        if (p && p->active)
            g_free(syscall_text_end(&p->text, NULL, false, 0, NULL));
    }
    row_queue_finish(x->queue, NULL);
    store_stmt_free(x->insert);
    if (x->pending)
        g_ptr_array_free(x->pending, TRUE);
}

static const AnalysisOption options[] = {
    {"guest", "linux|any", "linux", "any: also of a guest that is not known to be Linux"}};

const AnalysisClass syscalls_class = {
    .info = {"syscalls", "system calls of Linux: names, arguments, results, durations", "syscall syscall_v",
             options, G_N_ELEMENTS(options)},
    .state_size = sizeof(Syscalls),
    .begin = syscalls_begin,
    .end = syscalls_end,
    .free = syscalls_free,
};
