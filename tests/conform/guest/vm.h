/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address translation round a generated program: its page of code and its data, wherever chance puts them. */
#ifndef VM_H
#define VM_H

#include "guest.h"

/*
 * Random tables for programs in that mode, and satp on. The program is at CODE_BASE + vm_offset, its data as far from it
 * as without translation; the pages of the data are in another order. M mode's code is where it was, its data is U
 * mode's (MPRV). The PMP entry of the tables is the third.
 */
void vm_on(unsigned priv);
void vm_off(void);
extern uint64_t vm_offset;           /* 0 while off */
uint64_t vm_data(uint64_t at);       /* where the data at that address (without vm_offset) really is */
#endif
