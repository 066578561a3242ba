/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CSRs: what is writable, what is legal when, counters. */
#include "bare_machine.h"

#include <string.h>

#define ONES UINT64_MAX

/*
 * After a write of all ones, and of all zeros after that, M-mode reads these. Compared with QEMU 10.0.13,
 * -cpu rv64,h=off: the same but for what the specification forbids or ties to extensions that are absent here
 * (it keeps bit 0 of mepc, bits 63:54 of pmpaddr, delegates exceptions and interrupts of the hypervisor
 * extension, and has two triggers and counters 3 to 18).
 */
static const struct {
    const char *name;
    uint64_t ones, zeros;
} warl[] = {
    {"medeleg", 0xb3ff, 0},
    {"mideleg", 0x222, 0},
    {"mie", 0xaaa, 0},
    {"mip", 0x222, 0},
    {"mtvec", 0, 0}, /* mode 3 is reserved */
    {"stvec", 0, 0},
    {"mepc", ~1ull, 0},
    {"sepc", ~1ull, 0},
    {"mscratch", ONES, 0},
    {"sscratch", ONES, 0},
    {"mcause", ONES, 0},
    {"scause", ONES, 0},
    {"mtval", ONES, 0},
    {"stval", ONES, 0},
    {"mcounteren", 0x7ffff, 0},
    {"scounteren", 0x7ffff, 0},
    {"mcountinhibit", 0x7fffd, 0},
    {"menvcfg", 0xe0000000000000f1, 0},
    {"senvcfg", 0xf1, 0},
    {"satp", 0, 0}, /* mode 15 does not exist */
    {"stimecmp", ONES, 0},
    {"pmpaddr0", (1ull << 54) - 1, 0},
    {"pmpaddr15", (1ull << 54) - 1, 0},
    {"mvendorid", 0, 0},
    {"mhpmcounter3", 0, 0},
    {"mhpmevent31", 0, 0},
    {"tselect", 0, 0},
    {"tdata1", 0, 0},
    {"misa", 0x800000000014112d, 0x800000000014112d},
    /* SIE SPIE SPP MIE MPIE MPP FS MPRV SUM MXR TVM TW TSR, SD, UXL = SXL = 2 */
    {"mstatus", 0x8000000a007e79aa, 0xa00000000},
};

static bool is_read_only(const char *name) {
    return csr_number(name) >> 10 == 3;
}

static void test_warl(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    for (size_t i = 0; i < G_N_ELEMENTS(warl); i++) {
        if (is_read_only(warl[i].name)) {
            g_assert_false(bare_csr_legal(h, warl[i].name, true));
            g_assert_cmphex(bare_csr_read(h, warl[i].name), ==, warl[i].ones);
            continue;
        }
        hart_reset(h, BARE_RAM);
        bare_csr_write(h, warl[i].name, ONES);
        g_assert_cmphex(bare_csr_read(h, warl[i].name), ==, warl[i].ones);
        bare_csr_write(h, warl[i].name, 0);
        g_assert_cmphex(bare_csr_read(h, warl[i].name), ==, warl[i].zeros);
    }
    bare_machine_free(m);
}

static void test_names(void) {
    unsigned n = 0;
    for (unsigned i = 0; i < 4096; i++) {
        if (!csr_name(i))
            continue;
        g_assert_cmpint(csr_number(csr_name(i)), ==, (int)i);
        n++;
    }
    g_assert_cmpuint(n, >, 130);
    g_assert_null(csr_name(4096));
    g_assert_cmpint(csr_number("mseccfg"), ==, -1);
    g_assert_cmpint(csr_number("satp"), ==, 0x180);
}

static void test_privilege(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    uint64_t old;
    h->priv = PRIV_S;
    g_assert_false(bare_csr_legal(h, "mstatus", false));
    g_assert_true(bare_csr_legal(h, "sstatus", true));
    h->priv = PRIV_U;
    g_assert_false(bare_csr_legal(h, "sstatus", false));
    h->priv = PRIV_M;
    g_assert_true(bare_csr_legal(h, "mhartid", false));
    g_assert_false(bare_csr_legal(h, "mhartid", true));
    g_assert_false(csr_access(h, 0x747, 2, true, false, 0, &old)); /* mseccfg */
    g_assert_false(csr_access(h, 0x3a1, 2, true, false, 0, &old)); /* pmpcfg1 is RV32's */
    g_assert_false(csr_access(h, 0x7b0, 2, true, false, 0, &old)); /* dcsr */
    g_assert_false(csr_access(h, 0x600, 2, true, false, 0, &old)); /* hstatus */
    bare_machine_free(m);
}

static void test_isa_switches(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    m->config.isa.f = m->config.isa.d = m->config.isa.sstc = m->config.isa.pmp = m->config.isa.c = false;
    hart_reset(h, BARE_RAM);
    h->mstatus |= MSTATUS_FS;
    g_assert_false(bare_csr_legal(h, "fcsr", false));
    g_assert_false(bare_csr_legal(h, "stimecmp", false));
    g_assert_false(bare_csr_legal(h, "pmpcfg0", false));
    bare_csr_write(h, "mepc", ONES);
    g_assert_cmphex(bare_csr_read(h, "mepc"), ==, ~3ull);
    bare_csr_write(h, "menvcfg", ONES);
    g_assert_cmphex(bare_csr_read(h, "menvcfg") >> 61, ==, 3);
    bare_machine_free(m);
}

static void test_status(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    bare_csr_write(h, "mstatus", 1ull << MSTATUS_MPP_SHIFT);
    bare_csr_write(h, "mstatus", 2ull << MSTATUS_MPP_SHIFT); /* no such mode: stays S */
    g_assert_cmphex(bare_csr_read(h, "mstatus") & MSTATUS_MPP, ==, 1ull << MSTATUS_MPP_SHIFT);
    bare_csr_write(h, "sstatus", ONES);
    g_assert_cmphex(bare_csr_read(h, "sstatus"), ==, 0x80000002000c6122);
    g_assert_cmphex(bare_csr_read(h, "mstatus"), ==, 0x8000000a000c6922);
    g_assert_cmphex(h->flags >> FLAG_FS_SHIFT & 3, ==, 3);
    bare_csr_write(h, "mstatus", MSTATUS_MPRV | 1ull << MSTATUS_MPP_SHIFT | MSTATUS_SUM | MSTATUS_MXR);
    g_assert_cmphex(h->flags >> FLAG_CTX_SHIFT & 7, ==, CTX_S_SUM + CTX_MXR);
    bare_csr_write(h, "mstatus", MSTATUS_MPRV);
    g_assert_cmphex(h->flags >> FLAG_CTX_SHIFT & 7, ==, CTX_U);
    bare_csr_write(h, "mstatus", MSTATUS_MPRV | MSTATUS_MPP);
    g_assert_cmphex(h->flags >> FLAG_CTX_SHIFT & 7, ==, CTX_M);
    bare_machine_free(m);
}

static void test_fp(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    g_assert_false(bare_csr_legal(h, "fflags", false));
    bare_csr_write(h, "mstatus", 1ull << MSTATUS_FS_SHIFT);
    g_assert_true(bare_csr_legal(h, "fcsr", false));
    g_assert_cmphex(bare_csr_read(h, "mstatus") & MSTATUS_SD, ==, 0);
    bare_csr_write(h, "fcsr", ONES);
    g_assert_cmphex(bare_csr_read(h, "fcsr"), ==, 0xff);
    g_assert_cmphex(bare_csr_read(h, "mstatus") & (MSTATUS_SD | MSTATUS_FS), ==, MSTATUS_SD | MSTATUS_FS);
    bare_csr_write(h, "frm", 2);
    g_assert_cmphex(bare_csr_read(h, "fcsr"), ==, 0x5f);
    g_assert_cmphex(h->flags >> FLAG_FRM_SHIFT & 7, ==, 2);
    bare_csr_write(h, "fflags", 0x21);
    g_assert_cmphex(bare_csr_read(h, "fcsr"), ==, 0x41);
    bare_machine_free(m);
}

static void test_satp(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    for (uint64_t mode = SATP_SV39; mode <= SATP_SV57; mode++) {
        bare_csr_write(h, "satp", mode << 60 | 0x0abcdull << 44 | 0x12345);
        g_assert_cmphex(bare_csr_read(h, "satp"), ==, mode << 60 | 0x0abcdull << 44 | 0x12345);
    }
    bare_csr_write(h, "satp", 11ull << 60 | 7);
    g_assert_cmphex(bare_csr_read(h, "satp") & SATP_PPN, ==, 0x12345);
    m->config.isa.sv57 = false;
    bare_csr_write(h, "satp", 0);
    bare_csr_write(h, "satp", 10ull << 60);
    g_assert_cmphex(bare_csr_read(h, "satp"), ==, 0);
    h->priv = PRIV_S;
    g_assert_true(bare_csr_legal(h, "satp", true));
    h->mstatus |= MSTATUS_TVM;
    g_assert_false(bare_csr_legal(h, "satp", false));
    h->priv = PRIV_M;
    g_assert_true(bare_csr_legal(h, "satp", false));
    bare_machine_free(m);
}

static void test_interrupt_bits(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    unsigned mip = (unsigned)csr_number("mip");
    uint64_t old = 0;
    bare_csr_write(h, "mideleg", 0x222);
    hart_set_irq_line(h, IRQ_SEI, true);
    /* csrrs sees the line, but sets and clears software's bit only (§3.1.9). */
    g_assert_true(csr_access(h, mip, 2, true, true, IRQ_BIT(IRQ_SSI), &old));
    g_assert_cmphex(old, ==, IRQ_BIT(IRQ_SEI));
    hart_set_irq_line(h, IRQ_SEI, false);
    g_assert_cmphex(bare_csr_read(h, "mip"), ==, IRQ_BIT(IRQ_SSI));
    g_assert_cmphex(bare_csr_read(h, "sip"), ==, IRQ_BIT(IRQ_SSI));
    bare_csr_write(h, "sip", 0x222); /* S-mode may raise SSIP only */
    g_assert_cmphex(bare_csr_read(h, "mip"), ==, IRQ_BIT(IRQ_SSI));
    bare_csr_write(h, "mip", IRQ_BIT(IRQ_STI));
    g_assert_cmphex(bare_csr_read(h, "mip"), ==, IRQ_BIT(IRQ_STI));
    bare_csr_write(h, "stimecmp", ONES);
    h->mtimecmp = ONES;
    bare_csr_write(h, "menvcfg", ENVCFG_STCE); /* STIP is the comparison now */
    g_assert_cmphex(bare_csr_read(h, "mip"), ==, 0);
    bare_csr_write(h, "stimecmp", 0);
    g_assert_cmphex(bare_csr_read(h, "mip"), ==, IRQ_BIT(IRQ_STI));
    bare_csr_write(h, "mip", 0);
    g_assert_cmphex(bare_csr_read(h, "mip"), ==, IRQ_BIT(IRQ_STI));
    bare_csr_write(h, "mie", ONES);
    bare_csr_write(h, "mideleg", IRQ_BIT(IRQ_SSI));
    g_assert_cmphex(bare_csr_read(h, "sie"), ==, IRQ_BIT(IRQ_SSI));
    bare_csr_write(h, "sie", 0);
    g_assert_cmphex(bare_csr_read(h, "mie"), ==, 0xaa8);
    bare_machine_free(m);
}

static void test_envcfg(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    g_assert_cmphex(bare_csr_read(h, "menvcfg"), ==, ENVCFG_PBMTE | ENVCFG_ADUE);
    bare_csr_write(h, "menvcfg", 1ull << ENVCFG_CBIE_SHIFT);
    bare_csr_write(h, "menvcfg", 2ull << ENVCFG_CBIE_SHIFT | ENVCFG_CBZE); /* reserved: the field stays */
    g_assert_cmphex(bare_csr_read(h, "menvcfg"), ==, 1ull << ENVCFG_CBIE_SHIFT | ENVCFG_CBZE);
    bare_machine_free(m);
}

/* One step of the running hart, as generated code counts it. */
static void step(Hart *h, unsigned n) {
    h->budget -= n;
}

static void test_counters(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    h->steps = 50;
    h->traps = 4;
    m->pos = 0;
    m->running = true;
    hart_turn_begin(h, 0);
    g_assert_cmpuint(hart_instret(h), ==, 46);
    step(h, 10);
    g_assert_cmpuint(bare_csr_read(h, "minstret"), ==, 56);
    g_assert_cmpuint(bare_csr_read(h, "mcycle"), ==, 10);
    g_assert_cmpuint(bare_csr_read(h, "time"), ==, 0);
    /* A write takes effect for the next instruction, which reads what was written (§3.1.10). */
    bare_csr_write(h, "minstret", 1000);
    bare_csr_write(h, "mcycle", 2000);
    step(h, 1);
    g_assert_cmpuint(bare_csr_read(h, "instret"), ==, 1000);
    g_assert_cmpuint(bare_csr_read(h, "cycle"), ==, 2000);
    /* The inhibiting instruction still counts, the one that ends it does not. */
    bare_csr_write(h, "mcountinhibit", 5);
    step(h, 1);
    g_assert_cmpuint(bare_csr_read(h, "minstret"), ==, 1001);
    step(h, 5);
    g_assert_cmpuint(bare_csr_read(h, "minstret"), ==, 1001);
    g_assert_cmpuint(bare_csr_read(h, "mcycle"), ==, 2001);
    bare_csr_write(h, "minstret", 7);
    bare_csr_write(h, "mcountinhibit", 0);
    step(h, 1);
    g_assert_cmpuint(bare_csr_read(h, "minstret"), ==, 7);
    step(h, 1);
    g_assert_cmpuint(bare_csr_read(h, "minstret"), ==, 8);
    g_assert_cmpuint(bare_csr_read(h, "mcycle"), ==, 2002);
    step(h, 100);
    g_assert_cmpuint(bare_csr_read(h, "time"), ==, hart_pos(h) / 100);
    m->running = false;
    hart_turn_end(h, hart_pos(h));
    g_assert_cmpuint(h->steps, ==, 50 + 119);
    bare_machine_free(m);
}

static void test_counter_gates(void) {
    Machine *m = bare_machine_new(1);
    Hart *h = m->harts[0];
    h->priv = PRIV_S;
    g_assert_false(bare_csr_legal(h, "time", false));
    bare_csr_write(h, "mcounteren", COUNTEREN_TM | 1u << 3);
    g_assert_true(bare_csr_legal(h, "time", false));
    g_assert_true(bare_csr_legal(h, "hpmcounter3", false));
    g_assert_false(bare_csr_legal(h, "cycle", false));
    h->priv = PRIV_U;
    g_assert_false(bare_csr_legal(h, "time", false));
    bare_csr_write(h, "scounteren", ONES);
    g_assert_true(bare_csr_legal(h, "time", false));
    g_assert_false(bare_csr_legal(h, "instret", false));
    h->priv = PRIV_S;
    g_assert_false(bare_csr_legal(h, "stimecmp", true));
    bare_csr_write(h, "menvcfg", ENVCFG_STCE);
    g_assert_true(bare_csr_legal(h, "stimecmp", true));
    bare_csr_write(h, "mcounteren", 0);
    g_assert_false(bare_csr_legal(h, "stimecmp", true));
    bare_machine_free(m);
}

static void test_isa(void) {
    Isa isa;
    isa_init_default(&isa);
    g_assert_true(isa_set_property(&isa, "zbb", "off"));
    g_assert_false(isa.zbb);
    g_assert_true(isa_set_property(&isa, "Zicsr", "true"));
    g_assert_false(isa_set_property(&isa, "zbb", "maybe"));
    g_assert_false(isa_set_property(&isa, "avx", "on"));
    g_autofree char *s = isa_string(&isa);
    g_assert_true(g_str_has_prefix(s, "rv64imafdc_zicbom_zicbop_"));
    g_assert_null(strstr(s, "_zbb"));
    g_assert_true(g_str_has_prefix(isa_property_names(), "i,m,a,"));
    g_assert_true(g_str_has_suffix(isa_property_names(), ",sv57,zkn"));
    g_assert_true(isa_set_property(&isa, "zkn", "on") && isa.zbkb && isa.zbkx && isa.zknh);
    g_assert_true(isa_set_property(&isa, "zkn", "off") && isa.zknh);
    g_assert_cmphex(isa_misa(&isa), ==, 0x800000000014112d);
    g_assert_cmpstr(hart_x_name(10), ==, "a0");
    g_assert_cmpstr(hart_f_name(31), ==, "ft11");
    g_assert_null(hart_x_name(32));
    g_assert_true(isa_init_model(&isa, "rva22s64") && isa.zba && isa.zbb && isa.zbs && isa.svpbmt &&
                  !isa.zbc && !isa.svadu);
    g_assert_cmphex(isa_misa(&isa), ==, 0x800000000014112f);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/csr/isa", test_isa);
    g_test_add_func("/csr/warl", test_warl);
    g_test_add_func("/csr/names", test_names);
    g_test_add_func("/csr/privilege", test_privilege);
    g_test_add_func("/csr/isa-switches", test_isa_switches);
    g_test_add_func("/csr/status", test_status);
    g_test_add_func("/csr/fp", test_fp);
    g_test_add_func("/csr/satp", test_satp);
    g_test_add_func("/csr/interrupt-bits", test_interrupt_bits);
    g_test_add_func("/csr/envcfg", test_envcfg);
    g_test_add_func("/csr/counters", test_counters);
    g_test_add_func("/csr/counter-gates", test_counter_gates);
    return g_test_run();
}
