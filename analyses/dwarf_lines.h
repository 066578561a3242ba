/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Line numbers out of an ELF file's DWARF, to the table line. */
#ifndef ANALYSES_DWARF_LINES_H
#define ANALYSES_DWARF_LINES_H

#include <libelf.h>

#include "analyses/store/store.h"

/* Nothing if it has none; `shift` is added to every address. Inside a transaction. */
bool dwarf_lines_add(Store *s, Elf *elf, uint64_t shift, GError **error);

#endif
