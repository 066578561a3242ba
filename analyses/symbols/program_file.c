/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/symbols/program_file.h"

#include <gelf.h>
#include <string.h>

#include "analyses/symbols/debug_file.h"
#include "analyses/symbols/dwarf_lines.h"
#include "analyses/symbols/elf_symbols.h"
#include "analyses/store/query.h"
#include "analyses/symbols/sysroot.h"

#define SCRIPT_LINE 256u

void program_file_free(void *p) {
    ProgramFile *f = p;
    if (!f)
        return;
    g_array_unref(f->parts);
    g_array_unref(f->functions);
    g_free(f->interpreter);
    g_free(f->script);
    g_free(f);
}

static char *read_interpreter(const uint8_t *data, size_t size, const GElf_Phdr *ph) {
    if (ph->p_offset >= size || ph->p_filesz > size - ph->p_offset)
        return NULL;
    return g_strndup((const char *)data + ph->p_offset, ph->p_filesz);
}

static void read_headers(ProgramFile *f, Elf *elf, const uint8_t *data, size_t size) {
    GElf_Ehdr header;
    size_t n = 0;
    gelf_getehdr(elf, &header);
    elf_getphdrnum(elf, &n);
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(elf, (int)i, &ph))
            continue;
        if (ph.p_type == PT_INTERP && !f->interpreter)
            f->interpreter = read_interpreter(data, size, &ph);
        if (ph.p_type != PT_LOAD)
            continue;
        ProgramPart part = {ph.p_vaddr, ph.p_offset, ph.p_filesz, ph.p_memsz, ph.p_flags & PF_X};
        g_array_append_val(f->parts, part);
        if (!f->has_headers && header.e_phoff - ph.p_offset < ph.p_filesz) {
            f->has_headers = true;
            f->headers = ph.p_vaddr + (header.e_phoff - ph.p_offset);
        }
    }
}

/* "#!/bin/sh -e": what is between. */
static char *read_script(const uint8_t *data, size_t size) {
    g_autofree char *line = g_strndup((const char *)data, MIN(size, SCRIPT_LINE));
    if (strncmp(line, "#!", 2))
        return NULL;
    line[strcspn(line, "\n")] = 0;
    const char *at = line + 2 + strspn(line + 2, " \t");
    return *at ? g_strndup(at, strcspn(at, " \t")) : NULL;
}

typedef struct Insert {
    StoreStmt *stmt;
    int64_t module;
} Insert;

static bool add_symbol(void *opaque, const char *name, uint64_t addr, uint64_t size, SymbolKind kind,
                       GError **error) {
    const Insert *x = opaque;
    return store_run(x->stmt, error, "isuus", x->module, name, addr, size, symbol_kind_text(kind));
}

/* What the file has not is in its debug file, if anywhere. */
static bool add_symbols(ProgramFile *f, Store *store, Elf *elf, const char *root, const char *path,
                        const char *build_id, GError **error) {
    static const char sql[] =
        "INSERT INTO program_symbol (module_id, name, addr, size, kind) VALUES (?, ?, ?, ?, ?)";
    gsize size = 0;
    bool has_symbols = elf_has_symtab(elf), has_lines = dwarf_lines_has(elf);
    g_autofree char *debug =
        has_symbols && has_lines ? NULL : debug_file_read(root, path, elf, build_id, &size);
    Elf *other = debug ? elf_open((uint8_t *)debug, size) : NULL;
    Insert insert = {NULL, f->module};
    bool ok = store_prepare(store, sql, &insert.stmt, error) &&
              elf_add_symbols(other && !has_symbols ? other : elf, 0, add_symbol, &insert, error) &&
              dwarf_lines_add(store, other && !has_lines ? other : elf, f->module, 0, error);
    store_stmt_free(insert.stmt);
    elf_end(other);
    return ok;
}

/* The module of that path, which keeps its number from one replay to the next. */
static bool find_module(ProgramFile *f, Store *store, const char *path, const char *build_id,
                        GError **error) {
    g_autofree char *name = g_path_get_basename(path);
    StoreStmt *put = NULL;
    f->module = store_get_int(store, "SELECT id FROM module WHERE path = ? AND base IS NULL", 0, "s", path);
    if (!f->module)
        f->module = store_get_int(store, "SELECT max(id) FROM module", 0, "") + 1;
    bool ok =
        store_prepare(store, "INSERT OR REPLACE INTO module VALUES (?, ?, ?, ?, NULL, NULL)", &put, error) &&
        store_run(put, error, "isss", f->module, name, path, build_id);
    store_stmt_free(put);
    static const char *const former[] = {"DELETE FROM program_symbol WHERE module_id = ?",
                                         "DELETE FROM program_line WHERE module_id = ?"};
    for (size_t i = 0; ok && i < G_N_ELEMENTS(former); i++) {
        put = NULL;
        ok = store_prepare(store, former[i], &put, error) && store_run(put, error, "i", f->module);
        store_stmt_free(put);
    }
    return ok;
}

static void ignore_begin(void *opaque, int n, const char *const *names) {}
static void ignore_end(void *opaque) {}

static void take_function(void *opaque, int n, const QueryValue *values) {
    uint64_t addr = (uint64_t)values[0].integer;
    g_array_append_val((GArray *)opaque, addr);
}

static bool read_functions(ProgramFile *f, Store *store, GError **error) {
    static const QueryOps ops = {ignore_begin, take_function, ignore_end};
    g_autofree char *sql =
        g_strdup_printf("SELECT DISTINCT addr FROM program_symbol WHERE kind = 'func' AND addr >= 0 "
                        "AND module_id = %" G_GINT64_FORMAT " ORDER BY addr",
                        f->module);
    return store_query(store_handle(store), sql, &ops, f->functions, error);
}

ProgramFile *program_file_new(Store *store, const char *root, const char *path, GError **error) {
    gsize size;
    g_autofree char *data = sysroot_read(root, path, &size);
    if (!data)
        return NULL;
    ProgramFile *f = g_new0(ProgramFile, 1);
    f->parts = g_array_new(FALSE, FALSE, sizeof(ProgramPart));
    f->functions = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    Elf *elf = elf_open((uint8_t *)data, size);
    bool ok = elf || (f->script = read_script((uint8_t *)data, size));
    if (elf) {
        g_autofree char *build_id = elf_build_id(elf);
        read_headers(f, elf, (uint8_t *)data, size);
        ok = find_module(f, store, path, build_id, error) &&
             add_symbols(f, store, elf, root, path, build_id, error) && read_functions(f, store, error);
        elf_end(elf);
    }
    if (ok)
        return f;
    program_file_free(f);
    return NULL;
}
