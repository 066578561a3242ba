/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floating point in line against the helpers, which compute with integers only. */
#include <inttypes.h>
#include "core/fp.h"
#include "tcg/riscv/fpcall.h"
#include "tcg/x86_64/compiler.h"

static Backend *x86;
static Hart *hart, *judge;
static IrBlock ir;

static const uint64_t doubles[] = {0,
                                   0x8000000000000000,
                                   0x3ff0000000000000,
                                   0xbff0000000000000,
                                   0x3ff8000000000000,
                                   0x4000000000000000,
                                   0x3fe0000000000000,
                                   0xbfe0000000000000,
                                   0x3fb999999999999a,
                                   0x7ff0000000000000,
                                   0xfff0000000000000,
                                   0x7ff8000000000000,
                                   0x7ff0000000000001,
                                   0xfff8000000000001,
                                   1,
                                   0x8000000000000001,
                                   0x000fffffffffffff,
                                   0x0010000000000000,
                                   0x0010000000000001,
                                   0x0020000000000000,
                                   0x7fefffffffffffff,
                                   0xffefffffffffffff,
                                   0x41dfffffffc00000,
                                   0x41e0000000000000,
                                   0xc1e0000000000000,
                                   0xc1e0000000200000,
                                   0x41efffffffe00000,
                                   0x43e0000000000000,
                                   0xc3e0000000000000,
                                   0x43dfffffffffffff,
                                   0x43efffffffffffff,
                                   0x4330000000000001,
                                   0x1ff0000000000000,
                                   0x2000000000000001,
                                   0x5fe0000000000001,
                                   0x3800000000000000,
                                   0x37f0000000000000,
                                   0x380fffffffffffff,
                                   0x47efffffe0000000,
                                   0x47effffff0000000,
                                   0x36a0000000000000,
                                   0x3ff0000000000001};
static const uint32_t singles[] = {
    0,          0x80000000, 0x3f800000, 0xbf800000, 0x3fc00000, 0x3dcccccd, 0x7f800000, 0xff800000,
    0x7fc00000, 0x7f800001, 0xffc00001, 1,          0x80000001, 0x007fffff, 0x00800000, 0x00800001,
    0x01000000, 0x7f7fffff, 0xff7fffff, 0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x4f7fffff,
    0x5f000000, 0xdf000000, 0x4b000001, 0x1f800000, 0x20000001, 0x5f7fffff, 0x3f000000, 0xbf000000};
static const uint64_t integers[] = {0,
                                    1,
                                    UINT64_MAX,
                                    0x7fffffff,
                                    0x80000000,
                                    0xffffffff,
                                    0x1000001,
                                    0x20000000000001,
                                    0x7fffffffffffffff,
                                    0x8000000000000000,
                                    0xffffff0080000000};

static uint64_t random64(GRand *r) {
    return (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
}

static uint64_t float_value(GRand *r, FpFormat f) {
    unsigned how = g_rand_int(r) % 8;
    uint64_t bits = random64(r);
    if (f == FP_D) {
        bits = how < 3   ? doubles[bits % G_N_ELEMENTS(doubles)]
               : how < 6 ? bits % (1ull << 57) + (0x3feull << 52)
                         : bits;
        return how == 5 ? bits & ~0xffffffffffull : bits; /* few digits: exact results */
    }
    uint32_t w = how < 3   ? singles[bits % G_N_ELEMENTS(singles)]
                 : how < 6 ? (uint32_t)bits % (1u << 27) + (0x7eu << 23)
                           : (uint32_t)bits;
    w = how == 5 ? w & ~0xfffffu : w;
    return w | (how == 7 && bits >> 62 == 0 ? 0 : 0xffffffffull << 32);
}

static bool is_from_int(FpcOp op) {
    return op >= FPC_CVT_F_W && op <= FPC_CVT_F_LU;
}
static bool is_to_x(FpcOp op) {
    return (op >= FPC_EQ && op <= FPC_CLASS) || (op >= FPC_CVT_W_F && op <= FPC_CVT_LU_F) || op == FPC_CVTMOD;
}

static IrOp *mark(void) {
    IrOp *op = ir_emit(&ir, IR_INSN, 0, 0, 0, (int64_t)(ir.pc + ir.bytes));
    op->aux = 4;
    op->c = ir.n_insns++;
    ir.bytes += 4;
    return op;
}

/* x20, kept in a temporary across the operation, must survive it. */
static void build(Block *b, uint32_t code, IrVar dst, IrVar first, IrVar second, IrVar third) {
    ir_init(&ir, 0x80000000, 3);
    mark();
    IrVar kept = ir_temp(&ir), t = ir_temp(&ir);
    ir_emit(&ir, IR_ADD, kept, IR_X(20), IR_IMM, 5);
    ir_emit(&ir, IR_MOVI, t, 0, 0, code);
    if (FPCALL_OP(code) >= FPC_MADD) {
        ir_emit(&ir, IR_STH, 0, t, 0, offsetof(Hart, fp_call))->aux = 2;
        ir_emit(&ir, IR_CALL, dst, first, second, HELPER_fp_fma)->c = third;
    } else {
        ir_emit(&ir, IR_CALL, dst, first, second, HELPER_fp_op)->c = t;
    }
    ir_emit(&ir, IR_ADD, IR_X(21), kept, IR_X(20), 0);
    ir_emit(&ir, IR_EXIT_LOOP, 0, 0, 0, 0x80000004);
    *b = (Block){.pc = ir.pc, .n_insns = 1};
    if (!x86->ops->compile(x86, &ir, b)) {
        x86->ops->flush(x86);
        x86->ops->compile(x86, &ir, b);
    }
}

static uint64_t operand(GRand *r, uint32_t code) {
    if (is_from_int(FPCALL_OP(code))) {
        return g_rand_boolean(r) ? integers[g_rand_int(r) % G_N_ELEMENTS(integers)]
                                 : random64(r) >> (g_rand_int(r) % 64);
    }
    return float_value(r, FPCALL_OP(code) == FPC_CVT_F_F ? FPCALL_SOURCE(code) : FPCALL_FORMAT(code));
}

static void run_one(GRand *r, Block *b, uint32_t code, IrVar dst, const IrVar *src) {
    uint64_t *state[] = {hart->x, hart->f};
    for (unsigned i = 1; i < 32; i++) {
        hart->x[i] = random64(r);
    }
    for (unsigned i = 0; i < 3; i++) {
        if (src[i] != IR_ZERO) {
            state[src[i] / 32][src[i] % 32] = operand(r, code);
        }
    }
    uint64_t v[3];
    for (unsigned i = 0; i < 3; i++) {
        v[i] = state[src[i] / 32][src[i] % 32];
    }
    hart->fflags = judge->fflags = (uint8_t)(g_rand_boolean(r) ? 0 : g_rand_int(r) % 32);
    judge->fp_call = code;
    bool fma = FPCALL_OP(code) >= FPC_MADD;
    uint64_t want = fma ? helper_fp_fma(judge, v[0], v[1], v[2]) : helper_fp_op(judge, v[0], v[1], code);
    uint64_t kept = hart->x[20];
    hart->budget = 1;
    x86->ops->enter(x86, hart, b);
    uint64_t got = state[dst / 32][dst % 32];
    if (want != got || hart->fflags != judge->fflags || hart->x[21] != 2 * kept + 5) {
        g_error("code %x of %" PRIx64 " %" PRIx64 " %" PRIx64 ": %" PRIx64 " flags %x, not %" PRIx64
                " flags %x; x21 %" PRIx64,
                code, v[0], v[1], v[2], got, hart->fflags, want, judge->fflags, hart->x[21] - 2 * kept);
    }
}

static void check_code(GRand *r, uint32_t code) {
    FpcOp op = FPCALL_OP(code);
    static const IrVar f_dst[] = {IR_F(1), IR_F(2), IR_F(3)}, x_dst[] = {IR_X(10), IR_X(5), IR_X(21)};
    static const IrVar x_src[] = {IR_X(10), IR_X(5), IR_X(20), IR_ZERO};
    for (unsigned i = 0; i < 4; i++) {
        IrVar dst = is_to_x(op) ? x_dst[i % 2] : f_dst[i % 3];
        const IrVar src[] = {is_from_int(op) ? x_src[i] : IR_F(1), i == 3 ? IR_F(1) : IR_F(2), IR_F(3)};
        Block b;
        build(&b, code, dst, src[0], src[1], src[2]);
        for (unsigned n = 0; n < 1500; n++) {
            run_one(r, &b, code, dst, src);
        }
    }
}

static void test_fp(gconstpointer features) {
    GRand *r = g_rand_new_with_seed(7);
    X86Env env = {NULL, NULL, NULL, ir_helpers};
    x86 = x86_backend_new(&env, features, 0);
    for (FpcOp op = 0; op < FPC_N_ALL; op++) {
        for (FpRound rm = RM_RNE; rm <= RM_RMM; rm++) {
            if (op == FPC_CVT_F_F) {
                check_code(r, FPCALL_CVT(FP_S, FP_D, rm));
                check_code(r, FPCALL_CVT(FP_D, FP_S, rm));
            } else if (op == FPC_CVTMOD) {
                check_code(r, FPCALL(op, FP_D, RM_RTZ));
            } else {
                check_code(r, FPCALL(op, FP_S, rm));
                check_code(r, FPCALL(op, FP_D, rm));
            }
        }
    }
    x86->ops->free(x86);
    g_rand_free(r);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    hart = g_new0(Hart, 1);
    judge = g_new0(Hart, 1);
    hart->jump_cache = g_new0(JumpEntry, JUMP_CACHE_ENTRIES);
    X86Features host, plain = {0};
    x86_features_detect(&host);
    g_test_add_data_func("/x86/fp/features", &host, test_fp);
    g_test_add_data_func("/x86/fp/plain", &plain, test_fp);
    int status = g_test_run();
    g_free(hart->jump_cache);
    g_free(hart);
    g_free(judge);
    return status;
}
