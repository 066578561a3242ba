/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/tables.h"

#include <glib.h>
#include <string.h>

#define PRIVS "U|S|M"
#define ACCESSES "pos, seq, hart, satp, pc, op, vaddr, paddr, size, value, priv, symbol"
#define WRITES "store|sc|amo_store|dma_write|ptw"
#define EXCEPTIONS                                                                                           \
    "instruction address misaligned|instruction access fault|illegal instruction|breakpoint|"                \
    "load address misaligned|load access fault|store address misaligned|store access fault|"                 \
    "ecall from U|ecall from S|ecall from VS|ecall from M|"                                                  \
    "instruction page fault|load page fault|store page fault|"
#define INTERRUPTS                                                                                           \
    "S software interrupt|M software interrupt|S timer interrupt|M timer interrupt|"                         \
    "S external interrupt|M external interrupt|counter overflow interrupt"

static const TableInfo tables[] = {
    {"memtrace",
     ACCESSES,
     "pos, paddr, vaddr",
     {{"op", "load|lr|amo_load|dma_read|" WRITES}, {"priv", PRIVS}}},
    {"write", ACCESSES, "pos, paddr, vaddr", {{"op", "loader|" WRITES}, {"priv", PRIVS}}},
    {"insn", "pos, hart, pc, bytes, disas, priv, symbol", "pos, pc", {{"priv", PRIVS}}},
    {"regs", "pos, seq, hart, reg, value", "pos", {{NULL}}},
    {"trap",
     "pos, seq, time_ns, hart, is_interrupt, cause, name, epc, tval, from_priv, to_priv, return_pos, "
     "task_id, symbol",
     "pos, seq",
     {{"name", EXCEPTIONS INTERRUPTS}, {"from_priv", PRIVS}, {"to_priv", PRIVS}}},
    {"console", "id, first_pos, last_pos, device, dir, text", "id", {{"dir", "out|in"}}},
    {"input",
     "pos, seq, time_ns, kind, source, size, payload",
     "pos, seq",
     {{"kind", "console|entropy|clock|net|block|ioerror|stop|idle|close"}}},
    {"checkpoint", "pos, time_ns, hash", "pos", {{NULL}}},
    {"mmio", "pos, seq, hart, pc, device, reg, op, size, value", "pos, seq", {{"op", "load|store"}}},
    {"dma", "pos, seq, submit_pos, device, op, paddr, size, data", "pos, seq, paddr", {{"op", "load|store"}}},
    {"irq",
     "pos, seq, time_ns, hart, device, source, event",
     "pos, seq",
     {{"event", "raise|lower|take|claim|complete"}}},
    {"block", "pc, size, insns, count, first_pos, last_pos, module_id, offset, symbol", "pc", {{NULL}}},
    {"edge",
     "src, dst, kind, count, src_module_id, src_offset, dst_module_id, dst_offset",
     "src",
     {{"kind", "taken|fallthrough|jump|call|return|xret|trap"}}},
    {"cover", "module_id, offset, count", "offset", {{NULL}}},
    {"task", "id, pid, tid, name, satp, first_pos, last_pos, stack_base, stack_size, min_sp", "id", {{NULL}}},
    {"cpu", "hart, task_id, from_pos, to_pos, from_ns, to_ns, insns, idle_ns", "hart, from_pos", {{NULL}}},
    {"syscall",
     "id, hart, task_id, enter_pos, exit_pos, nr, name, a0, a1, a2, a3, a4, a5, result, error, text",
     "id, enter_pos",
     {{NULL}}},
    {"func", "module_id, symbol, addr, calls, self_insns, total_insns, satp", "addr", {{NULL}}},
    {"call",
     "id, parent_id, kind, hart, task_id, symbol, pc, call_pos, return_pos, call_pc, a0, a1, a2, a3, a4, a5, "
     "a6, a7, "
     "result, result1, sp, min_sp, depth, insns",
     "id, parent_id, call_pos",
     {{"kind", "call|tail|root|trap"}}},
};

const TableInfo *table_info(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        if (!strcmp(tables[i].name, name))
            return &tables[i];
    return NULL;
}
