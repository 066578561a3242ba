/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line numbers out of an ELF file's DWARF, to the tables line and program_line. */
#ifndef ANALYSES_DWARF_LINES_H
#define ANALYSES_DWARF_LINES_H

#include <libelf.h>

#include "analyses/store/store.h"

/*
 * Nothing if it has none; `shift` is added to every address. module: of a program, whose lines are kept apart; 0: of what
 * lies at the same addresses for all. Inside a transaction.
 */
bool dwarf_lines_add(Store *s, Elf *elf, int64_t module, uint64_t shift, GError **error);
bool dwarf_lines_has(Elf *elf);

#endif
