/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/probe.h"

#include <string.h>

#include "core/machine.h"
#include "core/mmu.h"
#include "core/probe_block.h"
#include "core/probe_stack.h"
#include "core/trace.h"

Gva probe_block_pc(const ProbeBlock *b) {
    return b->pc;
}
Gpa probe_block_paddr(const ProbeBlock *b) {
    return b->paddr;
}
const uint8_t *probe_block_host(const ProbeBlock *b) {
    return b->host;
}
uint32_t probe_block_flags(const ProbeBlock *b) {
    return b->flags;
}
unsigned probe_block_n_insns(const ProbeBlock *b) {
    return b->n_insns;
}
const ProbeInsn *probe_block_insn(const ProbeBlock *b, unsigned i) {
    return i < b->n_insns ? &b->insns[i] : NULL;
}
bool probe_block_is_again(const ProbeBlock *b) {
    return b->again;
}

void *probe_block_alloc(ProbeBlock *b, size_t size) {
    void *p = b->alloc(b->opaque, size);
    memset(p, 0, size);
    return p;
}

/* -- requests ----------------------------------------------------------------------------------------------
 */

static void add(ProbeBlock *b, const ProbeRequest *r) {
    bool at_access = r->kind == PROBE_DO_MEM || r->kind == PROBE_DO_MEM_INLINE;
    g_assert(r->insn < b->n_insns || (!at_access && r->insn == PROBE_AT_BLOCK));
    if (at_access ? r->access & b->insns[r->insn].access : !b->again)
        g_array_append_vals(b->requests, r, 1);
}

void probe_add_call(ProbeBlock *b, uint32_t insn, ProbeFn *fn, void *data, bool regs) {
    add(b, &(ProbeRequest){.kind = PROBE_DO_CALL, .insn = insn, .fn.call = fn, .data = data, .regs = regs});
}

void probe_add_call_if(ProbeBlock *b, uint32_t insn, ProbeCond cond, uint32_t counter, uint64_t value,
                       ProbeFn *fn, void *data, bool regs) {
    add(b, &(ProbeRequest){.kind = PROBE_DO_CALL_IF,
                           .op = cond,
                           .insn = insn,
                           .counter = counter,
                           .value = value,
                           .fn.call = fn,
                           .data = data,
                           .regs = regs});
}

void probe_add_step(ProbeBlock *b, ProbeStep *step) {
    g_ptr_array_add(b->steps, step);
}

static void add_stack(ProbeBlock *b, uint32_t insn, ProbeKind kind, ProbeSite *site, unsigned base,
                      int32_t offset) {
    add(b, &(ProbeRequest){.kind = (uint8_t)kind,
                           .insn = insn,
                           .value = (uint64_t)(int64_t)offset,
                           .fn.call = site->fn,
                           .data = site,
                           .base = (uint8_t)base,
                           .regs = true});
}

void probe_add_stack_call(ProbeBlock *b, uint32_t insn, ProbeSite *site, unsigned base, int32_t offset) {
    add_stack(b, insn, PROBE_DO_STACK_CALL, site, base, offset);
}

void probe_add_stack_return(ProbeBlock *b, uint32_t insn, ProbeSite *site, unsigned base, int32_t offset) {
    add_stack(b, insn, PROBE_DO_STACK_RETURN, site, base, offset);
}

void probe_add_lower(ProbeBlock *b, uint32_t insn, unsigned reg, int32_t addend, uint32_t counter) {
    add(b, &(ProbeRequest){.kind = PROBE_DO_LOWER,
                           .insn = insn,
                           .counter = counter,
                           .value = (uint64_t)(int64_t)addend,
                           .base = (uint8_t)reg,
                           .regs = true});
}

void probe_add_inline(ProbeBlock *b, uint32_t insn, ProbeOp op, uint32_t counter, uint64_t value) {
    add(b,
        &(ProbeRequest){.kind = PROBE_DO_INLINE, .op = op, .insn = insn, .counter = counter, .value = value});
}

/* Most ask for all instructions, without looking at what they do. */
static bool makes(const ProbeBlock *b, uint32_t insn, unsigned access) {
    return insn < b->n_insns && (b->insns[insn].access & access);
}

void probe_add_mem(ProbeBlock *b, uint32_t insn, unsigned access, ProbeMemFn *fn, void *data, bool regs) {
    if (!makes(b, insn, access))
        return;
    add(b,
        &(ProbeRequest){
            .kind = PROBE_DO_MEM, .access = access, .insn = insn, .fn.mem = fn, .data = data, .regs = regs});
}

void probe_add_mem_inline(ProbeBlock *b, uint32_t insn, unsigned access, ProbeOp op, uint32_t counter,
                          uint64_t value) {
    if (!makes(b, insn, access))
        return;
    add(b, &(ProbeRequest){.kind = PROBE_DO_MEM_INLINE,
                           .op = op,
                           .access = access,
                           .insn = insn,
                           .counter = counter,
                           .value = value});
}

/* -- accesses ----------------------------------------------------------------------------------------------
 */

static bool paddr_of_host(const Machine *m, const uint8_t *host, Gpa *pa) {
    for (uint32_t i = 0; i < m->n_blocks; i++) {
        const RamBlock *b = &m->blocks[i];
        if (host >= b->host && host < b->host + b->size) {
            *pa = b->base + (Gpa)(host - b->host);
            return true;
        }
    }
    return false;
}

/* An access that found its page in the TLB still finds it there; any other one went the slow way and left
 * mem_loc. */
bool probe_access_paddr(const Hart *hart, const ProbeAccess *access, Gpa *pa, bool *is_ram) {
    const TlbEntry *e = &hart->tlb[access->ctx][(access->va >> PAGE_BITS) & (TLB_ENTRIES - 1)];
    *is_ram = true;
    Gva page = access->va & PAGE_MASK;
    if (e->read == page || e->write == page) {
        *pa = e->paddr | (access->va & ~PAGE_MASK);
        return true;
    }
    if (hart->mem_loc & TRACE_PHYS) {
        *is_ram = false;
        *pa = hart->mem_loc & ~TRACE_PHYS;
        return true;
    }
    return paddr_of_host(hart->machine, (const uint8_t *)(uintptr_t)hart->mem_loc, pa);
}
