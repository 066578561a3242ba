/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The intermediate representation's operations, one table: the enum, the printer, the checker, the optimiser's
 * queries, the interpreter and the x86-64 backend's dispatch derive from it.
 *
 *   OP(NAME, "text", operands, flags)
 *
 * operands, a string read by the printer and the checker, one letter per operand in the order
 * dst, a, b, c, aux, imm:
 *   D  dst is written          a b c  variable read     B  b is a variable or (b == IR_IMM) imm
 *   x  aux is used             i  imm is used           s  c is an exit slot number
 *
 * Values are 64 bits. "…w" operations work on the low 32 bits and sign-extend the 32-bit result, as the RISC-V
 * instructions of that name. Shift counts are taken modulo 64 (32 for w). Division has RISC-V's results for zero
 * and overflow (unprivileged spec §13.2).
 *
 * flags: IROP_PURE    no effect but dst: dead if dst is
 *        IROP_MEM     may take a slow path: fault, redo; guest registers must be exact before it
 *        IROP_CALL    calls a C helper
 *        IROP_EXIT    may leave the block here
 *        IROP_END     always leaves the block: the last op
 *        IROP_MARK    no code of its own
 *        IROP_LOOK    an observer looks at the hart: guest registers must be exact before it
 */
#ifndef TCG_IR_OPS_H
#define TCG_IR_OPS_H

enum {
    IROP_PURE = 1,
    IROP_MEM = 2,
    IROP_CALL = 4,
    IROP_EXIT = 8,
    IROP_END = 16,
    IROP_MARK = 32,
    IROP_COMM = 64,
    IROP_LOOK = 128
};

#define IR_OPS(OP)                                                                                             \
    /* a guest instruction begins: imm = pc, aux = length 2|4, c = index in the block */                       \
    OP(INSN, "insn", "xi", IROP_MARK)                                                                          \
    OP(MOV, "mov", "Da", IROP_PURE)                                                                            \
    OP(MOVI, "movi", "Di", IROP_PURE)                                                                          \
    OP(ADD, "add", "DaBi", IROP_PURE | IROP_COMM)                                                              \
    OP(SUB, "sub", "DaBi", IROP_PURE)                                                                          \
    OP(AND, "and", "DaBi", IROP_PURE | IROP_COMM)                                                              \
    OP(OR, "or", "DaBi", IROP_PURE | IROP_COMM)                                                                \
    OP(XOR, "xor", "DaBi", IROP_PURE | IROP_COMM)                                                              \
    OP(ANDN, "andn", "Dab", IROP_PURE)                                                                         \
    OP(ORN, "orn", "Dab", IROP_PURE)                                                                           \
    OP(XNOR, "xnor", "Dab", IROP_PURE | IROP_COMM)                                                             \
    OP(SHL, "shl", "DaBi", IROP_PURE)                                                                          \
    OP(SHR, "shr", "DaBi", IROP_PURE)                                                                          \
    OP(SAR, "sar", "DaBi", IROP_PURE)                                                                          \
    OP(ROL, "rol", "DaBi", IROP_PURE)                                                                          \
    OP(ROR, "ror", "DaBi", IROP_PURE)                                                                          \
    OP(ADDW, "addw", "DaBi", IROP_PURE | IROP_COMM)                                                            \
    OP(SUBW, "subw", "DaBi", IROP_PURE)                                                                        \
    OP(SHLW, "shlw", "DaBi", IROP_PURE)                                                                        \
    OP(SHRW, "shrw", "DaBi", IROP_PURE)                                                                        \
    OP(SARW, "sarw", "DaBi", IROP_PURE)                                                                        \
    OP(ROLW, "rolw", "DaBi", IROP_PURE)                                                                        \
    OP(RORW, "rorw", "DaBi", IROP_PURE)                                                                        \
    OP(SHADD, "shadd", "Dabx", IROP_PURE)     /* (a << aux) + b, aux 1..3 */                                   \
    OP(SHADDUW, "shadduw", "Dabx", IROP_PURE) /* (zext32(a) << aux) + b, aux 0..3 */                           \
    OP(MUL, "mul", "Dab", IROP_PURE | IROP_COMM)                                                               \
    OP(MULH, "mulh", "Dab", IROP_PURE | IROP_COMM)                                                             \
    OP(MULHU, "mulhu", "Dab", IROP_PURE | IROP_COMM)                                                           \
    OP(MULHSU, "mulhsu", "Dab", IROP_PURE)                                                                     \
    OP(MULW, "mulw", "Dab", IROP_PURE | IROP_COMM)                                                             \
    OP(DIV, "div", "Dab", IROP_PURE)                                                                           \
    OP(DIVU, "divu", "Dab", IROP_PURE)                                                                         \
    OP(REM, "rem", "Dab", IROP_PURE)                                                                           \
    OP(REMU, "remu", "Dab", IROP_PURE)                                                                         \
    OP(DIVW, "divw", "Dab", IROP_PURE)                                                                         \
    OP(DIVUW, "divuw", "Dab", IROP_PURE)                                                                       \
    OP(REMW, "remw", "Dab", IROP_PURE)                                                                         \
    OP(REMUW, "remuw", "Dab", IROP_PURE)                                                                       \
    OP(SEXT8, "sext8", "Da", IROP_PURE)                                                                        \
    OP(SEXT16, "sext16", "Da", IROP_PURE)                                                                      \
    OP(SEXT32, "sext32", "Da", IROP_PURE)                                                                      \
    OP(ZEXT8, "zext8", "Da", IROP_PURE)                                                                        \
    OP(ZEXT16, "zext16", "Da", IROP_PURE)                                                                      \
    OP(ZEXT32, "zext32", "Da", IROP_PURE)                                                                      \
    OP(BSWAP, "bswap", "Da", IROP_PURE) /* rev8 */                                                             \
    OP(CLZ, "clz", "Da", IROP_PURE)     /* 64 for 0 */                                                         \
    OP(CTZ, "ctz", "Da", IROP_PURE)                                                                            \
    OP(CPOP, "cpop", "Da", IROP_PURE)                                                                          \
    OP(CLZW, "clzw", "Da", IROP_PURE) /* 32 for low half 0 */                                                  \
    OP(CTZW, "ctzw", "Da", IROP_PURE)                                                                          \
    OP(CPOPW, "cpopw", "Da", IROP_PURE)                                                                        \
    OP(SETC, "setc", "DaBxi", IROP_PURE) /* dst = a <aux: IrCond> b ? 1 : 0 */                                 \
    OP(SEL, "sel", "Dabcx", IROP_PURE)   /* dst = (a <aux: IR_EQ|IR_NE> 0) ? b : c */                          \
    OP(MINS, "min", "Dab", IROP_PURE | IROP_COMM)                                                              \
    OP(MAXS, "max", "Dab", IROP_PURE | IROP_COMM)                                                              \
    OP(MINU, "minu", "Dab", IROP_PURE | IROP_COMM)                                                             \
    OP(MAXU, "maxu", "Dab", IROP_PURE | IROP_COMM)                                                             \
    /* memory: address a + imm; mem = MemOp; slot = word offset in the trace record, 0: not traced */          \
    OP(LD, "ld", "Dai", IROP_MEM)                                                                              \
    OP(ST, "st", "abi", IROP_MEM)                                                                              \
    /* load; then res_addr = address, res_value = dst (as extended), res_size = bytes */                       \
    OP(LR, "lr", "Dai", IROP_MEM)                                                                              \
    /* fails, without an access, unless res_size and res_addr match; then fails unless the bytes in memory   \
     * equal res_value's low ones; else stores b. dst = 0 stored, 1 failed; either way then res_size = 0 */ \
    OP(SC, "sc", "Dabi", IROP_MEM)                                                                             \
    OP(AMO, "amo", "Dabxi", IROP_MEM) /* dst = old (sign-extended); memory = old <aux: IrAmo> b */             \
    /* hart fields: imm = offset in struct Hart, aux = log2 size (zero-extended) */                            \
    OP(LDH, "ldh", "Dxi", IROP_PURE)                                                                           \
    OP(STH, "sth", "axi", 0)                                                                                   \
    /* dst = helper imm (IrHelper) of up to three variables (x0 where unused); aux = 1: dst is unused */       \
    OP(CALL, "call", "Dabcxi", IROP_CALL)                                                                      \
    /* leave if a <aux> b: to imm, exit slot c (0 or 1) */                                                     \
    OP(EXIT_IF, "exit_if", "abxsi", IROP_EXIT)                                                                 \
    OP(EXIT_TO, "exit_to", "si", IROP_END)     /* to constant pc imm, slot c, linkable; aux: IrJump hint */    \
    OP(EXIT_JUMP, "exit_jump", "ax", IROP_END) /* to the address in a; aux: IrJump hint */                     \
    OP(EXIT_LOOP, "exit_loop", "i", IROP_END)  /* return to the run loop, next pc = imm */                     \
    OP(EXIT_PC, "exit_pc", "", IROP_END)       /* return to the run loop, hart->pc is set already */           \
    /* instrumentation: block header, the very first op; imm = trace block index, b = words (a number) =     \
     * trace_words. Reserves the words at trace_ptr, after asking for space (ENTER_TRACE). A CALL of         \
     * cbo_zero with a slot stores a & ~63, mem_loc, 0 there when it succeeded. */ \
    OP(TRACE, "trace", "xi", IROP_MARK)                                                                        \
    /* probes: the counter at byte `mem` of the hart's scoreboard: aux 0 add imm, 1 store imm (32 bits);     \
     * c: when, as in ProbeUndo */ \
    OP(COUNT, "count", "xi", 0)                                                                                \
    /* the counter at byte `mem` becomes a + imm (32 bits) if that is lower */                                 \
    OP(LOWER, "lower", "ai", 0)                                                                                \
    /* the block is done but for its exits: its steps are (tcg/steps.h) */                                     \
    OP(STEP, "step", "", 0)                                                                                    \
    /* imm = address of a ProbeCall (tcg/probe.h), whose helper gets a b c */                                  \
    OP(PROBE, "probe", "abc", IROP_LOOK)

typedef enum {
#define OP(name, text, operands, flags) IR_##name,
    IR_OPS(OP)
#undef OP
        IR_N_OPS
} IrOpcode;

/* Conditions of SETC, SEL and EXIT_IF. Complement: cond ^ 1. */
typedef enum { IR_EQ = 0, IR_NE = 1, IR_LT = 2, IR_GE = 3, IR_LTU = 4, IR_GEU = 5 } IrCond;
typedef enum {
    IR_AMO_SWAP,
    IR_AMO_ADD,
    IR_AMO_XOR,
    IR_AMO_AND,
    IR_AMO_OR,
    IR_AMO_MIN,
    IR_AMO_MAX,
    IR_AMO_MINU,
    IR_AMO_MAXU
} IrAmo;
/* Hint of a jump for the return-address stack (unprivileged spec §2.5.1, table of RAS hints). */
typedef enum { IR_JUMP_PLAIN = 0, IR_JUMP_CALL = 1, IR_JUMP_RET = 2, IR_JUMP_RET_CALL = 3 } IrJump;

#endif
