/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which program lies where in which address space of a Linux guest, for symbols: into the tables module, program_symbol, map
 * and space. A program's start shows on its stack (argv, the environment, then the auxiliary vector, which tells where the
 * kernel put it and its dynamic loader); libraries are seen when code of a file is mapped. The files come from a folder
 * of the host.
 */
#ifndef ANALYSES_PROGRAMS_H
#define ANALYSES_PROGRAMS_H

#include "analyses/trackers/syscall_track.h"

typedef struct Programs Programs;

/* sysroot: NULL where only the kernel's modules are followed. */
Programs *programs_new(Machine *m, Store *store, const char *sysroot);
void programs_free(Programs *p); /* NULL is allowed */
/*
 * Subscribe, before those who ask. What began before is not known: begin where the recording does. Former rows are deleted.
 * False: the database failed.
 */
bool programs_begin(Programs *p, GError **error);
/*
 * Which program a hart runs in U mode: the module of what was executed; 0: not known, or p is NULL. With a page table's
 * number it says who has that, since page tables are used again.
 */
int64_t programs_on(const Programs *p, const Hart *hart);
/* Whether a function of the program, or of its libraries, begins at an address in what the hart runs in U mode; or one of a
 * module of the kernel. */
bool programs_function_begins(const Programs *p, const Hart *hart, Gva addr);
/* Which file's code lies at an address of what the hart runs in U mode, or which module of the kernel; and what its addresses
 * have been moved by. */
typedef struct ProgramPlace {
    int64_t module; /* 0: not known, or p is NULL */
    uint64_t shift;
} ProgramPlace;
ProgramPlace programs_place(const Programs *p, const Hart *hart, Gva addr);
/* Grows whenever there are further symbols in program_symbol. */
uint64_t programs_known(const Programs *p);
/* Not only modules of the kernel; `p` may be NULL. */
bool programs_are_followed(const Programs *p);
/* In a process that must not write to the database (programs of a sysroot are never followed there). */
void programs_quiet(Programs *p);
/* Unsubscribe; the first failure since begin. */
bool programs_end(Programs *p, GError **error);

#endif
