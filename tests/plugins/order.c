/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row of one table for every event there is, so that all of them have places of their own: tests/cli/plugin-events.sh. */
#include <rr-plugin.h>

static const RrColumn columns[] = {{"what", RR_TEXT}, {NULL}};
static RrTable *table;

static void row(const char *what) {
    rr_row(table, (RrValue[]){{.bytes = what}});
}
static void on_position(RrSelf *self, uint64_t pos) {
    row("position");
}
static void on_mret(RrSelf *self, const RrHart *hart, void *data) {
    row("insn");
}
static void translate(RrSelf *self, RrBlock *block) {
    for (size_t i = 0; i < rr_block_insns(block); i++)
        if ((rr_block_insn(block, i).bytes & 0xdfffffff) == 0x10200073) /* mret, sret */
            rr_on_insn(block, i, on_mret, NULL);
}
static void trap(RrSelf *self, const RrTrap *event) {
    row("trap");
}
static void trap_return(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from) {
    row("return");
}
static void irq(RrSelf *self, const RrIrq *event) {
    row(event->stage == RR_IRQ_TAKE ? "take" : "line");
}
static void satp(RrSelf *self, uint64_t pos, const RrHart *hart) {
    row("satp");
}
static void idle(RrSelf *self, uint64_t pos, const RrHart *hart, bool waits) {
    row("idle");
}
static void mmio(RrSelf *self, const RrMmio *event) {
    row("mmio");
}
static void dma(RrSelf *self, const RrDma *event) {
    row("dma");
}
static void bytes(RrSelf *self, const RrBytes *event) {
    row(event->kind);
}
static void checkpoint(RrSelf *self, uint64_t pos, uint64_t time_ns, uint64_t hash) {
    row("checkpoint");
}
static void privilege(RrSelf *self, uint64_t pos, const RrHart *hart, unsigned from, unsigned to) {
    row("privilege");
}
static void task_switch(RrSelf *self, const RrTaskSwitch *event) {
    row("switch");
}
static void task_turn(RrSelf *self, const RrTaskTurn *event) {
    row("turn");
}
static void syscall_event(RrSelf *self, const RrSyscall *event) {
    row("syscall");
}
static void request(RrSelf *self, const RrRequest *event) {
    row("request");
}
static void guest_reset(RrSelf *self, uint64_t pos) {
    row("reset");
}
static bool install(RrSelf *self) {
    table = rr_table(self, NULL, columns);
    for (uint64_t pos = 0; pos < 1000; pos += 50)
        rr_at_position(self, pos, on_position);
    return true;
}

RR_EXPORT const RrPlugin rr_plugin = {.version = RR_PLUGIN_VERSION,
                                      .name = "everything",
                                      .help = "a row for each event",
                                      .install = install,
                                      .translate = translate,
                                      .trap = trap,
                                      .trap_return = trap_return,
                                      .irq = irq,
                                      .satp = satp,
                                      .idle = idle,
                                      .mmio = mmio,
                                      .dma = dma,
                                      .console = bytes,
                                      .input = bytes,
                                      .checkpoint = checkpoint,
                                      .privilege = privilege,
                                      .task_switch = task_switch,
                                      .task_turn = task_turn,
                                      .syscall_enter = syscall_event,
                                      .syscall_exit = syscall_event,
                                      .request = request,
                                      .guest_reset = guest_reset};
