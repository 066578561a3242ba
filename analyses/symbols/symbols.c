/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols, from ELF files and from kernels themselves, to the tables module, symbol and line. */
#include <string.h>

#include "analyses/analysis.h"
#include "analyses/symbols/dwarf_lines.h"
#include "analyses/symbols/elf_symbols.h"
#include "analyses/symbols/kallsyms.h"
#include "analyses/store/symbol_pack.h"

bool store_clear_symbols(Store *s, GError **error) {
    return store_exec(
        s,
        "DELETE FROM line; DELETE FROM symbol_chunk; DELETE FROM module; DELETE FROM program_symbol; "
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
    if (store_clear_symbols(s, error))
        return true;
    store_rollback(s);
    return false;
}

bool store_symbols_end(Store *s, const char *source, GError **error) {
    return store_set_meta(s, "symbols", source, error) && store_commit(s, error);
}

static bool fail(GError **error, const char *path, const char *what) {
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION, "%s: %s", path, what);
    return false;
}

/* Its symbols go to `writer`. */
static bool new_module(Store *s, const char *name, const char *path, const char *build_id, uint64_t base,
                       uint64_t size, SymbolWriter **writer, GError **error) {
    StoreStmt *module = NULL;
    int64_t id = store_get_int(s, "SELECT max(id) FROM module", 0, "") + 1;
    bool ok = store_prepare(s, "INSERT INTO module VALUES (?, ?, ?, ?, ?, ?)", &module, error) &&
              store_run(module, error, "isssuu", id, name, path, build_id, base, size) &&
              (*writer = symbol_writer_new(s, id, error));
    store_stmt_free(module);
    return ok;
}

static bool add_symbol(void *writer, const char *name, uint64_t addr, uint64_t size, SymbolKind kind,
                       GError **error) {
    return symbol_writer_add(writer, name, addr, size, kind, error);
}

static bool add_module(Store *s, Elf *elf, const char *name, const char *path, uint64_t shift,
                       GError **error) {
    SymbolWriter *writer = NULL;
    uint64_t low, high;
    if (!elf_load_range(elf, &low, &high))
        low = high = 0;
    g_autofree char *build_id = elf_build_id(elf);
    bool ok = new_module(s, name, path, build_id, low + shift, high - low, &writer, error) &&
              elf_add_symbols(elf, shift, add_symbol, writer, error) && symbol_writer_end(writer, error) &&
              dwarf_lines_add(s, elf, 0, shift, error);
    symbol_writer_free(writer);
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

/* False: it is no address. */
static bool kernel_kind(char type, SymbolKind *kind) {
    *kind = strchr("tTwW", type) ? SYMBOL_FUNC : SYMBOL_OBJECT;
    return !strchr("aA", type);
}

static bool add_kernel(Store *s, const char *name, const char *path, const KernelSymbols *k, GError **error) {
    uint64_t base = k->symbol[0].addr;
    SymbolWriter *writer = NULL;
    bool ok = new_module(s, name, path, NULL, base, k->symbol[k->n - 1].addr - base, &writer, error);
    for (uint32_t i = 0; ok && i < k->n; i++) {
        const KernelSymbol *y = &k->symbol[i];
        SymbolKind kind;
        ok = !kernel_kind(y->type, &kind) ||
             symbol_writer_add(writer, k->text + y->name, y->addr, y->size, kind, error);
    }
    ok = ok && symbol_writer_end(writer, error);
    symbol_writer_free(writer);
    return ok;
}

bool store_add_kallsyms(Store *s, const char *name, const char *path, const uint8_t *image, size_t size,
                        GError **error) {
    KernelSymbols *symbols = kallsyms_read(image, size);
    if (!symbols)
        return true;
    bool ok = store_begin(s, error);
    if (ok && !(add_kernel(s, name, path, symbols, error) && store_commit(s, error))) {
        store_rollback(s);
        ok = false;
    }
    kallsyms_free(symbols);
    return ok;
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
