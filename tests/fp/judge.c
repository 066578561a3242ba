/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs as a RISC-V user program under somebody else's emulator, or on a real hart: executes the instruction
 * that each record names and says what came of it. With the argument zfh or zfa it does one instruction of
 * that extension and exits 0 if that went well, so that the caller learns what it may ask for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcg/riscv/fpcall.h"
#include "tests/fp/record.h"

/* One instruction between setting the rounding mode and reading the flags. Operands are in ft0 ft1 ft2 and
 * t0, results in ft3 or t1. */
#define EXECUTE(text, move_back)                                                                             \
    __asm__ volatile(                                                                                        \
        ".option push\n.option arch, +zfh\n"                                                                 \
        "fsrm %[rm]\nfsflags zero\n"                                                                         \
        "fmv.d.x ft0, %[a]\nfmv.d.x ft1, %[b]\nfmv.d.x ft2, %[c]\nmv t0, %[a]\n" text "\n"                   \
        "frflags %[flags]\n" move_back "\n.option pop\n"                                                     \
        : [r] "=&r"(answer.result), [flags] "=&r"(answer.flags)                                              \
        : [rm] "r"((uint64_t)FPCALL_RM(in->code)), [a] "r"(in->a), [b] "r"(in->b), [c] "r"(in->c)            \
        : "ft0", "ft1", "ft2", "ft3", "t0", "t1");                                                           \
    break

#define TO_F "fmv.x.d %[r], ft3"
#define TO_X "mv %[r], t1"

/* The same instruction in the three formats. */
#define KEY(op, f) ((unsigned)(op) | (unsigned)(f) << 8)
#define CASES(op, before, after, result)                                                                     \
    case KEY(op, FP_H): EXECUTE(before "h" after, result);                                                   \
    case KEY(op, FP_S): EXECUTE(before "s" after, result);                                                   \
    case KEY(op, FP_D):                                                                                      \
        EXECUTE(before "d" after, result)
#define CASES_2(op, name) CASES(op, name ".", " ft3, ft0, ft1", TO_F)
#define CASES_3(op, name) CASES(op, name ".", " ft3, ft0, ft1, ft2", TO_F)
#define CASES_COMPARE(op, name) CASES(op, name ".", " t1, ft0, ft1", TO_X)
#define CASES_TO_INT(op, name) CASES(op, name ".", " t1, ft0", TO_X)
#define CASES_FROM_INT(op, after) CASES(op, "fcvt.", after, TO_F)
/* Zfa by number: assemblers that know it are not everywhere yet. funct7 holds the format in its low bits. */
#define CASES_ZFA(op, funct3, funct7_h, funct7_s, funct7_d, operands, result)                                \
    case KEY(op, FP_H): EXECUTE(".insn r 0x53, " funct3 ", " funct7_h ", " operands, result);                \
    case KEY(op, FP_S): EXECUTE(".insn r 0x53, " funct3 ", " funct7_s ", " operands, result);                \
    case KEY(op, FP_D): EXECUTE(".insn r 0x53, " funct3 ", " funct7_d ", " operands, result)

static FpAnswer convert(const FpRecord *in) {
    FpAnswer answer = {0, 0};

    switch (FPCALL_FORMAT(in->code) << 2 | FPCALL_SOURCE(in->code)) {
    case FP_H << 2 | FP_S: EXECUTE("fcvt.h.s ft3, ft0", TO_F);
    case FP_H << 2 | FP_D: EXECUTE("fcvt.h.d ft3, ft0", TO_F);
    case FP_S << 2 | FP_H: EXECUTE("fcvt.s.h ft3, ft0", TO_F);
    case FP_S << 2 | FP_D: EXECUTE("fcvt.s.d ft3, ft0", TO_F);
    case FP_D << 2 | FP_H: EXECUTE("fcvt.d.h ft3, ft0", TO_F);
    case FP_D << 2 | FP_S: EXECUTE("fcvt.d.s ft3, ft0", TO_F);
    default: exit(3);
    }
    return answer;
}

static FpAnswer execute(const FpRecord *in) {
    FpAnswer answer = {0, 0};

    switch (KEY(FPCALL_OP(in->code), FPCALL_FORMAT(in->code))) {
        CASES_2(FPC_ADD, "fadd");
        CASES_2(FPC_SUB, "fsub");
        CASES_2(FPC_MUL, "fmul");
        CASES_2(FPC_DIV, "fdiv");
        CASES(FPC_SQRT, "fsqrt.", " ft3, ft0", TO_F);
        CASES_2(FPC_SGNJ, "fsgnj");
        CASES_2(FPC_SGNJN, "fsgnjn");
        CASES_2(FPC_SGNJX, "fsgnjx");
        CASES_2(FPC_MIN, "fmin");
        CASES_2(FPC_MAX, "fmax");
        CASES_ZFA(FPC_MINM, "2", "0x16", "0x14", "0x15", "ft3, ft0, ft1", TO_F);
        CASES_ZFA(FPC_MAXM, "3", "0x16", "0x14", "0x15", "ft3, ft0, ft1", TO_F);
        CASES_COMPARE(FPC_EQ, "feq");
        CASES_COMPARE(FPC_LT, "flt");
        CASES_COMPARE(FPC_LE, "fle");
        CASES_ZFA(FPC_LTQ, "5", "0x52", "0x50", "0x51", "t1, ft0, ft1", TO_X);
        CASES_ZFA(FPC_LEQ, "4", "0x52", "0x50", "0x51", "t1, ft0, ft1", TO_X);
        CASES_TO_INT(FPC_CLASS, "fclass");
        CASES_TO_INT(FPC_CVT_W_F, "fcvt.w");
        CASES_TO_INT(FPC_CVT_WU_F, "fcvt.wu");
        CASES_TO_INT(FPC_CVT_L_F, "fcvt.l");
        CASES_TO_INT(FPC_CVT_LU_F, "fcvt.lu");
        CASES_FROM_INT(FPC_CVT_F_W, ".w ft3, t0");
        CASES_FROM_INT(FPC_CVT_F_WU, ".wu ft3, t0");
        CASES_FROM_INT(FPC_CVT_F_L, ".l ft3, t0");
        CASES_FROM_INT(FPC_CVT_F_LU, ".lu ft3, t0");
        CASES_ZFA(FPC_ROUND, "7", "0x22", "0x20", "0x21", "ft3, ft0, ft4", TO_F);
        CASES_ZFA(FPC_ROUNDNX, "7", "0x22", "0x20", "0x21", "ft3, ft0, ft5", TO_F);
        CASES_3(FPC_MADD, "fmadd");
        CASES_3(FPC_MSUB, "fmsub");
        CASES_3(FPC_NMSUB, "fnmsub");
        CASES_3(FPC_NMADD, "fnmadd");
    case KEY(FPC_CVTMOD, FP_D): EXECUTE(".insn r 0x53, 1, 0x61, t1, ft0, fs0", TO_X);
    case KEY(FPC_CVT_F_F, FP_H):
    case KEY(FPC_CVT_F_F, FP_S):
    case KEY(FPC_CVT_F_F, FP_D): return convert(in);
    default: exit(3);
    }
    return answer;
}

/* 1.5 + 1.5 in half precision, or round(1.5); without the extension this dies. */
static int probe(const char *extension) {
    FpRecord zfh = {.a = 0xffffffffffff3e00, .b = 0xffffffffffff3e00, .code = FPCALL(FPC_ADD, FP_H, RM_RNE)};
    FpRecord zfa = {.a = 0x3ff8000000000000, .code = FPCALL(FPC_ROUND, FP_D, RM_RNE)};

    if (strcmp(extension, "zfa") == 0)
        return execute(&zfa).result == 0x4000000000000000 ? 0 : 1;
    return execute(&zfh).result == 0xffffffffffff4200 ? 0 : 1;
}

int main(int argc, char **argv) {
    static FpRecord in[FP_CHUNK];
    static FpAnswer out[FP_CHUNK];
    size_t n;

    if (argc > 1)
        return probe(argv[1]);
    while ((n = fread(in, sizeof in[0], FP_CHUNK, stdin)) > 0) {
        for (size_t i = 0; i < n; i++)
            out[i] = execute(&in[i]);
        if (fwrite(out, sizeof out[0], n, stdout) != n || fflush(stdout) != 0)
            return 2;
    }
    return 0;
}
