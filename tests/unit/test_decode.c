/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decode tables and the translator: every encoding round trip, what is illegal, block ends, IR of
 * instructions. */
#include "tcg/riscv/decode.h"

#include <string.h>

#include "tcg/riscv/translate.h"

static Isa isa_all;

/* The default CPU of the tests below: everything, with FS dirty in U-mode unless a case says otherwise. */
#define FLAGS_U_FP ((uint32_t)CTX_U << FLAG_CTX_SHIFT | 3u << FLAG_FS_SHIFT)

static uint32_t field_mask(const InsnInfo *info) {
    uint32_t mask = info->mask;
    for (unsigned i = 0; i < info->n_fields; i++) {
        mask |= ((1u << info->fields[i].width) - 1) << info->fields[i].at;
    }
    return mask;
}

static uint32_t encode(const InsnInfo *info, const InsnArgs *a) {
    uint32_t word = info->match;
    for (unsigned i = 0; i < info->n_fields; i++) {
        const InsnField *f = &info->fields[i];
        uint64_t value = (uint64_t)riscv_insn_arg(a, (InsnArg)f->arg) - (f->compact ? 8 : 0);
        word |= (uint32_t)(value >> f->low & ((UINT64_C(1) << f->width) - 1)) << f->at;
    }
    return word;
}

/* Random words of each pattern decode to it, or to one inside it, and encode back to themselves. */
static void test_round_trip(void) {
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    for (InsnId id = INSN_illegal + 1; id < INSN_COUNT; id++) {
        const InsnInfo *info = &riscv_insns[id];
        unsigned hits = 0;
        for (unsigned i = 0; i < 200; i++) {
            uint32_t word = (g_rand_int(random) & ~info->mask) | info->match;
            word &= (word & 3) == 3 ? UINT32_MAX : 0xffff;
            InsnArgs a;
            InsnId got = riscv_decode(&isa_all, word, &a);
            if (got == id) {
                hits++;
                g_assert_cmphex(encode(info, &a), ==, word & field_mask(info));
            } else if (got != INSN_illegal) {
                g_assert_cmphex(riscv_insns[got].mask & info->mask, ==, info->mask); /* inside */
            }
        }
        if (hits == 0) {
            g_test_message("%s was never decoded", info->name);
            g_test_fail();
        }
    }
}

static void test_every_parcel(void) {
    unsigned legal = 0;
    for (uint32_t word = 0; word < 0x10000; word++) {
        InsnArgs a;
        if ((word & 3) != 3 && riscv_decode(&isa_all, word, &a) != INSN_illegal) {
            legal++;
            g_autofree char *text = riscv_disassemble(&isa_all, 0, word);
            g_assert_false(g_str_has_prefix(text, "."));
        }
    }
    g_assert_cmpuint(legal, >, 40000);
}

/* Reserved encodings, and what needs an extension: name=off takes it away. */
static void test_illegal(void) {
    static const struct {
        uint32_t word;
        const char *without; /* legal, unless this is off; NULL: always illegal */
    } cases[] = {
        {0x0000, NULL},              /* all zeros */
        {0x0004, NULL},              /* c.addi4spn with 0 */
        {0x2001, NULL},              /* c.addiw x0 */
        {0x4002, NULL},              /* c.lwsp x0 */
        {0x6002, NULL},              /* c.ldsp x0 */
        {0x6101, NULL},              /* c.addi16sp with 0 */
        {0x6081, NULL},              /* c.lui with 0 */
        {0x8002, NULL},              /* c.jr x0 */
        {0x9c7d, NULL},              /* reserved in quadrant 1 */
        {0x8000, "zcb"},             /* c.lbu */
        {0xffffffff, NULL},          /* all ones */
        {0x1005202f, "a"},           /* lr.w */
        {0x1015202f, NULL},          /* lr.w with rs2 */
        {0x00001067, NULL},          /* jalr with funct3 1 */
        {0x02b50533, "m"},           /* mul */
        {0x0010000f, "i"},           /* fence */
        {0x0100000f, "zihintpause"}, /* then a fence */
        {0x20b52533, "zba"},         /* sh1add */
        {0x08054533, "zbkb"},        /* pack with x0 */
        {0x0805453b, "zbb"},         /* zext.h; packw without Zbb */
        {0x0eb55533, "zicond"},      /* czero.eqz */
        {0x30200073, "i"},           /* mret */
        {0x10200073, "s"},           /* sret */
        {0x00200073, NULL},          /* uret is gone */
        {0x16000073, "svinval"},
        {0x62000073, NULL}, /* hfence.gvma: no hypervisor */
        {0x31b51513, NULL}, /* aes64ks1i with round 11 */
        {0x00b5f553, "f"},  /* fadd.s */
        {0x02b5f553, "d"},  /* fadd.d */
        {0x06b5f553, NULL}, /* fadd.q */
        {0x2405a00f, NULL}, /* cbo with an unknown operation */
        {0x0045a00f, "zicboz"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        InsnArgs a;
        Isa isa = isa_all;
        if (!cases[i].without) {
            g_assert_cmpuint(riscv_decode(&isa, cases[i].word, &a), ==, INSN_illegal);
            continue;
        }
        g_assert_cmpuint(riscv_decode(&isa, cases[i].word, &a), !=, INSN_illegal);
        InsnId before = riscv_decode(&isa, cases[i].word, &a);
        g_assert_true(isa_set_property(&isa, cases[i].without, "off"));
        g_assert_cmpuint(riscv_decode(&isa, cases[i].word, &a), !=, before);
    }
}

/* ---- blocks -------------------------------------------------------------------------------------- */

static IrBlock block;

typedef struct Code {
    uint8_t bytes[256];
    uint32_t size;
} Code;

static void add_insn(Code *code, uint32_t insn) {
    for (unsigned i = 0; i < riscv_insn_length((uint16_t)insn); i++) {
        code->bytes[code->size++] = (uint8_t)(insn >> (8 * i));
    }
}

static BlockEnd translate(const Code *code, const TranslateInput *changes) {
    TranslateInput in = *changes;
    in.pc = in.pc ? in.pc : 0x80000000;
    in.isa = in.isa ? in.isa : &isa_all;
    in.bytes = code->bytes;
    in.avail = code->size;
    in.max_insns = in.max_insns ? in.max_insns : 64;
    BlockEnd end = riscv_translate(&in, &block);
    g_autoptr(GString) why = g_string_new(NULL);
    if (!ir_check(&block, why)) {
        g_error("%s", why->str);
    }
    return end;
}

/* An instruction that reaches devices stands alone, and may: the block before it ends, and its own is like a tail. */
static void test_alone(void) {
    static const uint64_t alone[PAGE_SIZE / 2 / 64] = {1u << 3};
    Code code = {.size = 0};
    add_insn(&code, 0x0505);     /* addi a0, a0, 1 */
    add_insn(&code, 0x00b50533); /* add a0, a0, a1 */
    add_insn(&code, 0x00052503); /* lw a0, 0(a0) */
    add_insn(&code, 0x0505);

    g_assert_cmpint(translate(&code, &(TranslateInput){.alone = alone}), ==, BLOCK_END_LIMIT);
    g_assert_cmpuint(block.n_insns, ==, 2);
    g_assert_cmphex(block.ops[block.n_ops - 1].imm, ==, 0x80000006);

    memmove(code.bytes, code.bytes + 6, 6);
    code.size = 6;
    translate(&code, &(TranslateInput){.pc = 0x80000006, .alone = alone});
    g_assert_cmpuint(block.n_insns, ==, 1);
    g_assert_cmpuint(block.ops[1].op, ==, IR_LD);
    g_assert_true(block.ops[1].mem & MEM_LAST);
    g_assert_cmpuint(block.ops[block.n_ops - 1].op, ==, IR_EXIT_LOOP);
    g_assert_cmphex(block.ops[block.n_ops - 1].imm, ==, 0x8000000a);
    translate(&code, &(TranslateInput){.pc = 0x80000006});
    g_assert_cmpuint(block.n_insns, ==, 2);
    g_assert_false(block.ops[1].mem & MEM_LAST);
}

static void test_block_ends(void) {
    Code code = {.size = 0};
    add_insn(&code, 0x0505);     /* addi a0, a0, 1 */
    add_insn(&code, 0x00b50533); /* add a0, a0, a1 */
    add_insn(&code, 0x00b50533);

    g_assert_cmpint(translate(&code, &(TranslateInput){.max_insns = 2}), ==, BLOCK_END_LIMIT);
    g_assert_cmpuint(block.n_insns, ==, 2);
    g_assert_cmpuint(block.bytes, ==, 6);
    g_assert_cmpuint(block.ops[block.n_ops - 1].op, ==, IR_EXIT_TO);
    g_assert_cmphex(block.ops[block.n_ops - 1].imm, ==, 0x80000006);

    g_assert_cmpint(translate(&code, &(TranslateInput){.max_insns = 3}), ==, BLOCK_END_LIMIT);
    g_assert_cmpint(translate(&code, &(TranslateInput){.max_insns = 4}), ==, BLOCK_END_PAGE);
    g_assert_cmpuint(block.n_insns, ==, 3);
    code.size -= 2; /* the last instruction crosses the page */
    g_assert_cmpint(translate(&code, &(TranslateInput){.max_insns = 4}), ==, BLOCK_END_PAGE);
    g_assert_cmpuint(block.n_insns, ==, 2);

    g_assert_cmpint(translate(&code, &(TranslateInput){.max_insns = 2, .tail = true}), ==, BLOCK_END_LIMIT);
    g_assert_cmpuint(block.ops[block.n_ops - 1].op, ==, IR_EXIT_LOOP);

    Code jump = {.size = 0};
    add_insn(&jump, 0xa001); /* j . */
    g_assert_cmpint(translate(&jump, &(TranslateInput){.max_insns = 1}), ==, BLOCK_END_JUMP);
    Code ecall = {.size = 0};
    add_insn(&ecall, 0x00000073);
    g_assert_cmpint(translate(&ecall, &(TranslateInput){.max_insns = 1}), ==, BLOCK_END_SYSTEM);
    Code illegal = {.size = 0};
    add_insn(&illegal, 0);
    g_assert_cmpint(translate(&illegal, &(TranslateInput){.max_insns = 1}), ==, BLOCK_END_FAULT);
    g_assert_cmpuint(block.n_insns, ==, 1);
}

/* Only the last access of a tail block may reach devices. */
static void test_mem_last(void) {
    Code code = {.size = 0};
    add_insn(&code, 0x4108); /* lw a0, 0(a0) */
    add_insn(&code, 0xc10c); /* sw a1, 0(a0) */
    for (int tail = 0; tail < 2; tail++) {
        translate(&code, &(TranslateInput){.max_insns = 2, .tail = tail});
        for (uint32_t i = 0; i < block.n_ops; i++) {
            const IrOp *op = &block.ops[i];
            if (op->op == IR_LD || op->op == IR_ST) {
                g_assert_cmpint(!!(op->mem & MEM_LAST), ==, tail && op->op == IR_ST);
            }
        }
    }
}

/* No room left: the block ends early, however many instructions were asked for. */
static void test_block_full(void) {
    Code code = {.size = 0};
    for (unsigned i = 0; i < 64; i++) {
        add_insn(&code, 0x22a51553); /* fneg.d fa0, fa0 */
    }
    translate(&code, &(TranslateInput){.max_insns = 64, .flags = FLAGS_U_FP});
    g_assert_cmpuint(block.n_insns, <=, BLOCK_MAX_INSNS);
    g_assert_cmpuint(block.fp_insns, ==, block.n_insns);
}

/* ---- IR of single instructions ------------------------------------------------------------------- */

#define FS_OFF ((uint32_t)CTX_U << FLAG_CTX_SHIFT)
#define FS_INITIAL (FS_OFF | 1u << FLAG_FS_SHIFT)

static const struct {
    uint32_t insn, flags;
    const char *without; /* an extension that is off */
    const char *ir;      /* ops after the mark, separated by "; " */
} ir_cases[] = {
    {0x00c58533, FLAGS_U_FP, NULL, /* add a0,a1,a2 */
     "add x10, x11, x12; exit_to slot 0, 0x80000004"},
    {0x4515, FLAGS_U_FP, NULL, /* li a0,5 */
     "movi x10, 5; exit_to slot 0, 0x80000002"},
    {0x852e, FLAGS_U_FP, NULL, /* mv a0,a1 */
     "mov x10, x11; exit_to slot 0, 0x80000002"},
    {0x852e, FLAGS_U_FP, NULL, /* mv a0,a1 */
     "mov x10, x11; exit_to slot 0, 0x80000002"},
    {0x852e, FLAGS_U_FP, NULL, /* mv a0,a1 */
     "mov x10, x11; exit_to slot 0, 0x80000002"},
    {0x00158013, FLAGS_U_FP, NULL, /* addi zero,a1,1 */
     "exit_to slot 0, 0x80000004"},
    {0x157d, FLAGS_U_FP, NULL, /* addi a0,a0,-1 */
     "add x10, x10, -1; exit_to slot 0, 0x80000002"},
    {0x80000537, FLAGS_U_FP, NULL, /* lui a0,0x80000 */
     "movi x10, 0xffffffff80000000; exit_to slot 0, 0x80000004"},
    {0x00001517, FLAGS_U_FP, NULL, /* auipc a0,0x1 */
     "movi x10, 0x80001000; exit_to slot 0, 0x80000004"},
    {0x0005851b, FLAGS_U_FP, NULL, /* sext.w a0,a1 */
     "sext32 x10, x11; exit_to slot 0, 0x80000004"},
    {0x0075851b, FLAGS_U_FP, NULL, /* addiw a0,a1,7 */
     "addw x10, x11, 7; exit_to slot 0, 0x80000004"},
    {0x0015b513, FLAGS_U_FP, NULL, /* seqz a0,a1 */
     "setc x10, x11, x0, eq; exit_to slot 0, 0x80000004"},
    {0x00b03533, FLAGS_U_FP, NULL, /* snez a0,a1 */
     "setc x10, x11, x0, ne; exit_to slot 0, 0x80000004"},
    {0x00c5b533, FLAGS_U_FP, NULL, /* sltu a0,a1,a2 */
     "setc x10, x11, x12, ltu; exit_to slot 0, 0x80000004"},
    {0x00c5a533, FLAGS_U_FP, NULL, /* slt a0,a1,a2 */
     "setc x10, x11, x12, lt; exit_to slot 0, 0x80000004"},
    {0xffb5a513, FLAGS_U_FP, NULL, /* slti a0,a1,-5 */
     "setc x10, x11, -5, lt; exit_to slot 0, 0x80000004"},
    {0x0ff5f513, FLAGS_U_FP, NULL, /* zext.b a0,a1 */
     "zext8 x10, x11; exit_to slot 0, 0x80000004"},
    {0x03f59513, FLAGS_U_FP, NULL, /* slli a0,a1,0x3f */
     "shl x10, x11, 63; exit_to slot 0, 0x80000004"},
    {0x41f5d51b, FLAGS_U_FP, NULL, /* sraiw a0,a1,0x1f */
     "sarw x10, x11, 31; exit_to slot 0, 0x80000004"},
    {0x00c5953b, FLAGS_U_FP, NULL, /* sllw a0,a1,a2 */
     "shlw x10, x11, x12; exit_to slot 0, 0x80000004"},
    {0x4588, FLAGS_U_FP, NULL, /* lw a0,8(a1) */
     "ld x10, x11, 8 [32s u]; exit_to slot 0, 0x80000002"},
    {0xfff5c003, FLAGS_U_FP, NULL, /* lbu zero,-1(a1) */
     "ld t0, x11, -1 [8 u]; exit_to slot 0, 0x80000004"},
    {0xe82a, FLAGS_U_FP, NULL, /* sd a0,16(sp) */
     "st x2, x10, 16 [64 u]; exit_to slot 0, 0x80000002"},
    {0x001000ef, FLAGS_U_FP, NULL, /* jal 0x80000800 */
     "movi x1, 0x80000004; exit_to slot 0, 0x80000800"},
    {0xffdff06f, FLAGS_U_FP, NULL, /* j 0x7ffffffc */
     "exit_to slot 0, 0x7ffffffc"},
    {0x000080e7, FLAGS_U_FP, NULL, /* jalr ra */
     "and t0, x1, -2; movi x1, 0x80000004; exit_jump t0, call"},
    {0x00008067, FLAGS_U_FP, NULL, /* ret */
     "and t0, x1, -2; exit_jump t0, ret"},
    {0x004280e7, FLAGS_U_FP, NULL, /* jalr 4(t0) */
     "add t0, x5, 4; and t1, t0, -2; movi x1, 0x80000004; exit_jump t1, ret-call"},
    {0x000500e7, FLAGS_U_FP, NULL, /* jalr a0 */
     "and t0, x10, -2; movi x1, 0x80000004; exit_jump t0, call"},
    {0x00050067, FLAGS_U_FP, NULL, /* jr a0 */
     "and t0, x10, -2; exit_jump t0, "},
    {0x00b50463, FLAGS_U_FP, NULL, /* beq a0,a1,0x80000008 */
     "exit_if x10, x11, eq, slot 0, 0x80000008; exit_to slot 1, 0x80000004"},
    {0xfe057ce3, FLAGS_U_FP, NULL, /* bgeu a0,zero,0x7ffffff8 */
     "exit_if x10, x0, geu, slot 0, 0x7ffffff8; exit_to slot 1, 0x80000004"},
    {0x02c5a533, FLAGS_U_FP, NULL, /* mulhsu a0,a1,a2 */
     "mulhsu x10, x11, x12; exit_to slot 0, 0x80000004"},
    {0x02c5f53b, FLAGS_U_FP, NULL, /* remuw a0,a1,a2 */
     "remuw x10, x11, x12; exit_to slot 0, 0x80000004"},
    {0x1405b52f, FLAGS_U_FP, NULL, /* lr.d.aq a0,(a1) */
     "lr x10, x11, 0 [64s u]; exit_to slot 0, 0x80000004"},
    {0x18c5a52f, FLAGS_U_FP, NULL, /* sc.w a0,a2,(a1) */
     "sc x10, x11, x12, 0 [32 u]; exit_to slot 0, 0x80000004"},
    {0x00c5a02f, FLAGS_U_FP, NULL, /* amoadd.w zero,a2,(a1) */
     "amo t0, x11, x12, add, 0 [32s u]; exit_to slot 0, 0x80000004"},
    {0xe0c5b52f, FLAGS_U_FP, NULL, /* amomaxu.d a0,a2,(a1) */
     "amo x10, x11, x12, maxu, 0 [64s u]; exit_to slot 0, 0x80000004"},
    {0x34059573, FLAGS_U_FP, NULL, /* csrrw a0,mscratch,a1 */
     "movi t0, 0xd340; movi t1, 0x34059573; call x10, t0, x11, t1, csr; exit_to slot 0, 0x80000004"},
    {0x18059073, FLAGS_U_FP, NULL, /* csrw satp,a1 */
     "movi t0, 0x9180; movi t1, 0x18059073; call -, t0, x11, t1, csr; exit_loop 0x80000004"},
    {0xc0002573, FLAGS_U_FP, NULL, /* rdcycle a0 */
     "movi t0, 0x6c00; movi t1, 0xc0002573; call x10, t0, x0, t1, csr; exit_to slot 0, 0x80000004"},
    {0x1005a573, FLAGS_U_FP, NULL, /* csrrs a0,sstatus,a1 */
     "movi t0, 0xe100; movi t1, 0x1005a573; call x10, t0, x11, t1, csr; exit_loop 0x80000004"},
    {0x10017073, FLAGS_U_FP, NULL, /* csrci sstatus,2 */
     "movi t0, 2; movi t1, 0xf100; movi t2, 0x10017073; call -, t1, t0, t2, csr; exit_loop 0x80000004"},
    {0x34005073, FLAGS_U_FP, NULL, /* csrwi mscratch,0 */
     "movi t0, 0x9340; movi t1, 0x34005073; call -, t0, x0, t1, csr; exit_to slot 0, 0x80000004"},
    {0x00000073, FLAGS_U_FP, NULL, /* ecall */
     "call -, x0, x0, x0, ecall; exit_loop 0x80000004"},
    {0x9002, FLAGS_U_FP, NULL, /* ebreak */
     "call -, x0, x0, x0, ebreak; exit_loop 0x80000002"},
    {0x30200073, FLAGS_U_FP, NULL, /* mret */
     "call -, x0, x0, x0, mret; exit_pc"},
    {0x10200073, FLAGS_U_FP, NULL, /* sret */
     "call -, x0, x0, x0, sret; exit_pc"},
    {0x10500073, FLAGS_U_FP, NULL, /* wfi */
     "call -, x0, x0, x0, wfi; exit_loop 0x80000004"},
    {0x0100000f, FLAGS_U_FP, NULL, /* pause */
     "call -, x0, x0, x0, yield; exit_loop 0x80000004"},
    {0x00d00073, FLAGS_U_FP, NULL, /* wrs.nto */
     "movi t0, 0xd00073; call -, t0, x0, x0, wrs; exit_loop 0x80000004"},
    {0x0ff0000f, FLAGS_U_FP, NULL, /* fence iorw,iorw */
     "exit_to slot 0, 0x80000004"},
    {0x0000100f, FLAGS_U_FP, NULL, /* fence.i  */
     "exit_to slot 0, 0x80000004"},
    {0x12b50073, FLAGS_U_FP, NULL, /* sfence.vma a0,a1 */
     "movi t0, 0x12b50073; call -, t0, x0, x0, sfence; exit_to slot 0, 0x80000004"},
    {0x0045200f, FLAGS_U_FP, NULL, /* cbo.zero (a0) */
     "movi t0, 0x45200f; movi t1, 347; call -, x10, t0, t1, cbo_zero; exit_to slot 0, 0x80000004"},
    {0x0015200f, FLAGS_U_FP, NULL, /* cbo.clean (a0) */
     "movi t0, 0x15200f; movi t1, 27; call -, x10, t0, t1, cbo; exit_to slot 0, 0x80000004"},
    {0x02156013, FLAGS_U_FP, NULL, /* prefetch.r 32(a0) */
     "exit_to slot 0, 0x80000004"},
    {0x20c5c533, FLAGS_U_FP, NULL, /* sh2add a0,a1,a2 */
     "shadd x10, x11, x12, 2; exit_to slot 0, 0x80000004"},
    {0x20c5e53b, FLAGS_U_FP, NULL, /* sh3add.uw a0,a1,a2 */
     "shadduw x10, x11, x12, 3; exit_to slot 0, 0x80000004"},
    {0x0805853b, FLAGS_U_FP, NULL, /* zext.w a0,a1 */
     "zext32 x10, x11; exit_to slot 0, 0x80000004"},
    {0x0845951b, FLAGS_U_FP, NULL, /* slli.uw a0,a1,0x4 */
     "zext32 t0, x11; shl x10, t0, 4; exit_to slot 0, 0x80000004"},
    {0x40c5f533, FLAGS_U_FP, NULL, /* andn a0,a1,a2 */
     "andn x10, x11, x12; exit_to slot 0, 0x80000004"},
    {0x6b85d513, FLAGS_U_FP, NULL, /* rev8 a0,a1 */
     "bswap x10, x11; exit_to slot 0, 0x80000004"},
    {0x2875d513, FLAGS_U_FP, NULL, /* orc.b a0,a1 */
     "and t0, x11, 0x7f7f7f7f7f7f7f7f; add t1, t0, 0x7f7f7f7f7f7f7f7f; or t2, t1, x11; "
     "and t3, t2, 0x8080808080808080; shr t4, t3, 7; sub t5, t3, t4; or x10, t3, t5; "
     "exit_to slot 0, 0x80000004"},
    {0x0805c53b, FLAGS_U_FP, NULL, /* zext.h a0,a1 */
     "zext16 x10, x11; exit_to slot 0, 0x80000004"},
    {0x6075d513, FLAGS_U_FP, NULL, /* rori a0,a1,0x7 */
     "ror x10, x11, 7; exit_to slot 0, 0x80000004"},
    {0x0ac5e533, FLAGS_U_FP, NULL, /* max a0,a1,a2 */
     "max x10, x11, x12; exit_to slot 0, 0x80000004"},
    {0x0ac59533, FLAGS_U_FP, NULL, /* clmul a0,a1,a2 */
     "call x10, x11, x12, x0, clmul; exit_to slot 0, 0x80000004"},
    {0x28c59533, FLAGS_U_FP, NULL, /* bset a0,a1,a2 */
     "movi t0, 1; shl t1, t0, x12; or x10, x11, t1; exit_to slot 0, 0x80000004"},
    {0x4bf59513, FLAGS_U_FP, NULL, /* bclri a0,a1,0x3f */
     "and x10, x11, 0x7fffffffffffffff; exit_to slot 0, 0x80000004"},
    {0x48c5d533, FLAGS_U_FP, NULL, /* bext a0,a1,a2 */
     "shr t0, x11, x12; and x10, t0, 1; exit_to slot 0, 0x80000004"},
    {0x4a85d513, FLAGS_U_FP, NULL, /* bexti a0,a1,0x28 */
     "shr t0, x11, 40; and x10, t0, 1; exit_to slot 0, 0x80000004"},
    {0x08c5c533, FLAGS_U_FP, NULL, /* pack a0,a1,a2 */
     "shl t0, x12, 32; zext32 t1, x11; or x10, t0, t1; exit_to slot 0, 0x80000004"},
    {0x08c5c53b, FLAGS_U_FP, NULL, /* packw a0,a1,a2 */
     "shlw t0, x12, 16; zext16 t1, x11; or x10, t0, t1; exit_to slot 0, 0x80000004"},
    {0x10259513, FLAGS_U_FP, NULL, /* sha256sig0 a0,a1 */
     "rorw t0, x11, 7; rorw t1, x11, 18; shrw t2, x11, 3; xor t3, t0, t1; xor x10, t3, t2; "
     "exit_to slot 0, 0x80000004"},
    {0x7ec58533, FLAGS_U_FP, NULL, /* aes64ks2 a0,a1,a2 */
     "shr t0, x11, 32; xor t1, t0, x12; shr t2, x12, 32; xor t3, t1, t2; shl t4, t3, 32; zext32 t5, t1; "
     "or x10, t4, t5; exit_to slot 0, 0x80000004"},
    {0x31359513, FLAGS_U_FP, NULL, /* aes64ks1i a0,a1,0x3 */
     "movi t0, 3; movi t1, 5; call x10, x11, t0, t1, crypto; exit_to slot 0, 0x80000004"},
    {0x0045a507, FLAGS_U_FP, NULL, /* flw fa0,4(a1) */
     "ld t0, x11, 4 [32 u]; or f10, t0, 0xffffffff00000000; exit_to slot 0, 0x80000004"},
    {0x2588, FLAGS_U_FP, NULL, /* fld fa0,8(a1) */
     "ld f10, x11, 8 [64 u]; exit_to slot 0, 0x80000002"},
    {0x00a5a227, FLAGS_U_FP, NULL, /* fsw fa0,4(a1) */
     "st x11, f10, 4 [32 u]; exit_to slot 0, 0x80000004"},
    {0xf0058553, FLAGS_U_FP, NULL, /* fmv.w.x fa0,a1 */
     "or f10, x11, 0xffffffff00000000; exit_to slot 0, 0x80000004"},
    {0xe0058553, FLAGS_U_FP, NULL, /* fmv.x.w a0,fa1 */
     "sext32 x10, f11; exit_to slot 0, 0x80000004"},
    {0x22b58553, FLAGS_U_FP, NULL, /* fmv.d fa0,fa1 */
     "mov f10, f11; exit_to slot 0, 0x80000004"},
    {0x22b5a553, FLAGS_U_FP, NULL, /* fabs.d fa0,fa1 */
     "and f10, f11, 0x7fffffffffffffff; exit_to slot 0, 0x80000004"},
    {0x22c59553, FLAGS_U_FP, NULL, /* fsgnjn.d fa0,fa1,fa2 */
     "and t0, f12, 0x8000000000000000; xor t1, t0, 0x8000000000000000; and t2, f11, 0x7fffffffffffffff; "
     "or f10, t2, t1; exit_to slot 0, 0x80000004"},
    {0x20b58553, FLAGS_U_FP, NULL, /* fmv.s fa0,fa1 */
     "setc t0, f11, 0xffffffff00000000, geu; movi t2, 0xffffffff7fc00000; sel t1, t0, f11, t2, ne; "
     "mov f10, t1; exit_to slot 0, 0x80000004"},
    {0x20c5a553, FLAGS_U_FP, NULL, /* fsgnjx.s fa0,fa1,fa2 */
     "setc t0, f11, 0xffffffff00000000, geu; movi t2, 0xffffffff7fc00000; sel t1, t0, f11, t2, ne; "
     "setc t3, f12, 0xffffffff00000000, geu; movi t5, 0xffffffff7fc00000; sel t4, t3, f12, t5, ne; "
     "and t6, t4, 0x80000000; xor f10, t1, t6; exit_to slot 0, 0x80000004"},
    {0x02c5f553, FLAGS_U_FP, NULL, /* fadd.d fa0,fa1,fa2 */
     "movi t0, 512; call f10, f11, f12, t0, fp_op; exit_to slot 0, 0x80000004"},
    {0x00c59553, FLAGS_U_FP, NULL, /* fadd.s fa0,fa1,fa2,rtz */
     "movi t0, 0x1100; call f10, f11, f12, t0, fp_op; exit_to slot 0, 0x80000004"},
    {0x6ac5f543, FLAGS_U_FP, NULL, /* fmadd.d fa0,fa1,fa2,fa3 */
     "movi t0, 542; sth t0, 2, 984; call f10, f11, f12, f13, fp_fma; exit_to slot 0, 0x80000004"},
    {0xa0c5a553, FLAGS_U_FP, NULL, /* feq.s a0,fa1,fa2 */
     "movi t0, 268; call x10, f11, f12, t0, fp_op; exit_to slot 0, 0x80000004"},
    {0xc2059053, FLAGS_U_FP, NULL, /* fcvt.w.d zero,fa1,rtz */
     "movi t1, 0x1213; call t0, f11, x0, t1, fp_op; exit_to slot 0, 0x80000004"},
    {0xd225f553, FLAGS_U_FP, NULL, /* fcvt.d.l fa0,a1 */
     "movi t0, 537; call f10, x11, x0, t0, fp_op; exit_to slot 0, 0x80000004"},
    {0x4015f553, FLAGS_U_FP, NULL, /* fcvt.s.d fa0,fa1 */
     "movi t0, 0x20112; call f10, f11, x0, t0, fp_op; exit_to slot 0, 0x80000004"},
    {0xe2059553, FLAGS_U_FP, NULL, /* fclass.d a0,fa1 */
     "movi t0, 529; call x10, f11, x0, t0, fp_op; exit_to slot 0, 0x80000004"},
    {0x0001, FLAGS_U_FP, NULL, /* nop */
     "exit_to slot 0, 0x80000002"},
    {0x0808, FLAGS_U_FP, NULL, /* addi a0,sp,16 */
     "add x10, x2, 16; exit_to slot 0, 0x80000002"},
    {0x4532, FLAGS_U_FP, NULL, /* lw a0,12(sp) */
     "ld x10, x2, 12 [32s u]; exit_to slot 0, 0x80000002"},
    {0x8082, FLAGS_U_FP, NULL, /* ret */
     "and t0, x1, -2; exit_jump t0, ret"},
    {0x9782, FLAGS_U_FP, NULL, /* jalr a5 */
     "and t0, x15, -2; movi x1, 0x80000002; exit_jump t0, call"},
    {0x952e, FLAGS_U_FP, NULL, /* add a0,a0,a1 */
     "add x10, x10, x11; exit_to slot 0, 0x80000002"},
    {0x9002, FLAGS_U_FP, NULL, /* ebreak */
     "call -, x0, x0, x0, ebreak; exit_loop 0x80000002"},
    {0x0045a507, FS_OFF, NULL, /* flw without FP */
     "movi t0, 0x45a507; call -, t0, x0, x0, illegal; exit_loop 0x80000004"},
    {0x0045a507, FS_INITIAL, NULL, /* flw fa0,4(a1) */
     "ld t0, x11, 4 [32 u]; or f10, t0, 0xffffffff00000000; call -, x0, x0, x0, fs_dirty; "
     "exit_to slot 0, 0x80000004"},
    {0x0045a527, FS_INITIAL, NULL, /* fsw ft4,10(a1) */
     "st x11, f4, 10 [32 u]; exit_to slot 0, 0x80000004"},
    {0xe2058553, FS_INITIAL, NULL, /* fmv.x.d does not change FP state */
     "mov x10, f11; exit_to slot 0, 0x80000004"},
    {0x00c5d553, FLAGS_U_FP, NULL, /* fadd.s with rm 5 */
     "movi t0, 0xc5d553; call -, t0, x0, x0, illegal; exit_loop 0x80000004"},
    {0x00c5f553, FLAGS_U_FP | 5u << FLAG_FRM_SHIFT, NULL, /* fadd.s with frm 5 */
     "movi t0, 0xc5f553; call -, t0, x0, x0, illegal; exit_loop 0x80000004"},
    {0x00c5f553, FLAGS_U_FP | 2u << FLAG_FRM_SHIFT, NULL, /* fadd.s rounding down */
     "movi t0, 0x2100; call f10, f11, f12, t0, fp_op; exit_to slot 0, 0x80000004"},
    {0xf2180553, FLAGS_U_FP, NULL, /* fli.d fa0,1.0 */
     "movi f10, 0x3ff0000000000000; exit_to slot 0, 0x80000004"},
    {0xf0110553, FLAGS_U_FP, NULL, /* fli.s fa0,1.52587890625e-05 */
     "movi f10, 0xffffffff37800000; exit_to slot 0, 0x80000004"},
    {0xf4110553, FLAGS_U_FP, NULL, /* fli.h fa0,1.52587890625e-05 */
     "movi f10, 0xffffffffffff0100; exit_to slot 0, 0x80000004"},
    {0xf4100553, FLAGS_U_FP, NULL, /* fli.h fa0,-1.0 */
     "movi f10, 0xffffffffffffbc00; exit_to slot 0, 0x80000004"},
    {0x0eb55533, FLAGS_U_FP, NULL, /* czero.eqz a0,a0,a1 */
     "sel x10, x11, x0, x10, eq; exit_to slot 0, 0x80000004"},
    {0x0080006f, FLAGS_U_FP, NULL, /* j 0x80000008 */
     "exit_to slot 0, 0x80000008"},
    {0x006000ef, FLAGS_U_FP, "c", /* jal ra,.+6 without C */
     "movi t0, 1; movi t1, 0x80000006; call -, t1, t0, x0, misaligned_jump; movi x1, 0x80000004; "
     "exit_to slot 0, 0x80000006"},
    {0x00b50363, FLAGS_U_FP, "c", /* beq a0,a1,.+6 without C */
     "setc t0, x10, x11, eq; movi t1, 0x80000006; call -, t1, t0, x0, misaligned_jump; "
     "exit_to slot 1, 0x80000004"},
    {0x00b50463, FLAGS_U_FP, "c", /* beq a0,a1,.+8 without C */
     "exit_if x10, x11, eq, slot 0, 0x80000008; exit_to slot 1, 0x80000004"},
    {0x000500e7, FLAGS_U_FP, "c", /* jalr ra,(a0) without C */
     "and t0, x10, -2; movi t1, 1; call -, t0, t1, x0, misaligned_jump; movi x1, 0x80000004; "
     "exit_jump t0, call"},
    {0x0100000f, FLAGS_U_FP, "zihintpause", /* pause is a fence */
     "exit_to slot 0, 0x80000004"},
};

static char *ir_text(void) {
    GString *out = g_string_new(NULL);
    for (uint32_t i = 1; i < block.n_ops; i++) {
        g_string_append(out, i > 1 ? "; " : "");
        ir_print_op(out, &block.ops[i]);
    }
    return g_string_free(out, FALSE);
}

static void test_ir(void) {
    for (size_t i = 0; i < G_N_ELEMENTS(ir_cases); i++) {
        Isa isa = isa_all;
        if (ir_cases[i].without) {
            g_assert_true(isa_set_property(&isa, ir_cases[i].without, "off"));
        }
        Code code = {.size = 0};
        add_insn(&code, ir_cases[i].insn);
        translate(&code, &(TranslateInput){.max_insns = 1, .flags = ir_cases[i].flags, .isa = &isa});
        g_autofree char *got = ir_text();
        if (strcmp(got, ir_cases[i].ir) != 0) {
            g_autofree char *text = riscv_disassemble(&isa, 0x80000000, ir_cases[i].insn);
            g_test_message("%s (%08x): %s", text, ir_cases[i].insn, got);
            g_test_fail();
        }
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    memset(&isa_all, true, sizeof(isa_all));
    g_test_add_func("/decode/round-trip", test_round_trip);
    g_test_add_func("/decode/parcels", test_every_parcel);
    g_test_add_func("/decode/illegal", test_illegal);
    g_test_add_func("/translate/ends", test_block_ends);
    g_test_add_func("/translate/alone", test_alone);
    g_test_add_func("/translate/mem-last", test_mem_last);
    g_test_add_func("/translate/full", test_block_full);
    g_test_add_func("/translate/ir", test_ir);
    return g_test_run();
}
