/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/spaces.h"

#include "analyses/store/sorted.h"
#include "analyses/store/symbol_list.h"

#define KERNEL_SPACE ((int64_t)-1) /* rows without a satp: what every space has in its upper half */

typedef struct MapRow {
    Pos from;
    uint64_t addr, size, shift;
    int64_t module; /* 0: from here on there is none */
} MapRow;

typedef struct Turn {
    Pos from;
    uint64_t satp;
} Turn;

struct Spaces {
    sqlite3 *db;
    bool loaded;
    GHashTable *rows;    /* space → GArray of MapRow, the later ones count */
    GArray *distinct;    /* of MapRow, each place once */
    GHashTable *symbols; /* module → GArray of Symbol */
    GPtrArray *turns;    /* by hart: GArray of Turn */
};

static void unref_array(void *array) {
    if (array)
        g_array_unref(array);
}

Spaces *spaces_new(sqlite3 *db) {
    Spaces *s = g_new0(Spaces, 1);
    s->db = db;
    s->rows = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, unref_array);
    s->symbols = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, unref_array);
    s->distinct = g_array_new(FALSE, FALSE, sizeof(MapRow));
    s->turns = g_ptr_array_new_with_free_func(unref_array);
    return s;
}

void spaces_free(Spaces *s) {
    if (!s)
        return;
    g_hash_table_unref(s->rows);
    g_hash_table_unref(s->symbols);
    g_array_unref(s->distinct);
    g_ptr_array_unref(s->turns);
    g_free(s);
}

void spaces_forget(Spaces *s) {
    s->loaded = false;
    g_hash_table_remove_all(s->rows);
    g_hash_table_remove_all(s->symbols);
    g_array_set_size(s->distinct, 0);
    g_ptr_array_set_size(s->turns, 0);
}

/* -- loading --------------------------------------------------------------------------------------------- */

static void add_distinct(Spaces *s, const MapRow *row) {
    for (guint i = 0; i < s->distinct->len; i++) {
        const MapRow *d = &g_array_index(s->distinct, MapRow, i);
        if (d->addr == row->addr && d->size == row->size && d->module == row->module &&
            d->shift == row->shift)
            return;
    }
    g_array_append_val(s->distinct, *row);
}

static void load_maps(Spaces *s) {
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db,
                           "SELECT satp, from_pos, addr, size, shift, module_id FROM map "
                           "ORDER BY iif(satp IS NULL, from_pos, 0), id",
                           -1, &q, NULL) == SQLITE_OK)
        while (sqlite3_step(q) == SQLITE_ROW) {
            int64_t key =
                sqlite3_column_type(q, 0) == SQLITE_NULL ? KERNEL_SPACE : sqlite3_column_int64(q, 0);
            MapRow row = {(Pos)sqlite3_column_int64(q, 1), (uint64_t)sqlite3_column_int64(q, 2),
                          (uint64_t)sqlite3_column_int64(q, 3), (uint64_t)sqlite3_column_int64(q, 4),
                          sqlite3_column_int64(q, 5)};
            GArray *rows = g_hash_table_lookup(s->rows, &key);
            if (!rows)
                g_hash_table_insert(s->rows, g_memdup2(&key, sizeof key),
                                    rows = g_array_new(FALSE, FALSE, sizeof(MapRow)));
            g_array_append_val(rows, row);
            if (row.module)
                add_distinct(s, &row);
        }
    sqlite3_finalize(q);
}

static void load_turns(Spaces *s) {
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db, "SELECT hart, from_pos, satp FROM space ORDER BY hart, from_pos", -1, &q,
                           NULL) == SQLITE_OK)
        while (sqlite3_step(q) == SQLITE_ROW) {
            int hart = sqlite3_column_int(q, 0);
            Turn turn = {(Pos)sqlite3_column_int64(q, 1), (uint64_t)sqlite3_column_int64(q, 2)};
            if (hart < 0 || hart > UINT8_MAX)
                continue;
            if ((guint)hart >= s->turns->len)
                g_ptr_array_set_size(s->turns, hart + 1);
            GArray **turns = (GArray **)&s->turns->pdata[hart];
            if (!*turns)
                *turns = g_array_new(FALSE, FALSE, sizeof(Turn));
            g_array_append_val(*turns, turn);
        }
    sqlite3_finalize(q);
}

static void need(Spaces *s) {
    if (s->loaded)
        return;
    s->loaded = true;
    load_maps(s);
    load_turns(s);
}

/* -- asking ---------------------------------------------------------------------------------------------- */

SpacesPlace spaces_find(Spaces *s, uint64_t satp, Pos pos, uint64_t pc) {
    int64_t key = pc >> 63 ? KERNEL_SPACE : (int64_t)SPACE_OF_SATP(satp);
    need(s);
    const GArray *rows = g_hash_table_lookup(s->rows, &key);
    for (guint i = rows ? sorted_upto(rows, pos) : 0; i-- > 0;) {
        const MapRow *row = &g_array_index(rows, MapRow, i);
        if (pc - row->addr < row->size)
            return (SpacesPlace){row->module, row->shift};
    }
    return (SpacesPlace){0};
}

SpacesPlace spaces_find_unique(Spaces *s, uint64_t pc) {
    SpacesPlace found = {0};
    need(s);
    for (guint i = 0; i < s->distinct->len; i++) {
        const MapRow *row = &g_array_index(s->distinct, MapRow, i);
        if (pc - row->addr >= row->size)
            continue;
        if (found.module && (found.module != row->module || found.shift != row->shift))
            return (SpacesPlace){0};
        found = (SpacesPlace){row->module, row->shift};
    }
    return found;
}

bool spaces_satp(Spaces *s, uint32_t hart, Pos pos, uint64_t *satp) {
    need(s);
    const GArray *turns = hart < s->turns->len ? s->turns->pdata[hart] : NULL;
    guint n = turns ? sorted_upto(turns, pos) : 0;
    if (n)
        *satp = g_array_index(turns, Turn, n - 1).satp;
    return n > 0;
}

bool spaces_text(Spaces *s, SpacesPlace place, uint64_t pc, char *to, size_t size) {
    GArray *list = g_hash_table_lookup(s->symbols, &place.module);
    if (!place.module)
        return false;
    if (!list)
        g_hash_table_insert(
            s->symbols, g_memdup2(&place.module, sizeof place.module),
            list = symbol_list_new(s->db, "program_symbol", "WHERE module_id = ?1", place.module));
    return symbol_list_text(list, pc - place.shift, to, size);
}
