/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/callstack_private.h"
#include "analyses/trackers/transfer.h"

/* An instruction that transfers control; `in` is what was looked up for it last too. */
typedef struct Site {
    ProbeSite in;
    CallStacks *stacks;
    int64_t offset;  /* of an indirect jump */
    int64_t program; /* of in.func; -1: nothing was looked up yet */
    uint8_t base, transfer;
    bool direct;
} Site;

static Gva site_target(const Site *s, const Hart *hart) {
    return s->direct ? s->in.target : (hart->x[s->base] + (uint64_t)s->offset) & ~(Gva)1;
}

static Func *site_func(Site *s, const Hart *hart, Gva target, bool must) {
    uint64_t satp = space_of(hart);
    bool is_same = s->program != -1 && s->in.target == target && s->in.satp == satp && (s->in.func || !must);
    if (is_same && hart->priv != PRIV_U) /* when a module goes its callers are translated anew */
        return s->in.func;
    int64_t program = program_of(s->stacks, hart, target);
    if (is_same && s->program == program)
        return s->in.func;
    s->in.target = target;
    s->in.satp = satp;
    s->program = program;
    bool begins = functions_begins(s->stacks->functions, target) ||
                  (program && programs_function_begins(s->stacks->programs, hart, target));
    s->in.func = must || begins ? stacks_function(s->stacks, target, satp, program) : NULL;
    return s->in.func;
}

static void make_call(Site *s, const Hart *hart) {
    Func *func = site_func(s, hart, site_target(s, hart), true);
    stacks_begin_call(s->stacks, hart, func, CALL_CALL, s->in.pc, s->in.ret, s->in.keep);
}

static void on_call(void *data, const Hart *hart) {
    Site *s = data;
    stacks_take_over(s->stacks, hart);
    make_call(s, hart);
    stacks_hand_back(s->stacks, hart);
}

static void on_return(void *data, const Hart *hart) {
    Site *s = data;
    stacks_take_over(s->stacks, hart);
    stacks_end_call(s->stacks, hart, site_target(s, hart), s->transfer == TRANSFER_RETURN);
    if (s->transfer == TRANSFER_RETURN_CALL)
        make_call(s, hart);
    stacks_hand_back(s->stacks, hart);
}

/* A jump to where a function begins, other than the one that it is in. */
static void on_jump(void *data, const Hart *hart) {
    Site *s = data;
    CallStacks *c = s->stacks;
    Func *func = site_func(s, hart, site_target(s, hart), false);
    if (!func)
        return;
    stacks_take_over(c, hart);
    if (!stacks_is_loop(c, hart, func))
        stacks_begin_call(c, hart, func, CALL_TAIL, s->in.pc, hart->x[RA], s->in.keep);
    stacks_hand_back(c, hart);
}

/* Jumps within a function are none of ours; where a program's begin is looked up when it jumps. */
static bool is_tail_site(const Site *s) {
    const Functions *functions = s->stacks->functions;
    return !s->direct || (s->in.space && programs_are_followed(s->stacks->programs)) ||
           (functions_begins(functions, s->in.target) &&
            functions_begin_of(functions, s->in.pc) != s->in.target);
}

static void set_target(Site *s, const ProbeInsn *insn) {
    int64_t offset;
    s->direct = transfer_offset(insn->raw, insn->len, &offset);
    if (s->direct) {
        s->in.target = insn->pc + (uint64_t)offset;
        return;
    }
    s->base = insn->len == 4 ? insn->raw >> 15 & 31 : insn->raw >> 7 & 31;
    s->offset = insn->len == 4 ? (int32_t)insn->raw >> 20 : 0;
}

/* A program may have functions that are not in the table symbol. */
static void set_tail(Site *s, bool is_user) {
    s->in.tail = true;
    s->in.inside = functions_begin_of(s->stacks->functions, s->in.pc) + 1;
    s->in.length = is_user ? 0 : functions_inside(s->stacks->functions, s->in.pc);
}

/* Which program runs is not known to generated code. */
static void add_site(CallStacks *c, ProbeBlock *b, unsigned i, Site *s) {
    bool is_known = !(s->in.space && programs_are_followed(c->programs));
    if (c->in_line && (s->transfer == TRANSFER_CALL || s->in.tail) && is_known)
        probe_add_stack_call(b, i, &s->in, s->base, (int32_t)s->offset);
    else if (c->in_line && s->transfer == TRANSFER_RETURN)
        probe_add_stack_return(b, i, &s->in, s->base, (int32_t)s->offset);
    else
        probe_add_call(b, i, s->in.fn, s, true);
}

static void attach(CallStacks *c, ProbeBlock *b, unsigned i, const ProbeInsn *insn, Transfer transfer) {
    static ProbeFn *const fns[] = {[TRANSFER_JUMP] = on_jump,
                                   [TRANSFER_CALL] = on_call,
                                   [TRANSFER_RETURN] = on_return,
                                   [TRANSFER_RETURN_CALL] = on_return};
    bool is_user = (probe_block_flags(b) >> FLAG_PRIV_SHIFT & 3) == PRIV_U;
    Site site = {.stacks = c,
                 .transfer = (uint8_t)transfer,
                 .program = -1,
                 .in = {.fn = fns[transfer],
                        .place = c->place,
                        .pc = insn->pc,
                        .ret = insn->pc + insn->len,
                        .space = is_user,
                        .keep = c->watchers->len > 0}};
    set_target(&site, insn);
    if (transfer == TRANSFER_JUMP && !is_tail_site(&site))
        return;
    if (transfer == TRANSFER_JUMP)
        set_tail(&site, is_user);
    Site *kept = probe_block_alloc(b, sizeof *kept);
    *kept = site;
    add_site(c, b, i, kept);
}

/* Of an instruction that lowers the stack pointer. */
typedef struct StackSite {
    CallStacks *stacks;
    int64_t add;
} StackSite;

static void on_stack(void *data, const Hart *hart) {
    const StackSite *s = data;
    ProbeStack *p = s->stacks->places[hart->id];
    p->min_sp = MIN(p->min_sp, hart->x[SP] + (uint64_t)s->add);
}

static void attach_stack(CallStacks *c, ProbeBlock *b, unsigned i, int64_t add) {
    if (c->in_line) {
        probe_add_lower(b, i, SP, (int32_t)add, c->place + (uint32_t)offsetof(ProbeStack, min_sp));
        return;
    }
    StackSite *s = probe_block_alloc(b, sizeof *s);
    *s = (StackSite){c, add};
    probe_add_call(b, i, on_stack, s, true);
}

void stacks_attach(CallStacks *c, ProbeBlock *b) {
    if (probe_block_is_again(b))
        return;
    for (unsigned i = 0; i < probe_block_n_insns(b); i++) {
        const ProbeInsn *insn = probe_block_insn(b, i);
        int64_t add = c->watchers->len ? transfer_stack_add(insn->raw, insn->len) : 0;
        if (add < 0)
            attach_stack(c, b, i, add);
        Transfer transfer = transfer_decode(insn->raw, insn->len);
        if (transfer != TRANSFER_NONE && transfer != TRANSFER_BRANCH && transfer != TRANSFER_XRET)
            attach(c, b, i, insn, transfer);
    }
}
