/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: finds or makes the block at hart->pc, lets a backend run from there, and deals with what made
 * it come back. Two kinds of block are always run by the interpreter: *tails*, which end exactly where the
 * budget does and are not kept, and *singles*, one instruction that may reach devices, code pages and page
 * tables (MEM_LAST).
 */
#include "tcg/tcg.h"

#include <string.h>

#include "core/trap.h"
#include "tcg/cache.h"
#include "tcg/dump.h"
#include "tcg/device_sites.h"
#include "tcg/instrument.h"
#include "tcg/interp/interp.h"
#include "tcg/opt/passes.h"
#include "tcg/probe.h"
#include "tcg/riscv/translate.h"
#include "tcg/steps.h"

typedef struct TcgEngine {
    Engine base;
    Machine *machine;
    TcgOptions options;
    Backend *interp, *backend; /* the same when the interpreter is the backend */
    BlockCache cache;
    unsigned block_limit;     /* instructions */
    uint32_t trace_wants;     /* as of this run() */
    GHashTable *trace_blocks; /* registered ones, see instrument.h */
    bool entered;             /* a backend is running: blocks must stay */
    bool flush_pending;
    Block *link_from; /* exit that wants to be linked to the next block found */
    unsigned link_slot;
    DeviceSites sites;
    bool no_sites;
    bool probed;          /* as of this run(): somebody attaches probes */
    uint32_t probe_epoch; /* hooks_translate_epoch() of the blocks there are */
    Probes probes;
    EngineStats stats;
    IrBlock ir;
} TcgEngine;

/*
 * What a block is made for. AGAIN: a single whose instruction began in another block, which observers were
 * told; told apart from other singles by a flag that no hart has.
 */
typedef enum { BLOCK_KEPT, BLOCK_TAIL, BLOCK_SINGLE, BLOCK_AGAIN } BlockKind;
#define FLAG_AGAIN (1u << 31)

/* Where the code at hart->pc is. */
typedef struct CodeFetch {
    FetchPage page;
    uint32_t page2;       /* of the last byte of the first instruction */
    const uint8_t *bytes; /* from pc on */
    uint32_t avail;
    bool crosses; /* the first instruction lies in two pages */
    uint8_t buffer[4];
} CodeFetch;

static void flush_now(TcgEngine *e) {
    e->flush_pending = false;
    e->link_from = NULL;
    cache_reset(&e->cache);
    probes_flush(&e->probes);
    device_sites_clear(&e->sites);
    e->interp->ops->flush(e->interp);
    if (e->backend != e->interp) {
        e->backend->ops->flush(e->backend);
    }
    e->stats.cache_flushes++;
    hooks_flushed(e->machine->hooks);
}

/* -- exceptions ---------------------------------------------------------------------------------------------
 */

/* A storm of traps leaves words in the trace (TRACE_SYNC) without ever entering a block that asks for room.
 */
static void take_exception(TcgEngine *e, Hart *h) {
    trap_take_exception(h);
    if (h->trace_ptr > h->trace_limit) {
        hooks_trace_flush(e->machine->hooks, h);
    }
}

/* -- making blocks ------------------------------------------------------------------------------------------
 */

/* Find the code at hart->pc. False: an exception was noted. */
static bool fetch_code(Hart *h, CodeFetch *f) {
    if (!mmu_fetch(h, h->pc, &f->page)) {
        return false;
    }
    uint32_t offset = h->pc & ~PAGE_MASK;
    f->bytes = f->page.host + offset;
    f->avail = (uint32_t)PAGE_SIZE - offset;
    f->page2 = f->page.page;
    f->crosses = false;
    if (f->avail > 2 && !f->page.partial) {
        return true;
    }
    if (riscv_insn_length((uint16_t)(f->bytes[0] | f->bytes[1] << 8)) == 2) {
        return true;
    }
    FetchPage second;
    if (!mmu_fetch(h, h->pc + 2, &second)) {
        return false;
    }
    if (f->avail == 2) {
        f->crosses = true;
        f->page2 = second.page;
        memcpy(f->buffer, f->bytes, 2);
        memcpy(f->buffer + 2, second.host, 2);
        f->bytes = f->buffer;
        f->avail = 4;
    }
    return true;
}

static void check_ir(TcgEngine *e, const char *after) {
    if (!e->options.check_ir) {
        return;
    }
    g_autoptr(GString) why = g_string_new(NULL);
    if (!ir_check(&e->ir, why)) {
        g_error("after %s: %s", after, why->str);
    }
}

static void optimise(TcgEngine *e) {
    for (unsigned i = 0; opt_passes[i].name; i++) {
        if (!(e->options.disabled_passes & 1u << i)) {
            opt_passes[i].run(&e->ir);
            check_ir(e, opt_passes[i].name);
        }
    }
}

static void add_probes(TcgEngine *e, const Hart *h, const CodeFetch *f, BlockKind kind) {
    uint32_t offset = h->pc & ~PAGE_MASK;
    ProbeCode code = {.bytes = f->bytes,
                      .host = f->page.host + offset,
                      .paddr = machine_page_address(e->machine, f->page.page) + offset,
                      .tail = kind == BLOCK_TAIL,
                      .again = kind == BLOCK_AGAIN};
    if (!probe_instrument(&e->probes, e->machine, &code, &e->ir)) {
        flush_now(e);
        e->probe_epoch = hooks_translate_epoch(e->machine->hooks);
    }
    check_ir(e, "probes");
}

/* Guest code to IR, as it goes to a backend: e->ir. */
static void translate(TcgEngine *e, const Hart *h, const CodeFetch *f, uint32_t max_insns, BlockKind kind) {
    bool tail = kind != BLOCK_KEPT;
    TranslateInput in = {.pc = h->pc,
                         .flags = h->flags,
                         .isa = h->isa,
                         .bytes = f->bytes,
                         .avail = f->avail,
                         .max_insns = f->crosses || f->page.partial ? 1 : max_insns,
                         .alone = kind == BLOCK_KEPT ? device_sites_of(&e->sites, f->page.page) : NULL,
                         .tail = tail};
    riscv_translate(&in, &e->ir);
    check_ir(e, "translation");
    if (e->trace_wants) {
        instrument_trace(e->machine->hooks, e->trace_blocks, e->trace_wants, f->bytes, &e->ir);
    }
    if (e->probed) {
        add_probes(e, h, f, kind);
    }
    if (e->options.stats) {
        instrument_count_helpers(&e->ir);
    }
    dump_ir(e->options.dump, DUMP_IR, &e->ir);
    if (!tail) {
        optimise(e); /* what runs once, or is one instruction, is not worth it */
    }
    dump_ir(e->options.dump, DUMP_IR_OPT, &e->ir);
    dump_guest(e->options.dump, h->isa, f->bytes, &e->ir);
    e->stats.blocks_translated++;
    e->stats.insns_translated += e->ir.n_insns;
}

static void identify_block(Block *b, const IrBlock *ir, const CodeFetch *f) {
    b->pc = ir->pc;
    b->flags = ir->flags;
    b->page_id = f->page.id;
    b->page = f->page.page;
    b->page2 = f->page2;
    b->offset = (uint16_t)(ir->pc & ~PAGE_MASK);
    b->bytes = ir->bytes;
    b->n_insns = ir->n_insns;
    b->trace_words = ir->trace_words;
    b->undo = ir->undo;
    b->n_undo = ir->n_undo;
    b->steps = ir->steps;
}

static uint32_t flags_of_kind(const Hart *h, BlockKind kind) {
    return h->flags | (kind == BLOCK_AGAIN ? FLAG_AGAIN : 0);
}

static Block *new_block(TcgEngine *e, const Hart *h, const CodeFetch *f, BlockKind kind) {
    Block *b = cache_alloc(&e->cache);
    identify_block(b, &e->ir, f);
    b->flags = flags_of_kind(h, kind);
    b->single = kind != BLOCK_KEPT;
    return b;
}

/* A new block in the cache, for `backend` or, as a single, for the interpreter. */
static Block *make_block(TcgEngine *e, Hart *h, const CodeFetch *f, BlockKind kind) {
    Backend *backend = kind == BLOCK_KEPT ? e->backend : e->interp;
    translate(e, h, f, kind == BLOCK_KEPT ? e->block_limit : 1, kind);
    if (cache_is_full(&e->cache)) {
        flush_now(e);
    }
    Block *b = new_block(e, h, f, kind);
    if (!backend->ops->compile(backend, &e->ir, b)) {
        flush_now(e);
        b = new_block(e, h, f, kind);
        bool fits = backend->ops->compile(backend, &e->ir, b);
        g_assert(fits);
    }
    cache_insert(&e->cache, b);
    if (kind == BLOCK_KEPT) {
        dump_host(e->options.dump, backend, b);
    }
    return b;
}

/* The block at hart->pc, kept or made. One whose second page is now another one is of no use any more. */
static Block *get_block(TcgEngine *e, Hart *h, const CodeFetch *f, BlockKind kind) {
    bool single = kind != BLOCK_KEPT;
    Block *b = cache_find(&e->cache, h->pc, f->page.id, flags_of_kind(h, kind), single);
    if (b && b->page2 != f->page2) {
        cache_remove(&e->cache, b, single ? e->interp : e->backend);
        b = NULL;
    }
    return b ? b : make_block(e, h, f, kind);
}

/* -- running ------------------------------------------------------------------------------------------------
 */

static void run_single(TcgEngine *e, Hart *h, BlockKind kind);

static EnterResult enter(TcgEngine *e, Backend *backend, Hart *h, Block *b) {
    int64_t budget = h->budget;
    e->entered = true;
    EnterResult r = backend->ops->enter(backend, h, b);
    e->entered = false;
    if (backend == e->interp) {
        e->stats.steps_interp += (uint64_t)(budget - h->budget - (r.reason == ENTER_HELPER ? h->left : 0));
    }
    return r;
}

/* The instruction at hart->pc reaches a device: if it does so again and again, it gets a block of its own. */
static void note_device_access(TcgEngine *e, Hart *h) {
    CodeFetch f;
    if (e->no_sites || e->probed || e->trace_wants || !device_sites_is_hot(&e->sites, h->pc, hart_pos(h))) {
        return;
    }
    if (!fetch_code(h, &f) || f.crosses || f.page.partial) {
        h->exit = EXIT_NONE;
        return;
    }
    uint32_t offset = h->pc & ~PAGE_MASK;
    device_sites_add(&e->sites, f.page.page, offset);
    cache_invalidate(&e->cache, f.page.page, offset, 2, e->backend);
}

/* A block was left at an instruction that did not complete: undo the rest of it, then take the exception or
 * redo. */
static void handle_exit(TcgEngine *e, Hart *h, const Block *b) {
    uint32_t left = h->left;
    if (e->probed) {
        b = b ? b : h->cut_block;
        if (b && b->n_undo) {
            probe_undo(h, b->undo, b->n_undo, b->n_insns - left);
        }
        h->cut_block = NULL;
        if (b && b->steps) {
            steps_cut(h, b->steps, left,
                      h->exit == EXIT_REDO    ? PROBE_CUT_AGAIN
                      : b->flags & FLAG_AGAIN ? PROBE_CUT_FAULT_AGAIN
                                              : PROBE_CUT_FAULT);
        }
    }
    h->budget += left;
    h->left = 0;
    if (e->trace_wants) {
        instrument_cut(e->machine, h, left);
    }
    if (h->exit == EXIT_REDO) {
        h->exit = EXIT_NONE;
        if (h->redo_device) {
            h->redo_device = false;
            note_device_access(e, h);
        }
        run_single(e, h, e->probed ? BLOCK_AGAIN : BLOCK_SINGLE);
    } else {
        take_exception(e, h);
    }
}

/* What is common to the ends of tails and singles. */
static void handle_interp_result(TcgEngine *e, Hart *h, EnterResult r) {
    if (r.reason == ENTER_HELPER) {
        handle_exit(e, h, r.from);
        return;
    }
    h->left = 0;
    if (r.reason == ENTER_TRACE) {
        hooks_trace_flush(e->machine->hooks, h);
    }
}

/* The one instruction at hart->pc, whatever it may reach. */
static void run_single(TcgEngine *e, Hart *h, BlockKind kind) {
    CodeFetch f;
    /* It must not be put off for want of room: of what is run again observers were told. */
    if (h->trace_ptr > h->trace_limit) {
        hooks_trace_flush(e->machine->hooks, h);
    }
    h->begun += kind == BLOCK_AGAIN; /* although its step has not been taken yet */
    if (!fetch_code(h, &f)) {
        take_exception(e, h);
        return;
    }
    Block *b = get_block(e, h, &f, kind);
    h->begun -= kind == BLOCK_AGAIN;
    EnterResult r = enter(e, e->interp, h, b);
    g_assert(r.reason != ENTER_HELPER || h->exit == EXIT_FAULT);
    handle_interp_result(e, h, r);
}

/*
 * Up to hart->budget instructions from hart->pc on, exactly: the beginning of the kept block that was too
 * long, so its bytes are watched already.
 */
static void run_tail(TcgEngine *e, Hart *h) {
    CodeFetch f;
    if (!fetch_code(h, &f)) {
        take_exception(e, h);
        return;
    }
    translate(e, h, &f, (uint32_t)MIN(h->budget, (int64_t)e->block_limit), BLOCK_TAIL);
    Block b = {0};
    identify_block(&b, &e->ir, &f);
    b.single = true;
    interp_compile_once(e->interp, &e->ir, &b);
    handle_interp_result(e, h, enter(e, e->interp, h, &b));
}

static void remember_jump(Hart *h, Block *b) {
    JumpEntry *cache = h->jump_cache;
    cache[JUMP_CACHE_INDEX(b->pc, b->flags)] = (JumpEntry){b->pc, b->flags, b->page_id, b->entry, b};
}

/* The ordinary block at hart->pc; NULL when the step was dealt with otherwise. */
static Block *find_block(TcgEngine *e, Hart *h) {
    Block *b = jump_cache_find(h, h->pc);
    if (b) {
        return b;
    }
    CodeFetch f;
    if (!fetch_code(h, &f)) {
        take_exception(e, h);
        return NULL;
    }
    if (f.page.partial) {
        run_single(e, h, BLOCK_SINGLE);
        return NULL;
    }
    b = jump_cache_find(h, h->pc); /* often all that was missing was the page's id */
    if (b) {
        return b;
    }
    b = get_block(e, h, &f, BLOCK_KEPT);
    if (!f.crosses) {
        remember_jump(h, b);
    }
    return b;
}

/* The way to a block was counted, but there was no room for it. */
static void take_back(Hart *h, const Block *b) {
    h->left = 0;
    if (b) {
        steps_cut(h, b->steps, b->n_insns, PROBE_CUT_NOT_ENTERED);
    }
}

static void handle_result(TcgEngine *e, Hart *h, EnterResult r) {
    switch (r.reason) {
    case ENTER_LINK0:
    case ENTER_LINK1:
        h->left = 0;
        e->link_from = r.from;
        e->link_slot = r.reason == ENTER_LINK1;
        break;
    case ENTER_LOOKUP:
    case ENTER_LOOP: h->left = 0; break;
    case ENTER_BUDGET:
        take_back(h, r.from);
        if (h->budget > 0) {
            run_tail(e, h);
        }
        break;
    case ENTER_HELPER: handle_exit(e, h, r.from); break;
    case ENTER_TRACE:
        take_back(h, r.from);
        hooks_trace_flush(e->machine->hooks, h);
        break;
    }
}

static bool may_link(const Block *from, const Block *to) {
    return !block_crosses_page(from) && !block_crosses_page(to) &&
           (!steps_know_way(from->steps, to->steps) || steps_way(from->steps, to->steps));
}

/* Link the exit through which the last block was left to the one found for it. */
static void link_exit(TcgEngine *e, Block *b) {
    Block *from = e->link_from;
    if (from && from->valid && from->to[e->link_slot] != b && may_link(from, b)) {
        cache_link(from, e->link_slot, b, e->backend);
    }
    e->link_from = NULL;
}

static void run_once(TcgEngine *e, Hart *h) {
    Block *b = find_block(e, h);
    if (!b) {
        e->link_from = NULL;
        return;
    }
    link_exit(e, b);
    handle_result(e, h,
                  b->n_insns > h->budget ? (EnterResult){NULL, ENTER_BUDGET} : enter(e, e->backend, h, b));
}

static void engine_run(Engine *base, Hart *h) {
    TcgEngine *e = (TcgEngine *)base;
    int64_t budget = h->budget;
    if (!h->jump_cache) {
        h->jump_cache = g_new0(JumpEntry, JUMP_CACHE_ENTRIES);
    }
    h->left = 0;
    e->link_from = NULL;
    e->probed = hooks_wants_translate(e->machine->hooks);
    if (e->probe_epoch != hooks_translate_epoch(e->machine->hooks)) {
        e->probe_epoch = hooks_translate_epoch(e->machine->hooks);
        flush_now(e);
    }
    scoreboard_new_epoch(e->machine);
    if (!e->probed) {
        h->flags &= ~FLAG_GOES_ON;
    }
    e->trace_wants = hooks_trace_wants(e->machine->hooks) & (TRACE_WANT_MEM | TRACE_WANT_INSN);
    while (h->budget > 0 && !h->attention) {
        run_once(e, h);
        if (e->flush_pending) {
            flush_now(e);
        }
    }
    e->stats.steps_total += (uint64_t)(budget - h->budget);
}

/* -- the interface ------------------------------------------------------------------------------------------
 */

static void engine_invalidate_code(Engine *base, uint32_t page, uint32_t offset, uint32_t size) {
    TcgEngine *e = (TcgEngine *)base;
    while (size > 0) {
        uint32_t here = MIN(size, (uint32_t)PAGE_SIZE - offset);
        cache_invalidate(&e->cache, page, offset, here, e->backend);
        size -= here;
        offset = 0;
        page++;
    }
}

static bool engine_has_code(const Engine *base, uint32_t page, uint32_t offset, uint32_t size) {
    return cache_has_code(&((const TcgEngine *)base)->cache, page, offset, size);
}

static void engine_flush(Engine *base) {
    TcgEngine *e = (TcgEngine *)base;
    if (e->entered) {
        e->flush_pending = true;
        for (uint32_t i = 0; i < e->machine->n_harts; i++) {
            e->machine->harts[i]->attention |= ATTN_HOST; /* which makes the running one leave */
        }
    } else {
        flush_now(e);
    }
}

static void engine_set_block_limit(Engine *base, unsigned n) {
    TcgEngine *e = (TcgEngine *)base;
    e->block_limit = n == 0 || n > BLOCK_MAX_INSNS ? BLOCK_MAX_INSNS : n;
}

static void engine_get_stats(Engine *base, EngineStats *stats) {
    const TcgEngine *e = (const TcgEngine *)base;
    *stats = e->stats;
    stats->host_bytes = e->backend->ops->code_bytes(e->backend);
    for (uint32_t i = 0; i < e->machine->n_harts; i++) {
        stats->helper_insns += e->machine->harts[i]->helper_insns;
    }
}

static void engine_free(Engine *base) {
    TcgEngine *e = (TcgEngine *)base;
    flush_now(e);
    if (e->backend != e->interp) {
        e->backend->ops->free(e->backend);
    }
    e->interp->ops->free(e->interp);
    for (uint32_t i = 0; i < e->machine->n_harts; i++) {
        g_clear_pointer(&e->machine->harts[i]->jump_cache, g_free);
    }
    cache_done(&e->cache);
    probes_done(&e->probes);
    device_sites_done(&e->sites);
    g_hash_table_unref(e->trace_blocks);
    g_free(e);
}

static const EngineOps engine_ops_interp = {
    .name = "interp",
    .free = engine_free,
    .run = engine_run,
    .invalidate_code = engine_invalidate_code,
    .flush = engine_flush,
    .set_block_limit = engine_set_block_limit,
    .get_stats = engine_get_stats,
    .has_code = engine_has_code,
};

static const EngineOps engine_ops_x86_64 = {
    .name = "x86_64",
    .free = engine_free,
    .run = engine_run,
    .invalidate_code = engine_invalidate_code,
    .flush = engine_flush,
    .set_block_limit = engine_set_block_limit,
    .get_stats = engine_get_stats,
    .has_code = engine_has_code,
};

static unsigned n_opt_passes(void) {
    unsigned n = 0;
    while (opt_passes[n].name) {
        n++;
    }
    return n;
}

#define DEFAULT_CODE_CACHE ((size_t)64 << 20)

Engine *tcg_engine_new(Machine *m, const TcgOptions *options) {
    TcgEngine *e = g_new0(TcgEngine, 1);
    e->machine = m;
    e->options = *options;
#ifndef __OPTIMIZE__
    e->options.check_ir = true; /* debug builds */
#endif
    e->block_limit = BLOCK_MAX_INSNS;
    e->interp = backend_interp_new(m);
    if (options->backend != BACKEND_INTERP) {
        size_t size = options->code_cache_size ? options->code_cache_size : DEFAULT_CODE_CACHE;
        e->backend = backend_x86_64_new(m, size, options->disabled_passes >> n_opt_passes());
    }
    e->base.ops = e->backend ? &engine_ops_x86_64 : &engine_ops_interp;
    if (!e->backend) {
        e->backend = e->interp;
    }
    e->trace_blocks = instrument_registry_new();
    cache_init(&e->cache, m);
    probes_init(&e->probes);
    device_sites_init(&e->sites);
    e->no_sites = options->disabled_passes >> n_opt_passes() >> BACKEND_PASS_ALONE & 1;
    return &e->base;
}

const char *tcg_pass_name(unsigned i) {
    static const char *const of_backend[] = {
#define X(name, text) text,
        BACKEND_PASSES(X)
#undef X
            NULL};
    unsigned n = n_opt_passes();
    return i < n ? opt_passes[i].name : of_backend[i - n];
}
