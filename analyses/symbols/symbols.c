/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols, from ELF files and from kernels themselves, to the tables module, symbol and line. */
#include <string.h>

#include "analyses/analysis.h"
#include "analyses/symbols/dwarf_lines.h"
#include "analyses/symbols/elf_symbols.h"
#include "analyses/symbols/kallsyms.h"
#include "analyses/store/store.h"

bool store_clear_symbols(Store *s, GError **error) {
    return store_exec(s,
                      "DELETE FROM line; DELETE FROM symbol; DELETE FROM module; DELETE FROM program_symbol; "
                      "DELETE FROM program_line; "
                      "DELETE FROM map; DELETE FROM space; DELETE FROM meta WHERE key = 'programs'",
                      error);
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
    if (!elf_load_range(elf, &low, &high))
        low = high = 0;
    g_autofree char *build_id = elf_build_id(elf);
    bool ok = add_rows(s, name, path, build_id, low + shift, high - low, &id, &insert, error) &&
              elf_add_symbols(elf, insert, id, shift, error) && dwarf_lines_add(s, elf, 0, shift, error);
    store_stmt_free(insert);
    return ok;
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
                   uint64_t addr, GError **error) {
    uint64_t low = addr, high;
    Elf *elf = elf_open(data, size);
    if (!elf)
        return fail(error, path ? path : name, "not a 64-bit ELF file for RISC-V");
    if (addr != STORE_AS_LINKED)
        elf_load_range(elf, &low, &high);
    bool ok = in_transaction(s, elf, name, path, addr - low, error);
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

bool store_split_symbols(const char *spec, char **path, uint64_t *addr, GError **error) {
    const char *at = strrchr(spec, '@');
    bool has_addr = at && g_ascii_isdigit(at[1]);
    char *end = "";
    *addr = has_addr ? g_ascii_strtoull(at + 1, &end, 0) : STORE_AS_LINKED;
    if (*end)
        return fail(error, spec, "expected FILE or FILE@ADDR, with ADDR a number like 0x80200000");
    *path = has_addr ? g_strndup(spec, (gsize)(at - spec)) : g_strdup(spec);
    return true;
}

bool store_add_symbols(Store *s, const char *spec, GError **error) {
    g_autofree char *path = NULL, *data = NULL;
    uint64_t addr;
    gsize size;
    if (!store_split_symbols(spec, &path, &addr, error) || !g_file_get_contents(path, &data, &size, error))
        return false;
    g_autofree char *name = g_path_get_basename(path);
    return store_add_elf(s, name, path, (uint8_t *)data, size, addr, error);
}
