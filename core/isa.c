/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/isa.h"

#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "core/csr_bits.h"

typedef struct IsaEntry {
    const char *name;
    size_t offset;
    bool value, in_string;
} IsaEntry;

static const IsaEntry isa_entries[] = {
#define X(field, name, value, in_string) {name, offsetof(Isa, field), value, in_string},
    ISA_EXTENSIONS(X)
#undef X
#define X(field, name, value) {name, offsetof(Isa, field), value, false},
        ISA_SWITCHES(X)
#undef X
};

static bool *isa_field(Isa *isa, const IsaEntry *e) {
    return (bool *)((char *)isa + e->offset);
}

void isa_init_default(Isa *isa) {
    for (size_t i = 0; i < G_N_ELEMENTS(isa_entries); i++)
        *isa_field(isa, &isa_entries[i]) = isa_entries[i].value;
}

static const struct {
    const char *name, *members;
} isa_groups[] = {
#define X(field, name, members) {name, members},
    ISA_GROUPS(X) ISA_SHORTHANDS(X)
#undef X
};

static bool isa_set_field(Isa *isa, const char *name, bool value) {
    for (size_t i = 0; i < G_N_ELEMENTS(isa_entries); i++) {
        /* QEMU before 8 spelled some names with a capital, as in Zicsr. */
        if (g_ascii_strcasecmp(name, isa_entries[i].name) != 0)
            continue;
        *isa_field(isa, &isa_entries[i]) = value;
        return true;
    }
    return false;
}

static bool isa_set_group(Isa *isa, const char *name, bool value) {
    for (size_t i = 0; i < G_N_ELEMENTS(isa_groups); i++) {
        if (g_ascii_strcasecmp(name, isa_groups[i].name) != 0)
            continue;
        g_auto(GStrv) members = g_strsplit(isa_groups[i].members, " ", -1);
        for (size_t k = 0; value && members[k]; k++) {
            bool known = isa_set_field(isa, members[k], true);
            g_assert(known);
        }
        return true;
    }
    return false;
}

bool isa_set_property(Isa *isa, const char *name, const char *value) {
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"on", true},   {"true", true},   {"yes", true},
                 {"off", false}, {"false", false}, {"no", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(value, words[i].word) != 0)
            continue;
        bool group = isa_set_group(isa, name, words[i].value),
             field = isa_set_field(isa, name, words[i].value);
        return group || field;
    }
    return false;
}

bool isa_init_model(Isa *isa, const char *name) {
    /* Profiles build on what stands before them. */
    static const char rva22u64[] =
        "i m a f d c b zicsr zicntr zihpm zihintpause zicbom zicbop zicboz zfhmin u";
    static const char rva22s64[] = "s zifencei svpbmt svinval sv39 mmu pmp";
    bool user = !strcmp(name, "rva22u64"), super = !strcmp(name, "rva22s64");
    if (!strcmp(name, "rv64"))
        return isa_init_default(isa), true;
    if (!user && !super)
        return false;
    memset(isa, 0, sizeof *isa);
    g_autofree char *all = g_strconcat(rva22u64, " ", super ? rva22s64 : "s zifencei sv39 mmu pmp", NULL);
    g_auto(GStrv) names = g_strsplit(all, " ", -1);
    for (size_t i = 0; names[i]; i++) {
        bool known = isa_set_property(isa, names[i], "on");
        g_assert(known);
    }
    return true;
}

const char *isa_property_names(void) {
    /* Each name brings its comma; the first one's is skipped. */
#define X(field, name, ...) "," name
    static const char names[] = ISA_EXTENSIONS(X) ISA_SWITCHES(X) ISA_SHORTHANDS(X);
#undef X
    return names + 1;
}

char *isa_string(const Isa *isa) {
    GString *s = g_string_new("rv64");
    for (size_t i = 0; i < G_N_ELEMENTS(isa_entries); i++) {
        const IsaEntry *e = &isa_entries[i];
        if (!e->in_string || !*isa_field((Isa *)isa, e))
            continue;
        if (e->name[1])
            g_string_append_c(s, '_');
        g_string_append(s, e->name);
    }
    return g_string_free(s, FALSE);
}

uint64_t isa_misa(const Isa *isa) {
#define MISA_LETTER(l) ((uint64_t)isa->l << (#l[0] - 'a'))
    return MISA_MXL_64 | MISA_LETTER(i) | MISA_LETTER(m) | MISA_LETTER(a) | MISA_LETTER(f) | MISA_LETTER(d) |
           MISA_LETTER(c) | MISA_LETTER(b) | MISA_LETTER(s) | MISA_LETTER(u);
#undef MISA_LETTER
}
