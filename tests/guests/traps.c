/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions with their causes and values, delegation, vectored interrupts, privilege changes and what they
 * forbid. */
#include "rt/rt.h"

/* mtval of an illegal instruction is the instruction. */
static void test_illegal(void) {
    check_traps(CAUSE_ILLEGAL, __asm__ volatile(".word 0xffffffff"));
    check_equal(rt_trapped.tval, 0xffffffff);
    check_traps(CAUSE_ILLEGAL, __asm__ volatile(".balign 4\n .hword 0\n c.nop"));
    check_equal(rt_trapped.tval, 0);
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrw cycle, zero"));
    check_equal(rt_trapped.tval, 0xc0001073);
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrr t0, 0x5c0" ::: "t0"));
    check_equal(rt_trapped.tval, 0x5c0022f3);
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrw mvendorid, zero"));
    /* reading with set or clear of no bits is no write */
    __asm__ volatile("csrrs t0, mvendorid, zero" ::: "t0");
    csr_clear(mstatus, 3ul << 13);
    check_traps(CAUSE_ILLEGAL, __asm__ volatile(".insn r 0x53, 0, 1, x10, x11, x12" ::
                                                    : "memory")); /* fadd.d, FS off */
    check_traps(CAUSE_ILLEGAL, __asm__ volatile("csrr t0, fflags" ::: "t0"));
    csr_set(mstatus, 1ul << 13);
}

static void test_access(void) {
    uint64_t value = 0x1234;

    check_traps(CAUSE_LOAD_ACCESS, __asm__ volatile("ld %0, 0(%1)" : "+r"(value) : "r"(NOWHERE)));
    check_equal(rt_trapped.tval, NOWHERE);
    check_equal(value, 0x1234);
    check_traps(CAUSE_STORE_ACCESS, __asm__ volatile("sb %0, 5(%1)" ::"r"(value), "r"(NOWHERE) : "memory"));
    check_equal(rt_trapped.tval, NOWHERE + 5);
    check_traps(QEMU7 ? CAUSE_LOAD_ACCESS : CAUSE_STORE_ACCESS, __asm__ volatile("amoadd.w %0, %0, (%1)"
                                                                                 : "+r"(value)
                                                                                 : "r"(NOWHERE)
                                                                                 : "memory"));
    check_traps(CAUSE_LOAD_ACCESS, __asm__ volatile("lr.d %0, (%1)" : "+r"(value) : "r"(NOWHERE) : "memory"));
    check_traps(CAUSE_FETCH_ACCESS, ((void (*)(void))NOWHERE)());
    check_equal(rt_trapped.tval, NOWHERE);
    check_equal(rt_trapped.epc, NOWHERE);
}

static void test_misaligned(void) {
    static uint64_t words[4] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    uint64_t value;

    /* ordinary accesses are done in hardware */
    rt_trapped.count = 0;
    __asm__ volatile("ld %0, 3(%1)" : "=r"(value) : "r"(words));
    check_equal(value, 0x0a09080706050403);
    __asm__ volatile("lh %0, 7(%1)" : "=r"(value) : "r"(words));
    check_equal(value, 0x0807);
    __asm__ volatile("sd %0, 5(%1)" ::"r"(value), "r"(words + 2) : "memory");
    check_equal(words[2], 0x0807ul << 40);
    check_equal(rt_trapped.count, 0);
    /* atomic ones are not */
    rt_trapped.count = 0;
    __asm__ volatile("amoswap.w %0, %0, (%1)" : "=r"(value) : "r"((char *)words + 2));
    check_equal(rt_trapped.count, 1);
    check_equal(rt_trapped.cause, QEMU7 ? CAUSE_LOAD_MISALIGNED : CAUSE_STORE_MISALIGNED);
    check_equal(rt_trapped.tval, (uint64_t)words + 2);
    check_traps(CAUSE_LOAD_MISALIGNED, __asm__ volatile("lr.w %0, (%1)"
                                                        : "=r"(value)
                                                        : "r"((char *)words + 1)));
    check_equal(rt_trapped.tval, (uint64_t)words + 1);
}

static uint64_t do_ecall(uint64_t x) {
    __asm__ volatile("li a7, 0\n ecall" ::: "a7", "memory");
    return x + 1;
}

static uint64_t do_ebreak(uint64_t x) {
    __asm__ volatile("ebreak");
    return x;
}

static void test_calls(void) {
    static const uint64_t causes[] = {[MODE_U] = CAUSE_ECALL_U, [MODE_S] = CAUSE_ECALL_S};

    check_traps(CAUSE_ECALL_M, do_ecall(0));
    check_equal(rt_trapped.tval, 0);
    for (uint64_t mode = MODE_U; mode <= MODE_S; mode++) {
        check_traps(causes[mode], check_equal(rt_call_in(mode, do_ecall, 41), 42));
        check_equal((rt_trapped.status & MSTATUS_MPP) >> 11, mode);
        check_traps(CAUSE_BREAKPOINT, rt_call_in(mode, do_ebreak, 0));
    }
    check_traps(CAUSE_BREAKPOINT, do_ebreak(0));
    check_equal(rt_trapped.epc & 1, 0);
}

/* -- what less privileged modes may not do --------------------------------------------------------------- */

static uint64_t read_mscratch(uint64_t x) {
    return csr_read(mscratch);
}
static uint64_t read_sscratch(uint64_t x) {
    return csr_read(sscratch);
}
static uint64_t read_satp(uint64_t x) {
    return csr_read(satp);
}
static uint64_t read_cycle(uint64_t x) {
    return csr_read(cycle);
}
static uint64_t do_wfi(uint64_t x) {
    __asm__ volatile("wfi");
    return 0;
}
static uint64_t do_sret(uint64_t x) {
    __asm__ volatile("sret");
    return 0;
}
static uint64_t do_mret(uint64_t x) {
    __asm__ volatile("mret");
    return 0;
}
static uint64_t do_sfence(uint64_t x) {
    __asm__ volatile("sfence.vma");
    return 0;
}

static void test_privilege(void) {
    csr_write(mcounteren, 0);
    csr_write(scounteren, 0);
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_S, read_mscratch, 0));
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_U, read_sscratch, 0));
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_S, do_mret, 0));
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_U, do_sret, 0));
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_U, do_sfence, 0));
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_S, read_cycle, 0));
    csr_write(mcounteren, 7);
    rt_trapped.count = 0;
    rt_call_in(MODE_S, read_cycle, 0);
    check_equal(rt_trapped.count, 0);
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_U, read_cycle, 0));
    csr_write(scounteren, 7);
    rt_trapped.count = 0;
    rt_call_in(MODE_U, read_cycle, 0);
    rt_call_in(MODE_S, read_satp, 0);
    rt_call_in(MODE_S, do_sfence, 0);
    check_equal(rt_trapped.count, 0);
    csr_set(mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_S, read_satp, 0));
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_S, do_sfence, 0));
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_S, do_sret, 0));
    check_traps(CAUSE_ILLEGAL, rt_call_in(MODE_S, do_wfi, 0));
    csr_clear(mstatus, MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR);
}

/* -- delegation: a handler in S mode --------------------------------------------------------------------- */

static volatile uint64_t s_count, s_cause, s_epc, s_tval, s_status;

__attribute__((aligned(4), interrupt("supervisor"))) static void s_handler(void) {
    s_count++;
    s_cause = csr_read(scause);
    s_epc = csr_read(sepc);
    s_tval = csr_read(stval);
    s_status = csr_read(sstatus);
    if (!(s_cause & INTERRUPT))
        csr_write(sepc, s_epc + ((*(uint16_t *)s_epc & 3) == 3 ? 4 : 2));
    else
        csr_clear(sip, 1ul << IRQ_SSI);
}

static uint64_t s_illegal(uint64_t x) {
    __asm__ volatile(".word 0xffffffff");
    return x;
}

static uint64_t s_interrupts(uint64_t x) {
    csr_set(sie, 1ul << IRQ_SSI);
    csr_set(sip, 1ul << IRQ_SSI);
    check_equal(s_count, 0);
    csr_set(sstatus, MSTATUS_SIE);
    check_equal(s_count, 1);
    csr_clear(sstatus, MSTATUS_SIE);
    return x;
}

static void test_delegation(void) {
    csr_write(medeleg, 1ul << CAUSE_ECALL_U | 1ul << CAUSE_ILLEGAL);
    csr_write(mideleg, 1ul << IRQ_SSI);
    csr_write(stvec, s_handler);
    rt_trapped.count = 0;
    s_count = 0;
    rt_call_in(MODE_S, s_illegal, 0);
    check_equal(s_count, 1);
    check_equal(s_cause, CAUSE_ILLEGAL);
    check_equal(s_tval, 0xffffffff);
    check(s_status & MSTATUS_SPP);
    /* from M mode nothing is delegated */
    check_traps(CAUSE_ILLEGAL, s_illegal(0));
    check_equal(s_count, 1);
    s_count = 0;
    rt_call_in(MODE_S, s_interrupts, 0);
    check_equal(s_cause, INTERRUPT | IRQ_SSI);
    csr_write(medeleg, 0);
    csr_write(mideleg, 0);
}

/* -- vectored interrupts --------------------------------------------------------------------------------- */

static volatile uint64_t vectored_cause;

__attribute__((aligned(4), interrupt("machine"), used)) static void vectored_handler(void) {
    vectored_cause = csr_read(mcause);
    if (vectored_cause == (INTERRUPT | IRQ_MSI))
        write32(CLINT_BASE, 0);
    else
        csr_clear(mip, 1ul << IRQ_SSI);
}

/* Entry 0 and any wrong one end the test. */
__asm__(".text\n.balign 256\n.option push\n.option norvc\n"
        "vector_table:\n"
        "j vector_wrong\n j vectored_handler\n j vector_wrong\n j vectored_handler\n"
        ".rept 12\n j vector_wrong\n .endr\n"
        "vector_wrong: la ra, rt_trap_entry\n jr ra\n"
        ".option pop\n");
extern char vector_table[];

static void test_vectored(void) {
    csr_write(mtvec, (uint64_t)vector_table | 1);
    check_equal(csr_read(mtvec), (uint64_t)vector_table | 1);
    csr_write(mie, 1ul << IRQ_MSI | 1ul << IRQ_SSI);
    csr_set(mstatus, MSTATUS_MIE);
    write32(CLINT_BASE, 1);
    while (vectored_cause == 0)
        ;
    check_equal(vectored_cause, INTERRUPT | IRQ_MSI);
    csr_set(mip, 1ul << IRQ_SSI);
    check_equal(vectored_cause, INTERRUPT | IRQ_SSI);
    csr_clear(mstatus, MSTATUS_MIE);
    csr_write(mie, 0);
    csr_write(mtvec, (uint64_t)rt_trap_entry);
}

/* mret: the interrupt-enable stack, MPP becomes the least privileged mode, MPRV is dropped. */
static void test_mret(void) {
    csr_set(mstatus, MSTATUS_MPRV);
    csr_clear(mstatus, MSTATUS_MPIE);
    rt_call_in(MODE_S, do_sfence, 0);
    uint64_t status = csr_read(mstatus);
    check_equal(status & MSTATUS_MPRV, QEMU7 ? MSTATUS_MPRV : 0);
    check_equal(status & MSTATUS_MPP, 0);
    check(status & MSTATUS_MPIE);
}

int main(void) {
    test_illegal();
    test_access();
    test_misaligned();
    test_calls();
    test_privilege();
    test_delegation();
    test_vectored();
    test_mret();
    return 0;
}
