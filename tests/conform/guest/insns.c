/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Straight-line programs of all unprivileged instructions, each run on many register files: on physical addresses, and
 * (mode `virtual`) behind page tables.
 */
#include "gen.h"
#include "vm.h"

#define PROGRAMS 32
#define RUNS 16
#define MAX_TRAPS 256

static Program program;
static Context context;
static uint64_t fp_registers[32], fcsr;

static void init_data(void) {
    for (unsigned w = 0; w < GEN_WINDOWS; w++)
        for (uint64_t i = 0; i < gen_windows[w].size; i += 8)
            write64(vm_data(gen_windows[w].base + i), one_in(4) ? random_float() : random_value());
}

static void fold_data(void) {
    for (unsigned w = 0; w < GEN_WINDOWS; w++)
        for (uint64_t i = 0; i < gen_windows[w].size; i += 8)
            fold(read64(vm_data(gen_windows[w].base + i)));
}

static void random_registers(unsigned priv) {
    unsigned fs = one_in(4) ? below(4) : 3;

    for (unsigned i = 1; i < 32; i++)
        context.x[i] = random_value();
    for (unsigned i = 0; i < 32; i++)
        fp_registers[i] = random_float();
    fcsr = (one_in(16) ? below(8) : below(5)) << 5 | (one_in(4) ? below(32) : 0);
    context.pc = CODE_BASE + vm_offset;
    context.status = (uint64_t)priv << STATUS_MPP_SHIFT | (uint64_t)fs << STATUS_FS_SHIFT | STATUS_SUM;
    /* M mode sees memory as U mode does, lest its stores hit the monitor. */
    if (priv == PRIV_M)
        context.status |= STATUS_MPRV;
}

static void dump_registers(const char *what) {
    print("%s", what);
    for (unsigned i = 1; i < 32; i++)
        print(" x%d=%x", (uint64_t)i, context.x[i]);
    for (unsigned i = 0; i < 32; i++)
        print(" f%d=%x", (uint64_t)i, fp_registers[i]);
    print(" fcsr=%x status=%x\n", fcsr, context.status);
}

static void dump_code(void) {
    print("code %d", (uint64_t)program.end);
    for (unsigned i = 0; i < program.size / 2; i++)
        print(" %x", (uint64_t)program.code[i]);
    print("\n");
}

static void dump_data(void) {
    print("data");
    for (unsigned w = 0; w < GEN_WINDOWS; w++)
        for (uint64_t i = 0; i < gen_windows[w].size; i += 8)
            print(" %x=%x", gen_windows[w].base + i, read64(vm_data(gen_windows[w].base + i)));
    print("\n");
}

static uint64_t insn_length(uint64_t pc) { return (*(volatile uint16_t *)(pc - vm_offset) & 3) == 3 ? 4 : 2; }

/* QEMU 7 has no tval for ebreak, and names the first byte where the second page of an access is the one that faults. */
static void forgive_old_judge(void) {
    const uint64_t end = DATA_BASE + DATA_SIZE;

    if (context.cause == CAUSE_BREAKPOINT)
        context.tval = 0;
    if ((context.cause == CAUSE_LOAD_ACCESS || context.cause == CAUSE_STORE_ACCESS) && context.tval - (end - 7) < 7)
        context.tval = end;
}

static void fold_trap(void) {
    if (params.judge < 10)
        forgive_old_judge();
    fold(context.cause);
    fold(context.tval);
}

/* Until the closing call; every other trap is noted and its instruction skipped. */
static void run_to_end(void) {
    for (unsigned traps = 0; traps < MAX_TRAPS; traps++) {
        context.vector = 0;
        context_count(&context);
        uint64_t offset = context.pc - CODE_BASE - vm_offset;
        if (offset >= program.end && offset < program.size)
            return;
        fold_trap();
        fold(offset);
        fold(context.status & ~(STATUS_FS | 1ul << 63));
        if (params.verbose > 1)
            print("trap %d tval %x at %x\n", context.cause, context.tval, offset);
        if (offset >= program.size)
            return;
        /* MPP is the mode that trapped. MPRV of M mode stays, and mret makes MPP U again. */
        context.pc += insn_length(context.pc);
    }
}

/*
 * FS is compared only as far as the judge is right: QEMU leaves it alone when an instruction changes no register but
 * flags. The specification (privileged §3.1.6.6) wants Dirty after any change.
 */
static void fold_status(const uint64_t f_before[32], uint64_t fcsr_before, uint64_t fs_before) {
    bool registers = fcsr >> 5 != fcsr_before >> 5, dirty = (context.status & STATUS_FS) == STATUS_FS;

    for (unsigned i = 0; i < 32; i++)
        registers |= fp_registers[i] != f_before[i];
    if ((registers || fcsr != fcsr_before) && !dirty)
        print("broken FS is %d after a change\n", (context.status & STATUS_FS) >> STATUS_FS_SHIFT);
    fold(registers && !dirty);
    fold(fs_before == 0 || fs_before == 3 ? context.status : context.status & ~(STATUS_FS | 1ul << 63));
}

static void run_once(unsigned priv) {
    uint64_t before[32], fcsr_before, fs_before;

    random_registers(priv);
    memcpy(before, fp_registers, sizeof before);
    fcsr_before = fcsr;
    fs_before = (context.status & STATUS_FS) >> STATUS_FS_SHIFT;
    if (params.verbose > 1)
        dump_registers("in");
    csr_set(mstatus, STATUS_FS);
    fp_load(fp_registers, fcsr);
    run_to_end();
    csr_set(mstatus, STATUS_FS);
    fcsr = fp_save(fp_registers);
    if (params.verbose > 1) {
        dump_registers("out");
        dump_data();
    }
    for (unsigned i = 1; i < 32; i++)
        fold(context.x[i]);
    for (unsigned i = 0; i < 32; i++)
        fold(fp_registers[i]);
    fold(fcsr);
    fold_status(before, fcsr_before, fs_before);
    fold_data();
}

static void run_program(void) {
    unsigned priv = one_in(2) ? PRIV_U : one_in(2) ? PRIV_S : PRIV_M;

    csr_write(menvcfg, (uint64_t)(below(4) != 2 ? below(2) * 3 : 0) << 4 | (uint64_t)below(4) << 6);
    csr_write(senvcfg, (uint64_t)below(2) << 4 | (uint64_t)below(4) << 6);
    gen_program(&program, priv, params.limit);
    if (params.mode == MODE_VIRTUAL)
        vm_on(priv);
    init_data();
    copy_words(CODE_BASE, program.code, program.size + 7);
    __asm__ volatile("fence.i" ::: "memory");
    if (params.verbose > 1) {
        print("priv %d\n", (uint64_t)priv);
        dump_code();
        dump_data();
    }
    for (unsigned i = 0; i < RUNS; i++) {
        run_once(priv);
        if (params.verbose)
            print("run %d %x\n", (uint64_t)i, hash);
    }
    if (params.mode == MODE_VIRTUAL)
        vm_off();
}

void insns_batch(void) {
    uint64_t seed = random64();

    if (!gen_n_entries)
        gen_init();
    for (uint64_t i = 0; i < PROGRAMS; i++) {
        if (params.only && params.only != i + 1)
            continue;
        random_seed(seed + i);
        run_program();
        if (params.verbose)
            print("program %d %x\n", i, hash);
    }
}
