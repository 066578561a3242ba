/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/stats.h"

#include <stdio.h>
#include <sys/resource.h>

#include "cli/cli.h"
#include "core/mmu.h"

static void row(const char *name, uint64_t value) {
    fprintf(stderr, "rr-emu: %-26s %16" G_GUINT64_FORMAT "\n", name, value);
}

static double percent(uint64_t part, uint64_t whole) {
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

void stats_print(const Machine *m) {
    EngineStats e = {0};
    MmuStats mmu = {0};
    m->engine->ops->get_stats(m->engine, &e);
    mmu_get_stats(m, &mmu);
    fprintf(stderr, "rr-emu: %-26s %16s\n", "backend", m->engine->ops->name);
    row("steps", machine_pos(m));
    row("blocks translated", e.blocks_translated);
    row("instructions translated", e.insns_translated);
    row("host code bytes", e.host_bytes);
    row("code cache flushes", e.cache_flushes);
    row("steps by interpretation", e.steps_interp);
    row("integer insns with helper", e.helper_insns);
    row("slow loads", mmu.loads);
    row("slow stores", mmu.stores);
    row("TLB fills", mmu.fills);
    row("page walks", mmu.walks);
    row("TLB drops", mmu.drops);
    row("TLB flushes", mmu.flushes);
    uint64_t direct = e.steps_total - MIN(e.steps_total, e.steps_interp + e.helper_insns);
    fprintf(stderr, "rr-emu: %-26s %15.3f%%\n", "host code without helper", percent(direct, e.steps_total));
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    row("peak resident KiB", (uint64_t)u.ru_maxrss);
}
