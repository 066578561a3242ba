/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/symbols/dwarf_lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <string.h>

/* The name of a unit's source file, relative ones after the folder in which it was compiled. */
static char *source_path(Dwarf_Die *unit, const char *name) {
    Dwarf_Attribute attribute;
    const char *folder = dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    if (g_path_is_absolute(name) || !folder || !*folder)
        return g_strdup(name);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    return g_path_is_absolute(path) ? g_canonicalize_filename(path, NULL) : g_steal_pointer(&path);
}

static bool add_unit(Dwarf_Die *unit, StoreStmt *insert, int64_t module, uint64_t shift, GError **error) {
    Dwarf_Lines *lines;
    size_t n;
    const char *former = NULL;
    g_autofree char *path = NULL;
    if (dwarf_getsrclines(unit, &lines, &n))
        return true;
    for (size_t i = 0; i < n; i++) {
        Dwarf_Line *l = dwarf_onesrcline(lines, i);
        Dwarf_Addr addr;
        int number = 0;
        bool end = false;
        const char *name = l ? dwarf_linesrc(l, NULL, NULL) : NULL;
        if (!name || dwarf_lineaddr(l, &addr) || dwarf_lineno(l, &number) || dwarf_lineendsequence(l, &end))
            continue;
        if (name != former) {
            g_free(path);
            path = source_path(unit, name);
            former = name;
        }
        /* Where a sequence ends nothing is known; where another begins there, the other counts. */
        if (!store_run(insert, error, "usiii", addr + shift, end ? NULL : path,
                       end ? (int64_t)0 : (int64_t)number, (int64_t)end, module))
            return false;
    }
    return true;
}

static const char line_sql[] =
    "INSERT INTO line VALUES (?1, ?2, ?3) ON CONFLICT (addr) DO UPDATE SET file = ?2, line = ?3 "
    "WHERE NOT ?4 AND ?5 = 0";
static const char program_line_sql[] =
    "INSERT INTO program_line VALUES (?5, ?1, ?2, ?3) ON CONFLICT (module_id, addr) DO UPDATE SET file = ?2, "
    "line = ?3 WHERE NOT ?4";

bool dwarf_lines_add(Store *s, Elf *elf, int64_t module, uint64_t shift, GError **error) {
    Dwarf *dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
    StoreStmt *insert = NULL;
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit;
    if (!dwarf)
        return true;
    bool ok = store_prepare(s, module ? program_line_sql : line_sql, &insert, error);
    while (ok && dwarf_get_units(dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0)
        ok = add_unit(&unit, insert, module, shift, error);
    store_stmt_free(insert);
    dwarf_end(dwarf);
    return ok;
}

bool dwarf_lines_has(Elf *elf) {
    size_t names;
    if (elf_getshdrstrndx(elf, &names))
        return false;
    for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
        GElf_Shdr sh;
        const char *name = gelf_getshdr(scn, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;
        if (name && sh.sh_type != SHT_NOBITS && !strcmp(name, ".debug_line"))
            return true;
    }
    return false;
}
