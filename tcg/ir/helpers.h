/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * C functions that IR may call, one table. All have the signature
 *     uint64_t helper_<name>(Hart *h, uint64_t a, uint64_t b, uint64_t c)
 * and are implemented in tcg/riscv/helpers.c (integer, system) and tcg/riscv/helpers_fp.c.
 *
 *   H(name, flags)
 * flags: HELPER_FAULTS  may set hart->exit: pc and left are stored before, exit tested after
 *        HELPER_POS     looks at pos or time: left (and pc) are stored before
 *        HELPER_REGS    reads or writes guest registers through the hart, so they must be there before and are
 *                       reloaded after
 *        HELPER_PURE    only its arguments matter, only the result and hart->fflags change
 */
#ifndef TCG_IR_HELPERS_H
#define TCG_IR_HELPERS_H

#include "core/hart.h"

enum { HELPER_FAULTS = 1, HELPER_POS = 2, HELPER_REGS = 4, HELPER_PURE = 8 };

/* clang-format off */
#define IR_HELPERS(H)                                                                                        \
    H(illegal, HELPER_FAULTS)      /* a: instruction bytes */                                                \
    H(ecall, HELPER_FAULTS)                                                                                  \
    H(ebreak, HELPER_FAULTS)                                                                                 \
    H(misaligned_jump, HELPER_FAULTS) /* a: target, b: taken; only without C */                              \
    H(csr, HELPER_FAULTS | HELPER_POS) /* a: csr | op << 12 | reads << 14 | writes << 15, b: value, c: insn */\
    H(mret, HELPER_FAULTS | HELPER_POS)                                                                      \
    H(sret, HELPER_FAULTS | HELPER_POS)                                                                      \
    H(wfi, HELPER_FAULTS | HELPER_POS)                                                                       \
    H(yield, 0)                        /* pause */                                                           \
    H(wrs, HELPER_FAULTS | HELPER_POS) /* a: insn */                                                         \
    H(sfence, HELPER_FAULTS)           /* a: insn; privilege and TVM checks only, see mmu.h */               \
    H(cbo, HELPER_FAULTS)              /* inval clean flush: a: address, b: insn, c: MemOp */                \
    H(cbo_zero, HELPER_FAULTS | HELPER_POS) /* a: address, b: insn, c: MemOp */                              \
    H(fs_dirty, 0)                     /* mstatus.FS = dirty, flags updated */                               \
    H(clmul, HELPER_PURE) H(clmulh, HELPER_PURE) H(clmulr, HELPER_PURE)                                      \
    /* FP: a b c are whole registers, NaN boxing is checked inside; the code: tcg/riscv/fpcall.h */          \
    H(fp_op, HELPER_PURE)    /* a, b: operands, c: FpCall code (tcg/riscv/fpcall.h) */                       \
    H(fp_fma, HELPER_PURE)   /* a, b, c: operands; code in hart->fp_call */                                  \
    /* crypto and bit permutation: a, b operands, c: CryptoCall (tcg/riscv/cryptocall.h) */                  \
    H(crypto, HELPER_PURE)
/* clang-format on */

typedef enum {
#define H(name, flags) HELPER_##name,
    IR_HELPERS(H)
#undef H
        IR_N_HELPERS
} IrHelper;

#define H(name, flags) uint64_t helper_##name(Hart *h, uint64_t a, uint64_t b, uint64_t c);
IR_HELPERS(H)
#undef H

typedef uint64_t IrHelperFn(Hart *h, uint64_t a, uint64_t b, uint64_t c);
typedef struct IrHelperInfo {
    const char *name;
    IrHelperFn *fn;
    unsigned flags;
} IrHelperInfo;
extern const IrHelperInfo ir_helpers[IR_N_HELPERS];

#endif
