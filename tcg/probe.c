/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tcg/probe.h"

#include <string.h>

#include "tcg/ir/eval.h"
#include "tcg/steps.h"

/* What an instruction needs at most when everything goes through calls: one at its beginning, and for its
 * access the address, the operand's way into the hart, and a call. */
#define OPS_PER_INSN 5u

void probes_init(Probes *p) {
    *p = (Probes){0};
    arena_init(&p->arenas[0]);
    arena_init(&p->arenas[1]);
    arena_init(&p->tail);
    p->requests = g_array_new(FALSE, FALSE, sizeof(ProbeRequest));
    p->steps = g_ptr_array_new();
    p->ops = g_new(IrOp, IR_MAX_OPS);
}

void probes_done(Probes *p) {
    arena_done(&p->arenas[0]);
    arena_done(&p->arenas[1]);
    arena_done(&p->tail);
    g_array_unref(p->requests);
    g_ptr_array_unref(p->steps);
    g_free(p->ops);
}

void probes_flush(Probes *p) {
    p->current ^= 1;
    arena_reset(&p->arenas[p->current]);
}

static void *probes_alloc(void *opaque, size_t size) {
    Probes *p = opaque;
    return arena_alloc(p->in_tail ? &p->tail : &p->arenas[p->current], size);
}

/* -- what generated code calls --------------------------------------------------------------------------- */

static void do_lower(const Hart *h, const ProbeRequest *r) {
    uint64_t *counter = hart_counter(h, r->counter);
    *counter = MIN(*counter, h->x[r->base] + r->value);
}

static void do_inline(const Hart *h, const ProbeRequest *r) {
    uint64_t *counter = hart_counter(h, r->counter);
    *counter = r->op == PROBE_ADD ? *counter + r->value : r->value;
}

static void run_begin(Hart *h, const ProbeCall *call, uint64_t a, uint64_t b, uint64_t c) {
    for (uint32_t i = 0; i < call->n; i++) {
        const ProbeRequest *r = &call->requests[i];
        if (r->kind == PROBE_DO_INLINE) {
            do_inline(h, r);
        } else if (r->kind == PROBE_DO_LOWER) {
            do_lower(h, r);
        } else if (r->kind != PROBE_DO_CALL_IF ||
                   probe_cond_holds(r->op, *hart_counter(h, r->counter), r->value)) {
            r->fn.call(r->data, h);
        }
    }
}

/* Without address and value. */
static ProbeAccess access_made(MemOp mem, bool is_write) {
    return (ProbeAccess){.size = MEM_KIND(mem) == MEM_CBO_ZERO ? 6 : mem & MEM_SIZE_MASK,
                         .is_write = is_write,
                         .is_signed = !is_write && (mem & MEM_SIGN),
                         .ctx = MEM_CTX(mem)};
}

static void report(Hart *h, const ProbeCall *call, Gva va, uint64_t value, bool is_write) {
    ProbeAccess access = access_made(call->mem, is_write);
    access.va = va;
    access.value = probe_access_bytes(&access, value);
    for (uint32_t i = 0; i < call->n; i++) {
        const ProbeRequest *r = &call->requests[i];
        if (!(r->access & (is_write ? PROBE_WRITE : PROBE_READ))) {
            continue;
        }
        if (r->kind == PROBE_DO_MEM) {
            r->fn.mem(r->data, h, &access);
        } else {
            do_inline(h, r);
        }
    }
}

/* a: address, b: value. */
static void run_load(Hart *h, const ProbeCall *call, uint64_t a, uint64_t b, uint64_t c) {
    report(h, call, a, b, false);
}
static void run_store(Hart *h, const ProbeCall *call, uint64_t a, uint64_t b, uint64_t c) {
    report(h, call, a, b, true);
}

/* c: the instruction's result, 0 if it stored. */
static void run_sc(Hart *h, const ProbeCall *call, uint64_t a, uint64_t b, uint64_t c) {
    if (c == 0) {
        report(h, call, a, b, true);
    }
}

/* b: old value; the other operand was put into the hart before. */
static void run_amo(Hart *h, const ProbeCall *call, uint64_t a, uint64_t b, uint64_t c) {
    bool word = MEM_SIZE(call->mem) == 4;
    uint64_t operand = word ? eval_sext32(h->probe_operand) : h->probe_operand;
    report(h, call, a, b, false);
    report(h, call, a, ir_eval_amo((IrAmo)call->amo, b, operand), true);
}

/* The observed block of zeros begins at a multiple of its size. */
static void run_cbo(Hart *h, const ProbeCall *call, uint64_t a, uint64_t b, uint64_t c) {
    report(h, call, a & ~(Gva)63, 0, true);
}

/* -- writing the new block ------------------------------------------------------------------------------- */

typedef struct Writer {
    Probes *p;
    IrBlock *ir;
    uint32_t n;    /* ops written */
    uint32_t read; /* ops read */
    uint32_t next; /* of p->requests: first of the instruction at hand */
    unsigned insn;
    uint32_t stretch; /* first op whose COUNTs may still be added to */
    ProbeUndo *undo;
    unsigned n_undo;
} Writer;

/* BLOCK_MAX_INSNS instructions with this many merged additions; further ones go through calls. */
#define MAX_UNDO 256u

static ProbeRequest *request(const Writer *w, uint32_t i) {
    return &g_array_index(w->p->requests, ProbeRequest, i);
}

static IrOp *put(Writer *w, const IrOp *op) {
    g_assert(w->n < IR_MAX_OPS);
    w->p->ops[w->n] = *op;
    return &w->p->ops[w->n++];
}

/* May n more ops be spent on this instruction, so that the rest of the block still gets what it must have? */
static bool has_spare_ops(const Writer *w, uint32_t n) {
    uint32_t rest = w->ir->n_ops - w->read + (w->ir->n_insns - w->insn) * OPS_PER_INSN;
    return w->n + rest + n < IR_MAX_OPS;
}

static void end_stretch(Writer *w) {
    w->stretch = w->n;
}

static bool fits_i32(int64_t v) {
    return v == (int32_t)v;
}

/* Add to a counter here, or earlier in this stretch. False: no room. */
static bool count_add(Writer *w, uint32_t counter, uint64_t value, bool after_access) {
    uint8_t due = (uint8_t)(2 * w->insn + after_access);
    if (!fits_i32((int64_t)value)) {
        return false;
    }
    for (uint32_t i = w->stretch; i < w->n; i++) {
        IrOp *op = &w->p->ops[i];
        if (op->op != IR_COUNT || op->mem != counter || op->aux != PROBE_ADD ||
            !fits_i32(op->imm + (int64_t)value)) {
            continue;
        }
        if (w->n_undo == MAX_UNDO) {
            return false;
        }
        if (op->c != due) {
            w->undo[w->n_undo++] = (ProbeUndo){(uint8_t)op->c, due, counter, (int32_t)value};
        }
        op->imm += (int64_t)value;
        return true;
    }
    if (!has_spare_ops(w, 1)) {
        return false;
    }
    put(w, &(IrOp){.op = IR_COUNT, .aux = PROBE_ADD, .c = due, .mem = counter, .imm = (int64_t)value});
    return true;
}

static IrOp *put_call(Writer *w, ProbeHelper *fn, const ProbeRequest *requests, uint32_t n, ProbeCall **ret) {
    ProbeCall *call = probes_alloc(w->p, sizeof *call + n * sizeof *requests);
    memset(call, 0, sizeof *call);
    call->fn = fn;
    call->n = n;
    memcpy(call->requests, requests, n * sizeof *requests);
    for (uint32_t i = 0; i < n; i++) {
        call->regs |= requests[i].regs;
    }
    *ret = call;
    IrOp *op = put(w, &(IrOp){.op = IR_PROBE, .imm = (intptr_t)call});
    end_stretch(w);
    return op;
}

/* -- at the beginning of an instruction ------------------------------------------------------------------ */

static bool is_simple_condition(const ProbeRequest *r) {
    return r->kind == PROBE_DO_CALL_IF && fits_i32((int64_t)r->value);
}

static bool is_stack(const ProbeRequest *r) {
    return r->kind == PROBE_DO_STACK_CALL || r->kind == PROBE_DO_STACK_RETURN;
}

static void put_begin(Writer *w, const ProbeRequest *requests, uint32_t n) {
    ProbeCall *call;
    if (n == 0) {
        return;
    }
    IrOp *op = put_call(w, run_begin, requests, n, &call);
    if (n == 1 && is_stack(requests)) {
        call->follow = requests->kind;
        call->value = (int32_t)requests->value;
        op->a = requests->base;
    }
    if (n == 1 && requests->kind != PROBE_DO_LOWER &&
        (requests->kind != PROBE_DO_CALL_IF || is_simple_condition(requests))) {
        call->direct = requests->fn.call;
        call->data = requests->data;
    }
    if (n == 1 && is_simple_condition(requests)) {
        call->conditional = true;
        call->cond = requests->op;
        call->counter = requests->counter;
        call->value = (int32_t)requests->value;
        call->requests[0].kind = PROBE_DO_CALL;
    }
}

/* requests[0..n) in their order; conditions are tested, and counters added to, without a call where there is
 * room. */
static void begin_insn(Writer *w, const ProbeRequest *requests, uint32_t n) {
    uint32_t pending = 0; /* requests before i that wait for a common call */
    for (uint32_t i = 0; i < n; i++) {
        const ProbeRequest *r = &requests[i];
        bool is_inline = r->kind == PROBE_DO_INLINE && fits_i32((int64_t)r->value);
        bool alone = is_simple_condition(r) || is_stack(r) || r->kind == PROBE_DO_LOWER;
        if (!(is_inline || alone) || !has_spare_ops(w, 1)) {
            pending++;
            continue;
        }
        put_begin(w, r - pending, pending);
        pending = 0;
        if (r->kind == PROBE_DO_LOWER) {
            put(w, &(IrOp){.op = IR_LOWER, .a = r->base, .mem = r->counter, .imm = (int64_t)r->value});
            end_stretch(w);
        } else if (alone) {
            put_begin(w, r, 1);
        } else if (r->op == PROBE_STORE) {
            put(w, &(IrOp){.op = IR_COUNT, .aux = PROBE_STORE, .mem = r->counter, .imm = (int64_t)r->value});
            end_stretch(w);
        } else if (!count_add(w, r->counter, r->value, false)) {
            pending = 1;
        }
    }
    put_begin(w, requests + n - pending, pending);
}

/* -- at an access ---------------------------------------------------------------------------------------- */

static bool is_access(const IrOp *op) {
    return (ir_op_flags(op->op) & IROP_MEM) || (op->op == IR_CALL && op->imm == HELPER_cbo_zero);
}

static unsigned access_of(const IrOp *op) {
    switch (op->op) {
    case IR_LD:
    case IR_LR: return PROBE_READ;
    case IR_AMO: return PROBE_READ | PROBE_WRITE;
    default: return PROBE_WRITE;
    }
}

/* Requests for the accesses of instruction `insn` that only add to counters, each once for an access. */
static bool count_access(Writer *w, const IrOp *op, const ProbeRequest *requests, uint32_t n) {
    if (op->op == IR_SC) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (requests[i].kind != PROBE_DO_MEM_INLINE || requests[i].op != PROBE_ADD ||
            !fits_i32(2 * (int64_t)requests[i].value)) {
            return false;
        }
    }
    if (w->n_undo + n > MAX_UNDO || !has_spare_ops(w, n)) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        unsigned times = (unsigned)__builtin_popcount(requests[i].access & access_of(op));
        bool done = count_add(w, requests[i].counter, times * requests[i].value, true);
        g_assert(done);
    }
    return true;
}

static IrVar keep_address(Writer *w, const IrOp *op) {
    if (op->op == IR_CALL) {
        IrVar copy = ir_temp(w->ir);
        put(w, &(IrOp){.op = IR_MOV, .dst = copy, .a = op->a});
        return copy;
    }
    IrVar va = ir_temp(w->ir);
    put(w, &(IrOp){.op = IR_ADD, .dst = va, .a = op->a, .b = IR_IMM, .imm = op->imm});
    return va;
}

/* The access with a call behind it. The address is taken before, since a load may overwrite its base. */
static void call_access(Writer *w, const IrOp *op, const ProbeRequest *requests, uint32_t n) {
    static ProbeHelper *const helpers[IR_N_OPS] = {
        [IR_LD] = run_load, [IR_LR] = run_load, [IR_ST] = run_store,
        [IR_SC] = run_sc,   [IR_AMO] = run_amo, [IR_CALL] = run_cbo};
    IrVar va = keep_address(w, op), value = op->b;
    if (op->op == IR_AMO) {
        put(w, &(IrOp){.op = IR_STH, .a = op->b, .aux = 3, .imm = offsetof(Hart, probe_operand)});
    }
    if (op->op == IR_SC && op->dst == op->b) {
        value = ir_temp(w->ir);
        put(w, &(IrOp){.op = IR_MOV, .dst = value, .a = op->b});
    }
    put(w, op);
    if (access_of(op) & PROBE_READ) {
        value = op->dst;
    }
    ProbeCall *call;
    IrOp *probe = put_call(w, helpers[op->op], requests, n, &call);
    probe->a = va;
    probe->b = op->op == IR_CALL ? IR_ZERO : value;
    probe->c = op->op == IR_SC ? op->dst : IR_ZERO;
    call->mem = op->op == IR_CALL ? MEM_CBO_ZERO << MEM_KIND_SHIFT |
                                        (MemOp)((w->ir->flags >> FLAG_CTX_SHIFT) & 7) << MEM_CTX_SHIFT
                                  : op->mem;
    call->amo = op->aux;
    bool plain = op->op == IR_LD || op->op == IR_LR || op->op == IR_ST;
    if (n == 1 && plain && requests->kind == PROBE_DO_MEM && (requests->access & access_of(op))) {
        call->direct_mem = requests->fn.mem;
        call->data = requests->data;
        call->access = access_made(op->mem, op->op == IR_ST);
    }
}

static void put_access(Writer *w, const IrOp *op, const ProbeRequest *requests, uint32_t n) {
    IrOp copy = *op;
    if (n == 0) {
        put(w, &copy);
        return;
    }
    uint32_t at = w->n;
    put(w, &copy);
    if (!count_access(w, &copy, requests, n)) {
        w->n = at;
        call_access(w, &copy, requests, n);
    }
}

/* -- the block ------------------------------------------------------------------------------------------- */

static gint compare_requests(gconstpointer a, gconstpointer b) {
    const ProbeRequest *x = a, *y = b;
    uint32_t i = x->insn + 1, k = y->insn + 1; /* PROBE_AT_BLOCK comes first */
    if (i != k) {
        return i < k ? -1 : 1;
    }
    return (x->kind >= PROBE_DO_MEM) - (y->kind >= PROBE_DO_MEM);
}

/* The requests for this instruction's beginning, or for its access, from w->next on. */
static uint32_t n_requests(const Writer *w, uint32_t from, bool access) {
    uint32_t i = from;
    while (i < w->p->requests->len) {
        const ProbeRequest *r = request(w, i);
        bool here = r->insn == w->insn || (r->insn == PROBE_AT_BLOCK && w->insn == 0);
        if (!here || (r->kind >= PROBE_DO_MEM) != access) {
            break;
        }
        i++;
    }
    return i - from;
}

/* All exits are the last instruction's. */
static void put_step(Writer *w, bool *done) {
    if (w->ir->steps && !*done) {
        g_assert(w->insn + 1u == w->ir->n_insns);
        put(w, &(IrOp){.op = IR_STEP});
        *done = true;
    }
}

/* insn marks: the array stays in place, because a request's address is only used at once. */
static void rewrite(Writer *w) {
    bool stepped = false;
    for (w->read = 0; w->read < w->ir->n_ops; w->read++) {
        const IrOp *op = &w->ir->ops[w->read];
        if (ir_op_flags(op->op) & (IROP_EXIT | IROP_END)) {
            put_step(w, &stepped);
        }
        if (op->op == IR_INSN) {
            w->insn = op->c;
            put(w, op);
            uint32_t n = n_requests(w, w->next, false);
            begin_insn(w, n ? request(w, w->next) : NULL, n);
            w->next += n;
        } else if (is_access(op)) {
            uint32_t n = n_requests(w, w->next, true);
            put_access(w, op, n ? request(w, w->next) : NULL, n);
            w->next += n;
        } else {
            put(w, op);
            if (ir_op_flags(op->op) & IROP_EXIT) {
                end_stretch(w); /* what follows is not reached if it is taken */
            }
        }
    }
}

static void describe(const ProbeCode *code, const IrBlock *ir, ProbeInsn *insns) {
    unsigned n = 0;
    for (uint32_t i = 0; i < ir->n_ops; i++) {
        const IrOp *op = &ir->ops[i];
        if (op->op == IR_INSN) {
            ProbeInsn *insn = &insns[n++];
            *insn = (ProbeInsn){.pc = (Gva)op->imm, .len = op->aux};
            for (unsigned k = 0; k < op->aux; k++) {
                insn->raw |= (uint32_t)code->bytes[insn->pc - ir->pc + k] << 8 * k;
            }
        } else if (n > 0 && is_access(op)) {
            insns[n - 1].access |= access_of(op);
        }
    }
}

static void keep_steps(Probes *p, const ProbeBlock *b, IrBlock *ir) {
    if (b->steps->len == 0) {
        return;
    }
    BlockSteps *s = probes_alloc(p, sizeof *s + b->steps->len * sizeof s->step[0]);
    *s = (BlockSteps){.again = b->again, .n_insns = ir->n_insns, .n = b->steps->len};
    for (uint32_t i = 0; i < s->n; i++) {
        s->step[i] = b->steps->pdata[i];
        s->goes_on |= s->step[i]->goes_on;
    }
    ir->steps = s;
    ir->exit_flags = (ir->exit_flags & ~FLAG_GOES_ON) | (s->goes_on ? FLAG_GOES_ON : 0);
}

bool probe_instrument(Probes *p, Machine *m, const ProbeCode *code, IrBlock *ir) {
    ProbeInsn insns[BLOCK_MAX_INSNS];
    ProbeUndo undo[MAX_UNDO];
    describe(code, ir, insns);
    ir->probed = true;
    p->in_tail = code->tail;
    if (p->in_tail) {
        arena_reset(&p->tail);
    }
    g_array_set_size(p->requests, 0);
    g_ptr_array_set_size(p->steps, 0);
    ProbeBlock b = {.pc = ir->pc,
                    .paddr = code->paddr,
                    .host = code->host,
                    .flags = ir->flags,
                    .n_insns = ir->n_insns,
                    .insns = insns,
                    .again = code->again,
                    .requests = p->requests,
                    .steps = p->steps,
                    .alloc = probes_alloc,
                    .opaque = p};
    hooks_translate(m->hooks, &b);
    bool others_hold = scoreboard_derive(m, &b);
    keep_steps(p, &b, ir);
    if (p->requests->len == 0 && !ir->steps) {
        return others_hold;
    }
    g_array_sort(p->requests, compare_requests); /* stable */
    Writer w = {.p = p, .ir = ir, .undo = undo};
    rewrite(&w);
    g_assert(w.next == p->requests->len);
    memcpy(ir->ops, p->ops, w.n * sizeof *p->ops);
    ir->n_ops = w.n;
    ir->n_undo = (uint16_t)w.n_undo;
    if (w.n_undo) {
        ProbeUndo *kept = probes_alloc(p, w.n_undo * sizeof *kept);
        memcpy(kept, undo, w.n_undo * sizeof *kept);
        ir->undo = kept;
    }
    return others_hold;
}

void probe_undo(const Hart *h, const ProbeUndo *undo, unsigned n, unsigned insn) {
    for (unsigned i = 0; i < n; i++) {
        if (undo[i].made <= 2 * insn && undo[i].due > 2 * insn) {
            *hart_counter(h, undo[i].counter) -= (uint64_t)(int64_t)undo[i].value;
        }
    }
}
