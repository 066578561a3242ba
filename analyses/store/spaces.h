/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which program lies where, in which address space, since when: the tables map and space that programs.h fills, for one
 * connection. Address spaces are told apart by the page table's address, which satp holds (privileged spec, "Supervisor
 * Address Translation and Protection Register"); ASIDs do not matter.
 */
#ifndef ANALYSES_STORE_SPACES_H
#define ANALYSES_STORE_SPACES_H

#include "analyses/store/sqlite.h"
#include "analyses/store/store.h"

#define SPACE_OF_SATP(satp) ((satp) & (((uint64_t)1 << 44) - 1))

typedef struct Spaces Spaces;

Spaces *spaces_new(sqlite3 *db);
void spaces_free(Spaces *s); /* NULL is allowed */
/* The tables have changed. */
void spaces_forget(Spaces *s);

typedef struct SpacesPlace {
    int64_t module; /* 0: no program is known there */
    uint64_t shift; /* what its addresses have been moved by */
} SpacesPlace;
/* Where a program's pc belongs, in the address space of satp, before step pos; or one of a module of the kernel, in any. */
SpacesPlace spaces_find(Spaces *s, uint64_t satp, Pos pos, uint64_t pc);
/* The same where only one program was ever known to be. */
SpacesPlace spaces_find_unique(Spaces *s, uint64_t pc);
/* satp of a hart before step pos; false: not known. */
bool spaces_satp(Spaces *s, uint32_t hart, Pos pos, uint64_t *satp);
/* "name" or "name+0x12" of that program's; false: it has none there. */
bool spaces_text(Spaces *s, SpacesPlace place, uint64_t pc, char *to, size_t size);

#endif
