/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/symbols/elf_symbols.h"

#include <gelf.h>
#include <string.h>

static bool is_riscv64(Elf *elf) {
    GElf_Ehdr header;
    return elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 && gelf_getehdr(elf, &header) &&
           header.e_machine == EM_RISCV;
}

bool elf_load_range(Elf *elf, uint64_t *low, uint64_t *high) {
    size_t n = 0;
    *low = UINT64_MAX;
    *high = 0;
    elf_getphdrnum(elf, &n);
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(elf, (int)i, &ph) || ph.p_type != PT_LOAD)
            continue;
        *low = MIN(*low, ph.p_vaddr);
        *high = MAX(*high, ph.p_vaddr + ph.p_memsz);
    }
    return *low < *high;
}

char *elf_build_id(Elf *elf) {
    GString *id = g_string_new(NULL);
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
        GElf_Shdr sh;
        GElf_Nhdr note;
        size_t name, desc;
        Elf_Data *data;
        if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_NOTE || !(data = elf_getdata(scn, NULL)))
            continue;
        for (size_t at = 0; (at = gelf_getnote(data, at, &note, &name, &desc)) > 0;)
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
                !memcmp((char *)data->d_buf + name, "GNU", 4))
                for (size_t i = 0; i < note.n_descsz && !(id->len > 2 * i); i++)
                    g_string_append_printf(id, "%02x", ((uint8_t *)data->d_buf)[desc + i]);
    }
    char *text = id->len ? g_strdup(id->str) : NULL;
    g_string_free(id, TRUE);
    return text;
}

/* False: it is none. */
static bool symbol_kind(const GElf_Sym *sym, const char *name, SymbolKind *kind) {
    if (!name || !*name || *name == '$' || !strncmp(name, ".L", 2) || sym->st_shndx == SHN_UNDEF ||
        sym->st_shndx == SHN_ABS)
        return false;
    switch (GELF_ST_TYPE(sym->st_info)) {
    case STT_FUNC:
    case STT_GNU_IFUNC: *kind = SYMBOL_FUNC; return true;
    case STT_OBJECT: *kind = SYMBOL_OBJECT; return true;
    case STT_NOTYPE: *kind = SYMBOL_LABEL; return true;
    default: return false;
    }
}

/* All of one symbol table. */
static bool add_table(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, uint64_t shift, ElfSymbolFn *add,
                      void *opaque, GError **error) {
    Elf_Data *data = elf_getdata(scn, NULL);
    size_t n = data && sh->sh_entsize ? data->d_size / sh->sh_entsize : 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Sym sym;
        if (!gelf_getsym(data, (int)i, &sym))
            continue;
        const char *name = elf_strptr(elf, sh->sh_link, sym.st_name);
        SymbolKind kind;
        if (!symbol_kind(&sym, name, &kind))
            continue;
        g_autofree char *valid = g_utf8_make_valid(name, -1);
        if (!add(opaque, valid, sym.st_value + shift, sym.st_size, kind, error))
            return false;
    }
    return true;
}

bool elf_has_symtab(Elf *elf) {
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
        GElf_Shdr sh;
        if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_SYMTAB)
            return true;
    }
    return false;
}

/* .symtab, or .dynsym where it was stripped. */
bool elf_add_symbols(Elf *elf, uint64_t shift, ElfSymbolFn *add, void *opaque, GError **error) {
    for (unsigned type = SHT_SYMTAB; type; type = type == SHT_SYMTAB ? SHT_DYNSYM : 0) {
        bool found = false;
        for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
            GElf_Shdr sh;
            if (!gelf_getshdr(scn, &sh) || sh.sh_type != type)
                continue;
            found = true;
            if (!add_table(elf, scn, &sh, shift, add, opaque, error))
                return false;
        }
        if (found)
            break;
    }
    return true;
}

Elf *elf_open(const uint8_t *data, size_t size) {
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)data, size);
    if (elf && is_riscv64(elf))
        return elf;
    elf_end(elf);
    return NULL;
}
