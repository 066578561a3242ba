/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/functions.h"

#include "analyses/store/sorted.h"
#include "analyses/store/symbol_set.h"

#define DISTANCE_MAX (1u << 20) /* a function without a size reaches this far at most */

typedef struct Function {
    Gva addr;
    uint64_t size;
} Function;

struct Functions {
    GArray *sorted; /* of Function, one for each address */
};

static gint compare(gconstpointer a, gconstpointer b) {
    const Function *x = a, *y = b;
    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

/* In order, the largest of those that begin at one address. */
static void sort(GArray *functions) {
    guint n = 0;
    bool is_sorted = true;
    for (guint i = 1; i < functions->len && is_sorted; i++)
        is_sorted =
            compare(&g_array_index(functions, Function, i - 1), &g_array_index(functions, Function, i)) <= 0;
    if (!is_sorted)
        g_array_sort(functions, compare);
    for (guint i = 0; i < functions->len; i++) {
        const Function *x = &g_array_index(functions, Function, i);
        n += n == 0 || g_array_index(functions, Function, n - 1).addr != x->addr;
        g_array_index(functions, Function, n - 1) = *x;
    }
    g_array_set_size(functions, n);
}

/* Of an ELF file, labels are no functions; programs in assembly have nothing else. Modules have their rows together. */
static void take_module(GArray *sorted, const SymbolRow *row, guint n) {
    bool has_functions = false;
    for (guint i = 0; i < n && !has_functions; i++)
        has_functions = row[i].kind == SYMBOL_FUNC;
    for (guint i = 0; i < n; i++)
        if (row[i].kind == (has_functions ? SYMBOL_FUNC : SYMBOL_LABEL)) {
            Function x = {row[i].addr, row[i].size};
            g_array_append_val(sorted, x);
        }
}

Functions *functions_new(Store *store) {
    Functions *f = g_new0(Functions, 1);
    SymbolSet *set = store_symbol_set(store_handle(store));
    const SymbolRow *row;
    guint n = set ? symbol_set_rows(set, &row) : 0;
    f->sorted = g_array_new(FALSE, FALSE, sizeof(Function));
    for (guint from = 0, i = 1; i <= n; i++)
        if (i == n || symbol_set_module(set, &row[i]) != symbol_set_module(set, &row[from])) {
            take_module(f->sorted, row + from, i - from);
            from = i;
        }
    symbol_set_unref(set);
    sort(f->sorted);
    return f;
}

void functions_free(Functions *f) {
    if (!f)
        return;
    g_array_free(f->sorted, TRUE);
    g_free(f);
}

/* The last one that begins at or below the address; NULL: none. */
static const Function *find(const Functions *f, Gva addr) {
    guint n = sorted_upto(f->sorted, addr);
    return n ? &g_array_index(f->sorted, Function, n - 1) : NULL;
}

bool functions_begins(const Functions *f, Gva addr) {
    const Function *x = find(f, addr);
    return x && x->addr == addr;
}

Gva functions_begin_of(const Functions *f, Gva addr) {
    const Function *x = find(f, addr);
    return x && addr - x->addr < (x->size ? x->size : DISTANCE_MAX) ? x->addr : addr;
}

uint64_t functions_inside(const Functions *f, Gva addr) {
    guint n = sorted_upto(f->sorted, addr);
    const Function *x = n ? &g_array_index(f->sorted, Function, n - 1) : NULL;
    if (!x || addr - x->addr >= x->size)
        return 0;
    uint64_t size = n < f->sorted->len ? MIN(x->size, x[1].addr - x->addr) : x->size;
    return size - 1;
}
