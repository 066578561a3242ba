/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as code, in every privilege mode. Words that are nearly instructions are the interesting ones. S and U mode
 * reach no memory but CODE and DATA (PMP); M mode has no SYSTEM instructions in its programs, and its data accesses
 * have U mode's rights. What loops is stopped by the timer, which counts instructions on the emulator and on its judge
 * (-icount); such a run tells only that it loops.
 */
#include "gen.h"

#define PROGRAMS 24
#define RUNS 4
#define HALVES 128 /* of random code; the rest of CODE is environment calls */
#define MAX_TRAPS 64
#define TIME_LIMIT 10000 /* ticks of 100 instructions */

static Context context;
static uint64_t fp_registers[32], fcsr;
static uint16_t code[2048] __attribute__((aligned(8))); /* a page */

static uint32_t random_word(void) {
    const InsnEntry *e = gen_entries[below(gen_n_entries)];
    uint32_t word = ((uint32_t)random64() & ~e->mask) | e->match;

    switch (below(8)) {
    case 0: return (uint32_t)random64();
    case 1: return (uint32_t)random64() | 3;
    case 2: return word;
    case 3: return word ^ 1u << below(32) ^ 1u << below(32);
    case 4: return (word & 0x7f) | ((uint32_t)random64() & ~0x7fu);
    case 5: return (word & 0x707f) | ((uint32_t)random64() & ~0x707fu);
    default: return word ^ 1u << below(32);
    }
}

/* Control flow goes forward only, wherever execution may enter the bytes; M mode stays near and has no SYSTEM. */
static void tame(unsigned priv) {
    for (unsigned i = HALVES; i-- > 0;) {
        uint32_t opcode = code[i] & 0x7f;
        unsigned funct3 = code[i] >> 13;
        if ((opcode & 3) == 1 && funct3 >= 5)
            code[i] &= (uint16_t)~0x1000;
        if (opcode == 0x6f || opcode == 0x63)
            code[i + 1] &= 0x7fff;
        /* SC: whether it faults without a reservation is left open. QEMU's does. */
        if (opcode == 0x2f && code[i + 1] >> 11 == 3)
            code[i + 1] ^= 0x2000;
        /* The fences of Svinval: illegal in U mode (privileged §13.3), where QEMU executes them. */
        if (code[i] == 0x73 && (code[i + 1] & ~0x10) == 0x1800)
            code[i + 1] ^= 0x4000;
        if (priv == PRIV_M && opcode == 0x6f) {
            code[i] &= 0xfff;
            code[i + 1] &= 0xffe0;
        }
        if (priv == PRIV_M && opcode == 0x73)
            code[i] ^= 0x40;
    }
}

static void make_code(unsigned priv) {
    for (unsigned i = 0; i < HALVES;) {
        uint32_t word = random_word();
        code[i++] = (uint16_t)word;
        if ((word & 3) == 3)
            code[i++] = (uint16_t)(word >> 16);
    }
    code[HALVES] = code[HALVES + 1] = 0;
    /* Changing a half may make a jump of another one that begins there. */
    for (unsigned i = 0; i < 4; i++)
        tame(priv);
    for (unsigned i = HALVES; i < sizeof code / 2; i++)
        code[i] = i & 1 ? 0 : 0x73;
    if (params.limit)
        for (unsigned i = params.limit; i < HALVES; i++)
            code[i] = 0x9002; /* c.ebreak */
    copy_words(CODE_BASE, code, sizeof code);
    __asm__ volatile("fence.i" ::: "memory");
}

static void random_registers(unsigned priv) {
    for (unsigned i = 1; i < 32; i++) {
        context.x[i] = priv == PRIV_M ? random64() | 1ul << 45 : random_value();
        if (one_in(3))
            context.x[i] = DATA_BASE + below(DATA_SIZE);
        else if (one_in(8))
            context.x[i] = CODE_BASE + below(HALVES * 2);
    }
    for (unsigned i = 0; i < 32; i++)
        fp_registers[i] = random_float();
    fcsr = below(5) << 5;
    context.pc = CODE_BASE;
    context.status = (uint64_t)priv << STATUS_MPP_SHIFT | STATUS_FS | STATUS_TW | (one_in(2) ? STATUS_TSR | STATUS_TVM : 0);
    if (priv == PRIV_M)
        context.status |= STATUS_MPRV | STATUS_MPIE;
}

/* Where TW makes it illegal, QEMU reports a tval of 0. */
static bool is_wrs_nto(uint64_t pc) {
    const volatile uint16_t *half = (const volatile uint16_t *)pc;

    return context.cause == CAUSE_ILLEGAL && half[0] == 0x0073 && half[1] == 0x00d0;
}

/* False: the timer ended it. */
static bool run_to_end(void) {
    csr_write(mie, 1 << 7);
    write64(CLINT_BASE + 0x4000, csr_read(time) + TIME_LIMIT);
    for (unsigned traps = 0; traps < MAX_TRAPS; traps++) {
        context.vector = 0;
        context_count(&context);
        if (context.cause & INTERRUPT)
            return false;
        uint64_t offset = context.pc - CODE_BASE;
        /* In M mode nothing keeps a jump from a hole of the memory map, or from a device that only the judge has. */
        if (offset >= CODE_SIZE && (context.status & STATUS_MPP) == STATUS_MPP)
            return true;
        fold(context.cause);
        if (!is_wrs_nto(context.pc))
            fold(context.tval);
        fold(offset);
        fold(context.status & ~(STATUS_FS | 1ul << 63));
        if (params.verbose > 1)
            print("trap %x tval %x at %x status %x\n", context.cause, context.tval, offset, context.status);
        if (offset >= HALVES * 2 || context.cause == CAUSE_FETCH_ACCESS || context.cause == CAUSE_FETCH_PAGE)
            return true;
        context.pc += (code[offset / 2] & 3) == 3 ? 4 : 2;
        if ((context.status & STATUS_MPP) == STATUS_MPP)
            context.status |= STATUS_MPIE;
    }
    return true;
}

static void fold_supervisor(void) {
    fold(csr_read(sepc));
    fold(csr_read(scause));
    fold(csr_read(stval));
    fold(csr_read(sscratch));
    fold(csr_read(stvec));
    fold(csr_read(satp));
    fold(csr_read(senvcfg));
    fold(csr_read(scounteren));
    if (params.verbose > 1)
        print("s epc=%x cause=%x tval=%x scratch=%x tvec=%x satp=%x envcfg=%x counteren=%x\n", csr_read(sepc), csr_read(scause),
              csr_read(stval), csr_read(sscratch), csr_read(stvec), csr_read(satp), csr_read(senvcfg), csr_read(scounteren));
}

static void dump_registers(const char *what) {
    print("%s", what);
    for (unsigned i = 1; i < 32; i++)
        print(" x%d=%x", (uint64_t)i, context.x[i]);
    for (unsigned i = 0; i < 32; i++)
        print(" f%d=%x", (uint64_t)i, fp_registers[i]);
    print(" fcsr=%x status=%x\n", fcsr, context.status);
}

static void init_data(void) {
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 8)
        write64(at, at * 0x9e3779b97f4a7c15ul);
}

static void run_once(unsigned priv) {
    random_registers(priv);
    csr_set(mstatus, STATUS_FS);
    fp_load(fp_registers, fcsr);
    if (params.verbose > 1)
        dump_registers("in");
    bool ended = run_to_end();
    csr_write(mie, 0);
    csr_set(mstatus, STATUS_FS);
    fcsr = fp_save(fp_registers);
    if (!ended) {
        fold(1);
        init_data();
    } else {
        if (params.verbose > 1)
            dump_registers("out");
        for (unsigned i = 1; i < 32; i++)
            fold(context.x[i]);
        for (unsigned i = 0; i < 32; i++)
            fold(fp_registers[i]);
        fold(fcsr);
        fold(context.status);
        fold_supervisor();
    }
    machine_reset_state();
}

static void dump_code(void) {
    print("code %d", (uint64_t)HALVES * 2);
    for (unsigned i = 0; i < HALVES; i++)
        print(" %x", (uint64_t)code[i]);
    print("\n");
}

static void run_program(void) {
    unsigned priv = one_in(8) ? PRIV_M : one_in(2) ? PRIV_U : PRIV_S;

    make_code(priv);
    init_data();
    if (params.verbose > 1) {
        print("priv %d\n", (uint64_t)priv);
        dump_code();
    }
    for (unsigned i = 0; i < RUNS; i++) {
        run_once(priv);
        if (params.verbose)
            print("run %d %x\n", (uint64_t)i, hash);
    }
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 8)
        fold(read64(at));
}

void illegal_batch(void) {
    uint64_t seed = random64();

    if (!gen_n_entries) {
        gen_init();
        for (uint64_t at = CODE_BASE; at < CODE_BASE + CODE_SIZE; at += 4)
            write32(at, 0x73);
    }
    for (uint64_t i = 0; i < PROGRAMS; i++) {
        if (params.only && params.only != i + 1)
            continue;
        random_seed(seed + i);
        run_program();
        if (params.verbose)
            print("program %d %x\n", i, hash);
    }
}
