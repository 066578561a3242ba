/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the x86-64 backend: the backend object, the state of compiling one block, and who offers what to
 * whom.
 *
 * A block is compiled in one pass over its IR. Two streams of code grow in the buffer: hot (what a block does
 * when all goes well) and cold (slow paths, exits), so that hot code is dense.
 *
 * Registers (alloc.c). A guest register is pinned in a host register or lives in the hart; a temporary lives
 * in a frame slot. Variables without a register of their own are cached in the local registers within the
 * block. A write to an unpinned guest register is stored at once ("store-through") unless the block
 * overwrites it before anybody could see it; so at every exit and slow path the hart is exact but for the
 * pinned registers.
 *
 * An emitter's order of work: take fixed registers, read the sources, ask for scratch registers, ask for the
 * destination, emit, finish. Sources stay locked until the op ends. ra_dst() may return a register that is
 * also a source, so the destination is written last or the emitter looks; ra_dst_apart() never does.
 */
#ifndef TCG_X86_64_COMPILER_H
#define TCG_X86_64_COMPILER_H

#include "core/probe_stack.h"
#include "tcg/backend.h"
#include "tcg/x86_64/emit.h"

#define HART_OFFSET(field) ((int32_t)offsetof(Hart, field) - HART_BIAS)
#define COUNTER_OFFSET(counter) ((int32_t)(HART_SCOREBOARD + (counter)) - HART_BIAS)
#define HART_COUNTER(counter) rm_mem(REG_HART, COUNTER_OFFSET(counter))
#define HART_RM(field) rm_mem(REG_HART, HART_OFFSET(field))

/* The frame below the enter trampoline's saved registers. */
enum {
    FRAME_TRACE = 0,  /* the block's record in the trace buffer */
    FRAME_VADDR = 8,  /* address of an access across its slow path; scratch word elsewhere */
    FRAME_SPILL = 16, /* temporaries */
    /* Six pushes and a return address lie above: the odd word keeps rsp 16-aligned. */
    FRAME_SIZE = 16 + 8 * (IR_MAX_VARS - IR_TEMP) + 8,
};

/* What the backend calls outside the generated code; the tests put their own here. */
typedef struct X86Env {
    uint64_t (*load)(Hart *h, Gva va, MemOp op);
    void (*store)(Hart *h, Gva va, uint64_t value, MemOp op);
    void *(*rmw)(Hart *h, Gva va, MemOp op);
    const IrHelperInfo *helpers;
    const RamBlock *ram; /* NULL: none that may be reached directly */
    unsigned disabled;   /* bits by BackendPass */
} X86Env;

/* Host features; all false gives code for any x86-64. */
typedef struct X86Features {
    bool bmi1, bmi2, lzcnt, popcnt, fma;
} X86Features;

/* Shared pieces of code, made once at the start of the cold stream. */
/* What an observer's call is: ProbeCall.fn, direct or direct_mem. */
typedef enum { PROBE_THUNK_HELPER, PROBE_THUNK_DIRECT, PROBE_THUNK_MEM, PROBE_THUNKS } ProbeThunk;

/* What a call that is followed in line is: ProbeSite's tail, space and keep; whether its target comes from a register. */
enum { STACK_TAIL = 1, STACK_INDIRECT = 2, STACK_SPACE = 4, STACK_KEEP = 8, STACK_PUSHES = 16 };

typedef struct X86Thunks {
    const uint8_t *enter;
    const uint8_t *leave[ENTER_TRACE + 1];     /* by EnterReason; rcx = pc (LINK: rax = Block), see exits.c */
    const uint8_t *go_on, *go_on_pc_set;       /* on at rcx or hart->pc, by ENTER_LOOP if need be */
    const uint8_t *load, *store[4], *lr, *rmw; /* slow paths, see mem.c; store: by log2 of the size */
    const uint8_t *save_all, *save_caller;     /* pinned registers to the hart */
    const uint8_t *call[2];                    /* helper call: 0 light, 1 full, see call.c */
    const uint8_t *probe[PROBE_THUNKS][2];     /* [kind][regs], see observe.c */
    const uint8_t *push[STACK_PUSHES], *pop[2]; /* [STACK_*], [keep], see stack.c */
} X86Thunks;

enum { USE_NONE = 0xffff }; /* "no later use" */
typedef struct OpUse {
    uint16_t a, b, c, dst; /* index of the next op that reads the variable, as it is after this op */
    bool store;            /* dst, if an unpinned guest register, must reach the hart */
} OpUse;

typedef struct Local {
    IrVar var;  /* IR_NONE: free */
    bool dirty; /* its home in memory is stale */
} Local;

/*
 * The page of the last access, while more accesses off the same unchanged register follow in the block: they
 * compare with `tag` and use `addend` instead of looking into the TLB. See page.c.
 */
typedef struct Page {
    IrVar base; /* IR_NONE: no page is held */
    HostReg tag, addend;
    uint8_t ctx;
    bool write; /* tag was compared with the write tag */
} Page;

typedef struct X86Backend X86Backend;

typedef struct Compiler {
    X86Backend *b;
    const IrBlock *ir;
    Block *block;
    Emit hot, cold;
    const IrOp *op;
    const OpUse *use;
    unsigned insn; /* index of the guest instruction */
    Gva pc;        /* its address */

    /* alloc.c */
    uint32_t locked; /* host registers in use by this op */
    uint32_t held;   /* local registers of `page` */
    Page page;
    Local local[HOST_REGS];
    int8_t reg[IR_MAX_VARS];    /* host register of a variable, or REG_NONE */
    bool constant[IR_MAX_VARS]; /* temporaries whose value is known: no code until it is needed */
    int64_t value[IR_MAX_VARS];
    int64_t fp_code;             /* what hart->fp_call holds; -1: unknown */
    uint16_t next[IR_MAX_VARS];  /* op that reads it next, for variables in local registers */
    uint16_t spill[IR_MAX_VARS]; /* frame slot of a temporary + 1; 0: none yet */
    unsigned n_spills;
    OpUse uses[IR_MAX_OPS];
} Compiler;

/* The mapping that holds all code. exec and write differ only where the host refuses writable code. */
typedef struct CodeBuffer {
    uint8_t *base;
    size_t size;
    ptrdiff_t write_delta; /* write address - execute address */
} CodeBuffer;

struct X86Backend {
    Backend base;
    X86Env env;
    X86Features features;
    CodeBuffer code;
    uint8_t *hot, *hot_start, *hot_end;
    uint8_t *cold, *cold_start, *cold_end;
    X86Thunks thunks;
    uint8_t reads[IR_N_OPS]; /* bits 0..2: a, b, c are variables read; bit 3: dst written */
    Compiler c;
};

/* -- backend.c ------------------------------------------------------------------------------------------- */
/* `size` bytes of code (a minimum applies). `features` must be ones the host has. NULL: no memory for code.
 */
Backend *x86_backend_new(const X86Env *env, const X86Features *features, size_t size);

/* -- dump.c ---------------------------------------------------------------------------------------------- */
void x86_disassemble(GString *to, const uint8_t *code, size_t size);
void x86_dump(Backend *b, const Block *block, GString *to);

/* -- buffer.c -------------------------------------------------------------------------------------------- */
bool code_buffer_init(CodeBuffer *buffer, size_t size);
bool code_buffer_init_twice(CodeBuffer *buffer, size_t size); /* even if once would do */
void code_buffer_done(CodeBuffer *buffer);

/* -- features.c ------------------------------------------------------------------------------------------ */
void x86_features_detect(X86Features *f);

/* -- alloc.c --------------------------------------------------------------------------------------------- */
void ra_begin(Compiler *c); /* a block: computes uses[] */
void ra_op_begin(Compiler *c);
void ra_op_end(Compiler *c);
/* Take a particular local register for this op; before any read. */
void ra_take(Compiler *c, HostReg r);
HostReg ra_read(Compiler *c, IrVar v);
/* The variable where it is, register or memory; IR_ZERO is not allowed. Never fails for want of registers. */
Rm ra_read_rm(Compiler *c, IrVar v);
/* The same, but neither loads nor locks: for a use that comes right now. */
Rm ra_peek_rm(Compiler *c, IrVar v);
HostReg ra_scratch(Compiler *c);
HostReg ra_dst(Compiler *c);
HostReg ra_dst_apart(Compiler *c);
/* dst's value is in r (a register from ra_dst*, ra_scratch or ra_take). */
void ra_finish(Compiler *c, HostReg r);
/* dst's value was stored to its home directly. */
void ra_finish_stored(Compiler *c);
/* dst, a temporary, is this constant from now on. */
void ra_finish_constant(Compiler *c, int64_t value);
/* Is it a known constant? */
bool ra_constant(const Compiler *c, IrVar v, int64_t *value);
Rm ra_home(Compiler *c, IrVar v);
/* r = v, which is in no register. */
void ra_load_home(Compiler *c, Emit *e, HostReg r, IrVar v);
bool ra_is_pinned(IrVar v);
/* Local registers whose contents are needed: after this op except its dst (sources: also those read by it).
 */
uint32_t ra_live(const Compiler *c, bool sources);
/* Around a call on the cold path: store what is dirty of `regs` / load them again. */
void ra_cold_save(Compiler *c, Emit *e, uint32_t regs);
void ra_cold_restore(Compiler *c, Emit *e, uint32_t regs);
/* Let the local registers of c->page go, or keep them for it from now on. */
void ra_page_drop(Compiler *c);
void ra_page_hold(Compiler *c, const Page *page);
/* Before a call in line: everything dirty goes home and nothing stays in a local register. */
void ra_flush(Compiler *c);

/* -- emitters by IR op ----------------------------------------------------------------------------------- */
typedef void OpEmitter(Compiler *c, unsigned arg);
typedef struct OpEntry {
    OpEmitter *fn;
    unsigned arg;
} OpEntry;

OpEmitter op_nothing, op_mov, op_movi, op_add, op_sub, op_logic, op_addw, op_subw, op_andn,
    op_not_b; /* ops_alu.c */
OpEmitter op_shadd, op_shadduw, op_extend, op_bswap, op_ldh, op_sth;
OpEmitter op_shift, op_shiftw, op_rotate, op_rotatew;                     /* ops_shift.c */
OpEmitter op_mul, op_mulw, op_mulh, op_mulhsu, op_div, op_divw;           /* ops_mul.c */
OpEmitter op_clz, op_ctz, op_cpop;                                        /* ops_bits.c */
OpEmitter op_setc, op_sel, op_minmax;                                     /* ops_cond.c */
OpEmitter op_ld, op_st;                                                   /* mem.c */
OpEmitter op_lr, op_sc, op_amo;                                           /* amo.c */
OpEmitter op_call;                                                        /* call.c */
OpEmitter op_exit_if, op_exit_to, op_exit_jump, op_exit_loop, op_exit_pc; /* exits.c */
OpEmitter op_count, op_lower, op_probe;                                   /* observe.c */
OpEmitter op_step;                                                        /* step.c */
OpEmitter op_trace;                                                       /* trace.c */

/*
 * Compare a with b (register, memory or constant, IR_ZERO included) and return the host condition under which
 * `a cond b` holds. Clobbers flags only.
 */
X86Cond cond_emit_compare(Compiler *c, IrCond cond, IrVar a, IrVar b, int64_t imm); /* ops_cond.c */

/* The two bits of op_div's and op_divw's argument. */
enum { DIV_SIGNED = 1, DIV_REMAINDER = 2 };

/* -- exits.c --------------------------------------------------------------------------------------------- */
void exits_make_thunks(X86Backend *b, Emit *e);
/* Budget check at the block's head. */
void exits_emit_entry(Compiler *c);
/* Cold code that gives the budget back as if the block had ended before instruction `insn`, and leaves. */
void exits_emit_leave(Compiler *c, EnterReason reason, Gva pc, unsigned insn);
void exits_link(X86Backend *b, Block *from, unsigned slot, Block *to);
void exits_unlink(X86Backend *b, Block *from, unsigned slot);
void exits_emit_save_pinned(Emit *e, uint32_t hosts);
void exits_emit_load_pinned(Emit *e, uint32_t hosts);

/* -- step.c ---------------------------------------------------------------------------------------------- */
void step_emit_entry(Compiler *c);
/* Is there a way to the block that was counted when it is entered? */
bool step_is_counted(const Compiler *c);
/* Must the block's exits count? */
bool step_counts_exits(const Compiler *c);
/* Before an exit slot's jump. */
void step_emit_count(Compiler *c, Emit *e, unsigned slot);
enum { STEP_COUNT_BYTES = 8 };
/* The slot will lead to the block: where in it, with the way being counted; it will not any more. */
const uint8_t *step_link(Block *from, unsigned slot, const Block *to);
void step_unlink(Block *from, unsigned slot);

/* -- mem.c, call.c, trace.c ------------------------------------------------------------------------------ */
void mem_make_thunks(X86Backend *b, Emit *e);
void call_make_thunks(X86Backend *b, Emit *e);
void observe_make_thunks(X86Backend *b, Emit *e);
/* After those: a call that is followed in line, with the registers that observe.c has flushed. */
void stack_make_thunks(X86Backend *b, Emit *e);
const uint8_t *stack_thunk(const X86Backend *b, const ProbeSite *site, bool is_call, bool indirect);
/* Before what may leave the block in the middle: which one it is, in case that merged counters must be put right. */
void observe_emit_block(Compiler *c, Emit *e, HostReg scratch);
/* On the cold path: a light call of the op's helper; the result is in rax, local registers are lost. */
void call_cold(Compiler *c);
/* fpu.c: the op, a call of an FP helper, in line. False: not one that can be. */
bool fpu_emit_call(Compiler *c);

/* A TLB probe as far as the host address: see mem.c. */
typedef struct Probe {
    HostReg base; /* address = base + disp */
    int32_t disp;
    bool constant; /* the address is, and this: */
    Gva address;
    HostReg s1, s2; /* scratch */
    HostReg s3;     /* scratch, for traced accesses, atomics, and some that hold the page; else REG_NONE */
    HostReg addend; /* after the probe; s1 unless the page is held */
    bool hold;      /* s1 and s2 stay, as the page's tag and addend */
    uint8_t *miss;  /* forward jump to the cold path */
} Probe;
/* Nothing may be allocated between the probe and the end of the access: the cold path would not know. */
void mem_probe_alloc(Compiler *c, Probe *p);
void mem_probe_emit(Compiler *c, Probe *p, bool write);
void mem_probe(Compiler *c, Probe *p, bool write); /* both */
/* -- page.c */
bool page_is_held(const Compiler *c, bool write);   /* does c->page serve this op? */
bool page_is_wanted(const Compiler *c, bool write); /* will it serve a later one, when this op probes? */
/* Compare with the held page; `miss` is where it differs. p->s1 is the masked address. */
void page_probe(Compiler *c, Probe *p);
/* The cold path of that: look into the TLB, go to `access` with the new page, or on to p->miss (new). */
void page_probe_again(Compiler *c, Probe *p, const uint8_t *access);

bool mem_is_direct(const Compiler *c, const IrOp *op); /* without the TLB? */
/* Call the slow path; pc and left are the current instruction's. */
void mem_cold_call(Compiler *c, const Probe *p, const uint8_t *thunk);
int32_t mem_tlb_offset(const IrOp *op, size_t field);
void mem_cold_address(Compiler *c, const Probe *p); /* rax = address */
/* Word i of the op's slot in the trace record, whose address is in `record`. */
Rm trace_word(const Compiler *c, HostReg record, unsigned i);

static inline unsigned compiler_left(const Compiler *c) {
    return c->ir->n_insns - c->insn;
}

#endif
