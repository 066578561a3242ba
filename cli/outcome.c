/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a run ended: one table from the machine's stop reason to words and to an exit status. */
#include "cli/cli.h"

#include "core/machine.h"

enum { BY_GUEST_CODE = -1 }; /* the finisher's code, never 0, never one of ours */

typedef struct Outcome {
    StopReason stop;
    uint32_t code; /* STOP_HOST: NdStopReason; others: any */
    int status;
    const char *reason, *text;
} Outcome;

static const Outcome outcomes[] = {
    {STOP_FINISHER_PASS, 0, 0, "finisher-pass", "the guest ended with success (test finisher)"},
    {STOP_FINISHER_FAIL, 0, BY_GUEST_CODE, "finisher-fail",
     "the guest ended with failure code %u (test finisher)"},
    {STOP_POWEROFF, 0, 0, "poweroff", "the guest powered off"},
    {STOP_RESET, 0, 0, "reset", "the guest asked for a reset (-no-reboot)"},
    {STOP_DEAD, 0, STATUS_ENDED, "dead",
     "every hart waits, no timer is set and no input is open: nothing can wake it"},
    {STOP_LIMIT, 0, STATUS_ENDED, "max-insns", "--max-insns was reached"},
    {STOP_HOST, ND_STOP_TIMEOUT, STATUS_ENDED, "timeout", "--timeout was reached"},
    {STOP_HOST, ND_STOP_SIGINT, 130, "sigint", "interrupted (SIGINT)"},
    {STOP_HOST, ND_STOP_SIGTERM, 143, "sigterm", "terminated (SIGTERM)"},
    {STOP_HOST, ND_STOP_QUIT, 0, "quit", "ended from the terminal (Ctrl-A x)"},
    {STOP_HOST, ND_STOP_MAX_INSNS, STATUS_ENDED, "max-insns", "--max-insns was reached"},
    {STOP_HOST, ND_STOP_UNTIL, 0, "until", "a console line matched --until"},
    {STOP_HOST, ND_STOP_FAIL, 1, "fail", "a console line matched --fail"},
    {STOP_DIVERGED, 0, STATUS_RR_FAILED, "diverged", "the replay diverged from the recording"},
};

static const Outcome *outcome_find(uint32_t stop, uint32_t code) {
    for (size_t i = 0; i < G_N_ELEMENTS(outcomes); i++)
        if (outcomes[i].stop == stop && (stop != STOP_HOST || outcomes[i].code == code))
            return &outcomes[i];
    static const Outcome unknown = {STOP_NONE, 0, STATUS_RR_FAILED, "unknown",
                                    "it ended for an unknown reason"};
    return &unknown;
}

int outcome_status(uint32_t stop, uint32_t code) {
    const Outcome *o = outcome_find(stop, code);
    if (o->status != BY_GUEST_CODE)
        return o->status;
    return code >= 1 && code <= 123 ? (int)code : 1;
}

char *outcome_text(uint32_t stop, uint32_t code) {
    const Outcome *o = outcome_find(stop, code);
    return o->status == BY_GUEST_CODE
               ? g_strdup_printf("the guest ended with failure code %u (test finisher)", code)
               : g_strdup(o->text);
}

const char *outcome_reason(uint32_t stop, uint32_t code) {
    return outcome_find(stop, code)->reason;
}

char *human_count(uint64_t n) {
    static const char *const units[] = {"", " k", " M", " G", " T"};
    double value = (double)n;
    unsigned unit = 0;
    while (value >= 1000 && unit < G_N_ELEMENTS(units) - 1) {
        value /= 1000;
        unit++;
    }
    return unit ? g_strdup_printf("%.2f%s", value, units[unit]) : g_strdup_printf("%" G_GUINT64_FORMAT, n);
}
