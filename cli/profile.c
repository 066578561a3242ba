/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/profile.h"

#include <string.h>

#include "analyses/store/sorted.h"
#include "cli/ask.h"

const char profile_tables[] = "call func cover";

typedef struct Key {
    uint32_t parent;
    const char *name;
} Key;

typedef struct Call {
    uint64_t id;
    uint32_t frame;
} Call;

typedef struct Builder {
    Profile *p;
    GHashTable *index; /* of Key → frame number */
    GArray *calls;     /* of Call, by id */
} Builder;

static guint key_hash(gconstpointer v) {
    const Key *k = v;
    return g_direct_hash(k->name) * 31 + k->parent;
}

static gboolean key_equal(gconstpointer a, gconstpointer b) {
    const Key *p = a, *q = b;
    return p->parent == q->parent && p->name == q->name;
}

static Frame *frame_at(const Builder *b, uint32_t i) {
    return &g_array_index(b->p->frames, Frame, i);
}

static uint32_t child(Builder *b, uint32_t parent, const char *name) {
    Key key = {parent, name};
    gpointer found;
    if (g_hash_table_lookup_extended(b->index, &key, NULL, &found))
        return GPOINTER_TO_UINT(found);
    Frame f = {parent, name, 0, frame_at(b, parent)->depth + 1};
    uint32_t i = b->p->frames->len;
    g_array_append_val(b->p->frames, f);
    g_hash_table_insert(b->index, g_memdup2(&key, sizeof key), GUINT_TO_POINTER(i));
    return i;
}

const char *profile_function(const char *symbol) {
    const char *plus = symbol ? strrchr(symbol, '+') : NULL;
    if (!symbol)
        return g_intern_static_string("?");
    if (!plus || strncmp(plus, "+0x", 3))
        return g_intern_string(symbol);
    g_autofree char *bare = g_strndup(symbol, (gsize)(plus - symbol));
    return g_intern_string(bare);
}

/* Frame of a call that came before; 0: it has no row. */
static uint32_t frame_of(const Builder *b, uint64_t id) {
    guint n = sorted_upto(b->calls, id);
    const Call *c = n ? &g_array_index(b->calls, Call, n - 1) : NULL;
    return c && c->id == id ? c->frame : 0;
}

static void add_self(Builder *b, uint32_t frame, uint64_t insns) {
    frame_at(b, frame)->self = (int64_t)((uint64_t)frame_at(b, frame)->self + insns);
}

/* id, parent_id, symbol, insns, the task's name */
static void add_call(void *opaque, const QueryValue *v) {
    Builder *b = opaque;
    uint32_t above = v[1].type == QUERY_INTEGER ? frame_of(b, (uint64_t)v[1].integer) : 0;
    if (!above)
        above = child(b, 0, g_intern_string(v[4].type == QUERY_TEXT ? v[4].text : "no task"));
    bool deep = frame_at(b, above)->depth >= PROFILE_DEPTH;
    Call call = {(uint64_t)v[0].integer, deep ? above : child(b, above, profile_function(v[2].text))};
    g_array_append_val(b->calls, call);
    if (deep)
        return;
    add_self(b, call.frame, v[3].integer);
    if (frame_at(b, above)->parent)
        add_self(b, above, -(uint64_t)v[3].integer);
}

static bool read_calls(Builder *b, sqlite3 *db, GError **error) {
    bool tasks = ask_has(db, "task");
    g_autofree char *sql = g_strdup_printf(
        "SELECT c.id, c.parent_id, coalesce(c.symbol, printf('%%#x', c.pc)), c.insns, %s FROM call AS c %s "
        "WHERE c.id > 0 ORDER BY c.id",
        tasks ? "coalesce(nullif(t.name, ''), 'task ' || t.id)" : "'task ' || c.task_id",
        tasks ? "LEFT JOIN task AS t ON t.id = c.task_id" : "");
    b->calls = g_array_new(FALSE, FALSE, sizeof(Call));
    bool ok = ask_rows(db, sql, add_call, b, error);
    g_array_unref(b->calls);
    return ok;
}

/* module, symbol, instructions */
static void add_flat(void *opaque, const QueryValue *v) {
    Builder *b = opaque;
    uint32_t module = child(b, 0, g_intern_string(v[0].type == QUERY_TEXT ? v[0].text : "elsewhere"));
    const char *name = profile_function(v[1].text);
    add_self(b, child(b, module, name), (uint64_t)v[2].integer);
}

static bool read_flat(Builder *b, sqlite3 *db, GError **error) {
    b->p->flat = true;
    return ask_rows(db,
                    ask_has(db, "func")
                        ? "SELECT m.name, coalesce(symbol, printf('%#x', addr)), self_insns FROM func "
                          "LEFT JOIN main.module AS m ON m.id = module_id"
                        : "SELECT m.name, symbol_in(coalesce(m.base, 0) + offset, iif(m.base IS NULL, m.id, "
                          "NULL), 0), count FROM cover "
                          "LEFT JOIN main.module AS m ON m.id = module_id",
                    add_flat, b, error);
}

Profile *profile_new(sqlite3 *db, GError **error) {
    Builder b = {.p = g_new0(Profile, 1)};
    Frame root = {0, g_intern_static_string("all"), 0, 0};
    b.p->frames = g_array_new(FALSE, FALSE, sizeof(Frame));
    g_array_append_val(b.p->frames, root);
    b.index = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
    bool ok = ask_has(db, "call") ? read_calls(&b, db, error) : read_flat(&b, db, error);
    g_hash_table_unref(b.index);
    for (guint i = 0; i < b.p->frames->len; i++)
        frame_at(&b, i)->self = MAX(frame_at(&b, i)->self, 0);
    if (ok)
        return b.p;
    profile_free(b.p);
    return NULL;
}

void profile_free(Profile *p) {
    g_array_unref(p->frames);
    g_free(p);
}
