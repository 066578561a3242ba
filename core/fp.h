/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IEEE 754-2008 arithmetic as RISC-V defines it (unprivileged spec chapters F, D, Zfh, Zfa), by integers
 * only, so that results and flags never depend on a host FPU. Operands and results are raw bit patterns of
 * the format's width in the low bits (no NaN boxing here). Flags are OR-ed into *flags. NaN results are
 * canonical. rm: 0 RNE, 1 RTZ, 2 RDN, 3 RUP, 4 RMM. Underflow is detected after rounding.
 *
 * Pure functions of their arguments, callable from anywhere; only *flags is written, and never cleared.
 * Operations that take no rm are exact. RM_DYN is for decoders: it must be resolved before it comes here.
 */
#ifndef CORE_FP_H
#define CORE_FP_H

#include <stdbool.h>
#include <stdint.h>

enum { FP_NX = 1, FP_UF = 2, FP_OF = 4, FP_DZ = 8, FP_NV = 16 };
typedef enum { RM_RNE, RM_RTZ, RM_RDN, RM_RUP, RM_RMM, RM_DYN = 7 } FpRound;
typedef enum { FP_H, FP_S, FP_D } FpFormat;

uint64_t fp_add(FpFormat f, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags);
uint64_t fp_sub(FpFormat f, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags);
uint64_t fp_mul(FpFormat f, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags);
uint64_t fp_div(FpFormat f, uint64_t a, uint64_t b, FpRound rm, uint8_t *flags);
uint64_t fp_sqrt(FpFormat f, uint64_t a, FpRound rm, uint8_t *flags);
/* a*b + c with one rounding; inf*0 is invalid even when c is a quiet NaN (spec §20.6). */
uint64_t fp_fma(FpFormat f, uint64_t a, uint64_t b, uint64_t c, FpRound rm, uint8_t *flags);
uint64_t fp_min(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags); /* minimumNumber, -0 < +0 */
uint64_t fp_max(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags);
uint64_t fp_minm(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags); /* Zfa: minimum, NaN wins */
uint64_t fp_maxm(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags);
bool fp_eq(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags); /* quiet */
bool fp_lt(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags); /* signalling */
bool fp_le(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags);
bool fp_ltq(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags); /* Zfa: quiet */
bool fp_leq(FpFormat f, uint64_t a, uint64_t b, uint8_t *flags);
uint64_t fp_class(FpFormat f, uint64_t a); /* fclass's ten bits */
/* Float to float. */
uint64_t fp_convert(FpFormat to, FpFormat from, uint64_t a, FpRound rm, uint8_t *flags);
/* Float to integer of 32 or 64 bits, saturating as the spec's table says; 32-bit results are sign-extended.
 */
uint64_t fp_to_int(FpFormat f, uint64_t a, unsigned bits, bool is_signed, FpRound rm, uint8_t *flags);
/* Integer (taken from the low `bits` of a) to float. */
uint64_t fp_from_int(FpFormat f, uint64_t a, unsigned bits, bool is_signed, FpRound rm, uint8_t *flags);
uint64_t fp_round(FpFormat f, uint64_t a, FpRound rm, bool exact,
                  uint8_t *flags);               /* Zfa fround, froundnx (exact) */
uint64_t fp_fcvtmod(uint64_t a, uint8_t *flags); /* Zfa fcvtmod.w.d */

#endif
