/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "triage/led.h"

typedef struct Followed {
    Replay *replay;
    Programs *programs;
    Tasks *tasks;
    Functions *functions;
    CallStacks *calls;
} Followed;

static void followed_done(Followed *f) {
    g_clear_pointer(&f->calls, call_stacks_free);
    g_clear_pointer(&f->functions, functions_free);
    g_clear_pointer(&f->programs, programs_free);
    g_clear_pointer(&f->tasks, tasks_free);
    g_clear_pointer(&f->replay, replay_free);
}

/* Programs first: calls ask them. */
static bool followed_begin(Followed *f, const Rec *rec, const ReplayOptions *options, Store *store,
                           const char *sysroot, GError **error) {
    if (!replay_new(rec, options, &f->replay, error))
        return false;
    Machine *m = replay_machine(f->replay);
    f->programs = programs_new(m, store, sysroot);
    if (!programs_begin(f->programs, error))
        return false;
    f->tasks = tasks_new(m, store);
    f->functions = functions_new(store);
    f->calls = call_stacks_new(m, f->functions, f->tasks, f->programs);
    tasks_begin(f->tasks);
    call_stacks_begin(f->calls);
    return true;
}

static void take_call(void *opaque, const CallFrame *frame) {
    GArray *calls = opaque;
    LedCall call = {frame->kind, frame->func->addr, frame->func->satp, frame->call_pos, frame->call_pc, 0};
    if (calls->len) /* it called the former one */
        g_array_index(calls, LedCall, calls->len - 1).call_satp = call.satp;
    g_array_append_val(calls, call);
}

/* The step itself too, since it may be the first of a program. */
static bool followed_end(Followed *f, const Rec *rec, Pos pos, GError **error) {
    Machine *m = replay_machine(f->replay);
    call_stacks_end(f->calls);
    tasks_end(f->tasks, machine_pos(m));
    return replay_run_to(f->replay, MIN(pos + 1, rec_end(rec)->pos), error) &&
           programs_end(f->programs, error);
}

GArray *led_to(const Rec *rec, const ReplayOptions *options, Store *store, const char *sysroot, Pos pos,
               GError **error) {
    Followed f = {0};
    GArray *calls = NULL;
    ReplayOptions once = *options;
    once.seekable = false;
    if (followed_begin(&f, rec, &once, store, sysroot, error) && replay_run_to(f.replay, pos, error)) {
        const Machine *m = replay_machine(f.replay);
        calls = g_array_new(FALSE, FALSE, sizeof(LedCall));
        call_stacks_open(f.calls, m->harts[m->current], take_call, calls);
        if (!followed_end(&f, rec, pos, error))
            g_clear_pointer(&calls, g_array_unref);
    }
    followed_done(&f);
    return calls;
}
