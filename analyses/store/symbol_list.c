/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/symbol_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyses/store/sorted.h"

#define DISTANCE_MAX (1u << 20) /* a symbol without a size reaches this far at most */

static void symbol_clear(void *p) {
    g_free((char *)((Symbol *)p)->name);
}

/* A linker's mark of where something begins or ends rather than a function's name (but _start is one). */
static bool is_mark(const char *name) {
    static const char *const ends[] = {"_end", "_start", "_begin"};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
        if (g_str_has_suffix(name, ends[i]) && strcmp(name, "_start") != 0)
            return true;
    return *name == '_' && g_str_has_suffix(name, "text");
}

/* Whom a name is for: no name, marks, what begins with _, others. */
static int name_rank(const char *name) {
    return !name ? 0 : is_mark(name) ? 1 : *name == '_' ? 2 : 3;
}

/*
 * Unsigned order. Of several at an address the last one is found: with a size rather than without, then the best name by
 * rank, the larger one, the first name.
 */
static gint compare(gconstpointer a, gconstpointer b) {
    const Symbol *x = a, *y = b;
    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    int64_t size[2] = {(int64_t)x->size, (int64_t)y->size};
    if ((size[0] > 0) != (size[1] > 0))
        return size[0] > 0 ? 1 : -1;
    int rank[2] = {name_rank(x->name), name_rank(y->name)};
    if (rank[0] != rank[1])
        return rank[0] < rank[1] ? -1 : 1;
    if (size[0] != size[1])
        return size[0] < size[1] ? -1 : 1;
    return g_strcmp0(y->name, x->name);
}

/* Most lists are in order of address already. */
static void sort(GArray *list) {
    Symbol *s = (Symbol *)(void *)list->data;
    for (guint i = 1, from = 0; i < list->len; i++) {
        from = s[i].addr == s[i - 1].addr ? from : i;
        if (compare(&s[i - 1], &s[i]) <= 0)
            continue;
        if (from == i) {
            g_array_sort(list, compare);
            return;
        }
        while (i < list->len && s[i].addr == s[from].addr)
            i++;
        qsort(s + from, i - from, sizeof *s, compare);
        from = i--;
    }
}

GArray *symbol_list_new(sqlite3 *db, const char *table, const char *where, int64_t module) {
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Symbol));
    sqlite3_stmt *s = NULL;
    g_array_set_clear_func(list, symbol_clear);
    g_autofree char *sql = g_strdup_printf("SELECT addr, size, name FROM %s %s", table, where);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(s, 1, module);
        while (sqlite3_step(s) == SQLITE_ROW) {
            Symbol y = {(uint64_t)sqlite3_column_int64(s, 0), (uint64_t)sqlite3_column_int64(s, 1),
                        g_strdup((const char *)sqlite3_column_text(s, 2))};
            g_array_append_val(list, y);
        }
    }
    sqlite3_finalize(s);
    sort(list);
    return list;
}

GArray *symbol_list_of(const SymbolSet *set) {
    const SymbolRow *row;
    guint n = symbol_set_rows(set, &row);
    GArray *list = g_array_sized_new(FALSE, FALSE, sizeof(Symbol), n);
    for (guint i = 0; i < n; i++) {
        Symbol y = {row[i].addr, row[i].size, (char *)row[i].name};
        g_array_append_val(list, y);
    }
    sort(list);
    return list;
}

const Symbol *symbol_list_find(const GArray *list, uint64_t addr) {
    guint n = sorted_upto(list, addr);
    if (n == 0)
        return NULL;
    const Symbol *s = &g_array_index(list, Symbol, n - 1);
    return addr - s->addr < (s->size ? s->size : DISTANCE_MAX) && s->name ? s : NULL;
}

bool symbol_list_text(const GArray *list, uint64_t addr, char *to, size_t size) {
    const Symbol *s = symbol_list_find(list, addr);
    if (!s)
        return false;
    if (addr > s->addr)
        snprintf(to, size, "%s+0x%llx", s->name, (unsigned long long)(addr - s->addr));
    else
        g_strlcpy(to, s->name, size);
    return true;
}
