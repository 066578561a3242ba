/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/symbols/kernel_modules.h"

#include <elf.h>
#include <string.h>

#include "analyses/symbols/btf.h"
#include "analyses/trackers/peek.h"
#include "core/hooks.h"
#include "core/probe.h"

#define A0 10u
#define PARTS 7u /* of a module (enum mod_mem_type): text, data, …, those of init last */
#define NAME_SIZE 56u
#define MODULES_MAX 4096u
#define SYMBOLS_MAX (1u << 18)
#define SYMBOL_NAME 512u
#define PART_MAX (1u << 30)
#define BTF_MAX (64u << 20)
#define STATE_UNFORMED 3u /* it has no symbols yet */
#define KERNEL_HALF ((Gva)1 << 63)

typedef struct Layout {
    uint32_t name, list, state, mem, base, size, stride, kallsyms, symtab, num_symtab, strtab;
} Layout;

typedef struct Part {
    Gva addr;
    uint64_t size, shift;
} Part;

typedef struct Loaded {
    Gva address; /* of its struct module */
    int64_t module;
    Part parts[PARTS];
    GHashTable *functions; /* addresses as linked; the module's, in `functions` */
} Loaded;

struct KernelModules {
    Machine *machine;
    Store *store;
    Gva init, gone, list; /* do_init_module, free_module, modules; 0: not known */
    Layout layout;
    enum { NOT_YET, KNOWN, UNKNOWN } learned;
    GArray *loaded; /* of Loaded */
    uint64_t n_met;
    GHashTable *functions; /* module → its functions */
    Gva low, high;         /* all of them lie in between */
    bool subscribed, quiet;
    GError *error; /* the database's first */
};

static Gva symbol_value(Store *store, const char *name) {
    return (Gva)store_get_int(store, "SELECT addr FROM symbol WHERE name = ? AND addr < 0 LIMIT 1", 0, "s",
                              name);
}

static void unref_functions(void *functions) {
    g_hash_table_unref(functions);
}

KernelModules *kernel_modules_new(Machine *m, Store *store) {
    KernelModules *k = g_new0(KernelModules, 1);
    k->machine = m;
    k->store = store;
    k->init = symbol_value(store, "do_init_module");
    k->gone = symbol_value(store, "free_module");
    k->list = symbol_value(store, "modules");
    k->loaded = g_array_new(FALSE, FALSE, sizeof(Loaded));
    k->functions = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, unref_functions);
    return k;
}

static void unsubscribe(KernelModules *k) {
    if (k->subscribed)
        hooks_unsubscribe(k->machine->hooks, k);
    k->subscribed = false;
}

void kernel_modules_free(KernelModules *k) {
    if (!k)
        return;
    unsubscribe(k);
    g_array_unref(k->loaded);
    g_hash_table_unref(k->functions);
    g_clear_error(&k->error);
    g_free(k);
}

/* -- the layout ------------------------------------------------------------------------------------------ */

static bool layout_from_btf(Layout *y, const Btf *b) {
    const struct {
        const char *structure, *member;
        uint32_t *offset;
    } wanted[] = {
        {"module", "name", &y->name},
        {"module", "list", &y->list},
        {"module", "state", &y->state},
        {"module", "mem", &y->mem},
        {"module", "kallsyms", &y->kallsyms},
        {"module_memory", "base", &y->base},
        {"module_memory", "size", &y->size},
        {"mod_kallsyms", "symtab", &y->symtab},
        {"mod_kallsyms", "num_symtab", &y->num_symtab},
        {"mod_kallsyms", "strtab", &y->strtab},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (!btf_member(b, wanted[i].structure, wanted[i].member, wanted[i].offset))
            return false;
    return btf_size(b, "module_memory", &y->stride);
}

static bool learn(KernelModules *k, const Hart *hart) {
    if (k->learned != NOT_YET)
        return k->learned == KNOWN;
    Gva from = symbol_value(k->store, "__start_BTF"), to = symbol_value(k->store, "__stop_BTF");
    k->learned = UNKNOWN;
    if (!from || to - from > BTF_MAX)
        return false;
    g_autofree uint8_t *data = g_malloc(to - from);
    Btf *btf = peek_read(hart, from, data, to - from) ? btf_new(data, to - from) : NULL;
    if (btf && layout_from_btf(&k->layout, btf))
        k->learned = KNOWN;
    btf_free(btf);
    return k->learned == KNOWN;
}

/* -- reading --------------------------------------------------------------------------------------------- */

/* The parts one behind the other, as linked. Returns the size of those that stay: the first four. */
static uint64_t read_parts(const Layout *y, const Hart *hart, Gva module, Part *parts) {
    uint64_t at = 0, stays = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        Gva part = module + y->mem + i * y->stride;
        uint32_t size = 0;
        parts[i] = (Part){0};
        if (!peek_u64(hart, part + y->base, &parts[i].addr) || !peek_u32(hart, part + y->size, &size))
            return 0;
        if (parts[i].addr < KERNEL_HALF || size > PART_MAX)
            size = 0;
        parts[i].size = size;
        parts[i].shift = parts[i].addr - at;
        at += ((uint64_t)size + PAGE_SIZE - 1) & PAGE_MASK;
        stays = i < 4 ? at : stays;
    }
    return stays;
}

static const Part *part_at(const Part *parts, Gva addr) {
    for (unsigned i = 0; i < PARTS; i++)
        if (addr - parts[i].addr < parts[i].size)
            return &parts[i];
    return NULL;
}

static const char *kind_of(uint8_t info) {
    switch (info & 15) {
    case STT_FUNC: return "func";
    case STT_OBJECT: return "object";
    case STT_NOTYPE: return "label";
    default: return NULL;
    }
}

typedef struct Reader {
    const Hart *hart;
    const Part *parts;
    Gva strings;
    StoreStmt *insert;
    int64_t module;
    GHashTable *functions;
} Reader;

static bool add_symbol(const Reader *r, const Elf64_Sym *sym, GError **error) {
    char name[SYMBOL_NAME];
    const Part *part = part_at(r->parts, sym->st_value);
    const char *kind = kind_of(sym->st_info);
    if (sym->st_shndx == SHN_UNDEF || !part || !kind)
        return true;
    uint64_t n = peek_some(r->hart, r->strings + sym->st_name, name, sizeof name);
    if (!memchr(name, 0, n) || !*name || *name == '$' || !strncmp(name, ".L", 2))
        return true;
    uint64_t linked = sym->st_value - part->shift;
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    if (*kind == 'f')
        g_hash_table_add(r->functions, g_memdup2(&linked, sizeof linked));
    return store_run(r->insert, error, "isuus", r->module, valid, linked, (uint64_t)sym->st_size, kind);
}

static bool read_symbols(KernelModules *k, Reader *r, Gva module, GError **error) {
    const Layout *y = &k->layout;
    uint64_t kallsyms, symbols;
    uint32_t n;
    if (!peek_u64(r->hart, module + y->kallsyms, &kallsyms) ||
        !peek_u64(r->hart, kallsyms + y->symtab, &symbols) ||
        !peek_u32(r->hart, kallsyms + y->num_symtab, &n) ||
        !peek_u64(r->hart, kallsyms + y->strtab, &r->strings))
        return true;
    bool ok = true;
    for (uint32_t i = 0; ok && i < MIN(n, SYMBOLS_MAX); i++) {
        Elf64_Sym sym;
        if (!peek_read(r->hart, symbols + (Gva)i * sizeof sym, &sym, sizeof sym))
            break;
        ok = add_symbol(r, &sym, error);
    }
    return ok;
}

/* -- rows ------------------------------------------------------------------------------------------------ */

static bool run(KernelModules *k, const char *sql, GError **error, int64_t module) {
    StoreStmt *s = NULL;
    bool ok = store_prepare(k->store, sql, &s, error) && store_run(s, error, "i", module);
    store_stmt_free(s);
    return ok;
}

/* The module of that name and size, which keeps its number from one replay to the next. */
static bool find_module(KernelModules *k, const char *name, uint64_t size, int64_t *id, bool *is_new,
                        GError **error) {
    StoreStmt *put = NULL;
    *id = store_get_int(k->store,
                        "SELECT id FROM module WHERE name = ? AND size = ? AND path IS NULL AND base IS NULL",
                        0, "su", name, size);
    *is_new = !*id;
    if (*id)
        return true;
    *id = store_get_int(k->store, "SELECT max(id) FROM module", 0, "") + 1;
    bool ok = store_prepare(k->store, "INSERT INTO module VALUES (?, ?, NULL, NULL, NULL, ?)", &put, error) &&
              store_run(put, error, "isu", *id, name, size);
    store_stmt_free(put);
    return ok;
}

/* A replay that begins later, or a second one, finds again what is there. A module of 0: it is there no more. */
static bool add_part(KernelModules *k, Pos from, const Part *part, int64_t module, GError **error) {
    StoreStmt *s = NULL;
    bool ok =
        store_prepare(
            k->store,
            "INSERT INTO map (satp, from_pos, addr, size, module_id, shift, pid) "
            "SELECT NULL, ?1, ?2, ?3, nullif(?4, 0), iif(?4, ?5, NULL), NULL WHERE NOT EXISTS (SELECT 1 FROM "
            "map WHERE satp IS NULL AND from_pos = ?1 AND addr = ?2 AND size = ?3 AND "
            "coalesce(module_id, 0) = ?4)",
            &s, error) &&
        store_run(s, error, "uuuiu", from, part->addr, part->size, module, part->shift);
    store_stmt_free(s);
    return ok;
}

static bool is_known(KernelModules *k, const Part *part, int64_t module, Pos pos) {
    return store_get_int(
        k->store,
        "SELECT module_id = ? FROM map WHERE satp IS NULL AND from_pos <= ? AND addr = ? AND "
        "size = ? ORDER BY from_pos DESC, id DESC LIMIT 1",
        0, "iuuu", module, pos, part->addr, part->size);
}

static bool add_all_symbols(KernelModules *k, const Hart *hart, Gva address, const Loaded *l,
                            GError **error) {
    Reader r = {hart, l->parts, 0, NULL, l->module, l->functions};
    bool ok = run(k, "DELETE FROM program_symbol WHERE module_id = ?", error, l->module) &&
              store_prepare(k->store,
                            "INSERT INTO program_symbol (module_id, name, addr, size, kind) VALUES "
                            "(?, ?, ?, ?, ?)",
                            &r.insert, error) &&
              read_symbols(k, &r, address, error);
    store_stmt_free(r.insert);
    return ok;
}

static GHashTable *functions_of(KernelModules *k, int64_t module) {
    GHashTable *f = g_hash_table_lookup(k->functions, &module);
    if (!f) {
        f = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        g_hash_table_insert(k->functions, g_memdup2(&module, sizeof module), f);
    }
    return f;
}

static void note_bounds(KernelModules *k) {
    k->low = UINT64_MAX;
    k->high = 0;
    for (guint i = 0; i < k->loaded->len; i++)
        for (unsigned p = 0; p < PARTS; p++) {
            const Part *part = &g_array_index(k->loaded, Loaded, i).parts[p];
            if (part->size) {
                k->low = MIN(k->low, part->addr);
                k->high = MAX(k->high, part->addr + part->size);
            }
        }
}

/* `complete`: it has all of its symbols still, those of init too. */
static bool load(KernelModules *k, const Hart *hart, Gva address, Pos from, bool complete, GError **error) {
    Loaded l = {.address = address};
    char name[NAME_SIZE + 1] = {0};
    bool is_new;
    uint64_t size = read_parts(&k->layout, hart, address, l.parts);
    if (!size || !peek_read(hart, address + k->layout.name, name, NAME_SIZE) || !*name)
        return true;
    g_autofree char *valid = g_utf8_make_valid(name, -1), *file = g_strconcat(valid, ".ko", NULL);
    if (!find_module(k, file, size, &l.module, &is_new, error))
        return false;
    l.functions = functions_of(k, l.module);
    if ((complete || is_new) && !add_all_symbols(k, hart, address, &l, error))
        return false;
    for (unsigned i = 0; i < PARTS; i++)
        if (l.parts[i].size && (complete || !is_known(k, &l.parts[i], l.module, from)) &&
            !add_part(k, from, &l.parts[i], l.module, error))
            return false;
    g_array_append_val(k->loaded, l);
    k->n_met++;
    note_bounds(k);
    return true;
}

static bool unload(KernelModules *k, Gva address, Pos from, GError **error) {
    for (guint i = 0; i < k->loaded->len; i++) {
        const Loaded *l = &g_array_index(k->loaded, Loaded, i);
        if (l->address != address)
            continue;
        bool ok = true;
        for (unsigned p = 0; ok && p < PARTS; p++)
            ok = !l->parts[p].size || add_part(k, from, &l->parts[p], 0, error);
        g_array_remove_index(k->loaded, i);
        note_bounds(k);
        return ok;
    }
    return true;
}

static void changed(KernelModules *k) {
    store_get_int(k->store, "SELECT programs_changed()", 0, "");
}

/* -- following ------------------------------------------------------------------------------------------- */

static void on_init(void *data, const Hart *hart) {
    KernelModules *k = data;
    if (k->error || k->quiet || !learn(k, hart))
        return;
    load(k, hart, hart->x[A0], hart_pos(hart), true, &k->error);
    changed(k);
}

static void on_gone(void *data, const Hart *hart) {
    KernelModules *k = data;
    if (k->error || k->quiet)
        return;
    unload(k, hart->x[A0], hart_pos(hart), &k->error);
    changed(k);
    hooks_retranslate(k->machine->hooks); /* what others keep with code that called it */
}

static void on_translate(void *opaque, ProbeBlock *b) {
    KernelModules *k = opaque;
    if (!(probe_block_pc(b) >> 63) || probe_block_is_again(b))
        return;
    for (unsigned i = 0; i < probe_block_n_insns(b); i++) {
        Gva pc = probe_block_insn(b, i)->pc;
        if (pc == k->init)
            probe_add_call(b, i, on_init, k, true);
        else if (pc == k->gone)
            probe_add_call(b, i, on_gone, k, true);
    }
}

static bool load_present(KernelModules *k, const Hart *hart, Pos from, GError **error) {
    Gva at = k->list;
    for (unsigned i = 0; i < MODULES_MAX; i++) {
        uint32_t state;
        if (!peek_u64(hart, at, &at) || at == k->list || at < KERNEL_HALF)
            return true;
        Gva module = at - k->layout.list;
        if (peek_u32(hart, module + k->layout.state, &state) && state != STATE_UNFORMED &&
            !load(k, hart, module, from, false, error))
            return false;
    }
    return true;
}

/* Some hart sees the kernel's memory, unless it has not begun. */
static bool find_present(KernelModules *k, GError **error) {
    uint64_t next;
    for (uint32_t i = 0; k->list && i < k->machine->n_harts; i++) {
        const Hart *hart = k->machine->harts[i];
        if (!peek_u64(hart, k->list, &next))
            continue;
        return next == k->list || !next || !learn(k, hart) ||
               load_present(k, hart, machine_pos(k->machine), error);
    }
    return true;
}

bool kernel_modules_begin(KernelModules *k, GError **error) {
    static const HookOps ops = {.translate = on_translate};
    if (!k->init)
        return true;
    if (!find_present(k, error))
        return false;
    hooks_subscribe(k->machine->hooks, &ops, k);
    k->subscribed = true;
    return true;
}

bool kernel_modules_end(KernelModules *k, GError **error) {
    unsubscribe(k);
    if (!k->error)
        return true;
    g_propagate_error(error, g_steal_pointer(&k->error));
    return false;
}

uint64_t kernel_modules_known(const KernelModules *k) {
    return k->n_met;
}

KernelPlace kernel_modules_place(const KernelModules *k, Gva addr) {
    for (guint i = addr - k->low < k->high - k->low ? k->loaded->len : 0; i-- > 0;) {
        const Loaded *l = &g_array_index(k->loaded, Loaded, i);
        const Part *part = part_at(l->parts, addr);
        uint64_t linked = part ? addr - part->shift : 0;
        if (part)
            return (KernelPlace){l->module, part->shift, g_hash_table_contains(l->functions, &linked)};
    }
    return (KernelPlace){0};
}

void kernel_modules_quiet(KernelModules *k) {
    k->quiet = true;
}
