/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQL functions, and what they share with the virtual tables: the connection's symbols. */
#ifndef ANALYSES_STORE_FUNCTIONS_H
#define ANALYSES_STORE_FUNCTIONS_H

#include "analyses/store/sqlite.h"
#include "analyses/store/store.h"
#include "analyses/store/symbol_set.h"
#include "analyses/store/windows.h"

/* What rr-emu keeps for one connection; counted, as functions and modules end in any order. */
typedef struct Connection Connection;
sqlite3 *connection_db(const Connection *c);
Connection *connection_new(sqlite3 *db);
Connection *connection_ref(Connection *c);
void connection_unref(void *c);
Windows *connection_windows(Connection *c);
/* The table symbol of the schema main. */
SymbolTable *connection_symbol_table(Connection *c);
/* "name" or "name+0x12", NULL if unknown. Valid until the next call. */
const char *connection_symbol(Connection *c, uint64_t pc);
/* The same for code of a program (privilege U), in the address space of satp, or of what the hart has, before step pos. */
const char *connection_program_symbol(Connection *c, uint64_t pc, uint64_t satp, Pos pos);
/* For what is no program's: one of the kernel's modules is where it was before step pos. */
const char *connection_kernel_symbol(Connection *c, uint64_t pc, Pos pos);
const char *connection_program_symbol_on(Connection *c, uint64_t pc, uint32_t hart, Pos pos);
/* The instruction's text as a new string; its bytes if nobody disassembles. */
char *connection_disassemble(const Connection *c, uint64_t pc, uint32_t insn);
int functions_register(Connection *c);
/* memtrace, write and insn. */
int vtab_register(Connection *c);
int store_register_all(sqlite3 *db);

#endif
