/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/recorders/named.h"

#include <stdio.h>

#include "analyses/store/query.h"

/* A function as linked: code is moved by whole pages, so the address within the page rules out nearly all others. */
typedef struct Place {
    int64_t module;
    uint64_t addr;
} Place;

struct Named {
    Recorder *run;
    char *name;
    const Programs *programs;
    GHashTable *places; /* of Place */
    uint64_t known;     /* programs_known() when they were read */
    bool offsets[PAGE_SIZE];
    /* on the asking thread */
    StoreStmt *place, *symbol;
    GHashTable *asked; /* Place → whether it has the name, as a pointer that is NULL or not */
};

static guint place_hash(gconstpointer v) {
    const Place *p = v;
    return (guint)p->module * 31 + (guint)p->addr;
}

static gboolean place_equal(gconstpointer a, gconstpointer b) {
    const Place *p = a, *q = b;
    return p->module == q->module && p->addr == q->addr;
}

static void ignore_begin(void *opaque, int n, const char *const *names) {}
static void ignore_end(void *opaque) {}

static char *quoted(const char *name) {
    g_auto(GStrv) parts = g_strsplit(name, "'", -1);
    return g_strjoinv("''", parts);
}

Named *named_new(Recorder *run, const char *name) {
    if (!analysis_set_follows(run->set))
        return NULL;
    Named *n = g_new0(Named, 1);
    n->run = run;
    n->name = g_strdup(name);
    n->programs = analysis_set_programs(run->set);
    n->known = UINT64_MAX;
    n->places = g_hash_table_new_full(place_hash, place_equal, g_free, NULL);
    n->asked = g_hash_table_new_full(place_hash, place_equal, g_free, NULL);
    return n;
}

void named_free(Named *n) {
    if (!n)
        return;
    store_stmt_free(n->place);
    store_stmt_free(n->symbol);
    g_hash_table_unref(n->places);
    g_hash_table_unref(n->asked);
    g_free(n->name);
    g_free(n);
}

static void take_address(void *opaque, int n, const QueryValue *values) {
    g_hash_table_add(opaque, g_memdup2(&values[0].integer, sizeof values[0].integer));
}

bool named_fixed(Store *store, const char *name, GHashTable *addresses, GError **error) {
    static const QueryOps ops = {ignore_begin, take_address, ignore_end};
    g_autofree char *text = quoted(name);
    g_autofree char *sql = g_strdup_printf("SELECT addr FROM symbol WHERE name = '%s'", text);
    return store_query(store_handle(store), sql, &ops, addresses, error);
}

/* -- what is known so far -------------------------------------------------------------------------------- */

static void take_place(void *opaque, int count, const QueryValue *values) {
    Named *n = opaque;
    Place p = {values[0].integer, (uint64_t)values[1].integer};
    g_hash_table_add(n->places, g_memdup2(&p, sizeof p));
    n->offsets[p.addr % PAGE_SIZE] = true;
}

static void refresh(Named *n) {
    static const QueryOps ops = {ignore_begin, take_place, ignore_end};
    uint64_t known = programs_known(n->programs);
    if (G_LIKELY(n->known == known))
        return;
    n->known = known;
    g_autofree char *text = quoted(n->name);
    g_autofree char *sql = g_strdup_printf(
        "SELECT module_id, addr FROM program_symbol WHERE name = '%s' AND kind IS NOT 'object'", text);
    store_query(store_handle(n->run->store), sql, &ops, n, NULL);
}

bool named_may_begin(Named *n, Gva addr) {
    refresh(n);
    return addr >> 63 ? named_begins(n, NULL, addr) : n->offsets[addr % PAGE_SIZE];
}

bool named_begins(Named *n, const Hart *hart, Gva addr) {
    refresh(n);
    ProgramPlace at = programs_place(n->programs, hart, addr);
    return at.module && g_hash_table_contains(n->places, &(Place){at.module, addr - at.shift});
}

void named_tell(const Named *n, bool also) {
    g_autofree char *name = g_strescape(n->name, NULL);
    if (!also || g_hash_table_size(n->places))
        return;
    analysis_set_note(n->run->set,
                      g_strdup_printf("%s: symbol=%s: there is no such function, neither in the kernel or "
                                      "--symbols files nor in a program of --sysroot that ran",
                                      n->run->who, name));
}

/* -- at a position --------------------------------------------------------------------------------------- */

static bool has_name(Named *n, const Place *p) {
    gpointer known;
    if (g_hash_table_lookup_extended(n->asked, p, NULL, &known))
        return known != NULL;
    bool has = store_run_text(n->symbol, "isu", p->module, n->name, p->addr) != NULL;
    g_hash_table_insert(n->asked, g_memdup2(p, sizeof *p), has ? n : NULL);
    return has;
}

bool named_began(Named *n, Gva addr, uint64_t satp, Pos pos) {
    static const char place_sql[] = "SELECT program_at(?1, ?2, ?3) || ' ' || (?1 - base_at(?1, ?2, ?3))",
                      symbol_sql[] = "SELECT 1 FROM program_symbol WHERE module_id = ? AND name = ? AND addr "
                                     "= ? AND kind IS NOT 'object'";
    Store *store = n->run->store;
    if (!n->place && !(store_prepare(store, place_sql, &n->place, NULL) &&
                       store_prepare(store, symbol_sql, &n->symbol, NULL)))
        return false;
    const char *text = store_run_text(n->place, "uuu", addr, satp, pos);
    Place p;
    return text &&
           sscanf(text, "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, &p.module, (int64_t *)&p.addr) == 2 &&
           has_name(n, &p);
}
