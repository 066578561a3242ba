/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trap: exceptions and interrupts, and when they returned. A return belongs to the latest trap into its
 * privilege that left the same address space and stack pointer and whose epc is where it goes (for system
 * calls, behind it): so traps that are suspended by a task switch find their return, on whichever hart. One
 * that never returns there (exec, exit, a signal handler) has no return_pos.
 */
#include <glib.h>

#include "analyses/builtin/builtin.h"

#define SUSPENDED_MAX 65536u /* remembered for their return */

enum { PRIV_U = 0, PRIV_S = 1 };

typedef struct Suspended {
    RrPlace place;
    RrTrap trap; /* its hart is not valid later */
    uint64_t time_ns, sp;
    unsigned hart;
    uint32_t task; /* 0: not known */
} Suspended;

typedef struct Traps {
    RrTable *table;
    const RrRegister *sp, *satp;
    GArray *suspended; /* of Suspended, oldest first */
} Traps;

static const RrColumn columns[] = {{"time_ns", RR_INTEGER},
                                   {"hart", RR_INTEGER},
                                   {"is_interrupt", RR_INTEGER},
                                   {"cause", RR_INTEGER},
                                   {"name", RR_TEXT},
                                   {"epc", RR_ADDRESS},
                                   {"tval", RR_ADDRESS},
                                   {"from_priv", RR_TEXT},
                                   {"to_priv", RR_TEXT},
                                   {"return_pos", RR_INTEGER},
                                   {"task_id", RR_INTEGER},
                                   {"symbol", RR_SYMBOL},
                                   {NULL}};

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

static void write_row(const Traps *t, const Suspended *s, uint64_t return_pos) {
    const RrTrap *e = &s->trap;
    const RrValue values[] = {{{(int64_t)s->time_ns}},
                              {{s->hart}},
                              {{e->is_interrupt}},
                              {{(int64_t)e->cause}},
                              {.bytes = trap_name(e->is_interrupt, e->cause)},
                              {{(int64_t)e->epc}},
                              {{(int64_t)e->tval}},
                              {.bytes = priv_name(e->from_priv)},
                              {.bytes = priv_name(e->to_priv)},
                              {{(int64_t)return_pos}, return_pos == RR_NO_POS ? RR_NULL : 0},
                              {{s->task}, s->task ? 0 : RR_NULL},
                              {{(int64_t)e->epc}, e->from_priv == PRIV_U ? 0 : RR_SYSTEM}};
    rr_row_at(t->table, &s->place, values);
}

/* Half of them at once: a trap storm must not move the rest for each. */
static void give_up_oldest(Traps *t) {
    for (guint i = 0; i < SUSPENDED_MAX / 2; i++)
        write_row(t, &g_array_index(t->suspended, Suspended, i), RR_NO_POS);
    g_array_remove_range(t->suspended, 0, SUSPENDED_MAX / 2);
}

static void on_trap(RrSelf *self, const RrTrap *e) {
    Traps *t = rr_data(self);
    const RrTask *task = rr_task(self, e->hart);
    Suspended s = {.place = rr_place(self),
                   .trap = *e,
                   .time_ns = rr_time_at(self, e->pos),
                   .sp = rr_get_register(e->hart, t->sp),
                   .hart = rr_hart_index(e->hart),
                   .task = task ? task->id : 0};
    s.trap.hart = NULL;
    if (t->suspended->len == SUSPENDED_MAX)
        give_up_oldest(t);
    g_array_append_val(t->suspended, s);
}

static bool returns_to(const Suspended *s, uint64_t pc) {
    uint64_t skipped = pc - s->trap.epc;
    bool skips = !s->trap.is_interrupt && (skipped == 2 || skipped == 4);
    return skipped == 0 || skips;
}

static void on_trap_return(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from_priv) {
    Traps *t = rr_data(self);
    uint64_t pc = rr_pc(hart), sp = rr_get_register(hart, t->sp), satp = rr_get_register(hart, t->satp);
    for (guint i = t->suspended->len; i-- > 0;) {
        const Suspended *s = &g_array_index(t->suspended, Suspended, i);
        if (s->trap.to_priv != from_priv || s->place.satp != satp || s->sp != sp || !returns_to(s, pc))
            continue;
        write_row(t, s, pos + 1);
        g_array_remove_index(t->suspended, i);
        return;
    }
}

static bool install(RrSelf *self) {
    Traps *t = g_new0(Traps, 1);
    rr_set_data(self, t);
    t->table = rr_table(self, NULL, columns);
    t->sp = rr_find_register(self, "sp");
    t->satp = rr_find_register(self, "satp");
    t->suspended = g_array_new(FALSE, FALSE, sizeof(Suspended));
    return true;
}

static void end(RrSelf *self, bool complete) {
    const Traps *t = rr_data(self);
    for (guint i = 0; i < t->suspended->len; i++)
        write_row(t, &g_array_index(t->suspended, Suspended, i), RR_NO_POS);
}

static void uninstall(RrSelf *self) {
    Traps *t = rr_data(self);
    g_array_free(t->suspended, TRUE);
    g_free(t);
}

const RrPlugin trap_plugin = {.version = RR_PLUGIN_VERSION,
                              .name = "trap",
                              .help = "exceptions and interrupts, with their returns",
                              .tasks = true,
                              .install = install,
                              .end = end,
                              .uninstall = uninstall,
                              .trap = on_trap,
                              .trap_return = on_trap_return};
