/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF files of the guest's kind, in memory. */
#ifndef ANALYSES_ELF_SYMBOLS_H
#define ANALYSES_ELF_SYMBOLS_H

#include <libelf.h>

#include "analyses/store/symbol_set.h"

/* NULL: it is not a 64-bit ELF file for RISC-V. `data` must outlive it; elf_end() frees. */
Elf *elf_open(const uint8_t *data, size_t size);
/* The addresses that loadable segments cover: [low, high). */
bool elf_load_range(Elf *elf, uint64_t *low, uint64_t *high);
/* In hex digits, or NULL. Caller frees. */
char *elf_build_id(Elf *elf);
bool elf_has_symtab(Elf *elf);
typedef bool ElfSymbolFn(void *opaque, const char *name, uint64_t addr, uint64_t size, SymbolKind kind,
                         GError **error);
/* Those of .symtab, or of .dynsym where it was stripped, each to `add`, at its address + shift, until that returns false. */
bool elf_add_symbols(Elf *elf, uint64_t shift, ElfSymbolFn *add, void *opaque, GError **error);

#endif
