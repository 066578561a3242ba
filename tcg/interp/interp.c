/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/interp/interp.h"

/* Decoded ops are kept until they take this much memory; then the engine flushes. */
#define INTERP_CACHE_LIMIT ((size_t)96 << 20)

typedef struct Interp {
    Backend base;
    Arena arena;
    const void *const *labels;
    InterpOp once[IR_MAX_OPS];
} Interp;

static void interp_free(Backend *b) {
    Interp *in = (Interp *)b;
    arena_done(&in->arena);
    g_free(in);
}

static bool interp_compile(Backend *b, const IrBlock *ir, Block *block) {
    Interp *in = (Interp *)b;
    if (arena_used(&in->arena) + ARENA_CHUNK > INTERP_CACHE_LIMIT) {
        return false;
    }
    InterpOp *ops = arena_alloc(&in->arena, (ir->n_ops - ir->n_insns) * sizeof(InterpOp));
    interp_decode(ir, in->labels, ops);
    block->interp = ops;
    return true;
}

void interp_compile_once(Backend *b, const IrBlock *ir, Block *block) {
    Interp *in = (Interp *)b;
    interp_decode(ir, in->labels, in->once);
    block->interp = in->once;
}

static EnterResult interp_enter(Backend *b, Hart *hart, Block *block) {
    return interp_run(hart, block, NULL);
}

/* Links are followed through block->to[], which the engine keeps. */
static void interp_link(Backend *b, Block *from, unsigned slot, Block *to) {}
static void interp_unlink(Backend *b, Block *from, unsigned slot) {}

static void interp_flush(Backend *b) {
    arena_reset(&((Interp *)b)->arena);
}

static uint64_t interp_code_bytes(const Backend *b) {
    return arena_used(&((const Interp *)b)->arena);
}

static const BackendOps interp_ops = {
    .name = "interp",
    .free = interp_free,
    .compile = interp_compile,
    .enter = interp_enter,
    .link = interp_link,
    .unlink = interp_unlink,
    .flush = interp_flush,
    .code_bytes = interp_code_bytes,
};

Backend *backend_interp_new(Machine *m) {
    Interp *in = g_new0(Interp, 1);
    in->base.ops = &interp_ops;
    arena_init(&in->arena);
    interp_run(NULL, NULL, &in->labels);
    return &in->base;
}
