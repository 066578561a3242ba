/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and stores. Hot path:
 *
 *     s1 = address; s2 = (address >> 12 & mask) * 32; s1 &= page mask | (size - 1)
 *     cmp s1, [hart->tlb[ctx] + s2 + tag] ; jne cold
 *     s1 = [… + addend] ; access [s1 + base + disp]
 *
 * The cold path calls a thunk with rax = address, rdx = value, rcx = pc and, pushed, left | memop << 8. The
 * thunk makes the hart exact, calls the slow path, leaves the block if that left hart->exit set, and
 * otherwise returns with all pinned registers and with the result in rax; it pops what was pushed. Local
 * registers are lost.
 */
#include "tcg/x86_64/compiler.h"

enum { PACK_MEM_SHIFT = 8 };

/* tlb[ctx][0].field, for a probe with a constant or a scaled index. */
int32_t mem_tlb_offset(const IrOp *op, size_t field) {
    return (int32_t)(offsetof(Hart, tlb) + MEM_CTX(op->mem) * sizeof(((Hart *)0)->tlb[0]) + field) -
           HART_BIAS;
}

static void probe_base(Compiler *c, Probe *p) {
    const IrOp *op = c->op;
    int64_t value = 0;
    p->constant = op->a == IR_ZERO || ra_constant(c, op->a, &value);
    p->address = (Gva)value + (Gva)op->imm;
    p->disp = 0;
    if (p->constant) {
        p->base = ra_scratch(c);
        emit_imm(&c->hot, p->base, p->address);
    } else if (fits_i32(op->imm)) {
        p->base = ra_read(c, op->a);
        p->disp = (int32_t)op->imm;
    } else {
        p->base = ra_scratch(c);
        emit_imm(&c->hot, p->base, (uint64_t)op->imm);
        emit_rm(&c->hot, O_ADD | W, p->base, ra_peek_rm(c, op->a));
    }
}

/* s2 = offset of the entry in the context's TLB, s1 = masked address. */
static void probe_index(Compiler *c, const Probe *p) {
    Emit *e = &c->hot;
    HostReg address = p->base;
    if (p->disp) {
        address = p->s1;
        emit_rm(e, O_LEA | W, p->s1, rm_mem(p->base, p->disp));
    }
    G_STATIC_ASSERT(sizeof(TlbEntry) == 32 && PAGE_BITS > 5);
    if (c->b->features.bmi2) {
        emit_vex(e, V_RORX, p->s2, 0, rm_reg(address));
        emit_u8(e, PAGE_BITS - 5);
    } else {
        emit_mov32(e, p->s2, address);
        emit_shift_imm(e, 0, SH_SHR, p->s2, PAGE_BITS - 5);
    }
    emit_mov(e, p->s1, address);
    emit_alu_imm(e, W, ALU_AND, rm_reg(p->s1), (int32_t)(PAGE_MASK | (MEM_SIZE(c->op->mem) - 1)));
    emit_alu_imm(e, 0, ALU_AND, rm_reg(p->s2), (TLB_ENTRIES - 1) * sizeof(TlbEntry));
}

/* -- loads without the TLB ---------------------------------------------------------------------------------- */

/*
 * In M mode without a PMP in the way (FLAG_DIRECT) an address is one of main RAM or it is not, and RAM lies in one piece
 * in the host's memory: misaligned loads are as good as others. An access that is traced, or followed by
 * an observer's call, keeps to the TLB, which is asked for its physical address.
 */
bool mem_is_direct(const Compiler *c, const IrOp *op) {
    const RamBlock *ram = c->b->env.ram;
    return op->op == IR_LD && op->slot == 0 && ram && ram->size <= INT32_MAX &&
           (c->ir->flags & FLAG_DIRECT) && MEM_CTX(op->mem) == CTX_M && op[1].op != IR_PROBE &&
           !(c->b->env.disabled & 1u << BACKEND_PASS_DIRECT);
}

/* s1 = address - RAM's base, compared with RAM's size; addend: from guest to host addresses. */
static void direct_probe(Compiler *c, Probe *p) {
    Emit *e = &c->hot;
    const RamBlock *ram = c->b->env.ram;
    int64_t offset = p->disp - (int64_t)ram->base;
    if (fits_i32(offset)) {
        emit_rm(e, O_LEA | W, p->s1, rm_mem(p->base, (int32_t)offset));
    } else {
        emit_imm(e, p->s1, (uint64_t)offset);
        emit_rr(e, O_ADD | W, p->s1, p->base);
    }
    emit_alu_imm(e, W, ALU_CMP, rm_reg(p->s1), (int32_t)(ram->size - MEM_SIZE(c->op->mem)));
    p->miss = emit_jcc(e, CC_A);
    emit_imm(e, p->s2, (uintptr_t)ram->host - ram->base);
    p->addend = p->s2;
}

/* The loaded or stored variable. */
static bool data_is_pinned(const IrOp *op) {
    return ra_is_pinned(op->op == IR_ST ? op->b : op->dst);
}

void mem_probe_alloc(Compiler *c, Probe *p) {
    const IrOp *op = c->op;
    probe_base(c, p);
    p->s1 = ra_scratch(c);
    p->s2 = ra_scratch(c);
    bool write = op->op != IR_LD;
    p->hold = !p->constant && page_is_wanted(c, write);
    bool more = op->slot || (op->op != IR_LD && op->op != IR_ST) || (p->hold && !data_is_pinned(op));
    p->s3 = more ? ra_scratch(c) : REG_NONE;
}

void mem_probe_emit(Compiler *c, Probe *p, bool write) {
    Emit *e = &c->hot;
    const IrOp *op = c->op;
    Rm tag =
        rm_mem(REG_HART, mem_tlb_offset(op, write ? offsetof(TlbEntry, write) : offsetof(TlbEntry, read)));
    Rm addend = rm_mem(REG_HART, mem_tlb_offset(op, offsetof(TlbEntry, addend)));
    if (p->constant) {
        int32_t entry = (int32_t)((p->address >> PAGE_BITS & (TLB_ENTRIES - 1)) * sizeof(TlbEntry));
        tag.disp += entry;
        addend.disp += entry;
        emit_imm(e, p->s1, p->address & (PAGE_MASK | (MEM_SIZE(op->mem) - 1)));
    } else {
        tag.index = addend.index = (int8_t)p->s2;
        probe_index(c, p);
    }
    emit_cmp(e, W, p->s1, tag);
    p->miss = emit_jcc(e, CC_NE);
    p->addend = p->hold ? p->s2 : p->s1;
    emit_load(e, p->addend, addend);
    if (p->hold) {
        ra_page_hold(c, &(Page){op->a, p->s1, p->s2, MEM_CTX(op->mem), write});
    }
}

void mem_probe(Compiler *c, Probe *p, bool write) {
    mem_probe_alloc(c, p);
    mem_probe_emit(c, p, write);
}

void mem_cold_call(Compiler *c, const Probe *p, const uint8_t *thunk) {
    Emit *e = &c->cold;
    emit_push_imm(e, (int32_t)(compiler_left(c) | c->op->mem << PACK_MEM_SHIFT));
    observe_emit_block(c, e, RCX);
    emit_imm(e, RCX, c->pc);
    emit_call_to(e, thunk);
}

void mem_cold_address(Compiler *c, const Probe *p) {
    if (p->disp) {
        emit_rm(&c->cold, O_LEA | W, RAX, rm_mem(p->base, p->disp));
    } else {
        emit_mov(&c->cold, RAX, p->base);
    }
}

/* -- loads --------------------------------------------------------------------------------------------------
 */

static void trace_load_hot(Compiler *c, const Probe *p, HostReg d) {
    Emit *e = &c->hot;
    const IrOp *op = c->op;
    unsigned size = op->mem & MEM_SIZE_MASK;
    HostReg s3 = p->s3;
    emit_rm(e, O_LEA | W, s3, rm_mem(p->base, p->disp));
    emit_load(e, p->s2, rm_mem(RSP, FRAME_TRACE));
    emit_store(e, trace_word(c, p->s2, 0), s3);
    emit_rr(e, O_ADD | W, p->s1, s3);
    emit_store(e, trace_word(c, p->s2, 1), p->s1);
    emit_load_size(e, size, false, s3, rm_mem(p->s1, 0));
    emit_store(e, trace_word(c, p->s2, 2), s3);
    emit_load_size(e, size, op->mem & MEM_SIGN, d, rm_reg(s3));
}

static void load_cold(Compiler *c, const Probe *p, HostReg d) {
    Emit *e = &c->cold;
    const IrOp *op = c->op;
    uint32_t live = ra_live(c, false);
    emit_label(p->miss, e->p);
    ra_cold_save(c, e, live);
    mem_cold_address(c, p);
    if (op->slot) {
        emit_load(e, RCX, rm_mem(RSP, FRAME_TRACE));
        emit_store(e, trace_word(c, RCX, 0), RAX);
    }
    mem_cold_call(c, p, c->b->thunks.load);
    if (op->slot) {
        emit_load(e, RCX, rm_mem(RSP, FRAME_TRACE));
        emit_load_size(e, op->mem & MEM_SIZE_MASK, false, RDX, rm_reg(RAX));
        emit_store(e, trace_word(c, RCX, 2), RDX);
        emit_load(e, RDX, HART_RM(mem_loc));
        emit_store(e, trace_word(c, RCX, 1), RDX);
    }
    emit_load_size(e, op->mem & MEM_SIZE_MASK, op->mem & MEM_SIGN, d, rm_reg(RAX));
    ra_cold_restore(c, e, live);
    emit_jmp_to(e, c->hot.p);
}

void op_ld(Compiler *c, unsigned arg) {
    const IrOp *op = c->op;
    bool direct = mem_is_direct(c, op);
    bool held = !direct && page_is_held(c, false);
    Probe p = {.s3 = REG_NONE};
    if (direct) {
        probe_base(c, &p);
        p.s1 = ra_scratch(c);
        p.s2 = ra_scratch(c);
        direct_probe(c, &p);
    } else if (held) {
        page_probe(c, &p);
    } else {
        mem_probe(c, &p, false);
    }
    const uint8_t *access = c->hot.p;
    HostReg d = ra_is_pinned(op->dst) ? (HostReg)c->reg[op->dst] : p.hold ? p.s3 : p.s1;
    if (op->slot) {
        trace_load_hot(c, &p, d);
    } else {
        emit_load_size(&c->hot, op->mem & MEM_SIZE_MASK, op->mem & MEM_SIGN, d,
                       rm_sib(p.addend, p.base, 0, p.disp));
    }
    if (held) {
        page_probe_again(c, &p, access);
    }
    load_cold(c, &p, d);
    ra_finish(c, d);
}

/* -- stores -------------------------------------------------------------------------------------------------
 */

/* Where the value is after the probe: its register, else `spare`, loaded. */
static HostReg store_value(Compiler *c, HostReg spare) {
    IrVar b = c->op->b;
    if (b == IR_ZERO) {
        emit_imm(&c->hot, spare, 0);
        return spare;
    }
    if (c->reg[b] != REG_NONE) {
        return c->reg[b];
    }
    ra_load_home(c, &c->hot, spare, b);
    return spare;
}

static void store_hot(Compiler *c, const Probe *p, HostReg spare) {
    Rm to = rm_sib(p->addend, p->base, 0, p->disp);
    unsigned size = c->op->mem & MEM_SIZE_MASK;
    if (c->op->b == IR_ZERO) {
        emit_store_imm(&c->hot, size, to, 0);
    } else {
        emit_store_size(&c->hot, size, to, store_value(c, spare));
    }
}

static void trace_store_hot(Compiler *c, const Probe *p) {
    Emit *e = &c->hot;
    HostReg s3 = p->s3;
    unsigned size = c->op->mem & MEM_SIZE_MASK;
    emit_rm(e, O_LEA | W, s3, rm_mem(p->base, p->disp));
    emit_load(e, p->s2, rm_mem(RSP, FRAME_TRACE));
    emit_store(e, trace_word(c, p->s2, 0), s3);
    emit_rr(e, O_ADD | W, p->s1, s3);
    emit_store(e, trace_word(c, p->s2, 1), p->s1);
    emit_load_size(e, size, false, s3, rm_reg(store_value(c, s3)));
    emit_store(e, trace_word(c, p->s2, 2), s3);
    emit_store_size(e, size, rm_mem(p->s1, 0), s3);
}

/* rax = address, rdx = value, whichever registers they are in now. */
static void store_cold_arguments(Compiler *c, const Probe *p) {
    Emit *e = &c->cold;
    IrVar b = c->op->b;
    HostReg value = b == IR_ZERO ? REG_NONE : (HostReg)c->reg[b];
    Probe q = *p;
    if (value == RAX && p->base == RDX) {
        emit_rr(e, O_XCHG | W, RAX, RDX);
        q.base = RAX;
        value = RDX;
    } else if (value == RAX) {
        emit_mov(e, RDX, RAX);
        value = RDX;
    }
    mem_cold_address(c, &q);
    if (b == IR_ZERO) {
        emit_imm(e, RDX, 0);
    } else if (value == REG_NONE) {
        ra_load_home(c, e, RDX, b);
    } else {
        emit_mov(e, RDX, value);
    }
}

static void store_cold(Compiler *c, const Probe *p) {
    Emit *e = &c->cold;
    uint32_t live = ra_live(c, false);
    emit_label(p->miss, e->p);
    ra_cold_save(c, e, live);
    store_cold_arguments(c, p);
    if (c->op->slot) {
        emit_load(e, RCX, rm_mem(RSP, FRAME_TRACE));
        emit_store(e, trace_word(c, RCX, 0), RAX);
        HostReg raw = RSI;
        G_STATIC_ASSERT(REGS_LOCAL >> RSI & 1);
        emit_load_size(e, c->op->mem & MEM_SIZE_MASK, false, raw, rm_reg(RDX));
        emit_store(e, trace_word(c, RCX, 2), raw);
    }
    mem_cold_call(c, p, c->b->thunks.store[c->op->mem & MEM_SIZE_MASK]);
    if (c->op->slot) {
        emit_load(e, RCX, rm_mem(RSP, FRAME_TRACE));
        emit_load(e, RDX, HART_RM(mem_loc));
        emit_store(e, trace_word(c, RCX, 1), RDX);
    }
    ra_cold_restore(c, e, live);
    emit_jmp_to(e, c->hot.p);
}

void op_st(Compiler *c, unsigned arg) {
    bool held = page_is_held(c, true);
    Probe p;
    if (held) {
        page_probe(c, &p);
    } else {
        mem_probe(c, &p, true);
    }
    const uint8_t *access = c->hot.p;
    if (c->op->slot) {
        trace_store_hot(c, &p);
    } else {
        store_hot(c, &p, held ? p.s1 : p.hold ? p.s3 : p.s2);
    }
    if (held) {
        page_probe_again(c, &p, access);
    }
    store_cold(c, &p);
}

/* -- thunks -------------------------------------------------------------------------------------------------
 */

/*
 * At entry [rsp] is the return address and [rsp + 8] what was pushed; rsp is 16-aligned. `op_arg`: the C
 * function's register for the MemOp.
 */
static void emit_slow(X86Backend *b, Emit *e, uint64_t fn, HostReg op_arg) {
    exits_emit_save_pinned(e, REGS_PINNED);
    emit_store(e, HART_RM(budget), REG_BUDGET);
    emit_mov(e, RSI, RAX);
    emit_rm(e, O_MOVZX8, RAX, rm_mem(RSP, 8));
    emit_rm(e, O_STORE, RAX, HART_RM(left));
    emit_rm(e, O_LOAD, op_arg, rm_mem(RSP, 8));
    emit_shift_imm(e, 0, SH_SHR, op_arg, PACK_MEM_SHIFT);
    emit_rm(e, O_LEA | W, RDI, rm_mem(REG_HART, -HART_BIAS));
    emit_imm(e, RAX, fn);
    emit_call_rm(e, rm_reg(RAX));
    emit_alu_imm(e, 0, ALU_CMP, HART_RM(exit), EXIT_NONE);
    uint8_t *leave = emit_jcc_short(e, CC_NE);
    exits_emit_load_pinned(e, REGS_PINNED & REGS_CALLER_SAVED);
    emit_ret(e, 8);
    emit_label_short(leave, e->p);
    emit_alu_imm(e, W, ALU_ADD, rm_reg(RSP), 16);
    emit_jmp_to(e, b->thunks.leave[ENTER_HELPER]);
}

/*
 * What comes here with a good tag is misaligned. Unless it may cross the page: rcx = host address, also in the hart;
 * rsi is lost. Everything else jumps to one of the `slow`.
 */
static void emit_misaligned(Emit *e, bool write, uint8_t *slow[2]) {
    G_STATIC_ASSERT(sizeof(TlbEntry) == 32 && sizeof(((Hart *)0)->tlb[0]) == TLB_ENTRIES * sizeof(TlbEntry));
    int32_t tlb = (int32_t)offsetof(Hart, tlb) - HART_BIAS;
    size_t tag = write ? offsetof(TlbEntry, write) : offsetof(TlbEntry, read);
    emit_rm(e, O_LOAD, RSI, rm_mem(RSP, 8));
    emit_shift_imm(e, 0, SH_SHR, RSI, PACK_MEM_SHIFT + MEM_CTX_SHIFT);
    emit_alu_imm(e, 0, ALU_AND, rm_reg(RSI), 7);
    emit_shift_imm(e, 0, SH_SHL, RSI, TLB_BITS + 5);
    emit_mov32(e, RCX, RAX);
    emit_shift_imm(e, 0, SH_SHR, RCX, PAGE_BITS - 5);
    emit_alu_imm(e, 0, ALU_AND, rm_reg(RCX), (TLB_ENTRIES - 1) * sizeof(TlbEntry));
    emit_rr(e, O_ADD, RCX, RSI);
    emit_mov(e, RSI, RAX);
    emit_alu_imm(e, W, ALU_AND, rm_reg(RSI), (int32_t)PAGE_MASK);
    emit_cmp(e, W, RSI, rm_sib(REG_HART, RCX, 0, tlb + (int32_t)tag));
    slow[0] = emit_jcc(e, CC_NE);
    emit_rm(e, O_LEA, RSI, rm_mem(RAX, 7));
    emit_rr(e, O_XOR, RSI, RAX);
    emit_alu_imm(e, 0, ALU_AND, rm_reg(RSI), (int32_t)PAGE_MASK);
    slow[1] = emit_jcc(e, CC_NE);
    emit_load(e, RCX, rm_sib(REG_HART, RCX, 0, tlb + (int32_t)offsetof(TlbEntry, addend)));
    emit_rr(e, O_ADD | W, RCX, RAX);
    emit_store(e, HART_RM(mem_loc), RCX);
}

static const uint8_t *make_thunk(X86Backend *b, Emit *e, uint64_t fn, HostReg op_arg) {
    const uint8_t *start = e->p;
    emit_store(e, HART_RM(pc), RCX);
    emit_slow(b, e, fn, op_arg);
    return start;
}

/* Of loads, or of stores of a size, that are neither reserving nor conditional. */
static const uint8_t *make_plain_thunk(X86Backend *b, Emit *e, bool write, unsigned log2_size) {
    const uint8_t *start = e->p;
    uint8_t *slow[2];
    emit_store(e, HART_RM(pc), RCX);
    if (!(b->env.disabled & 1u << BACKEND_PASS_MISALIGNED)) {
        emit_misaligned(e, write, slow);
        if (write) {
            emit_store_size(e, log2_size, rm_mem(RCX, 0), RDX);
        } else {
            emit_load(e, RAX, rm_mem(RCX, 0)); /* eight bytes: the caller takes what it wants */
        }
        emit_ret(e, 8);
        emit_label(slow[0], e->p);
        emit_label(slow[1], e->p);
    }
    emit_slow(b, e, write ? (uintptr_t)b->env.store : (uintptr_t)b->env.load, write ? RCX : RDX);
    return start;
}

void mem_make_thunks(X86Backend *b, Emit *e) {
    b->thunks.load = make_plain_thunk(b, e, false, 3);
    for (unsigned size = 0; size < G_N_ELEMENTS(b->thunks.store); size++) {
        b->thunks.store[size] = make_plain_thunk(b, e, true, size);
    }
    b->thunks.lr = make_thunk(b, e, (uintptr_t)b->env.load, RDX);
    b->thunks.rmw = make_thunk(b, e, (uintptr_t)b->env.rmw, RDX);
}
