/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by assembly and C: the trap frame (x0..x31, then these) and the stacks. */
#define FRAME_EPC 256
#define FRAME_CAUSE 264
#define FRAME_TVAL 272
#define FRAME_STATUS 280
#define FRAME_SIZE 288

#define STACK_SIZE 16384
#define STACK_STRIDE 20480

#define RT_LEAVE 0x52
