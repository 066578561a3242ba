/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by assembly and C: where things are in Context. */
#define CONTEXT_PC 256
#define CONTEXT_STATUS 264
#define CONTEXT_CAUSE 272
#define CONTEXT_TVAL 280
#define CONTEXT_VECTOR 288
#define CONTEXT_HOST 296 /* ra sp gp tp s0-s11 */
