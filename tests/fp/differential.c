/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helpers against an outside judge: differential JUDGE QEMU [COUNT [SEED [JSON]]]
 *
 * JUDGE is judge.c built for RISC-V, QEMU runs it. Both empty or missing: says so and exits 77 (skipped).
 * Every case of cases.c is given to both, and result and flags must be the same. Exits 1 after the first
 * mismatches.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <glib.h>
#include "tcg/ir/helpers.h"
#include "tcg/riscv/fpcall.h"
#include "tests/fp/cases.h"
#include "tests/random/report.h"

enum { SKIPPED = 77, MOST_REPORTS = 20, DEFAULT_COUNT = 1000000 };

/* How emulators spell "everything that the judge needs". */
static const char *const cpus[] = {"max", "rv64,Zfh=true", "rv64,zfh=true"};

static bool probe(const char *qemu, const char *cpu, const char *judge, const char *extension) {
    const char *argv[] = {qemu, "-cpu", cpu, judge, extension, NULL};
    int status;

    return g_spawn_sync(NULL, (char **)argv, NULL,
                        G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
                        NULL, NULL, NULL, &status, NULL) &&
           g_spawn_check_wait_status(status, NULL);
}

static const char *find_cpu(const char *qemu, const char *judge) {
    for (size_t i = 0; i < G_N_ELEMENTS(cpus); i++)
        if (probe(qemu, cpus[i], judge, "zfh"))
            return cpus[i];
    return NULL;
}

typedef struct Pipes {
    int to, from;
} Pipes;

static void start(const char *qemu, const char *cpu, const char *judge, Pipes *p) {
    const char *argv[] = {qemu, "-cpu", cpu, judge, NULL};
    g_autoptr(GError) error = NULL;

    if (!g_spawn_async_with_pipes(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &p->to,
                                  &p->from, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        exit(2);
    }
}

static void transfer(ssize_t (*move)(int, void *, size_t), int fd, void *data, size_t size) {
    char *at = data;

    while (size > 0) {
        ssize_t n = move(fd, at, size);
        if (n <= 0) {
            fprintf(stderr, "the judge is gone\n");
            exit(2);
        }
        at += n;
        size -= (size_t)n;
    }
}

static ssize_t write_some(int fd, void *data, size_t size) {
    return write(fd, data, size);
}

static FpAnswer ours(Hart *h, const FpRecord *r) {
    FpAnswer answer;

    h->fflags = 0;
    h->fp_call = r->code;
    answer.result = FPCALL_OP(r->code) < FPC_N_OPS ? helper_fp_op(h, r->a, r->b, r->code)
                                                   : helper_fp_fma(h, r->a, r->b, r->c);
    answer.flags = h->fflags;
    return answer;
}

static void report(const FpRecord *r, const FpAnswer *mine, const FpAnswer *theirs) {
    static const char letters[] = "hsd?";

    printf("%s.%c", fp_cases_op_name(r->code), letters[FPCALL_FORMAT(r->code)]);
    if (FPCALL_OP(r->code) == FPC_CVT_F_F)
        printf(".%c", letters[FPCALL_SOURCE(r->code)]);
    printf(" rm %u  %016" PRIx64 " %016" PRIx64 " %016" PRIx64 ": %016" PRIx64
           " flags %02x, judge %016" PRIx64 " flags %02x\n",
           (unsigned)FPCALL_RM(r->code), r->a, r->b, r->c, mine->result, (unsigned)mine->flags,
           theirs->result, (unsigned)theirs->flags);
}

static uint64_t compare_all(Pipes p, FpCases *cases, uint64_t count) {
    g_autofree FpRecord *records = g_new(FpRecord, FP_CHUNK);
    g_autofree FpAnswer *answers = g_new(FpAnswer, FP_CHUNK);
    g_autofree Hart *hart = g_new0(Hart, 1);
    uint64_t wrong = 0;

    while (count > 0 && wrong < MOST_REPORTS) {
        size_t n = MIN(count, FP_CHUNK);
        for (size_t i = 0; i < n; i++)
            records[i] = fp_cases_next(cases);
        transfer(write_some, p.to, records, n * sizeof records[0]);
        count -= n;
        if (count == 0)
            close(p.to); /* ends a last chunk that is short */
        transfer(read, p.from, answers, n * sizeof answers[0]);
        for (size_t i = 0; i < n && wrong < MOST_REPORTS; i++) {
            FpAnswer mine = ours(hart, &records[i]);
            if (mine.result != answers[i].result || mine.flags != answers[i].flags) {
                report(&records[i], &mine, &answers[i]);
                wrong++;
            }
        }
    }
    return wrong;
}

static void write_json(const char *path, uint64_t count, uint64_t wrong) {
    g_autofree char *text =
        g_strdup_printf("{\"suite\": \"floating point, by integers only\", \"cases\": %" PRIu64
                        ", \"machines\": \"qemu-riscv64 = helpers\", \"failed\": %" PRIu64 "}\n",
                        count, wrong);
    report_write(path, text);
}

int main(int argc, char **argv) {
    const char *judge = argc > 1 ? argv[1] : "", *qemu = argc > 2 ? argv[2] : "", *cpu;
    uint64_t count = argc > 3 ? g_ascii_strtoull(argv[3], NULL, 0) : DEFAULT_COUNT, wrong;
    FpCases cases = {.random = argc > 4 ? g_ascii_strtoull(argv[4], NULL, 0) : 1};
    Pipes p;

    if (!*judge || !*qemu) {
        printf("skipped: needs riscv64-linux-gnu-gcc and qemu-riscv64\n");
        return SKIPPED;
    }
    cpu = find_cpu(qemu, judge);
    if (!cpu) {
        printf("skipped: %s runs no Zfh\n", qemu);
        return SKIPPED;
    }
    cases.zfa = probe(qemu, cpu, judge, "zfa");
    start(qemu, cpu, judge, &p);
    wrong = compare_all(p, &cases, count);
    printf("%" PRIu64 " cases%s on -cpu %s: %s\n", count, cases.zfa ? " with Zfa" : "", cpu,
           wrong ? "MISMATCHES" : "all equal");
    write_json(argc > 5 ? argv[5] : NULL, count, wrong);
    return wrong ? 1 : 0;
}
