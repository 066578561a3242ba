/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native plugin interface: translated code, and calls from it. */
#include <string.h>

#include "analyses/plugin/native.h"
#include "analyses/trackers/transfer.h"

typedef struct NativeCall {
    PluginCode code;
    RrSelf *self;
    union {
        RrExec *exec;
        RrMem *mem;
    } fn;
    void *data;
    struct NativeCall *next; /* where a basic block begins too */
} NativeCall;

static NativeCall *new_call(RrBlock *block, const char *callback, void *data) {
    NativeCall *call = probe_block_alloc(block->probe, sizeof *call);
    call->code = (PluginCode){block->self->plugin, callback, block->self->plugin->generation, true};
    call->self = block->self;
    call->data = data;
    return call;
}

static void run_exec(void *opaque, const Hart *hart) {
    const NativeCall *call = opaque;
    PluginHost *host = call->code.plugin->host;
    if (plugin_code_is_dead(host, &call->code))
        return;
    call->self->seq_class = SEQ_TRAP; /* before anything that the step does */
    host->code = &call->code;
    call->fn.exec(call->self, (const RrHart *)hart, call->data);
    host->code = NULL;
}

static void run_mem(void *opaque, const Hart *hart, const ProbeAccess *a) {
    const NativeCall *call = opaque;
    PluginHost *host = call->code.plugin->host;
    if (plugin_code_is_dead(host, &call->code))
        return;
    RrAccess access = {.vaddr = a->va,
                       .value = a->value,
                       .size = 1u << a->size,
                       .is_write = a->is_write,
                       .is_signed = a->is_signed};
    bool is_ram = true;
    if (probe_access_paddr(hart, a, &access.paddr, &is_ram) && !is_ram)
        access.device = plugin_device_name(host->machine, access.paddr);
    call->self->seq_class = SEQ_MEM;
    host->code = &call->code;
    call->fn.mem(call->self, (const RrHart *)hart, &access, call->data);
    host->code = NULL;
}

/* -- basic blocks ---------------------------------------------------------------------------------------- */

/* What traps instead is told by native_flow_break. */
static bool is_transfer(const ProbeInsn *insn) {
    return transfer_decode(insn->raw, insn->len) != TRANSFER_NONE;
}

void native_flow_break(const RrSelf *self, uint32_t hart) {
    if (self->class->basic_blocks)
        *scoreboard_at(self->plugin->host->machine, hart, self->flow) = 1;
}

static void enter_basic_block(void *opaque, const Hart *hart) {
    NativeCall *call = opaque;
    *scoreboard_at(hart->machine, hart->id, call->self->flow) = 0;
    for (; call; call = call->next)
        run_exec(call, hart);
}

void rr_on_basic_block(RrBlock *block, RrExec *fn, void *data) {
    RrSelf *self = block->self;
    if (!self->class->basic_blocks)
        native_misuse(self, "rr_on_basic_block() without RrPlugin.basic_blocks");
    NativeCall *call = new_call(block, "basic block", data);
    call->fn.exec = fn;
    if (block->entry) {
        NativeCall *last = block->entry;
        while (last->next)
            last = last->next;
        last->next = call;
        return;
    }
    block->entry = call;
    probe_add_call_if(block->probe, PROBE_AT_BLOCK, PROBE_EQ, self->flow, 1, enter_basic_block, call, true);
    for (unsigned i = 1; i < probe_block_n_insns(block->probe); i++)
        if (is_transfer(probe_block_insn(block->probe, i - 1)))
            probe_add_call(block->probe, i, enter_basic_block, call, true);
}

/* enters: enter_basic_block() is called where one begins, and says that it has begun. */
static void note_transfers(const RrSelf *self, ProbeBlock *b, bool enters) {
    bool begun = enters;
    for (unsigned i = 0; i < probe_block_n_insns(b); i++)
        if (is_transfer(probe_block_insn(b, i))) {
            probe_add_inline(b, i, PROBE_STORE, self->flow, 1);
            begun = enters;
        } else if (!begun) {
            probe_add_inline(b, i, PROBE_STORE, self->flow, 0);
            begun = true;
        }
}

void native_follow_blocks(void *opaque, ProbeBlock *b) {
    note_transfers(opaque, b, false);
}

/* -- translation ----------------------------------------------------------------------------------------- */

void native_on_translate(void *opaque, ProbeBlock *b) {
    RrSelf *self = opaque;
    RrBlock block = {self, b, NULL};
    if (self->stopped)
        return;
    PluginFrame former = plugin_enter(self->plugin, "translate", NULL);
    self->class->translate(self, &block);
    plugin_leave(self->plugin, former);
    if (self->class->basic_blocks)
        note_transfers(self, b, block.entry != NULL);
}

size_t rr_block_insns(const RrBlock *block) {
    return probe_block_n_insns(block->probe);
}

static const ProbeInsn *insn_at(const RrBlock *block, size_t index) {
    const ProbeInsn *insn = index < UINT32_MAX ? probe_block_insn(block->probe, (unsigned)index) : NULL;
    if (!insn)
        native_misuse(block->self, "instruction %zu of a block of %u", index,
                      probe_block_n_insns(block->probe));
    return insn;
}

RrInsn rr_block_insn(const RrBlock *block, size_t index) {
    const ProbeInsn *insn = insn_at(block, index);
    return (RrInsn){insn->pc, insn->raw, insn->len, insn->access & PROBE_READ, insn->access & PROBE_WRITE};
}

uint64_t rr_block_paddr(const RrBlock *block) {
    return probe_block_paddr(block->probe);
}

size_t rr_block_disassemble(const RrBlock *block, size_t index, char *to, size_t size) {
    const ProbeInsn *insn = insn_at(block, index);
    const PluginHost *host = block->self->plugin->host;
    g_autofree char *text = host->env.disassemble(host->machine->harts[0]->isa, insn->pc, insn->raw);
    return g_strlcpy(to, text, size);
}

void *rr_block_alloc(RrBlock *block, size_t size) {
    if (size > 65536)
        native_misuse(block->self, "rr_block_alloc() of %zu bytes: 65536 are the most", size);
    return probe_block_alloc(block->probe, size);
}

/* -- attaching ------------------------------------------------------------------------------------------- */

static uint32_t checked(const RrBlock *block, size_t index) {
    insn_at(block, index);
    return (uint32_t)index;
}

static uint32_t counted(const RrBlock *block, RrCounter counter) {
    native_check_counter(block->self, counter);
    return counter;
}

void rr_on_insn(RrBlock *block, size_t index, RrExec *fn, void *data) {
    NativeCall *call = new_call(block, "instruction", data);
    call->fn.exec = fn;
    probe_add_call(block->probe, checked(block, index), run_exec, call, true);
}

void rr_on_insn_if(RrBlock *block, size_t index, RrCounter counter, RrCond cond, uint64_t value, RrExec *fn,
                   void *data) {
    static const uint8_t conds[] = {[RR_EQ] = PROBE_EQ, [RR_NE] = PROBE_NE, [RR_LT] = PROBE_LT,
                                    [RR_LE] = PROBE_LE, [RR_GT] = PROBE_GT, [RR_GE] = PROBE_GE};
    if ((unsigned)cond >= G_N_ELEMENTS(conds))
        native_misuse(block->self, "rr_on_insn_if(): there is no condition %u", (unsigned)cond);
    NativeCall *call = new_call(block, "instruction", data);
    call->fn.exec = fn;
    probe_add_call_if(block->probe, checked(block, index), conds[cond], counted(block, counter), value,
                      run_exec, call, true);
}

static unsigned access_of(RrAccesses which) {
    G_STATIC_ASSERT((int)RR_LOADS == PROBE_READ && (int)RR_STORES == PROBE_WRITE);
    return which & RR_ACCESSES;
}

void rr_on_access(RrBlock *block, size_t index, RrAccesses which, RrMem *fn, void *data) {
    NativeCall *call = new_call(block, "access", data);
    call->fn.mem = fn;
    probe_add_mem(block->probe, checked(block, index), access_of(which), run_mem, call, true);
}

void rr_add_on_insn(RrBlock *block, size_t index, RrCounter counter, uint64_t value) {
    probe_add_inline(block->probe, checked(block, index), PROBE_ADD, counted(block, counter), value);
}

void rr_store_on_insn(RrBlock *block, size_t index, RrCounter counter, uint64_t value) {
    probe_add_inline(block->probe, checked(block, index), PROBE_STORE, counted(block, counter), value);
}

void rr_add_on_access(RrBlock *block, size_t index, RrAccesses which, RrCounter counter, uint64_t value) {
    probe_add_mem_inline(block->probe, checked(block, index), access_of(which), PROBE_ADD,
                         counted(block, counter), value);
}

void rr_store_on_access(RrBlock *block, size_t index, RrAccesses which, RrCounter counter, uint64_t value) {
    probe_add_mem_inline(block->probe, checked(block, index), access_of(which), PROBE_STORE,
                         counted(block, counter), value);
}
