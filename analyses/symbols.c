/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols, from ELF files and from kernels themselves, to the tables module, symbol and line. */
#include <gelf.h>
#include <libelf.h>
#include <string.h>

#include "analyses/analysis.h"
#include "analyses/dwarf_lines.h"
#include "analyses/kallsyms.h"
#include "analyses/store/store.h"

bool store_clear_symbols(Store *s, GError **error) {
    return store_exec(s, "DELETE FROM line; DELETE FROM symbol; DELETE FROM module", error);
}

bool store_has_symbols(Store *s, const char *source) {
    return store_get_int(s, "SELECT count(*) FROM meta WHERE key = 'symbols' AND value = ?", 0, "s", source);
}

bool store_symbols_begin(Store *s, GError **error) {
    if (!store_begin(s, error))
        return false;
    if (store_clear_symbols(s, error) && store_exec_section(s, "symbols begin", NULL, error))
        return true;
    store_rollback(s);
    return false;
}

bool store_symbols_end(Store *s, const char *source, GError **error) {
    return store_exec_section(s, "symbols end", NULL, error) && store_set_meta(s, "symbols", source, error) &&
           store_commit(s, error);
}

static bool fail(GError **error, const char *path, const char *what) {
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION, "%s: %s", path, what);
    return false;
}

static bool is_riscv64(Elf *elf) {
    GElf_Ehdr header;
    return elf_kind(elf) == ELF_K_ELF && gelf_getclass(elf) == ELFCLASS64 && gelf_getehdr(elf, &header) &&
           header.e_machine == EM_RISCV;
}

/* The addresses that loadable segments cover: [low, high). */
static bool load_range(Elf *elf, uint64_t *low, uint64_t *high) {
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

static char *find_build_id(Elf *elf) {
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

static const char *symbol_kind(const GElf_Sym *sym, const char *name) {
    if (!name || !*name || *name == '$' || !strncmp(name, ".L", 2) || sym->st_shndx == SHN_UNDEF ||
        sym->st_shndx == SHN_ABS)
        return NULL;
    switch (GELF_ST_TYPE(sym->st_info)) {
    case STT_FUNC:
    case STT_GNU_IFUNC: return "func";
    case STT_OBJECT: return "object";
    case STT_NOTYPE: return "label";
    default: return NULL;
    }
}

/* All of one symbol table. */
static bool add_table(Elf *elf, Elf_Scn *scn, const GElf_Shdr *sh, StoreStmt *insert, int64_t module,
                      uint64_t shift, GError **error) {
    Elf_Data *data = elf_getdata(scn, NULL);
    size_t n = data && sh->sh_entsize ? data->d_size / sh->sh_entsize : 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Sym sym;
        if (!gelf_getsym(data, (int)i, &sym))
            continue;
        const char *name = elf_strptr(elf, sh->sh_link, sym.st_name), *kind = symbol_kind(&sym, name);
        if (!kind)
            continue;
        g_autofree char *valid = g_utf8_make_valid(name, -1);
        if (!store_run(insert, error, "isuus", module, valid, sym.st_value + shift, (uint64_t)sym.st_size,
                       kind))
            return false;
    }
    return true;
}

/* .symtab, or .dynsym where it was stripped. */
static bool add_symbols(Elf *elf, StoreStmt *insert, int64_t module, uint64_t shift, GError **error) {
    for (unsigned type = SHT_SYMTAB; type; type = type == SHT_SYMTAB ? SHT_DYNSYM : 0) {
        bool found = false;
        for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
            GElf_Shdr sh;
            if (!gelf_getshdr(scn, &sh) || sh.sh_type != type)
                continue;
            found = true;
            if (!add_table(elf, scn, &sh, insert, module, shift, error))
                return false;
        }
        if (found)
            break;
    }
    return true;
}

static bool add_rows(Store *s, const char *name, const char *path, const char *build_id, uint64_t base,
                     uint64_t size, int64_t *id, StoreStmt **insert, GError **error) {
    StoreStmt *module = NULL;
    *id = store_get_int(s, "SELECT max(id) FROM module", 0, "") + 1;
    bool ok =
        store_prepare(s, "INSERT INTO module VALUES (?, ?, ?, ?, ?, ?)", &module, error) &&
        store_run(module, error, "isssuu", *id, name, path, build_id, base, size) &&
        store_prepare(s, "INSERT INTO symbol (module_id, name, addr, size, kind) VALUES (?, ?, ?, ?, ?)",
                      insert, error);
    store_stmt_free(module);
    return ok;
}

static bool add_module(Store *s, Elf *elf, const char *name, const char *path, uint64_t shift,
                       GError **error) {
    StoreStmt *insert = NULL;
    uint64_t low, high;
    int64_t id;
    if (!load_range(elf, &low, &high))
        low = high = 0;
    g_autofree char *build_id = find_build_id(elf);
    bool ok = add_rows(s, name, path, build_id, low + shift, high - low, &id, &insert, error) &&
              add_symbols(elf, insert, id, shift, error) && dwarf_lines_add(s, elf, shift, error);
    store_stmt_free(insert);
    return ok;
}

static Elf *open_elf(const uint8_t *data, size_t size) {
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)data, size);
    if (elf && is_riscv64(elf))
        return elf;
    elf_end(elf);
    return NULL;
}

static bool in_transaction(Store *s, Elf *elf, const char *name, const char *path, uint64_t shift,
                           GError **error) {
    if (!store_begin(s, error))
        return false;
    if (add_module(s, elf, name, path, shift, error) && store_commit(s, error))
        return true;
    store_rollback(s);
    return false;
}

bool store_add_elf(Store *s, const char *name, const char *path, const uint8_t *data, size_t size,
                   uint64_t shift, GError **error) {
    Elf *elf = open_elf(data, size);
    if (!elf)
        return fail(error, path ? path : name, "not a 64-bit ELF file for RISC-V");
    bool ok = in_transaction(s, elf, name, path, shift, error);
    elf_end(elf);
    return ok;
}

static const char *kernel_kind(char type) {
    return strchr("tTwW", type) ? "func" : strchr("aA", type) ? NULL : "object";
}

static bool add_kernel(Store *s, const char *name, const char *path, const GArray *symbols, GError **error) {
    const KernelSymbol *first = &g_array_index(symbols, KernelSymbol, 0);
    const KernelSymbol *last = &g_array_index(symbols, KernelSymbol, symbols->len - 1);
    StoreStmt *insert = NULL;
    int64_t id;
    bool ok = add_rows(s, name, path, NULL, first->addr, last->addr - first->addr, &id, &insert, error);
    for (guint i = 0; ok && i < symbols->len; i++) {
        const KernelSymbol *y = &g_array_index(symbols, KernelSymbol, i);
        const char *kind = kernel_kind(y->type);
        ok = !kind || store_run(insert, error, "isuus", id, y->name, y->addr, y->size, kind);
    }
    store_stmt_free(insert);
    return ok;
}

bool store_add_kallsyms(Store *s, const char *name, const char *path, const uint8_t *image, size_t size,
                        GError **error) {
    g_autoptr(GArray) symbols = kallsyms_read(image, size);
    if (!symbols || symbols->len == 0)
        return true;
    if (!store_begin(s, error))
        return false;
    if (add_kernel(s, name, path, symbols, error) && store_commit(s, error))
        return true;
    store_rollback(s);
    return false;
}

/* FILE@ADDR, when what follows the last @ is a number. */
static bool split_spec(const char *spec, char **path, bool *has_addr, uint64_t *addr, GError **error) {
    const char *at = strrchr(spec, '@');
    char *end;
    *has_addr = at && g_ascii_isdigit(at[1]);
    *path = *has_addr ? g_strndup(spec, (gsize)(at - spec)) : g_strdup(spec);
    if (!*has_addr)
        return true;
    *addr = g_ascii_strtoull(at + 1, &end, 0);
    return !*end || fail(error, spec, "expected FILE or FILE@ADDR, with ADDR a number like 0x80200000");
}

bool store_add_symbols(Store *s, const char *spec, GError **error) {
    g_autofree char *path = NULL, *data = NULL;
    bool has_addr;
    uint64_t addr = 0, low = 0, high;
    gsize size;
    if (!split_spec(spec, &path, &has_addr, &addr, error) || !g_file_get_contents(path, &data, &size, error))
        return false;
    Elf *elf = open_elf((uint8_t *)data, size);
    if (!elf)
        return fail(error, path, "not a 64-bit ELF file for RISC-V");
    if (has_addr)
        load_range(elf, &low, &high);
    g_autofree char *name = g_path_get_basename(path);
    bool ok = in_transaction(s, elf, name, path, has_addr ? addr - low : 0, error);
    elf_end(elf);
    return ok;
}
