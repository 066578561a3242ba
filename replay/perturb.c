/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/perturb.h"

#include "core/mmu.h"

/* splitmix64 */
static uint64_t next_random(Perturb *p) {
    uint64_t z = p->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void perturb_init(Perturb *p, uint64_t seed, Pos end) {
    *p = (Perturb){.random = seed, .end = end};
}

/* Distances of every magnitude up to 2^22: single steps as well as stretches in which caches fill up. */
Pos perturb_next_distance(Perturb *p) {
    unsigned bits = (unsigned)(next_random(p) % 23);
    return 1 + (next_random(p) & (((Pos)1 << bits) - 1));
}

static void flush_tlbs(Perturb *p, Machine *m, NdReplay *nd, const ReplayOptions *options) {
    for (uint32_t i = 0; i < m->n_harts; i++)
        mmu_flush(m->harts[i]);
}

static void flush_code(Perturb *p, Machine *m, NdReplay *nd, const ReplayOptions *options) {
    m->engine->ops->flush(m->engine);
}

static void limit_blocks(Perturb *p, Machine *m, NdReplay *nd, const ReplayOptions *options) {
    uint64_t random = next_random(p);
    m->engine->ops->set_block_limit(m->engine, random & 1 ? 0 : 1 + (unsigned)(random >> 8) % 16);
    m->engine->ops->flush(m->engine);
}

static void switch_engine(Perturb *p, Machine *m, NdReplay *nd, const ReplayOptions *options) {
    if (!options->new_other_engine)
        return;
    p->other_engine = !p->other_engine;
    machine_set_engine(m, NULL);
    machine_set_engine(
        m, (p->other_engine ? options->new_other_engine : options->new_engine)(m, options->opaque));
}

static void rehash(Perturb *p, Machine *m, NdReplay *nd, const ReplayOptions *options) {
    machine_state_hash(m);
}

/*
 * Leave and come back. Nobody may see the steps that are taken back, so they are taken only if nobody
 * looks.
 */
static void go_and_return(Perturb *p, Machine *m, NdReplay *nd, const ReplayOptions *options) {
    Pos limit = m->limit;
    Snapshot *s = snapshot_take(m);
    NdReplayMark mark = nd_replay_mark(nd);
    if (!hooks_observed(m->hooks)) {
        nd_replay_mute(nd, true);
        Pos to = m->pos + perturb_next_distance(p); /* MIN() would draw twice */
        m->limit = MIN(to, p->end);
        machine_run(m);
        nd_replay_mute(nd, false);
    }
    nd_replay_rewind(nd, mark);
    snapshot_restore(m, s);
    snapshot_free(s);
    m->limit = limit;
}

static const struct {
    unsigned weight;
    void (*apply)(Perturb *p, Machine *m, NdReplay *nd, const ReplayOptions *options);
} actions[] = {
    {16, flush_tlbs}, {8, flush_code}, {8, limit_blocks}, {2, switch_engine}, {8, rehash}, {2, go_and_return},
};

void perturb_apply(Perturb *p, Machine *m, NdReplay *nd, const ReplayOptions *options) {
    uint64_t pick = next_random(p) % 64; /* what the weights leave over: only the budget was split */
    for (size_t i = 0; i < G_N_ELEMENTS(actions); i++) {
        if (pick < actions[i].weight) {
            actions[i].apply(p, m, nd, options);
            return;
        }
        pick -= actions[i].weight;
    }
}
